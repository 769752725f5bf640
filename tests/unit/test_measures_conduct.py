"""Actions, works, health and thinking, on histories small enough to be worked out by hand."""

import math

import pytest

from ecology.observe.measures.conduct import ActionCount, Conduct, ConductMeasures, entropy_bits, variation
from ecology.observe.measures.fold import Fold
from ecology.observe.measures.health import Health
from ecology.observe.measures.principals import Principals
from ecology.observe.measures.thinking import Thinking
from ecology.observe.measures.works import Works, longest_chain
from tests.unit.measures_log import Log


def conduct_of(log: Log) -> ConductMeasures:
    fold = Fold()
    conduct = Conduct(fold, Principals(fold))
    fold.run(log.events)
    return conduct.result()


def test_actions_are_counted_by_type_and_refusals_by_reason() -> None:
    log = Log()
    log.act("a", "write")
    log.act("a", "write", reason="disk_quota")
    log.act("b", "read")
    log.act("b", "none", reason="model_unparsable")
    log.act("b", "write", reason="disk_quota")
    measures = conduct_of(log)
    assert measures.actions == 5
    assert list(measures.by_type.items()) == [
        ("write", ActionCount(1, 2)),
        ("none", ActionCount(0, 1)),
        ("read", ActionCount(1, 0)),
    ]
    assert list(measures.refusals.items()) == [("disk_quota", 2), ("model_unparsable", 1)]


def test_entropy_is_one_bit_for_a_coin_and_none_for_nothing() -> None:
    assert entropy_bits([7, 7]) == 1.0
    assert entropy_bits([3, 0, 3, 3, 3]) == 2.0
    single = entropy_bits([9])
    assert single == 0
    assert math.copysign(1, single or 0.0) == 1, "a single kind has no minus in its entropy"
    assert entropy_bits([]) is None


def test_specialisation_is_the_mean_variation_over_the_kinds_of_the_run() -> None:
    assert variation({"read": 4}, 4) == pytest.approx(math.sqrt(3))
    assert variation({"read": 2, "write": 2}, 2) == 0
    log = Log()
    for action in ("read", "write"):
        log.act("generalist", action)
    log.act("specialist", "read")
    assert conduct_of(log).specialisation == pytest.approx((0 + 1) / 2)


def test_without_actions_nothing_is_known_about_conduct() -> None:
    measures = conduct_of(Log())
    assert (measures.actions, measures.by_type, measures.refusals) == (0, {}, {})
    assert measures.action_entropy_bits is measures.specialisation is None


def works_of(log: Log) -> Works:
    fold = Fold()
    works = Works(fold, Principals(fold))
    fold.run(log.events)
    return works


def test_reuse_counts_works_that_others_read_or_built_on() -> None:
    log = Log()
    log.create("a", "read-by-other")
    log.create("a", "read-by-self")
    log.create("a", "built-on-by-other")
    log.create("a", "built-on-by-self")
    log.create("a", "refused")
    log.act("b", "read", target="read-by-other")
    log.act("a", "read", target="read-by-self")
    log.act("b", "read", target="refused", reason="not_permitted")
    log.act("b", "read", target="never-existed")
    log.create("b", "b-work", depends_on=("built-on-by-other", "never-existed"))
    log.create("a", "a-work", depends_on=("built-on-by-self",))
    measures = works_of(log).result()
    assert (measures.artifacts, measures.reused) == (7, 2)
    assert measures.reuse == 2 / 7


def test_a_dependency_declared_before_the_work_exists_still_counts() -> None:
    log = Log()
    log.create("b", "early", depends_on=("late",))
    log.create("a", "late")
    measures = works_of(log).result()
    assert (measures.reused, measures.capital_depth) == (1, 2)


def test_agents_are_no_works_but_occupy_disk() -> None:
    log = Log()
    log.create("a", "a", kind="agent", size=50)
    log.create("a", "essay", size=100)
    log.update("a", "essay", size=130)
    works = works_of(log)
    assert works.bytes_used == 180
    measures = works.result()
    assert (measures.artifacts, measures.revisions, measures.reuse) == (1, 1, 0.0)
    log.delete("a", "essay")
    after = works_of(log).result()
    assert (after.bytes_used, after.deleted, after.artifacts) == (50, 1, 1)


def test_capital_depth_is_that_of_the_latest_revisions() -> None:
    log = Log()
    log.create("a", "ore")
    log.create("a", "iron", depends_on=("ore",))
    log.create("a", "nail", depends_on=("iron",))
    assert works_of(log).result().capital_depth == 3
    log.update("a", "nail")
    assert works_of(log).result().capital_depth == 2


def test_works_without_dependencies_are_one_deep_and_no_works_none() -> None:
    log = Log()
    assert works_of(log).result().capital_depth == 0
    assert works_of(log).result().reuse is None
    log.create("a", "ore")
    assert works_of(log).result().capital_depth == 1


def test_circles_count_as_one_and_do_not_hang() -> None:
    assert longest_chain({}) == 0
    assert longest_chain({1: [1]}) == 1
    assert longest_chain({1: [2], 2: [1]}) == 1
    assert longest_chain({0: [1], 1: [2], 2: [1, 3], 3: []}) == 3


def test_a_chain_longer_than_the_stack_of_python() -> None:
    assert longest_chain({number: [number + 1] for number in range(50_000)}) == 50_001


def health_of(log: Log, *, end: float) -> Health:
    log.end(end)
    fold = Fold()
    health = Health(fold, Principals(fold))
    fold.run(log.events)
    return health


def test_health_integrates_states_over_each_agents_life() -> None:
    log = Log()
    log.spawn("a")
    log.state("a", "asleep", at=2)
    log.state("a", "active", at=5)
    log.spawn("late", at=6)
    log.state("late", "frozen", at=8)
    result = health_of(log, end=10).result()
    lived = 10 + 4
    assert result.active == pytest.approx((2 + 5 + 2) / lived)
    assert result.asleep == pytest.approx(3 / lived)
    assert result.frozen == pytest.approx(2 / lived)
    assert result.blocked == 0
    assert result.frozen_at_end == 1


def test_a_wait_that_only_its_turn_tells_of_is_blocked_time() -> None:
    log = Log()
    log.spawn("a")
    log.act("a", at=4, waited=3, waited_on="llm_rate")
    result = health_of(log, end=10).result()
    assert result.blocked == pytest.approx(0.3)
    assert result.active == pytest.approx(0.7)


def test_a_wait_told_by_state_and_by_turn_is_blocked_once() -> None:
    log = Log()
    log.spawn("a")
    log.act("a", at=2)
    log.state("a", "blocked", at=2, reason="llm_budget")
    log.state("a", "active", at=8)
    log.act("a", at=8, waited=6, waited_on="llm_budget")
    assert health_of(log, end=10).result().blocked == pytest.approx(0.6)


def test_measuring_twice_measures_the_same() -> None:
    log = Log()
    log.spawn("a")
    log.state("a", "asleep", at=2)
    health = health_of(log, end=10)
    assert health.result() == health.result()


def test_nobody_has_no_health() -> None:
    result = health_of(Log(), end=10).result()
    assert result.active is result.asleep is result.blocked is result.frozen is None


def test_model_calls_are_summed_and_estimates_compared_with_bills() -> None:
    log = Log()
    log.call("a", "a#1", usd=100, estimate_usd=150, millitokens=3000)
    log.act("a", turn="a#1", millitokens=2000)
    log.call("a", "a#2", usd=0, estimate_usd=150, millitokens=1000, answer="unparsable")
    log.call("a", "a#2", usd=50, estimate_usd=25, millitokens=1000, answer="repaired")
    log.act("a", turn="a#2", millitokens=1000)
    log.call("a", "a#3", usd=0, millitokens=1000, answer="unreachable")
    log.act("a", turn="a#4", millitokens=4000)  # the turn of the call never acted
    fold = Fold()
    thinking = Thinking(fold)
    fold.run(log.events)
    use = thinking.result()
    assert (use.calls, use.input_tokens, use.output_tokens, use.usd_micros) == (4, 40, 20, 150)
    assert use.estimate_usd_micros == 150 + 150 + 25 + 150
    assert use.usd_estimate_error == pytest.approx((0.5 + 0.5) / 2)
    assert use.compute_estimate_error == pytest.approx((0.5 + 1.0) / 2)
    assert use.mean_latency_ms == 200
    assert use.answers == {"ok": 1, "repaired": 1, "unparsable": 1, "unreachable": 1}


def test_scripted_worlds_have_no_estimates_to_judge() -> None:
    log = Log()
    log.act("a", turn="a#1", millitokens=2000)
    fold = Fold()
    thinking = Thinking(fold)
    fold.run(log.events)
    assert thinking.result().calls == 0
    assert thinking.result().usd_estimate_error is thinking.result().compute_estimate_error is None
