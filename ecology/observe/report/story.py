"""Everything a report draws, out of one pass over a run's events."""

from collections.abc import Iterable

import msgspec
import numpy as np

from ecology.events.registry import Record
from ecology.observe.measures.escrow import TurnoverSeries
from ecology.observe.measures.exchange import Edge
from ecology.observe.measures.fold import Fold
from ecology.observe.measures.fortunes import richest
from ecology.observe.measures.levels import Levels, LevelSeries
from ecology.observe.measures.minting import Supply, SupplySeries
from ecology.observe.measures.prices import PriceSeries
from ecology.observe.measures.tempo import Tempo, TempoSeries
from ecology.observe.measures.timeline import Timeline
from ecology.observe.projections import Projections, RunMeasures

TOP_LINES = 5
BAND = (0.25, 0.5, 0.75)


class WealthBand(msgspec.Struct, frozen=True, kw_only=True):
    """Quartiles of scrip over the agents of one strategy, one entry per time."""

    strategy: str
    times_ns: list[int]
    low: list[float]
    median: list[float]
    high: list[float]


class WealthLine(msgspec.Struct, frozen=True, kw_only=True):
    """The scrip of one principal, one entry per time."""

    id: str
    strategy: str
    times_ns: list[int]
    wealth: list[int]


class Story(msgspec.Struct, frozen=True, kw_only=True):
    """A run as a report tells it. `balances` and `strategies` are by principal number, which `edges` refer
    to."""

    measured: RunMeasures
    ids: list[str]
    strategies: list[str]
    balances: list[int]
    bands: list[WealthBand]
    richest: list[WealthLine]
    tempo: TempoSeries
    levels: dict[str, LevelSeries]
    mean_capacity: dict[str, float | None]
    states: dict[str, dict[str, float]]
    edges: list[Edge]
    prices: dict[str, PriceSeries]
    supply: SupplySeries
    turnover: TurnoverSeries


def tell(events: Iterable[Record]) -> Story:
    """Fold a history into what a report needs. Raises `RunFault` if it is no whole history."""
    timeline = Timeline()
    fold = Fold()
    projections = Projections(fold, timeline)
    tempo, levels, supply = Tempo(fold), Levels(fold, projections.principals), Supply(fold)
    fold.run(events)
    timeline.finish(fold.end_ns, projections.wealth.frame)
    principals = projections.principals
    return Story(
        measured=projections.result(),
        ids=principals.ids,
        strategies=principals.strategies,
        balances=[int(value) for value in projections.wealth.frame()],
        bands=_bands(timeline, principals.by_strategy()),
        richest=[
            _line(timeline, who, principals.ids[who], principals.strategies[who])
            for who in richest(projections.wealth, TOP_LINES)
        ],
        tempo=tempo.result(),
        levels=levels.result(),
        mean_capacity={name: projections.scarcity.mean_capacity(name) for name in ("llm_rate", "cpu")},
        states={name: projections.health.shares(group) for name, group in principals.by_strategy().items()},
        edges=projections.exchange.heaviest(),
        prices=projections.prices.series(),
        supply=supply.result(),
        turnover=projections.escrow.turnover(),
    )


def _bands(timeline: Timeline, groups: dict[str, list[int]]) -> list[WealthBand]:
    bands = []
    for strategy, group in groups.items():
        members = np.array(group)
        times_ns: list[int] = []
        rows: list[tuple[float, float, float]] = []
        for time_ns, frame in zip(timeline.times_ns, timeline.frames, strict=True):
            known = members[members < frame.size]  # later ones did not exist yet
            if known.size:
                low, median, high = (float(value) for value in np.quantile(frame[known], BAND))
                times_ns.append(time_ns)
                rows.append((low, median, high))
        bands.append(
            WealthBand(
                strategy=strategy,
                times_ns=times_ns,
                low=[row[0] for row in rows],
                median=[row[1] for row in rows],
                high=[row[2] for row in rows],
            )
        )
    return bands


def _line(timeline: Timeline, who: int, name: str, strategy: str) -> WealthLine:
    points = [
        (time_ns, int(frame[who]))
        for time_ns, frame in zip(timeline.times_ns, timeline.frames, strict=True)
        if who < frame.size
    ]
    return WealthLine(
        id=name,
        strategy=strategy,
        times_ns=[point[0] for point in points],
        wealth=[point[1] for point in points],
    )
