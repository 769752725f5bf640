"""Containers as the engine describes them: limits, state, whose service they are, and what a twin of one would be."""

import asyncio
import json
from typing import Any

import aiodocker
import msgspec
from aiodocker.containers import DockerContainer

from calibrate.docker.engine import ANSWERS_WITHIN_S, Engine, Host, faults, refused
from calibrate.errors import CallFault
from calibrate.reading import Limits

SERVICE = "com.docker.compose.service"
ONE_OFF = "com.docker.compose.oneoff"
"""True of what `docker compose run` started."""
PROJECT = "com.docker.compose.project"
CPU_PERIOD_US = 100_000
"""What the kernel takes where a container gives a quota and no period."""


class Spec(msgspec.Struct, frozen=True):
    """A container that could be started. None is no limit, which is the host's."""

    image: str
    cpu_millis: int | None = None
    memory_bytes: int | None = None
    cpuset: str = ""
    """CPUs that it may run on, `0-2,4`; "" for all."""
    network: str = "none"
    command: tuple[str, ...] = ("workload",)


class Container(msgspec.Struct, frozen=True):
    """A container at the moment it was inspected."""

    id: str
    name: str
    image: str
    """As it was named when the container was made."""
    image_id: str
    limits: Limits
    running: bool
    exit_code: int
    oom_killed: bool
    cpu_limited: bool
    memory_limited: bool
    cpuset: str = ""

    @property
    def ending(self) -> str:
        """`ended (exit code 137, out of memory)`; the kernel may have killed only a child of it."""
        memory = ", out of memory" if self.oom_killed else ""
        return f"ended (exit code {self.exit_code}{memory})"


async def inspect(engine: Engine, name: str) -> Container | None:
    """The container of this name or id; None if there is none. Raises `EngineMissing`."""
    with faults(engine.address):
        try:
            described = await engine.docker.containers.container(name).show()
        except aiodocker.DockerError as error:
            if error.status == 404:
                return None
            if error.status == 900:
                raise
            raise refused(f"inspect container {name}", error) from error
    return container(described, engine.host)


async def find(engine: Engine, name: str) -> Container:
    """The running container of this name or id. Raises `CallFault` if there is none, or it does not run."""
    found = await inspect(engine, name)
    if found is None:
        raise CallFault(f"there is no container {name}", remedy="`docker ps` lists those that run")
    if not found.running:
        raise CallFault(f"container {name} does not run: it {found.ending}", remedy=f"docker start {name}")
    return found


async def find_service(
    engine: Engine, service: str, project: str | None = None
) -> tuple[Container, tuple[str, ...]]:
    """The first running container of a Compose service, by name, and the names of the others.

    Raises `CallFault` if there is none.
    """
    labels = [f"{SERVICE}={service}", f"{ONE_OFF}=False", *([f"{PROJECT}={project}"] if project else [])]
    with faults(engine.address):
        listed = await engine.docker.containers.list(
            filters=json.dumps({"label": labels, "status": ["running"]})
        )
    names = sorted((each["Names"][0].lstrip("/"), each.id) for each in listed)
    if not names:
        where = f" in project {project}" if project else ""
        raise CallFault(
            f"no container of the Compose service {service}{where} runs",
            remedy=f"docker compose up --detach {service}",
        )
    return await find(engine, names[0][1]), tuple(name for name, _ in names[1:])


async def remove(made: DockerContainer) -> None:
    """Remove a container with its anonymous volumes, whether it runs or not, unless somebody else does.

    Raises aiodocker's errors and TimeoutError; aiodocker by itself waits for a removal as long as it takes.
    """
    try:
        async with asyncio.timeout(ANSWERS_WITHIN_S):
            await made.delete(force=True, v=True)
    except aiodocker.DockerError as error:
        if error.status not in (404, 409):  # it is gone, or going
            raise


def twin(of: Container) -> Spec:
    """A fresh container of the same image (by its id, for the tag may have moved) under the same limits."""
    return Spec(
        image=of.image_id,
        cpu_millis=of.limits.cpu_millis if of.cpu_limited else None,
        memory_bytes=of.limits.memory_bytes if of.memory_limited else None,
        cpuset=of.cpuset,
    )


def container(described: dict[str, Any], host: Host) -> Container:
    """What `/containers/{id}/json` says."""
    state, config = described["State"], described["HostConfig"]
    found, cpu_limited, memory_limited = limits(config, host)
    return Container(
        id=described["Id"],
        name=described["Name"].lstrip("/"),
        image=described["Config"]["Image"],
        image_id=described["Image"],
        limits=found,
        running=bool(state["Running"]),
        exit_code=int(state["ExitCode"]),
        oom_killed=bool(state.get("OOMKilled")),
        cpu_limited=cpu_limited,
        memory_limited=memory_limited,
        cpuset=config.get("CpusetCpus") or "",
    )


def granted(spec: Spec) -> dict[str, Any]:
    """The part of a `HostConfig` that limits such a container."""
    config: dict[str, Any] = {"CpusetCpus": spec.cpuset}
    if spec.cpu_millis is not None:
        config["NanoCpus"] = spec.cpu_millis * 1_000_000
    if spec.memory_bytes is not None:
        config |= {"Memory": spec.memory_bytes, "MemorySwap": spec.memory_bytes}
    return config


def limits(config: dict[str, Any], host: Host) -> tuple[Limits, bool, bool]:
    """The limits in a `HostConfig`, and whether time of CPU and memory have any.

    CPUs: `NanoCpus` ÷ 10⁹, or `CpuQuota` ÷ `CpuPeriod`, and no more than `CpusetCpus` names or the host has.
    """
    host_millis = host.cpus * 1000
    candidates = [(host_millis, "host (cpu)")]
    if nano := config.get("NanoCpus") or 0:
        candidates.append((nano // 1_000_000, "NanoCpus"))
    elif (quota := config.get("CpuQuota") or 0) > 0:
        candidates.append((quota * 1000 // (config.get("CpuPeriod") or CPU_PERIOD_US), "CpuQuota"))
    cpu_limited = len(candidates) > 1
    if cpuset := config.get("CpusetCpus"):
        candidates.append((cpus_in(cpuset) * 1000, "CpusetCpus"))
    # Of two that are equal the host binds: a limit that is not below what there is limits nothing.
    cpu_millis, cpu_source = min(candidates, key=lambda each: each[0])
    memory = config.get("Memory") or 0
    memory_limited = 0 < memory < host.memory_bytes
    memory_source = "Memory" if memory_limited else "host (memory)"
    found = Limits(
        max(1, cpu_millis),
        memory if memory_limited else host.memory_bytes,
        f"Docker: {cpu_source}, {memory_source}",
    )
    return found, cpu_limited, memory_limited


def cpus_in(cpuset: str) -> int:
    """How many CPUs `0-2,4` names."""
    count = 0
    for part in cpuset.split(","):
        first, _, last = part.strip().partition("-")
        count += int(last or first) - int(first) + 1
    return count
