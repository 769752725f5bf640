"""A figure as the page shows it: the drawing, what it says in words, and the numbers behind it."""

import msgspec

from ecology.core.clock import SECOND_NS

MAX_LABEL = 24


class Plate(msgspec.Struct, frozen=True, kw_only=True):
    """`svg` is None where there was nothing to draw; then `missing` says what there was not.

    `reading` is the finding in one sentence, also the figure's description for screen readers. `header` and
    `rows` are the numbers behind the drawing.
    """

    name: str
    title: str
    reading: str
    svg: str | None = None
    missing: str = ""
    note: str = ""
    header: list[str] = []
    rows: list[list[str]] = []


def short(text: str) -> str:
    """A label that fits, without characters that are not for printing."""
    shown = "".join(
        character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text
    )
    return shown if len(shown) <= MAX_LABEL else shown[: MAX_LABEL - 1] + "…"


def time_axis(end_ns: int, kind: str = "world time") -> tuple[float, str]:
    """The unit for an axis of time up to `end_ns`: nanoseconds per unit, and its label."""
    for unit_ns, label, least in (
        (24 * 3600 * SECOND_NS, "days", 3),
        (3600 * SECOND_NS, "hours", 3),
        (60 * SECOND_NS, "minutes", 3),
    ):
        if end_ns >= least * unit_ns:
            return float(unit_ns), f"{kind} ({label})"
    return float(SECOND_NS), f"{kind} (seconds)"
