"""The JSON schema that a model's answer is held to: the kernel's actions, with texts bounded so that an answer ends.

The bounds are advice to a grammar, not law: the kernel's own checks decide. Servers that compile schemas to grammars
choke on repetitions above a thousand (llama.cpp), so longer bounds are left out. What neither a grammar nor a model
needs is left out too, for some servers have the whole schema spelled out in the prompt.
"""

from typing import cast

from ecology.artifacts.artifact import FORMATS
from ecology.core.limits import MAX_ID_BYTES, MAX_MEMO_BYTES
from ecology.events.subscriptions import FIELDS, OPERATORS
from ecology.kernel.actions import schema
from ecology.kernel.attention import STATE_FIELDS, STATE_OPERATORS
from ecology.kernel.economy.delegations import DELEGABLE
from ecology.kernel.inquiry import QUERY_NAMES
from ecology.resources.assets import ASSETS, SCRIP

GRAMMAR_REPETITIONS = 1_000
SHORT_CHARACTERS = 100
MESSAGE_CHARACTERS = 400
MAX_ITEMS = 8

_NAMES = frozenset(
    {"artifact", "to", "agent", "type", "strategy", "depends_on", "goods", "buyer", "charger", "tags", "of"}
)
_NAME_PATTERN = f"^[a-z0-9][a-z0-9_.-]{{0,{MAX_ID_BYTES - 1}}}$"
_NAME_OR_ANYONE = [{"type": "string", "enum": ["*"]}, {"type": "string", "pattern": _NAME_PATTERN}]
_CHOICES: dict[tuple[str, str], list[str]] = {
    ("Transfer", "asset"): list(ASSETS),
    ("List", "asset"): [asset for asset in ASSETS if asset != SCRIP],
    ("Delegate", "asset"): list(DELEGABLE),
    ("Revoke", "asset"): list(DELEGABLE),
    ("EventFilter", "event_type"): sorted(FIELDS),
    ("Subscribe", "event_type"): sorted(FIELDS),
    ("Write", "format"): list(FORMATS),
    ("Query", "name"): list(QUERY_NAMES),
    ("StatePredicate", "field"): list(STATE_FIELDS),
    ("StatePredicate", "op"): list(STATE_OPERATORS),
    ("Predicate", "op"): list(OPERATORS),
}
_LENGTHS = {"memo": MAX_MEMO_BYTES, "text": MESSAGE_CHARACTERS}
_LONG = frozenset({"content", "old", "new", "prompt"})
_ORNAMENTS = ("title", "default", "discriminator")

_Schema = dict[str, object]


def answer_schema(max_output_tokens: int) -> dict[str, object]:
    """The schema for answers of at most so many tokens: long texts are bounded to about half of that."""
    whole = _without(schema(), _ORNAMENTS)
    for title, definition in cast("dict[str, _Schema]", whole["$defs"]).items():
        definition["description"] = _sentence(str(definition["description"]))
        for name, field in cast("dict[str, _Schema]", definition["properties"]).items():
            _bound(title, name, field, max_output_tokens)
    return whole


def _without(value: _Schema, ornaments: tuple[str, ...]) -> _Schema:
    """A schema without its ornaments at any depth; a property of such a name is none."""
    kept: _Schema = {}
    for key, part in value.items():
        if key in ("properties", "$defs"):
            named = cast("dict[str, _Schema]", part)
            kept[key] = {name: _without(inner, ornaments) for name, inner in named.items()}
        elif key in ornaments:
            continue
        elif isinstance(part, dict):
            kept[key] = _without(part, ornaments)
        elif isinstance(part, list):
            kept[key] = [_without(item, ornaments) if isinstance(item, dict) else item for item in part]
        else:
            kept[key] = part
    return kept


def _sentence(text: str) -> str:
    """The first paragraph on one line."""
    return " ".join(text.partition("\n\n")[0].split())


def _bound(title: str, name: str, field: _Schema, max_output_tokens: int) -> None:
    """Hold a property to what its kind allows, and whatever is inside it."""
    if "enum" in field:
        field["type"] = "string"  # an action's own name: grammar compilers know no schema without a type
        return
    for alternative in cast("list[_Schema]", field.get("anyOf", ())):
        _bound(title, name, alternative, max_output_tokens)
    for inner in (field.get("items"), field.get("additionalProperties")):
        if isinstance(inner, dict):
            _bound(title, name, inner, max_output_tokens)
    if field.get("type") == "array":
        field["maxItems"] = MAX_ITEMS
        if name == "accepts_from":
            field["items"] = {"anyOf": _NAME_OR_ANYONE}
    elif field.get("type") == "string":
        _bound_text(title, name, field, max_output_tokens)


def _bound_text(title: str, name: str, field: _Schema, max_output_tokens: int) -> None:
    if (title, name) in _CHOICES:
        field["enum"] = _CHOICES[title, name]
    elif name in _NAMES:
        field["pattern"] = _NAME_PATTERN
    elif name not in _LONG:
        field["maxLength"] = _LENGTHS.get(name, SHORT_CHARACTERS)
    elif max_output_tokens * 2 <= GRAMMAR_REPETITIONS:
        field["maxLength"] = max(SHORT_CHARACTERS, max_output_tokens * 2)
