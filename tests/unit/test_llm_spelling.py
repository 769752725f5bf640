"""A schema as types: everything that can be said, and nothing of what only a grammar needs."""

from ecology.engine.answer_schema import answer_schema
from ecology.kernel.actions import ACTION_TYPES
from ecology.llm.spelling import spelled

SCHEMA: dict[str, object] = {
    "$defs": {
        "Go": {
            "description": "Walk\n somewhere.",
            "type": "object",
            "properties": {
                "action": {"type": "string", "enum": ["go"]},
                "to": {"type": "string", "pattern": "^[a-z]$"},
                "steps": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
                "with": {"type": "array", "items": {"anyOf": [{"type": "string"}, {"type": "boolean"}]}},
                "load": {"type": "object", "additionalProperties": {"type": "number"}},
                "note": {"type": ["object", "array", "string"]},
                "bag": {"type": "object"},
            },
            "required": ["action", "to"],
        }
    },
    "anyOf": [{"$ref": "#/$defs/Go"}],
}


def test_each_part_has_its_type() -> None:
    assert spelled(SCHEMA).splitlines() == [
        'type Go = {action: "go", to: string, steps?: number | null, with?: (string | boolean)[], '
        "load?: Record<string, number>, note?: any, bag?: Record<string, any>}; // Walk somewhere.",
        "type Answer = Go;",
    ]


def test_every_action_and_field_is_told() -> None:
    told = spelled(answer_schema(200))
    for kind in ACTION_TYPES:
        line = next(line for line in told.splitlines() if line.startswith(f"type {kind.__name__} = "))
        assert all(
            f"{name}: " in line or f"{name}?: " in line for name in ("action", *kind.__struct_fields__)
        )


def test_it_is_short() -> None:
    """Twice in a thought with a repair, and most of the default limit is for the world."""
    assert len(spelled(answer_schema(200))) < 6_000
