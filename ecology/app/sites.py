"""Where a calibration takes place: a fresh container, one that runs, the twin of a service's, or our own limits."""

import math
import os
import platform
import re
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Protocol

import msgspec

from calibrate.docker.containers import Container, Spec, find, find_service, granted, twin
from calibrate.docker.containers import limits as container_limits
from calibrate.docker.engine import Engine, connect
from calibrate.docker.stats import DockerSampler
from calibrate.docker.strays import remove_strays
from calibrate.docker.workload import start_container, start_in
from calibrate.errors import CallFault, EngineMissing
from calibrate.reading import Limits, Sampler
from calibrate.record import Place
from calibrate.samplers.limits import this_machine
from calibrate.samplers.own import own_sampler
from calibrate.site import Crew, Job, Site
from calibrate.workloads.child import start_child
from calibrate.workloads.spoken import SpokenWorkload
from ecology.core.clock import host_ns
from ecology.core.errors import UsageError

DEFAULT_IMAGE = "agent-ecology"
DEFAULT_CPU_MILLIS = 2000
DEFAULT_MEMORY_BYTES = 4 << 30
"""The original design's container."""

LEAST_CPU_MILLIS = 50
LEAST_MEMORY_BYTES = 192 << 20
"""What a world of one agent needs to come up at all: less, and the kernel ends it, or it takes minutes to begin."""

MOST_CPUS = 10_000
MOST_DIGITS = 18

Mix = Callable[[int], str]
"""The text of the scenario with so many agents."""

_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([kmgt]?)(?:i?b)?", re.IGNORECASE)


class Talk(Protocol):
    """Who is told what is measured."""

    def say(self, line: str) -> None:
        """A remark."""

    def warn(self, line: str) -> None:
        """What somebody must know who wants to hear of nothing else."""


class Request(msgspec.Struct, frozen=True):
    """What is to be measured: at most one of `container`, `service` and `own`, else a fresh container."""

    cpu_millis: int | None = None
    memory_bytes: int | None = None
    image: str | None = None
    container: str | None = None
    service: str | None = None
    own: bool = False

    @classmethod
    def of(
        cls,
        *,
        cpus: float | None,
        memory: str | None,
        image: str | None,
        container: str | None,
        service: str | None,
        own: bool,
    ) -> "Request":
        """From the flags of the command line. Raises UsageError for what does not go together or can bear no agent."""
        chosen = [
            flag
            for flag, given in (("--container", container), ("--service", service), ("--own", own))
            if given
        ]
        if len(chosen) > 1:
            raise UsageError(f"{' and '.join(chosen)} exclude each other", remedy="give one of them")
        limited = [
            flag
            for flag, given in (
                ("--cpus", cpus),
                ("--memory", memory),
                ("--image", image),
            )
            if given is not None
        ]
        if chosen and limited:
            raise UsageError(
                f"{limited[0]} is for a fresh container, and {chosen[0]} has its own",
                remedy=f"leave {limited[0]} out",
            )
        return cls(
            cpu_millis=None if cpus is None else _cpu_millis(cpus),
            memory_bytes=None if memory is None else _memory_bytes(memory),
            image=image,
            container=container,
            service=service,
            own=own,
        )


def _cpu_millis(cpus: float) -> int:
    if not math.isfinite(cpus) or cpus > MOST_CPUS:
        raise UsageError(f"--cpus {cpus:g}: not a number of CPUs", remedy="e.g. 0.5 or 2")
    if cpus * 1000 < LEAST_CPU_MILLIS:
        raise UsageError(
            f"--cpus {cpus:g}: an agent's world needs at least {LEAST_CPU_MILLIS / 1000:g} CPUs to come up",
            remedy="give it more",
        )
    return round(cpus * 1000)


def _memory_bytes(text: str) -> int:
    """Docker's way of writing sizes, in which k, m, g and t are powers of 1024, with or without `b` or `iB`."""
    match = _SIZE.fullmatch(text.strip())
    if match is None or len(match[1]) > MOST_DIGITS:
        raise UsageError(f"--memory {text}: not a size", remedy="e.g. 512m, 4g or 4GiB")
    memory_bytes = int(float(match[1]) * 1024 ** " kmgt".index(match[2].lower() or " "))
    if memory_bytes < LEAST_MEMORY_BYTES:
        raise UsageError(
            f"--memory {text}: an agent's world needs at least {LEAST_MEMORY_BYTES >> 20} MiB",
            remedy="give it more",
        )
    return memory_bytes


class _Crew(msgspec.Struct, frozen=True):
    workload: SpokenWorkload
    sampler: Sampler

    async def close(self) -> None:
        await self.workload.close()


async def _crew(workload: SpokenWorkload, sampler: Sampler, job: Job) -> Crew:
    try:
        await workload.set_rate(job.rate_millitokens_per_s)
    except BaseException:
        await workload.close()
        raise
    return _Crew(workload, sampler)


def _options(job: Job) -> tuple[str, ...]:
    return ("workload", "--latency", f"{job.thought_s:g}")


class FreshContainer:
    """A container of its own for each workload, thrown away afterwards."""

    def __init__(self, engine: Engine, spec: Spec, what: str, limits: Limits, mix: Mix, name: str) -> None:
        self.place = _docker_place(engine, what, limits)
        self._engine = engine
        self._spec = spec
        self._mix = mix
        self._name = name

    async def begin(self, job: Job) -> Crew:
        """As `Site.begin`."""
        spec = msgspec.structs.replace(self._spec, command=_options(job))
        workload, container = await start_container(
            self._engine, spec, self._mix(job.agents), calibration=self._name
        )
        return await _crew(workload, DockerSampler(self._engine, container), job)


class RunningContainer:
    """A container that runs, with whatever it does besides."""

    def __init__(self, engine: Engine, container: Container, mix: Mix, name: str) -> None:
        self.place = _docker_place(engine, f"container {container.name}", container.limits)
        self._engine = engine
        self._container = container
        self._mix = mix
        self._name = name

    async def begin(self, job: Job) -> Crew:
        """As `Site.begin`."""
        workload = await start_in(
            self._engine,
            self._container,
            self._mix(job.agents),
            calibration=self._name,
            command=("ecology", *_options(job)),
        )
        return await _crew(workload, DockerSampler(self._engine, self._container), job)


class OwnLimits:
    """What limits this process: its cgroups, or the machine."""

    def __init__(self, mix: Mix, environ: Mapping[str, str]) -> None:
        sampler = own_sampler(host_ns)
        machine = this_machine()
        self.place = Place(
            what=f"what this process may use ({sampler.place})",
            limits=sampler.limits,
            host_cpus=os.cpu_count() or 1,
            host_memory_bytes=machine.memory_bytes,
            cpu_model=cpu_model(),
            cgroup_version=sampler.cgroup_version,
        )
        self._mix = mix
        self._environ = environ

    async def begin(self, job: Job) -> Crew:
        """As `Site.begin`."""
        command = (sys.executable, "-m", "ecology", *_options(job))
        workload = await start_child(command, self._mix(job.agents), environment=self._environ)
        return await _crew(workload, own_sampler(host_ns), job)


@asynccontextmanager
async def site(
    request: Request, mix: Mix, environ: Mapping[str, str], name: str, talk: Talk
) -> AsyncIterator[Site]:
    """The site that was asked for. Raises a `CalibrationFault` for one that cannot be had.

    Without an engine a fresh container becomes our own limits, which is said; a container that was named does not.
    """
    if request.own:
        yield _own(mix, environ, talk.say)
        return
    async with AsyncExitStack() as stack:
        try:
            engine = await stack.enter_async_context(connect(environment=environ))
        except EngineMissing as missing:
            if request.container or request.service:
                raise
            talk.warn(f"{missing.what}{_not_imposed(request)}")
            at = _own(mix, environ, talk.warn)
        else:
            await _tidy(engine, talk.say)
            at = await _docker(engine, request, mix, name, talk.say)
        yield at


def _not_imposed(request: Request) -> str:
    """What was asked for and is not done without an engine."""
    asked = (("--cpus", request.cpu_millis), ("--memory", request.memory_bytes), ("--image", request.image))
    ignored = [flag for flag, given in asked if given is not None]
    return f"; without one {' and '.join(ignored)} cannot be imposed" if ignored else ""


async def _tidy(engine: Engine, say: Callable[[str], None]) -> None:
    """Remove what killed calibrations left, and name those that are at work."""
    strays = await remove_strays(engine, platform.node(), os.getpid())
    if strays.removed:
        say(f"removed what an earlier calibration left: {', '.join(strays.removed)}")
    if strays.left:
        say(f"another calibration seems to be at work and will disturb this one: {', '.join(strays.left)}")


def _own(mix: Mix, environ: Mapping[str, str], say: Callable[[str], None]) -> Site:
    own = OwnLimits(mix, environ)
    say(f"measuring {own.place.what}")
    _least(own.place.limits)
    return own


async def _docker(engine: Engine, request: Request, mix: Mix, name: str, say: Callable[[str], None]) -> Site:
    if request.container is not None:
        running = await find(engine, request.container)
        _least(running.limits)
        return RunningContainer(engine, running, mix, name)
    if request.service is not None:
        original, others = await find_service(engine, request.service)
        if others:
            say(f"{request.service} has {len(others) + 1} containers; measuring a twin of {original.name}")
        _least(original.limits)
        what = f"a twin of {original.name} ({original.image})"
        return FreshContainer(engine, twin(original), what, original.limits, mix, name)
    spec = Spec(
        image=request.image or DEFAULT_IMAGE,
        cpu_millis=request.cpu_millis or min(DEFAULT_CPU_MILLIS, engine.host.cpus * 1000),
        memory_bytes=request.memory_bytes or min(DEFAULT_MEMORY_BYTES, engine.host.memory_bytes),
    )
    limits, _, _ = container_limits(granted(spec), engine.host)
    return FreshContainer(engine, spec, f"a container of {spec.image}", limits, mix, name)


def _least(limits: Limits) -> None:
    """Raises `CallFault` for limits in which not even one agent can live."""
    if limits.memory_bytes < LEAST_MEMORY_BYTES:
        raise CallFault(
            f"{limits.memory_bytes >> 20} MiB of memory ({limits.source}): an agent's world needs at least"
            f" {LEAST_MEMORY_BYTES >> 20} MiB",
            remedy="give it more",
        )
    if limits.cpu_millis < LEAST_CPU_MILLIS:
        raise CallFault(
            f"{limits.cpu_millis / 1000:g} CPUs ({limits.source}): an agent's world needs at least"
            f" {LEAST_CPU_MILLIS / 1000:g} to come up",
            remedy="give it more",
        )


def _docker_place(engine: Engine, what: str, limits: Limits) -> Place:
    host = engine.host
    return Place(
        what=what,
        limits=limits,
        host_cpus=host.cpus,
        host_memory_bytes=host.memory_bytes,
        cpu_model=cpu_model() if host.name == platform.node() else "",
        cgroup_version=host.cgroup_version,
        engine=f"Docker {host.engine_version}",
    )


def cpu_model(cpuinfo: Path = Path("/proc/cpuinfo")) -> str:
    """What this machine's CPU is called; "" where nobody says."""
    try:
        for line in cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines():
            key, _, value = line.partition(":")
            if key.strip() == "model name":
                return " ".join(value.split())[:100]
    except OSError:
        pass  # not Linux
    return platform.processor()[:100]
