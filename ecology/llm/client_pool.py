"""Many calls at once at a flat price: the vendor's client several times over, each with a few connections.

One connection pool looks at all of its connections for each request and asks the system about every idle one: with
300 callers that is twice the CPU of all the rest. Lanes of a few connections each keep it constant.
"""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator

import openai

from ecology.llm.http_client import Transport, open_http_client

_LANE_CONNECTIONS = 8


class ClientPool:
    """At most `max_connections` borrowed clients at a time; the most recently used first, as its connection is open."""

    def __init__(
        self, base_url: str, api_key: str, max_connections: int, transport: Transport | None = None
    ) -> None:
        assert max_connections > 0, "without a connection nobody is ever answered"
        tls = ssl.create_default_context()  # loading the authorities is slow: once, not for each lane
        self._clients = [
            openai.AsyncOpenAI(
                base_url=base_url,
                api_key=api_key,
                max_retries=0,
                http_client=open_http_client(base_url, _LANE_CONNECTIONS, tls, transport),
            )
            for _ in range(-(-max_connections // _LANE_CONNECTIONS))
        ]
        slots = [client for client in reversed(self._clients) for _ in range(_LANE_CONNECTIONS)]
        self._free = slots[-max_connections:]
        self._room = asyncio.Semaphore(max_connections)

    @contextlib.asynccontextmanager
    async def borrow(self) -> AsyncIterator[openai.AsyncOpenAI]:
        """A client with a connection to spare, for one request; waits, in order of arrival, while there is none."""
        async with self._room:
            client = self._free.pop()
            try:
                yield client
            finally:
                self._free.append(client)

    async def close(self) -> None:
        """Close all connections, borrowed ones too."""
        for client in self._clients:
            await client.close()
