"""Wealth and exchange, on histories small enough to be worked out by hand."""

import math

import pytest

from ecology.core.ids import SPENT, WORLD
from ecology.events.records import HoldClosed, HoldOpened
from ecology.observe.measures import exchange
from ecology.observe.measures.exchange import Edge, Exchange, ExchangeMeasures
from ecology.observe.measures.fold import Fold
from ecology.observe.measures.principals import ACCOUNT, Principals
from ecology.observe.measures.samples import median
from ecology.observe.measures.wealth import Wealth, WealthMeasures, gini, lorenz
from tests.unit.measures_log import Log


def wealth_of(log: Log) -> tuple[WealthMeasures, list[int]]:
    fold = Fold()
    wealth = Wealth(fold, Principals(fold))
    fold.run(log.events)
    return wealth.result(), wealth.balances


def exchange_of(log: Log) -> tuple[ExchangeMeasures, list[Edge]]:
    fold = Fold()
    exchanges = Exchange(fold, Principals(fold))
    fold.run(log.events)
    return exchanges.result(), exchanges.heaviest()


@pytest.mark.parametrize(
    ("values", "expected"),
    [([5], 0.0), ([3, 3, 3], 0.0), ([0, 0, 0, 12], 0.75), ([1, 2, 3, 4], 0.25), ([4, 1, 3, 2], 0.25)],
)
def test_gini_of_known_distributions(values: list[int], expected: float) -> None:
    assert gini(values) == expected


def test_without_a_positive_sum_there_is_no_inequality_to_measure() -> None:
    assert gini([]) is None
    assert gini([0, 0]) is None
    assert lorenz([0, 0]) == []


def test_gini_is_exact_for_sums_beyond_what_a_float_holds() -> None:
    assert gini([2**62, 2**62 + 2**61]) == pytest.approx(0.1, abs=1e-15)


def test_the_lorenz_curve_runs_from_nobody_to_everybody() -> None:
    assert lorenz([1, 1, 2]) == [(0.0, 0.0), (1 / 3, 0.25), (2 / 3, 0.5), (1.0, 1.0)]


def test_the_median_of_an_even_number_is_between_the_middle_two() -> None:
    assert median([]) is None
    assert median([1, 2, 4]) == 2
    assert median([1, 2, 4, 9]) == 3


def test_wealth_follows_transfers_and_leaves_other_assets_alone() -> None:
    log = Log()
    for name in ("a", "b", "c"):
        log.spawn(name)
    log.move("a", 100)
    log.move("b", 50)
    log.move("a", 7_000, asset="disk")
    log.move("b", 30, source="a", at=10)
    log.end(20)
    measures, balances = wealth_of(log)
    assert balances == [70, 80, 0]
    assert (measures.supply, measures.principals, measures.transferred) == (150, 3, 30)
    assert measures.median_wealth == 70
    assert measures.mean_wealth == 50
    assert measures.top_share == 80 / 150
    assert measures.velocity == 30 / 150 / 20


def test_velocity_divides_by_the_mean_supply_over_time() -> None:
    log = Log()
    log.spawn("a")
    log.spawn("b")
    log.move("a", 100)
    log.move("b", 40, source="a", at=1)
    log.move("a", 100, at=10)  # minted half way
    log.end(20)
    measures, _ = wealth_of(log)
    assert measures.supply == 200
    assert measures.velocity == pytest.approx(40 / 150 / 20)


def test_scrip_that_returns_to_the_issuer_leaves_the_supply_and_is_no_circulation() -> None:
    log = Log()
    log.spawn("a")
    log.move("a", 100)
    log.move(WORLD, 25, source="a", at=5)
    log.end(10)
    measures, balances = wealth_of(log)
    assert (measures.supply, measures.transferred, balances) == (75, 0, [75])


def test_scrip_that_is_spent_stays_in_the_supply_and_with_nobody() -> None:
    log = Log()
    log.spawn("a")
    log.move("a", 100)
    log.move(SPENT, 25, source="a", at=5)
    measures, balances = wealth_of(log)
    assert (measures.supply, measures.transferred, balances) == (100, 0, [75])


def test_the_richest_tenth_is_rounded_up_to_whole_principals() -> None:
    log = Log()
    for number in range(11):
        log.move(f"a{number}", 10 if number < 9 else 5)
    measures, _ = wealth_of(log)
    assert measures.top_share == 20 / 100


def test_a_world_without_anybody_has_no_data() -> None:
    log = Log()
    log.end(1)
    measures, balances = wealth_of(log)
    assert balances == []
    assert (
        measures.gini
        is measures.top_share
        is measures.median_wealth
        is measures.mean_wealth
        is measures.velocity
        is None
    )


def test_who_holds_scrip_without_a_loop_is_an_account() -> None:
    log = Log()
    log.move("vault", 5)
    log.spawn("a")
    fold = Fold()
    principals = Principals(fold)
    Wealth(fold, principals)
    fold.run(log.events)
    assert principals.strategies == [ACCOUNT, "maker"]
    assert principals.agents() == [1]


def test_a_posted_hold_counts_once() -> None:
    log = Log()
    log.spawn("a")
    log.spawn("b")
    log.move("a", 100)
    common = {"time_ns": 0, "principal_id": "a", "turn_id": None, "transfer_id": 900, "amount": 40}
    log.events.append(HoldOpened(sequence=log.next, asset="scrip", from_id="a", to_id="b", **common))  # type: ignore[arg-type]
    log.events.append(HoldClosed(sequence=log.next, how="posted", **common))  # type: ignore[arg-type]
    log.move("b", 40, source="a")
    measures, balances = wealth_of(log)
    assert (balances, measures.transferred) == ([60, 40], 40)


def test_pairs_are_unordered_and_any_asset_or_artifact_makes_one() -> None:
    log = Log()
    for name in ("a", "b", "c", "d", "e"):
        log.spawn(name)
    log.move("a", 100)
    log.move("b", 5, source="a")
    log.move("a", 2, source="b")
    log.move("c", 700, source="b", asset="llm_rate")
    log.hand_over("d", "e", "essay")
    measures, edges = exchange_of(log)
    assert measures == ExchangeMeasures(
        transacting_pairs=3, coordination_density=3 / 10, coalitions=2, largest_coalition=3
    )
    assert edges == [Edge(0, 1, 7, 2), Edge(1, 2, 0, 1), Edge(3, 4, 0, 1)]


def test_what_the_world_issues_or_swallows_joins_nobody() -> None:
    log = Log()
    log.spawn("a")
    log.move("a", 100)
    log.move(SPENT, 5, source="a", asset="llm_budget")
    measures, edges = exchange_of(log)
    assert (measures.transacting_pairs, measures.coalitions, edges) == (0, 0, [])
    assert measures.coordination_density is None


def test_light_edges_are_forgotten_but_still_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchange, "MAX_EDGES", 10)
    log = Log()
    for number in range(12):
        log.move(f"b{number}", 100 + number, source="a")
    measures, edges = exchange_of(log)
    assert measures.transacting_pairs == 12
    assert edges[0].scrip == 111
    assert len(edges) <= 10
    assert math.isclose(measures.coordination_density or 0, 12 / (13 * 12 / 2))
