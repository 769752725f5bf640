"""What is for sale, found by kind, by seller, by name: cheapest first, a page at a time."""

import pytest

from ecology.core.clock import SECOND_NS
from ecology.core.limits import MAX_AMOUNT
from ecology.kernel.actions import Buy, Cancel, Edit, List, Query, Write
from ecology.resources.assets import CPU_RATE, DISK, LLM_RATE
from ecology.testing.worlds import Stage

ME, OTHER, THIRD = "agent-0001", "agent-0002", "agent-0003"


@pytest.fixture
def stage() -> Stage:
    return Stage.of(3)


def listed(stage: Stage, **args: str | int) -> list[dict[str, object]]:
    """A page of listings."""
    found = stage.do(THIRD, Query("listings", args))["listings"]
    assert isinstance(found, list)
    return found


def names(stage: Stage, **args: str | int) -> list[object]:
    """The names on all pages, two listings at a time."""
    found: list[object] = []
    while True:
        page = stage.do(THIRD, Query("listings", {"limit": 2, **args}))
        listings = page["listings"]
        assert isinstance(listings, list)
        assert len(listings) <= 2
        found += [each["id"] for each in listings]
        if "after" not in page:
            return found
        assert len(listings) == 2
        args["after"] = str(page["after"])


def test_the_cheapest_per_unit_comes_first_and_of_equals_the_oldest(stage: Stage) -> None:
    for price, amount in ((10, 10), (1, 2), (10, 20), (3, 1), (1, 1_000)):
        stage.do(ME, List(price, asset=LLM_RATE, amount=amount))
    assert names(stage, goods=LLM_RATE) == [f"listing-{number}" for number in (5, 2, 3, 1, 4)]
    assert [each["unit_price_micros"] for each in listed(stage, goods=LLM_RATE)] == [
        *(1_000, 500_000, 500_000, 1_000_000, 3_000_000)
    ]


def test_sales_and_rents_are_different_goods_and_rents_are_priced_by_the_hour(stage: Stage) -> None:
    stage.do(ME, List(10, asset=DISK, amount=100))
    stage.do(ME, List(10, asset=DISK, amount=100, rent_ms=1_800_000))
    stage.do(ME, List(10, asset=DISK, amount=100, rent_ms=7_200_000))
    assert names(stage, goods=DISK) == ["listing-1"]
    assert names(stage, goods=f"rent/{DISK}") == ["listing-3", "listing-2"]
    assert [each["unit_price_micros"] for each in listed(stage, goods=f"rent/{DISK}")] == [50_000, 200_000]


def test_a_listing_says_all_that_a_buyer_wants_to_know(stage: Stage) -> None:
    stage.do(ME, Write("saw", "cuts", "tool", title="A saw", contract="transferable_freeware"))
    stage.now_ns = 3 * SECOND_NS
    stage.do(ME, List(7, artifact="saw", buyer=OTHER))
    stage.do(ME, List(8, asset=CPU_RATE, amount=4, rent_ms=3_600_000))
    thing = {
        "id": "listing-1",
        "seller": ME,
        "goods": "artifact/tool",
        "price": 7,
        "unit_price_micros": 7_000_000,
        "listed_ms": 3_000,
        "artifact": "saw",
        "revision": 1,
        "title": "A saw",
        "buyer": OTHER,
    }
    right = {
        "id": "listing-2",
        "seller": ME,
        "goods": "rent/cpu_rate",
        "price": 8,
        "unit_price_micros": 2_000_000,
        "listed_ms": 3_000,
        "asset": CPU_RATE,
        "amount": 4,
        "rent_ms": 3_600_000,
    }
    assert listed(stage, goods="artifact/tool") == [thing]
    assert listed(stage, goods="rent/cpu_rate") == [right]
    assert [stage.do(OTHER, Query("listing", {"id": f"listing-{number}"})) for number in (1, 2)] == [
        thing,
        right,
    ]


def test_without_a_kind_the_cheapest_of_each_is_shown(stage: Stage) -> None:
    for name, kind in (("saw", "tool"), ("map", "map"), ("axe", "tool")):
        stage.do(ME, Write(name, "x", kind, contract="transferable_freeware"))
    stage.do(ME, List(9, artifact="saw"))
    stage.do(ME, List(4, artifact="map"))
    stage.do(ME, List(3, artifact="axe"))
    stage.do(ME, List(1, asset=LLM_RATE, amount=1))
    stage.do(ME, List(1, asset=LLM_RATE, amount=1, rent_ms=1_000))
    assert [(each["goods"], each["id"]) for each in listed(stage)] == [
        ("artifact/map", "listing-2"),
        ("artifact/tool", "listing-3"),
        ("llm_rate", "listing-4"),
        ("rent/llm_rate", "listing-5"),
    ]
    assert names(stage) == ["listing-2", "listing-3", "listing-4", "listing-5"]


def test_what_one_seller_offers(stage: Stage) -> None:
    stage.do(ME, Write("saw", "x", contract="transferable_freeware"))
    stage.do(ME, List(9, artifact="saw"))
    for number in range(12):
        stage.do(OTHER if number % 4 == 3 else ME, List(20 - number, asset=LLM_RATE, amount=1))
    stage.do(ME, List(1, asset=DISK, amount=1))
    mine = [f"listing-{number}" for number in (1, 2, 3, 4, 6, 7, 8, 10, 11, 12, 14)]
    assert names(stage, seller=ME) == mine
    assert names(stage, seller=ME, goods=LLM_RATE) == mine[1:-1]
    assert names(stage, seller=OTHER) == ["listing-5", "listing-9", "listing-13"]
    assert names(stage, seller="nobody") == names(stage, seller=THIRD) == []


def test_what_is_gone_is_not_shown(stage: Stage) -> None:
    stage.do(ME, Write("saw", "x", "tool", contract="transferable_freeware"))
    stage.do(ME, List(9, artifact="saw"))
    for _ in range(2):
        stage.do(ME, List(9, asset=LLM_RATE, amount=1))
    stage.do(ME, Edit("saw", "x", "y"))
    stage.do(ME, Cancel("listing-2"))
    stage.do(OTHER, Buy("listing-3"))
    assert names(stage) == names(stage, seller=ME) == names(stage, goods="artifact/tool") == []


def test_a_cursor_still_leads_on_when_its_listing_is_gone(stage: Stage) -> None:
    for price in (1, 2, 3, 4):
        stage.do(ME, List(price, asset=LLM_RATE, amount=1))
    page = stage.do(THIRD, Query("listings", {"goods": LLM_RATE, "limit": 2}))
    stage.do(ME, Cancel("listing-2"))
    assert names(stage, goods=LLM_RATE, after=str(page["after"])) == ["listing-3", "listing-4"]


def test_prices_that_no_number_of_the_world_can_hold_are_shown_as_the_largest(stage: Stage) -> None:
    stage.do(ME, List(MAX_AMOUNT, asset=LLM_RATE, amount=1, rent_ms=1_000))
    stage.do(ME, List(MAX_AMOUNT, asset=LLM_RATE, amount=2, rent_ms=1_000))
    stage.do(ME, List(MAX_AMOUNT, asset=LLM_RATE, amount=3, rent_ms=1_000))
    assert {each["unit_price_micros"] for each in listed(stage, goods="rent/llm_rate")} == {MAX_AMOUNT}
    assert names(stage, goods="rent/llm_rate") == ["listing-3", "listing-2", "listing-1"]


@pytest.mark.parametrize(
    "goods", ["", "gold", "artifact/", "rent/", "rent/artifact/tool", "\ud800", "x" * 9_000]
)
def test_of_what_does_not_exist_there_is_none(stage: Stage, goods: str) -> None:
    stage.do(ME, List(1, asset=LLM_RATE, amount=1))
    assert names(stage, goods=goods) == []


@pytest.mark.parametrize("after", ["", "\ud800", "zzz", "9" * 5_000, "listing-2"])
def test_any_text_is_a_cursor_of_names(stage: Stage, after: str) -> None:
    stage.do(ME, List(1, asset=LLM_RATE, amount=1))
    listed(stage, after=after)
    listed(stage, seller=ME, after=after)
