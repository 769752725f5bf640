"""Who owns the scrip: balances, supply, inequality, and how fast money turns over."""

import math
from collections.abc import Iterable

import msgspec
import numpy as np

from ecology.core.clock import SECOND_NS
from ecology.core.ids import WORLD
from ecology.events.records import TransferPosted
from ecology.observe.measures.fold import Fold
from ecology.observe.measures.principals import Principals
from ecology.observe.measures.samples import median
from ecology.observe.measures.timeline import Frame, Timeline
from ecology.resources.assets import SCRIP


class WealthMeasures(msgspec.Struct, frozen=True, kw_only=True):
    """Scrip, in whole units, over all principals. A measure without data is None.

    `top_share` is the share of the richest tenth (rounded up to whole principals). `velocity` is per second.
    """

    supply: int
    principals: int
    gini: float | None
    top_share: float | None
    median_wealth: float | None
    mean_wealth: float | None
    transferred: int
    velocity: float | None


def gini(values: Iterable[int]) -> float | None:
    """Gini coefficient `2Σ(i·y_i)/(n·Σy) − (n+1)/n`, y ascending, i from 1; None without a positive sum.

    Evaluated over one common denominator in integers, so it is exact up to the final division.
    """
    ordered = sorted(values)
    n, total = len(ordered), sum(ordered)
    if total <= 0:
        return None
    weighted = sum(rank * value for rank, value in enumerate(ordered, start=1))
    return (2 * weighted - (n + 1) * total) / (n * total)


def lorenz(values: Iterable[int], points: int = 200) -> list[tuple[float, float]]:
    """The Lorenz curve (share of principals, share of scrip they hold), poorest first, from (0, 0) to (1, 1).

    At most `points` + 1 corners; empty without a positive sum.
    """
    ordered = sorted(values)
    n, total = len(ordered), sum(ordered)
    if total <= 0:
        return []
    held = [0]
    for value in ordered:
        held.append(held[-1] + value)
    corners = sorted({step * n // min(points, n) for step in range(min(points, n) + 1)})
    return [(place / n, held[place] / total) for place in corners]


class Wealth:
    """Balances of scrip by principal number, and the flow between principals.

    Issues (from the world) and retirements (to it) change the supply and are no circulation. With a
    `timeline` the balances are sampled over world time.
    """

    def __init__(self, fold: Fold, principals: Principals, timeline: Timeline | None = None) -> None:
        self.balances: list[int] = []
        self.timeline = timeline
        self._fold = fold
        self._principals = principals
        self._supply = 0
        self._supply_time = 0  # scrip × ns
        self._supply_since_ns = 0
        self._transferred = 0
        fold.on(TransferPosted, self._moved)

    def frame(self) -> Frame:
        """The balances now."""
        self._extend()
        return np.array(self.balances, dtype=np.int64)

    def result(self) -> WealthMeasures:
        """The measures at the end of the history so far."""
        self._extend()
        ordered = sorted(self.balances)
        n, total, end_ns = len(ordered), sum(ordered), self._fold.end_ns
        richest = sum(ordered[n - math.ceil(n / 10) :])
        supply_time = self._supply_time + self._supply * (end_ns - self._supply_since_ns)
        return WealthMeasures(
            supply=self._supply,
            principals=n,
            gini=gini(ordered),
            top_share=richest / total if total > 0 else None,
            median_wealth=median(ordered),
            mean_wealth=total / n if n else None,
            transferred=self._transferred,
            velocity=self._transferred * SECOND_NS / supply_time if supply_time > 0 else None,
        )

    def _extend(self) -> None:
        self.balances.extend([0] * (len(self._principals) - len(self.balances)))

    def _moved(self, event: TransferPosted) -> None:
        if event.asset != SCRIP:
            return
        from_id, to_id, amount, time_ns = event.from_id, event.to_id, event.amount, event.time_ns
        if self.timeline is not None and time_ns > self.timeline.next_ns:
            self.timeline.advance(time_ns, self.frame)
        giver, taker = self._principals.index(from_id), self._principals.index(to_id)
        if len(self.balances) < len(self._principals):
            self._extend()
        if giver is not None:
            self.balances[giver] -= amount
        if taker is not None:
            self.balances[taker] += amount
        if giver is not None and taker is not None:
            self._transferred += amount
        elif from_id == WORLD or to_id == WORLD:
            self._supply_time += self._supply * (time_ns - self._supply_since_ns)
            self._supply_since_ns = time_ns
            self._supply += amount if from_id == WORLD else -amount
