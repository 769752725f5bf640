"""Escrow: price and goods move together, to exactly one buyer, and a listing follows its artifact."""

import pytest

from ecology.artifacts.artifact import overhead_bytes
from ecology.core import ids
from ecology.core.clock import SECOND_NS
from ecology.core.limits import MAX_AMOUNT
from ecology.events.economy import ListingClosed, ListingOpened, ListingSold
from ecology.events.records import (
    ActionTaken,
    AgentStateChanged,
    Event,
    HoldClosed,
    HoldOpened,
    OwnershipMoved,
    TransferPosted,
)
from ecology.kernel.actions import (
    Action,
    Buy,
    Cancel,
    Configure,
    Delete,
    Edit,
    List,
    Query,
    Sleep,
    StatePredicate,
    Transfer,
    Write,
)
from ecology.kernel.economy.escrow import MAX_LISTINGS
from ecology.resources.assets import ASSETS, CPU_RATE, DISK, LLM_BUDGET, LLM_RATE, SCRIP
from ecology.testing.laws import broken_laws
from ecology.testing.worlds import GRANTS, Stage
from tests.support.market import FREE, has, offer, owner

ME, OTHER, THIRD = "agent-0001", "agent-0002", "agent-0003"
RIGHTS = tuple(asset for asset in ASSETS if asset != SCRIP)


@pytest.fixture
def stage() -> Stage:
    stage = Stage.of(3)
    stage.events()
    return stage


def families(events: list[Event]) -> list[type[Event]]:
    return [type(event) for event in events]


def test_a_thing_changes_hands_against_its_price(stage: Stage) -> None:
    stage.do(ME, Write("saw", "cuts", "tool", contract=FREE))
    used = stage.agent(ME).disk_used
    listing = offer(stage, ME, price=30, artifact="saw")
    assert owner(stage, "saw") == ME, "it stays where it is until it is sold"
    assert stage.agent(ME).disk_used == used
    stage.events()
    assert stage.do(OTHER, Buy(listing)) == {"listing": listing, "price": 30, "artifact": "saw"}
    assert (owner(stage, "saw"), has(stage, ME), has(stage, OTHER)) == (OTHER, 1_030, 970)
    assert (stage.agent(ME).disk_used, stage.agent(OTHER).disk_used - stage.agent(THIRD).disk_used) == (
        stage.agent(THIRD).disk_used,
        len("sawtoolcuts"),
    )
    paid, moved, sold, _ = stage.events()
    assert isinstance(moved, OwnershipMoved)
    assert isinstance(paid, TransferPosted)
    assert isinstance(sold, ListingSold)
    assert (paid.from_id, paid.to_id, paid.amount, paid.memo) == (OTHER, ME, 30, listing)
    assert (sold.principal_id, sold.seller_id, sold.price) == (OTHER, ME, 30)
    assert (sold.artifact_id, sold.artifact_type, sold.asset) == ("saw", "tool", None)
    assert stage.news(ME) == [paid], "the seller hears of its money, and the memo says what for"
    assert not broken_laws(stage.world)


def test_what_was_bought_can_be_sold_again(stage: Stage) -> None:
    stage.do(ME, Write("saw", "cuts", contract=FREE))
    for seller, buyer in ((ME, OTHER), (OTHER, THIRD), (THIRD, ME)):
        stage.do(buyer, Buy(offer(stage, seller, price=10, artifact="saw")))
    assert owner(stage, "saw") == ME
    assert [has(stage, who) for who in (ME, OTHER, THIRD)] == [1_000] * 3


@pytest.mark.parametrize("asset", RIGHTS)
def test_a_right_is_held_while_it_is_listed_and_then_the_buyers(stage: Stage, asset: str) -> None:
    amount = GRANTS[asset] // 4
    listing = offer(stage, ME, price=7, asset=asset, amount=amount)
    opened, told, _ = stage.events()
    assert isinstance(opened, HoldOpened)
    assert (opened.from_id, opened.to_id, opened.asset, opened.amount) == (ME, ids.ESCROW, asset, amount)
    assert opened.memo == listing
    assert isinstance(told, ListingOpened)
    assert (told.asset, told.amount, told.price) == (asset, amount, 7)
    assert has(stage, ME, asset) == stage.world.usable(stage.agent(ME), asset) == GRANTS[asset] - amount
    assert stage.refused(ME, Transfer(OTHER, GRANTS[asset] - amount + 1, asset)) == "insufficient"
    stage.events()
    assert stage.do(OTHER, Buy(listing)) == {"listing": listing, "price": 7, "asset": asset, "amount": amount}
    events = stage.events()
    assert families(events) == [HoldClosed, TransferPosted, TransferPosted, ListingSold, ActionTaken]
    assert isinstance(events[0], HoldClosed)
    assert (events[0].how, events[0].amount, events[0].transfer_id) == ("voided", 0, opened.transfer_id)
    rights = [has(stage, who, asset) for who in (ME, OTHER, THIRD)]
    assert rights == [GRANTS[asset] - amount, GRANTS[asset] + amount, GRANTS[asset]]
    assert stage.world.book.available_of(ids.ESCROW, asset) == 0
    assert not broken_laws(stage.world)


def test_a_bucket_runs_slower_from_the_listing_on_and_as_before_if_nobody_bought(stage: Stage) -> None:
    bucket = stage.agent(ME).llm
    listing = offer(stage, ME, price=1, asset=LLM_RATE, amount=4_000)
    assert bucket.rate == GRANTS[LLM_RATE] - 4_000
    stage.do(ME, Cancel(listing))
    assert bucket.rate == GRANTS[LLM_RATE]


def test_only_free_disk_is_for_sale(stage: Stage) -> None:
    stage.do(ME, Write("ballast", "x" * 10_000))
    free = stage.world.disk_free(stage.agent(ME))
    assert stage.refused(ME, List(1, asset=DISK, amount=free + 1)) == "quota_in_use"
    offer(stage, ME, price=1, asset=DISK, amount=free)
    assert stage.world.disk_free(stage.agent(ME)) == 0
    assert stage.refused(ME, Write("more", "x")) == "disk_quota"


def test_a_withdrawn_offer_leaves_nothing_behind(stage: Stage) -> None:
    stage.do(ME, Write("saw", "cuts", contract=FREE))
    for listing in (
        offer(stage, ME, price=1, artifact="saw"),
        offer(stage, ME, price=1, asset=LLM_BUDGET, amount=GRANTS[LLM_BUDGET]),
    ):
        stage.events()
        stage.do(ME, Cancel(listing))
        closed = stage.events()[-2]
        assert isinstance(closed, ListingClosed)
        assert (closed.listing_id, closed.seller_id, closed.reason) == (listing, ME, "cancelled")
        assert stage.refused(OTHER, Buy(listing)) == stage.refused(ME, Cancel(listing)) == "listing_closed"
    assert has(stage, ME, LLM_BUDGET) == GRANTS[LLM_BUDGET]
    assert not stage.world.book.pending()
    offer(stage, ME, price=2, artifact="saw")


def test_an_offer_to_one(stage: Stage) -> None:
    listing = offer(stage, ME, price=5, asset=CPU_RATE, amount=10, buyer=THIRD)
    (told,) = stage.news(THIRD)
    assert isinstance(told, ListingOpened)
    assert told.buyer_id == THIRD
    assert stage.refused(OTHER, Buy(listing)) == "not_the_buyer"
    stage.do(THIRD, Buy(listing))


def test_a_limit_is_kept(stage: Stage) -> None:
    listing = offer(stage, ME, price=5, asset=CPU_RATE, amount=10)
    assert stage.refused(OTHER, Buy(listing, 4)) == "price_above_limit"
    assert stage.do(OTHER, Buy(listing, 5))["price"] == 5


def test_the_last_scrip_buys(stage: Stage) -> None:
    listing = offer(stage, ME, price=1_000, asset=CPU_RATE, amount=10)
    stage.do(OTHER, Transfer(THIRD, 1))
    assert stage.refused(OTHER, Buy(listing)) == "insufficient"
    stage.do(THIRD, Transfer(OTHER, 1))
    stage.do(OTHER, Buy(listing))
    assert has(stage, OTHER) == 0


def test_the_largest_price_can_be_asked(stage: Stage) -> None:
    listing = offer(stage, ME, price=MAX_AMOUNT, asset=CPU_RATE, amount=1)
    assert stage.refused(OTHER, Buy(listing)) == "insufficient"
    assert stage.do(OTHER, Query("listings", {"goods": CPU_RATE}))


def test_buying_is_agreeing_to_bear_the_bytes(stage: Stage) -> None:
    """Who is handed something must have said that it takes it; who buys has said so."""
    stage.do(ME, Write("saw", "x" * 30_000, contract=FREE))
    listing = offer(stage, ME, price=1, artifact="saw")
    assert stage.refused(ME, Transfer(OTHER, artifact="saw")) == "not_accepted"
    stage.do(OTHER, Write("ballast", "x" * 30_000))
    assert stage.refused(OTHER, Buy(listing)) == "disk_quota"
    assert (has(stage, ME), owner(stage, "saw")) == (1_000, ME)
    stage.do(OTHER, Delete("ballast"))
    stage.do(OTHER, Buy(listing))
    assert stage.agent(ME).disk_used < 1_000


CHANGES: list[tuple[str, str, Action]] = [
    ("rewritten", ME, Write("saw", "bent", contract=FREE)),
    ("edited", ME, Edit("saw", "cuts", "cut")),
    ("deleted", ME, Delete("saw")),
    ("given away", ME, Transfer(THIRD, artifact="saw")),
]


@pytest.mark.parametrize(("who", "change"), [each[1:] for each in CHANGES], ids=[each[0] for each in CHANGES])
def test_who_wants_what_is_no_longer_there_pays_nothing(stage: Stage, who: str, change: Action) -> None:
    stage.do(THIRD, Configure(accepts_from=["*"]))
    stage.do(ME, Write("saw", "cuts", contract=FREE))
    listing = offer(stage, ME, price=30, artifact="saw")
    stage.events()
    stage.do(who, change)
    closed = stage.events()[1]
    assert isinstance(closed, ListingClosed)
    assert (closed.listing_id, closed.seller_id, closed.reason) == (listing, ME, "stale")
    assert (closed.principal_id, closed.turn_id) == (who, f"{who}#2")
    assert stage.do(OTHER, Query("listings", {"goods": "artifact/text"})) == {"listings": []}
    for _ in range(2):
        assert stage.refused(OTHER, Buy(listing)) == "listing_stale"
        assert stage.refused(ME, Cancel(listing)) == "listing_stale"
    assert [has(stage, who) for who in (ME, OTHER, THIRD)] == [1_000] * 3
    assert not broken_laws(stage.world)


def test_the_seller_is_told_when_somebody_else_changed_what_it_sells(stage: Stage) -> None:
    """Under a contract that lets all write, a listing is no lock; the seller lists it anew."""
    stage.do(ME, Write("saw", "cuts", contract=FREE))
    artifact = stage.world.shelf.find("saw")
    assert artifact is not None
    listing = offer(stage, ME, price=30, artifact="saw")
    artifact.contract = "public"
    stage.do(OTHER, Edit("saw", "cuts", "bends"))
    (told,) = stage.news(ME)
    assert isinstance(told, ListingClosed)
    assert (told.listing_id, told.principal_id, told.reason) == (listing, OTHER, "stale")


def test_what_went_stale_can_be_listed_anew(stage: Stage) -> None:
    stage.do(ME, Write("saw", "cuts", contract=FREE))
    first = offer(stage, ME, price=30, artifact="saw")
    stage.do(ME, Edit("saw", "cuts", "cut"))
    second = offer(stage, ME, price=20, artifact="saw")
    assert stage.refused(OTHER, Buy(first)) == "listing_stale"
    stage.do(OTHER, Buy(second))
    assert stage.refused(THIRD, Buy(second)) == "listing_closed"


def test_stale_listings_are_remembered_only_while_there_is_room(stage: Stage) -> None:
    stage.do(ME, Write("saw", "0", contract=FREE))
    for number in range(1, MAX_LISTINGS + 6):
        offer(stage, ME, price=1, artifact="saw")
        stage.do(ME, Edit("saw", str(number - 1), str(number)))
    assert len(stage.world.listings) == MAX_LISTINGS
    assert stage.refused(OTHER, Buy("listing-5")) == "listing_closed"
    assert stage.refused(OTHER, Buy("listing-6")) == "listing_stale"


def test_a_thing_is_charged_to_its_buyer_whoever_wrote_it_last(stage: Stage) -> None:
    stage.do(ME, Write("saw", "cuts", contract=FREE))
    artifact = stage.world.shelf.find("saw")
    assert artifact is not None
    artifact.contract = "public"
    stage.do(THIRD, Edit("saw", "cuts", "x" * 500))
    artifact.contract = FREE
    stage.do(OTHER, Buy(offer(stage, ME, price=1, artifact="saw")))
    base = stage.agent(ME).disk_used
    assert stage.agent(THIRD).disk_used == base
    assert stage.agent(OTHER).disk_used == base + 500 + overhead_bytes(artifact)


def test_an_artifact_with_standing_is_sold_with_what_it_owns(stage: Stage) -> None:
    stage.do(ME, Write("till", "x", contract=FREE, standing=True))
    stage.do(ME, Transfer("till", 100))
    listing = offer(stage, ME, price=90, artifact="till")
    stage.do(THIRD, Transfer("till", 5))
    stage.do(OTHER, Buy(listing))
    assert (owner(stage, "till"), has(stage, "till"), has(stage, ME)) == (OTHER, 105, 990)
    assert not broken_laws(stage.world)


def test_of_two_who_want_it_the_second_is_too_late(stage: Stage) -> None:
    listing = offer(stage, ME, price=30, asset=LLM_RATE, amount=5)
    stage.do(OTHER, Buy(listing))
    assert stage.refused(THIRD, Buy(listing)) == "listing_closed"
    assert has(stage, THIRD) == 1_000


def test_a_seller_that_sleeps_for_money_wakes_when_the_sale_is_over(stage: Stage) -> None:
    listing = offer(stage, ME, price=30, asset=LLM_RATE, amount=5)
    stage.do(ME, Sleep(60_000, until=StatePredicate("scrip", "ge", 1_030)))
    stage.events()
    stage.now_ns += SECOND_NS
    stage.do(OTHER, Buy(listing))
    assert families(stage.events())[-3:] == [ListingSold, AgentStateChanged, ActionTaken]
    assert stage.agent(ME).status == "active"


def test_listings_are_numbered_from_one_without_a_gap(stage: Stage) -> None:
    names = [offer(stage, ME, price=1, asset=LLM_RATE, amount=1) for _ in range(3)]
    stage.refused(ME, List(0, asset=LLM_RATE, amount=1))
    names.append(offer(stage, ME, price=1, asset=LLM_RATE, amount=1))
    assert names == ["listing-1", "listing-2", "listing-3", "listing-4"]
    assert stage.refused(OTHER, Buy("listing-5")) == "unknown_listing"
