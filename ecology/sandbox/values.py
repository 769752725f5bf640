"""What may cross the border between host and code: JSON, in small amounts.

None, booleans, integers of 64 bits, finite floats, Unicode text, lists and objects with text as keys, at most
`MAX_DEPTH` levels of them. Tuples become lists, as JSON does it.
"""

import math

import msgspec

from ecology.core.limits import MAX_DEPTH

_LARGEST = 2**63 - 1
_SMALLEST = -(2**63)


class NotJson(ValueError):
    """A value has no place in JSON as understood here; the text says what and is fit for the code's author."""


def plain(value: object) -> object:
    """A copy of `value` in lists, dicts and scalars alone, sharing nothing mutable with it. Raises NotJson."""
    return _plain(value, MAX_DEPTH)


def json_size(value: object) -> int:
    """Bytes of a plain value as compact JSON in UTF-8. Raises NotJson for text that is not Unicode."""
    try:
        return len(msgspec.json.encode(value))
    except UnicodeEncodeError:
        raise NotJson("text with half of a character (a lone surrogate) is not Unicode") from None


def _plain(value: object, levels: int) -> object:
    kind = type(value)
    if kind is str or value is None or kind is bool:
        return value
    if kind is int:
        assert isinstance(value, int)
        if not _SMALLEST <= value <= _LARGEST:
            raise NotJson("an integer of more than 64 bits")
        return value
    if kind is float:
        assert isinstance(value, float)
        if not math.isfinite(value):
            raise NotJson("a float that is not finite")
        return value
    if not levels:
        raise NotJson(f"lists and objects nested deeper than {MAX_DEPTH} levels")
    if isinstance(value, list | tuple):
        return [_plain(item, levels - 1) for item in value]
    if isinstance(value, dict):
        for key in value:
            if type(key) is not str:
                raise NotJson("an object with a key that is not text")
        return {key: _plain(item, levels - 1) for key, item in value.items()}
    if isinstance(value, str):  # a host's enumeration; no text of Monty's is of any other type
        return str(value)
    raise NotJson(f"{_named(value)} is no JSON value")


def _named(value: object) -> str:
    """What to call a value that came out of Monty, without anything in it that differs from run to run."""
    kind = type(value).__name__
    return "an instance of a class" if kind.startswith("Monty") else f"a value of type {kind}"
