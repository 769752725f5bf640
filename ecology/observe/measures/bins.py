"""Sums over world time, in bins that widen as the history grows."""

MAX_BINS = 200
FEW_BINS = 60
"""For series of rare events, such as sales."""

_FIRST_BIN_NS = 100_000_000


class Bins:
    """Whole numbers added up by kind and time; the width doubles whenever there would be more than `limit`.

    What is in bin `i` happened from `i × bin_ns` on, before the next bin. All kinds share one width.
    """

    def __init__(self, limit: int = MAX_BINS) -> None:
        self._limit = limit
        self.bin_ns = _FIRST_BIN_NS
        self._rows: dict[str, list[int]] = {}
        self._count = 0

    def add(self, kind: str, time_ns: int, amount: int = 1) -> None:
        """Add `amount` to a kind's bin at `time_ns`."""
        place = time_ns // self.bin_ns
        if place >= self._limit:
            self.cover(time_ns)
            place = time_ns // self.bin_ns
        row = self._rows.setdefault(kind, [])
        if place >= len(row):
            row.extend([0] * (place + 1 - len(row)))
            self._count = max(self._count, place + 1)
        row[place] += amount

    def cover(self, time_ns: int) -> None:
        """Widen the bins until `time_ns` falls into one of them."""
        while time_ns // self.bin_ns >= self._limit:
            self.bin_ns *= 2
            self._count = (self._count + 1) // 2
            for kind, row in self._rows.items():
                self._rows[kind] = [sum(row[place : place + 2]) for place in range(0, len(row), 2)]

    def rows(self) -> dict[str, list[int]]:
        """The bins of each kind, all of equal length; the last one may be cut off by the end of the history."""
        return {kind: row + [0] * (self._count - len(row)) for kind, row in self._rows.items()}
