"""Sleeping and being woken. What agents are told meanwhile stands in test_news.py."""

import pytest

from ecology.core.clock import SECOND_NS
from ecology.core.limits import MAX_SLEEP_NS, MAX_SUBSCRIPTIONS
from ecology.events.records import AgentStateChanged, ArtifactCreated, MessageSent
from ecology.events.subscriptions import EventFilter, Predicate
from ecology.kernel.actions import (
    Action,
    AgentConfig,
    Configure,
    Delete,
    Message,
    Sleep,
    Spawn,
    StatePredicate,
    Subscribe,
    Transfer,
    Write,
)
from ecology.resources.assets import CPU_RATE, DISK, LLM_BUDGET, LLM_CAPACITY, LLM_RATE, SCRIP
from ecology.testing.worlds import GRANTS, Stage

ME, OTHER, THIRD = "agent-0001", "agent-0002", "agent-0003"
ANY_STATE = EventFilter("agent.state")
ANY_WORK = EventFilter("artifact.created")


@pytest.fixture
def stage() -> Stage:
    stage = Stage.of(3)
    stage.events()
    return stage


def status(stage: Stage, who: str = ME) -> str:
    return stage.agent(who).status


def until(field: str, op: str, value: int) -> Sleep:
    """Sleep an hour at the most."""
    return Sleep(3_600_000, until=StatePredicate(field, op, value))


# -- falling asleep


def test_a_sleep_ends_at_its_time(stage: Stage) -> None:
    stage.now_ns = SECOND_NS
    assert stage.do(ME, Sleep(2_000)) == {"until_ns": 3 * SECOND_NS}
    agent = stage.agent(ME)
    assert (agent.status, agent.wake_ns) == ("asleep", 3 * SECOND_NS)
    changed = stage.events()[0]
    assert isinstance(changed, AgentStateChanged)
    assert (changed.state, changed.until_ns, changed.agent_id) == ("asleep", 3 * SECOND_NS, ME)
    stage.pass_time(2 * SECOND_NS - 1)
    assert status(stage) == "asleep"
    stage.pass_time(1)
    assert status(stage) == "active"
    assert agent.sleep is None
    assert agent.due_ns == 3 * SECOND_NS


def test_the_longest_sleep(stage: Stage) -> None:
    assert stage.do(ME, Sleep(MAX_SLEEP_NS // 1_000_000)) == {"until_ns": MAX_SLEEP_NS}


@pytest.mark.parametrize(
    ("field", "op", "value"),
    [
        ("scrip", "ge", 1_000),
        ("scrip", "le", 1_000),
        ("disk_free", "ge", 1),
        ("llm_tokens", "ge", 100),
        ("llm_tokens", "ge", -5),
        ("llm_budget", "le", 2**63 - 1),
        ("inbox", "le", 0),
    ],
)
def test_who_has_already_what_it_would_sleep_for_does_not(
    stage: Stage, field: str, op: str, value: int
) -> None:
    assert stage.do(ME, until(field, op, value)) == {"slept_ms": 0}
    agent = stage.agent(ME)
    assert (agent.status, agent.sleep) == ("active", None)
    assert stage.world.subscriptions.of(ME) == []


# -- what ends a sleep: somebody's deed


def test_a_message_wakes(stage: Stage) -> None:
    stage.do(ME, Sleep(5_000))
    stage.now_ns = SECOND_NS
    stage.do(OTHER, Message(ME, "up!"))
    assert status(stage) == "active"
    assert stage.woken == [1]
    assert stage.agent(ME).wake_ns == SECOND_NS
    assert [event.text for event in stage.news(ME) if isinstance(event, MessageSent)] == ["up!"]


def test_a_payment_alone_does_not_wake(stage: Stage) -> None:
    stage.do(ME, Sleep(5_000))
    stage.do(OTHER, Transfer(ME, 5))
    assert status(stage) == "asleep"
    assert len(stage.news(ME)) == 1


def test_the_event_one_sleeps_for_wakes_and_no_other(stage: Stage) -> None:
    stage.do(ME, Sleep(5_000, EventFilter("artifact.created", [Predicate("artifact_type", "eq", "bread")])))
    stage.do(OTHER, Write("a", "x", "stone"))
    assert status(stage) == "asleep"
    stage.do(OTHER, Write("b", "x", "bread"))
    assert status(stage) == "active"
    assert [it.artifact_id for it in stage.news(ME) if isinstance(it, ArtifactCreated)] == ["b"]
    stage.do(OTHER, Write("c", "x", "bread"))
    assert stage.news(ME) == [], "what one slept for is over with the sleep"


def test_a_standing_subscription_wakes_too(stage: Stage) -> None:
    stage.do(ME, Subscribe("artifact.created"))
    stage.do(ME, Sleep(5_000))
    stage.do(OTHER, Write("a", "x"))
    assert status(stage) == "active"
    stage.do(OTHER, Write("b", "x"))
    assert len(stage.news(ME)) == 2, "and lasts"


@pytest.mark.parametrize("ending", ["time", "event", "message", "condition"])
def test_the_subscription_of_a_sleep_ends_with_it(stage: Stage, ending: str) -> None:
    stage.do(ME, Sleep(5_000, ANY_WORK, StatePredicate("scrip", "ge", 1_001)))
    assert len(stage.world.subscriptions.of(ME)) == 1
    if ending == "time":
        stage.pass_time(5 * SECOND_NS)
    else:
        deeds: dict[str, Action] = {
            "event": Write("a", "x"),
            "message": Message(ME, ""),
            "condition": Transfer(ME, 1),
        }
        stage.do(OTHER, deeds[ending])
    assert status(stage) == "active"
    assert stage.world.subscriptions.of(ME) == []
    assert stage.world.take_batch().subscribed == []


def test_a_sleep_leaves_the_agents_other_subscriptions_alone(stage: Stage) -> None:
    stage.do(ME, Subscribe("artifact.created"))
    for _ in range(3):
        stage.do(ME, Sleep(1_000, ANY_STATE))
        stage.pass_time(SECOND_NS)
    assert [it.filter for it in stage.world.subscriptions.of(ME)] == [ANY_WORK]


def test_who_has_all_its_subscriptions_can_still_sleep_for_an_event(stage: Stage) -> None:
    for _ in range(MAX_SUBSCRIPTIONS):
        stage.do(ME, Subscribe("artifact.deleted"))
    stage.do(ME, Sleep(5_000, ANY_WORK))
    stage.do(OTHER, Write("a", "x"))
    assert status(stage) == "active"


def test_one_event_wakes_everybody_who_sleeps_for_it() -> None:
    stage = Stage.of(30)
    sleepers = [agent.id for agent in stage.world.roster[1:]]
    for who in sleepers:
        stage.do(who, Sleep(5_000, ANY_WORK))
    stage.do(ME, Write("a", "x"))
    assert {status(stage, who) for who in sleepers} == {"active"}
    assert stage.woken == list(range(2, 31)), "in order of their subscriptions"
    assert all(len(stage.news(who)) == 1 for who in sleepers)


def test_a_chain_of_sleepers_of_any_length_is_woken() -> None:
    """Each sleeps until the one before it wakes: the first waking wakes them all, without bound or recursion."""
    agents = 1_500
    stage = Stage.of(agents)
    for agent in stage.world.roster[2:]:
        before = f"agent-{agent.ordinal - 1:04d}"
        wanted = [Predicate("agent_id", "eq", before), Predicate("state", "eq", "active")]
        stage.do(agent.id, Sleep(60_000, EventFilter("agent.state", wanted)))
    stage.do(OTHER, Sleep(60_000))
    stage.events()
    stage.do(ME, Message(OTHER, "wake up, pass it on"))
    assert {agent.status for agent in stage.world.roster} == {"active"}
    woken = [it.agent_id for it in stage.events() if isinstance(it, AgentStateChanged)]
    assert woken == [f"agent-{ordinal:04d}" for ordinal in range(2, agents + 1)]


def test_a_crowd_that_sleeps_for_any_waking_is_told_in_order() -> None:
    stage = Stage.of(60)
    for agent in stage.world.roster[1:]:
        stage.do(agent.id, Subscribe("agent.state"))
        stage.agent(agent.id).inbox.clear()
    for agent in stage.world.roster[1:]:
        stage.do(agent.id, Sleep(60_000))
    assert sum(agent.status == "asleep" for agent in stage.world.roster) == 1, (
        "each falling asleep wakes the one before"
    )
    stage.do(ME, Message("agent-0060", "up"))
    assert {agent.status for agent in stage.world.roster} == {"active"}
    for agent in stage.world.roster:
        sequences = [event.sequence for event in agent.inbox]
        assert sequences == sorted(set(sequences))


def test_one_can_be_woken_by_what_ones_own_falling_asleep_brought_about(stage: Stage) -> None:
    """Two who sleep for each other: the second falling asleep wakes the first, whose waking wakes the second."""
    stage.do(OTHER, Sleep(5_000, ANY_STATE))
    stage.do(ME, Sleep(5_000, ANY_STATE))
    assert status(stage, OTHER) == status(stage, ME) == "active"
    assert stage.world.subscriptions.of(ME) == stage.world.subscriptions.of(OTHER) == []
    told = stage.news(ME)
    assert [(it.agent_id, it.state) for it in told if isinstance(it, AgentStateChanged)] == [
        (OTHER, "active")
    ]


def test_to_wake_takes_no_second_deed(stage: Stage) -> None:
    stage.do(ME, Sleep(5_000, ANY_WORK))
    stage.do(OTHER, Message(ME, "1"))
    stage.do(OTHER, Message(ME, "2"))
    stage.do(OTHER, Write("a", "x"))
    states = [it for it in stage.events() if isinstance(it, AgentStateChanged) and it.agent_id == ME]
    assert [it.state for it in states] == ["asleep", "active"]


# -- what ends a sleep: one's own state


@pytest.mark.parametrize(
    ("field", "short", "asset", "amount"),
    [
        ("scrip", 1_007, SCRIP, 7),
        ("llm_budget", GRANTS[LLM_BUDGET] + 7, LLM_BUDGET, 7),
        ("disk_free", GRANTS[DISK], DISK, 1_000),
    ],
)
def test_a_gift_fulfils_a_condition(stage: Stage, field: str, short: int, asset: str, amount: int) -> None:
    stage.do(ME, until(field, "ge", short))
    stage.do(OTHER, Transfer(ME, amount - 6, asset))
    stage.do(OTHER, Transfer(ME, 1, CPU_RATE))
    if asset != DISK:
        assert status(stage) == "asleep"
    stage.do(OTHER, Transfer(ME, 6, asset))
    assert status(stage) == "active"
    assert stage.agent(ME).reason == "condition met"


def test_an_inbox_fills_while_one_sleeps(stage: Stage) -> None:
    stage.do(ME, Configure(accepts_from=["*"]))
    stage.do(OTHER, Write("gift", "x", contract="transferable_freeware"))
    stage.do(ME, until("inbox", "ge", 2))
    stage.do(OTHER, Transfer(ME, 1))
    assert status(stage) == "asleep"
    stage.do(OTHER, Transfer(ME, artifact="gift"))
    assert status(stage) == "active"


@pytest.mark.parametrize("way", ["deleted", "rewritten", "given away", "taken over"])
def test_free_disk_is_looked_at_whoever_frees_it(stage: Stage, way: str) -> None:
    stage.do(OTHER, Configure(accepts_from=["*"]))
    stage.do(ME, Configure(accepts_from=["*"]))
    stage.do(OTHER, Write("a", "", contract="public"))
    stage.do(ME, Write("a", "x" * 1_000))
    free = stage.world.disk_free(stage.agent(ME))
    if way == "given away":
        stage.do(OTHER, Write("b", "x" * 1_000, contract="transferable_freeware"))
        stage.do(ME, until("disk_free", "le", free - 1))
        stage.do(OTHER, Transfer(ME, artifact="b"))
    elif way == "taken over":
        stage.do(OTHER, Write("a", "", contract="transferable_freeware"))
        stage.do(OTHER, Transfer(THIRD, 1))
        stage.do(ME, Write("c", "x" * 500, contract="public"))
        stage.do(ME, until("disk_free", "ge", free + 1_000))
        stage.do(OTHER, Write("c", "x"))
    else:
        stage.do(ME, until("disk_free", "ge", free + 1))
        stage.do(OTHER, Delete("a") if way == "deleted" else Write("a", "y"))
    assert status(stage) == "active"


def test_free_disk_is_looked_at_when_somebody_else_changes_ones_configuration(stage: Stage) -> None:
    stage.do(OTHER, Spawn("child", AgentConfig("maker", prompt="x" * 50), {DISK: 100}, contract="public"))
    stage.do("child", until("disk_free", "ge", 80))
    stage.do(ME, Write("child", '{"strategy":"maker"}'))
    assert status(stage, "child") == "active"


def drained(stage: Stage) -> None:
    """Let ME's token bucket be empty now."""
    bucket = stage.agent(ME).llm
    assert bucket.take(bucket.capacity, stage.now_ns)


def test_tokens_come_by_themselves(stage: Stage) -> None:
    drained(stage)
    stage.do(ME, until("llm_tokens", "ge", 30))
    assert stage.agent(ME).wake_ns == 3 * SECOND_NS
    stage.pass_time(3 * SECOND_NS)
    assert stage.world.own_value(stage.agent(ME), "llm_tokens", stage.now_ns) == 30


def test_tokens_that_will_never_come_are_slept_for_to_the_end(stage: Stage) -> None:
    drained(stage)
    assert stage.do(ME, until("llm_tokens", "ge", 101)) == {"until_ns": 3_600 * SECOND_NS}
    assert stage.agent(ME).wake_ns == 3_600 * SECOND_NS


def test_a_better_rate_ends_the_sleep_sooner(stage: Stage) -> None:
    drained(stage)
    stage.do(ME, until("llm_tokens", "ge", 100))
    stage.now_ns = 4 * SECOND_NS
    stage.do(OTHER, Transfer(ME, GRANTS[LLM_RATE], LLM_RATE))
    assert status(stage) == "asleep"
    assert stage.agent(ME).wake_ns == 7 * SECOND_NS
    assert stage.woken == [1]


def test_a_larger_bucket_makes_possible_what_was_not(stage: Stage) -> None:
    drained(stage)
    stage.do(ME, until("llm_tokens", "ge", 120))
    stage.do(OTHER, Transfer(ME, 20_000, LLM_CAPACITY))
    assert stage.agent(ME).wake_ns == 12 * SECOND_NS
    stage.pass_time(12 * SECOND_NS)
    assert status(stage) == "active"
    assert stage.world.own_value(stage.agent(ME), "llm_tokens", stage.now_ns) == 120


def test_a_gift_never_makes_a_sleep_longer(stage: Stage) -> None:
    drained(stage)
    stage.do(ME, Sleep(2_000, until=StatePredicate("llm_tokens", "ge", 100)))
    stage.do(OTHER, Transfer(ME, 10, LLM_RATE))
    assert stage.agent(ME).wake_ns == 2 * SECOND_NS
    stage.do(OTHER, Transfer(ME, 10, CPU_RATE))
    assert stage.agent(ME).wake_ns == 2 * SECOND_NS
