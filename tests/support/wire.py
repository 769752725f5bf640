"""A wire between a process and a server: it can be cut without a word, be closed, and be as slow as a long one."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

HOST = "127.0.0.1"
CHUNK = 65_536

Ends = tuple[asyncio.StreamWriter, asyncio.StreamWriter]


class Wire:
    """Forwards from a port of its own to the server's; `mend` is for those who connect after it."""

    def __init__(self, target: int) -> None:
        self.port = 0
        self.delay_s = 0.0
        """How long every piece takes, in either direction."""
        self._target = target
        self._whole = True
        self._pairs: list[Ends] = []
        self._tasks: set[asyncio.Task[None]] = set()

    def url(self, url: str) -> str:
        """The server's URL by way of this wire."""
        assert f":{self._target}/" in url
        return url.replace(f":{self._target}/", f":{self.port}/")

    def ports(self) -> list[int]:
        """The ports from which the server sees this wire's connections come."""
        return [onward.get_extra_info("sockname")[1] for _, onward in self._pairs]

    def cut(self) -> None:
        """Nothing arrives any more, and nobody is told so; a new connection is taken and not answered."""
        self._whole = False

    def close(self) -> None:
        """Every connection is reset, and so is each that is tried."""
        self.cut()
        for pair in self._pairs:
            for writer in pair:
                writer.transport.abort()

    def mend(self) -> None:
        """New connections are whole again; what the old ones were told is lost with them."""
        self.close()
        self._pairs.clear()
        self._whole = True

    @asynccontextmanager
    async def drawn(self) -> AsyncIterator["Wire"]:
        """It exists meanwhile."""
        server = await asyncio.start_server(self._accept, HOST, 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            self.close()
            for task in list(self._tasks):
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        with suppress(OSError, asyncio.CancelledError):  # either side may go when it likes
            try:
                await self._join(reader, writer)
            finally:
                writer.transport.abort()

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        onward_reader, onward = await asyncio.open_connection(HOST, self._target)
        pair = (writer, onward)
        self._pairs.append(pair)
        try:
            await asyncio.gather(self._carry(reader, onward), self._carry(onward_reader, writer))
        finally:
            onward.transport.abort()
            if pair in self._pairs:
                self._pairs.remove(pair)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(CHUNK):
            if self.delay_s:
                await asyncio.sleep(self.delay_s)
            if not self._whole:
                continue
            writer.write(data)
            await writer.drain()
        writer.transport.abort()
