"""Scripted characters among others: whom they buy from, what they do with it, whom they help and warn."""

import pytest

from ecology.core.clock import SECOND_NS
from ecology.core.outcome import Committed
from ecology.engine.strategies import STRATEGIES
from ecology.engine.strategies.citizen import PLEA, WARNING
from ecology.engine.strategies.memory import Good, Offer, Purchase
from ecology.engine.strategies.merchant import PATIENCE_NS
from ecology.kernel.actions import Action, Delete, Message, Query, Sleep, Transfer, Write
from ecology.resources.assets import LLM_BUDGET
from ecology.testing.worlds import GRANTS
from tests.support.citizens import ME, OTHER, THIRD, Life

ALL = tuple(STRATEGIES)


def good(price: int, quality: int = 3, kind: str = "tool") -> Good:
    return Good(kind, price, quality, 0)


# -- buying


def wanting(strategy: str, offer: Offer, **traits: int) -> Life:
    """Somebody who looked for tools and saw one offer."""
    life = Life(strategy, **traits)
    life.memory.want_ns = 0
    life.memory.wanted = offer.artifact.partition("-")[0]
    life.memory.offers = [offer]
    return life


def test_a_buyer_pays_the_owner_and_names_the_good() -> None:
    life = wanting("maker", Offer("tool-1", OTHER, "transferable_freeware", 8, 5))
    assert life.turn() == Transfer(to=OTHER, amount=8, memo="buy tool-1")
    assert isinstance(life.outcome, Committed)
    assert life.unanswered is not None
    assert life.unanswered.seller == OTHER


def test_what_arrives_is_used_up_or_kept_by_character() -> None:
    """A maker uses it up, a hoarder keeps it, a trader offers it anew for more than it paid."""
    after: dict[str, Action] = {}
    for strategy in ("maker", "cooperator", "hoarder", "trader"):
        life = Life(strategy)
        life.memory.purchase = Purchase("tool-1", OTHER, 8, 5, life.stage.now_ns)
        life.memory.wanted = "tool"
        after[strategy] = life.turn(life.handed("tool-1"))
        assert life.unanswered is None
        assert life.memory.trust[OTHER] == 1
        if strategy == "hoarder":
            assert life.memory.pantry["tool-1"].price == 8
    assert after["maker"] == after["cooperator"] == Delete("tool-1")
    assert after["hoarder"] != Delete("tool-1")
    assert isinstance(after["trader"], Write)


@pytest.mark.parametrize("paid", [1, 8, 999, 10**6])
def test_a_trader_sells_above_what_it_paid_and_throws_the_old_one_away(paid: int) -> None:
    life = Life("trader")
    life.memory.purchase = Purchase("tool-1", OTHER, paid, 5, life.stage.now_ns)
    life.memory.wanted = "tool"
    action = life.turn(life.handed("tool-1"))
    assert isinstance(action, Write)
    (offered,) = life.memory.shop.values()
    assert offered.price > paid
    assert action.title == f"tool quality 5 price {offered.price}"
    assert action.depends_on == ["tool-1"]
    assert life.turn() == Delete("tool-1")


def test_a_hoarder_uses_nothing_up_until_its_disk_is_nearly_full() -> None:
    life = Life("hoarder")
    life.memory.pantry["tool-1"] = good(5)
    life.memory.shop = {f"shop-{n}": good(50, quality=12) for n in range(4)}
    assert life.turn() != Delete("tool-1")
    life.stage.do(ME, Write("ballast", "x" * (GRANTS["disk"] - 2_400)))
    assert life.turn() == Delete("tool-1")


def test_what_is_free_is_taken_by_free_riders_and_nothing_is_bought() -> None:
    life = wanting("free_rider", Offer("tool-1", OTHER, "public", 0, 5))
    assert life.turn() == Delete("tool-1")
    life = wanting("free_rider", Offer("tool-1", OTHER, "transferable_freeware", 1, 12))
    assert not isinstance(life.turn(), Transfer)


def test_nobody_spends_more_than_half_of_what_it_has() -> None:
    for strategy in ALL:
        life = wanting(strategy, Offer("tool-1", OTHER, "transferable_freeware", 501, 10**9))
        assert not isinstance(life.turn(), Transfer)


def test_strangers_are_bought_from_with_caution() -> None:
    offer = Offer("tool-1", OTHER, "transferable_freeware", 16, 3)
    assert not isinstance(wanting("maker", offer).turn(), Transfer)
    life = wanting("maker", offer)
    life.memory.trust[OTHER] = 1
    assert isinstance(life.turn(), Transfer)


def test_a_seller_who_does_not_deliver_is_written_off_and_friends_are_warned() -> None:
    life = Life("maker")
    life.memory.trust[THIRD] = 1
    life.memory.purchase = Purchase("tool-1", OTHER, 8, 5, life.stage.now_ns)
    life.stage.pass_time(PATIENCE_NS + SECOND_NS)
    life.turn()
    assert life.unanswered is None
    assert life.memory.trust[OTHER] == -3
    assert life.turn() == Message(to=THIRD, text=WARNING + OTHER)


def test_offers_of_cheats_are_not_looked_at() -> None:
    life = Life("maker")
    life.stage.do(OTHER, Write("map-1", "x", type="map", title="map quality 9 price 5"))
    life.memory.trust[OTHER] = -3
    life.memory.want_ns, life.memory.wanted = 0, "map"
    assert life.turn() == Query("artifacts", {"type": "map", "limit": 10})
    assert life.memory.offers == []
    assert life.memory.usual_price != 10, "its price is news all the same"


# -- helping


@pytest.mark.parametrize("strategy", ALL)
def test_only_a_cooperator_gives_to_who_asks(strategy: str) -> None:
    life = Life(strategy)
    action = life.turn(life.told(PLEA + "scrip"))
    gives = isinstance(action, Transfer) and action.memo == "gift"
    assert gives == (strategy == "cooperator")
    assert life.memory.pleas == []
    if gives:
        assert action == Transfer(to=OTHER, amount=100, memo="gift"), "a tenth"
        assert life.memory.trust[OTHER] == -1, "and it will not do so for ever"


def test_a_cooperator_does_not_give_to_who_cheated_it() -> None:
    life = Life("cooperator")
    life.memory.trust[OTHER] = -1
    assert not isinstance(life.turn(life.told(PLEA + "scrip")), Transfer)


def test_a_cooperator_shares_its_budget_first() -> None:
    life = Life("cooperator", budget_usd_micros=1_000_000)
    action = life.turn(life.told(PLEA + LLM_BUDGET))
    assert action == Transfer(to=OTHER, asset=LLM_BUDGET, amount=500_000, memo="gift")


def test_in_need_one_asks_the_most_trusted() -> None:
    life = Life("maker", price=3_000)
    life.memory.trust |= {OTHER: 1, THIRD: 4}
    life.stage.pass_time(61 * SECOND_NS)
    assert life.turn() == Message(to=THIRD, text=PLEA + "scrip")
    assert not isinstance(life.turn(), Message), "and not again at once"


def test_a_gift_makes_a_friend_and_a_free_rider_comes_back_for_more() -> None:
    life = Life("free_rider")
    life.stage.pass_time(61 * SECOND_NS)
    action = life.turn(life.paid(5, "gift"))
    assert life.memory.trust[OTHER] == 2
    assert action == Message(to=OTHER, text=PLEA + "scrip")


def test_a_friend_s_warning_counts_and_a_stranger_s_does_not() -> None:
    life = Life("maker")
    life.turn(life.told(WARNING + THIRD))
    assert THIRD not in life.memory.trust
    life.memory.trust[OTHER] = 1
    life.turn(life.told(WARNING + THIRD))
    assert life.memory.trust[THIRD] == -2
    life.turn(life.told(WARNING + ME), life.told(WARNING + "NOT A NAME"))
    assert set(life.memory.trust) == {OTHER, THIRD}


# -- resting


@pytest.mark.parametrize("strategy", ALL)
def test_who_has_nothing_to_do_sleeps_until_something_may_have_changed(strategy: str) -> None:
    life = Life(strategy, good_bytes=1_000_000)  # too large for the disk: nothing can be made
    actions = [life.turn() for _ in range(8)]
    naps = [action for action in actions if isinstance(action, Sleep)]
    assert naps
    assert all(1_000 <= nap.duration_ms <= 30_500 for nap in naps)
