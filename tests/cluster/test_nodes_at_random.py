"""One fault after the other, by chance: what nobody thought of. A failure shows its seed and what was done."""

import asyncio
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from ecology.core.seeds import Draw
from tests.support.cluster import MARKET, WORLD, Cluster, cluster
from tests.support.postgres import PostgresServer
from tests.support.wire import Wire

NAMES = ("a", "b", "c")
FAULTS = 20
SPANS_S = (0.1, 0.5, 2, 6)
"""Shorter and longer than a lease."""


class Storm:
    """Three nodes, each with wires of its own to both servers."""

    def __init__(self, nodes: Cluster, server: PostgresServer, seed: int) -> None:
        self.nodes = nodes
        self.done: list[str] = []
        self._server = server
        self._draw = Draw(seed)
        self._postgres: dict[str, Wire] = {}
        self._redis: dict[str, Wire] = {}
        self._deeds = (
            *(self._kill, self._restart, self._pause, self._cut, self._close),
            *(self._slow, self._silence, self._crash),
        )

    @asynccontextmanager
    async def wired(self) -> AsyncIterator[None]:
        """The wires are there meanwhile."""
        port = urlsplit(self.nodes.redis).port
        assert port is not None
        async with AsyncExitStack() as stack:
            for name in NAMES:
                self._postgres[name] = await stack.enter_async_context(Wire(self._server.port).drawn())
                self._redis[name] = await stack.enter_async_context(Wire(port).drawn())
            yield

    def start(self, name: str) -> None:
        """The node of that name, over its wires."""
        redis = self._redis[name].url(self.nodes.redis)
        self.nodes.start(name, url=self._postgres[name].url(self.nodes.url), redis=redis)

    async def blow(self) -> None:
        """The next fault."""
        name, span_s = self._draw.choice(NAMES), self._draw.choice(SPANS_S)
        if self.nodes.nodes[name].process.poll() is not None:
            self.start(name)
        deed = self._draw.choice(self._deeds)
        self.done.append(f"{deed.__name__} {name} {span_s}")
        await deed(name, span_s)
        await asyncio.sleep(self._draw.below(1_000) / 1_000)

    async def _kill(self, name: str, span_s: float) -> None:
        self.nodes.nodes[name].kill()
        await asyncio.sleep(span_s / 2)
        self.start(name)

    async def _restart(self, name: str, span_s: float) -> None:
        assert await self.nodes.nodes[name].stop() == 130
        self.start(name)

    async def _pause(self, name: str, span_s: float) -> None:
        node = self.nodes.nodes[name]
        node.signal(signal.SIGSTOP)
        await asyncio.sleep(span_s)
        node.signal(signal.SIGCONT)

    async def _cut(self, name: str, span_s: float) -> None:
        self._postgres[name].cut()
        await asyncio.sleep(span_s)
        self._postgres[name].mend()

    async def _close(self, name: str, span_s: float) -> None:
        self._postgres[name].close()
        await asyncio.sleep(span_s / 2)
        self._postgres[name].mend()

    async def _slow(self, name: str, span_s: float) -> None:
        self._postgres[name].delay_s = 0.02
        await asyncio.sleep(span_s)
        self._postgres[name].delay_s = 0.0

    async def _silence(self, name: str, span_s: float) -> None:
        self._redis[name].cut()
        await asyncio.sleep(span_s)
        self._redis[name].mend()

    async def _crash(self, name: str, span_s: float) -> None:
        await asyncio.to_thread(self._server.crash)
        await asyncio.sleep(span_s / 2)
        await asyncio.to_thread(self._server.start)


@pytest.fixture
def server() -> Iterator[PostgresServer]:
    """One that may crash without failing other tests."""
    own = PostgresServer()
    try:
        yield own.start()
    finally:
        own.remove()


@pytest.mark.cluster
@pytest.mark.parametrize(("seed", "world"), [(1, WORLD), (2, MARKET)], ids=["quick", "market"])
def test_whatever_comes_the_world_goes_on(
    tmp_path: Path, server: PostgresServer, seed: int, world: tuple[str, ...]
) -> None:
    async def scene() -> None:
        async with cluster(tmp_path, url=server.url()) as nodes:
            nodes.world = world
            storm = Storm(nodes, server, seed)
            async with storm.wired():
                for name in NAMES:
                    storm.start(name)
                await nodes.members(*NAMES)
                for _ in range(FAULTS):
                    await storm.blow()
                for name in NAMES:
                    if nodes.nodes[name].process.poll() is not None:
                        storm.start(name)
                await nodes.members(*NAMES)
                await nodes.all_acted()
                try:
                    await nodes.check()
                except AssertionError as error:
                    raise AssertionError((seed, storm.done)) from error

    asyncio.run(scene())
