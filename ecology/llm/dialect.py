"""What a request looks like on the wire: "OpenAI-compatible" is a family of dialects, and servers differ.

Two things differ between servers: how much of a JSON schema they take, and the name of the output limit. Both
are found by asking in the most capable way and giving up one step for each complaint, which no server bills:

    strict_schema        OpenAI, vLLM, Ollama, llama.cpp's own server: decoding is held to the schema
    json_schema          the same without `strict`: OpenAI with a schema outside its strict subset
    json_object_schema   llama-cpp-python and others: `json_object` with the schema beside it
    json_object          JSON of any shape; the schema is spelled out in the prompt, as types
    prompt               free text; the schema is spelled out in the prompt
"""

from importlib import resources
from typing import Literal

import msgspec

from ecology.llm.model import ModelRequest
from ecology.llm.spelling import spelled

Schema = dict[str, object]
AnswerFormat = Literal["strict_schema", "json_schema", "json_object_schema", "json_object", "prompt"]
LimitField = Literal["max_tokens", "max_completion_tokens"]

_FORMATS: tuple[AnswerFormat, ...] = (
    "strict_schema",
    "json_schema",
    "json_object_schema",
    "json_object",
    "prompt",
)
_SPELLED_OUT: frozenset[AnswerFormat] = frozenset({"json_object", "prompt"})
# Words by which servers blame the answer format, in lower case and with underscores for spaces.
_FORMAT_COMPLAINTS = ("response_format", "responseformat", "json_schema", "jsonschema", "grammar", "guided")
_ENCODE = msgspec.json.Encoder().encode


class Dialect(msgspec.Struct, frozen=True):
    """One way to ask. Starts as the most capable; `after_complaint` gives the next to try."""

    answer_format: AnswerFormat = "strict_schema"
    limit_field: LimitField = "max_tokens"

    def body(self, request: ModelRequest, model: str) -> bytes:
        """The request as JSON for `POST /chat/completions`."""
        messages = [
            {"role": "system", "content": self.system_text(request)},
            {"role": "user", "content": request.user},
        ]
        messages += [{"role": turn.role, "content": turn.text} for turn in request.follow_up]
        fields: dict[str, object] = {
            "model": model,
            "messages": messages,
            self.limit_field: request.max_output_tokens,
        }
        if request.schema is not None and self.answer_format != "prompt":
            fields["response_format"] = _response_format(self.answer_format, request.schema)
        return _ENCODE(fields)

    def system_text(self, request: ModelRequest) -> str:
        """The system message, with the schema in it where the server would not see it otherwise."""
        if request.schema is None or self.answer_format not in _SPELLED_OUT:
            return request.system
        return f"{request.system}\n\n{_instruction()}{spelled(request.schema)}\n"

    def after_complaint(self, message: str, request: ModelRequest) -> "Dialect | None":
        """The dialect to try after a server's error message; None if the message is not about the dialect."""
        words = message.lower().replace(" ", "_")
        if self.limit_field == "max_tokens" and "max_completion_tokens" in words:
            return msgspec.structs.replace(self, limit_field="max_completion_tokens")
        weaker = _FORMATS.index(self.answer_format) + 1
        if request.schema is None or weaker == len(_FORMATS):
            return None
        if not any(complaint in words for complaint in _FORMAT_COMPLAINTS):
            return None
        return msgspec.structs.replace(self, answer_format=_FORMATS[weaker])


def _response_format(answer_format: AnswerFormat, schema: Schema) -> dict[str, object]:
    if answer_format == "strict_schema":
        return {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema, "strict": True}}
    if answer_format == "json_schema":
        return {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}}
    if answer_format == "json_object_schema":
        return {"type": "json_object", "schema": schema}
    return {"type": "json_object"}


def _instruction() -> str:
    return resources.files("ecology.llm").joinpath("prompts/json_answer.txt").read_text(encoding="utf-8")
