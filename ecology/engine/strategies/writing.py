"""What scripted authors write: notes of drawn words, which tools can sort, edit and print."""

from ecology.core.seeds import Draw

_WORDS = (
    "amber", "anchor", "basin", "beacon", "bramble", "canvas", "cedar", "cinder", "clay", "copper", "delta",
    "ember", "falcon", "fern", "flint", "garden", "glacier", "granite", "harbour", "hazel", "hollow", "island",
    "ivory", "jasper", "kettle", "lantern", "larch", "ledger", "linen", "marble", "market", "meadow", "mill",
    "moss", "nettle", "oak", "orchard", "pewter", "plough", "quarry", "quill", "raven", "reed", "river", "saddle",
    "signal", "slate", "spindle", "tallow", "thicket", "thistle", "timber", "valley", "vessel", "village",
    "walnut", "weaver", "wharf", "willow", "winter", "yarrow", "yeast", "zephyr", "zinc",
)  # fmt: skip
_BITS = 6
NOTE_WORDS = 6
"""Words in a note."""

assert len(_WORDS) == 1 << _BITS


def notes(draw: Draw, count: int) -> str:
    """So many notes of drawn words, one a line."""
    lines = []
    for _ in range(count):
        bits = draw.bits()
        lines.append(" ".join(_WORDS[bits >> shift & 63] for shift in range(0, NOTE_WORDS * _BITS, _BITS)))
    return "\n".join(lines)
