"""The arguments of a query, whose names and types have been checked."""

from ecology.core.limits import MAX_PAGE

Arguments = dict[str, str | int]

_PAGE = 10


def text(args: Arguments, name: str) -> str | None:
    """A text, or None if it was left out."""
    value = args.get(name)
    return value if isinstance(value, str) else None


def number(args: Arguments, name: str, default: int | None) -> int | None:
    """A whole number, or the default if it was left out."""
    value = args.get(name)
    return value if isinstance(value, int) else default


def limit(args: Arguments) -> int:
    """How many entries a page may have: `limit`, within bounds."""
    asked = number(args, "limit", _PAGE)
    return max(1, min(asked if asked is not None else _PAGE, MAX_PAGE))
