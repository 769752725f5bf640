"""A workload as a child process, and how it can end."""

import asyncio
import os
import signal
import sys

import psutil
import pytest

from calibrate.errors import CallFault, WorkloadEnded
from calibrate.workloads.child import start_child
from calibrate.workloads.spoken import SpokenWorkload
from tests.support.children import living
from tests.support.speaker import source

COMMAND = (sys.executable, "-u", "-c", source())


async def speak(how: str) -> SpokenWorkload:
    return await start_child(COMMAND, how)


async def until_ended(workload: SpokenWorkload) -> WorkloadEnded:
    async with asyncio.timeout(60):
        while True:
            try:
                _ = workload.figures
            except WorkloadEnded as ended:
                return ended
            await asyncio.sleep(0.02)


BEFORE: set[int] = set()
"""Children that other tests in this process have left running, such as the workers of their sandboxes."""


@pytest.fixture(autouse=True)
def _remembered() -> None:
    BEFORE.clear()
    BEFORE.update(child.pid for child in living(lambda _: True, recursive=True))


def children() -> list[psutil.Process]:
    return living(lambda child: child.pid not in BEFORE, recursive=True)


@pytest.mark.parametrize("how", ["steady", "newer"])
def test_it_tells_figures_and_obeys_rates(how: str) -> None:
    async def scenario() -> None:
        workload = await speak(how)
        assert workload.ready.agents == 5
        await workload.set_rate(12_345)
        async with asyncio.timeout(60):
            while workload.figures.rate_millitokens_per_s != 12_345:
                await asyncio.sleep(0.02)
        await workload.close()
        await workload.close()
        with pytest.raises(WorkloadEnded):
            await workload.set_rate(1)
        assert not children()

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ("garbage", "not of its protocol"),
        ("endless", "a line of more than 65536 bytes"),
        ("backwards", "turns went backwards"),
        ("die", r"\(exit code 3\): the scenario is too small"),
    ],
)
def test_a_workload_that_goes_wrong_is_at_its_end(how: str, words: str) -> None:
    async def scenario() -> None:
        workload = await speak(how)
        ended = await until_ended(workload)
        assert ended.what.isprintable()
        with pytest.raises(WorkloadEnded, match=words):
            raise ended
        with pytest.raises(WorkloadEnded, match=words):
            await workload.set_rate(1)
        await workload.close()
        assert not children()

    asyncio.run(scenario())


def test_one_that_is_killed_says_by_what() -> None:
    async def scenario() -> None:
        workload = await speak("steady")
        os.kill(children()[0].pid, signal.SIGKILL)
        assert "killed by SIGKILL" in (await until_ended(workload)).what
        await workload.close()

    asyncio.run(scenario())


def test_one_that_never_becomes_ready_leaves_nothing_behind() -> None:
    async def scenario() -> None:
        with pytest.raises(WorkloadEnded, match="no such scenario"):
            await speak("early")
        with pytest.raises(WorkloadEnded, match=r"not ready within 0\.5 s"):
            await start_child(COMMAND, "silent", ready_within_s=0.5)
        with pytest.raises(CallFault, match="cannot be started"):
            await start_child(("/nowhere/ecology",), "steady")
        assert not children()

    asyncio.run(scenario())


def lives(process: psutil.Process) -> bool:
    """Whether it does, also one whose parent has ended before it."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.mark.parametrize("how", ["deaf", "family"])
def test_its_whole_group_is_ended(how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("calibrate.workloads.child.ENDS_WITHIN_S", 0.5)

    async def scenario() -> None:
        workload = await speak(how)
        family = children()
        assert family
        await workload.close()
        async with asyncio.timeout(60):  # left alone they would live for five minutes
            while any(map(lives, family)):
                await asyncio.sleep(0.02)

    asyncio.run(scenario())


def test_cancelled_while_it_starts_it_is_ended() -> None:
    async def scenario() -> None:
        starting = asyncio.create_task(speak("silent"))
        while not children():
            await asyncio.sleep(0.02)
        starting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await starting
        assert not children()

    asyncio.run(scenario())
