"""Actions by type over world time."""

import msgspec

from ecology.events.records import ActionTaken
from ecology.observe.measures.bins import Bins
from ecology.observe.measures.fold import Fold


class TempoSeries(msgspec.Struct, frozen=True, kw_only=True):
    """`counts[kind][i]` actions took place from `i × bin_ns` on, before the next bin; kinds most frequent
    first.

    The last bin may be cut off by the end of the history.
    """

    bin_ns: int
    counts: dict[str, list[int]]


class Tempo:
    """Counts actions in bins of world time."""

    def __init__(self, fold: Fold) -> None:
        self._bins = Bins()
        fold.on(ActionTaken, lambda event: self._bins.add(event.action, event.time_ns))

    def result(self) -> TempoSeries:
        """The bins so far, all kinds of equal length."""
        counts = self._bins.rows()
        kinds = sorted(counts, key=lambda kind: (-sum(counts[kind]), kind))
        return TempoSeries(bin_ns=self._bins.bin_ns, counts={kind: counts[kind] for kind in kinds})
