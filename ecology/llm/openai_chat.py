"""The adapter to any OpenAI-compatible server, over the vendor's own client (docs/adr/0005-model-client.md).

The vendor's client keeps connections, headers and its exceptions; this module adds a deadline over
everything, retries that cannot bill twice, the server's dialect, and errors a person can act on. The body is
encoded and decoded here because that halves the CPU per call, and because the vendor's models accept any JSON
whatever as a completion.

A call is repeated only if it surely reached no model: nobody listened, or the server said "not now" (408,
425, 429, 5xx). A connection that breaks off under a thought may have been billed, so that call fails, and its
asker decides.
"""

import asyncio
import itertools
from collections.abc import Callable

import httpx2
import msgspec
import openai

from ecology.core.seeds import Draw
from ecology.llm import vendor_errors
from ecology.llm.answer import read_model_names, read_reply
from ecology.llm.client_pool import ClientPool
from ecology.llm.dialect import Dialect
from ecology.llm.errors import ModelError, ModelRefused, ModelUnreachable
from ecology.llm.estimate import estimate_tokens
from ecology.llm.http_client import Transport, parse_url
from ecology.llm.key import ApiKey
from ecology.llm.model import ModelReply, ModelRequest

_FIRST_PAUSE_MS = 250
_LIST_TIMEOUT_S = 2.0
_NOTED_NAMES = 8
# Sent when there is no key, so that the vendor's client does not go looking for somebody else's in the
# environment.
_NO_KEY = "none"


class _Patience(msgspec.Struct, frozen=True):
    """How often to ask again (None: as long as there is time), and the longest pause between."""

    attempts: int | None
    longest_pause_ms: int


_A_CALL = _Patience(attempts=4, longest_pause_ms=4_000)
_A_START = _Patience(attempts=None, longest_pause_ms=500)

_PROBE = ModelRequest(
    system="You answer in JSON.",
    user='Answer {"ok": true}.',
    schema={
        "type": "object",
        "properties": {"ok": {"type": "boolean"}},
        "required": ["ok"],
        "additionalProperties": False,
    },
    max_output_tokens=16,
)


def _silent(note: str) -> None:
    """The default for whoever does not want to hear what the client learns about its server."""


class OpenAIChat:
    """A `ModelClient` for `url` (a base URL, usually ending in `/v1`) and one of the models it serves.

    `timeout_s` bounds a call with all its retries. `max_connections` should be at least the number of tasks
    that think at once: more of them wait for a connection, inside their deadline. `note` hears, in one line
    each, what the client finds out about the server that a person should know, and never twice the same.
    `transport` takes the network's place. Raises UsageError for a URL that is none.
    """

    def __init__(
        self,
        url: str,
        model: str,
        *,
        api_key: ApiKey | None = None,
        timeout_s: float = 60.0,
        max_connections: int = 128,
        note: Callable[[str], None] = _silent,
        transport: Transport | None = None,
    ) -> None:
        base_url, self._url = parse_url(url)
        self._model = model
        self._api_key = api_key
        self._timeout_s = timeout_s
        self._note = note
        self._dialect = self._noted_dialect = Dialect()
        self._calls = itertools.count()
        self._pool = ClientPool(
            base_url, _NO_KEY if api_key is None else api_key.reveal(), max_connections, transport
        )

    def __repr__(self) -> str:
        return f"OpenAIChat({self._url!r}, {self._model!r})"

    @property
    def dialect(self) -> Dialect:
        """How this server is asked at present; what was learned about it so far."""
        return self._dialect

    def estimate_input_tokens(self, request: ModelRequest) -> int:
        """Tokens of all messages as they would be sent now: with the schema if it must be spelled out."""
        texts = [self._dialect.system_text(request), request.user, *(turn.text for turn in request.follow_up)]
        return sum(map(estimate_tokens, texts))

    async def complete(self, request: ModelRequest) -> ModelReply:
        """Ask, with a few retries, inside `timeout_s`. Raises a `ModelError`."""
        return await self._ask_within(self._timeout_s, request, _A_CALL)

    async def probe(self, timeout_s: float | None = 10.0) -> None:
        """Have a few tokens completed, which tells whether URL, key, model and answer format are right.

        Waits out a server that is still starting, up to `timeout_s` seconds (None: for ever), and raises at
        once what waiting cannot mend. Finds the server's dialect, so that no agent's first thought pays for
        that.
        """
        reply = await self._ask_within(timeout_s, _PROBE, _A_START)
        if not reply.truncated and not _is_json(reply.text):
            # It takes a response_format and answers as it likes.
            self._dialect = msgspec.structs.replace(self._dialect, answer_format="prompt")
            self._note_dialect()
        names = await self._list_models()
        if names and not any(name == self._model or name.startswith(f"{self._model}:") for name in names):
            self._note(f"{self._url} answers for {self._model!r}, though it serves {_some(names)}")

    async def close(self) -> None:
        """Close all connections."""
        await self._pool.close()

    async def _ask_within(
        self, timeout_s: float | None, request: ModelRequest, patience: _Patience
    ) -> ModelReply:
        """Ask until there is a reply, a failure that waiting does not mend, or no more patience or time."""
        call = next(self._calls)
        now_s = asyncio.get_running_loop().time
        try:
            async with asyncio.timeout(timeout_s) as limit:
                for attempt in itertools.count():
                    try:
                        return await self._ask(request)
                    except ModelUnreachable as failure:
                        pause_s = _pause_ms(failure, patience, call, attempt) / 1000
                        deadline_s = limit.when()
                        too_late = deadline_s is not None and now_s() + pause_s >= deadline_s
                        if failure.billed or attempt + 1 == patience.attempts or too_late:
                            raise
                    await asyncio.sleep(pause_s)
        except TimeoutError:
            raise ModelUnreachable(
                f"{self._url} gave no answer within {timeout_s:g} s",
                remedy="see whether the server is busy, still loading its model, or another kind of server",
                billed=True,
            ) from None
        raise AssertionError("attempts never end without a verdict")

    async def _ask(self, request: ModelRequest) -> ModelReply:
        """One exchange; more while the server complains about the dialect, which it does not bill."""
        while True:
            dialect = self._dialect
            try:
                body = dialect.body(request, self._model)
                async with self._pool.borrow() as client:
                    response = await client.post("/chat/completions", cast_to=httpx2.Response, content=body)
            except openai.APIStatusError as error:
                complaint = vendor_errors.words(error, self._api_key)
                better = dialect.after_complaint(complaint, request)
                if better is None or not vendor_errors.may_concern_dialect(error):
                    raise await self._explain(error, complaint) from None
                self._learn(dialect, better)
            except openai.APIConnectionError as error:
                raise vendor_errors.from_connection(error, self._url) from None
            else:
                self._note_dialect()
                return read_reply(
                    response.content,
                    where=self._url,
                    model=self._model,
                    input_tokens_estimate=self.estimate_input_tokens(request),
                )

    def _learn(self, spoken: Dialect, better: Dialect) -> None:
        if self._dialect == spoken:  # otherwise another task has learned meanwhile: ask the way it found
            self._dialect = better

    def _note_dialect(self) -> None:
        """Say once where the learning ended, not each step on the way."""
        dialect = self._dialect
        if dialect != self._noted_dialect:
            self._noted_dialect = dialect
            asked = f"{dialect.answer_format} and {dialect.limit_field}"
            self._note(f"{self._url} is asked with {asked}: it takes no more")

    async def _explain(self, error: openai.APIStatusError, complaint: str) -> ModelError:
        """An error status as one of ours; for an unknown model, with the names of those there are."""
        names = await self._list_models() if error.status_code == 404 else []
        if names:
            return ModelRefused(
                f"{self._url} has no model {self._model!r}", remedy=f"name one that it serves: {_some(names)}"
            )
        return vendor_errors.from_status(error, self._url, self._model, complaint)

    async def _list_models(self) -> list[str]:
        """The models the server says it serves; empty if it does not say, for the list is optional."""
        try:
            async with asyncio.timeout(_LIST_TIMEOUT_S), self._pool.borrow() as client:
                response = await client.get("/models", cast_to=httpx2.Response)
            return read_model_names(response.content)
        except (TimeoutError, openai.APIError, ModelError):
            return []


def _pause_ms(failure: ModelUnreachable, patience: _Patience, call: int, attempt: int) -> int:
    """Doubling from 250 ms to the longest, or the server's own `Retry-After` if that is longer.

    Half of it is random, so that agents who failed together do not return together.
    """
    longest = min(_FIRST_PAUSE_MS << min(attempt, 16), patience.longest_pause_ms)
    pause = longest // 2 + Draw(call, attempt).below(longest // 2 + 1)
    return max(pause, failure.retry_after_ms or 0)


def _is_json(text: str) -> bool:
    try:
        msgspec.json.decode(text)
    except msgspec.DecodeError:
        return False
    return True


def _some(names: list[str]) -> str:
    shown = ", ".join(names[:_NOTED_NAMES])
    return shown if len(names) <= _NOTED_NAMES else f"{shown} and {len(names) - _NOTED_NAMES} more"
