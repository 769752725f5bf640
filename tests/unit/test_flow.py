"""The flow of a world has a factor: what really flows follows it, the rights stay, nobody is told anything wrong."""

import msgspec
import pytest

from ecology.core.clock import SECOND_NS
from ecology.engine.observation import Observation
from ecology.events.records import FlowChanged
from ecology.events.registry import decode, encode
from ecology.kernel.actions import Query, Sleep, StatePredicate, Transfer
from ecology.kernel.economy.bids import Office, Offices
from ecology.kernel.flow import mean_flow, ppm_for, set_flow
from ecology.resources.assets import ASSETS, CPU_RATE, LLM_CAPACITY, LLM_RATE
from ecology.resources.bucket import NANO
from ecology.resources.flow import MOST_PPM, flowing
from ecology.testing.laws import broken_laws
from ecology.testing.worlds import GRANTS, Stage

ME, OTHER, THIRD = "agent-0001", "agent-0002", "agent-0003"
RATE, CAPACITY = GRANTS[LLM_RATE], GRANTS[LLM_CAPACITY]


@pytest.fixture
def stage() -> Stage:
    stage = Stage.of(3)
    stage.events()
    stage.woken.clear()
    return stage


def change(stage: Stage, ppm: int) -> bool:
    """A change of the flow now, after which every law holds."""
    changed = set_flow(stage.world, ppm, stage.now_ns, "a test")
    assert broken_laws(stage.world) == []
    return changed


def test_every_bucket_runs_at_the_factor_and_no_right_moves(stage: Stage) -> None:
    before = {asset: [stage.world.available(it, asset) for it in stage.world.roster] for asset in ASSETS}
    assert change(stage, 2_500_000)
    for agent in stage.world.roster:
        assert (agent.llm.rate, agent.llm.capacity) == (RATE * 5 // 2, CAPACITY * 5 // 2)
        assert agent.cpu.rate == GRANTS[CPU_RATE]
    assert {
        asset: [stage.world.available(it, asset) for it in stage.world.roster] for asset in ASSETS
    } == before
    (event,) = stage.events()
    assert isinstance(event, FlowChanged)
    assert (event.flow_ppm, event.before_ppm, event.why) == (2_500_000, 1_000_000, "a test")
    assert decode(encode(event)) == event
    assert not change(stage, 2_500_000), "nothing changes"
    assert stage.events() == []


def test_the_past_is_settled_at_the_old_rate(stage: Stage) -> None:
    bucket = stage.agent(ME).llm
    bucket.drain(CAPACITY)
    stage.pass_time(SECOND_NS)
    change(stage, 3_000_000)
    assert bucket.level_nano == RATE * NANO
    assert bucket.refill(2 * SECOND_NS) == 4 * RATE


def test_with_less_flow_a_bucket_is_as_large_as_its_right(stage: Stage) -> None:
    """Otherwise a thought that fits into the right would not fit, and its agent could never think again."""
    change(stage, 1)
    bucket = stage.agent(ME).llm
    assert (bucket.rate, bucket.capacity) == (1, CAPACITY)
    change(stage, MOST_PPM)
    assert bucket.level_nano == CAPACITY * NANO


def test_what_is_over_the_smaller_capacity_is_lost(stage: Stage) -> None:
    change(stage, 2_000_000)
    bucket = stage.agent(ME).llm
    stage.pass_time(3600 * SECOND_NS)
    assert bucket.refill(stage.now_ns) == 2 * CAPACITY
    change(stage, 1_000_000)
    assert bucket.refill(stage.now_ns) == CAPACITY


@pytest.mark.parametrize("ppm", [0, -1, MOST_PPM + 1])
def test_a_factor_out_of_bounds_is_a_mistake(stage: Stage, ppm: int) -> None:
    with pytest.raises(ValueError, match="a factor is"):
        change(stage, ppm)


def test_no_right_stays_no_flow() -> None:
    assert flowing(0, 0, 3_000_000) == (0, 0)
    assert flowing(1, 7, 1) == (1, 7)


def test_rights_that_move_move_what_flows(stage: Stage) -> None:
    change(stage, 2_000_000)
    stage.do(ME, Transfer(OTHER, 1_000, LLM_RATE))
    assert stage.agent(ME).llm.rate == 2 * (RATE - 1_000)
    assert stage.agent(OTHER).llm.rate == 2 * (RATE + 1_000)
    assert broken_laws(stage.world) == []


def test_an_agent_is_told_what_really_flows(stage: Stage) -> None:
    assert "llm_flow" not in stage.do(ME, Query("self"))
    kept = Observation(stage.world, stage.agent(ME), stage.now_ns)
    kept.keep()
    change(stage, 2_000_000)
    view = Observation(stage.world, stage.agent(ME), stage.now_ns)
    assert (view.llm_rate, view.llm_capacity, view.usable(LLM_RATE)) == (2 * RATE, 2 * CAPACITY, RATE)
    assert (kept.llm_rate, kept.llm_capacity) == (RATE, CAPACITY), "what was kept was so when it was kept"
    shown = stage.do(ME, Query("self"))
    assert shown["llm_flow"] == {"rate": 2 * RATE, "capacity": 2 * CAPACITY}


def test_more_flow_lets_those_look_again_who_wait_for_tokens(stage: Stage) -> None:
    stage.agent(ME).waiting_on, stage.agent(ME).wake_ns = "llm_rate", 9 * SECOND_NS
    stage.agent(OTHER).wake_ns = 5 * SECOND_NS
    change(stage, 2_000_000)
    assert stage.woken == [1]
    assert stage.agent(ME).wake_ns == 0


def test_less_flow_wakes_nobody(stage: Stage) -> None:
    stage.agent(ME).waiting_on, stage.agent(ME).wake_ns = "llm_rate", 9 * SECOND_NS
    change(stage, 500_000)
    assert stage.woken == []
    assert stage.agent(ME).wake_ns == 9 * SECOND_NS


def _asleep_for_tokens(stage: Stage, duration_ms: int = 60_000) -> None:
    """Asleep until the bucket, empty now, holds 8 seconds of its flow."""
    stage.agent(ME).llm.drain(CAPACITY)
    stage.world.rights_moved(stage.agent(ME), LLM_RATE, stage.now_ns)
    tokens = 8 * RATE // 1000
    assert CAPACITY >= 8 * RATE
    stage.do(ME, Sleep(duration_ms, until=StatePredicate("llm_tokens", "ge", tokens)))
    assert stage.agent(ME).wake_ns == 8 * SECOND_NS


def test_a_sleeper_for_tokens_awakes_earlier_with_more_flow(stage: Stage) -> None:
    _asleep_for_tokens(stage)
    change(stage, 4_000_000)
    assert stage.agent(ME).wake_ns == 2 * SECOND_NS


def test_a_sleeper_for_tokens_sleeps_on_with_less_flow(stage: Stage) -> None:
    _asleep_for_tokens(stage)
    change(stage, 500_000)
    stage.pass_time(8 * SECOND_NS)
    assert (stage.agent(ME).status, stage.agent(ME).wake_ns) == ("asleep", 16 * SECOND_NS)
    stage.pass_time(8 * SECOND_NS)
    assert stage.agent(ME).status == "active"


def test_but_no_longer_than_it_wanted(stage: Stage) -> None:
    _asleep_for_tokens(stage, 10_000)
    change(stage, 500_000)
    stage.pass_time(8 * SECOND_NS)
    assert (stage.agent(ME).status, stage.agent(ME).wake_ns) == ("asleep", 10 * SECOND_NS)
    stage.pass_time(2 * SECOND_NS)
    assert stage.agent(ME).status == "active"


def test_a_sleeper_for_few_tokens_awakes_when_its_bucket_shrinks(stage: Stage) -> None:
    change(stage, 2_000_000)
    stage.pass_time(3600 * SECOND_NS)
    stage.do(ME, Sleep(60_000, until=StatePredicate("llm_tokens", "le", CAPACITY // 1000)))
    change(stage, 1_000_000)
    assert stage.agent(ME).status == "active"


def test_who_sells_all_its_flow_has_none_at_any_factor(stage: Stage) -> None:
    stage.do(ME, Transfer(OTHER, RATE, LLM_RATE))
    change(stage, 5_000_000)
    assert stage.agent(ME).llm.rate == 0
    assert stage.agent(ME).llm.ready_ns(2 * CAPACITY, stage.now_ns) is None


def test_the_factor_for_a_flow(stage: Stage) -> None:
    stage.do(ME, Transfer(OTHER, 1_000, LLM_RATE))
    for wanted in (RATE // 4, RATE, 7 * RATE):
        change(stage, ppm_for(stage.world, wanted))
        assert abs(mean_flow(stage.world) - wanted) <= 1
    for name in (ME, OTHER):
        stage.do(name, Transfer(THIRD, stage.world.available(stage.agent(name), LLM_RATE), LLM_RATE))
    assert ppm_for(stage.world, RATE) == 1_000_000


def test_nobody_with_a_right_to_a_flow_has_no_factor() -> None:
    poor = Stage.of(1, {**GRANTS, LLM_RATE: 0})
    with pytest.raises(ValueError, match="no agent has a right"):
        ppm_for(poor.world, 1)


def test_an_office_that_was_kept_without_a_factor_flows_as_granted() -> None:
    offices = Offices()
    offices.restore(b'{"id":"world","transfers":3}')
    assert offices.world == Office(transfers=3)
    assert offices.world.flow_ppm == 1_000_000
    assert msgspec.json.decode(msgspec.json.encode(offices.world), type=Office) == offices.world
