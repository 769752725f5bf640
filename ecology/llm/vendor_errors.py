"""The vendor's exceptions in this project's terms; `openai_chat` raises what these functions return."""

import os
import socket
from collections.abc import Iterator

import httpx2
import openai

from ecology.llm.answer import read_complaint
from ecology.llm.errors import ModelError, ModelNonsense, ModelRefused, ModelUnreachable, PromptTooLong, quote
from ecology.llm.key import KEY_FILE_VARIABLE, KEY_VARIABLE, ApiKey

_TRANSIENT = frozenset({408, 425, 429})
_NO_SUCH_METHOD = frozenset({405, 501, 505})
"""What a plain web server says to a POST: not an overload, whatever its number."""

_KEY_REFUSED = frozenset({401, 403})
_NEVER_DIALECT = _KEY_REFUSED | _TRANSIENT | frozenset({404, 503})

# How OpenAI, llama-cpp-python and vLLM (first two) and llama.cpp's own server (the others) say that a prompt
# is too long.
_TOO_LONG = ("context_length_exceeded", "maximum context length", "context size", "exceed_context_size")

_CHECK_URL = "check the URL: it usually ends in /v1"

# Failures before the request was on its way.
_NEVER_SENT = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout, httpx2.ProxyError)
# h11's words for a connection that ended early; every other protocol error is an answer that is not HTTP.
_BROKE_OFF = ("disconnected", "peer closed")


def words(error: openai.APIStatusError, api_key: ApiKey | None) -> str:
    """What the server said, quotable: one line, bounded, without the key even if the server repeats it."""
    text = read_complaint(error.response.content)
    return quote(text if api_key is None else api_key.redact(text))


def may_concern_dialect(error: openai.APIStatusError) -> bool:
    """Whether this status can mean "I do not take that field". Not only 400: llama-cpp-python says 500."""
    return error.status_code not in _NEVER_DIALECT


def from_status(error: openai.APIStatusError, url: str, model: str, complaint: str) -> ModelError:
    """An HTTP error status; `complaint` is `words(error)`."""
    status = error.status_code
    said = f"{status}: {complaint}" if complaint else str(status)
    if status in _KEY_REFUSED:
        return ModelRefused(
            f"{url} refuses the API key ({said})", remedy=f"set {KEY_VARIABLE} or {KEY_FILE_VARIABLE}"
        )
    if status == 404 and "model" in complaint.lower():
        return ModelRefused(f"{url} has no model {model!r} ({said})", remedy="name one that it serves")
    if status == 404 or status in _NO_SUCH_METHOD or status < 400:
        return ModelNonsense(f"{url} has no chat completions ({said})", remedy=_CHECK_URL)
    if status in _TRANSIENT or status >= 500:
        return ModelUnreachable(
            f"{url} cannot answer now ({said})",
            remedy="see the server's log, or ask it for less at once",
            retry_after_ms=_retry_after_ms(error.response.headers),
        )
    if any(sign in complaint.lower() for sign in _TOO_LONG):
        return PromptTooLong(
            f"{url}: the prompt is too long ({said})", remedy="serve the model with more context"
        )
    return ModelRefused(f"{url} refuses the request ({said})", remedy="see the server's documentation")


def from_connection(error: openai.APIConnectionError, url: str) -> ModelError:
    """A failure below HTTP: nobody there, a connection that broke off, a peer that speaks otherwise."""
    cause = error.__cause__
    if isinstance(cause, _NEVER_SENT):
        return ModelUnreachable(
            f"no model server at {url} ({_reason(cause)})",
            remedy="start it, or check the URL and the network",
        )
    if isinstance(cause, httpx2.RemoteProtocolError) and not any(sign in str(cause) for sign in _BROKE_OFF):
        return ModelNonsense(
            f"{url} does not speak HTTP ({quote(str(cause))})", remedy="check the URL and its port"
        )
    if isinstance(cause, httpx2.DecodingError):
        return ModelNonsense(f"{url} answers with a damaged body ({quote(str(cause))})", remedy=_CHECK_URL)
    return ModelUnreachable(
        f"{url} broke off before its answer ({_reason(cause or error)})",
        remedy="see the server's log, and that it is a model server at all",
        billed=True,
    )


def _reason(error: BaseException) -> str:
    """The operating system's words if it had any, otherwise those of the innermost failure that has some."""
    said = ""
    for link in _chain(error):
        if isinstance(link, socket.gaierror):
            return str(link.strerror)
        if isinstance(link, OSError) and link.errno is not None and link.errno > 0:
            return os.strerror(link.errno)
        said = str(link) or said
    return quote(said) or type(error).__name__


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        # A group holds one failure for each address that was tried; the first tells enough.
        deeper = error.__cause__ or error.__context__
        error = error.exceptions[0] if isinstance(error, BaseExceptionGroup) else deeper


def _retry_after_ms(headers: httpx2.Headers) -> int | None:
    """`Retry-After` in seconds or OpenAI's `retry-after-ms`; nobody here sends the form with a date."""
    for name, scale in (("retry-after-ms", 1), ("retry-after", 1000)):
        try:
            value = float(headers.get(name, "")) * scale
        except ValueError:
            continue
        if 0 <= value < 1e9:  # not NaN either
            return int(value)
    return None
