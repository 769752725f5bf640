"""What an executable artifact publishes about its methods, and whether a call's arguments fit it.

    {"description": "…", "methods": {"buy": {"description": "…", "args": {…}, "returns": {…}}}}

`args` is a JSON Schema (2020-12) of the object of arguments, `returns` one of the result; both may be left out. Schemas
come from agents, so only keywords whose work is bounded are taken: without `$ref` every part of a schema meets every
part of a value at most once, patterns run in linear time, and nothing is ever fetched.
"""

from collections.abc import Mapping
from functools import lru_cache
from keyword import iskeyword

import jsonschema_rs
import msgspec

from ecology.sandbox.outcome import one_line
from ecology.sandbox.values import NotJson, json_size, plain

MAX_METHODS = 16
MAX_NAME_CHARACTERS = 64
MAX_DESCRIPTION_CHARACTERS = 1_000
MAX_INTERFACE_BYTES = 16_384
MAX_SCHEMA_BYTES = 4_096
MAX_ARGUMENT_BYTES = 65_536
MAX_EXPLAINED_BYTES = 2_048
"""Arguments up to this size are told what is wrong with them; finding out holds copies of their parts."""

_PATTERN_BYTES = 65_536
"""Memory of one compiled pattern, and of the automaton that it runs on."""
_CACHED_SCHEMAS = 256
_PATTERNS = jsonschema_rs.RegexOptions(size_limit=_PATTERN_BYTES, dfa_size_limit=_PATTERN_BYTES)

_OF_SCHEMA = frozenset(
    {"additionalProperties", "contains", "else", "if", "items", "not", "propertyNames", "then"}
)
_OF_SCHEMA_LIST = frozenset({"allOf", "anyOf", "oneOf", "prefixItems"})
_OF_SCHEMA_MAP = frozenset({"patternProperties", "properties"})
_OTHERS = frozenset(
    {
        *("type", "enum", "const", "required", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"),
        *("multipleOf", "minLength", "maxLength", "pattern", "minItems", "maxItems", "uniqueItems"),
        *("minContains", "maxContains", "minProperties", "maxProperties"),
        *("title", "description", "default", "examples", "format", "deprecated", "$comment"),
    }
)


class _NotValid(ValueError):
    """An interface, or a part of it, is not one; the text says where and why."""


def check_interface(interface: object) -> str | None:
    """What is wrong with a published interface, in one line; None if nothing is."""
    try:
        whole = plain(interface)
        if json_size(whole) > MAX_INTERFACE_BYTES:
            raise _NotValid(f"more than {MAX_INTERFACE_BYTES} bytes")
        _check_interface(_object(whole, "the interface", {"description", "methods"}))
    except (NotJson, _NotValid) as error:
        return one_line(f"not an interface: {error}")
    return None


def argument_fault(interface: Mapping[str, object], method: str, arguments: dict[str, object]) -> str | None:
    """What is wrong with the arguments of a call, in one line; None if they fit what the method publishes."""
    methods = interface.get("methods")
    published = methods.get(method) if isinstance(methods, dict) else None
    if not isinstance(published, dict):
        return one_line(f"the interface has no method {method!r}")
    try:
        given = plain(arguments)
        size = json_size(given)
        if size > MAX_ARGUMENT_BYTES:
            return f"more than {MAX_ARGUMENT_BYTES} bytes of arguments"
        if "args" not in published:
            return None
        validator = _validator(_schema_text(published["args"], "args"))
    except (NotJson, _NotValid) as error:
        return one_line(f"{method}: {error}")
    if validator.is_valid(given):
        return None
    if size > MAX_EXPLAINED_BYTES:
        return one_line(f"{method}: the arguments do not fit the published schema")
    return one_line(f"{method}: {_explained(validator, given)}")


def _check_interface(interface: dict[str, object]) -> None:
    _check_description(interface, "the interface")
    methods = interface.get("methods")
    if not isinstance(methods, dict) or not 1 <= len(methods) <= MAX_METHODS:
        raise _NotValid(f"methods is an object of 1 to {MAX_METHODS} methods by name")
    for name, method in methods.items():
        if (
            not name.isidentifier()
            or iskeyword(name)
            or name.startswith("_")
            or len(name) > MAX_NAME_CHARACTERS
        ):
            raise _NotValid(f"{name!r} cannot be the name of a method")
        published = _object(method, name, {"description", "args", "returns"})
        _check_description(published, name)
        for part in ("args", "returns"):
            if part in published:
                _validator(_schema_text(published[part], f"{name}.{part}"))
        arguments = published.get("args", {})
        if isinstance(arguments, dict) and arguments.get("type", "object") != "object":
            raise _NotValid(f"{name}.args must be the schema of an object")


def _object(value: object, where: str, keys: set[str]) -> dict[str, object]:
    if not isinstance(value, dict):
        raise _NotValid(f"{where} must be an object")
    unknown = sorted(value.keys() - keys)
    if unknown:
        raise _NotValid(f"{where} has {unknown[0]!r}; there may be {', '.join(sorted(keys))}")
    return value


def _check_description(value: dict[str, object], where: str) -> None:
    description = value.get("description", "")
    if not isinstance(description, str) or len(description) > MAX_DESCRIPTION_CHARACTERS:
        raise _NotValid(
            f"the description of {where} is text of at most {MAX_DESCRIPTION_CHARACTERS} characters"
        )


def _schema_text(schema: object, where: str) -> bytes:
    """A schema with nothing in it that could hurt, as the key of its validator."""
    try:
        schema = plain(schema)
        json_size(schema)
    except NotJson as error:
        raise _NotValid(f"{where}: {error}") from None
    if not isinstance(schema, dict):
        raise _NotValid(f"{where} must be a JSON Schema")
    text = msgspec.json.encode(schema)
    if len(text) > MAX_SCHEMA_BYTES:
        raise _NotValid(f"{where} is more than {MAX_SCHEMA_BYTES} bytes")
    _check_keywords(schema, where)
    return text


def _check_keywords(schema: object, where: str) -> None:
    """Recursion is as deep as the schema, which `plain` has bounded."""
    if isinstance(schema, bool):
        return
    if not isinstance(schema, dict):
        raise _NotValid(f"{where}: a schema is an object, true or false")
    for keyword, value in schema.items():
        if keyword in _OF_SCHEMA:
            _check_keywords(value, f"{where}.{keyword}")
        elif keyword in _OF_SCHEMA_LIST and isinstance(value, list):
            for part in value:
                _check_keywords(part, f"{where}.{keyword}")
        elif keyword in _OF_SCHEMA_MAP and isinstance(value, dict):
            for name, part in value.items():
                _check_keywords(part, f"{where}.{keyword}.{name}")
        elif keyword not in _OTHERS:
            raise _NotValid(f"{where}: the keyword {keyword!r} is not supported, or misused")


@lru_cache(maxsize=_CACHED_SCHEMAS)
def _validator(schema_text: bytes) -> jsonschema_rs.Validator:
    try:
        return jsonschema_rs.Draft202012Validator(
            schema_text.decode(), pattern_options=_PATTERNS, validate_formats=False, offline=True
        )
    except ValueError as error:
        raise _NotValid(f"not a JSON Schema: {str(error).partition(chr(10))[0]}") from None


def _explained(validator: jsonschema_rs.Validator, given: object) -> str:
    try:
        validator.validate(given)
    except jsonschema_rs.ValidationError as found:
        error = found
    else:
        raise AssertionError("the arguments fitted a moment ago")
    place = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in error.instance_path)
    return f"{place.removeprefix('.')}: {error.message}" if place else error.message
