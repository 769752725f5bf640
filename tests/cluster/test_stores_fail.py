"""PostgreSQL crashes, is restarted or has no room, Redis is gone: nothing is forgotten, and all go on by themselves."""

import asyncio
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.support.cluster import MARKET, PATIENCE_S, Cluster, cluster
from tests.support.postgres import PostgresServer
from tests.support.redis import redis_server, started
from tests.support.small_disk import small_disk

DISK_KIB = 160 * 1024


@pytest.fixture
def server() -> Iterator[PostgresServer]:
    """One that may fail without failing other tests."""
    own = PostgresServer()
    try:
        yield own
    finally:
        own.remove()


async def _seen(nodes: Cluster) -> tuple[int, int]:
    """Commits and events that somebody could rely on."""
    ((number, sequence),) = await nodes.fetch("SELECT number, sequence FROM world_head")
    return number, sequence


def _shut_down(server: PostgresServer) -> None:
    """As an operator restarts it: sessions are ended, what is in memory is written."""
    os.kill(server.pid, signal.SIGINT)
    _end(server)


def _runs(server: PostgresServer) -> bool:
    return Path(f"/proc/{server.pid}").exists()


def _end(server: PostgresServer) -> None:
    """Wait until it has ended by itself."""
    give_up = time.monotonic() + PATIENCE_S
    while _runs(server):
        assert time.monotonic() < give_up, "it does not end"
        time.sleep(0.01)
    server.crash()  # which is its keeper's end


@pytest.mark.parametrize("how", ["crash", pytest.param("shut down", marks=pytest.mark.cluster)])
def test_postgresql_is_restarted_under_the_nodes(tmp_path: Path, server: PostgresServer, how: str) -> None:
    async def scene() -> None:
        server.start()
        async with cluster(tmp_path, url=server.url()) as nodes:
            await nodes.up("a", "b")
            number, sequence = await _seen(nodes)
            await asyncio.to_thread(server.crash if how == "crash" else lambda: _shut_down(server))
            await asyncio.sleep(1)
            await asyncio.to_thread(server.start)
            await nodes.members("a", "b")
            await nodes.all_acted(sequence)
            await nodes.all_acted()
            assert (await _seen(nodes))[0] > number
            assert all("begins again" in node.said() for node in nodes.nodes.values())
            await nodes.check()

    asyncio.run(scene())


@pytest.mark.mount
def test_a_full_disk_under_the_database_stops_the_world_until_there_is_room(
    tmp_path: Path, server: PostgresServer
) -> None:
    async def scene() -> None:
        place = server.folder / "small"
        with small_disk(place, DISK_KIB):
            _move(server, place)
            server.start()
            async with cluster(tmp_path, url=server.url()) as nodes:
                await nodes.up("a", "b")
                number, sequence = await _seen(nodes)
                filler = _fill(place)

                async def complained() -> bool:
                    return all("space" in node.said() for node in nodes.nodes.values())

                await nodes.until(complained, "nobody notices that the disk is full")
                filler.unlink()
                if not server.answers():  # it may have given up over its write-ahead log
                    await asyncio.to_thread(server.crash)
                    await asyncio.to_thread(server.start)
                await nodes.members("a", "b")
                await nodes.all_acted(sequence)
                await nodes.all_acted()
                assert (await _seen(nodes))[0] > number
                await nodes.check()
            server.crash()

    asyncio.run(scene())


def _move(server: PostgresServer, place: Path) -> None:
    """Let it keep its data there."""
    owner = server.folder.stat()
    os.chown(place, owner.st_uid, owner.st_gid)
    server.data = place / "data"


def _fill(place: Path) -> Path:
    """Leave no room at all."""
    filler = place / "filler"
    with filler.open("wb", buffering=0) as file:
        size = 1 << 20
        while size:
            try:
                file.write(bytes(size))
            except OSError:
                size //= 2
    return filler


@pytest.mark.cluster
def test_redis_is_restarted_and_stays_away(tmp_path: Path) -> None:
    async def scene() -> None:
        async with redis_server() as redis, cluster(tmp_path, redis=redis.url) as nodes:
            nodes.world = MARKET
            await nodes.up("a", "b")

            async def connected(want: float) -> bool:
                found = [await node.metrics() for node in nodes.nodes.values()]
                return all(it["ecology_hints_connected"] == want for it in found)

            await nodes.until(lambda: connected(1), "no hint arrives")
            generations = (await nodes.membership()).members
            redis.crash()
            await nodes.until(lambda: connected(0), "nobody notices that Redis is gone")
            polled = await _polled(nodes)

            async def by_poll() -> bool:
                return await _polled(nodes) > polled

            await nodes.until(by_poll, "nobody is woken by poll")
            await nodes.all_acted()
            await started(redis)
            await nodes.until(lambda: connected(1), "hints do not come back")
            redis.crash()
            await nodes.all_acted()
            assert (await nodes.membership()).members == generations  # no reason to begin again
            await nodes.check()

    asyncio.run(scene())


async def _polled(nodes: Cluster) -> float:
    found = [await node.metrics() for node in nodes.nodes.values()]
    return sum(it['ecology_wakes_total{how="poll"}'] for it in found)


@pytest.mark.cluster
def test_a_node_starts_without_redis(tmp_path: Path) -> None:
    async def scene() -> None:
        async with redis_server() as redis, cluster(tmp_path, redis=redis.url) as nodes:
            assert urlsplit(redis.url).port
            redis.crash()
            await nodes.up("a", "b")
            await nodes.check()

    asyncio.run(scene())


@pytest.mark.cluster
def test_a_shutdown_that_waits_for_the_nodes_lets_them_go_on_and_leave(
    tmp_path: Path, server: PostgresServer
) -> None:
    async def scene() -> None:
        server.start()
        async with cluster(tmp_path, url=server.url()) as nodes:
            await nodes.up("a", "b")
            number, sequence = await _seen(nodes)
            os.kill(server.pid, signal.SIGTERM)  # nobody new is let in; it ends when the last has gone

            async def closed() -> bool:
                return not await asyncio.to_thread(server.answers)

            await nodes.until(closed, "it lets others in")
            assert _runs(server)
            for node in list(nodes.nodes.values()):
                assert await node.stop() == 130
            await asyncio.to_thread(_end, server)
            await asyncio.to_thread(server.start)
            assert (await _seen(nodes))[0] > number
            await nodes.up("a", "c")
            await nodes.all_acted(sequence)
            await nodes.check()

    asyncio.run(scene())
