"""Scripted characters: what each is known for, one habit at a time."""

import pytest

from ecology.core.clock import SECOND_NS
from ecology.core.outcome import Committed, Refused
from ecology.engine.strategies.citizen import LABEL
from ecology.engine.strategies.memory import Good, Purchase
from ecology.kernel import refusals
from ecology.kernel.actions import Configure, Delete, Query, Transfer, Write
from ecology.testing.worlds import Stage
from tests.support.citizens import ME, OTHER, THIRD, Life

HONEST = ("maker", "trader", "hoarder", "cooperator")


def good(price: int, quality: int = 3, kind: str = "tool") -> Good:
    return Good(kind, price, quality, 0)


def offering(strategy: str, price: int = 10) -> Life:
    """Somebody with one good on the shelf, whose name is `thing`."""
    life = Life(strategy)
    life.stage.do(ME, Write("thing", "x", type="tool", title="x", contract="transferable_freeware"))
    life.memory.shop["thing"] = good(price)
    life.stage.do(OTHER, Configure(accepts_from=["*"]))
    return life


# -- selling


@pytest.mark.parametrize("strategy", HONEST)
def test_the_honest_deliver_what_is_paid_for(strategy: str) -> None:
    life = offering(strategy)
    action = life.turn(life.paid(10, "buy thing"))
    assert action == Transfer(to=OTHER, artifact="thing", memo="sold thing")
    assert isinstance(life.outcome, Committed)
    assert "thing" not in life.memory.shop
    assert life.memory.ask > 10, "what sells gets dearer"
    assert life.memory.trust[OTHER] == 1


@pytest.mark.parametrize("strategy", HONEST)
@pytest.mark.parametrize(("memo", "amount"), [("buy thing", 9), ("buy nothing", 33), ("buy ", 1)])
def test_the_honest_pay_back_what_they_do_not_deliver(strategy: str, memo: str, amount: int) -> None:
    life = offering(strategy)
    action = life.turn(life.paid(amount, memo))
    assert isinstance(action, Transfer)
    assert (action.to, action.amount, action.artifact) == (OTHER, amount, None)
    assert action.memo.startswith("refund ")


@pytest.mark.parametrize("strategy", HONEST)
def test_what_cannot_be_handed_over_is_paid_back_in_full_and_stays_for_sale(strategy: str) -> None:
    life = offering(strategy)
    life.stage.do(OTHER, Configure(accepts_from=[]))
    life.turn(life.paid(25, "buy thing"))
    assert isinstance(life.outcome, Refused)
    assert life.outcome.reason == refusals.NOT_ACCEPTED
    assert life.memory.shop["thing"].price == 10
    assert life.turn() == Transfer(to=OTHER, amount=25, memo="refund ")


def test_what_is_gone_is_paid_back_and_not_offered_again() -> None:
    life = offering("maker")
    life.stage.do(ME, Delete("thing"))
    life.turn(life.paid(25, "buy thing"))
    assert isinstance(life.turn(), Transfer)
    assert "thing" not in life.memory.shop


def test_what_others_pay_others_is_no_order() -> None:
    """Whoever was subscribed to transfers hears of strangers' bargains too."""
    life = offering("maker")
    life.turn(life.paid(10, "buy thing", by=OTHER, to=THIRD))
    assert life.memory.orders == []
    assert "thing" in life.memory.shop


def test_a_memo_of_any_length_is_an_order_of_a_name_s_length() -> None:
    life = offering("maker")
    action = life.turn(life.paid(10, "buy " + "x" * 196))
    assert action == Transfer(to=OTHER, amount=10, memo="refund " + "x" * 64)
    assert isinstance(life.outcome, Committed)


def test_a_free_rider_takes_the_money_and_rarely_delivers() -> None:
    delivered = dict.fromkeys(("maker", "free_rider"), 0)
    for strategy in delivered:
        for seed in range(100):
            life = offering_with_seed(strategy, seed)
            action = life.turn(life.paid(10, "buy thing"))
            delivered[strategy] += isinstance(action, Transfer) and action.artifact == "thing"
    assert delivered["maker"] == 100
    assert 10 < delivered["free_rider"] < 50


def offering_with_seed(strategy: str, seed: int) -> Life:
    life = Life(strategy, Stage.of(seed=seed))
    life.memory.shop["thing"] = good(10)
    return life


def test_what_lies_long_gets_cheaper() -> None:
    life = offering("maker", price=40)
    life.memory.usual_price = 38
    life.stage.pass_time(121 * SECOND_NS)
    action = life.turn()
    assert isinstance(action, Write)
    assert action.title == "tool quality 3 price 36"
    assert life.memory.ask <= 36


def test_a_good_whose_name_is_taken_is_given_up() -> None:
    """Otherwise it would be polished for ever, in vain."""
    life = Life("maker")
    for number in range(1, 4):
        life.stage.do(OTHER, Write(f"{ME}.essay.{number}", "mine", contract="private"))
    refused = 0
    for _ in range(12):
        life.turn()
        refused += isinstance(life.outcome, Refused)
    assert refused == 3
    assert all(life.stage.world.shelf.find(name) is not None for name in life.memory.shop)


# -- making


def test_a_maker_works_and_puts_goods_of_its_kind_on_the_shelf() -> None:
    life = Life("maker", price=7)
    actions = [life.turn() for _ in range(30)]
    written = [action for action in actions if isinstance(action, Write)]
    assert {action.type for action in written} == {"essay"}, "the first of three, by its ordinal"
    assert len(life.memory.shop) == 10
    assert "price 7" in written[0].title
    assert all(action.contract == "transferable_freeware" for action in written)
    assert any(isinstance(action, Query) for action in actions), "it looks at what others make"


def test_specialists_make_what_they_are_told() -> None:
    life = Life("maker", good=2)
    written = [action for action in (life.turn() for _ in range(6)) if isinstance(action, Write)]
    assert {action.type for action in written} == {"map"}


def test_what_one_used_up_makes_one_better_and_is_named() -> None:
    life = Life("maker")
    life.stage.do(OTHER, Write("tool-1", "x", contract="public"))
    life.memory.pantry["tool-1"] = good(5, quality=12)
    assert life.turn() == Delete("tool-1")
    assert life.memory.quality == 4
    written = next(action for action in (life.turn() for _ in range(6)) if isinstance(action, Write))
    assert written.depends_on == ["tool-1"]


def test_cooperators_sell_cheap_and_leave_gifts() -> None:
    life = Life("cooperator", price=20)
    written = [action for action in (life.turn() for _ in range(40)) if isinstance(action, Write)]
    gifts = [action for action in written if action.contract == "public"]
    assert gifts and all(action.title.endswith("price 0") for action in gifts)
    sold = next(action for action in written if action.contract == "transferable_freeware")
    assert sold.title.endswith("price 15")
    assert not {action.artifact for action in gifts} & set(life.memory.shop)


def test_hoarders_ask_twice_the_price() -> None:
    life = Life("hoarder", price=20)
    written = [action for action in (life.turn() for _ in range(20)) if isinstance(action, Write)]
    assert written and "price 40" in written[0].title


def test_traders_and_free_riders_make_nothing_of_their_own() -> None:
    for strategy in ("trader", "free_rider"):
        life = Life(strategy)
        assert not [action for action in (life.turn() for _ in range(20)) if isinstance(action, Write)]


def test_a_free_rider_copies_what_others_made_and_asks_less() -> None:
    life = Life("free_rider", price=30)
    for kind in ("tool", "essay", "map"):
        life.stage.do(OTHER, Write(f"{kind}-1", "original", type=kind, title=f"{kind} quality 5 price 30"))
    actions = [life.turn() for _ in range(9)]
    written = [action for action in actions if isinstance(action, Write)]
    assert written and written[0].depends_on[0] in ("tool-1", "essay-1", "map-1")
    assert all(each.price <= 20 for each in life.memory.shop.values())


@pytest.mark.parametrize("strategy", HONEST)
def test_every_label_can_be_read_by_buyers(strategy: str) -> None:
    """However dear a world is, a price has as many digits as a label may state."""
    life = Life(strategy, price=2**62)
    life.memory.purchase = Purchase("tool-1", OTHER, 10**9 - 1, 5, life.stage.now_ns)
    actions = [life.turn(life.handed("tool-1")), *(life.turn() for _ in range(12))]
    labels = [LABEL.search(action.title) for action in actions if isinstance(action, Write)]
    assert labels
    assert all(labels)
