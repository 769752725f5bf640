"""Scripted trade in rights: who rents, who lets, and who makes a business of it."""

from typing import cast

from ecology.core.clock import SECOND_NS
from ecology.core.outcome import Committed
from ecology.engine.strategies.books import Position, Tool
from ecology.engine.strategies.entrepreneur import Entrepreneur
from ecology.engine.strategies.escrow_desk import LOTS, RENT_MS
from ecology.engine.strategies.speculator import HOLD_NS
from ecology.events.economy import ListingSold
from ecology.kernel.actions import (
    Buy,
    Cancel,
    Invoke,
    List,
    Subscribe,
    Transfer,
    Write,
)
from ecology.resources.assets import CPU_RATE, DISK, LLM_CAPACITY, LLM_RATE
from ecology.testing.worlds import Stage
from tests.support.business import FOREVER, Business, looked, publish
from tests.support.citizens import ME, OTHER, THIRD

# -- at work


def trading(busy: int, income_milli: int = 0) -> Business:
    """A specialist about to look at the markets in rights, so busy, with such an income."""
    life = Business("specialist")
    life.settle()
    life.memory.draft = 0
    life.books.busy, life.books.income_milli, life.books.look_ns = busy, income_milli, 0
    return life


def test_who_waits_for_tokens_rents_them_below_its_value_of_time() -> None:
    life = trading(busy=1_000, income_milli=400)
    life.stage.do(OTHER, List(price=8, asset=LLM_RATE, amount=LOTS[LLM_RATE], rent_ms=RENT_MS))
    looked(life, "rent/llm_rate")
    assert not isinstance(life.rest(1)[0], Buy), "8 is above 400 thousandths for each of 17 turns"
    cheap = str(
        life.stage.do(OTHER, List(price=6, asset=LLM_RATE, amount=LOTS[LLM_RATE], rent_ms=RENT_MS))["listing"]
    )
    looked(life, "rent/llm_rate")
    life.books.busy, life.books.income_milli = 1_000, 400
    assert life.rest(1) == [Buy(cheap, max_price=6)]
    assert life.look().llm_rate == 11_000
    assert life.look().right(LLM_RATE) == 10_000


def test_who_sleeps_beside_a_full_bucket_lets_some_and_keeps_the_least() -> None:
    life = trading(busy=0)
    looked(life, "rent/llm_rate")
    offered = life.rest(1)[0]
    assert isinstance(offered, List)
    assert (offered.asset, offered.amount, offered.rent_ms) == (LLM_RATE, LOTS[LLM_RATE], RENT_MS)
    looked(life, "rent/llm_rate")
    assert not isinstance(life.rest(1)[0], List), "one lot at a time"
    life.books.listed.clear()
    life.stage.do(ME, Transfer(to=OTHER, asset=LLM_RATE, amount=life.look().right(LLM_RATE) - 3_999))
    looked(life, "rent/llm_rate")
    offered = life.rest(1)[0]
    assert not isinstance(offered, List) or offered.asset is None


def test_an_offer_in_vain_lowers_the_price_and_a_sale_raises_it() -> None:
    life = trading(busy=0)
    looked(life, LLM_RATE)
    assert isinstance(life.rest(1)[0], List)
    price = life.books.prices[LLM_RATE]
    life.stage.pass_time(120 * SECOND_NS)
    while any(each.asset for each in life.books.listed.values()):
        life.until(Cancel, 12)
    lower = life.books.prices[LLM_RATE]
    assert lower < price
    life.settle()
    life.books.busy = 0
    looked(life, LLM_RATE)
    assert isinstance(life.rest(1)[0], List)
    listing = next(name for name, each in life.books.listed.items() if each.asset == LLM_RATE)
    life.stage.do(OTHER, Buy(listing))
    life.rest(1)
    assert life.books.prices[LLM_RATE] > lower


def test_what_is_short_is_told_from_what_lies_idle() -> None:
    life = trading(busy=1_000)
    rights, view = cast(Entrepreneur, life.policy).rights, life.look()
    assert [rights.balance(view, asset) for asset in (LLM_RATE, LLM_CAPACITY, DISK)] == [1, -1, -1]
    life.books.busy = 0
    assert [rights.balance(view, asset) for asset in (LLM_RATE, LLM_CAPACITY)] == [-1, 1]
    life.books.busy = 500
    assert [rights.balance(view, asset) for asset in (LLM_RATE, LLM_CAPACITY)] == [0, 0]
    assert rights.balance(view, CPU_RATE) == -1
    life.agent.cpu.drain(10**9)
    assert rights.balance(life.look(), CPU_RATE) == 1
    life.stage.do(ME, Write("ballast", "x" * (life.look().disk_free - 1_000)))
    assert rights.balance(life.look(), DISK) == 1


# -- speculation


def speculating() -> Business:
    """A speculator that hears of sales, with nothing bought."""
    life = Business("speculator")
    assert isinstance(life.until(Subscribe, 2), Subscribe)
    life.books.tools_ns = FOREVER
    return life


def sale(price: int, *, asset: str = DISK, rent_ms: int = 0) -> ListingSold:
    """Somebody sold a lot to somebody."""
    return ListingSold(
        sequence=1,
        time_ns=0,
        principal_id=THIRD,
        turn_id=None,
        listing_id="listing-99",
        seller_id=OTHER,
        price=price,
        asset=asset,
        amount=LOTS[asset],
        rent_ms=rent_ms,
    )


def test_it_hears_of_every_sale_of_a_right() -> None:
    life = speculating()
    life.stage.do(OTHER, List(price=6, asset=DISK, amount=LOTS[DISK]))
    life.stage.do(THIRD, Buy("listing-1"))
    assert [type(event) for event in life.stage.news(ME)] == [ListingSold]
    life.turn(*[sale(20) for _ in range(30)])
    assert 19_000 < life.books.prices[DISK] <= 20_000
    life.turn(sale(8, asset=LLM_RATE, rent_ms=RENT_MS))
    assert life.books.prices["rent/llm_rate"] == 8_000


def bought(life: Business, price: int) -> bool:
    """Whether it takes a lot of disk at that price."""
    listing = str(life.stage.do(OTHER, List(price=price, asset=DISK, amount=LOTS[DISK]))["listing"])
    looked(life, DISK)
    took = life.rest(1)[0] == Buy(listing, max_price=price)
    if not took:
        life.stage.do(OTHER, Cancel(listing))
    return took


def test_it_buys_below_the_running_price_and_offers_above_its_cost() -> None:
    life = speculating()
    life.turn(*[sale(20) for _ in range(30)])
    assert not bought(life, 19)
    assert bought(life, 10)
    (position,) = life.books.positions
    assert (position.asset, position.cost) == (DISK, 10)
    offered = life.until(List, 2)
    assert isinstance(offered, List) and offered.asset == DISK
    assert offered.price > 10
    life.stage.do(THIRD, Buy(position.listing))
    life.rest(1)
    assert life.books.positions == []


def test_a_position_that_ages_is_closed_at_a_loss() -> None:
    life = speculating()
    life.books.prices[DISK] = 5_000
    life.books.positions.append(Position(DISK, LOTS[DISK], 10, life.stage.now_ns))
    young = life.until(List, 2)
    assert isinstance(young, List) and young.price == 11
    life.stage.pass_time(HOLD_NS)
    assert isinstance(life.until(Cancel, 3), Cancel)
    old = life.until(List, 3)
    assert isinstance(old, List) and old.price < 10


def test_tokens_that_were_let_come_back_and_are_offered_again() -> None:
    life = speculating()
    life.books.positions.append(Position(LLM_RATE, LOTS[LLM_RATE], 2, life.stage.now_ns))
    offered = life.until(List, 2)
    (position,) = life.books.positions
    life.books.listed[position.listing].rent_ms = RENT_MS
    assert isinstance(offered, List)
    life.turn(life.paid(offered.price, position.listing))
    assert position.listing == "" and position.let_until_ns > life.stage.now_ns
    assert not [action for action in life.rest(3) if isinstance(action, List)]
    life.stage.pass_time(RENT_MS * 1_000_000)
    assert isinstance(life.until(List, 3), List)


def test_its_inventory_is_bounded() -> None:
    life = speculating()
    life.turn(*[sale(20) for _ in range(30)])
    life.books.positions = [Position(DISK, LOTS[DISK], 1, 0, listing=f"listing-{n}") for n in range(6)]
    assert not bought(life, 1)


def test_an_appraisal_moves_the_running_price() -> None:
    stage = Stage.of()
    publish(stage, OTHER, "quotes", 1)
    publish(stage, OTHER, "appraiser", 1, base="quotes")
    stage.do(THIRD, List(price=40, asset=DISK, amount=LOTS[DISK]))
    life = Business("speculator", stage)
    life.books.prices[DISK] = 8_000
    call = Invoke("appraiser", "appraise", {"goods": DISK}, allowance=5)
    life.books.tools["appraiser"] = Tool("appraiser", OTHER, 1, 2_000, 6_000)
    life.policy.learn(call, Committed(stage.do(ME, call)))
    assert 15_000 < life.books.prices[DISK] < 17_000, "a quarter of the way to 40"
