"""Actions by type over world time, in bins that widen as the history grows."""

import msgspec

from ecology.events.records import ActionTaken
from ecology.observe.measures.fold import Fold

MAX_BINS = 200
_FIRST_BIN_NS = 100_000_000


class TempoSeries(msgspec.Struct, frozen=True, kw_only=True):
    """`counts[kind][i]` actions took place from `i × bin_ns` on, before the next bin; kinds most frequent
    first.

    The last bin may be cut off by the end of the history.
    """

    bin_ns: int
    counts: dict[str, list[int]]


class Tempo:
    """Bins whose width doubles whenever there would be more than `MAX_BINS`."""

    def __init__(self, fold: Fold) -> None:
        self._bin_ns = _FIRST_BIN_NS
        self._counts: dict[str, list[int]] = {}
        self._bins = 0
        fold.on(ActionTaken, self._acted)

    def result(self) -> TempoSeries:
        """The bins so far, all kinds of equal length."""
        kinds = sorted(self._counts, key=lambda kind: (-sum(self._counts[kind]), kind))
        padded = {kind: self._counts[kind] + [0] * (self._bins - len(self._counts[kind])) for kind in kinds}
        return TempoSeries(bin_ns=self._bin_ns, counts=padded)

    def _acted(self, event: ActionTaken) -> None:
        place = event.time_ns // self._bin_ns
        while place >= MAX_BINS:
            self._widen()
            place = event.time_ns // self._bin_ns
        counts = self._counts.setdefault(event.action, [])
        if place >= len(counts):
            counts.extend([0] * (place + 1 - len(counts)))
            self._bins = max(self._bins, place + 1)
        counts[place] += 1

    def _widen(self) -> None:
        self._bin_ns *= 2
        self._bins = (self._bins + 1) // 2
        for kind, counts in self._counts.items():
            self._counts[kind] = [sum(counts[place : place + 2]) for place in range(0, len(counts), 2)]
