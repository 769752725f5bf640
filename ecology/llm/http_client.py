"""The sockets under the vendor's client: which URLs there can be, and answers of bounded size."""

import ssl
from collections.abc import AsyncIterator, Callable
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

import httpx2

from ecology.core.errors import UsageError
from ecology.llm.errors import ModelNonsense

MAX_ANSWER_BYTES = 8 << 20
"""Far above any completion; a URL that turns out to be an endless stream must not fill the memory."""

CONNECT_TIMEOUT_S = 5.0

# uvicorn, under vLLM and llama-cpp-python, closes a connection that was idle for 5 s. Letting go before it
# does avoids the race in which a request meets the closing socket, after which nobody knows whether it was
# served.
_KEEPALIVE_S = 4.0


def parse_url(url: str) -> tuple[str, str]:
    """A base URL as (the one to call, the one to show); the second has no password. Raises UsageError."""
    remedy = "give a base URL such as http://127.0.0.1:8080/v1"
    try:
        parts = urlsplit(url.strip())
        port = parts.port  # raises ValueError for one that is out of range
        (parts.hostname or "").encode("idna")  # the same for a name that no resolver could be asked for
    except ValueError as error:
        raise UsageError(f"the model's URL cannot be used ({error})", remedy=remedy) from None
    if (
        parts.scheme not in ("http", "https")
        or not parts.hostname
        or parts.query
        or parts.fragment
        or " " in parts.netloc
    ):
        shown = f"{parts.scheme}:…" if "@" in url else repr(url)
        raise UsageError(f"the model's URL cannot be used: {shown}", remedy=remedy)
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    public = SplitResult(
        parts.scheme, host if port is None else f"{host}:{port}", parts.path.rstrip("/"), "", ""
    )
    return url.strip().rstrip("/"), public.geturl()


Transport = Callable[[int], httpx2.AsyncBaseTransport]
"""Makes a way to the server with at most so many connections, other than over the network."""


def open_http_client(
    url: str, max_connections: int, tls: ssl.SSLContext, transport: Transport | None = None
) -> httpx2.AsyncClient:
    """A pool of at most `max_connections` to whatever `url` names, over the network or over `transport`.

    Deadlines are the caller's. Only connecting has one here; an answer may take as long as its thought does.
    """
    return httpx2.AsyncClient(
        limits=httpx2.Limits(
            max_connections=max_connections,
            max_keepalive_connections=max_connections,
            keepalive_expiry=_KEEPALIVE_S,
        ),
        timeout=httpx2.Timeout(None, connect=CONNECT_TIMEOUT_S),
        # A proxy from the environment cannot know this machine's loopback.
        trust_env=not is_loopback(url),
        event_hooks={"response": [_bound_answer]},
        follow_redirects=False,
        verify=tls,
        transport=None if transport is None else transport(max_connections),
    )


class _BoundedStream(httpx2.AsyncByteStream):
    """A body that is cut off with ModelNonsense once it exceeds MAX_ANSWER_BYTES."""

    def __init__(self, stream: httpx2.AsyncByteStream, where: str) -> None:
        self._stream = stream
        self._where = where

    async def __aiter__(self) -> AsyncIterator[bytes]:
        seen_bytes = 0
        async for chunk in self._stream:
            seen_bytes += len(chunk)
            if seen_bytes > MAX_ANSWER_BYTES:
                raise ModelNonsense(
                    f"{self._where} answers without end (over {MAX_ANSWER_BYTES} bytes)",
                    remedy="check the URL: it usually ends in /v1",
                )
            yield chunk

    async def aclose(self) -> None:
        await self._stream.aclose()


async def _bound_answer(response: httpx2.Response) -> None:
    assert isinstance(response.stream, httpx2.AsyncByteStream)
    response.stream = _BoundedStream(response.stream, str(response.url.copy_with(userinfo=b"")))


def is_loopback(url: str) -> bool:
    """Whether a URL names this machine itself."""
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
