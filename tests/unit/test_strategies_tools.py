"""The programs that toolsmiths write: each does what it says, alone and upon another's tool."""

import pytest

from ecology.engine.strategies.toolbox import (
    APPRAISE,
    IMPROVE,
    MEASURE,
    PATTERNS,
    PROGRAM,
    Pattern,
    families,
    price_of,
)
from ecology.kernel import refusals
from ecology.kernel.actions import Invoke, List, Write, said_bytes
from ecology.resources.assets import DISK, SCRIP
from ecology.resources.costs import tokens_of
from ecology.testing.worlds import GRANTS, Stage
from tests.support.business import publish
from tests.support.citizens import ME, OTHER, THIRD

DRAFT = "river amber market\n\n  river   amber market \nfalcon harbour river amber\nvillage harbour falcon"


def chain() -> Stage:
    """A world with a press built upon another's editor, which is built upon another's tidier."""
    stage = Stage.of()
    publish(stage, OTHER, "tidy", 2)
    publish(stage, THIRD, "editor", 3, base="tidy")
    publish(stage, OTHER, "press", 4, base="editor")
    return stage


def call(stage: Stage, tool: str, allowance: int = 0, **args: object) -> dict[str, object]:
    """What a tool returns to `ME`."""
    result = stage.do(ME, Invoke(tool, PATTERNS[tool].method, dict(args), allowance=allowance))["result"]
    assert isinstance(result, dict)
    return result


def scrip(stage: Stage, who: str) -> int:
    return stage.world.available(stage.agent(who), SCRIP)


@pytest.mark.parametrize("pattern", PATTERNS.values(), ids=lambda pattern: str(pattern.family))
def test_every_pattern_is_a_tool_and_takes_one_thought_to_write(pattern: Pattern) -> None:
    stage = Stage.of()
    action = Write(
        "it", pattern.program("base"), type=PROGRAM, title=pattern.title("base"), interface=pattern.interface
    )
    stage.do(ME, action)
    assert tokens_of(said_bytes(action)) < 600
    assert action.title.startswith(f"{pattern.family}: ")
    assert stage.refused(ME, Invoke("it", pattern.method, {"no": 1})) == refusals.ARGUMENT_INVALID


def test_each_purpose_has_its_tools_from_one_layer_to_three() -> None:
    assert families(IMPROVE) == ["tidy", "editor", "press"]
    assert families(APPRAISE) == ["appraiser"]
    assert families(MEASURE) == ["statistics"]
    assert [PATTERNS[family].layers for family in ("tidy", "editor", "press", "appraiser")] == [1, 2, 3, 2]


def test_tidying_drops_what_is_said_twice_and_orders_the_rest() -> None:
    stage = chain()
    tidied = call(stage, "tidy", text=DRAFT)
    assert tidied["text"] == "falcon harbour river amber\nriver amber market\nvillage harbour falcon"
    assert tidied["quality"] == 2, "six distinct words of ten"
    assert call(stage, "tidy", text=" \n ") == {"text": "", "quality": 0}


def test_each_layer_works_upon_the_one_below_and_each_is_paid() -> None:
    stage = chain()
    edited = call(stage, "editor", 10, text=DRAFT)
    assert str(edited["text"]).startswith("1. falcon harbour river amber\n2. ")
    assert "Index\namber 1, 2\n" in str(edited["text"])
    before = {who: scrip(stage, who) for who in (ME, OTHER, THIRD)}
    printed = call(stage, "press", 10, text=DRAFT)
    text = str(printed["text"])
    assert text.startswith("On amber, river, falcon\n\n1. falcon")
    assert str(edited["text"]) in text
    assert printed["quality"] == int(str(edited["quality"])) + 2
    assert {who: scrip(stage, who) - before[who] for who in before} == {ME: -9, OTHER: 6, THIRD: 3}


def test_the_seal_shows_a_change() -> None:
    stage = chain()
    seals = {
        str(call(stage, "press", 10, text=text)["text"]).rpartition(" ")[2] for text in (DRAFT, DRAFT + "s")
    }
    assert len(seals) == 2


def test_a_layer_that_the_allowance_does_not_cover_costs_nothing() -> None:
    stage = chain()
    assert stage.refused(ME, Invoke("press", IMPROVE, {"text": DRAFT}, allowance=4)) == refusals.CODE_RAISED
    assert scrip(stage, ME) == GRANTS[SCRIP]


def test_statistics_count_the_words_of_an_artifact() -> None:
    stage = Stage.of()
    publish(stage, OTHER, "statistics", 1)
    stage.do(ME, Write("essay", "Amber falls, amber rises\non the harbour"))
    assert call(stage, "statistics", artifact="essay") == {
        "words": 7,
        "distinct": 6,
        "lines": 2,
        "longest": 7,
        "richness": 85,
    }
    stage.do(ME, Write("nothing", " "))
    assert call(stage, "statistics", artifact="nothing")["richness"] == 0


def test_quotes_and_appraisals_come_from_what_is_for_sale() -> None:
    stage = Stage.of()
    publish(stage, OTHER, "quotes", 1)
    publish(stage, THIRD, "appraiser", 1, base="quotes")
    assert call(stage, "appraiser", 5, goods=DISK) == {"known": False, "bid": 0, "ask": 0}
    for price in (4, 2, 9):
        stage.do(OTHER, List(price=price, asset=DISK, amount=1_000))
    stage.do(OTHER, List(price=1, asset=DISK, amount=1_000, rent_ms=60_000))
    assert call(stage, "quotes", goods=DISK) == {"offers": 3, "low": 2_000, "median": 4_000, "mean": 5_000}
    appraised = call(stage, "appraiser", 5, goods=DISK)
    assert appraised == {"known": True, "bid": 2_933, "ask": 3_732}, "12 % around a third of 2 + 4 + 4"


def test_artifacts_are_quoted_too() -> None:
    stage = Stage.of()
    publish(stage, OTHER, "quotes", 1)
    stage.do(OTHER, Write("map-1", "x", type="map", contract="transferable_freeware"))
    stage.do(OTHER, List(price=7, artifact="map-1"))
    quoted = call(stage, "quotes", goods="artifact/map")
    assert quoted == {"offers": 1, "low": 7_000_000, "median": 7_000_000, "mean": 7_000_000}


@pytest.mark.parametrize(
    ("contract", "price"),
    [
        ("pay_per_use(3)", 3),
        ("pay_per_use(999999999)", 999_999_999),
        ("freeware", 0),
        ("transferable_freeware", 0),
        ("pay_per_use(1000000000)", None),
        ("pay_per_use(-1)", None),
        ("pay_per_use(3) ", None),
        ("private", None),
        ("somebody.contract", None),
    ],
)
def test_what_a_tool_asks_is_read_from_its_contract(contract: str, price: int | None) -> None:
    """Only its code knows what a contract in code asks, and what costs more than anybody has is not called."""
    assert price_of(contract) == price
