"""Scripted businesses: how they sell and buy in escrow, and what they learn of tools."""

from typing import cast

import pytest

from ecology.core.outcome import Committed
from ecology.engine.strategies.books import Position, Tool, Work
from ecology.engine.strategies.entrepreneur import GOODS_NS
from ecology.engine.strategies.memory import Good
from ecology.engine.strategies.toolbox import IMPROVE, PROGRAM
from ecology.engine.strategies.toolsmith import PATIENCE
from ecology.kernel.actions import (
    Buy,
    Cancel,
    Configure,
    Delete,
    Invoke,
    List,
    Query,
    Transfer,
    Write,
)
from ecology.resources.assets import DISK, LLM_RATE, SCRIP
from tests.support.business import Business, selling, smithy
from tests.support.citizens import ME, OTHER, THIRD

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


def test_a_memo_that_names_a_listing_does_not_buy_it() -> None:
    life = Business("specialist")
    listed = life.until(List)
    assert isinstance(listed, List)
    ((name, _),) = life.books.listed.items()
    life.turn(
        life.paid(listed.price - 1, name), life.paid(10**6, name, asset=DISK), life.paid(99, name, to=THIRD)
    )
    assert name in life.books.listed and listed.artifact in life.memory.shop


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


def test_what_all_layers_ask_is_added_up_before_the_first_call() -> None:
    life = Business("specialist", smithy(press=4))
    life.until(Query, 3)
    tools = life.books.tools
    assert {name: tool.cost_milli for name, tool in tools.items()} == {
        "tidy": 1_000,
        "editor": 2_000,
        "press": 6_000,
    }
    life.stage.do(OTHER, Delete("tidy"))
    life.books.tools_ns = 0
    life.until(Query, 6)
    assert tools == {}, "nobody calls what is built upon what is gone"


def test_a_call_that_was_cut_short_waits_for_more_cpu() -> None:
    life = Business("specialist", smithy())
    life.until(Query, 3)
    reasons = []
    for _ in range(8):
        life.agent.cpu.drain(life.agent.cpu.refill(life.stage.now_ns) - 50)
        if isinstance(life.rest(1)[0], Invoke):
            reasons.append(getattr(life.outcome, "reason", ""))
    assert set(reasons) == {"cpu_exhausted"}
    assert len(reasons) == len(life.books.tools), "each tool is tried once with so little"
    assert all(tool.cpu_us and not tool.failures for tool in life.books.tools.values()), (
        "not the tools' fault"
    )


def test_without_tools_it_writes_drafts_of_its_own() -> None:
    life = Business("specialist")
    written = life.until(Write)
    assert isinstance(written, Write) and written.depends_on == []
    assert len(written.content.splitlines()) == 8


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
