"""An OpenAI-compatible model server that says what a test tells it to: answers, delays, errors, nonsense,
resets.

The server is real in everything a client can get wrong: sockets, HTTP/1.1, keep-alive, concurrency. Only its
mind is a `Script`. Like a real one it checks the key, the model's name and the response format before it
thinks.

    async with ModelServer(in_turn(Fail(503, "loading"), Say('{"type": "noop"}'))) as server:
        client = OpenAIChat(server.url, "fake")

As a process of its own, for command-line tests and benchmarks (prints its URL, then serves until it is
ended):

    python -m ecology.testing.model_server --delay-ms 1000 --say '{"type": "noop"}'
"""

import argparse
import asyncio
import contextlib
import socket
import struct
import sys
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Self

import msgspec

_REASONS = {200: "OK", 400: "Bad Request", 401: "Unauthorized", 404: "Not Found", 429: "Too Many Requests"}


class Say(msgspec.Struct, frozen=True):
    """A chat completion with this text, `delay_ms` after the question. Token counts default to one per
    word."""

    text: str
    delay_ms: int = 0
    input_tokens: int | None = None
    output_tokens: int | None = None
    finish_reason: str = "stop"


class Fail(msgspec.Struct, frozen=True):
    """An error as OpenAI words them, optionally with a `Retry-After` header of so many seconds."""

    status: int
    message: str = "scripted failure"
    delay_ms: int = 0
    retry_after_s: int | None = None


class Page(msgspec.Struct, frozen=True):
    """A well-formed HTTP answer with any body: a login page, JSON of another service, bytes that are no
    text."""

    body: bytes
    content_type: str = "text/html"
    status: int = 200
    location: str | None = None


class Noise(msgspec.Struct, frozen=True):
    """Bytes that are not HTTP, then the end of the connection."""

    data: bytes


class Cut(msgspec.Struct, frozen=True):
    """The head of an answer and half of its promised body, then the end of the connection."""


class Reset(msgspec.Struct, frozen=True):
    """A TCP reset instead of an answer."""


class Hang(msgspec.Struct, frozen=True):
    """The question is taken; no answer ever comes."""


class Endless(msgspec.Struct, frozen=True):
    """A body that goes on until the client has had enough."""


class Meet(msgspec.Struct, frozen=True):
    """A completion for nobody until `callers` questions wait at once: shows concurrency without looking at a
    clock."""

    callers: int
    text: str = "{}"
    delay_ms: int = 0
    """From then on."""


Answer = Say | Fail | Page | Noise | Cut | Reset | Hang | Endless | Meet


class Call(msgspec.Struct, frozen=True):
    """One request to `/chat/completions`: its place in the order of arrival (from 0) and its decoded body."""

    ordinal: int
    body: dict[str, object]


Script = Callable[[Call], Answer]


def always(answer: Answer) -> Script:
    """The same answer to everyone."""
    return lambda call: answer


def in_turn(*answers: Answer) -> Script:
    """Each answer once, then the last one for ever."""
    return lambda call: answers[min(call.ordinal, len(answers) - 1)]


def cycle(answers: Sequence[Answer]) -> Script:
    """The answers over and over."""
    return lambda call: answers[call.ordinal % len(answers)]


class ModelServer:
    """Serves a script on loopback while its context is open.

    `formats` are the `response_format` types it takes; others get the 400 that older servers give. With
    `api_key`, requests without it get a 401. `calls`, `peak_in_flight` and `refused` (how
    many had a wrong key) are what a test looks at.
    """

    def __init__(
        self,
        script: Script,
        *,
        models: Sequence[str] = ("fake",),
        formats: Sequence[str] = ("json_schema", "json_object", "text"),
        api_key: str | None = None,
        port: int = 0,
    ) -> None:
        self.script = script
        self.models = tuple(models)
        self.formats = tuple(formats)
        self.api_key = api_key
        self.port = port
        self.calls: list[Call] = []
        self.peak_in_flight = 0
        self.refused = 0
        self._in_flight = 0
        self._handlers: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self._met = asyncio.Event()

    @property
    def url(self) -> str:
        """The base URL to give a client; valid once the context is open."""
        return f"http://127.0.0.1:{self.port}/v1"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port, backlog=1024)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        for handler in self._handlers:
            handler.cancel()
        await asyncio.gather(*self._handlers, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        handler = asyncio.current_task()
        assert handler is not None
        self._handlers.add(handler)
        # A client that goes away mid-request is that test's affair, and the end of this connection only.
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            while await self._serve_one(reader, writer):
                pass
        writer.close()
        self._handlers.discard(handler)

    async def _serve_one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Read one request and answer it; False when the connection is over."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        method, target, _ = head[0].split(" ", 2)
        headers = {
            name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:])
        }
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        if self.api_key is not None and headers.get("authorization") != f"Bearer {self.api_key}":
            self.refused += 1
            # Echoes the key, as some gateways do: a client must not pass that on to its log.
            answer: Answer = Fail(401, f"incorrect API key provided: {headers.get('authorization', 'none')}")
        elif (method, target) == ("GET", "/v1/models"):
            answer = Page(_model_list(self.models), "application/json")
        elif (method, target) == ("POST", "/v1/chat/completions"):
            answer = self._think(msgspec.json.decode(body, type=dict[str, object]))
        else:
            answer = Fail(404, f"no such path: {target}")
        self._in_flight += 1
        self.peak_in_flight = max(self.peak_in_flight, self._in_flight)
        try:
            if isinstance(answer, Meet):
                await self._meet(answer.callers)
                answer = Say(answer.text, answer.delay_ms)
            return await _deliver(answer, writer, self.models[0])
        finally:
            self._in_flight -= 1

    async def _meet(self, callers: int) -> None:
        if self._in_flight >= callers:
            self._met.set()
        await self._met.wait()

    def _think(self, body: dict[str, object]) -> Answer:
        call = Call(len(self.calls), body)
        self.calls.append(call)
        if body.get("model") not in self.models:
            return Fail(404, f"the model `{body.get('model')}` does not exist")
        wanted = body.get("response_format")
        kind = wanted.get("type") if isinstance(wanted, dict) else "text"
        if kind not in self.formats:
            return Fail(400, f"response_format type {kind!r} is not supported")
        return self.script(call)


async def _deliver(answer: Answer, writer: asyncio.StreamWriter, model: str) -> bool:
    """Send an answer; True if the connection can take another request."""
    match answer:
        case Say():
            await asyncio.sleep(answer.delay_ms / 1000)
            writer.write(_response(200, _completion(answer, model), "application/json"))
        case Fail():
            await asyncio.sleep(answer.delay_ms / 1000)
            retry = "" if answer.retry_after_s is None else f"retry-after: {answer.retry_after_s}\r\n"
            body = msgspec.json.encode({"error": {"message": answer.message, "code": None}})
            writer.write(_response(answer.status, body, "application/json", extra=retry))
        case Page():
            extra = "" if answer.location is None else f"location: {answer.location}\r\n"
            writer.write(_response(answer.status, answer.body, answer.content_type, extra=extra))
        case Noise():
            writer.write(answer.data)
        case Cut():
            writer.write(
                _response(200, b'{"id": "cut", "choices": [', "application/json", promised_bytes=4096)
            )
        case _:
            return await _misbehave(answer, writer)
    await writer.drain()
    return not isinstance(answer, Noise | Cut)


async def _misbehave(answer: Answer, writer: asyncio.StreamWriter) -> bool:
    """The answers that never come to an end of their own."""
    if isinstance(answer, Reset):
        raw = writer.get_extra_info("socket")
        # Linger 0 turns the close into a TCP reset.
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()
    elif isinstance(answer, Endless):
        writer.write(_response(200, b"", "text/event-stream", promised_bytes=1 << 40))
        while True:
            writer.write(b"data: still here\n\n" * 4096)
            await writer.drain()  # raises once the client has gone
    else:
        assert isinstance(answer, Hang)
        await asyncio.Event().wait()
    return False


def _response(
    status: int, body: bytes, content_type: str, *, extra: str = "", promised_bytes: int = 0
) -> bytes:
    head = (
        f"HTTP/1.1 {status} {_REASONS.get(status, 'Error')}\r\n"
        f"content-type: {content_type}\r\ncontent-length: {promised_bytes or len(body)}\r\n{extra}\r\n"
    )
    return head.encode("latin-1") + body


def _completion(answer: Say, model: str) -> bytes:
    inputs = 1 if answer.input_tokens is None else answer.input_tokens
    outputs = len(answer.text.split()) if answer.output_tokens is None else answer.output_tokens
    message = {"role": "assistant", "content": answer.text}
    return msgspec.json.encode(
        {
            "id": "chatcmpl-fake",
            "object": "chat.completion",
            "created": 0,
            "model": model,
            "choices": [{"index": 0, "message": message, "finish_reason": answer.finish_reason}],
            "usage": {
                "prompt_tokens": inputs,
                "completion_tokens": outputs,
                "total_tokens": inputs + outputs,
            },
        }
    )


def _model_list(models: Sequence[str]) -> bytes:
    return msgspec.json.encode(
        {"object": "list", "data": [{"id": name, "object": "model"} for name in models]}
    )


async def _serve(options: argparse.Namespace) -> None:
    says = options.say or ['{"type": "noop"}']
    script = cycle([Say(text, delay_ms=options.delay_ms) for text in says])
    async with ModelServer(script, models=[options.model], port=options.port) as server:
        sys.stdout.write(f"{server.url}\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


def main() -> None:
    """Serve from the command line until interrupted."""
    parser = argparse.ArgumentParser(
        prog="python -m ecology.testing.model_server", description="a scripted model"
    )
    parser.add_argument("--port", type=int, default=0, help="0: any free one")
    parser.add_argument("--model", default="fake")
    parser.add_argument("--delay-ms", type=int, default=0)
    parser.add_argument("--say", action="append", help="an answer; repeat for several, given in rotation")
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(parser.parse_args()))


if __name__ == "__main__":
    main()
