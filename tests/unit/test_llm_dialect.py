"""What goes over the wire, and what is tried next when a server does not take it."""

import json

import pytest

from ecology.llm.dialect import AnswerFormat, Dialect
from ecology.llm.model import ModelRequest, Turn
from ecology.llm.spelling import spelled

SCHEMA: dict[str, object] = {"type": "object", "properties": {"ok": {"type": "boolean"}}}
ASK = ModelRequest(system="Be brief.", user="Well?", schema=SCHEMA, max_output_tokens=64)
COMPLAINTS = {
    "openai": "Invalid schema for response_format 'answer': 'required' is required to be supplied",
    "openai, old model": "Invalid parameter: 'response_format' of type 'json_schema' is not supported with this model",
    "llama-cpp-python": "{'loc': ('body', 'response_format', 'type'), 'msg': \"Input should be 'text'\"}",
    "llama.cpp": "Failed to parse grammar",
    "vllm": "The provided JSON schema contains features not supported by xgrammar.",
}


def sent(dialect: Dialect, request: ModelRequest = ASK) -> dict[str, object]:
    body = json.loads(dialect.body(request, "tiny"))
    assert isinstance(body, dict)
    return body


def test_the_first_attempt_asks_for_everything() -> None:
    assert sent(Dialect()) == {
        "model": "tiny",
        "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Well?"}],
        "max_tokens": 64,
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "answer", "schema": SCHEMA, "strict": True},
        },
    }


def test_a_conversation_is_sent_in_its_order() -> None:
    follow_up = (Turn("assistant", "{"), Turn("user", "That is no JSON."))
    request = ModelRequest("s", "u", SCHEMA, 8, follow_up)
    messages = sent(Dialect(), request)["messages"]
    assert messages == [
        {"role": "system", "content": "s"},
        {"role": "user", "content": "u"},
        {"role": "assistant", "content": "{"},
        {"role": "user", "content": "That is no JSON."},
    ]


@pytest.mark.parametrize(
    ("answer_format", "wire"),
    [
        ("json_schema", {"type": "json_schema", "json_schema": {"name": "answer", "schema": SCHEMA}}),
        ("json_object_schema", {"type": "json_object", "schema": SCHEMA}),
        ("json_object", {"type": "json_object"}),
        ("prompt", None),
    ],
)
def test_the_weaker_formats(answer_format: AnswerFormat, wire: object) -> None:
    body = sent(Dialect(answer_format=answer_format))
    assert body.get("response_format") == wire
    spelled_out = spelled(SCHEMA) in str(body["messages"]).replace("\\n", "\n")
    assert spelled_out == (answer_format in ("json_object", "prompt"))


def test_free_text_has_no_format() -> None:
    free = ModelRequest("s", "u", None, 8)
    assert "response_format" not in sent(Dialect(), free)
    assert Dialect(answer_format="prompt").system_text(free) == "s"


@pytest.mark.parametrize("complaint", COMPLAINTS.values(), ids=COMPLAINTS.keys())
def test_complaints_lead_from_the_strongest_to_the_weakest_and_end(complaint: str) -> None:
    dialect: Dialect | None = Dialect()
    seen: list[AnswerFormat] = []
    while dialect is not None:
        seen.append(dialect.answer_format)
        dialect = dialect.after_complaint(complaint, ASK)
    assert seen == ["strict_schema", "json_schema", "json_object_schema", "json_object", "prompt"]


def test_the_other_name_of_the_limit_is_learned() -> None:
    complaint = "Unsupported parameter: 'max_tokens' is not supported. Use 'max_completion_tokens' instead."
    better = Dialect().after_complaint(complaint, ASK)
    assert better == Dialect(limit_field="max_completion_tokens")
    assert sent(better)["max_completion_tokens"] == 64
    assert better.after_complaint(complaint, ASK) is None


def test_other_complaints_are_not_about_the_dialect() -> None:
    for complaint in ("This model's maximum context length is 4096 tokens.", "invalid temperature", ""):
        assert Dialect().after_complaint(complaint, ASK) is None


def test_who_sent_no_schema_learns_nothing_about_schemas() -> None:
    assert Dialect().after_complaint(COMPLAINTS["openai"], ModelRequest("s", "u", None, 8)) is None
