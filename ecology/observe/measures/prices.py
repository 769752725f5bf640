"""What things cost: a series of prices for each kind of goods, and whether it settles."""

from collections.abc import Sequence

import msgspec

from ecology.events.economy import CodeRan, ListingSold, MintResolved
from ecology.observe.measures.bins import FEW_BINS, Bins
from ecology.observe.measures.fold import Fold
from ecology.observe.measures.samples import Sample, median, robust_variation
from ecology.observe.measures.services import is_invocation
from ecology.resources.assets import (
    CPU_CAPACITY,
    CPU_RATE,
    DISK,
    LLM_BUDGET,
    LLM_CAPACITY,
    LLM_RATE,
    MEMORY,
)

UNIT_OF_SALE: dict[str, tuple[str, int]] = {
    LLM_RATE: ("token/s", 1_000),
    LLM_CAPACITY: ("token", 1_000),
    CPU_RATE: ("CPU-second/s", 1_000_000),
    CPU_CAPACITY: ("CPU-second", 1_000_000),
    DISK: ("megabyte", 1_000_000),
    MEMORY: ("megabyte", 1_000_000),
    LLM_BUDGET: ("dollar", 1_000_000),
}
"""What prices of rights are quoted for: the unit, and how many of the asset's base units it is."""

RENT, ARTIFACT, CALL, MINT = "rent/", "artifact/", "call/", "mint"
"""What the names of goods begin with that are not simply an asset."""

HOUR_MS = 3_600_000
FOR_AN_HOUR = " for 1 h"
"""What the units of rents end with."""

MAX_SERIES = 256
"""Kinds of artifacts and tools whose prices are kept at one time; beyond it the half that sold least is forgotten."""
SHOWN_SERIES = 20
"""Kinds of artifacts, and tools, whose prices a summary names: those that sold most."""

MIN_SALES = 24
SETTLED_SPREAD = 0.2
SETTLED_CALM = 0.1


class Price(msgspec.Struct, frozen=True, kw_only=True):
    """The price of one kind of goods over the whole run, in scrip per `unit`.

    `first`, `last` and `median` are over single sales, `turnover` is the scrip paid. `variation` and `variation_early`
    are those of the last and the first third of the sales; with too few sales they and `settled` are None.
    """

    unit: str
    sales: int
    turnover: int
    first: float
    last: float
    median: float
    variation_early: float | None
    variation: float | None
    settled: bool | None


class PriceSeries(msgspec.Struct, frozen=True, kw_only=True):
    """The volume-weighted price in bins of world time; None where nothing was sold. `sales[i]` are counts."""

    unit: str
    bin_ns: int
    prices: list[float | None]
    sales: list[int]


def settlement(prices: Sequence[float]) -> tuple[float | None, float | None, bool | None]:
    """Early variation, late variation, and whether the price settles; three None with fewer than `MIN_SALES` prices.

    It settles if in the last third of the sales it scatters by at most `SETTLED_SPREAD`, no more than in the first
    third (below `SETTLED_CALM` that does not matter), and stands within `SETTLED_SPREAD` of where it was in the middle.
    """
    if len(prices) < MIN_SALES:
        return None, None, None
    third = len(prices) // 3
    late_prices = prices[-third:]
    early, late = robust_variation(prices[:third]), robust_variation(late_prices)
    middle, end = median(sorted(prices[third:-third])), median(sorted(late_prices))
    if early is None or late is None or middle is None or end is None:
        return early, late, None
    calm = late <= min(SETTLED_SPREAD, max(early, SETTLED_CALM))
    return early, late, calm and abs(end - middle) <= SETTLED_SPREAD * end


class _Ledger:
    """The sales of one kind of goods. A unit is `base` of what quantities are counted in."""

    def __init__(self, unit: str, base: int) -> None:
        self.unit = unit
        self.sample = Sample()
        self.turnover = 0
        self.first = self.last = 0.0
        self._base = base
        self._bins = Bins(FEW_BINS)

    def sell(self, time_ns: int, paid: int, quantity: int) -> None:
        self.last = paid * self._base / quantity
        if not self.sample.count:
            self.first = self.last
        self.sample.add(self.last)
        self.turnover += paid
        bins = self._bins
        bins.add("paid", time_ns, paid)
        bins.add("quantity", time_ns, quantity)
        bins.add("sales", time_ns)

    def price(self) -> Price:
        middle = median(sorted(self.sample.values))
        assert middle is not None, "a ledger is opened by a sale"
        early, late, settled = settlement(self.sample.values)
        return Price(
            unit=self.unit,
            sales=self.sample.count,
            turnover=self.turnover,
            first=self.first,
            last=self.last,
            median=middle,
            variation_early=early,
            variation=late,
            settled=settled,
        )

    def series(self, end_ns: int) -> PriceSeries:
        self._bins.cover(end_ns)
        rows = self._bins.rows()
        return PriceSeries(
            unit=self.unit,
            bin_ns=self._bins.bin_ns,
            prices=[
                paid * self._base / quantity if quantity else None
                for paid, quantity in zip(rows["paid"], rows["quantity"], strict=True)
            ],
            sales=rows["sales"],
        )


class Prices:
    """Folds every sale in escrow, every paid invocation and every price the mint set.

    Goods are named after the asset (`llm_rate`), the asset that is let (`rent/llm_rate`), the type of an artifact
    (`artifact/text`), a tool (`call/` and its id), or `mint`.
    """

    def __init__(self, fold: Fold) -> None:
        self._fold = fold
        self._ledgers: dict[str, _Ledger] = {}
        self._named = 0
        fold.on(ListingSold, self._sold)
        fold.on(CodeRan, self._ran)
        fold.on(MintResolved, self._resolved)

    def result(self) -> dict[str, Price]:
        """The price of each kind of goods that was sold: rights first, then what sold most."""
        return {goods: self._ledgers[goods].price() for goods in self._shown()}

    def series(self) -> dict[str, PriceSeries]:
        """The same goods' prices over world time."""
        return {goods: self._ledgers[goods].series(self._fold.end_ns) for goods in self._shown()}

    def _shown(self) -> list[str]:
        rights = [*UNIT_OF_SALE, *(RENT + asset for asset in UNIT_OF_SALE), MINT]
        shown = [goods for goods in rights if goods in self._ledgers]
        for kind in (ARTIFACT, CALL):
            shown += self._by_sales([goods for goods in self._ledgers if goods.startswith(kind)])[
                :SHOWN_SERIES
            ]
        return shown

    def _by_sales(self, goods: list[str]) -> list[str]:
        return sorted(goods, key=lambda name: (-self._ledgers[name].sample.count, name))

    def _sold(self, event: ListingSold) -> None:
        if event.asset is None:
            self._sell_named(f"{ARTIFACT}{event.artifact_type}", "piece", event.time_ns, event.price)
            return
        unit, base = UNIT_OF_SALE[event.asset]
        if event.rent_ms:
            goods, unit = RENT + event.asset, unit + FOR_AN_HOUR
            self._sell(goods, unit, base * HOUR_MS, event.time_ns, event.price, event.amount * event.rent_ms)
        else:
            self._sell(event.asset, unit, base, event.time_ns, event.price, event.amount)

    def _ran(self, event: CodeRan) -> None:
        if event.price and event.fault is None and is_invocation(event):
            self._sell_named(CALL + event.artifact_id, "call", event.time_ns, event.price)

    def _resolved(self, event: MintResolved) -> None:
        if event.winners:
            self._sell(MINT, "winning bid", 1, event.time_ns, event.price, 1)

    def _sell_named(self, goods: str, unit: str, time_ns: int, paid: int) -> None:
        """A sale of goods whose names agents choose, of which there may be any number."""
        if goods not in self._ledgers:
            self._named += 1
        self._sell(goods, unit, 1, time_ns, paid, 1)
        if self._named > MAX_SERIES:
            self._forget_rare_goods(goods)

    def _sell(self, goods: str, unit: str, base: int, time_ns: int, paid: int, quantity: int) -> None:
        ledger = self._ledgers.get(goods)
        if ledger is None:
            ledger = self._ledgers[goods] = _Ledger(unit, base)
        ledger.sell(time_ns, paid, quantity)

    def _forget_rare_goods(self, newest: str) -> None:
        named = [goods for goods in self._ledgers if goods.startswith((ARTIFACT, CALL)) and goods != newest]
        for goods in self._by_sales(named)[MAX_SERIES // 2 :]:
            del self._ledgers[goods]
        self._named = MAX_SERIES // 2 + 1
