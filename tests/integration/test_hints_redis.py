"""Hints over a Redis that restarts, hangs, is cut off or was never there: counted, shown, and over by themselves."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from ecology.app.local_redis import LocalRedis
from ecology.app.local_server import HOST, free_port
from ecology.nodes.redis_hints import RedisHints
from tests.support import patient
from tests.support.redis import Way, paused, redis_server, started, until


class Ends:
    """Two nodes, and how often the second was told to look."""

    def __init__(self, url: str) -> None:
        self.one, self.two = RedisHints(url, "w", "n1"), RedisHints(url, "w", "n2")
        self.looks = 0

    def look(self) -> None:
        """What the second node is to do."""
        self.looks += 1

    async def settled(self) -> None:
        """Wait until both hear."""
        await until(lambda: self.one.state().connected and self.two.state().connected)
        self.looks = 0

    async def silent(self) -> None:
        """Wait until both know that they hear nothing."""
        await until(lambda: not self.one.state().connected and not self.two.state().connected)

    async def hear_each_other(self) -> None:
        """A hint arrives; another one, if the server stood still just then and the first was dropped."""
        while not await self._told():
            pass
        await until(lambda: self.looks > 0)

    async def _told(self) -> bool:
        """Whether a hint was sent, and not dropped."""
        await self.settled()
        before = self.one.state()
        self.one.tell(["n2"])
        await until(lambda: (now := self.one.state()).sent + now.dropped > before.sent + before.dropped)
        return self.one.state().sent > before.sent


@asynccontextmanager
async def ends(url: str) -> AsyncIterator[Ends]:
    both = Ends(url)
    await both.one.start(lambda: None)
    await both.two.start(both.look)
    try:
        yield both
    finally:
        await both.one.stop()
        await both.two.stop()


def with_redis(story: Callable[[LocalRedis, Ends], Awaitable[None]], password: str = "") -> None:
    """Play a story of two nodes that heard each other before it and must do so after it."""

    async def play() -> None:
        async with redis_server(password=password) as server, ends(server.url) as both:
            await both.hear_each_other()
            await story(server, both)
            await both.hear_each_other()
            assert both.two.state().last_error.startswith(f"Redis at {HOST}:{server.port} ")

    asyncio.run(play())


@pytest.fixture
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only a server that hangs up is lost: what a slow one would add to the counts is left out."""
    patient.with_redis(monkeypatch)


@pytest.mark.usefixtures("patience")
def test_a_restart_is_noticed_counted_and_over_by_itself() -> None:
    async def story(server: LocalRedis, both: Ends) -> None:
        server.crash()
        await both.silent()
        both.one.tell(["n2", "n3"])
        assert both.one.state().dropped == 2
        both.looks = 0
        await started(server)
        await until(lambda: both.looks > 0)  # hints in between are gone
        assert both.two.state().reconnections == 1
        assert both.one.state().sent == 1

    with_redis(story)


@pytest.mark.usefixtures("patience")
def test_a_server_that_was_killed_and_stays_away_is_waited_for() -> None:
    async def story(server: LocalRedis, both: Ends) -> None:
        os.kill(server.pid, signal.SIGKILL)
        await both.silent()
        await until(lambda: "Connection refused" in both.two.state().last_error)
        server.crash()
        await started(server)

    with_redis(story)


def test_a_server_that_hangs_is_noticed() -> None:
    async def story(server: LocalRedis, both: Ends) -> None:
        async with paused(server):
            dropped = both.one.state().dropped
            both.one.tell(["n2"])
            await until(lambda: both.one.state().dropped == dropped + 1)
            await both.silent()
            assert both.two.state().last_error.endswith("does not answer")

    with_redis(story)


@pytest.mark.usefixtures("patience")
def test_a_connection_that_the_server_closes_is_made_again() -> None:
    async def story(server: LocalRedis, both: Ends) -> None:
        reader, writer = await asyncio.open_connection(HOST, server.port)
        writer.write(b"CLIENT KILL TYPE pubsub\r\nCLIENT KILL TYPE normal SKIPME yes\r\n")
        await reader.readuntil(b"\n")
        writer.close()
        await writer.wait_closed()
        await until(lambda: both.one.state().reconnections == 1 and both.two.state().reconnections == 1)

    with_redis(story)


@pytest.mark.usefixtures("patience")
def test_a_restart_with_another_password_is_shown_and_waited_out() -> None:
    async def story(server: LocalRedis, both: Ends) -> None:
        settings = server.folder / "redis.conf"
        before = settings.read_text()
        server.crash()
        settings.write_text(before.replace("requirepass first", "requirepass second"))
        await started(server)
        await until(lambda: "knows no such user and password" in both.two.state().last_error)
        assert not both.two.state().connected
        server.crash()
        settings.write_text(before)
        await started(server)

    with_redis(story, password="first")


def test_a_cut_network_is_noticed_and_its_mending_too() -> None:
    async def story() -> None:
        async with (
            redis_server() as server,
            Way(server.port).kept_open() as way,
            ends(f"redis://{HOST}:{way.port}") as both,
        ):
            await both.hear_each_other()
            way.cut()
            await both.silent()
            both.one.tell(["n2"])
            assert both.one.state().dropped >= 1
            way.mend()
            await both.hear_each_other()

    asyncio.run(story())


@pytest.mark.usefixtures("patience")
def test_a_redis_that_comes_late_is_found() -> None:
    async def story() -> None:
        port = free_port()
        async with ends(f"redis://{HOST}:{port}") as both:
            state = both.one.state()
            assert not state.connected
            assert state.last_error == f"Redis at {HOST}:{port} cannot be reached: Connection refused"
            both.one.tell(["n2"])
            assert both.one.state().dropped == 1
            async with redis_server(port=port):
                await both.hear_each_other()
                assert both.one.state().reconnections == 0

    asyncio.run(story())


def test_a_redis_that_hangs_at_the_start_does_not_hold_up_the_node() -> None:
    async def story() -> None:
        async with redis_server() as server:
            async with paused(server), ends(server.url) as both:
                assert both.one.state().last_error == f"Redis at {HOST}:{server.port} does not answer"
                assert not both.one.state().connected
            async with ends(server.url) as both:
                await both.hear_each_other()

    asyncio.run(story())


def test_a_name_that_is_not_known_yet_is_waited_for() -> None:
    async def story() -> None:
        async with ends("redis://no-such-host.invalid") as both:
            state = both.one.state()
            assert not state.connected
            assert state.last_error.startswith("Redis at no-such-host.invalid:6379 cannot be reached: ")

    asyncio.run(story())


@pytest.mark.usefixtures("patience")
def test_hints_over_a_unix_socket() -> None:
    async def story() -> None:
        async with redis_server() as server:
            socket = server.folder / "socket"
            server.crash()
            with (server.folder / "redis.conf").open("a") as settings:
                settings.write(f"unixsocket {socket}\n")
            await started(server)
            async with ends(f"unix://{socket}") as both:
                await both.hear_each_other()
                server.crash()
                await both.silent()
                await started(server)
                await both.hear_each_other()

    asyncio.run(story())
