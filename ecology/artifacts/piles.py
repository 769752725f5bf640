"""What each bearer's disk is occupied by and could be cleared of, in the order in which it would go."""

from collections.abc import Mapping
from heapq import heapify, heappop, heappush

from ecology.artifacts.artifact import Artifact

_SPARE = 64

Entry = tuple[int, int]
"""Time of the last write and creation, both negated: the heap's smallest was written last."""


class _Pile:
    """A heap of what was put on it, and how long it may grow before it is cleared of what is outdated."""

    __slots__ = ("bound", "heap")

    def __init__(self) -> None:
        self.heap: list[Entry] = []
        self.bound = _SPARE


class Piles:
    """A pile for each bearer. Nothing is ever taken out of one: an entry that is no longer true is skipped.

    Writing is common and clearing is rare, so a write costs one push. What is outdated is swept out whenever a pile has
    doubled, which keeps it within twice what lies on it.
    """

    def __init__(self, living: Mapping[int, Artifact]) -> None:
        """`living` are the artifacts that are not deleted, by the sequence of their creation."""
        self._living = living
        self._piles: dict[str, _Pile] = {}

    def put(self, artifact: Artifact) -> None:
        """An artifact is new, or something of what decides its place has changed."""
        if not _occupies(artifact):
            return
        pile = self._piles.get(artifact.bearer)
        if pile is None:
            pile = self._piles[artifact.bearer] = _Pile()
        heappush(pile.heap, (-artifact.updated_ns, -artifact.created_sequence))
        if len(pile.heap) > pile.bound:
            pile.heap = [entry for entry in dict.fromkeys(pile.heap) if self._current(entry, artifact.bearer)]
            heapify(pile.heap)
            pile.bound = 2 * len(pile.heap) + _SPARE

    def top(self, bearer: str) -> Artifact | None:
        """What the bearer would be cleared of first; None if there is nothing."""
        pile = self._piles.get(bearer)
        if pile is None:
            return None
        heap = pile.heap
        while heap:
            artifact = self._current(heap[0], bearer)
            if artifact is not None:
                return artifact
            heappop(heap)
        del self._piles[bearer]
        return None

    def of(self, bearer: str) -> list[Artifact]:
        """Everything on a bearer's pile, in the order in which it would go."""
        pile = self._piles.get(bearer)
        entries = [] if pile is None else sorted(dict.fromkeys(pile.heap))
        found = (self._current(entry, bearer) for entry in entries)
        return [artifact for artifact in found if artifact is not None]

    def _current(self, entry: Entry, bearer: str) -> Artifact | None:
        """The artifact of an entry that still holds."""
        written, created = entry
        artifact = self._living.get(-created)
        if artifact is None or artifact.bearer != bearer or artifact.updated_ns != -written:
            return None
        return artifact if _occupies(artifact) else None


def _occupies(artifact: Artifact) -> bool:
    """Whether its bearer could be relieved of it: what is permanent stays, what is empty would free nothing."""
    return artifact.size_bytes > 0 and not artifact.permanent
