"""The mint: who bid, what was paid, what was issued for it, and how the supply grew."""

import msgspec
import numpy as np

from ecology.core.ids import WORLD
from ecology.events.economy import BidClosed, BidPlaced, MintResolved
from ecology.events.records import TransferPosted
from ecology.observe.measures.fold import Fold
from ecology.observe.measures.timeline import Frame, Timeline
from ecology.resources.assets import SCRIP


class MintMeasures(msgspec.Struct, frozen=True, kw_only=True):
    """Bids and what became of them: `won` were scored and paid, `failed` got no score, the rest awaits a resolution.

    `minted` is new scrip, `paid` what winners paid (to other families), both in whole scrip. `mean_score` is over
    the won; None of none.
    """

    resolutions: int
    bids: int
    won: int
    lost: int
    failed: int
    minted: int
    paid: int
    mean_score: float | None


class SupplySeries(msgspec.Struct, frozen=True, kw_only=True):
    """Scrip in existence, and how much of it was minted, at each time."""

    times_ns: list[int]
    supply: list[int]
    minted: list[int]


class Mint:
    """Counts bids by their end."""

    def __init__(self, fold: Fold) -> None:
        self._resolutions = self._bids = self._minted = self._paid = self._scores = 0
        self._ends = {"minted": 0, "lost": 0, "failed": 0}
        fold.on(BidPlaced, self._placed)
        fold.on(BidClosed, self._closed)
        fold.on(MintResolved, self._resolved)

    def result(self) -> MintMeasures:
        """The measures at the end of the history so far."""
        won = self._ends["minted"]
        return MintMeasures(
            resolutions=self._resolutions,
            bids=self._bids,
            won=won,
            lost=self._ends["lost"],
            failed=self._ends["failed"],
            minted=self._minted,
            paid=self._paid,
            mean_score=self._scores / won if won else None,
        )

    def _placed(self, _event: BidPlaced) -> None:
        self._bids += 1

    def _closed(self, event: BidClosed) -> None:
        self._ends[event.how] += 1
        self._minted += event.minted
        self._paid += event.price
        self._scores += event.score

    def _resolved(self, _event: MintResolved) -> None:
        self._resolutions += 1


class Supply:
    """The supply over world time, in a bounded number of snapshots."""

    def __init__(self, fold: Fold) -> None:
        self._fold = fold
        self._timeline = Timeline()
        self._supply = 0
        self._minted = 0
        fold.on(TransferPosted, self._moved)
        fold.on(BidClosed, self._closed)

    def result(self) -> SupplySeries:
        """The series up to the end of the history so far."""
        self._timeline.finish(self._fold.end_ns, self._frame)
        frames = self._timeline.frames
        return SupplySeries(
            times_ns=list(self._timeline.times_ns),
            supply=[int(frame[0]) for frame in frames],
            minted=[int(frame[1]) for frame in frames],
        )

    def _frame(self) -> Frame:
        return np.array((self._supply, self._minted), dtype=np.int64)

    def _moved(self, event: TransferPosted) -> None:
        if event.asset == SCRIP and WORLD in (event.from_id, event.to_id):
            self._timeline.advance(event.time_ns, self._frame)
            self._supply += event.amount if event.from_id == WORLD else -event.amount

    def _closed(self, event: BidClosed) -> None:
        if event.minted:
            self._timeline.advance(event.time_ns, self._frame)
            self._minted += event.minted
