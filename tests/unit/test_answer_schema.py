"""The schema that answers are held to: all that the kernel can do, nothing that it cannot read, and an end to it."""

import re
from collections.abc import Iterator
from typing import cast

import jsonschema_rs
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecology.artifacts.artifact import FORMATS
from ecology.core.outcome import Committed, Refused
from ecology.engine.answer_schema import GRAMMAR_REPETITIONS, answer_schema
from ecology.events.subscriptions import FIELDS, OPERATORS, EventFilter, Predicate
from ecology.kernel.actions import (
    ACTION_TYPES,
    NAME_OF,
    Action,
    AgentConfig,
    Bid,
    Buy,
    Cancel,
    Configure,
    Delegate,
    Delete,
    Edit,
    Invoke,
    List,
    Message,
    Noop,
    Query,
    Read,
    Recall,
    Remember,
    Revoke,
    Sleep,
    Spawn,
    StatePredicate,
    Subscribe,
    Transfer,
    Unsubscribe,
    Write,
    parse,
)
from ecology.kernel.attention import STATE_FIELDS, STATE_OPERATORS
from ecology.kernel.inquiry import QUERY_NAMES
from ecology.resources.assets import ASSETS
from ecology.testing.worlds import Stage

Schema = dict[str, object]
SCHEMA = answer_schema(200)
DEFINITIONS = cast("dict[str, Schema]", SCHEMA["$defs"])
KEYWORDS = {
    "$defs",
    "$ref",
    "additionalProperties",
    "anyOf",
    "description",
    "enum",
    "items",
    "maxItems",
    "maxLength",
    "pattern",
    "properties",
    "required",
    "type",
}
"""What grammar compilers know, by docs/howto/real-model.md."""
VALIDATOR = jsonschema_rs.Draft202012Validator(SCHEMA)


def parts(schema: Schema) -> Iterator[Schema]:
    """The schema and all schemas in it."""
    yield schema
    named = [
        *cast(Schema, schema.get("$defs", {})).values(),
        *cast(Schema, schema.get("properties", {})).values(),
    ]
    inner = [
        schema.get("items"),
        schema.get("additionalProperties"),
        *cast("list[object]", schema.get("anyOf", [])),
    ]
    for part in (*named, *inner):
        if isinstance(part, dict):
            yield from parts(part)


def properties(title: str) -> dict[str, Schema]:
    return cast("dict[str, Schema]", DEFINITIONS[title]["properties"])


def resolved(schema: Schema) -> Schema:
    return DEFINITIONS[str(schema["$ref"]).rpartition("/")[2]] if "$ref" in schema else schema


WHERE = [
    Predicate("amount", "eq", 5),
    Predicate("to_id", "in", ["a", None, True, 3]),
    Predicate("memo", "exists", True),
]
CONFIG = AgentConfig("maker", "tiny", "be kind", {"price": -4}, ["*", "agent-0002"], ["tool", "map"])
EVERY_FIELD: list[Action] = [
    Noop(),
    Read("a.b_c-9", 17),
    Write(
        "note", "words", "essay", "json", "A title", "public", ["a", "b"], {"f": [1, {"x": None}]}, {"k": "v"}
    ),
    Edit("note", "old", "new"),
    Delete("note"),
    Transfer("agent-0002", 5, "llm_budget", None, "for the map"),
    Transfer("agent-0002", artifact="note"),
    Sleep(1_000, EventFilter("transfer.posted", WHERE), StatePredicate("scrip", "ge", -3)),
    Subscribe("artifact.created", WHERE),
    Unsubscribe("agent-0001#12"),
    Message("agent-0002", "hello"),
    Query("artifacts", {"type": "tool", "limit": 5}),
    Spawn("child", CONFIG, {"disk": 900}, "self_owned"),
    Configure("trader", "tiny", "be unkind", {"price": 3}, ["*"]),
    Configure(),
    Invoke("tool", "count", {"text": "a b", "deep": [1, None, {"x": 1.5}]}, 5, 20),
    Bid("work", 12),
    List(20, None, "llm_rate", 1_000, 60_000, "agent-0002"),
    Buy("agent-0002#7", 30),
    Cancel("agent-0001#3"),
    Delegate("club", 5, 50, 60_000, "cpu"),
    Revoke("club", "cpu"),
    List(20, "note"),
    Remember("the miller owes me 20", ["debts", "miller"]),
    Recall("who owes me", 3, "agent-0002"),
]


def test_every_action_has_an_example_here() -> None:
    assert {type(action) for action in EVERY_FIELD} == set(ACTION_TYPES)


@pytest.mark.parametrize("action", EVERY_FIELD, ids=lambda action: NAME_OF[type(action)])
def test_every_action_can_be_produced_with_all_of_its_fields(action: Action) -> None:
    said = msgspec.to_builtins(action)
    assert VALIDATOR.is_valid(said)
    given_fields = set(said) - {"action"}
    assert given_fields == set(action.__struct_fields__)


@pytest.mark.parametrize("name", QUERY_NAMES)
def test_every_query_can_be_asked(name: str) -> None:
    assert VALIDATOR.is_valid({"action": "query", "name": name})


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"action": "steal"},
        {"action": "noop", "why": "tired"},
        {"action": "read"},
        {"action": "read", "artifact": "Not A Name"},
        {"action": "read", "artifact": "a" * 65},
        {"action": "transfer", "to": "b", "amount": "5"},
        {"action": "transfer", "to": "b", "asset": "gold"},
        {"action": "message", "to": "b", "text": "x" * 401},
        {"action": "query", "name": "everything"},
        {"action": "sleep", "duration_ms": 1, "until": {"field": "mood", "op": "ge", "value": 1}},
        {"action": "sleep", "duration_ms": 1, "until": {"field": "scrip", "op": "eq", "value": 1}},
        {"action": "subscribe", "event_type": "message.sent"},
        {"action": "configure", "accepts_from": ["**"]},
        {"action": "remember", "text": "x" * 401},
        {"action": "remember", "text": "x", "tags": ["two words"]},
        {"action": "recall", "query": "x", "of": "Nobody in Particular"},
        ["noop"],
        "noop",
    ],
    ids=str,
)
def test_what_the_kernel_would_refuse_is_not_offered(answer: object) -> None:
    assert not VALIDATOR.is_valid(answer)


@pytest.mark.parametrize("max_output_tokens", [1, 50, 200, 499, 500, 501, 100_000])
def test_every_part_is_one_that_grammars_know(max_output_tokens: int) -> None:
    """A type everywhere, anchored patterns of plain classes, and no repetition above what llama.cpp bears."""
    for part in parts(answer_schema(max_output_tokens)):
        assert set(part) <= KEYWORDS
        assert "type" in part or "$ref" in part or "anyOf" in part
        pattern = str(part.get("pattern", "^$"))
        assert pattern.startswith("^") and pattern.endswith("$") and "\\" not in pattern
        repetitions = [int(number) for number in re.findall(r"\d+", "".join(re.findall(r"\{.*?\}", pattern)))]
        bounds = [cast(int, part.get(keyword, 0)) for keyword in ("maxLength", "maxItems")]
        assert max(*repetitions, *bounds, 0) <= GRAMMAR_REPETITIONS


def test_objects_of_known_form_take_nothing_else() -> None:
    for definition in DEFINITIONS.values():
        assert definition["additionalProperties"] is False
        assert set(cast("list[str]", definition["required"])) <= set(cast(Schema, definition["properties"]))


@pytest.mark.parametrize("max_output_tokens", [50, 200, 500])
def test_every_text_ends(max_output_tokens: int) -> None:
    """Whatever a string is for, there is a bound to it; long ones fit twice over into an answer's tokens."""
    for part in parts(answer_schema(max_output_tokens)):
        if part.get("type") == "string":
            assert (
                "enum" in part
                or "pattern" in part
                or cast(int, part["maxLength"]) <= 2 * max(200, max_output_tokens)
            )
        if part.get("type") == "array":
            assert "maxItems" in part


def test_long_texts_are_unbounded_where_a_bound_would_break_the_grammar() -> None:
    content = cast(
        "dict[str, Schema]", cast("dict[str, Schema]", answer_schema(501)["$defs"])["Write"]["properties"]
    )
    assert content["content"] == {"type": "string"}


CHOICES = [
    ("Transfer", "asset", ASSETS),
    ("Write", "format", FORMATS),
    ("Query", "name", QUERY_NAMES),
    ("Subscribe", "event_type", tuple(sorted(FIELDS))),
    ("EventFilter", "event_type", tuple(sorted(FIELDS))),
    ("StatePredicate", "field", STATE_FIELDS),
    ("StatePredicate", "op", STATE_OPERATORS),
    ("Predicate", "op", OPERATORS),
]


@pytest.mark.parametrize(("title", "name", "choices"), CHOICES)
def test_choices_are_the_kernel_s(title: str, name: str, choices: tuple[str, ...]) -> None:
    assert properties(title)[name] == {"type": "string", "enum": list(choices)}


def test_an_action_is_chosen_by_its_name() -> None:
    titles = [str(part["$ref"]).rpartition("/")[2] for part in cast("list[Schema]", SCHEMA["anyOf"])]
    names = [properties(title)["action"] for title in titles]
    assert names == [{"type": "string", "enum": [NAME_OF[kind]]} for kind in ACTION_TYPES]


def test_it_is_no_longer_than_it_must_be() -> None:
    """It is sent with every thought, and servers make a grammar of it."""
    assert len(msgspec.json.encode(SCHEMA)) < 13_000


def test_asking_twice_gives_the_same() -> None:
    assert answer_schema(200) == SCHEMA
    assert answer_schema(60) != SCHEMA


def instances(schema: Schema, depth: int = 0) -> st.SearchStrategy[object]:
    """Values that a schema lets through, as a server's grammar would draw them: fields in order, extremes included."""
    schema = resolved(schema)
    if "anyOf" in schema:
        return st.one_of([instances(part, depth) for part in cast("list[Schema]", schema["anyOf"])])
    if isinstance(schema["type"], list):
        return st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(max_size=9), _nested, max_leaves=9
        )
    match schema["type"]:
        case "string":
            return _texts(schema)
        case "array":
            longest = cast(int, schema["maxItems"])
            return st.lists(instances(cast(Schema, schema["items"]), depth + 1), max_size=longest)
        case "object":
            return _objects(schema, depth)
        case "integer":
            return st.integers() | st.integers(-(2**70), 2**70)
        case "boolean":
            return st.booleans()
    assert schema["type"] == "null"
    return st.none()


def _nested(inner: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    return st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)


def _texts(schema: Schema) -> st.SearchStrategy[object]:
    if "enum" in schema:
        return st.sampled_from(cast("list[str]", schema["enum"]))
    if "pattern" in schema:
        known = st.sampled_from(["agent-0001", "agent-0002", "note", "freeware", "maker", "text"])
        return known | st.from_regex(re.compile(str(schema["pattern"]).replace("$", r"\Z"), re.ASCII))
    return st.text(max_size=min(cast(int, schema.get("maxLength", 200)), 200))


def _objects(schema: Schema, depth: int) -> st.SearchStrategy[object]:
    known = cast("dict[str, Schema]", schema.get("properties", {}))
    if not known:
        values = instances(cast(Schema, schema["additionalProperties"]), depth + 1)
        return st.dictionaries(st.text(max_size=12) | st.sampled_from(ASSETS), values, max_size=4)
    required = cast("list[str]", schema["required"])
    made = {name: instances(part, depth + 1) for name, part in known.items()}
    return st.fixed_dictionaries(
        {name: made[name] for name in required},
        optional={name: made[name] for name in made if name not in required},
    )


@given(answers=st.lists(instances(SCHEMA), min_size=1, max_size=6))
def test_what_the_schema_lets_through_the_kernel_reads_and_does_or_refuses(answers: list[object]) -> None:
    """Whoever is held to the schema is never malformed, however strange; and no answer of theirs is a fault."""
    stage = Stage.of()
    for answer in answers:
        assert VALIDATOR.is_valid(answer)
        action = parse(msgspec.json.encode(answer))
        assert not isinstance(action, Refused), action
        if stage.agent("agent-0001").status != "asleep":
            assert isinstance(stage.act("agent-0001", action), Committed | Refused)
