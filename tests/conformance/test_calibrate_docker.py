"""What a Docker engine does for a calibration: held against the stand-in, and a real one where there is one."""

import asyncio
import os
from collections.abc import Callable

import pytest

from calibrate.docker.containers import ONE_OFF, PROJECT, SERVICE, Spec, find, find_service, inspect, twin
from calibrate.docker.stats import DockerSampler
from calibrate.docker.strays import CALIBRATION, CALIBRATOR, remove_strays
from calibrate.docker.workload import start_container, start_in
from calibrate.errors import CallFault, WorkloadEnded
from tests.conformance.docker_bench import (
    COMMAND,
    ENGINES,
    ID,
    IMAGE,
    SPEC,
    Bench,
    Story,
    played,
    read_on,
    until_ended,
)


@pytest.fixture(params=ENGINES)
def play(request: pytest.FixtureRequest) -> Callable[[Story], None]:
    return lambda story: played(request.param, story)


def test_a_workload_in_a_fresh_container_works_and_is_read(play: Callable[[Story], None]) -> None:
    async def story(bench: Bench) -> None:
        workload, container = await start_container(bench.engine, SPEC, "steady", calibration=ID)
        assert workload.ready.agents == 5
        assert container.running and container.name == f"ecology-calibration-{ID}"
        assert (container.limits.cpu_millis, container.limits.memory_bytes) == (500, 64 << 20)
        await workload.set_rate(12_345)
        while workload.figures.rate_millitokens_per_s != 12_345:
            await asyncio.sleep(0.02)
        readings = DockerSampler(bench.engine, container).readings()
        first, second = await anext(readings), await anext(readings)
        assert second.time_ns > first.time_ns and second.cpu_ns >= first.cpu_ns and second.memory_bytes > 0
        with pytest.raises(CallFault, match="there is a container"):
            await start_container(bench.engine, SPEC, "steady", calibration=ID)
        await workload.close()
        await workload.close()
        gone = await read_on(readings)
        assert "was removed" in gone or "ended (exit code 137)" in gone

    play(story)


@pytest.mark.parametrize("how", ["kill", "remove", "exhaust"])
def test_a_container_that_goes_says_how(play: Callable[[Story], None], how: str) -> None:
    async def story(bench: Bench) -> None:
        workload, container = await start_container(bench.engine, SPEC, "steady", calibration=ID)
        readings = DockerSampler(bench.engine, container).readings()
        await anext(readings)
        if how == "kill":
            await bench.docker.containers.container(container.id).kill()
            expected = ("ended (exit code 137)", "ended (exit code 137)")
        elif how == "remove":
            await bench.remove(container.id)
            expected = (
                "137",
                "its container",
            )  # the engine may be asked when it is killed and not yet removed
        else:
            await bench.exhaust(workload, container.id)
            expected = ("exit code 137, out of memory", "exit code 137, out of memory")
        assert expected[0] in await read_on(readings)
        assert expected[1] in await until_ended(workload)
        await workload.close()

    play(story)


@pytest.mark.parametrize("how", ["die", "garbage", "endless"])
def test_a_workload_that_goes_wrong_leaves_no_container(play: Callable[[Story], None], how: str) -> None:
    words = {"die": "(exit code 3)): the scenario is too small", "garbage": "protocol", "endless": "65536"}

    async def story(bench: Bench) -> None:
        workload, _ = await start_container(bench.engine, SPEC, how, calibration=ID)
        assert words[how] in await until_ended(workload)
        await workload.close()

    play(story)


def test_what_cannot_be_started_is_one_line(play: Callable[[Story], None]) -> None:
    async def refusal(bench: Bench, spec: Spec) -> CallFault:
        with pytest.raises(CallFault) as refused:
            await start_container(bench.engine, spec, "steady", calibration=ID)
        assert "\n" not in refused.value.what and len(refused.value.what) < 400
        return refused.value

    async def story(bench: Bench) -> None:
        fault = await refusal(bench, Spec("agent-ecology:of-nowhere"))
        assert fault.what == "the engine has no image agent-ecology:of-nowhere"
        assert fault.remedy == "docker build --tag agent-ecology ."
        assert "no program `workload`" in (await refusal(bench, Spec(IMAGE))).what
        assert "CPUs available" in (await refusal(bench, Spec(IMAGE, cpu_millis=10**6, command=COMMAND))).what
        assert "at least 0.01" in (await refusal(bench, Spec(IMAGE, cpu_millis=0, command=COMMAND))).what
        little = await refusal(bench, Spec(IMAGE, memory_bytes=5 << 20, command=COMMAND))
        assert "at least 6 MB" in little.what
        with pytest.raises(WorkloadEnded, match="no such scenario"):
            await start_container(bench.engine, SPEC, "early", calibration=ID)

    play(story)


def test_cancelled_while_it_starts_it_leaves_nothing(play: Callable[[Story], None]) -> None:
    async def story(bench: Bench) -> None:
        for wait_s in (0.0, 0.02, 0.3, 1.0):
            starting = asyncio.create_task(start_container(bench.engine, SPEC, "silent", calibration=ID))
            await asyncio.sleep(wait_s)
            starting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await starting
            assert await inspect(bench.engine, f"ecology-calibration-{ID}") is None

    play(story)


@pytest.mark.parametrize("how", ["steady", "deaf", "family"])
def test_a_workload_in_a_container_that_runs(
    play: Callable[[Story], None], how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(bench: Bench) -> None:
        name = f"ecology-test-host-{ID}"
        await bench.run(name)
        try:
            host = await find(bench.engine, name)
            with pytest.raises(CallFault, match="has no program `no-such-program`"):
                await start_in(bench.engine, host, "x", calibration=ID, command=("no-such-program",))
            with pytest.raises(WorkloadEnded, match=r"\(exit code 1\): no such scenario"):
                await start_in(bench.engine, host, "early", calibration=ID, command=COMMAND)
            workload = await start_in(bench.engine, host, how, calibration=ID, command=COMMAND)
            await workload.set_rate(7)
            while workload.figures.rate_millitokens_per_s != 7:
                await asyncio.sleep(0.02)
            if how == "deaf":  # it never ends by itself: it is killed
                monkeypatch.setattr("calibrate.docker.pipes.ENDS_WITHIN_S", 1.5)
            await workload.close()
            assert (await find(bench.engine, name)).running, "the container outlives it"
        finally:
            await bench.remove(name)

    play(story)


def test_a_container_that_goes_takes_the_workload_along(play: Callable[[Story], None]) -> None:
    async def story(bench: Bench) -> None:
        name = f"ecology-test-host-{ID}"
        await bench.run(name)
        host = await find(bench.engine, name)
        workload = await start_in(bench.engine, host, "steady", calibration=ID, command=COMMAND)
        await bench.remove(name)
        ended = await until_ended(workload)
        assert f"container {name} was removed" in ended or "exit code 137" in ended
        await workload.close()
        with pytest.raises(CallFault, match="there is no container"):
            await find(bench.engine, name)

    play(story)


def test_a_service_is_found_by_its_labels(play: Callable[[Story], None]) -> None:
    async def story(bench: Bench) -> None:
        service, labels = f"node-{ID}", {SERVICE: f"node-{ID}", PROJECT: "one", ONE_OFF: "False"}
        names = [f"ecology-test-{number}-{ID}" for number in (1, 2)]
        with pytest.raises(CallFault, match=f"no container of the Compose service {service} runs"):
            await find_service(bench.engine, service)
        for name in reversed(names):
            await bench.run(name, **labels)
        try:
            found, others = await find_service(bench.engine, service, "one")
            assert (found.name, others) == (names[0], (names[1],))
            spec = twin(found)
            assert spec.image.startswith("sha256:")
            assert (spec.cpu_millis, spec.memory_bytes) == (None, None), "it has no limits"
            with pytest.raises(CallFault, match="in project two"):
                await find_service(bench.engine, service, "two")
        finally:
            await bench.remove(*names)

    play(story)


def test_strays_of_a_process_that_is_gone_are_removed(play: Callable[[Story], None]) -> None:
    async def story(bench: Bench) -> None:
        here = f"machine-{ID}"
        owners = {
            "dead": f"{here}/4194999",
            "alive": f"{here}/{os.getppid()}",
            "own": f"{here}/{os.getpid()}",
        }
        for name, owner in owners.items():
            await bench.run(f"ecology-test-{name}-{ID}", **{CALIBRATION: ID, CALIBRATOR: owner})
        strays = await remove_strays(bench.engine, here, os.getpid())
        assert strays.removed == (f"ecology-test-dead-{ID}",)
        assert f"ecology-test-alive-{ID}" in strays.left
        assert f"ecology-test-own-{ID}" not in strays.left
        await bench.remove(f"ecology-test-alive-{ID}", f"ecology-test-own-{ID}")

    play(story)
