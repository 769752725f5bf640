"""Measures against independent definitions of the same thing, on whatever Hypothesis comes up with."""

import math
from collections.abc import Sequence
from itertools import pairwise

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecology.core.clock import SECOND_NS
from ecology.core.seeds import Draw
from ecology.observe.measures.bins import MAX_BINS
from ecology.observe.measures.conduct import entropy_bits, variation
from ecology.observe.measures.escrow import Escrow
from ecology.observe.measures.exchange import Exchange
from ecology.observe.measures.fold import Fold
from ecology.observe.measures.prices import MIN_SALES, Prices, settlement
from ecology.observe.measures.principals import Principals
from ecology.observe.measures.samples import Sample, median, robust_variation
from ecology.observe.measures.tempo import Tempo
from ecology.observe.measures.timeline import MAX_FRAMES, Frame, Timeline
from ecology.observe.measures.waiting import Waiting
from ecology.observe.measures.wealth import Wealth, gini, lorenz
from ecology.observe.measures.works import longest_chain
from ecology.observe.projections import Projections, summarise
from ecology.testing.histories import InventedWorld, history
from ecology.testing.market_histories import traded
from tests.unit.market_log import MarketLog
from tests.unit.measures_log import Log

amounts = st.lists(st.integers(0, 10**12), min_size=1, max_size=60)


@settings(deadline=None)
@given(amounts)
def test_gini_is_half_the_relative_mean_difference(values: list[int]) -> None:
    total, n = sum(values), len(values)
    coefficient = gini(values)
    if total == 0:
        assert coefficient is None
        return
    differences = sum(abs(a - b) for a in values for b in values)
    assert coefficient is not None
    assert coefficient == pytest.approx(differences / (2 * n * total), abs=1e-12)
    assert 0 <= coefficient <= 1 - 1 / n + 1e-12


@settings(deadline=None)
@given(amounts, st.integers(1, 1000))
def test_gini_depends_on_neither_order_nor_unit(values: list[int], factor: int) -> None:
    assert gini(values) == gini(values[::-1])
    scaled = gini([value * factor for value in values])
    assert scaled == pytest.approx(gini(values))


@settings(deadline=None)
@given(amounts)
def test_the_lorenz_curve_is_convex_and_its_area_is_the_gini(values: list[int]) -> None:
    curve = lorenz(values)
    if not curve:
        return
    shares, held = zip(*curve, strict=True)
    assert (curve[0], curve[-1]) == ((0, 0), (1, 1))
    slopes = np.diff(held) / np.diff(shares)
    assert (np.diff(slopes) >= -1e-9).all()
    assert 1 - 2 * np.trapezoid(held, shares) == pytest.approx(gini(values), abs=1e-9)


@settings(deadline=None)
@given(st.integers(0, 2**64), st.integers(300, 2000), st.integers(1, 4))
def test_a_thinned_lorenz_curve_keeps_its_ends_and_its_shape(seed: int, count: int, power: int) -> None:
    draw = Draw(seed)
    values = [draw.below(1000) ** power for _ in range(count)]
    curve = lorenz(values, points=100)
    if curve:
        assert len(curve) <= 101
        assert (curve[0], curve[-1]) == ((0, 0), (1, 1))
        area = sum((b[0] - a[0]) * (a[1] + b[1]) / 2 for a, b in pairwise(curve))
        assert 1 - 2 * area == pytest.approx(gini(values), abs=0.02)


@settings(deadline=None)
@given(amounts)
def test_the_median_splits_in_half(values: list[int]) -> None:
    assert median(sorted(values)) == np.median(values)


@settings(deadline=None)
@given(st.lists(st.integers(0, 1000), max_size=20))
def test_entropy_lies_between_certainty_and_uniformity(counts: list[int]) -> None:
    bits = entropy_bits(counts)
    kinds = sum(count > 0 for count in counts)
    assert (bits is None) == (kinds == 0)
    if bits is not None:
        assert -1e-12 <= bits <= math.log2(kinds) + 1e-9


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from("abcdefgh"), st.integers(1, 1000), min_size=1), st.integers(0, 5))
def test_variation_is_deviation_over_mean(counts: dict[str, int], absent: int) -> None:
    values = [*counts.values(), *[0] * absent]
    expected = np.std(values) / np.mean(values)
    assert variation(counts, len(values)) == pytest.approx(expected, abs=1e-9)


@settings(deadline=None)
@given(st.dictionaries(st.integers(0, 12), st.lists(st.integers(0, 12), max_size=4), max_size=13))
def test_the_longest_chain_is_that_of_the_condensation(links: dict[int, list[int]]) -> None:
    graph: nx.DiGraph[int] = nx.DiGraph()
    graph.add_nodes_from(links)
    graph.add_edges_from((node, target) for node, targets in links.items() for target in targets)
    condensed = nx.condensation(graph) if len(graph) else nx.DiGraph()
    expected = nx.dag_longest_path_length(condensed) + 1 if len(graph) else 0
    assert longest_chain(links) == expected


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 4), st.integers(1, 30), st.integers(0, 30)), max_size=60))
def test_waiting_is_the_measure_of_a_union(waits: Sequence[tuple[int, int, int]]) -> None:
    waiting = Waiting()
    everybody: set[int] = set()
    latest = dict.fromkeys(range(5), 0)
    expected = dict.fromkeys(range(5), 0)
    now = 0
    for who, length, pause in waits:
        now += pause
        start = max(now - length, latest[who])  # an agent waits for one thing at a time
        waiting.add(who, start, now)
        latest[who] = now
        everybody |= set(range(start, now))
        expected[who] += now - start
    assert waiting.union_ns() == len(everybody)
    assert {who: waiting.by_agent_ns.get(who, 0) for who in range(5)} == expected


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 10**11), st.integers(-50, 50)), min_size=1, max_size=300))
def test_every_frame_is_the_state_at_its_time(steps: list[tuple[int, int]]) -> None:
    timeline = Timeline()
    value, now = 0, 0
    states = [(0, 0)]

    def frame() -> Frame:
        return np.array([value], dtype=np.int64)

    for gap, change in steps:
        now += gap
        if now > timeline.next_ns:
            timeline.advance(now, frame)
        value += change
        states.append((now, value))
    timeline.finish(now, frame)
    assert len(timeline.times_ns) <= MAX_FRAMES + 2
    assert timeline.times_ns == sorted(set(timeline.times_ns))
    assert (timeline.times_ns[-1], int(timeline.frames[-1][0])) == (now, value)
    for time_ns, shown in zip(timeline.times_ns, timeline.frames, strict=True):
        assert int(shown[0]) == next(after for at, after in reversed(states) if at <= time_ns)


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 10**10), st.sampled_from(("read", "write"))), min_size=1, max_size=200)
)
def test_bins_hold_each_action_once_and_where_it_happened(steps: list[tuple[int, str]]) -> None:
    log = Log()
    now = 0
    for gap, action in steps:
        now += gap
        log.act("a", action, at=now / SECOND_NS)
    fold = Fold()
    tempo = Tempo(fold)
    fold.run(log.events)
    series = tempo.result()
    for kind, counts in series.counts.items():
        assert len(counts) <= MAX_BINS
        expected = [0] * len(counts)
        for event in log.events:
            if getattr(event, "action", None) == kind:
                expected[event.time_ns // series.bin_ns] += 1
        assert counts == expected


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 7), st.integers(0, 7), st.integers(1, 9)), max_size=60))
def test_the_network_is_that_of_a_graph_library_and_money_is_conserved(
    deals: list[tuple[int, int, int]],
) -> None:
    log = Log()
    for number in range(8):
        log.spawn(f"a{number}")
        log.move(f"a{number}", 100)
    graph: nx.Graph[int] = nx.Graph()
    graph.add_nodes_from(range(8))
    for giver, taker, amount in deals:
        if giver != taker:
            log.move(f"a{taker}", amount, source=f"a{giver}")
            graph.add_edge(giver, taker)
    fold = Fold()
    principals = Principals(fold)
    wealth, exchange = Wealth(fold, principals), Exchange(fold, principals)
    fold.run(log.events)
    measures, edges = exchange.result(), exchange.heaviest()
    groups = [len(group) for group in nx.connected_components(graph) if len(group) > 1]
    assert (measures.coalitions, measures.largest_coalition) == (len(groups), max(groups, default=0))
    assert measures.coordination_density == nx.density(graph)
    assert {(edge.first, edge.second) for edge in edges} == {(min(pair), max(pair)) for pair in graph.edges}
    assert sum(wealth.balances) == wealth.result().supply == 800
    assert sum(edge.scrip for edge in edges) == wealth.result().transferred


sales = st.lists(
    st.tuples(st.integers(0, 10**11), st.integers(1, 10**6), st.integers(1, 10**6)), min_size=1, max_size=150
)


@settings(deadline=None)
@given(sales)
def test_prices_add_up_over_buckets_and_keep_the_order_of_sales(steps: list[tuple[int, int, int]]) -> None:
    log = MarketLog()
    now = 0
    for gap, price, amount in steps:
        now += gap
        log.deal(price, asset="llm_rate", amount=amount, at=now / SECOND_NS)
    fold = Fold()
    prices = Prices(fold)
    fold.run(log.events)
    result, series = prices.result()["llm_rate"], prices.series()["llm_rate"]
    quoted = [price * 1_000 / amount for _, price, amount in steps]
    assert (result.first, result.last, result.sales) == (quoted[0], quoted[-1], len(steps))
    assert result.median == pytest.approx(float(np.median(quoted)))
    assert result.turnover == sum(price for _, price, _ in steps)
    assert sum(series.sales) == len(steps)
    for mean, count in zip(series.prices, series.sales, strict=True):
        assert (mean is None) == (count == 0)
        assert mean is None or min(quoted) * (1 - 1e-9) <= mean <= max(quoted) * (1 + 1e-9)


@settings(deadline=None)
@given(st.integers(1, 5_000), st.integers(1, 20))
def test_a_sample_is_systematic_and_bounded(count: int, half: int) -> None:
    sample = Sample(2 * half)
    for value in range(count):
        sample.add(value)
    assert sample.count == count
    strides = set(np.diff(sample.values))
    assert len(strides) <= 1
    stride = int(strides.pop()) if strides else max(count, 1)
    assert sample.values == list(range(0, count, stride))
    assert len(sample.values) <= 2 * half
    assert count < 2 * half or len(sample.values) >= half


@settings(deadline=None)
@given(st.lists(st.floats(0.01, 1e6), min_size=1, max_size=90), st.floats(0.001, 1000))
def test_whether_a_price_settles_depends_on_no_unit(values: list[float], factor: float) -> None:
    variation, scaled = robust_variation(values), robust_variation([value * factor for value in values])
    assert variation == pytest.approx(scaled, rel=1e-6, abs=1e-9)
    assert variation is not None and variation >= 0
    early, late, settled = settlement(values)
    assert (early is None) == (late is None) == (settled is None) == (len(values) < MIN_SALES)


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 40), st.integers(1, 40), st.integers(1, 100)), max_size=20))
def test_idle_time_is_the_area_under_what_is_for_sale(listings: list[tuple[int, int, int]]) -> None:
    deeds = []
    for number, (start, length, amount) in enumerate(listings):
        deeds += [(start, 0, number, amount), (start + length, 1, number, amount)]
    log = MarketLog()
    for at, ending, number, amount in sorted(deeds):
        if not ending:
            log.list(f"l{number}", asset="llm_rate", amount=amount, at=at)
        elif number % 2:
            log.sell(f"l{number}", 1, asset="llm_rate", amount=amount, at=at)
        else:
            log.close(f"l{number}", "cancelled", at=at)
    log.end(100)
    fold = Fold()
    escrow = Escrow(fold)
    fold.run(log.events)
    area = sum(
        amount
        for second in range(100)
        for start, length, amount in listings
        if start <= second < start + length
    )
    assert (escrow.idle_time("llm_rate"), escrow.idle("llm_rate"), escrow.result().open) == (area, 0, 0)


@settings(max_examples=15, deadline=None)
@given(st.integers(1, 12), st.integers(0, 2**32), st.integers(0, 400), st.booleans())
def test_a_history_folded_in_two_parts_measures_the_same(
    agents: int, seed: int, cut: int, models: bool
) -> None:
    world = InventedWorld(
        agents=agents, seconds=40, seed=seed, models=models, budget_usd_micros=30_000, flow=((7, 2_500_000),)
    )
    events = list(traded(history(world), seed))
    parts = Projections(Fold())
    parts.fold.run(events[:cut])
    parts.fold.run(events[cut:])
    assert parts.result() == summarise(events)
    health = summarise(events).measures.health
    total = sum(share or 0 for share in (health.active, health.asleep, health.blocked, health.frozen))
    assert total == pytest.approx(1)


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 12), st.integers(0, 2**32), st.sets(st.integers(1, 800), max_size=40), st.booleans())
def test_looking_at_the_measures_on_the_way_changes_nothing(
    agents: int, seed: int, looks: set[int], models: bool
) -> None:
    world = InventedWorld(agents=agents, seconds=40, seed=seed, models=models, budget_usd_micros=30_000)
    events = list(traded(history(world), seed))
    watched = Projections(Fold())
    for first, last in pairwise([0, *sorted(looks), max(len(events), 801)]):
        watched.fold.run(events[first:last])
        assert watched.result() == summarise(events[:last])
    assert watched.result() == watched.result() == summarise(events)


@settings(max_examples=25, deadline=None)
@given(st.dictionaries(st.integers(0, 99), st.integers(1, 4_000_000), max_size=5), st.integers(0, 2**32))
def test_what_flowed_is_the_sum_over_seconds_and_nobody_uses_more(changes: dict[int, int], seed: int) -> None:
    flow = tuple(sorted(changes.items()))
    measured = summarise(history(InventedWorld(seconds=100, seed=seed, flow=flow)))
    ppm, flowed, factors = 1_000_000, 0, [1.0]
    for second in range(100):
        ppm = changes.get(second, ppm)
        factors += [ppm / 1_000_000] if second in changes else []
        flowed += 5 * 10_000 * ppm
    tokens = measured.scarcity["llm_rate"]
    assert tokens.granted == flowed // 1_000_000 + 5 * 100_000
    assert tokens.used is not None and tokens.used <= tokens.granted
    kept = measured.flow
    assert (kept.changes, kept.least, kept.most) == (len(flow), min(factors), max(factors))
    assert kept.last == factors[-1]
    assert kept.mean == pytest.approx(flowed / 5e12)
