"""Disk that is rented and goes back: what its tenant can no longer bear is deleted, and renting is no free storage."""

import pytest

from ecology.artifacts.artifact import STANDING_BYTES
from ecology.core.clock import SECOND_NS
from ecology.events.economy import BidClosed, ListingClosed, RightReverted
from ecology.events.records import AgentStateChanged, ArtifactDeleted, Event, HoldClosed, TransferPosted
from ecology.kernel.actions import (
    AgentConfig,
    Bid,
    Buy,
    Configure,
    Delete,
    Edit,
    Invoke,
    List,
    Read,
    Sleep,
    Spawn,
    StatePredicate,
    Subscribe,
    Transfer,
    Write,
)
from ecology.kernel.laws import Laws, MintLaw
from ecology.resources.assets import DISK, SCRIP
from ecology.testing.laws import broken_laws
from ecology.testing.worlds import Stage
from tests.support.market import FREE, has, offer
from tests.support.tools import make

OWNER, TENANT, THIRD = "agent-0001", "agent-0002", "agent-0003"
RENTED = 20_000


@pytest.fixture
def stage() -> Stage:
    stage = Stage.of(3)
    stage.events()
    return stage


def rent(stage: Stage, amount: int = RENTED, seconds: int = 10, *, owner: str = OWNER) -> None:
    """Let the tenant have another's disk for a time."""
    listing = offer(stage, owner, price=5, asset=DISK, amount=amount, rent_ms=seconds * 1_000)
    stage.do(TENANT, Buy(listing))


def write(stage: Stage, name: str, size: int, who: str = TENANT, contract: str = "freeware") -> None:
    """Write something of so many bytes with its name, a second after whatever was before."""
    stage.pass_time(SECOND_NS)
    stage.do(who, Write(name, "x" * (size - named(name)), contract=contract))


def named(name: str) -> int:
    """What the name alone occupies, with that of the type."""
    return len(name) + len("text")


def free(stage: Stage, who: str = TENANT) -> int:
    return stage.world.disk_free(stage.world.principals[who])


def ended(stage: Stage, seconds: int = 10) -> list[Event]:
    """Let the rents end; what happened, all laws being kept."""
    stage.events()
    for who in (OWNER, TENANT, THIRD):
        stage.news(who)
    stage.pass_time(seconds * SECOND_NS)
    assert broken_laws(stage.world) == []
    return stage.events()


def deleted(events: list[Event]) -> list[str]:
    return [it.artifact_id for it in events if isinstance(it, ArtifactDeleted)]


def test_what_fits_stays(stage: Stage) -> None:
    rent(stage)
    write(stage, "kept", free(stage) - RENTED)
    assert [type(it) for it in ended(stage)] == [HoldClosed, TransferPosted, RightReverted]
    assert free(stage) == 0


def test_one_byte_too_many_costs_what_was_written_last(stage: Stage) -> None:
    rent(stage)
    write(stage, "first", 30_000)
    write(stage, "second", 10 + named("second"))
    write(stage, "third", free(stage) - RENTED)
    stage.pass_time(SECOND_NS)
    stage.do(TENANT, Edit("second", "x" * 10, "y" * 21))
    write(stage, "fourth", RENTED - 11)
    assert free(stage) == 0
    assert deleted(ended(stage)) == ["fourth", "second"], "by the last write, not by creation"
    assert free(stage) == 10 + named("second")


def test_of_things_of_one_time_the_one_created_last_goes_first(stage: Stage) -> None:
    rent(stage)
    for name in ("b", "c", "a"):
        stage.do(TENANT, Write(name, "x" * 20_000))
    assert deleted(ended(stage)) == ["a"]
    assert stage.world.shelf.find("b")


def test_what_was_taken_over_last_counts_as_written_last(stage: Stage) -> None:
    write(stage, "gift", 20_000, OWNER, FREE)
    listing = offer(stage, OWNER, price=1, artifact="gift")
    rent(stage)
    write(stage, "own", 40_000)
    stage.pass_time(SECOND_NS)
    stage.do(TENANT, Buy(listing))
    assert deleted(ended(stage)) == ["gift"]


def test_each_deletion_is_the_worlds_and_comes_before_the_right_is_back(stage: Stage) -> None:
    rent(stage)
    write(stage, "old", 45_000)
    for name in ("a", "b"):
        write(stage, name, 10_000)
    events = ended(stage)
    families = [*(ArtifactDeleted, ArtifactDeleted), *(HoldClosed, TransferPosted, RightReverted)]
    assert [type(it) for it in events] == families
    gone = events[0]
    assert isinstance(gone, ArtifactDeleted)
    assert (gone.artifact_id, gone.owner, gone.freed_bytes, gone.revision) == ("b", TENANT, 10_000, 2)
    assert all((it.principal_id, it.turn_id, it.time_ns) == (None, None, 10 * SECOND_NS) for it in events)
    assert stage.news(TENANT) == [events[0], events[1], events[-1]]
    assert stage.news(OWNER) == [events[-1]]
    for action in (Read("b"), Write("b", "x"), Delete("b")):
        assert stage.refused(TENANT, action) == "deleted", "the name stays taken"


@pytest.mark.parametrize("subscribed", [False, True])
def test_owner_and_bearer_of_what_is_deleted_are_told_once(stage: Stage, subscribed: bool) -> None:
    """Under `public` the tenant bears what it rewrote, whoever owns it."""
    stage.do(OWNER, Write("commons", "x", contract="public"))
    if subscribed:
        for who in (OWNER, TENANT, THIRD):
            stage.do(who, Subscribe("artifact.deleted"))
    rent(stage, owner=THIRD)
    write(stage, "own", 40_000)
    write(stage, "commons", 20_000, contract="public")
    (gone,) = (it for it in ended(stage) if isinstance(it, ArtifactDeleted))
    assert (gone.artifact_id, gone.owner) == ("commons", OWNER)
    told = [stage.news(who) for who in (OWNER, TENANT, THIRD)]
    assert [news.count(gone) for news in told] == [1, 1, int(subscribed)]
    assert [len(news) for news in told] == [1, 2, 1 + subscribed]


def test_what_others_bear_stays_though_the_tenant_owns_it(stage: Stage) -> None:
    stage.do(TENANT, Write("commons", "x", contract="public"))
    rent(stage)
    write(stage, "own", 60_000)
    write(stage, "commons", 5_000, THIRD, contract="public")
    assert deleted(ended(stage)) == ["own"]
    assert stage.do(TENANT, Read("commons"))["owner"] == TENANT


def test_what_is_for_sale_goes_too_and_its_listing_is_stale(stage: Stage) -> None:
    rent(stage)
    write(stage, "own", 40_000)
    write(stage, "goods", 15_000, contract=FREE)
    listing = offer(stage, TENANT, price=7, artifact="goods")
    events = ended(stage)
    gone, closed = events[:2]
    assert isinstance(gone, ArtifactDeleted)
    assert isinstance(closed, ListingClosed)
    assert (closed.listing_id, closed.reason, closed.principal_id) == (listing, "stale", None)
    assert stage.news(TENANT) == [gone, closed, events[-1]]
    assert stage.refused(THIRD, Buy(listing)) == "listing_stale"


def test_what_was_submitted_to_the_mint_goes_too_and_earns_nothing() -> None:
    stage = Stage.of(3, laws=Laws(mint=MintLaw(first_ns=12 * SECOND_NS, every_ns=60 * SECOND_NS)))
    rent(stage)
    write(stage, "own", 40_000)
    write(stage, "work", 15_000)
    scrip = has(stage, TENANT)
    stage.do(TENANT, Bid("work", 30))
    events = ended(stage)
    (closed,) = (it for it in events if isinstance(it, BidClosed))
    assert deleted(events) == [closed.artifact_id] == ["work"]
    assert (closed.how, closed.minted, closed.price) == ("lost", 0, 0)
    assert has(stage, TENANT) == scrip
    assert stage.world.supply(SCRIP) == 3_000
    assert broken_laws(stage.world) == []


def test_code_that_is_deleted_runs_no_more(stage: Stage) -> None:
    rent(stage)
    write(stage, "own", 40_000)
    stage.pass_time(SECOND_NS)
    make(stage, "tool", f"def run():\n    return 1\n#{'x' * 15_000}\n", who=TENANT)
    assert stage.do(TENANT, Invoke("tool", allowance=1_000))["result"] == 1
    assert deleted(ended(stage)) == ["tool"]
    assert stage.refused(TENANT, Invoke("tool", allowance=1_000)) == "deleted"


def test_an_agent_and_what_has_standing_are_not_deleted_however_late_they_were_written(stage: Stage) -> None:
    rent(stage)
    write(stage, "large", 45_000)
    stage.pass_time(SECOND_NS)
    stage.do(TENANT, Write("till", "x" * 1_000, standing=True))
    stage.do(TENANT, Configure(prompt="g" * 1_000))
    write(stage, "small", 10_000)
    assert deleted(ended(stage)) == ["small"]
    write(stage, "more", free(stage))
    assert stage.refused(TENANT, Write("yet-more", "x")) == "disk_quota"


def test_what_is_never_deleted_is_not_put_on_rented_disk(stage: Stage) -> None:
    """Nor is disk of its own given away by who writes on rented disk meanwhile: all of a rent can be cleared."""
    own = free(stage)
    rent(stage)
    assert stage.refused(TENANT, Write("till", "x" * (own + 1), standing=True)) == "disk_quota"
    assert stage.refused(TENANT, Configure(prompt="g" * (own + 1))) == "disk_quota"
    stage.do(TENANT, Write("till", "x" * 10, standing=True, contract=FREE))
    write(stage, "large", own - named("till") - 10 - STANDING_BYTES)
    assert free(stage) == RENTED
    assert stage.refused(TENANT, Write("till", "x" * 11)) == "disk_quota"
    assert stage.refused(TENANT, Transfer(THIRD, 1, DISK)) == "quota_in_use"
    assert stage.refused(TENANT, List(1, asset=DISK, amount=1)) == "quota_in_use"
    endowed = Spawn("child", AgentConfig(strategy="maker"), {DISK: 1_000})
    assert stage.refused(TENANT, endowed) == "quota_in_use"
    stage.do(THIRD, Write("account", "x", standing=True, contract=FREE))
    listing = offer(stage, THIRD, price=1, artifact="account")
    assert stage.refused(TENANT, Buy(listing)) == "disk_quota"
    write(stage, "on-rented-disk", RENTED)
    assert deleted(ended(stage)) == ["on-rented-disk"]
    assert free(stage) == 0


def test_of_two_rents_each_is_cleared_for_when_it_ends(stage: Stage) -> None:
    rent(stage, 20_000, 20)
    rent(stage, 10_000, 30, owner=THIRD)
    write(stage, "base", 45_000)
    for name in ("a", "b", "c"):
        write(stage, name, 10_000)
    assert deleted(ended(stage, 16)) == ["c", "b"]
    assert deleted(ended(stage, 10)) == ["a"]
    assert stage.world.shelf.find("base")


def test_two_rents_that_end_at_once_are_cleared_for_in_their_order(stage: Stage) -> None:
    for owner in (OWNER, THIRD):
        rent(stage, 10_000, owner=owner)
    write(stage, "base", 45_000)
    for name in ("a", "b"):
        write(stage, name, 10_000)
    cycle = [ArtifactDeleted, HoldClosed, TransferPosted, RightReverted]
    assert [type(it) for it in ended(stage)] == cycle * 2


def test_who_slept_for_room_is_woken_by_its_loss_of_things(stage: Stage) -> None:
    rent(stage)
    write(stage, "base", 10_000)
    write(stage, "large", 58_000)
    stage.do(TENANT, Sleep(60_000, until=StatePredicate("disk_free", "ge", 30_000)))
    events = ended(stage)
    kinds = [type(it) for it in events if isinstance(it, ArtifactDeleted | AgentStateChanged)]
    assert kinds == [ArtifactDeleted, AgentStateChanged]
    assert stage.agent(TENANT).status == "active"
    assert free(stage) > 30_000
