"""A real Redis for tests, and ways between it and its clients that can be cut or are encrypted."""

import asyncio
import os
import signal
import ssl
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import trustme

from ecology.app.local_redis import LocalRedis
from ecology.app.local_server import HOST, LocalServer, free_port

LIMIT_S = 60


@asynccontextmanager
async def redis_server(
    *, password: str = "", port: int = 0, options: tuple[str, ...] = ()
) -> AsyncIterator[LocalRedis]:
    """A server of the test's own."""
    server = LocalRedis(
        Path(tempfile.mkdtemp(prefix="redis-")), password=password, port=port, options=options
    )
    try:
        await started(server)
        yield server
    finally:
        server.remove()


async def started(server: LocalServer) -> None:
    """Start it and wait until it is up."""
    server.launch()
    await server.up()


@asynccontextmanager
async def paused(server: LocalRedis) -> AsyncIterator[None]:
    """Meanwhile the server keeps its connections and answers nothing."""
    os.kill(server.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(server.pid, signal.SIGCONT)


async def until(true: Callable[[], bool]) -> None:
    """Wait until it is true; it fails after a time in which a machine under load would have got there."""
    give_up = time.monotonic() + LIMIT_S
    while not true():
        assert time.monotonic() < give_up, "it never came true"
        await asyncio.sleep(0.005)


class Certificates:
    """An authority of the test's own and a certificate of it for `localhost`."""

    def __init__(self, folder: Path) -> None:
        self.authority = folder / "authority.pem"
        authority = trustme.CA()
        authority.cert_pem.write_to_path(str(self.authority))
        self._leaf = authority.issue_cert("localhost")

    def server(self) -> ssl.SSLContext:
        """What the server shows."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self._leaf.configure_cert(context)
        return context


class Way:
    """A way to a server over a port of its own: encrypted, if `tls` is given; `cut` lets nothing through for ever."""

    def __init__(self, port: int, tls: ssl.SSLContext | None = None) -> None:
        self._target = port
        self._tls = tls
        self._streams: set[asyncio.StreamWriter] = set()
        self._open = asyncio.Event()
        self._open.set()
        self.port = free_port()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._streams.add(writer)
        try:
            while data := await reader.read(65536):
                await self._open.wait()
                writer.write(data)
                await writer.drain()
        except (ConnectionError, ssl.SSLError):
            pass  # the other side went without a word
        finally:
            writer.close()
            self._streams.discard(writer)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        onward, back = await asyncio.open_connection(HOST, self._target)
        await asyncio.gather(self._carry(reader, back), self._carry(onward, writer))

    def cut(self) -> None:
        """From now on nothing arrives, and nobody is told so."""
        self._open.clear()

    def mend(self) -> None:
        """What waited arrives after all."""
        self._open.set()

    @asynccontextmanager
    async def kept_open(self) -> AsyncIterator["Way"]:
        """The way exists meanwhile."""
        server = await asyncio.start_server(self._accept, HOST, self.port, ssl=self._tls)
        try:
            yield self
        finally:
            self.mend()
            server.close()
            for writer in list(self._streams):
                writer.close()
            await until(lambda: not self._streams)
            await server.wait_closed()
