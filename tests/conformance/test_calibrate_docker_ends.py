"""How a calibration on a Docker engine can end otherwise than it was meant to, and what is left then."""

import asyncio
import json
import os
import platform
import signal
import sys
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from calibrate.docker.containers import inspect
from calibrate.docker.engine import connect
from calibrate.docker.stats import DockerSampler
from calibrate.docker.strays import remove_strays
from calibrate.docker.workload import start_container
from calibrate.errors import CalibrationFault, ContainerGone, EngineMissing
from calibrate.workloads.spoken import SpokenWorkload
from ecology.testing.docker_stand_in import docker_stand_in
from tests.conformance.docker_bench import (
    ENGINES,
    ID,
    IMAGE,
    RECORDED,
    SPEC,
    Bench,
    Story,
    played,
    read_on,
)
from tests.support.speaker import source


@pytest.fixture(params=ENGINES)
def play(request: pytest.FixtureRequest) -> Callable[[Story], None]:
    return lambda story: played(request.param, story)


CALIBRATOR_PROGRAM = """
import asyncio, sys
from calibrate.docker.containers import Spec
from calibrate.docker.engine import connect
from calibrate.docker.workload import start_container

async def calibrate(address, image, script, calibration):
    spec = Spec(image, command=("python3", "-u", "-c", script))
    async with connect(address) as engine:
        workload, _ = await start_container(engine, spec, "steady", calibration=calibration)
        try:
            print("at work", flush=True)
            await asyncio.sleep(300)
        finally:
            await workload.close()

asyncio.run(calibrate(*sys.argv[1:]))
"""


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_a_calibrator_that_is_ended_leaves_no_work_behind(
    play: Callable[[Story], None], how: signal.Signals
) -> None:
    async def story(bench: Bench) -> None:
        arguments = (CALIBRATOR_PROGRAM, bench.engine.address, IMAGE, source(), ID)
        calibrator = await asyncio.create_subprocess_exec(
            sys.executable, "-c", *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
        assert calibrator.stdout is not None
        assert await calibrator.stdout.readline() == b"at work\n"
        assert await inspect(bench.engine, f"ecology-calibration-{ID}") is not None
        calibrator.send_signal(how)
        await calibrator.communicate()
        if how == signal.SIGKILL:
            # Its stdin closed, so it ended; that somebody was there is seen by the next calibration.
            while (left := await inspect(bench.engine, f"ecology-calibration-{ID}")) and left.running:
                await asyncio.sleep(0.05)
            strays = await remove_strays(bench.engine, platform.node(), os.getpid())
            assert f"ecology-calibration-{ID}" in strays.removed
        assert await inspect(bench.engine, f"ecology-calibration-{ID}") is None

    play(story)


async def look_on(workload: SpokenWorkload) -> None:
    """Until it raises: the workload's listener hears of its end when it will."""
    while True:
        _ = workload.figures
        await asyncio.sleep(0.02)


def test_an_engine_that_goes_away_is_missed() -> None:
    async def story() -> None:
        with TemporaryDirectory() as folder:
            socket = Path(folder) / "docker.sock"
            stats = [json.loads(line) for line in RECORDED.read_text().splitlines()]
            async with AsyncExitStack() as stack:
                await stack.enter_async_context(docker_stand_in(socket, [IMAGE], stats))
                connection = connect(f"unix://{socket}")
                engine = await connection.__aenter__()
                workload, container = await start_container(engine, SPEC, "steady", calibration=ID)
                readings = DockerSampler(engine, container).readings()
                await anext(readings)
            with pytest.raises((EngineMissing, ContainerGone)):
                await read_on(readings)
            with pytest.raises(EngineMissing, match="no Docker engine answers"):
                await inspect(engine, container.id)
            with pytest.raises(CalibrationFault):
                await look_on(workload)
            with pytest.raises(EngineMissing):
                await workload.close()
            await connection.__aexit__(None, None, None)

    asyncio.run(asyncio.wait_for(story(), 120))
