"""Scripted bidders: what is submitted to the mint, for how much, and what they learn of it."""

from typing import cast

import msgspec

from ecology.engine.strategies.books import Product, Tool
from ecology.engine.strategies.mint_desk import CLOSED_NS
from ecology.events.economy import BidClosed
from ecology.kernel.actions import (
    Bid,
    Buy,
    Invoke,
    List,
    Query,
    Write,
)
from ecology.kernel.laws import Laws, MintLaw
from ecology.testing.worlds import Stage
from tests.support.business import Business, publish
from tests.support.citizens import ME, OTHER


def closed(life: Business, bid: Bid, how: str, price: int = 0, minted: int = 0) -> BidClosed:
    return BidClosed(
        sequence=1,
        time_ns=life.stage.now_ns,
        principal_id=None,
        turn_id=None,
        bid_id="bid-1",
        bidder_id=ME,
        artifact_id=bid.artifact,
        how=how,
        price=price,
        minted=minted,
    )


def submitting(**traits: int) -> tuple[Business, Bid]:
    """A specialist with one bid before the mint."""
    life = Business("specialist", **traits)
    life.books.bid_ns = 0
    bid = life.until(Bid)
    assert isinstance(bid, Bid)
    return life, bid


def test_the_best_work_is_submitted_for_what_it_may_earn() -> None:
    life, bid = submitting()
    assert bid.artifact in life.memory.shop
    assert 1 <= bid.amount <= 4, "within reach of the last price, which is none"
    assert life.books.bids == {bid.artifact: bid.amount}
    assert not life.books.listed, "what lies before the mint is not for sale"
    again = [action for action in life.rest(4) if isinstance(action, Bid)]
    assert not again, "one at a time"


def test_rewards_and_losses_teach() -> None:
    life, bid = submitting()
    before = life.books.reward_milli
    life.turn(closed(life, bid, "minted", price=5, minted=10))
    assert life.books.reward_milli > before
    assert (life.books.mint_price, life.books.bids) == (5, {})
    bid = cast(Bid, life.until(Bid))
    hope = life.books.reward_milli
    life.turn(closed(life, bid, "lost"))
    assert life.books.reward_milli >= min(hope, 8_000)
    assert life.books.bid_ns > life.stage.now_ns, "it lets others have their turn"
    assert bid.artifact not in life.books.submitted, "the work may try again"


def test_a_bid_follows_the_last_price() -> None:
    life, bid = submitting()
    life.turn(closed(life, bid, "minted", price=1, minted=8))
    life.books.reward_milli, life.books.mint_price = 50_000, 7
    offices = life.stage.world.offices
    offices.put(msgspec.structs.replace(offices.world, prices=(7,)))
    again = cast(Bid, life.until(Bid))
    assert again.amount == 22, "three times the last price and one"


def test_where_there_is_no_mint_it_stops_asking() -> None:
    life = Business("bidder", Stage.of(laws=Laws(mint=MintLaw(slots=0))))
    life.books.bid_ns = 0
    asked = [action for action in life.rest(40) if action == Query("mint")]
    assert len(asked) == 1
    assert life.books.bid_ns > life.stage.now_ns + CLOSED_NS // 2


def test_a_bidder_measures_its_work_and_forgoes_what_is_poor() -> None:
    stage = Stage.of()
    publish(stage, OTHER, "statistics", 1)
    life = Business("bidder", stage)
    life.books.tools["statistics"] = Tool("statistics", OTHER, 1, 1_000, 3_000)
    life.books.product = Product("amber " * 60, 1, "statistics")
    life.books.bid_ns = 0
    written = cast(Write, life.until(Write))
    measured = life.until(Invoke, 3)
    assert isinstance(measured, Invoke) and measured.args == {"artifact": written.artifact}
    assert written.artifact in life.books.submitted, "one word of sixty is not worth a bid"


def test_a_bidder_buys_a_tool_and_keeps_it() -> None:
    stage = Stage.of()
    publish(stage, OTHER, "tidy", 1)
    listing = str(stage.do(OTHER, List(price=5, artifact="tidy"))["listing"])
    life = Business("bidder", stage)
    assert life.until(Buy) == Buy(listing, max_price=5)
    life.rest(5)
    assert list(life.books.works) == ["tidy"] and "tidy" not in life.memory.pantry
    assert stage.world.shelf.find("tidy").owner == ME  # type: ignore[union-attr]
