"""The mint's own scorer: each part of its formula, against the formula."""

import pytest

from ecology.artifacts.artifact import TEXT
from ecology.core.clock import SECOND_NS
from ecology.events.economy import BidClosed
from ecology.kernel.actions import Bid, Read, Write
from ecology.kernel.economy.rubric import Rubric, interface_points, use_points
from ecology.kernel.economy.scoring import Score, Submission
from ecology.testing.worlds import Stage

PLAIN = Submission("a", 1, "agent-0001", "text", TEXT, "", (), {}, None, b"x", 0, 0, "")
ME, OTHER = "agent-0001", "agent-0002"


def changed(**fields: object) -> Submission:
    values = {name: getattr(PLAIN, name) for name in PLAIN.__struct_fields__}
    return Submission(**{**values, **fields})


def test_use_is_the_formula_rounded_down() -> None:
    for users in range(100):
        assert use_points(users) == int(30 * (1 - 2 ** (-users / 4)) + 1e-6), users
    assert [use_points(users) for users in (0, 1, 4, 8, 12, 32)] == [0, 4, 15, 22, 26, 29]


def test_a_new_work_that_nothing_describes_is_worth_forty() -> None:
    assert Rubric().score(PLAIN) == Score(40, "novelty 100 % of 40 + use 0/30 + interface 0/30")


def test_a_work_without_content_is_worth_nothing() -> None:
    assert Rubric().score(changed(content=b"", title="a long title", users=9)).value == 0


@pytest.mark.parametrize(("similarity", "value"), [(0, 40), (1, 39), (50, 20), (99, 0), (100, 0)])
def test_novelty_is_a_factor(similarity: int, value: int) -> None:
    score = Rubric().score(changed(similarity=similarity, similar_to="older" if similarity else ""))
    assert score.value == value
    assert ("older" in score.detail) == (similarity > 0)


DATA_MARKS: list[dict[str, object]] = [
    {"title": "About foxes"},
    {"metadata": {"language": "en"}},
    {"type": "essay"},
    {"interface": {"description": "sentences about foxes"}},
    {"content": b"x" * 256},
]


def test_each_mark_of_data_is_a_fifth() -> None:
    borne: dict[str, object] = {}
    for number, mark in enumerate(DATA_MARKS, start=1):
        assert interface_points(changed(**mark)) == 6
        borne.update(mark)
        assert interface_points(changed(**borne)) == 6 * number


METHOD: dict[str, object] = {
    "description": "counts the words",
    "args": {"type": "object", "properties": {"text": {"type": "string", "description": "what to count"}}},
    "returns": {"type": "integer"},
}


def tool(*methods: object, description: str = "counts things") -> Submission:
    named = {f"m{number}": method for number, method in enumerate(methods)}
    return changed(interface={"description": description, "methods": named})


def with_examples(where: str) -> dict[str, object]:
    argument: dict[str, object] = {"type": "string", "description": "what to count"}
    schema: dict[str, object] = {"type": "object", "properties": {"text": argument}}
    (schema if where == "schema" else argument)["examples"] = [
        {"text": "a b"} if where == "schema" else "a b"
    ]
    return {**METHOD, "args": schema}


@pytest.mark.parametrize("where", ["schema", "argument"])
def test_a_tool_that_says_everything_has_all_the_points(where: str) -> None:
    assert interface_points(tool(with_examples(where))) == 30
    assert interface_points(tool(with_examples(where), with_examples(where))) == 30


def test_each_mark_of_a_method_is_a_sixth_of_a_tool_with_one() -> None:
    whole = with_examples("schema")
    assert interface_points(tool(METHOD)) == 25
    assert interface_points(tool({**whole, "description": "count"})) == 25
    assert interface_points(tool({**whole, "returns": {}})) == 25
    assert interface_points(tool(whole, description="")) == 25
    undescribed = {"type": "object", "properties": {"text": {"type": "string"}}, "examples": [{"text": "a"}]}
    assert interface_points(tool({**whole, "args": undescribed})) == 25
    assert interface_points(tool({"description": "counts the words"})) == 10
    assert interface_points(tool({})) == 5


def test_what_takes_no_arguments_need_not_describe_any() -> None:
    assert interface_points(tool({**METHOD, "args": {"type": "object"}})) == 30


@pytest.mark.parametrize(
    "interface",
    [
        {"methods": {}},
        {"methods": []},
        {"methods": {"m": None}},
        {"methods": {"m": {"args": [], "returns": 5, "description": 7}}},
        {"methods": {"m": {"args": {"properties": [1], "examples": "x"}}}},
        {"description": ["x" * 50]},
    ],
)
def test_an_interface_of_another_shape_bears_few_marks(interface: dict[str, object]) -> None:
    assert 0 <= interface_points(changed(interface=interface)) <= 15


def test_the_best_there_can_be_stays_below_a_hundred() -> None:
    best = tool(with_examples("schema"))
    assert Rubric().score(changed(interface=best.interface, users=32)).value == 99


def closed(stage: Stage) -> BidClosed:
    stage.pass_time(60 * SECOND_NS)
    (event,) = (event for event in stage.events() if isinstance(event, BidClosed))
    return event


def test_in_the_world_a_copy_is_worth_nothing_and_use_is_worth_something() -> None:
    stage = Stage.of(4)
    words = "the fox walked along the river until it met another fox who did not know the way "
    stage.do(ME, Write("tale", words * 4, title="A tale of foxes"))
    for user in ("agent-0003", "agent-0004", "agent-0003", ME):
        stage.do(user, Read("tale"))
    stage.do(OTHER, Write("built-upon", "a sequel", depends_on=["tale", "nothing"]))
    stage.do(ME, Bid("tale", 5))
    first = closed(stage)
    assert (first.score, first.minted) == (40 + use_points(3) + 12, 6)
    assert first.detail == f"novelty 100 % of 40 + use {use_points(3)}/30 + interface 12/30"
    stage.do(OTHER, Write("copied", words.upper() * 4, title="A tale of foxes"))
    stage.do(OTHER, Bid("copied", 5))
    second = closed(stage)
    assert (second.how, second.score, second.minted, second.price) == ("minted", 0, 0, 1)
    assert "novelty 0 % (like tale)" in second.detail
    stage.do(ME, Bid("tale", 5))
    assert closed(stage).score == 0
