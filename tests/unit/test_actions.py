"""What a mind may say, and what the decoder makes of the rest."""

import json

import msgspec
import pytest

from ecology.core.outcome import Refused
from ecology.events.subscriptions import EventFilter, Predicate
from ecology.kernel import refusals
from ecology.kernel.actions import (
    ACTION_TYPES,
    MAX_ACTION_BYTES,
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
    said_bytes,
    schema,
)

ONE_OF_EACH: tuple[Action, ...] = (
    Noop(),
    Read("a", 5),
    Write("a", "text", "tool", "json", "title", "public", ["b"], {"call": [1, None, {"x": 1.5}]}, {"k": "v"}),
    Edit("a", "old", "new"),
    Delete("a"),
    Transfer("b", 5, "scrip", None, "memo"),
    Sleep(
        5,
        EventFilter("agent.state", [Predicate("state", "in", ["a", 1, True, None])]),
        StatePredicate("scrip", "ge", 5),
    ),
    Subscribe("agent.state", [Predicate("state", "eq", "active")]),
    Unsubscribe("a#1"),
    Message("b", "hello \x00 é 😀"),
    Query("artifacts", {"type": "tool", "limit": 5}),
    Spawn("c", AgentConfig("maker", "m", "p", {"t": 1}, ["*"], ["bread"]), {"scrip": 5}, "private"),
    Configure("maker", "m", "p", {"t": 1}, ["*"]),
    Invoke("tool", "count", {"text": "a b", "deep": [1, None, {"x": 1.5}]}, 5, 20),
    Bid("work", 12),
    List(20, None, "llm_rate", 1_000, 60_000, "agent-0002"),
    Buy("agent-0002#7", 30),
    Cancel("agent-0001#3"),
    Delegate("club", 5, 50, 60_000, "cpu"),
    Revoke("club", "cpu"),
    Remember("the miller owes me 20", ["debts", "miller"]),
    Recall("who owes me", 3, "agent-0002"),
)


def reason(text: str | bytes) -> str:
    outcome = parse(text)
    assert isinstance(outcome, Refused), outcome
    assert "\n" not in outcome.detail
    assert len(outcome.detail) <= 300
    return outcome.reason


def test_the_union_the_names_and_the_schema_are_about_the_same_actions() -> None:
    assert tuple(map(type, ONE_OF_EACH)) == ACTION_TYPES
    assert set(Action.__args__) == set(ACTION_TYPES)
    assert list(NAME_OF.values()) == [
        *("noop", "read", "write", "edit", "delete", "transfer", "sleep", "subscribe"),
        *("unsubscribe", "message", "query", "spawn", "configure"),
        *("invoke", "bid", "list", "buy", "cancel", "delegate", "revoke", "remember", "recall"),
    ]
    described = json.dumps(schema())
    assert all(f'"{name}"' in described for name in NAME_OF.values())
    assert all(kind.__doc__ for kind in ACTION_TYPES), "a model reads these"


@pytest.mark.parametrize("action", ONE_OF_EACH, ids=lambda action: NAME_OF[type(action)])
def test_each_can_be_said_in_json(action: Action) -> None:
    said = msgspec.json.encode(action)
    assert parse(said) == action
    assert parse(said.decode()) == action


@pytest.mark.parametrize("action", ONE_OF_EACH, ids=lambda action: NAME_OF[type(action)])
def test_an_unknown_field_is_refused(action: Action) -> None:
    said = msgspec.to_builtins(action)
    assert reason(json.dumps({**said, "turn": 1})) == refusals.MALFORMED


WRONG: tuple[object, ...] = (1.5, False, [[1]], {"a": []})


@pytest.mark.parametrize("action", ONE_OF_EACH, ids=lambda action: NAME_OF[type(action)])
def test_every_field_is_held_to_its_type(action: Action) -> None:
    said = msgspec.to_builtins(action)
    for field in said:
        for wrong in WRONG:
            if field in ("interface", "args") and isinstance(wrong, dict):
                continue  # any object is an interface, and what a method takes
            if field == "standing" and wrong is False:
                continue
            assert reason(json.dumps({**said, field: wrong})) == refusals.MALFORMED, (field, wrong)


@pytest.mark.parametrize("action", ONE_OF_EACH, ids=lambda action: NAME_OF[type(action)])
def test_every_field_without_a_default_must_be_there(action: Action) -> None:
    said = msgspec.to_builtins(action)
    for field in msgspec.structs.fields(action):
        if field.required:
            assert (
                reason(json.dumps({name: said[name] for name in said if name != field.name}))
                == refusals.MALFORMED
            )


HOSTILE: dict[str, str | bytes] = {
    "nothing": "",
    "blanks": " \t\n",
    "null": "null",
    "a number": "1",
    "a list": '[{"action":"noop"}]',
    "no action": "{}",
    "an unknown action": '{"action":"steal"}',
    "a case of its own": '{"action":"NOOP"}',
    "two actions": '{"action":"noop"}{"action":"noop"}',
    "prose around it": 'Sure! {"action":"noop"}',
    "a fence around it": '```json\n{"action":"noop"}\n```',
    "a comment": '{"action":"noop"/* */}',
    "single quotes": "{'action':'noop'}",
    "a trailing comma": '{"action":"noop",}',
    "an action twice": '{"action":"noop","action":"delete","artifact":"a"}',
    "bytes that are not text": b'{"action":"read","artifact":"\xff"}',
    "a byte order mark": b'\xef\xbb\xbf{"action":"noop"}',
    "utf-16": '{"action":"noop"}'.encode("utf-16"),
    "a raw control character": b'{"action":"read","artifact":"\x00"}',
    "half a surrogate pair": r'{"action":"read","artifact":"\ud800"}',
    "the other half": r'{"action":"read","artifact":"\udc00"}',
    "two first halves": r'{"action":"read","artifact":"\ud800\ud800"}',
    "a surrogate in the text itself": '{"action":"read","artifact":"\ud800"}',
    "a surrogate in a key": r'{"action":"write","artifact":"a","content":"","metadata":{"\ud800":"x"}}',
    "a number for a text": '{"action":"read","artifact":5}',
    "a text for a number": '{"action":"read","artifact":"a","offset":"5"}',
    "a fraction": '{"action":"read","artifact":"a","offset":1.0}',
    "an exponent": '{"action":"transfer","to":"a","amount":1e3}',
    "not a number": '{"action":"transfer","to":"a","amount":NaN}',
    "infinity": '{"action":"write","artifact":"a","content":"","interface":{"x":1e999}}',
    "ten thousand digits": '{"action":"transfer","to":"a","amount":1' + "0" * 10_000 + "}",
    "lists without end": '{"action":"write","artifact":"a","content":"","interface":{"x":' + "[" * 200_000,
    "deep lists": '{"action":"write","artifact":"a","content":"","interface":{"x":'
    + "[" * 9_999
    + "]" * 9_999
    + "}}",
    "deep objects": '{"action":"write","artifact":"a","content":"","interface":'
    + '{"x":' * 9_999
    + "1"
    + "}" * 10_000,
    "a deep predicate": '{"action":"subscribe","event_type":"a","where":' + "[" * 9_999 + "]" * 9_999 + "}",
    "a boolean for a number": '{"action":"sleep","duration_ms":true}',
    "null for what is required": '{"action":"read","artifact":null}',
    "a fraction in a query": '{"action":"query","name":"artifacts","args":{"limit":1.5}}',
    "a list in a query": '{"action":"query","name":"artifacts","args":{"limit":[1]}}',
    "too many bytes": '{"action":"message","to":"a","text":"' + "x" * MAX_ACTION_BYTES + '"}',
}


@pytest.mark.parametrize("said", HOSTILE)
def test_nonsense_is_refused_and_never_raises(said: str) -> None:
    assert reason(HOSTILE[said]) == refusals.MALFORMED


def test_large_numbers_and_long_names_are_the_handlers_affair() -> None:
    assert parse(f'{{"action":"transfer","to":"a","amount":{2**70}}}') == Transfer("a", 2**70)
    assert parse(f'{{"action":"transfer","to":"a","amount":{-(2**63)}}}') == Transfer("a", -(2**63))
    assert parse(json.dumps({"action": "read", "artifact": "x" * 100_000})) == Read("x" * 100_000)
    assert parse(r'{"action":"read","artifact":"\u0000"}') == Read("\x00")


def test_a_configuration_says_only_what_is_not_usual() -> None:
    assert msgspec.json.encode(AgentConfig("maker")) == b'{"strategy":"maker"}'


def test_what_is_said_is_what_costs() -> None:
    frame = said_bytes(Noop())
    assert said_bytes(Write("a", "12345", title="123")) == frame + 8
    assert said_bytes(Edit("a", "12", "345")) == frame + 5
    assert said_bytes(Message("a", "12")) == frame + 2
    assert said_bytes(Invoke("a", args={"x": [1, "é"]}, max_price=7)) == frame + len('{"x":[1,"é"]}'.encode())
    assert said_bytes(Write("a", "12345", interface={"methods": {}})) == frame + 5 + len('{"methods":{}}')
    assert said_bytes(Invoke("a", args={"x": object()})) == frame + 0, "what is no JSON was not said"
    assert all(said_bytes(action) >= frame for action in ONE_OF_EACH)
