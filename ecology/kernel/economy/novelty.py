"""How new a work is: the share of its text that no work submitted lately contains.

A work is the set of its shingles: five words in a row (eight bytes in a row where there are no words). Two works are as
similar as the Jaccard index of their sets, |A ∩ B| ÷ |A ∪ B|, estimated from the k smallest hashes of each set
(bottom-k sketches: Broder, "On the resemblance and containment of documents", 1997; Thorup, "Bottom-k and priority
sampling", 2013). The standard error is at most 1 ÷ (2·√k), under 5 percentage points here; sets of fewer than k
shingles are compared exactly. Only integers and BLAKE2b are involved, so every machine sees the same similarity.
"""

import re
from hashlib import blake2b
from itertools import islice

import msgspec
from sortedcontainers import SortedDict

from ecology.artifacts.artifact import BYTES
from ecology.kernel.register import Register

REMEMBERED = 512
"""How many works a new one is compared with: the last ones."""

SKETCH_HASHES = 128
SHINGLE_WORDS = 5
SHINGLE_BYTES = 8
LOOKED_AT_BYTES = 65_536
"""A longer content is judged by its beginning, so that one resolution stays a matter of milliseconds."""

_HASH_BYTES = 4
_WORD = re.compile(r"\w+")


def sketch_of(format: str, content: bytes) -> tuple[int, ...]:
    """The smallest SKETCH_HASHES hashes of a content's shingles, ascending; empty for an empty content."""
    beginning = content[:LOOKED_AT_BYTES]
    words = [] if format == BYTES else _WORD.findall(beginning.decode("utf-8", "ignore").lower())
    if not words:
        shingles = {
            beginning[at : at + SHINGLE_BYTES] for at in range(max(1, len(beginning) - SHINGLE_BYTES + 1))
        }
    else:
        rows = zip(*(islice(words, start, None) for start in range(SHINGLE_WORDS)), strict=False)
        shingles = {" ".join(row).encode() for row in rows} or {" ".join(words).encode()}
    shingles.discard(b"")
    hashes = {int.from_bytes(blake2b(it, digest_size=_HASH_BYTES).digest(), "big") for it in shingles}
    return tuple(sorted(hashes)[:SKETCH_HASHES])


def similarity(one: frozenset[int], other: tuple[int, ...]) -> int:
    """The Jaccard index of two sketched sets in percent, rounded down; 0 if one is empty."""
    shared = one.intersection(other)
    if not shared:
        return 0
    smallest = sorted(one.union(other))[:SKETCH_HASHES]
    return 100 * sum(value in shared for value in smallest) // len(smallest)


class Sketch(msgspec.Struct, frozen=True):
    """The sketch of a submitted work; `id` is its bid's."""

    id: str
    sequence: int
    artifact: str
    hashes: tuple[int, ...]


class Sketches(Register[Sketch]):
    """The works that were scored last, or are being scored: at most REMEMBERED, the oldest goes first."""

    def __init__(self) -> None:
        super().__init__("sketch", Sketch)
        self._by_age: SortedDict[int, str] = SortedDict()

    def nearest(self, hashes: tuple[int, ...]) -> tuple[int, str]:
        """The highest similarity to a remembered work (percent) and its artifact; the earliest one of several."""
        wanted = frozenset(hashes)
        best, artifact = 0, ""
        for name in self._by_age.values():
            known = self._records[name]
            found = similarity(wanted, known.hashes)
            if found > best:
                best, artifact = found, known.artifact
        return best, artifact

    def remember(self, sketch: Sketch) -> None:
        """Add a work, and forget the oldest one that is too many."""
        self.put(sketch)
        if len(self) > REMEMBERED:
            self.drop(self._by_age.peekitem(0)[1])

    def file(self, record: Sketch) -> None:
        self._by_age[record.sequence] = record.id

    def unfile(self, record: Sketch) -> None:
        del self._by_age[record.sequence]
