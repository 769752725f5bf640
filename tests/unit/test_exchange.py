"""Giving: money, rights in part, artifacts. What moves is the limit, never the use."""

import pytest

from ecology.core.clock import NEVER_NS, SECOND_NS
from ecology.events.records import Event, OwnershipMoved, TransferPosted
from ecology.events.subscriptions import EventFilter, Predicate
from ecology.kernel.actions import Configure, Sleep, StatePredicate, Subscribe, Transfer, Write
from ecology.resources.assets import (
    ASSETS,
    BUCKET_ASSETS,
    CPU_CAPACITY,
    CPU_RATE,
    DISK,
    LLM_BUDGET,
    LLM_CAPACITY,
    LLM_RATE,
    MEMORY,
    SCRIP,
)
from ecology.resources.bucket import NANO
from ecology.testing.worlds import GRANTS, Stage

ME, OTHER, THIRD = "agent-0001", "agent-0002", "agent-0003"


@pytest.fixture
def stage() -> Stage:
    stage = Stage.of(3)
    stage.events()
    return stage


def right(stage: Stage, who: str, asset: str) -> int:
    return stage.world.available(stage.agent(who), asset)


@pytest.mark.parametrize("asset", ASSETS)
def test_any_right_can_be_given_in_part_and_its_sum_stays(stage: Stage, asset: str) -> None:
    supply = stage.world.supply(asset)
    amount = min(GRANTS[asset] // 3, 10_000)
    stage.do(ME, Transfer(OTHER, amount, asset))
    stage.do(OTHER, Transfer(THIRD, 2 * amount, asset))
    rights = [right(stage, who, asset) for who in (ME, OTHER, THIRD)]
    assert rights == [GRANTS[asset] - amount, GRANTS[asset] - amount, GRANTS[asset] + 2 * amount]
    assert sum(rights) == supply == stage.world.supply(asset) == 3 * GRANTS[asset]
    assert set(stage.world.book.totals().values()) == {0}


@pytest.mark.parametrize("asset", [asset for asset in ASSETS if asset != DISK])
def test_all_of_a_right_can_be_given(stage: Stage, asset: str) -> None:
    stage.do(ME, Transfer(OTHER, GRANTS[asset], asset))
    assert right(stage, ME, asset) == 0
    assert stage.refused(ME, Transfer(OTHER, 1, asset)) == "insufficient"


def test_a_gift_is_an_event_and_news_to_its_receiver(stage: Stage) -> None:
    stage.do(ME, Transfer(OTHER, 7, memo="for the bread é"))
    posted, taken = stage.events()
    assert isinstance(posted, TransferPosted)
    assert (posted.from_id, posted.to_id, posted.asset, posted.amount) == (ME, OTHER, SCRIP, 7)
    assert (posted.memo, posted.principal_id, posted.turn_id) == ("for the bread é", ME, f"{ME}#0")
    assert stage.news(OTHER) == [posted]
    assert stage.news(ME) == stage.news(THIRD) == []
    assert taken.sequence == posted.sequence + 1


def test_transfer_ids_say_who_and_when(stage: Stage) -> None:
    for who in (ME, OTHER, ME):
        stage.do(who, Transfer(THIRD, 1))
    ids = [it.transfer_id for it in stage.events() if isinstance(it, TransferPosted)]
    assert ids == [(1 << 40), (2 << 40), (1 << 40) | (1 << 8)]


@pytest.mark.parametrize(("rate", "bucket"), [(LLM_RATE, "llm"), (CPU_RATE, "cpu")])
def test_a_rate_moves_and_the_past_is_settled_at_the_old_one(stage: Stage, rate: str, bucket: str) -> None:
    mine, others = (getattr(stage.agent(who), bucket) for who in (ME, OTHER))
    for it in (mine, others):
        it.take(it.capacity, 0)
    stage.now_ns = 2 * SECOND_NS
    stage.do(ME, Transfer(OTHER, GRANTS[rate] // 2, rate))
    assert mine.level_nano == others.level_nano == 2 * GRANTS[rate] * NANO
    assert (mine.rate, others.rate) == (GRANTS[rate] // 2, GRANTS[rate] * 3 // 2)
    assert mine.refill(3 * SECOND_NS) == 2 * GRANTS[rate] + GRANTS[rate] // 2
    assert others.refill(3 * SECOND_NS) == 2 * GRANTS[rate] + GRANTS[rate] * 3 // 2


@pytest.mark.parametrize(("capacity", "bucket"), [(LLM_CAPACITY, "llm"), (CPU_CAPACITY, "cpu")])
def test_a_capacity_moves_and_what_is_in_the_bucket_does_not(
    stage: Stage, capacity: str, bucket: str
) -> None:
    mine, others = (getattr(stage.agent(who), bucket) for who in (ME, OTHER))
    stage.do(ME, Transfer(OTHER, GRANTS[capacity] // 4, capacity))
    assert mine.level_nano == mine.capacity * NANO == GRANTS[capacity] * 3 // 4 * NANO
    assert others.capacity == GRANTS[capacity] * 5 // 4
    assert others.level_nano == GRANTS[capacity] * NANO


def test_a_right_works_up_to_what_a_level_can_be_stored_as() -> None:
    huge = 2**61
    stage = Stage.of(2, {**GRANTS, LLM_CAPACITY: huge, LLM_RATE: huge})
    bucket = stage.agent(ME).llm
    assert right(stage, ME, LLM_CAPACITY) == huge
    assert bucket.level_nano < 2**63
    stage.do(ME, Transfer(OTHER, huge, LLM_CAPACITY))
    stage.now_ns = SECOND_NS
    assert stage.agent(OTHER).llm.refill(stage.now_ns) * NANO < 2**63
    assert bucket.level_nano == 0


def test_a_quota_moves_only_where_nothing_occupies_it(stage: Stage) -> None:
    stage.do(ME, Write("a", "x" * 1_000))
    free = stage.world.disk_free(stage.agent(ME))
    used = stage.agent(ME).disk_used
    assert stage.refused(ME, Transfer(OTHER, free + 1, DISK)) == "quota_in_use"
    stage.do(ME, Transfer(OTHER, free, DISK))
    assert stage.world.disk_free(stage.agent(ME)) == 0
    assert stage.agent(ME).disk_used == used
    assert right(stage, OTHER, DISK) == GRANTS[DISK] + free


GIFT = len("gifttext") + 500


def give(stage: Stage, name: str = "gift", size: int = 500) -> None:
    stage.do(OTHER, Configure(accepts_from=[ME]))
    stage.do(ME, Write(name, "x" * size, contract="transferable_freeware"))
    stage.do(ME, Transfer(OTHER, artifact=name))


def test_a_thing_moves_with_the_bytes_it_occupies(stage: Stage) -> None:
    before = {who: stage.agent(who).disk_used for who in (ME, OTHER)}
    stage.do(OTHER, Configure(accepts_from=[ME]))
    consent = stage.agent(OTHER).disk_used - before[OTHER]
    stage.do(ME, Write("gift", "x" * 500, contract="transferable_freeware"))
    assert stage.agent(ME).disk_used == before[ME] + GIFT
    stage.do(ME, Transfer(OTHER, artifact="gift"))
    assert stage.agent(ME).disk_used == before[ME]
    assert stage.agent(OTHER).disk_used == before[OTHER] + consent + GIFT
    it = stage.world.shelf.find("gift")
    assert it is not None
    assert (it.owner, it.bearer, it.created_by, it.revision) == (OTHER, OTHER, ME, 2)


def test_a_thing_given_is_an_event_and_news_to_its_receiver(stage: Stage) -> None:
    give(stage)
    moved = [it for it in stage.events() if isinstance(it, OwnershipMoved)]
    assert [(it.from_id, it.to_id, it.revision, it.size_bytes) for it in moved] == [(ME, OTHER, 2, GIFT)]
    assert stage.news(OTHER) == moved


def test_what_was_given_is_the_new_owners_to_change_and_to_give(stage: Stage) -> None:
    give(stage)
    assert stage.refused(ME, Write("gift", "mine again")) == "not_permitted"
    assert stage.refused(ME, Transfer(OTHER, artifact="gift")) == "not_permitted"
    stage.do(OTHER, Write("gift", "changed"))
    stage.do(ME, Configure(accepts_from=["*"]))
    stage.do(OTHER, Transfer(ME, artifact="gift"))
    stage.do(ME, Write("gift", "mine again"))


def test_consent_is_by_name_or_to_all_and_can_be_taken_back(stage: Stage) -> None:
    for name in ("a", "b", "c"):
        stage.do(ME, Write(name, "x", contract="transferable_freeware"))
    stage.do(OTHER, Configure(accepts_from=[THIRD]))
    assert stage.refused(ME, Transfer(OTHER, artifact="a")) == "not_accepted"
    stage.do(OTHER, Configure(accepts_from=["*"]))
    stage.do(ME, Transfer(OTHER, artifact="a"))
    stage.do(OTHER, Configure(accepts_from=[]))
    assert stage.refused(ME, Transfer(OTHER, artifact="b")) == "not_accepted"


def test_a_thing_whose_bytes_are_borne_by_its_receiver_needs_no_room(stage: Stage) -> None:
    stage.do(OTHER, Configure(accepts_from=["*"]))
    stage.do(ME, Write("a", "x", contract="public"))
    artifact = stage.world.shelf.find("a")
    assert artifact is not None
    stage.do(OTHER, Write("a", "y" * (stage.world.disk_free(stage.agent(OTHER)) - len("atext"))))
    assert stage.world.disk_free(stage.agent(OTHER)) == 0
    artifact.contract = "transferable_freeware"
    stage.do(ME, Transfer(OTHER, artifact="a"))
    assert (artifact.owner, artifact.bearer, stage.world.disk_free(stage.agent(OTHER))) == (OTHER, OTHER, 0)


def told_once(events: list[Event]) -> bool:
    sequences = [event.sequence for event in events]
    return sequences == sorted(set(sequences))


@pytest.mark.parametrize("event_type", ["transfer.posted", "artifact.owner"])
def test_who_subscribed_to_its_own_gifts_is_told_once(stage: Stage, event_type: str) -> None:
    stage.do(OTHER, Subscribe(event_type, [Predicate("to_id", "eq", OTHER)]))
    stage.do(ME, Transfer(OTHER, 5))
    give(stage)
    news = stage.news(OTHER)
    assert len(news) == 2
    assert told_once(news)


def test_news_of_what_a_gift_brought_about_come_after_the_gift(stage: Stage) -> None:
    """A third party sleeps until the gift; its waking is news to the receiver, and later news than the gift."""
    stage.do(OTHER, Configure(accepts_from=[ME]))
    stage.do(OTHER, Subscribe("agent.state"))
    stage.do(ME, Write("gift", "x", contract="transferable_freeware"))
    for gift in (Transfer(OTHER, 5), Transfer(OTHER, artifact="gift")):
        event_type = "transfer.posted" if gift.artifact is None else "artifact.owner"
        stage.do(THIRD, Sleep(5_000, EventFilter(event_type)))
        stage.news(OTHER)
        stage.do(ME, gift)
        news = stage.news(OTHER)
        assert len(news) == 2
        assert told_once(news)
        assert isinstance(news[0], TransferPosted | OwnershipMoved)


@pytest.mark.parametrize("asset", ASSETS)
def test_a_gift_wakes_who_waits_for_that_kind_of_thing(stage: Stage, asset: str) -> None:
    """The engine parks who cannot pay; the world says when to look again, and does not say it for nothing."""
    waiting = stage.agent(OTHER)
    waiting.waiting_on, waiting.wake_ns = "llm_rate", NEVER_NS
    stage.world.set_status(waiting, "blocked", "llm_rate", 0)
    stage.now_ns = 3 * SECOND_NS
    stage.do(ME, Transfer(OTHER, 1, asset))
    if asset in BUCKET_ASSETS or asset in (LLM_BUDGET, MEMORY):
        assert stage.woken == [2]
        assert waiting.wake_ns == 3 * SECOND_NS
    else:
        assert stage.woken == []
        assert waiting.wake_ns == NEVER_NS


def test_a_gift_to_who_is_awake_wakes_nobody(stage: Stage) -> None:
    stage.do(ME, Transfer(OTHER, 1, LLM_RATE))
    assert stage.woken == []


def test_a_gift_ends_the_sleep_of_who_slept_for_it(stage: Stage) -> None:
    stage.do(OTHER, Sleep(5_000, until=StatePredicate("scrip", "ge", 1_010)))
    stage.do(ME, Transfer(OTHER, 9))
    assert stage.agent(OTHER).status == "asleep"
    stage.do(ME, Transfer(OTHER, 1))
    assert stage.agent(OTHER).status == "active"
    assert stage.woken == [2]
