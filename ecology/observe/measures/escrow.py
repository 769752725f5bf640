"""What was put up for sale and what became of it; which rights were sold, let, and lay idle in escrow meanwhile."""

from collections import defaultdict

import msgspec

from ecology.core.clock import SECOND_NS
from ecology.events.economy import (
    CodeRan,
    ListingClosed,
    ListingOpened,
    ListingSold,
    RightRented,
    RightReverted,
)
from ecology.events.records import ArtifactCreated, ArtifactDeleted, OwnershipMoved
from ecology.observe.measures.bins import FEW_BINS, Bins
from ecology.observe.measures.flow import Flow
from ecology.observe.measures.fold import Fold
from ecology.observe.measures.samples import Sample, median
from ecology.resources.flow import AS_GRANTED_PPM

DEBT = "debt"
"""The type by which artifacts that are claims say so."""

TURNOVER = ("rights", "rents", "artifacts")


class EscrowMeasures(msgspec.Struct, frozen=True, kw_only=True):
    """Listings by their end: those that are neither sold, cancelled nor stale are `open`. `turnover` is scrip paid.

    `median_seconds_to_sale` is world time from listing to sale; None without a sale.
    """

    listed: int
    sold: int
    cancelled: int
    stale: int
    open: int
    turnover: int
    median_seconds_to_sale: float | None


class RightsMeasures(msgspec.Struct, frozen=True, kw_only=True):
    """Dealings in rights: sold for good, let for a time, and come back. Amounts by asset, in its base units."""

    sold: int
    rented: int
    reverted: int
    amounts_sold: dict[str, int]
    amounts_rented: dict[str, int]


class DebtMeasures(msgspec.Struct, frozen=True, kw_only=True):
    """Artifacts of type `debt`: issued, deleted since, how often they changed hands, and the scrip repaid on them.

    Repaid is what successful invocations of a claim cost: its price is the repayment.
    """

    issued: int
    deleted: int
    traded: int
    repaid: int


class TurnoverSeries(msgspec.Struct, frozen=True, kw_only=True):
    """`scrip[kind][i]` was paid in escrow from `i × bin_ns` on, before the next bin."""

    bin_ns: int
    scrip: dict[str, list[int]]


class _Open(msgspec.Struct, frozen=True):
    since_ns: int
    asset: str | None
    amount: int


class Escrow:
    """Folds listings, rentals and claims; memory grows with the open listings and the claims."""

    def __init__(self, fold: Fold) -> None:
        self._fold = fold
        self.flow = Flow(fold)
        """What lies idle is measured in what would have flowed."""
        self._open: dict[str, _Open] = {}
        self._idle: defaultdict[str, int] = defaultdict(int)
        self._idle_time: defaultdict[str, int] = defaultdict(int)  # base units × ns × ppm, of closed listings
        self._listed = self._sold = self._turnover = 0
        self._closed = {"cancelled": 0, "stale": 0}
        self._waits_ns = Sample()
        self._rented = self._reverted = self._rights_sold = 0
        self._amounts_sold: defaultdict[str, int] = defaultdict(int)
        self._amounts_rented: defaultdict[str, int] = defaultdict(int)
        self._debts: set[str] = set()
        self._debts_issued = self._debts_traded = self._debts_repaid = 0
        self._bins = Bins(FEW_BINS)
        fold.on(ListingOpened, self._list)
        fold.on(ListingSold, self._sell)
        fold.on(ListingClosed, self._close)
        fold.on(RightRented, self._rent)
        fold.on(RightReverted, self._revert)
        fold.on(ArtifactCreated, self._created)
        fold.on(ArtifactDeleted, lambda event: self._debts.discard(event.artifact_id))
        fold.on(OwnershipMoved, self._handed_over)
        fold.on(CodeRan, self._ran)

    def result(self) -> EscrowMeasures:
        """Listings so far."""
        wait_ns = median(sorted(self._waits_ns.values))
        return EscrowMeasures(
            listed=self._listed,
            sold=self._sold,
            cancelled=self._closed["cancelled"],
            stale=self._closed["stale"],
            open=len(self._open),
            turnover=self._turnover,
            median_seconds_to_sale=None if wait_ns is None else wait_ns / SECOND_NS,
        )

    def rights(self) -> RightsMeasures:
        """Dealings in rights so far."""
        return RightsMeasures(
            sold=self._rights_sold,
            rented=self._rented,
            reverted=self._reverted,
            amounts_sold=dict(sorted(self._amounts_sold.items())),
            amounts_rented=dict(sorted(self._amounts_rented.items())),
        )

    def debts(self) -> DebtMeasures:
        """Claims so far."""
        return DebtMeasures(
            issued=self._debts_issued,
            deleted=self._debts_issued - len(self._debts),
            traded=self._debts_traded,
            repaid=self._debts_repaid,
        )

    def turnover(self) -> TurnoverSeries:
        """Scrip paid in escrow over world time, by what was bought; empty of no sale."""
        if self._sold:
            self._bins.cover(self._fold.end_ns)
        rows = self._bins.rows()
        return TurnoverSeries(
            bin_ns=self._bins.bin_ns, scrip={kind: rows[kind] for kind in TURNOVER if kind in rows}
        )

    def idle(self, asset: str) -> int:
        """How much of an asset is set aside for sale at the end of the history so far, base units."""
        return self._idle.get(asset, 0)

    def idle_time(self, asset: str) -> int:
        """How much was set aside for how long: what would have flowed so far, in base units."""
        end_ns = self._fold.end_ns
        still = sum(
            listing.amount * self.flow.passed(asset, listing.since_ns, end_ns)
            for listing in self._open.values()
            if listing.asset == asset
        )
        return (self._idle_time.get(asset, 0) + still) // (SECOND_NS * AS_GRANTED_PPM)

    def _list(self, event: ListingOpened) -> None:
        self._listed += 1
        self._open[event.listing_id] = _Open(event.time_ns, event.asset, event.amount)
        if event.asset is not None:
            self._idle[event.asset] += event.amount

    def _sell(self, event: ListingSold) -> None:
        self._sold += 1
        self._turnover += event.price
        self._waits_ns.add(self._end(event.listing_id, event.time_ns))
        if event.asset is None:
            self._bins.add("artifacts", event.time_ns, event.price)
        elif event.rent_ms:
            self._bins.add("rents", event.time_ns, event.price)
        else:
            self._bins.add("rights", event.time_ns, event.price)
            self._rights_sold += 1
            self._amounts_sold[event.asset] += event.amount

    def _close(self, event: ListingClosed) -> None:
        self._closed[event.reason] += 1
        self._end(event.listing_id, event.time_ns)

    def _end(self, listing_id: str, now_ns: int) -> int:
        """A listing is over; returns how long it was open."""
        listing = self._open.pop(listing_id)
        open_ns = now_ns - listing.since_ns
        if listing.asset is not None:
            self._idle[listing.asset] -= listing.amount
            flowed = self.flow.passed(listing.asset, listing.since_ns, now_ns)
            self._idle_time[listing.asset] += listing.amount * flowed
        return open_ns

    def _rent(self, event: RightRented) -> None:
        self._rented += 1
        self._amounts_rented[event.asset] += event.amount

    def _revert(self, _event: RightReverted) -> None:
        self._reverted += 1

    def _created(self, event: ArtifactCreated) -> None:
        if event.artifact_type == DEBT:
            self._debts_issued += 1
            self._debts.add(event.artifact_id)

    def _handed_over(self, event: OwnershipMoved) -> None:
        if event.artifact_id in self._debts:
            self._debts_traded += 1

    def _ran(self, event: CodeRan) -> None:
        if event.artifact_id in self._debts and event.fault is None:
            self._debts_repaid += event.price
