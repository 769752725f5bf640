"""Rights for a time: the tenant uses them and cannot dispose of them, and they come back by themselves."""

import pytest

from ecology.core import ids
from ecology.core.clock import NEVER_NS, SECOND_NS
from ecology.engine.observation import Observation
from ecology.events.economy import ListingSold, RightRented, RightReverted
from ecology.events.records import ActionTaken, Event, HoldClosed, HoldOpened, TransferPosted
from ecology.kernel.actions import AgentConfig, Buy, List, Query, Spawn, Transfer, Write
from ecology.kernel.housekeeping import due_ns, keep_house
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
from ecology.testing.laws import broken_laws
from ecology.testing.worlds import GRANTS, Stage
from ledger import Kind, Status
from ledger import Transfer as LedgerTransfer

OWNER, TENANT, THIRD = "agent-0001", "agent-0002", "agent-0003"
RENTABLE = tuple(asset for asset in ASSETS if asset not in (SCRIP, LLM_BUDGET))


@pytest.fixture
def stage() -> Stage:
    stage = Stage.of(3)
    stage.events()
    return stage


def rent(
    stage: Stage, asset: str, amount: int, seconds: int = 10, *, owner: str = OWNER, tenant: str = TENANT
) -> str:
    """Let something, for 5 scrip; the rental's name."""
    listing = str(stage.do(owner, List(5, asset=asset, amount=amount, rent_ms=seconds * 1_000))["listing"])
    stage.do(tenant, Buy(listing))
    return listing


def has(stage: Stage, who: str, asset: str) -> tuple[int, int]:
    """What somebody can dispose of, and what it can use."""
    principal = stage.world.principals[who]
    return stage.world.available(principal, asset), stage.world.usable(principal, asset)


def families(events: list[Event]) -> list[type[Event]]:
    return [type(event) for event in events]


@pytest.mark.parametrize("asset", RENTABLE)
def test_a_right_for_a_time(stage: Stage, asset: str) -> None:
    granted, amount = GRANTS[asset], GRANTS[asset] // 4
    rent(stage, asset, amount)
    assert has(stage, OWNER, asset) == (granted - amount, granted - amount)
    assert has(stage, TENANT, asset) == (granted, granted + amount)
    assert not broken_laws(stage.world)
    assert due_ns(stage.world) == 10 * SECOND_NS
    stage.pass_time(10 * SECOND_NS - 1)
    assert has(stage, TENANT, asset) == (granted, granted + amount)
    stage.pass_time(1)
    for who in (OWNER, TENANT, THIRD):
        assert has(stage, who, asset) == (granted, granted)
    assert [has(stage, who, SCRIP)[0] for who in (OWNER, TENANT)] == [1_005, 995], "the rent is paid"
    assert due_ns(stage.world) == NEVER_NS
    assert not stage.world.book.pending()
    assert not broken_laws(stage.world)


def test_what_is_told_of_a_rent(stage: Stage) -> None:
    rental = rent(stage, LLM_RATE, 100)
    stage.news(OWNER), stage.news(TENANT)
    events = stage.events()[3:]
    assert families(events) == [
        *(HoldClosed, TransferPosted, HoldOpened, RightRented, TransferPosted, ListingSold, ActionTaken)
    ]
    held, rented = events[2], events[3]
    assert isinstance(held, HoldOpened)
    assert isinstance(rented, RightRented)
    assert (held.from_id, held.to_id, held.amount, held.memo) == (TENANT, OWNER, 100, rental)
    assert (rented.rental_id, rented.owner_id, rented.tenant_id) == (rental, OWNER, TENANT)
    assert (rented.asset, rented.amount, rented.until_ns) == (LLM_RATE, 100, 10 * SECOND_NS)
    stage.pass_time(20 * SECOND_NS)
    closed, back, reverted = stage.events()
    assert isinstance(closed, HoldClosed)
    assert isinstance(back, TransferPosted)
    assert isinstance(reverted, RightReverted)
    assert (closed.transfer_id, closed.how, closed.amount) == (held.transfer_id, "posted", 100)
    assert (back.from_id, back.to_id, back.amount, back.memo) == (TENANT, OWNER, 100, rental)
    assert (reverted.rental_id, reverted.amount, reverted.time_ns) == (rental, 100, 10 * SECOND_NS)
    assert (reverted.principal_id, reverted.turn_id) == (None, None)
    assert stage.news(OWNER) == stage.news(TENANT) == [reverted]


def test_what_is_rented_cannot_be_disposed_of(stage: Stage) -> None:
    rent(stage, LLM_RATE, 100)
    rate = GRANTS[LLM_RATE]
    assert stage.refused(TENANT, Transfer(THIRD, rate + 1, LLM_RATE)) == "insufficient"
    assert stage.refused(TENANT, List(1, asset=LLM_RATE, amount=rate + 1)) == "insufficient"
    assert stage.refused(OWNER, List(1, asset=LLM_RATE, amount=rate - 99)) == "insufficient"
    stage.do(TENANT, Transfer(THIRD, rate, LLM_RATE))
    assert has(stage, TENANT, LLM_RATE) == (0, 100)
    assert stage.agent(TENANT).llm.rate == 100
    stage.pass_time(10 * SECOND_NS)
    assert stage.agent(TENANT).llm.rate == 0
    assert stage.agent(OWNER).llm.rate == rate


@pytest.mark.parametrize(("rate", "bucket"), [(LLM_RATE, "llm"), (CPU_RATE, "cpu")])
def test_a_bucket_runs_faster_for_as_long_as_the_rent(stage: Stage, rate: str, bucket: str) -> None:
    mine, others = (getattr(stage.agent(who), bucket) for who in (TENANT, OWNER))
    granted = GRANTS[rate]
    for it in (mine, others):
        it.take(it.capacity, 0)
    rent(stage, rate, granted // 2, 2)
    stage.pass_time(4 * SECOND_NS)
    assert mine.refill(stage.now_ns) == 2 * (granted * 3 // 2) + 2 * granted
    assert others.refill(stage.now_ns) == 2 * (granted // 2) + 2 * granted


@pytest.mark.parametrize(("capacity", "bucket"), [(LLM_CAPACITY, "llm"), (CPU_CAPACITY, "cpu")])
def test_a_bucket_that_gets_smaller_again_overflows(stage: Stage, capacity: str, bucket: str) -> None:
    it = getattr(stage.agent(TENANT), bucket)
    granted = GRANTS[capacity]
    rent(stage, capacity, granted // 2, 100)
    stage.pass_time(99 * SECOND_NS)
    assert it.refill(stage.now_ns) == granted * 3 // 2
    stage.pass_time(SECOND_NS)
    assert it.level_nano == granted * NANO == it.capacity * NANO


def spend(stage: Stage, amount: int) -> None:
    """What thoughts cost the tenant."""
    book, account = stage.world.book, stage.agent(TENANT).accounts[LLM_BUDGET]
    spent = book.open_account(ids.SPENT, LLM_BUDGET)
    assert book.transfer(1 << 50, account, spent, amount, stage.now_ns, "thought") is Status.CREATED


def test_a_budget_that_is_rented_is_not_given_away(stage: Stage) -> None:
    """Else whoever rents it for a second hands it to a friend, and nothing comes back."""
    rent(stage, LLM_BUDGET, 1_000)
    own = GRANTS[LLM_BUDGET]
    assert stage.refused(TENANT, Transfer(THIRD, own + 1, LLM_BUDGET)) == "insufficient"
    assert stage.refused(TENANT, List(1, asset=LLM_BUDGET, amount=own + 1)) == "insufficient"
    endowment = {DISK: 1_000, LLM_BUDGET: own + 1}
    assert stage.refused(TENANT, Spawn("child", AgentConfig("maker"), endowment)) == "insufficient"
    stage.do(TENANT, Transfer(THIRD, own, LLM_BUDGET))
    spend(stage, 400)
    assert stage.refused(TENANT, Transfer(THIRD, 1, LLM_BUDGET)) == "insufficient"
    stage.pass_time(10 * SECOND_NS)
    assert has(stage, OWNER, LLM_BUDGET) == (own - 400, own - 400)
    assert not broken_laws(stage.world)


def test_a_budget_is_there_to_be_spent_and_what_is_left_comes_back(stage: Stage) -> None:
    granted = GRANTS[LLM_BUDGET]
    rent(stage, LLM_BUDGET, 1_000)
    assert has(stage, TENANT, LLM_BUDGET) == (granted + 1_000, granted + 1_000)
    assert not stage.world.book.pending()
    spend(stage, granted + 700)
    stage.events()
    stage.pass_time(10 * SECOND_NS)
    back, reverted = stage.events()
    assert isinstance(back, TransferPosted)
    assert isinstance(reverted, RightReverted)
    assert back.amount == reverted.amount == 300
    assert has(stage, TENANT, LLM_BUDGET) == (0, 0)
    assert has(stage, OWNER, LLM_BUDGET) == (granted - 700, granted - 700)
    assert not stage.world.rentals.owed
    assert not broken_laws(stage.world)


def test_of_a_budget_that_is_spent_nothing_comes_back(stage: Stage) -> None:
    rent(stage, LLM_BUDGET, 1_000)
    spend(stage, GRANTS[LLM_BUDGET] + 1_000)
    stage.events()
    stage.pass_time(10 * SECOND_NS)
    (reverted,) = stage.events()
    assert isinstance(reverted, RightReverted)
    assert reverted.amount == 0


def test_two_rents_of_one_right_end_apart(stage: Stage) -> None:
    rate = GRANTS[MEMORY]
    rent(stage, MEMORY, 100, 5)
    rent(stage, MEMORY, 50, 3, owner=THIRD)
    rent(stage, MEMORY, 7, 4, owner=TENANT, tenant=THIRD)
    assert has(stage, TENANT, MEMORY) == (rate - 7, rate + 143)
    stage.pass_time(3 * SECOND_NS)
    assert has(stage, TENANT, MEMORY) == (rate - 7, rate + 93)
    stage.pass_time(SECOND_NS)
    assert has(stage, TENANT, MEMORY) == (rate, rate + 100)
    stage.pass_time(SECOND_NS)
    assert [has(stage, who, MEMORY) for who in (OWNER, TENANT, THIRD)] == [(rate, rate)] * 3


def test_who_uses_rented_rights_is_shown_them(stage: Stage) -> None:
    rent(stage, DISK, 100)
    rent(stage, LLM_RATE, 10)
    rent(stage, CPU_RATE, 20)
    shown = stage.do(TENANT, Query("self"))
    assert shown["rented"] == {DISK: 100, LLM_RATE: 10, CPU_RATE: 20}
    view = Observation(stage.world, stage.agent(TENANT), 0)
    for _ in range(2):
        assert view.disk_quota == view.usable(DISK) == GRANTS[DISK] + 100
        assert (view.llm_rate, view.cpu_rate) == (GRANTS[LLM_RATE] + 10, GRANTS[CPU_RATE] + 20)
        assert view.right(DISK) == GRANTS[DISK]
        view.keep()


def test_the_longest_rent(stage: Stage) -> None:
    rent(stage, LLM_RATE, 1, 604_800)
    stage.pass_time(604_800 * SECOND_NS)
    assert has(stage, TENANT, LLM_RATE) == (GRANTS[LLM_RATE], GRANTS[LLM_RATE])


def test_rents_that_are_over_at_once_end_in_their_order(stage: Stage) -> None:
    for _ in range(3):
        rent(stage, LLM_RATE, 1)
    stage.events()
    assert keep_house(stage.world, 11 * SECOND_NS)
    ended = [event.rental_id for event in stage.events() if isinstance(event, RightReverted)]
    assert ended == ["listing-1", "listing-2", "listing-3"]
    assert not keep_house(stage.world, 11 * SECOND_NS)


def test_a_hold_whose_time_is_over_is_released(stage: Stage) -> None:
    """By whoever opened it; the holder's rights follow."""
    agent = stage.agent(OWNER)
    stage.world.book.apply(
        LedgerTransfer(
            99,
            Kind.HOLD,
            agent.accounts[LLM_RATE],
            stage.agent(TENANT).accounts[LLM_RATE],
            amount=100,
            expires_ns=SECOND_NS,
        )
    )
    stage.world.rights_moved(agent, LLM_RATE, 0)
    assert agent.llm.rate == GRANTS[LLM_RATE] - 100
    assert due_ns(stage.world) == SECOND_NS
    assert not keep_house(stage.world, SECOND_NS - 1)
    assert keep_house(stage.world, SECOND_NS)
    (closed,) = stage.events()
    assert isinstance(closed, HoldClosed)
    assert (closed.transfer_id, closed.how, closed.amount) == (99, "expired", 0)
    assert agent.llm.rate == GRANTS[LLM_RATE]
    assert due_ns(stage.world) == NEVER_NS


@pytest.mark.parametrize("asset", ASSETS)
def test_an_account_is_given_rights_and_cannot_be_made_to_lose_them(stage: Stage, asset: str) -> None:
    """What an artifact holds is its own; between agents and accounts sums stay as between agents."""
    stage.do(OWNER, Write("till", "x", standing=True))
    amount = GRANTS[asset] // 4
    stage.do(OWNER, Transfer("till", amount, asset))
    assert has(stage, "till", asset) == (amount, amount)
    assert has(stage, OWNER, asset) == (GRANTS[asset] - amount, GRANTS[asset] - amount)
    assert sum(has(stage, who, asset)[0] for who in stage.world.principals) == stage.world.supply(asset)
    if asset in BUCKET_ASSETS:
        bucket = stage.agent(OWNER).llm if asset in (LLM_RATE, LLM_CAPACITY) else stage.agent(OWNER).cpu
        assert GRANTS[asset] - amount in (bucket.rate, bucket.capacity)
        assert bucket.level_nano <= bucket.capacity * NANO
    assert not broken_laws(stage.world)
