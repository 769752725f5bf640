"""A JSON schema as TypeScript types: what a model reads best, in a quarter of the tokens."""

import json
from typing import cast

Schema = dict[str, object]

_BASIC = {"integer": "number", "number": "number", "boolean": "boolean", "null": "null", "string": "string"}


def spelled(schema: Schema) -> str:
    """One line to each definition, the answer's own type last; patterns and lengths are left to whoever checks.

    Knows what this project's schemas use: `$defs`, `$ref`, `anyOf`, `enum`, objects, arrays and the basic types.
    """
    lines: list[str] = []
    for name, definition in cast("dict[str, Schema]", schema.get("$defs", {})).items():
        told = definition.get("description")
        remark = f" // {' '.join(str(told).split())}" if told else ""
        lines.append(f"type {name} = {_type(definition)};{remark}")
    lines.append(f"type Answer = {_type(schema)};")
    return "\n".join(lines)


def _type(schema: Schema) -> str:
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "anyOf" in schema:
        # Alternatives that differ only in a pattern look alike here.
        return " | ".join(dict.fromkeys(_type(part) for part in cast("list[Schema]", schema["anyOf"])))
    if "enum" in schema:
        return " | ".join(json.dumps(choice) for choice in cast("list[object]", schema["enum"]))
    if schema.get("type") == "array":
        items = schema.get("items")
        inner = _type(items) if isinstance(items, dict) else "any"
        return f"({inner})[]" if " | " in inner else f"{inner}[]"
    if schema.get("type") == "object":
        return _object(schema)
    return _BASIC.get(str(schema.get("type")), "any")


def _object(schema: Schema) -> str:
    properties = cast("dict[str, Schema]", schema.get("properties", {}))
    if not properties:
        values = schema.get("additionalProperties")
        return f"Record<string, {_type(values) if isinstance(values, dict) else 'any'}>"
    required = cast("list[str]", schema.get("required", []))
    fields = (f"{name}{'' if name in required else '?'}: {_type(part)}" for name, part in properties.items())
    return "{" + ", ".join(fields) + "}"
