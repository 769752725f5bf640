"""What agents are told, asleep or awake: messages, subscriptions, the inbox."""

import pytest

from ecology.core.clock import NEVER_NS, SECOND_NS
from ecology.core.limits import MAX_INBOX_EVENTS
from ecology.events.records import Event, MessageSent, SubscriptionAdded, SubscriptionRemoved
from ecology.kernel.actions import (
    AgentConfig,
    Configure,
    Message,
    Query,
    Sleep,
    Spawn,
    Subscribe,
    Transfer,
    Unsubscribe,
    Write,
)
from ecology.resources.assets import DISK, LLM_BUDGET
from ecology.testing.worlds import GRANTS, Stage

ME, OTHER, THIRD = "agent-0001", "agent-0002", "agent-0003"


@pytest.fixture
def stage() -> Stage:
    stage = Stage.of(3)
    stage.events()
    return stage


def test_an_inbox_holds_the_newest_and_counts_the_rest(stage: Stage) -> None:
    for number in range(MAX_INBOX_EVENTS + 5):
        stage.do(OTHER, Message(ME, str(number)))
    agent = stage.agent(ME)
    assert agent.missed == 5
    told = [event.text for event in agent.inbox if isinstance(event, MessageSent)]
    assert told == [str(number) for number in range(5, MAX_INBOX_EVENTS + 5)]


def test_nobody_is_told_of_its_own_deeds(stage: Stage) -> None:
    for event_type in (
        "artifact.created",
        "transfer.posted",
        "agent.state",
        "agent.spawned",
        "artifact.owner",
    ):
        stage.do(ME, Subscribe(event_type))
    stage.do(OTHER, Configure(accepts_from=["*"]))
    stage.news(ME)
    stage.do(ME, Write("a", "x", contract="transferable_freeware"))
    stage.do(ME, Transfer(OTHER, 1))
    stage.do(ME, Transfer(OTHER, artifact="a"))
    stage.do(ME, Spawn("child", AgentConfig("maker"), {DISK: 100}))
    stage.do(ME, Sleep(1))
    stage.pass_time(SECOND_NS)
    assert stage.news(ME) == []


def test_a_message_is_read_by_its_receiver_alone(stage: Stage) -> None:
    for event_type in ("agent.state", "transfer.posted"):
        stage.do(THIRD, Subscribe(event_type))
    stage.do(ME, Message(OTHER, "between us"))
    assert stage.news(THIRD) == stage.news(ME) == []
    assert len(stage.news(OTHER)) == 1


def test_an_empty_message_is_a_nudge(stage: Stage) -> None:
    assert stage.do(ME, Message(OTHER, "")) == {"to": OTHER}
    assert stage.do(ME, Message(OTHER, "\x00é😀")) == {"to": OTHER}
    assert [event.text for event in stage.news(OTHER) if isinstance(event, MessageSent)] == ["", "\x00é😀"]


def test_a_subscription_is_an_event_with_a_name_that_ends_it(stage: Stage) -> None:
    name = stage.do(ME, Subscribe("artifact.created"))["subscription"]
    assert isinstance(name, str)
    assert stage.do(ME, Query("subscriptions")) == {
        "subscriptions": [{"id": name, "event_type": "artifact.created"}]
    }
    stage.do(OTHER, Write("a", "x"))
    assert len(stage.news(ME)) == 1
    assert stage.do(ME, Unsubscribe(name)) == {"subscription": name}
    stage.do(OTHER, Write("b", "x"))
    assert stage.news(ME) == []
    assert stage.refused(ME, Unsubscribe(name)) == "not_found"
    kinds = [type(event) for event in stage.events()]
    assert kinds.count(SubscriptionAdded) == kinds.count(SubscriptionRemoved) == 1


def test_what_was_subscribed_and_ended_within_a_group_never_reaches_the_store(stage: Stage) -> None:
    kept = stage.do(ME, Subscribe("artifact.created"))["subscription"]
    assert [it.subscription_id for it in stage.world.take_batch().subscribed] == [kept]
    stage.world.shelf.contents.committed()
    gone = stage.do(ME, Subscribe("artifact.created"))["subscription"]
    for name in (gone, kept):
        stage.do(ME, Unsubscribe(str(name)))
    batch = stage.world.take_batch()
    assert (batch.subscribed, batch.unsubscribed) == ([], [kept])


def test_the_frozen_are_told_and_not_woken(stage: Stage) -> None:
    agent = stage.agent(ME)
    agent.wake_ns = NEVER_NS
    stage.world.set_status(agent, "frozen", "by hand", 0)
    stage.do(OTHER, Message(ME, "are you there?"))
    assert (agent.status, agent.wake_ns, stage.woken) == ("frozen", NEVER_NS, [])
    assert len(stage.news(ME)) == 1


def test_every_field_of_ones_own_state(stage: Stage) -> None:
    def own(field: str) -> int:
        return stage.world.own_value(stage.agent(ME), field, stage.now_ns)

    news: list[Event] = stage.agent(ME).inbox
    assert own("scrip") == 1_000
    assert own("llm_budget") == GRANTS[LLM_BUDGET]
    assert own("disk_free") == GRANTS[DISK] - stage.agent(ME).disk_used
    assert own("llm_tokens") == 100
    assert own("inbox") == len(news) == 0
    with pytest.raises(AssertionError):
        own("mood")
