"""Published interfaces, arguments held against them, and schemas that mean no good."""

import pytest

from ecology.sandbox.interface import MAX_METHODS, argument_fault, check_interface

STRING = {"type": "string"}
BUY = {
    "description": "Buy some.",
    "args": {
        "type": "object",
        "properties": {"amount": {"type": "integer", "minimum": 1}, "tags": {"items": STRING}},
        "required": ["amount"],
        "additionalProperties": False,
    },
    "returns": {"type": ["object", "null"]},
}
INTERFACE: dict[str, object] = {"description": "A shop.", "methods": {"buy": BUY, "look": {}}}


def of(schema: object) -> dict[str, object]:
    return {"methods": {"m": {"args": schema}}}


def test_an_interface_that_is_one() -> None:
    assert check_interface(INTERFACE) is None
    assert check_interface({"methods": {f"m{n}": {} for n in range(MAX_METHODS)}}) is None


@pytest.mark.parametrize(
    ("interface", "fault"),
    [
        (None, "the interface must be an object"),
        ([], "the interface must be an object"),
        ({}, "methods is an object of 1 to 16 methods"),
        ({"methods": {}}, "methods is an object of 1 to 16 methods"),
        ({"methods": []}, "methods is an object of 1 to 16 methods"),
        (
            {"methods": {f"m{n}": {} for n in range(MAX_METHODS + 1)}},
            "methods is an object of 1 to 16 methods",
        ),
        ({"methods": {"m": {}}, "x": 1}, "the interface has 'x'"),
        ({"methods": {"m": {"x": 1}}}, "m has 'x'"),
        ({"methods": {"m": 1}}, "m must be an object"),
        ({"methods": {"_m": {}}}, "'_m' cannot be the name"),
        ({"methods": {"__init__": {}}}, "'__init__' cannot be the name"),
        ({"methods": {"a b": {}}}, "'a b' cannot be the name"),
        ({"methods": {"if": {}}}, "'if' cannot be the name"),
        ({"methods": {"": {}}}, "'' cannot be the name"),
        ({"methods": {"m" * 65: {}}}, "cannot be the name"),
        ({"methods": {"m": {}}, "description": 1}, "the description of the interface"),
        ({"methods": {"m": {"description": "x" * 1_001}}}, "the description of m"),
        ({"methods": {"m": {"returns": 3}}}, "m.returns must be a JSON Schema"),
        ({"methods": {"m": {"returns": {"type": "objekt"}}}}, "not a JSON Schema"),
        (of({"type": "array"}), "m.args must be the schema of an object"),
        (of({"type": ["object"]}), "m.args must be the schema of an object"),
        (of(True), "m.args must be a JSON Schema"),
        (of({"description": "x" * 5_000}), "more than 4096 bytes"),
        (
            {"methods": {f"m{n}": {"args": {"title": "x" * 2_000}} for n in range(10)}},
            "more than 16384 bytes",
        ),
        (of({"maximum": float("nan")}), "not finite"),
        (of({"maximum": 10**400}), "64 bits"),
        (of({"const": b""}), "bytes"),
        (of({"pattern": "\ud800"}), "surrogate"),
        (of({"\ud800": 1}), "surrogate"),
    ],
)
def test_an_interface_that_is_none_says_why(interface: object, fault: str) -> None:
    found = check_interface(interface)
    assert found is not None and found.startswith("not an interface: ") and fault in found, found
    assert len(found) <= 300


@pytest.mark.parametrize(
    ("method", "arguments", "fault"),
    [
        ("buy", {"amount": 1}, None),
        ("buy", {"amount": 2, "tags": ["a"]}, None),
        ("look", {"whatever": [1]}, None),
        ("buy", {}, 'buy: "amount" is a required property'),
        ("buy", {"amount": 0}, "buy: amount: 0 is less than the minimum of 1"),
        ("buy", {"amount": "1"}, 'buy: amount: "1" is not of type "integer"'),
        ("buy", {"amount": 1, "tags": ["a", 2]}, 'buy: tags[1]: 2 is not of type "string"'),
        ("buy", {"amount": 1, "x": 1}, "buy: Additional properties are not allowed"),
        ("buy", {"amount": 1, "tags": [0] * 2_000}, "buy: the arguments do not fit the published schema"),
        ("sell", {}, "the interface has no method 'sell'"),
        ("description", {}, "the interface has no method"),
        ("look", {"x": 2**64}, "look: an integer of more than 64 bits"),
        ("look", {"x": "\ud800"}, "look: text with half of a character"),
        ("look", {"x": "x" * 70_000}, "more than 65536 bytes of arguments"),
    ],
)
def test_arguments_against_what_is_published(
    method: str, arguments: dict[str, object], fault: str | None
) -> None:
    found = argument_fault(INTERFACE, method, arguments)
    if fault is None:
        assert found is None
    else:
        assert found is not None and found.startswith(fault), found
        assert len(found) <= 300


@pytest.mark.parametrize(
    "interface", [{}, {"methods": 3}, {"methods": {"m": 3}}, {"methods": {"m": {"args": 3}}}]
)
def test_an_interface_that_nobody_checked_lets_nothing_through(interface: dict[str, object]) -> None:
    assert argument_fault(interface, "m", {}) is not None


HOSTILE: dict[str, dict[str, object]] = {
    "reference to itself": {"$ref": "#"},
    "references in a circle": {"$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}},
    "reference inside": {"properties": {"a": {"items": {"anyOf": [{"not": {"$ref": "#"}}]}}}},
    "reference in then": {"if": True, "then": {"$ref": "#"}},
    "remote reference": {"$ref": "http://127.0.0.1:9/x"},
    "reference to a file": {"$ref": "file:///etc/passwd"},
    "dynamic reference": {"$dynamicRef": "#x"},
    "recursive reference": {"$recursiveRef": "#"},
    "other dialect": {"$schema": "http://127.0.0.1:9/schema"},
    "base of references": {"$id": "file:///etc/"},
    "unevaluated properties": {"unevaluatedProperties": {"unevaluatedProperties": False}},
    "dependencies": {"dependencies": {"a": {"$ref": "#"}}},
    "keyword of no schema": {"allOf": {"a": 1}},
    "schema of no object": {"properties": {"a": 3}},
    "pattern that looks back": {"properties": {"a": {"pattern": r"(a)\1"}}},
    "pattern that looks ahead": {"properties": {"a": {"pattern": "(?=a)"}}},
    "pattern of gigabytes": {"properties": {"a": {"pattern": "((a{1000}){1000}){1000}"}}},
    "pattern of many letters": {"properties": {"a": {"pattern": r"\p{L}{500}"}}},
    "pattern that is none": {"properties": {"a": {"pattern": "("}}},
    "patterns as names": {"patternProperties": {"(a{1000}){1000}": True}},
    "negative length": {"properties": {"a": {"minLength": -1}}},
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_schema_is_no_schema(name: str) -> None:
    found = check_interface(of(HOSTILE[name]))
    assert found is not None and found.startswith("not an interface: ")
    assert argument_fault(of(HOSTILE[name]), "m", {"a": "a" * 1_000}) is not None


def wrapped(keyword: str, times: int) -> object:
    schema: object = STRING
    for _ in range(times):
        schema = {keyword: [schema]} if keyword.endswith("Of") else {keyword: schema}
    return {"properties": {"a": schema}}


@pytest.mark.parametrize("keyword", ["allOf", "not", "items"])
def test_deep_schemas(keyword: str) -> None:
    shallow, deep = of(wrapped(keyword, 20)), of(wrapped(keyword, 400))
    assert check_interface(shallow) is None
    assert "deeper" in str(check_interface(deep))
    assert argument_fault(deep, "m", {}) is not None


ANY = [STRING] * 5
SLOW: dict[str, tuple[dict[str, object], dict[str, object]]] = {
    "pattern that backtracks": ({"properties": {"a": {"pattern": "^(a+)+$"}}}, {"a": "a" * 60_000 + "b"}),
    "pattern over names": ({"patternProperties": {"^(a*)*b$": False}}, {"a" * 60_000 + "b": 1}),
    "many alternatives": ({"properties": {"a": {"items": {"anyOf": [STRING] * 200}}}}, {"a": [0] * 900}),
    "alternatives of alternatives": (
        {"properties": {"a": {"anyOf": [{"items": {"anyOf": [{"items": {"anyOf": ANY}}] * 5}}] * 5}}},
        {"a": [[0] * 28] * 28},
    ),
    "exactly one of many": ({"properties": {"a": {"items": {"oneOf": [STRING] * 200}}}}, {"a": [0] * 30_000}),
    "unique objects": (
        {"properties": {"a": {"uniqueItems": True}}},
        {"a": [*({"x": n} for n in range(5_000)), {"x": 0}]},
    ),
    "large enumeration": (
        {"properties": {"a": {"items": {"enum": list(range(900))}}}},
        {"a": [0.5] * 16_000},
    ),
    "tiny multiple": ({"properties": {"a": {"multipleOf": 1e-308}, "b": STRING}}, {"a": 2**62, "b": 1}),
}


@pytest.mark.parametrize("name", SLOW)
def test_slow_schemas_are_not_slow(name: str) -> None:
    """Each of these takes minutes or gigabytes in a validator that recurses, backtracks or collects what it finds."""
    schema, arguments = SLOW[name]
    assert check_interface(of(schema)) is None
    fault = argument_fault(of(schema), "m", arguments)
    assert fault is not None and fault.startswith("m: ")
