"""Executables that serve: a bounty and a shop with standing, and two tools, one built on the other."""

import pytest

from ecology.core.outcome import Refused
from ecology.events.economy import CodeRan
from ecology.events.records import HoldClosed
from ecology.kernel import refusals as why
from ecology.kernel.actions import Action, Delete, Edit, Invoke, Transfer, Write
from ecology.resources.assets import DISK
from tests.support.gallery import ANN, BEN, CAT, DAN, Gallery, gallery

SECOND_NS = 1_000_000_000

GOOD = "def sort(numbers):\n    return sorted(set(numbers))\n"
"""Does what the bounty asks for."""


# -- bounty


def promise(stage: Gallery, scrip: int = 120) -> None:
    """Ann's bounty, with money in it."""
    stage.publish(ANN, "bounty", "bounty", standing=True)
    stage.give(ANN, "bounty", scrip)


def claim(tool: str) -> Invoke:
    return Invoke("bounty", "claim", {"tool": tool})


def test_the_first_good_tool_earns_its_owner_the_reward() -> None:
    with gallery() as stage:
        promise(stage)
        stage.code(BEN, "sorter", GOOD, "sort")
        assert stage.do(CAT, claim("sorter"))["result"] == 50
        assert (stage.scrip("bounty"), stage.scrip(BEN), stage.scrip(CAT)) == (70, 1_050, 1_000)
        stage.code(CAT, "another", GOOD, "sort")
        for name in (BEN, CAT):
            assert stage.refused(name, claim("another")) == why.NOT_PERMITTED
        assert stage.scrip("bounty") == 70


@pytest.mark.parametrize(
    "source",
    [
        "def sort(numbers):\n    return numbers\n",
        "def sort(numbers):\n    raise ValueError('no')\n",
        "def sort(numbers):\n    while True:\n        pass\n",
        "def sort(numbers):\n    return transfer('agent-0002', 50)\n",
        "def sort(numbers):\n    return transfer('agent-0002', 50) and sorted(set(numbers))\n",
        "def sort(numbers):\n    numbers.clear()\n    return []\n",
    ],
    ids=["wrong", "raises", "never ends", "takes", "takes and serves", "empties the task"],
)
def test_a_bad_tool_gets_nothing_and_leaves_no_winner(source: str) -> None:
    with gallery() as stage:
        promise(stage)
        stage.code(BEN, "bad", source, "sort")
        assert stage.refused(BEN, claim("bad")) in (why.CODE_RAISED, why.CPU_EXHAUSTED, why.CODE_STEPS)
        assert (stage.scrip("bounty"), stage.scrip(BEN), stage.state_of("bounty")) == (120, 1_000, "")
        stage.code(CAT, "good", GOOD, "sort")
        stage.do(CAT, claim("good"))


def test_the_bounty_pays_for_no_tool_that_it_tries() -> None:
    with gallery() as stage:
        promise(stage)
        stage.code(BEN, "priced", GOOD, "sort", contract="pay_per_use(60)")
        assert stage.refused(BEN, claim("priced")) == why.CODE_RAISED
        assert stage.scrip("bounty") == 120


def test_a_tool_that_calls_back_is_not_paid_twice() -> None:
    """Re-entrancy: a claim inside a claim, before the outer one's winner is written down."""
    source = """
def sort(numbers):
    try:
        invoke("bounty", "claim", {"tool": "accomplice"})
    except Exception:
        pass
    return sorted(set(numbers))
"""
    with gallery() as stage:
        promise(stage)
        stage.code(BEN, "accomplice", GOOD, "sort")
        stage.code(BEN, "greedy", source, "sort")
        assert stage.refused(BEN, claim("greedy")) == why.CONTRACT_FAILED
        assert (stage.scrip("bounty"), stage.scrip(BEN), stage.state_of("bounty")) == (120, 1_000, "")
        stage.do(BEN, claim("accomplice"))
        assert stage.refused(BEN, claim("greedy")) == why.NOT_PERMITTED
        assert (stage.scrip("bounty"), stage.scrip(BEN)) == (70, 1_050)


def test_a_tool_that_claims_itself_ends_too_deep() -> None:
    with gallery() as stage:
        promise(stage)
        stage.code(
            BEN,
            "loop",
            "def sort(numbers):\n    return invoke('bounty', 'claim', {'tool': 'loop'})\n",
            "sort",
        )
        outcome = stage.act(BEN, claim("loop"))
        assert isinstance(outcome, Refused)
        assert (outcome.reason, why.TOO_DEEP in outcome.detail) == (why.CODE_RAISED, True)
        assert stage.scrip("bounty") == 120


def test_nobody_makes_a_winner_without_a_tool() -> None:
    """The check is a method like any other, and to call it must not be to claim."""
    with gallery() as stage:
        promise(stage)
        args: dict[str, object] = {"caller": BEN, "action": "invoke", "target": {}, "state": None}
        args["context"] = {"method": "claim", "args": {"tool": "x"}}
        assert stage.refused(BEN, Invoke("bounty", "check", args)) == why.NOT_PERMITTED
        assert stage.state_of("bounty") == ""


def test_an_empty_treasury_pays_nobody() -> None:
    with gallery() as stage:
        promise(stage, scrip=49)
        stage.code(BEN, "sorter", GOOD, "sort")
        assert stage.refused(BEN, claim("sorter")) == why.CODE_RAISED
        assert (stage.scrip("bounty"), stage.state_of("bounty")) == (49, "")
        stage.give(CAT, "bounty", 1)
        stage.do(BEN, claim("sorter"))
        assert stage.scrip("bounty") == 0


def test_what_nobody_claimed_goes_back_after_the_deadline_and_to_the_founder_only() -> None:
    with gallery() as stage:
        promise(stage)
        back = Invoke("bounty", "take_back", {"amount": 120})
        assert stage.refused(ANN, back) == why.NOT_PERMITTED
        stage.pass_time(3_600 * SECOND_NS)
        assert stage.refused(BEN, back) == why.NOT_PERMITTED
        stage.do(ANN, back)
        assert (stage.scrip(ANN), stage.scrip("bounty")) == (1_000, 0)


@pytest.mark.parametrize(
    ("deed", "reason"),
    [
        (Write("bounty", "def claim(tool):\n    return 0\n"), why.NOT_PERMITTED),
        (Edit("bounty", "REWARD = 50", "REWARD = 5"), why.NOT_PERMITTED),
        (Delete("bounty"), why.IS_PRINCIPAL),
        (Transfer(to=BEN, artifact="bounty"), why.NOT_PERMITTED),
    ],
)
def test_a_promise_is_kept_against_its_founder(deed: Action, reason: str) -> None:
    with gallery() as stage:
        promise(stage)
        assert stage.refused(ANN, deed) == reason


# -- vending_machine


def shop(stage: Gallery, stock: int = 3_000) -> None:
    """Ann's shop, which has bytes to sell."""
    stage.publish(ANN, "vending_machine", "vending_machine", standing=True)
    stage.give(ANN, "vending_machine", stock, DISK)


def buy(lots: int, max_price: int | None = None) -> Invoke:
    return Invoke("vending_machine", "buy", {"lots": lots}, max_price=max_price)


def disk(stage: Gallery, name: str) -> int:
    return stage.world.available(stage.world.principals[name], DISK)


def test_each_lot_is_dearer_than_the_last_however_they_are_bought() -> None:
    with gallery() as stage:
        shop(stage)
        quoted = stage.do(BEN, Invoke("vending_machine", "price", {"lots": 2}))["result"]
        bought = stage.do(BEN, buy(2))
        assert (quoted, bought["price"], bought["result"]) == (21, 21, 2_000)
        assert stage.do(CAT, buy(1))["price"] == 12
        assert (stage.scrip(BEN), stage.scrip(CAT), stage.scrip("vending_machine")) == (979, 988, 33)
        assert (disk(stage, BEN), disk(stage, CAT), disk(stage, "vending_machine")) == (52_000, 51_000, 0)


def test_what_the_shop_cannot_deliver_is_not_paid_for() -> None:
    with gallery() as stage:
        shop(stage, stock=1_500)
        assert stage.refused(BEN, buy(2)) == why.CODE_RAISED
        closed = [event.how for event in stage.events() if isinstance(event, HoldClosed)]
        assert (closed, stage.scrip(BEN), stage.state_of("vending_machine")) == (["voided"], 1_000, "")
        stage.do(BEN, buy(1))
        assert disk(stage, "vending_machine") == 500


def test_nobody_buys_for_less_than_the_price() -> None:
    with gallery() as stage:
        shop(stage)
        assert stage.refused(BEN, buy(1, max_price=9)) == why.PRICE_ABOVE_LIMIT
        for lots in (0, -1, 1_001, 2**63):
            assert stage.refused(BEN, buy(lots)) == why.ARGUMENT_INVALID
        stage.give(BEN, CAT, 991)
        assert stage.refused(BEN, buy(1)) == why.INSUFFICIENT


def test_money_spent_between_two_lots_buys_one() -> None:
    """Code that buys and gives away its money before it buys again: whole or not at all."""
    source = """
def run():
    invoke("vending_machine", "buy", {"lots": 1})
    transfer("agent-0003", 985)
    return invoke("vending_machine", "buy", {"lots": 1})
"""
    with gallery() as stage:
        shop(stage)
        stage.code(BEN, "spender", source, "run")
        assert stage.refused(BEN, Invoke("spender", allowance=1_000)) == why.CODE_RAISED
        assert (stage.scrip(BEN), stage.scrip(CAT), disk(stage, BEN)) == (1_000, 1_000, 50_000)
        assert stage.state_of("vending_machine") == ""


def test_the_takings_are_the_owners_and_nobody_elses() -> None:
    with gallery() as stage:
        shop(stage)
        stage.do(BEN, buy(1))
        assert stage.refused(BEN, Invoke("vending_machine", "collect", {"amount": 10})) == why.NOT_PERMITTED
        assert stage.refused(ANN, Invoke("vending_machine", "collect", {"amount": 11})) == why.CODE_RAISED
        stage.do(ANN, Invoke("vending_machine", "collect", {"amount": 10}))
        assert (stage.scrip(ANN), stage.scrip("vending_machine")) == (1_010, 0)


# -- tools


def tools(stage: Gallery) -> None:
    """Ann's tool for 2 scrip, and Ben's for 3 that is built on it."""
    stage.publish(ANN, "median", "pay_per_use(2)")
    stage.publish(BEN, "outliers", "pay_per_use(3)")


def outliers(allowance: int, max_price: int = 3) -> Invoke:
    numbers = [1.5, 2, 2, 3, 2.5, 1, 40, 2, -30]
    return Invoke("outliers", "outliers", {"numbers": numbers}, max_price=max_price, allowance=allowance)


def test_a_tool_computes_what_it_says() -> None:
    with gallery() as stage:
        tools(stage)
        for numbers, expected in (([3], 3), ([4, 1], 2.5), ([9, -1, 4], 4), ([2, 8, 4, 6], 5.0)):
            done = stage.do(ANN, Invoke("median", "median", {"numbers": numbers}))
            assert done["result"] == expected
        assert stage.do(CAT, outliers(4))["result"] == {"median": 2, "spread": 0.5, "outliers": [40, -30]}


@pytest.mark.parametrize("numbers", [[], ["3"], [True], [[1]], [1e13], None, [0] * 1_001])
def test_a_tools_interface_keeps_what_is_no_list_of_numbers_out(numbers: object) -> None:
    with gallery() as stage:
        tools(stage)
        assert stage.refused(CAT, Invoke("median", "median", {"numbers": numbers})) == why.ARGUMENT_INVALID
        assert stage.scrip(CAT) == 1_000


def test_what_a_tool_is_built_on_is_paid_by_whoever_calls_it() -> None:
    with gallery() as stage:
        tools(stage)
        assert stage.do(CAT, outliers(4))["price"] == 3
        assert (stage.scrip(ANN), stage.scrip(BEN), stage.scrip(CAT)) == (1_004, 1_003, 993)
        ran = [
            (event.artifact_id, event.depth, event.price)
            for event in stage.events()
            if isinstance(event, CodeRan)
        ]
        assert sorted(ran) == [("median", 2, 2), ("median", 2, 2), ("outliers", 1, 3)]


def test_without_the_allowance_nobody_is_paid() -> None:
    with gallery() as stage:
        tools(stage)
        outcome = stage.act(CAT, outliers(3))
        assert isinstance(outcome, Refused)
        assert (outcome.reason, why.ALLOWANCE_SPENT in outcome.detail) == (why.CODE_RAISED, True)
        assert stage.refused(CAT, outliers(4, max_price=2)) == why.PRICE_ABOVE_LIMIT
        assert [stage.scrip(name) for name in (ANN, BEN, CAT, DAN)] == [1_000] * 4
