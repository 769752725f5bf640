"""A workload in a container: in a fresh one that is thrown away afterwards, or as one more process in one that runs.

A fresh container can do little and leaves nothing: no network, no capabilities, no new privileges, a root that it
cannot write to, memory without swap, no log on disk, no health checks beside the work. Its `/tmp` is an anonymous
volume: files there are page cache, which the kernel takes back before anybody starves. On a tmpfs they would count as
the workload's own memory, and an archive of some hours would look like a leak.

It is not removed by the engine when it ends (`AutoRemove`), for then nobody could ask any more how it ended; `close`
does it, whatever happened. Its stdin closes with our connection, so it ends by itself even if we are killed; what is
left of it then carries labels, and the next calibration removes it (`strays`).
"""

import asyncio
import os
import platform
from contextlib import suppress
from typing import Any

import aiodocker
import aiohttp
from aiodocker.containers import DockerContainer

from calibrate.docker.containers import Container, Spec, granted, inspect, remove
from calibrate.docker.engine import Engine, faults, one_line, refused
from calibrate.docker.pipes import MARK, ContainerPipes, ExecPipes
from calibrate.docker.strays import CALIBRATION, CALIBRATOR
from calibrate.errors import CallFault, ContainerGone, WorkloadEnded
from calibrate.workloads.spoken import READY_WITHIN_S, SpokenWorkload, begin, to_the_end

LEAST_CPU_MILLIS = 10
LEAST_MEMORY_BYTES = 6 * 1024 * 1024


async def start_container(
    engine: Engine,
    spec: Spec,
    scenario: str,
    *,
    calibration: str,
    ready_within_s: float = READY_WITHIN_S,
) -> tuple[SpokenWorkload, Container]:
    """A workload in a fresh container, ready, and the container, which lives until the workload is closed.

    Raises `CallFault` for an image that is not there or has no `ecology`, and for a limit that the engine refuses;
    `WorkloadEnded` if the workload does not become ready.
    """
    _check(spec)
    made = await _create(engine, spec, calibration)
    pipes = ContainerPipes(engine, made, made.attach(stdin=True, stdout=True, stderr=True))
    try:
        await pipes.open()
        await _start(engine, made, spec)
        here = await inspect(engine, made.id)
        if here is None:
            raise ContainerGone("the container of the workload was removed as soon as it was started")
    except BaseException:
        await pipes.close()
        raise
    return await begin(pipes, scenario, ready_within_s), here


async def start_in(
    engine: Engine,
    container: Container,
    scenario: str,
    *,
    calibration: str,
    command: tuple[str, ...] = ("ecology", "workload"),
    ready_within_s: float = READY_WITHIN_S,
) -> SpokenWorkload:
    """A workload as one more process in a container that runs, ready. The container outlives it.

    Raises `CallFault` if there is no such command in the container; `WorkloadEnded` if it does not become ready.
    """
    mark = f"{MARK}={calibration}"
    here = engine.docker.containers.container(container.id)
    with faults(engine.address):
        try:
            made = await here.exec(command, stdin=True, environment=[mark])
        except aiodocker.DockerError as error:
            if error.status == 900:
                raise
            raise refused(f"run {command[0]} in container {container.name}", error) from error
    pipes = ExecPipes(engine, container, made, mark)
    try:
        await pipes.open()
    except aiodocker.DockerError as error:
        await pipes.close()
        raise _no_program(error.message, f"container {container.name}", command[0]) or refused(
            f"run {command[0]} in container {container.name}", error
        ) from error
    except BaseException:
        await pipes.close()
        raise
    try:
        return await begin(pipes, scenario, ready_within_s)
    except WorkloadEnded as ended:
        # An engine may say that there is no such program on the very pipes that it has opened for it.
        if await pipes.exit_code() in (126, 127):
            raise _missing(f"container {container.name}", command[0]) from ended
        raise


def _check(spec: Spec) -> None:
    # To the engine 0 would be no limit at all, and with too little the kernel refuses in words for its developers.
    if spec.cpu_millis is not None and spec.cpu_millis < LEAST_CPU_MILLIS:
        raise CallFault(f"a container has at least 0.01 CPUs, not {spec.cpu_millis / 1000:g}")
    if spec.memory_bytes is not None and spec.memory_bytes < LEAST_MEMORY_BYTES:
        raise CallFault(f"a container has at least 6 MB of memory, not {spec.memory_bytes} bytes")


async def _create(engine: Engine, spec: Spec, calibration: str) -> DockerContainer:
    name = f"ecology-calibration-{calibration}"
    create = asyncio.create_task(engine.docker.containers.create(_config(spec, calibration), name=name))
    with faults(engine.address):
        try:
            return await asyncio.shield(create)
        except asyncio.CancelledError:
            # The engine may have made it already: without waiting for its name nobody would remove it.
            await to_the_end(_remove_created(create))
            raise
        except aiodocker.DockerError as error:
            said = one_line(error.message)
            if error.status == 404:
                ours = spec.image.partition(":")[0] == "agent-ecology"
                remedy = "docker build --tag agent-ecology ." if ours else f"docker pull {spec.image}"
                raise CallFault(f"the engine has no image {spec.image}", remedy=remedy) from error
            if error.status == 409:
                raise CallFault(
                    f"there is a container {name} already", remedy=f"docker rm --force {name}"
                ) from error
            if error.status == 400:
                raise CallFault(f"the Docker engine refuses such a container: {said}") from error
            raise


async def _remove_created(create: "asyncio.Task[DockerContainer]") -> None:
    with suppress(aiodocker.DockerError, TimeoutError, aiohttp.ClientError):
        await remove(await create)


async def _start(engine: Engine, made: DockerContainer, spec: Spec) -> None:
    with faults(engine.address):
        try:
            await made.start()
        except aiodocker.DockerError as error:
            if error.status == 900:
                raise
            raise _no_program(error.message, f"image {spec.image}", spec.command[0]) or CallFault(
                f"a container of {spec.image} cannot be started: {one_line(error.message)}"
            ) from error


def _config(spec: Spec, calibration: str) -> dict[str, Any]:
    host: dict[str, Any] = {
        "NetworkMode": spec.network,
        "CapDrop": ["ALL"],
        "SecurityOpt": ["no-new-privileges:true"],
        "ReadonlyRootfs": True,
        "LogConfig": {"Type": "none"},
        **granted(spec),
    }
    return {
        "Image": spec.image,
        "Cmd": list(spec.command),
        "Labels": {CALIBRATION: calibration, CALIBRATOR: f"{platform.node()}/{os.getpid()}"},
        "OpenStdin": True,
        "StdinOnce": True,
        "AttachStdin": True,
        "AttachStdout": True,
        "AttachStderr": True,
        "Volumes": {"/tmp": {}},
        "Healthcheck": {"Test": ["NONE"]},
        "HostConfig": host,
    }


def _no_program(said: str, where: str, program: str) -> CallFault | None:
    missing = "executable file not found" in said or "no such file or directory" in said
    return _missing(where, program) if missing else None


def _missing(where: str, program: str) -> CallFault:
    return CallFault(
        f"{where} has no program `{program}`", remedy="use an image of agent-ecology (docker build --tag …)"
    )
