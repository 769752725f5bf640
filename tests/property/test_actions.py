"""Whatever a mind says is an action or a refusal, and whatever an action asks for, the kernel answers."""

import json
from typing import Any, get_args, get_origin

import msgspec
from hypothesis import example, given
from hypothesis import strategies as st

from ecology.core.outcome import Refused
from ecology.events.registry import encode
from ecology.kernel import refusals
from ecology.kernel.actions import ACTION_TYPES, NAME_OF, Action, parse
from ecology.testing.worlds import Stage

ANY_TEXT = st.text(st.characters(codec=None), max_size=30)
WILD_INTEGERS = st.integers() | st.sampled_from([0, -1, 2**31, 2**63 - 1, 2**63, -(2**63) - 1, 2**64, 10**40])
NAMES = st.sampled_from(
    [
        "a",
        "b",
        "agent-0001",
        "agent-0002",
        "agent-0003",
        "world",
        "maker",
        "scrip",
        "disk",
        "agent.state",
        "x" * 65,
    ]
)
JSON = st.recursive(
    st.none() | st.booleans() | WILD_INTEGERS | st.floats(allow_nan=False) | NAMES | ANY_TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES | ANY_TEXT, inner, max_size=4),
    max_leaves=12,
)
FIELDS = sorted({field for kind in ACTION_TYPES for field in kind.__struct_fields__})


def said(value: object) -> str:
    return json.dumps(value)


@st.composite
def almost_actions(draw: st.DrawFn) -> str:
    """JSON that looks like an action: the right name, mostly the right fields, values of any kind."""
    kind = draw(st.sampled_from(ACTION_TYPES))
    fields: dict[str, object] = {"action": NAME_OF[kind]}
    for name in kind.__struct_fields__:
        if draw(st.integers(0, 9)):
            fields[name] = draw(NAMES | WILD_INTEGERS | JSON)
    if not draw(st.integers(0, 9)):
        fields[draw(st.sampled_from(FIELDS))] = draw(JSON)
    return said(fields)


@given(st.binary(max_size=200) | ANY_TEXT | JSON.map(said) | almost_actions())
@example("")
@example('{"action":"noop"}')
@example("[" * 100_000)
def test_whatever_is_said_is_an_action_or_malformed(text: str | bytes) -> None:
    outcome = parse(text)
    if isinstance(outcome, Refused):
        assert outcome.reason == refusals.MALFORMED
        assert len(outcome.detail) <= 300
    else:
        assert type(outcome) in ACTION_TYPES
        assert parse(msgspec.json.encode(outcome)) == outcome


@given(st.data())
def test_a_torn_action_is_malformed(data: st.DataObject) -> None:
    whole = b'{"action":"transfer","to":"agent-0002","amount":5,"memo":"\xc3\xa9 \\u00e9"}'
    cut = data.draw(st.integers(0, len(whole) - 1))
    assert isinstance(parse(whole[:cut]), Refused)
    flipped = bytearray(whole)
    flipped[cut] ^= data.draw(st.integers(1, 255))
    parse(bytes(flipped))


def of(annotation: Any) -> st.SearchStrategy[Any]:  # noqa: ANN401
    """Anything of a type that occurs in an action."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if annotation is str:
        return NAMES | ANY_TEXT
    if annotation is int:
        return WILD_INTEGERS
    if annotation is object:
        return JSON
    if origin is list:
        return st.lists(of(arguments[0]), max_size=3)
    if origin is dict:
        return st.dictionaries(of(arguments[0]), of(arguments[1]), max_size=3)
    if arguments:
        return st.one_of(*map(of, arguments))
    if issubclass(annotation, msgspec.Struct):
        return st.builds(annotation, **{it.name: of(it.type) for it in msgspec.structs.fields(annotation)})
    return st.from_type(annotation)


WILD_ACTIONS: st.SearchStrategy[Action] = st.one_of(*map(of, ACTION_TYPES))
"""Anything that has the types of an action, lone surrogates included: plug-ins make these without a decoder."""


@given(
    st.lists(
        WILD_ACTIONS | almost_actions().map(parse).filter(lambda it: not isinstance(it, Refused)), max_size=8
    )
)
def test_the_kernel_answers_whatever_is_asked(actions: list[Action]) -> None:
    """Never an exception, and nothing in the log that cannot be written down."""
    stage = Stage.of(2)
    for action in actions:
        who = next((agent.id for agent in stage.world.roster if agent.status != "asleep"), None)
        if who is None:
            break
        stage.act(who, action)
    assert set(stage.world.book.totals().values()) == {0}
    assert all(encode(event) for event in stage.events())
