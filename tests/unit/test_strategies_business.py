"""Scripted businesses: what each does at escrow, at tools, at the mint and with rights, one habit at a time."""

from typing import cast

import msgspec
import pytest

from ecology.core.clock import SECOND_NS
from ecology.core.outcome import Committed
from ecology.engine.strategies.books import Position, Product, Tool, Work
from ecology.engine.strategies.entrepreneur import GOODS_NS, Entrepreneur
from ecology.engine.strategies.escrow_desk import LOTS, RENT_MS
from ecology.engine.strategies.memory import Good
from ecology.engine.strategies.mint_desk import CLOSED_NS
from ecology.engine.strategies.speculator import HOLD_NS
from ecology.engine.strategies.toolbox import IMPROVE, PATTERNS, PROGRAM
from ecology.engine.strategies.toolsmith import PATIENCE, PERIOD_NS
from ecology.events.records import BidClosed, ListingSold
from ecology.kernel.actions import (
    Action,
    Bid,
    Buy,
    Cancel,
    Configure,
    Delete,
    Invoke,
    List,
    Query,
    Sleep,
    Subscribe,
    Transfer,
    Write,
)
from ecology.kernel.laws import Laws, MintLaw
from ecology.resources.assets import CPU_RATE, DISK, LLM_CAPACITY, LLM_RATE, SCRIP
from ecology.testing.worlds import Stage
from tests.support.citizens import ME, OTHER, THIRD, Life
from tests.unit.test_strategies_tools import publish

FOREVER = 10**18


class Business(Life):
    """The life of an entrepreneur who wants no goods and looks at no market in rights unless a test lets it."""

    def __init__(self, strategy: str, stage: Stage | None = None, /, **traits: int) -> None:
        super().__init__(strategy, stage, **traits)
        self.books = cast(Entrepreneur, self.policy).books
        self.books.look_ns = FOREVER
        self.books.bid_ns = FOREVER

    def until(self, kind: type[Action], turns: int = 20) -> Action:
        """Live on real news until it does something of that kind."""
        for _ in range(turns):
            action = self.turn(*self.stage.news(ME))
            if isinstance(action, kind):
                return action
        raise AssertionError(f"no {kind.__name__} in {turns} turns")

    def rest(self, turns: int) -> list[Action]:
        """Live so many turns on real news."""
        return [self.turn(*self.stage.news(ME)) for _ in range(turns)]

    def settle(self) -> None:
        """Live until there is nothing to do."""
        self.until(Sleep, 60)


def selling(stage: Stage, name: str, price: int, quality: int = 3, who: str = OTHER) -> str:
    """Somebody lists a tool of the scripted kind `tool`; the listing's name."""
    title = f"tool quality {quality} price {price}"
    stage.do(who, Write(name, "x", type="tool", title=title, contract="transferable_freeware"))
    return str(stage.do(who, List(price=price, artifact=name))["listing"])


# -- escrow


def test_what_is_made_is_listed_and_a_sale_makes_the_next_one_dearer() -> None:
    life = Business("specialist")
    listed = life.until(List)
    assert isinstance(listed, List) and listed.artifact in life.memory.shop
    ((name, _),) = life.books.listed.items()
    ask = life.memory.ask
    life.stage.do(OTHER, Buy(name))
    life.rest(1)
    assert listed.artifact not in life.memory.shop
    assert name not in life.books.listed
    assert life.memory.ask > ask
    assert life.memory.trust[OTHER] == 1


def test_what_nobody_wants_is_withdrawn_and_offered_for_less() -> None:
    life = Business("specialist")
    listed = life.until(List)
    assert isinstance(listed, List)
    life.settle()
    life.stage.pass_time(GOODS_NS)
    withdrawn = life.rest(1)[0]
    assert isinstance(withdrawn, Cancel)
    again = life.until(List)
    assert isinstance(again, List) and again.price < listed.price


def test_who_pays_on_trust_is_served_and_the_listing_is_forgotten() -> None:
    life = Business("specialist")
    listed = life.until(List)
    assert isinstance(listed, List) and listed.artifact is not None
    life.stage.do(OTHER, Configure(accepts_from=["*"]))
    action = life.turn(life.paid(listed.price, f"buy {listed.artifact}"))
    assert action == Transfer(to=OTHER, artifact=listed.artifact, memo=f"sold {listed.artifact}")
    assert all(each.artifact != listed.artifact for each in life.books.listed.values())
    life.settle()
    life.stage.pass_time(GOODS_NS)
    assert isinstance(life.rest(1)[0], Cancel), "of another one"
    assert isinstance(life.outcome, Committed)


@pytest.mark.parametrize("strategy", ["specialist", "toolsmith", "bidder"])
def test_a_want_is_satisfied_in_escrow_and_used_up(strategy: str) -> None:
    life = Business(strategy)
    dear = selling(life.stage, "tool-1", 200, who=THIRD)
    cheap = selling(life.stage, "tool-2", 12)
    life.settle()
    life.memory.want_ns, life.config.goods[:] = 0, ["tool"]
    assert life.until(Query, 2) == Query("listings", {"goods": "artifact/tool", "limit": 10})
    assert life.rest(1) == [Buy(cheap, max_price=12)]
    assert life.stage.world.shelf.find("tool-2").owner == ME  # type: ignore[union-attr]
    assert life.rest(1) == [Delete("tool-2")]
    assert life.memory.want_ns > life.stage.now_ns
    assert life.stage.world.listings.get(dear) is not None


def test_quality_is_worth_its_price_and_no_good_more_than_a_quarter_of_all() -> None:
    life = Business("specialist")
    selling(life.stage, "tool-1", 12, quality=1)
    good = selling(life.stage, "tool-2", 20, quality=9)
    selling(life.stage, "tool-3", 251, quality=900)
    life.settle()
    life.memory.want_ns, life.config.goods[:] = 0, ["tool"]
    life.until(Query, 2)
    assert life.rest(1) == [Buy(good, max_price=20)]


# -- tools


def smithy(press: int = 1) -> Stage:
    """A world with three tools that improve, one upon the other."""
    stage = Stage.of()
    publish(stage, OTHER, "tidy", 1)
    publish(stage, THIRD, "editor", 1, base="tidy")
    publish(stage, OTHER, "press", press, base="editor")
    return stage


def test_a_specialist_s_work_is_what_the_tool_returned_and_names_it() -> None:
    life = Business("specialist", smithy())
    called = life.until(Invoke)
    assert isinstance(called, Invoke) and isinstance(life.outcome, Committed)
    result = cast("dict[str, object]", life.outcome.data["result"])
    written = life.until(Write, 3)
    assert isinstance(written, Write)
    assert written.content == result["text"]
    assert written.depends_on == [called.artifact]
    assert f"quality {result['quality']} " in written.title
    assert life.books.tools[called.artifact].uses == 1


def test_it_learns_what_each_tool_costs_in_all_and_prefers_what_gains_most() -> None:
    life = Business("specialist", smithy())
    for _ in range(12):
        life.until(Invoke, 12)
        life.until(Write, 12)
        life.memory.shop.clear()
        life.books.listed.clear()
    tools = life.books.tools
    assert tools["press"].uses >= 6
    assert tools["press"].cost_milli >= 2_000, "its own price and some of what the layers below take"
    assert tools["press"].gain_milli > tools["tidy"].gain_milli


def test_a_tool_that_costs_more_than_it_gains_is_not_called() -> None:
    life = Business("specialist", smithy(press=400))
    called = [action for action in life.rest(30) if isinstance(action, Invoke)]
    assert called and "press" not in {action.artifact for action in called}
    assert isinstance(life.outcome, Committed)


def test_a_tool_that_fails_twice_is_left_alone() -> None:
    life = Business("specialist")
    broken = Write(
        "broken",
        "def improve(text):\n    return text[10 ** 6]",
        type=PROGRAM,
        title="tidy: breaks",
        interface={"methods": {IMPROVE: {}}},
    )
    life.stage.do(OTHER, broken)
    called = [action for action in life.rest(40) if isinstance(action, Invoke)]
    assert len(called) == 2
    assert life.books.tools["broken"].failures == 2


@pytest.mark.parametrize(
    "returned",
    ["[1]", "None", "{'text': 5, 'quality': 1}", "{'text': 'x', 'quality': 'good'}", "{'quality': 10**9}"],
)
def test_what_a_tool_returns_is_not_believed(returned: str) -> None:
    life = Business("specialist")
    odd = Write(
        "odd",
        f"def improve(text):\n    return {returned}",
        type=PROGRAM,
        title="tidy: odd",
        interface={"methods": {IMPROVE: {}}},
    )
    life.stage.do(OTHER, odd)
    life.until(Invoke)
    assert life.books.product is None
    assert isinstance(life.until(Write), Write), "a draft of its own"


def test_without_tools_it_writes_drafts_of_its_own() -> None:
    life = Business("specialist")
    written = life.until(Write)
    assert isinstance(written, Write) and written.depends_on == []
    assert len(written.content.splitlines()) == 8


# -- making tools


def test_smiths_build_upon_others_tools_and_fill_their_shop() -> None:
    stage = Stage.of()
    publish(stage, OTHER, "tidy", 2)
    publish(stage, OTHER, "quotes", 2)
    life = Business("toolsmith", stage)
    life.settle()
    made = {work.family: work for work in life.books.works.values()}
    assert len(life.books.works) == 5
    assert made["editor"].base == "tidy" and made["appraiser"].base == "quotes"
    name = next(name for name, work in life.books.works.items() if work.family == "editor")
    artifact = stage.world.shelf.find(name)
    assert artifact is not None and artifact.executable
    assert (artifact.depends_on, artifact.contract) == (("tidy",), "pay_per_use(2)")
    stage.do(THIRD, Invoke(name, IMPROVE, {"text": "amber\namber"}, allowance=10))


def owning(price: int = 4) -> tuple[Business, str]:
    """A smith with one tool and no disk for more, whose name is returned."""
    life = Business("toolsmith")
    written = life.until(Write)
    assert isinstance(written, Write)
    life.settle()
    for name in [name for name in life.books.works if name != written.artifact]:
        del life.books.works[name]
    work = life.books.works[written.artifact]
    work.price = price
    life.books.tools_ns = FOREVER
    life.stage.do(ME, Write("ballast", "x" * (life.look().disk_free - 2_000)))
    return life, written.artifact


ARGUMENTS: dict[str, dict[str, object]] = {
    "improve": {"text": "amber"},
    "measure": {"artifact": "ballast"},
    "quote": {"goods": DISK},
    "appraise": {"goods": DISK},
}


def use(life: Business, tool: str, times: int) -> None:
    """Somebody pays for a tool so many times."""
    method = PATTERNS[life.books.works[tool].family].method
    for _ in range(times):
        life.stage.do(OTHER, Invoke(tool, method, ARGUMENTS[method], allowance=9))


def test_a_tool_in_demand_gets_dearer_and_an_idle_one_cheaper() -> None:
    life, tool = owning()
    use(life, tool, 3)
    life.stage.pass_time(PERIOD_NS)
    dearer = life.rest(1)[0]
    assert isinstance(dearer, Write) and (dearer.artifact, dearer.contract) == (tool, "pay_per_use(5)")
    assert dearer.interface is None, "it keeps the one it has"
    assert life.books.works[tool].total == 3
    life.stage.pass_time(PERIOD_NS)
    cheaper = life.rest(1)[0]
    assert isinstance(cheaper, Write) and cheaper.contract == "pay_per_use(4)"
    assert life.stage.world.shelf.find(tool).executable  # type: ignore[union-attr]


def test_an_idle_tool_is_offered_in_escrow_and_then_given_up() -> None:
    life, tool = owning(price=1)
    life.books.works[tool].idle = PATIENCE
    offered = life.until(List, 3)
    assert isinstance(offered, List) and (offered.artifact, offered.price) == (tool, 5)
    life.stage.pass_time(GOODS_NS)
    assert [type(action) for action in life.rest(2)] == [Cancel, Delete]
    assert tool not in life.books.works


def test_a_tool_that_was_sold_earns_for_its_buyer() -> None:
    life, tool = owning(price=1)
    life.books.works[tool].idle = PATIENCE
    life.until(List, 3)
    life.stage.do(OTHER, Buy(next(iter(life.books.listed))))
    life.rest(1)
    assert tool not in life.books.works and life.books.listed == {}


def test_a_tool_that_others_use_is_submitted_to_the_mint() -> None:
    life, tool = owning()
    life.books.bid_ns = 0
    assert not [action for action in life.rest(3) if isinstance(action, Bid)], "nobody has used it"
    use(life, tool, 1)
    bid = life.until(Bid, 3)
    assert isinstance(bid, Bid) and bid.artifact == tool
    life.stage.pass_time(PERIOD_NS)
    assert not isinstance(life.rest(1)[0], Write), "what lies before the mint is not changed"


# -- the mint


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


# -- rights


def trading(busy: int, income_milli: int = 0) -> Business:
    """A specialist about to look at the markets in rights, so busy, with such an income."""
    life = Business("specialist")
    life.settle()
    life.memory.draft = 0
    life.books.busy, life.books.income_milli, life.books.look_ns = busy, income_milli, 0
    return life


def looked(life: Business, goods: str) -> None:
    """It looks at one market and at no other."""
    life.books.look_ns = FOREVER
    life.books.looking_for = goods
    outcome = life.stage.do(ME, Query("listings", {"goods": goods, "limit": 10}))
    cast(Entrepreneur, life.policy).escrow.learn(
        Query("listings", {"goods": goods}), Committed(outcome), ME, life.stage.now_ns
    )


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
    life.turn(life.paid(3, position.listing))
    assert isinstance(offered, List)
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


# -- robustness


@pytest.mark.parametrize("strategy", ["toolsmith", "specialist", "bidder", "speculator"])
def test_a_business_outlives_all_it_believed(strategy: str) -> None:
    """Tools, listings and works that its books hold and the world does not cost it a refusal each and are forgotten."""
    life = Business(strategy)
    life.books.look_ns = life.books.bid_ns = 0
    life.memory.shop["gone"] = Good("map", 3, 2, 0)
    life.books.works["gone.tidy.1"] = Work("tidy", "", 1, 0, idle=PATIENCE)
    life.books.tools["gone.tidy.2"] = Tool("tidy", OTHER, 1, 1_000, 9_000)
    life.books.positions.append(Position(LLM_RATE, 10**15, 4, 0))
    refused = 0
    for _ in range(60):
        life.rest(1)
        refused += not isinstance(life.outcome, Committed)
    assert refused <= 6


def test_scrip_is_never_promised_twice() -> None:
    """Bids and purchases are within what is there: nobody is refused for lack of scrip."""
    life = Business("bidder", smithy())
    life.books.look_ns = life.books.bid_ns = 0
    life.stage.do(ME, Transfer(to=OTHER, amount=life.look().right(SCRIP) - 10))
    for _ in range(80):
        life.rest(1)
        assert getattr(life.outcome, "reason", "") not in ("insufficient", "amount_invalid")
