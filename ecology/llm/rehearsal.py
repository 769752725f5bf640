"""A model that is rehearsed: an OpenAI-compatible endpoint in this process, under the vendor's real client.

Only the network and the model's own thinking are left out. The vendor's client, its connection pool and HTTP/1.1 work
as they do against a server: bytes go out and bytes come back, but over memory instead of a socket, and what is answered
comes from an `Author`. So a world under a rehearsal costs what its own side costs, and no server's CPU is mixed into
that.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from typing import Any

import httpcore2
import httpx2
import msgspec

from ecology.llm.estimate import estimate_tokens
from ecology.llm.openai_chat import OpenAIChat

URL = "http://rehearsal/v1"
"""Whom the vendor's client believes to ask; no name is looked up."""

MODEL = "rehearsal"
_BYTES_PER_TOKEN = 4


class Message(msgspec.Struct, frozen=True):
    """One message of a question."""

    role: str
    content: str


class Asked(msgspec.Struct, frozen=True):
    """A question as it came over the wire; the fields that an author has no use for are left out."""

    messages: tuple[Message, ...]
    max_tokens: int = 1 << 20

    @property
    def system(self) -> str:
        """The first message."""
        return self.messages[0].content if self.messages else ""

    @property
    def user(self) -> str:
        """The second message: the question itself."""
        return self.messages[1].content if len(self.messages) > 1 else ""

    @property
    def again(self) -> bool:
        """Whether an earlier answer is complained about."""
        return len(self.messages) > 2


Author = Callable[[Asked], str | None]
"""What the model says to a question; None: the server has no time for it (503)."""

_read_question = msgspec.json.Decoder(Asked).decode


def rehearsed(
    author: Author,
    *,
    latency_s: float = 0.0,
    timeout_s: float = 60.0,
    max_connections: int = 128,
    note: Callable[[str], None] = lambda _: None,
) -> OpenAIChat:
    """The vendor's real client of a rehearsed model that answers after `latency_s` seconds of the event loop's time."""
    server = _Server(author, latency_s)
    return OpenAIChat(
        URL,
        MODEL,
        timeout_s=timeout_s,
        max_connections=max_connections,
        note=note,
        transport=lambda connections: _Transport(server, connections),
    )


class _Server:
    """Answers HTTP requests: completions, and the list of its one model."""

    def __init__(self, author: Author, latency_s: float) -> None:
        self._author = author
        self._latency_s = latency_s

    async def answer(self, target: bytes, body: bytes) -> bytes:
        """The bytes of an HTTP answer, once the model has thought."""
        if target.endswith(b"/models"):
            return _http(200, {"object": "list", "data": [{"id": MODEL, "object": "model"}]})
        asked = _read_question(body)
        await asyncio.sleep(self._latency_s)  # also where it is 0: nobody's question is answered at once
        text = self._author(asked)
        if text is None:
            return _http(503, {"error": {"message": "the model has no time"}})
        said = text.encode()[: _BYTES_PER_TOKEN * asked.max_tokens].decode(errors="ignore")
        read = sum(estimate_tokens(message.content) for message in asked.messages)
        written = estimate_tokens(said)
        return _http(
            200,
            {
                "id": "rehearsal",
                "object": "chat.completion",
                "created": 0,
                "model": MODEL,
                "choices": [
                    {
                        "index": 0,
                        "message": {"role": "assistant", "content": said},
                        "finish_reason": "stop" if said == text else "length",
                    }
                ],
                "usage": {
                    "prompt_tokens": read,
                    "completion_tokens": written,
                    "total_tokens": read + written,
                },
            },
        )


def _http(status: int, body: dict[str, object]) -> bytes:
    content = msgspec.json.encode(body)
    reason = "OK" if status == 200 else "Service Unavailable"
    head = f"HTTP/1.1 {status} {reason}\r\ncontent-type: application/json\r\ncontent-length: {len(content)}\r\n\r\n"
    return head.encode() + content


class _Wire(httpcore2.AsyncNetworkStream):
    """One connection: what is written to it is a request as soon as it is whole, what is read is its answer."""

    def __init__(self, answer: Callable[[bytes, bytes], Awaitable[bytes]]) -> None:
        self._answer = answer
        self._sent = bytearray()
        self._answered = b""

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109 - as its base has it
        self._sent += buffer

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109 - the same
        if not self._answered:
            target, body = _request(bytes(self._sent))
            self._sent.clear()
            self._answered = await self._answer(target, body)
        piece, self._answered = self._answered[:max_bytes], self._answered[max_bytes:]
        return piece

    async def aclose(self) -> None:
        """Nothing is held open."""

    def get_extra_info(self, info: str) -> object:
        """An idle connection has nothing to read: the server never ends one."""
        return False if info == "is_readable" else None


def _request(sent: bytes) -> tuple[bytes, bytes]:
    """Target and body of a request, of which the client reads no answer before it has written all of it."""
    head, _, body = sent.partition(b"\r\n\r\n")
    return head.split(b" ", 2)[1], body


class _Network(httpcore2.AsyncNetworkBackend):
    """A network on which everybody is the rehearsed server."""

    def __init__(self, server: _Server) -> None:
        self._server = server

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - as its base has it
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        return _Wire(self._server.answer)


class _Body(httpx2.AsyncByteStream):
    """An answer's body as the vendor's client reads it."""

    def __init__(self, response: httpcore2.Response) -> None:
        self._response = response

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for piece in self._response.aiter_stream():
            yield piece

    async def aclose(self) -> None:
        await self._response.aclose()


class _Transport(httpx2.AsyncBaseTransport):
    """The transport that httpx2 has for a network, over another network."""

    def __init__(self, server: _Server, max_connections: int) -> None:
        self._pool = httpcore2.AsyncConnectionPool(
            max_connections=max_connections,
            max_keepalive_connections=max_connections,
            network_backend=_Network(server),
        )

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        url = request.url
        assert isinstance(request.stream, httpx2.AsyncByteStream)
        response = await self._pool.handle_async_request(
            httpcore2.Request(
                method=request.method,
                url=httpcore2.URL(
                    scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path
                ),
                headers=request.headers.raw,
                content=request.stream,
                extensions=request.extensions,
            )
        )
        return httpx2.Response(status_code=response.status, headers=response.headers, stream=_Body(response))

    async def aclose(self) -> None:
        await self._pool.aclose()
