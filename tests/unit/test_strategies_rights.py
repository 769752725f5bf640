"""Scripted trade in rights: who rents, who lets, and who makes a business of it."""

from typing import cast

from ecology.core.clock import SECOND_NS
from ecology.core.outcome import Committed
from ecology.engine.strategies.books import Position, Tool
from ecology.engine.strategies.entrepreneur import Entrepreneur
from ecology.engine.strategies.escrow_desk import LOTS, RENT_MS
from ecology.engine.strategies.rights_desk import SALES_PER_RENT, TRADED, RightsDesk
from ecology.engine.strategies.speculator import HOLD_NS, Speculator
from ecology.events.economy import ListingSold
from ecology.kernel.actions import (
    Action,
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


def trading(income: int = 0, **pressure: int) -> Business:
    """A specialist about to look at the markets in rights, with such an income and such pressures."""
    life = Business("specialist")
    life.settle()
    life.memory.draft = 0
    feel(life, income, **pressure)
    return life


def feel(life: Business, income: int, **pressure: int) -> None:
    """Income in scrip per `RENT_MS`, pressures in thousandths of the turns."""
    life.books.income_milli = 1000 * income
    life.books.noted_ns = life.stage.now_ns
    life.books.pressure = dict.fromkeys(TRADED, 0) | pressure


def desk(life: Business) -> RightsDesk:
    return cast(Entrepreneur, life.policy).rights


def test_a_right_is_worth_the_income_that_it_holds_back() -> None:
    life = trading(100, llm_rate=800)
    view = life.look()
    tenth = desk(life).worth_milli(view, LLM_RATE, RENT_MS)
    assert view.llm_rate == 10 * LOTS[LLM_RATE]
    assert tenth == 8_000, "one lot in ten, when it binds in eight turns of ten"
    assert desk(life).worth_milli(view, LLM_RATE, 0) == SALES_PER_RENT * tenth
    assert desk(life).worth_milli(view, LLM_RATE, RENT_MS, caution=500) == 10_000, (
        "it cannot bind more than always"
    )
    assert desk(life).worth_milli(view, DISK, 0) == 0
    feel(life, 100, llm_rate=500, llm_capacity=400)
    assert desk(life).pressure(LLM_CAPACITY) == 200, "what overflows is missed in half of the turns"


def renting(price: int) -> tuple[Action, int]:
    """What a specialist that earns 80 does about a lot of tokens at that rent, and how many more it has then."""
    life = trading(80, llm_rate=1_000)
    life.stage.do(OTHER, List(price=price, asset=LLM_RATE, amount=LOTS[LLM_RATE], rent_ms=RENT_MS))
    looked(life, "rent/llm_rate")
    before = life.look().llm_rate
    (action,) = life.rest(1)
    assert isinstance(life.outcome, Committed)
    return action, life.look().llm_rate - before


def test_who_waits_for_tokens_rents_them_below_what_they_earn() -> None:
    action, gained = renting(7)
    assert isinstance(action, Buy) and action.max_price == 7
    assert gained == LOTS[LLM_RATE]


def test_and_who_is_asked_for_more_than_they_earn_would_rather_let_its_own() -> None:
    action, _ = renting(9)
    assert isinstance(action, List) and (action.asset, action.price) == (LLM_RATE, 9)


def test_who_sleeps_beside_a_full_bucket_lets_some_and_keeps_the_least() -> None:
    life = trading()
    looked(life, "rent/llm_rate")
    offered = life.rest(1)[0]
    assert isinstance(offered, List)
    assert (offered.asset, offered.amount, offered.rent_ms) == (LLM_RATE, LOTS[LLM_RATE], RENT_MS)
    looked(life, "rent/llm_rate")
    assert not isinstance(life.rest(1)[0], List), "one lot at a time"
    life.books.listed.clear()
    life.stage.do(ME, Transfer(to=OTHER, asset=LLM_RATE, amount=life.look().right(LLM_RATE) - 2_999))
    looked(life, "rent/llm_rate")
    offered = life.rest(1)[0]
    assert not isinstance(offered, List) or offered.asset is None


def test_nobody_sells_what_earns_it_more() -> None:
    life = trading(400, llm_rate=200)
    life.books.prices[LLM_RATE] = 20_000
    looked(life, LLM_RATE)
    feel(life, 400, llm_rate=200)
    assert not isinstance(life.rest(1)[0], List), (
        "a lot earns 400 × (200 + 100) ‰ ÷ 10 = 12 in each of two rents"
    )
    life.books.prices[LLM_RATE] = 25_000
    looked(life, LLM_RATE)
    feel(life, 400, llm_rate=200)
    offered = life.rest(1)[0]
    assert isinstance(offered, List) and offered.price >= 24


def test_an_offer_in_vain_lowers_the_price_and_a_sale_raises_it() -> None:
    life = trading()
    looked(life, LLM_RATE)
    assert isinstance(life.rest(1)[0], List)
    price = life.books.prices[LLM_RATE]
    life.stage.pass_time(120 * SECOND_NS)
    while any(each.asset for each in life.books.listed.values()):
        life.until(Cancel, 12)
    lower = life.books.prices[LLM_RATE]
    assert lower < price
    life.settle()
    looked(life, LLM_RATE)
    assert isinstance(life.rest(1)[0], List)
    lower = life.books.prices[LLM_RATE]
    listing = next(name for name, each in life.books.listed.items() if each.asset == LLM_RATE)
    income = life.books.income_milli
    life.stage.do(OTHER, Buy(listing))
    life.rest(1)
    assert life.books.prices[LLM_RATE] > lower
    assert life.books.income_milli <= income, "what a right was sold for is not what it earned"


def test_running_prices_are_drawn_to_what_others_ask_and_rise_where_nobody_sells() -> None:
    life = trading()
    life.books.prices[DISK] = 8_000
    looked(life, DISK)
    assert life.books.prices[DISK] == 8_000 + 8_000 // 24
    life.books.prices[DISK] = 8_000
    life.stage.do(OTHER, List(price=10, asset=DISK, amount=LOTS[DISK]))
    looked(life, DISK)
    assert life.books.prices[DISK] == 8_500
    life.books.prices[DISK] = 2_000
    looked(life, DISK)
    assert life.books.prices[DISK] == 2_500, "and nobody believes in more than twice what was thought"


def test_each_right_is_felt_where_it_ends() -> None:
    life = trading()
    view = life.look()
    assert [desk(life).binds(view, asset) for asset in TRADED] == [False, True, False, False]
    life.agent.llm.drain(10**9)
    life.agent.cpu.drain(10**9)
    life.stage.do(ME, Write("ballast", "x" * (view.disk_free - 1_000)))
    assert [desk(life).binds(life.look(), asset) for asset in TRADED] == [True, False, True, True]
    life.rest(1)
    assert life.books.pressure[DISK] > 0 < life.books.pressure[CPU_RATE]


def test_income_is_that_of_the_last_minutes_less_what_tools_took() -> None:
    life = trading()
    desk(life).note(life.look(), 40)
    assert life.books.income_milli == 40_000
    desk(life).note(life.look(), -10)
    assert life.books.income_milli == 30_000
    life.stage.pass_time(RENT_MS * 1_000_000 // 2)
    desk(life).note(life.look(), 0)
    assert 14_900 < life.books.income_milli <= 15_000
    desk(life).note(life.look(), -(10**6))
    assert life.books.income_milli == 0


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


def test_it_sells_the_disk_that_it_was_given() -> None:
    life = speculating()
    looked(life, DISK)
    offered = life.rest(1)[0]
    assert isinstance(offered, List) and (offered.asset, offered.amount) == (DISK, LOTS[DISK])


def test_tokens_are_worth_what_they_can_be_let_for() -> None:
    life = speculating()
    life.books.prices |= {LLM_RATE: 10_000, "rent/llm_rate": 9_000}
    speculator = life.policy
    assert isinstance(speculator, Speculator)
    assert speculator.value_milli(life.look(), LLM_RATE) == (10_000 + 9_000 * SALES_PER_RENT) // 2


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
