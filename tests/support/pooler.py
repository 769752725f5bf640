"""A pooler in transaction mode, as PgBouncer has it: between two transactions a client has no server of its own.

Servers are given out in turn, so that two transactions of one client in a row meet different ones whenever there are
two. Nothing is reset in between: what a client leaves behind on a server, the next one meets.
"""

import asyncio
import queue
import struct
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any
from urllib.parse import urlsplit

HEADER = struct.Struct("!cI")
ENCRYPTED = {80877103, 80877104}
CANCEL = 80877102
PROTOCOL = 196_608
SERVERS = 2
PATIENCE_S = 60

Message = tuple[bytes, bytes]
Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def _message(reader: asyncio.StreamReader) -> Message:
    """The type of the next message, and all of its bytes."""
    head = await reader.readexactly(HEADER.size)
    kind, size = HEADER.unpack(head)
    return kind, head + await reader.readexactly(size - 4)


class Pooler:
    """Clients of one database share `SERVERS` connections to it."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        assert parts.hostname is not None and parts.port is not None and parts.username is not None
        self._server = parts.hostname, parts.port
        words = ("user", parts.username, "database", parts.path[1:], "")
        start = struct.pack("!I", PROTOCOL) + b"\0".join(word.encode() for word in words) + b"\0"
        self._start = struct.pack("!I", len(start) + 4) + start
        self._idle: asyncio.Queue[Stream] = asyncio.Queue()
        self._greeting = b""
        self._clients: set[asyncio.Task[None]] = set()

    async def connect(self) -> None:
        """One more server connection."""
        reader, writer = await asyncio.open_connection(*self._server)
        writer.write(self._start)
        greeting, kind = b"", b""
        while kind != b"Z":
            kind, message = await _message(reader)
            assert kind != b"E", message
            greeting += message
        self._greeting = greeting
        self._idle.put_nowait((reader, writer))

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve a client until it goes."""
        task = asyncio.ensure_future(self._serve(reader, writer))
        self._clients.add(task)
        task.add_done_callback(self._clients.discard)

    async def close(self) -> None:
        """Let the clients finish, then close the servers' connections."""
        await asyncio.gather(*self._clients)
        while not self._idle.empty():
            _, writer = self._idle.get_nowait()
            writer.close()
            await writer.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if await self._greeted(reader, writer):
                ahead: asyncio.Future[Message] = asyncio.ensure_future(_message(reader))
                while (await ahead)[0] != b"X":
                    ahead = await self._transaction(ahead, reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # it went without a word
        finally:
            writer.close()

    async def _greeted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        while True:
            size, code = struct.unpack("!II", await reader.readexactly(8))
            await reader.readexactly(size - 8)
            if code == CANCEL:
                return False
            if code == PROTOCOL:
                writer.write(self._greeting)
                return True
            assert code in ENCRYPTED
            writer.write(b"N")

    async def _transaction(
        self, ahead: "asyncio.Future[Message]", reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> "asyncio.Future[Message]":
        """Lend the client a server until that says that it is outside of a transaction; what the client says next."""
        server = await self._idle.get()
        back = asyncio.ensure_future(self._answers(server[0], writer))
        try:
            while not back.done():
                if ahead.done():
                    server[1].write((await ahead)[1])
                    ahead = asyncio.ensure_future(_message(reader))
                either: tuple[asyncio.Future[Any], ...] = (ahead, back)
                await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        except (asyncio.IncompleteReadError, ConnectionError):
            back.cancel()
            server[1].close()  # with it ends the transaction
            await self.connect()
            raise
        await back
        self._idle.put_nowait(server)
        return ahead

    async def _answers(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            kind, message = await _message(reader)
            writer.write(message)
            if kind == b"Z" and message.endswith(b"I"):
                return


@asynccontextmanager
async def pooled(url: str) -> AsyncIterator[str]:
    """The URL of the same database through a pooler of its own."""
    pooler = Pooler(url)
    for _ in range(SERVERS):
        await pooler.connect()
    listener = await asyncio.start_server(pooler.accept, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    parts = urlsplit(url)
    try:
        yield f"postgresql://{parts.username}@127.0.0.1:{port}{parts.path}"
    finally:
        listener.close()
        await listener.wait_closed()
        await pooler.close()


@contextmanager
def pooled_apart(url: str) -> Iterator[str]:
    """The same in a thread of its own, for clients whose event loop stands still while they wait."""
    found: queue.Queue[str] = queue.Queue()
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()

    async def pool() -> None:
        async with pooled(url) as here:
            found.put(here)
            await stop.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(pool(),), daemon=True)
    thread.start()
    try:
        yield found.get(timeout=PATIENCE_S)
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(timeout=PATIENCE_S)
        assert not thread.is_alive(), "a client did not go"
        loop.close()
