"""Docker engines to hold `calibrate` against: the stand-in, and the real one where there is one."""

import asyncio
import json
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest import mock

import pytest

from calibrate.docker import pipes, stats
from calibrate.docker.containers import Spec, inspect
from calibrate.docker.engine import Engine, connect
from calibrate.errors import ContainerGone, WorkloadEnded
from calibrate.reading import Reading
from calibrate.workloads.spoken import SpokenWorkload
from ecology.testing.docker_stand_in import docker_stand_in
from tests.support.speaker import RATE_OF_GLUTTONY, source

IMAGE = "python:3.13-slim"
COMMAND = ("python3", "-u", "-c", source())
SPEC = Spec(IMAGE, cpu_millis=500, memory_bytes=64 << 20, command=COMMAND)
RECORDED = Path(__file__).parents[1] / "support" / "docker" / "stats_cgroup_v1.jsonl"
ID = f"test-{os.getpid()}"


class Bench:
    """An engine, and the one thing that only the kernel behind a real one does by itself."""

    def __init__(self, engine: Engine, exhaust: Callable[[SpokenWorkload, str], Awaitable[None]]) -> None:
        self.engine = engine
        self.exhaust = exhaust
        self.docker = engine.docker

    async def run(self, name: str, **labels: str) -> str:
        """Start a container of somebody else's; its id."""
        config: dict[str, Any] = {"Image": IMAGE, "Cmd": ["sleep", "300"], "Labels": labels}
        made = await self.docker.containers.create(config, name=name)
        await made.start()
        return str(made.id)

    async def remove(self, *names: str) -> None:
        for name in names:
            await self.docker.containers.container(name).delete(force=True, v=True)


@asynccontextmanager
async def stand_in() -> AsyncIterator[Bench]:
    recorded = [json.loads(line) for line in RECORDED.read_text().splitlines()]
    with TemporaryDirectory() as folder:  # a socket's path must be short
        socket = Path(folder) / "docker.sock"
        async with (
            docker_stand_in(socket, [IMAGE], recorded) as served,
            connect(f"unix://{socket}") as engine,
        ):

            async def exhaust(_: SpokenWorkload, name: str) -> None:
                served.exhaust(name)

            yield Bench(engine, exhaust)


@asynccontextmanager
async def real() -> AsyncIterator[Bench]:
    async def exhaust(workload: SpokenWorkload, _: str) -> None:
        await workload.set_rate(RATE_OF_GLUTTONY)

    async with connect() as engine:
        yield Bench(engine, exhaust)


Story = Callable[[Bench], Awaitable[None]]


ENGINES = [stand_in, pytest.param(real, marks=pytest.mark.docker)]


PATIENT_S = 60.0
"""How long a workload may take here to end or to die, and the news of it to come: a machine may stall meanwhile."""


def played(make: Callable[[], AbstractAsyncContextManager[Bench]], story: Story) -> None:
    """Play a story on one engine; afterwards no container of its calibration may be there."""

    async def play() -> None:
        async with asyncio.timeout(120), make() as bench:
            await story(bench)
            assert await inspect(bench.engine, f"ecology-calibration-{ID}") is None, "it was removed"

    with (
        mock.patch.multiple(pipes, ENDS_WITHIN_S=PATIENT_S, KILLED_WITHIN_S=PATIENT_S),
        mock.patch.object(stats, "DIES_WITHIN_S", PATIENT_S),
    ):
        asyncio.run(play())


async def until_ended(workload: SpokenWorkload) -> str:
    while True:
        try:
            _ = workload.figures
        except WorkloadEnded as ended:
            return ended.what
        await asyncio.sleep(0.02)


async def read_on(readings: AsyncIterator[Reading]) -> str:
    """Read until it ends; why it did."""
    try:
        async for _ in readings:
            pass
    except ContainerGone as gone:
        return gone.what
    raise AssertionError("readings have no end of their own")
