"""Does scarcity bind? On histories small enough to be worked out by hand."""

import pytest

from ecology.core.ids import SPENT
from ecology.observe.measures import waiting as waiting_module
from ecology.observe.measures.conduct import Conduct
from ecology.observe.measures.escrow import Escrow
from ecology.observe.measures.fold import Fold
from ecology.observe.measures.principals import Principals
from ecology.observe.measures.waiting import Waiting
from ecology.observe.measures.works import Works
from ecology.observe.scarcity import RESOURCES, ResourceScarcity, Scarcity, binding, verdict
from tests.unit.market_log import MarketLog
from tests.unit.measures_log import Log


def scarcity_of(log: Log) -> dict[str, ResourceScarcity]:
    fold = Fold()
    principals = Principals(fold)
    projection = Scarcity(fold, principals, Conduct(fold, principals), Works(fold, principals), Escrow(fold))
    fold.run(log.events)
    return projection.result()


def test_a_world_where_nothing_was_scarce_says_so() -> None:
    log = Log()
    log.spawn("a")
    log.move("a", 1_000, asset="llm_rate")
    log.act("a", at=1, millitokens=10)
    log.end(10)
    result = scarcity_of(log)
    assert tuple(result) == RESOURCES
    assert binding(result) == []
    assert verdict(result) == "Nothing bound: this run shows no behaviour under scarcity."


def test_the_verdict_names_what_bound() -> None:
    log = Log()
    log.spawn("a")
    log.act("a", at=10, waited=5, waited_on="llm_rate")
    log.act("a", at=20, waited=5, waited_on="cpu")
    log.act("a", "write", at=20, reason="disk_quota")
    log.end(20)
    result = scarcity_of(log)
    assert binding(result) == ["llm_rate", "cpu", "disk"]
    assert verdict(result) == "Scarcity bound: llm_rate, cpu and disk."


def test_waiting_is_a_union_over_agents_and_a_mean_of_their_lives() -> None:
    log = Log()
    for name in ("a", "b"):
        log.spawn(name)
    log.spawn("late", at=5)
    log.act("a", at=4, waited=3, waited_on="llm_rate")  # 1..4
    log.act("b", at=5, waited=2, waited_on="llm_rate")  # 3..5
    log.act("late", at=10, waited=1, waited_on="llm_rate")  # 9..10
    log.end(10)
    result = scarcity_of(log)["llm_rate"]
    assert result.share_waiting == pytest.approx(5 / 10)
    assert result.agent_time_waiting == pytest.approx((3 / 10 + 2 / 10 + 1 / 5) / 3)
    assert result.binds
    assert result.because == ["agents spent 23.3 % of their time waiting for it"]


def test_an_agent_that_never_acts_again_waits_until_the_end() -> None:
    log = Log()
    log.spawn("a")
    log.move("a", 600, asset="llm_budget")
    log.move(SPENT, 590, source="a", asset="llm_budget", at=2)
    log.act("a", at=2)
    log.state("a", "blocked", at=2, reason="llm_budget")
    log.end(10)
    result = scarcity_of(log)["llm_budget"]
    assert result.share_waiting == pytest.approx(0.8)
    assert result.agent_time_waiting == pytest.approx(0.8)
    assert (result.granted, result.used) == (600, 590)
    assert result.share_used == pytest.approx(590 / 600)
    assert result.because == ["agents spent 80.0 % of their time waiting for it", "98.3 % of it was used"]


def test_a_wait_told_twice_counts_once() -> None:
    log = Log()
    log.spawn("a")
    log.state("a", "blocked", at=3, reason="llm_budget")
    log.state("a", "active", at=7)
    log.act("a", at=7, waited=5, waited_on="llm_budget")  # since 2: due before it was told
    log.end(10)
    result = scarcity_of(log)["llm_budget"]
    assert result.share_waiting == pytest.approx(0.5)
    assert result.agent_time_waiting == pytest.approx(0.5)


def test_a_flow_supplies_its_rate_over_time_and_what_was_in_the_bucket() -> None:
    log = Log()
    log.spawn("a")
    log.spawn("b")
    log.move("a", 1_000, asset="llm_rate")
    log.move("a", 5_000, asset="llm_capacity")
    log.move("b", 400, source="a", asset="llm_rate", at=4)  # moves the right, not the total
    log.move("a", 1_000, asset="llm_rate", at=5)  # granted later: counts from then on
    log.act("a", at=6, millitokens=9_000)
    log.end(10)
    result = scarcity_of(log)["llm_rate"]
    assert result.granted == 1_000 * 10 + 1_000 * 5 + 5_000
    assert (result.used, result.share_used) == (9_000, 9_000 / 20_000)


def test_a_stock_supplies_its_quota_and_disk_in_use_is_what_artifacts_occupy() -> None:
    log = Log()
    log.spawn("a")
    log.move("a", 1_000, asset="disk")
    log.create("a", "essay", size=960)
    log.end(10)
    result = scarcity_of(log)["disk"]
    assert (result.granted, result.used, result.share_used) == (1_000, 960, 0.96)
    assert result.because == ["96.0 % of it was used"]


def test_what_is_for_sale_is_idle_and_what_is_not_may_bind() -> None:
    log = MarketLog()
    log.spawn("a")
    log.move("a", 1_000, asset="disk")
    log.create("a", "essay", size=700)
    log.list("l1", asset="disk", amount=280)
    log.end(10)
    result = scarcity_of(log)["disk"]
    assert (result.granted, result.used, result.idle, result.share_used) == (1_000, 700, 280, 0.7)
    assert result.because == ["97.2 % of it that was not for sale was used"]


def test_a_rate_is_idle_for_as_long_as_it_is_for_sale() -> None:
    log = MarketLog()
    log.spawn("a")
    log.move("a", 1_000, asset="llm_rate")
    log.list("l1", asset="llm_rate", amount=400, at=2)
    log.list("l2", asset="llm_capacity", amount=400, at=2)
    log.sell("l1", 5, asset="llm_rate", amount=400, at=5)
    log.act("a", at=6, millitokens=8_000)
    log.end(10)
    result = scarcity_of(log)["llm_rate"]
    assert (result.granted, result.used, result.idle) == (10_000, 8_000, 1_200)
    assert not result.binds


def test_a_right_that_changed_hands_or_is_let_counts_once() -> None:
    log = MarketLog()
    for name in ("seller", "buyer"):
        log.spawn(name)
        log.move(name, 1_000, asset="disk")
    log.deal(5, asset="disk", amount=300, at=1)
    log.move("buyer", 300, source="seller", asset="disk", at=1)
    log.rent("disk", 300)
    log.end(10)
    result = scarcity_of(log)["disk"]
    assert (result.granted, result.idle) == (2_000, 0)


def test_memory_in_use_is_unknown_and_not_zero() -> None:
    log = Log()
    log.spawn("a")
    log.move("a", 1 << 28, asset="memory")
    log.end(10)
    result = scarcity_of(log)
    assert result["memory"].granted == 1 << 28
    assert result["memory"].used is result["memory"].share_used is None
    assert result["llm_budget"].granted is result["llm_budget"].used is None


def test_refusals_for_want_of_a_resource_bind_it() -> None:
    log = Log()
    log.spawn("a")
    for _ in range(98):
        log.act("a", "write")
    for _ in range(5_000):
        log.act("a", "read")  # needs no disk, so tells nothing about it
    log.act("a", "write", reason="disk_quota")
    log.act("a", "write", reason="not_permitted")
    log.end(10)
    result = scarcity_of(log)["disk"]
    assert (result.refusals, result.share_refused, result.binds) == (1, 0.01, True)
    assert result.because == ["1.0 % of the actions that need it were refused for want of it"]
    assert result.actions_forgone_estimate == 1


def test_forgone_is_the_pace_outside_waiting_times_the_time_waited() -> None:
    log = Log()
    log.spawn("a")
    for second in range(1, 5):
        log.act("a", at=second)
    log.act("a", at=9, waited=5, waited_on="llm_rate")
    log.end(10)
    assert scarcity_of(log)["llm_rate"].actions_forgone_estimate == 5 * 5 // 5


def test_an_agent_that_only_waits_would_act_as_fast_as_its_cpu_allows() -> None:
    log = Log()
    log.spawn("a")
    log.act("a", at=10, waited=10, waited_on="llm_rate", cpu_us=2_000)
    log.end(10)
    assert scarcity_of(log)["llm_rate"].actions_forgone_estimate == 10_000_000 // 2_000


def test_without_any_cost_there_is_no_bound_to_estimate() -> None:
    log = Log()
    log.spawn("a")
    log.act("a", at=10, waited=10, waited_on="llm_rate")
    log.end(10)
    assert scarcity_of(log)["llm_rate"].actions_forgone_estimate is None


def test_a_wait_that_is_looked_at_while_it_lasts_still_counts_once() -> None:
    """It is told three times: as far as it has come at each look, when the state ends, and by the turn that follows."""
    log = Log()
    log.spawn("a")
    log.state("a", "blocked", at=0, reason="llm_rate")
    for second in (10, 20):
        log.state("b", "asleep", at=second)
    log.state("a", "active", at=25)
    log.act("a", at=25, waited=25, waited_on="llm_rate")
    log.end(50)
    fold = Fold()
    principals = Principals(fold)
    watched = Scarcity(fold, principals, Conduct(fold, principals), Works(fold, principals), Escrow(fold))
    for event in log.events:
        fold.run([event])
        watched.result()
    assert watched.result()["llm_rate"].agent_time_waiting == 0.5
    assert watched.result() == scarcity_of(log)


def test_an_empty_world_divides_by_nothing() -> None:
    result = scarcity_of(Log())
    assert all(resource.share_waiting == resource.agent_time_waiting == 0 for resource in result.values())
    assert binding(result) == []


def test_very_many_separate_waits_stay_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting_module, "MAX_OPEN_INTERVALS", 8)
    waiting = Waiting()
    for number in range(100):
        waiting.add(0, number * 10, number * 10 + 3)
    assert waiting.union_ns() == 300
    assert waiting.by_agent_ns == {0: 300}
    waiting.add(1, 985, 1_000)
    assert waiting.union_ns() == 300 + 5 + 7, "985..990 and 993..1000 are new"
