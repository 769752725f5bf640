"""What a server sent, read strictly: a completion, or the reason why it is none.

Nothing that comes over the wire is trusted: a body of another shape is `ModelNonsense`, counts that no call
can have are treated as not given, and what a server says in words is quoted, never followed.
"""

from typing import Annotated, NoReturn

import msgspec

from ecology.llm.errors import ModelNonsense, ModelUnreachable, quote
from ecology.llm.estimate import estimate_tokens
from ecology.llm.model import ModelReply

_MAX_TOKENS = 1 << 32
_NULL = msgspec.Raw(b"null")
_TokenCount = Annotated[int, msgspec.Meta(ge=0, le=_MAX_TOKENS)]


class _Message(msgspec.Struct):
    content: str | None = None
    refusal: str | None = None


class _Choice(msgspec.Struct):
    message: _Message
    finish_reason: str | None = None


class _Completion(msgspec.Struct):
    choices: Annotated[list[_Choice], msgspec.Meta(min_length=1)]
    model: str | None = None
    usage: msgspec.Raw = _NULL


class _Usage(msgspec.Struct):
    prompt_tokens: _TokenCount
    completion_tokens: _TokenCount


class _Remains(msgspec.Struct):
    """What may be left of a body that is no completion."""

    usage: msgspec.Raw = _NULL
    error: msgspec.Raw = _NULL


class _Complaint(msgspec.Struct):
    message: str = ""
    code: str | int | None = None


class _Wrapped(msgspec.Struct):
    error: _Complaint


class _Flat(msgspec.Struct):
    """Ollama's and FastAPI's ways to say it."""

    error: str = ""
    detail: str = ""
    message: str = ""


class _ModelEntry(msgspec.Struct):
    id: str


class _ModelList(msgspec.Struct):
    data: list[_ModelEntry]


_read_completion = msgspec.json.Decoder(_Completion).decode
_read_usage = msgspec.json.Decoder(_Usage).decode
_read_remains = msgspec.json.Decoder(_Remains).decode
_read_wrapped = msgspec.json.Decoder(_Wrapped).decode
_read_flat = msgspec.json.Decoder(_Flat).decode
_read_models = msgspec.json.Decoder(_ModelList).decode


def read_reply(body: bytes, *, where: str, model: str, input_tokens_estimate: int) -> ModelReply:
    """The reply in a successful HTTP answer's body. Raises ModelNonsense, with what the server counted.

    `where` is the URL for the error, `model` the name to report when the server gives none.
    """
    try:
        completion = _read_completion(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        _raise_for_remains(body, where)
    choice = completion.choices[0]
    text = choice.message.content or choice.message.refusal or ""
    usage = _usage(completion.usage)
    return ModelReply(
        text=text,
        input_tokens=usage.prompt_tokens if usage else input_tokens_estimate,
        output_tokens=usage.completion_tokens if usage else estimate_tokens(text),
        model=completion.model or model,
        truncated=choice.finish_reason == "length",
        metered=usage is not None,
    )


def read_complaint(body: bytes) -> str:
    """The words of an error answer in OpenAI's, Ollama's or FastAPI's form; otherwise the body itself."""
    try:
        complaint = _read_wrapped(body).error
        # The code says more than the prose when it comes to telling one error from another.
        return f"{complaint.message} ({complaint.code})" if complaint.code else complaint.message
    except (msgspec.DecodeError, UnicodeDecodeError):
        pass  # not that form; the next may fit
    try:
        flat = _read_flat(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return body.decode("utf-8", "replace")
    return flat.error or flat.detail or flat.message or body.decode("utf-8", "replace")


def read_model_names(body: bytes) -> list[str]:
    """The names in the answer to `GET /models`; raises ModelNonsense."""
    try:
        return [entry.id for entry in _read_models(body).data]
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise ModelNonsense(f"not a list of models: {quote(body.decode('utf-8', 'replace'))}") from None


def _usage(raw: msgspec.Raw) -> _Usage | None:
    try:
        return _read_usage(raw)
    except msgspec.DecodeError:
        return None  # not given, or counts that make no sense: those bill nobody


def _raise_for_remains(body: bytes, where: str) -> NoReturn:
    shown = quote(body[:1000].decode("utf-8", "replace")) or "an empty body"
    try:
        remains = _read_remains(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        remains = _Remains()
    if remains.error != _NULL:
        # Gateways that relay another provider's failure do it under a 200.
        raise ModelUnreachable(
            f"{where} passes on an error: {quote(read_complaint(body))}", remedy="see the gateway's log"
        ) from None
    usage = _usage(remains.usage)
    raise ModelNonsense(
        f"{where} answers, but not with a chat completion: {shown}",
        remedy="check the URL: it usually ends in /v1",
        # A JSON object may be a completion gone wrong on its way; a login page never cost anybody anything.
        billed=usage is not None or body.lstrip()[:1] == b"{",
        input_tokens=usage.prompt_tokens if usage else None,
        output_tokens=usage.completion_tokens if usage else None,
    ) from None
