"""What a container uses, from the engine's stream `/containers/{id}/stats?stream=1`, about once a second.

- `time_ns`: the `read` stamp, to the nanosecond; two stamps make the Δt of `calibrate.reading.usage`
- `cpu_ns`: `cpu_stats.cpu_usage.total_usage`; on cgroup v1 `cpuacct.usage`, on v2 `usage_usec` · 1000
- periods: `cpu_stats.throttling_data`; `throttled_time` is in nanoseconds whatever the cgroup version
- `memory_bytes`: as `docker stats` has it since 20.10 (`calculateMemUsageUnixNoCache`): usage - `total_inactive_file`
  (v1) or usage - `inactive_file` (v2), as long as what is subtracted is less than the usage; else v1 falls back to its
  own `inactive_file`, and after that usage itself is the answer
- `oom_kills`: the engine's `oom` events since the stream began, which it has on both cgroup versions. `failcnt` is not
  it: on v1 it counts how often the limit was met, on v2 it is the `oom` field of `memory.events`, which counts retries
- pressure: None. No released Engine API has the kernel's PSI; cgroup files have

`docker stats`' own CPU % is a share of one core in jiffies, and is not used.
"""

import asyncio
import calendar
import re
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress

import msgspec

from calibrate.docker.containers import Container, inspect
from calibrate.docker.engine import Engine, lines_of
from calibrate.errors import CalibrationFault, ContainerGone, EngineMissing
from calibrate.reading import Limits, Reading

SILENT_WITHIN_S = 30.0
DIES_WITHIN_S = 0.5
STAMP = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(?:Z|([+-])(\d\d):(\d\d))", re.ASCII
)
NEVER = "0001-01-01"
"""Go's zero time: of a container that does not run (any more), or of a stream that has only begun."""


class _CpuUsage(msgspec.Struct):
    total_usage: int = 0


class _Throttling(msgspec.Struct):
    periods: int = 0
    throttled_periods: int = 0
    throttled_time: int = 0


class _Cpu(msgspec.Struct):
    cpu_usage: _CpuUsage = msgspec.field(default_factory=_CpuUsage)
    throttling_data: _Throttling = msgspec.field(default_factory=_Throttling)


class _Memory(msgspec.Struct):
    usage: int = 0
    stats: dict[str, int] = msgspec.field(default_factory=dict)


class _Stats(msgspec.Struct):
    read: str = NEVER
    cpu_stats: _Cpu = msgspec.field(default_factory=_Cpu)
    memory_stats: _Memory = msgspec.field(default_factory=_Memory)


def reading(stats: bytes, oom_kills: int = 0) -> Reading | None:
    """One line of the stream as a `Reading`; None for one that says nothing: no time, no CPU, or no memory.

    Raises `CalibrationFault` for what no engine that we know would say.
    """
    try:
        said = msgspec.json.decode(stats, type=_Stats)
    except msgspec.DecodeError as error:
        raise CalibrationFault(f"the engine's statistics are not understood: {error}") from error
    if said.read.startswith(NEVER) or not said.cpu_stats.cpu_usage.total_usage or not said.memory_stats.usage:
        return None
    throttling = said.cpu_stats.throttling_data
    return Reading(
        time_ns=unix_ns(said.read),
        cpu_ns=said.cpu_stats.cpu_usage.total_usage,
        memory_bytes=working_set(said.memory_stats.usage, said.memory_stats.stats),
        periods=throttling.periods,
        throttled_periods=throttling.throttled_periods,
        throttled_ns=throttling.throttled_time,
        oom_kills=oom_kills,
    )


def working_set(usage: int, stats: dict[str, int]) -> int:
    """Bytes that are used, without the page cache that lies idle: the rule of `docker stats`, see above."""
    for idle in (stats.get("total_inactive_file"), stats.get("inactive_file")):
        if idle is not None and idle < usage:
            return usage - idle
    return usage


def unix_ns(stamp: str) -> int:
    """Nanoseconds since 1970 of an RFC 3339 time with up to nine decimals, exactly. Raises `CalibrationFault`."""
    match = STAMP.fullmatch(stamp)
    if match is None:
        raise CalibrationFault(f"the engine's statistics have no time that is understood: {stamp[:40]!r}")
    *calendar_parts, decimals, sign, hours, minutes = match.groups()
    seconds = calendar.timegm(tuple(map(int, calendar_parts)))
    if sign:
        seconds -= int(f"{sign}1") * (int(hours) * 3600 + int(minutes) * 60)
    return seconds * 1_000_000_000 + int((decimals or "").ljust(9, "0"))


class DockerSampler:
    """A `Sampler` of one container; `limits` are those it had when it was looked up."""

    def __init__(self, engine: Engine, container: Container) -> None:
        self._engine = engine
        self._container = container
        self.limits: Limits = container.limits

    async def readings(self) -> AsyncGenerator[Reading, None]:
        """Readings without end. Raises `ContainerGone` when it ended, was removed or restarted; `EngineMissing`."""
        events = _Events(self._engine, self._container.id)
        path = f"containers/{self._container.id}/stats"
        last: Reading | None = None
        try:
            async with aclosing(
                lines_of(self._engine, path, {"stream": "1"}, silent_within_s=SILENT_WITHIN_S)
            ) as lines:
                async for line in lines:
                    events.check()
                    now = reading(line, events.oom_kills)
                    if now is None:
                        await self._must_run(events)
                    elif last is not None and now.cpu_ns < last.cpu_ns:
                        raise ContainerGone(f"container {self._container.name} was restarted")
                    elif last is None or now.time_ns > last.time_ns:
                        last = now
                        yield now
            await self._must_run(events)
            raise EngineMissing(f"the Docker engine at {self._engine.address} ended its statistics")
        finally:
            await events.close()

    async def _must_run(self, events: "_Events") -> None:
        """Raise `ContainerGone`, with how it ended, unless the container runs."""
        name = self._container.name
        now = await inspect(self._engine, self._container.id)
        if now is None:
            raise ContainerGone(f"container {name} was removed{await events.exit_code()}")
        if not now.running:
            raise ContainerGone(f"container {name} {now.ending}")


class _Actor(msgspec.Struct):
    attributes: dict[str, str] = msgspec.field(default_factory=dict, name="Attributes")


class _Event(msgspec.Struct):
    action: str = msgspec.field(default="", name="Action")
    actor: _Actor = msgspec.field(default_factory=_Actor, name="Actor")


class _Events:
    """What the engine tells of one container while it is sampled."""

    def __init__(self, engine: Engine, container_id: str) -> None:
        self.oom_kills = 0
        """How often the kernel killed in it for want of memory, as far as was heard."""
        self._exit_code: str | None = None
        self._died = asyncio.Event()
        filters = {"type": ["container"], "container": [container_id], "event": ["oom", "die"]}
        self._listening = asyncio.create_task(
            self._listen(engine, {"filters": msgspec.json.encode(filters).decode()})
        )

    async def exit_code(self) -> str:
        """How the container ended, in brackets, if that is heard soon: nobody else knows it any more."""
        with suppress(TimeoutError):
            async with asyncio.timeout(DIES_WITHIN_S):
                await self._died.wait()
        if self._exit_code is None:
            return ""
        return f" (exit code {self._exit_code}{', out of memory' if self.oom_kills else ''})"

    def check(self) -> None:
        """Raise what ended the listening, if it was not the engine."""
        if self._listening.done() and (fault := self._listening.exception()) is not None:
            raise CalibrationFault(f"the Docker engine's events make no sense: {fault}") from fault

    async def close(self) -> None:
        """Hear no more."""
        self._listening.cancel()
        await asyncio.wait([self._listening])

    async def _listen(self, engine: Engine, params: dict[str, str]) -> None:
        # If the engine ends this, it ends the statistics too, and there somebody hears of it.
        with suppress(EngineMissing):
            async with aclosing(lines_of(engine, "events", params)) as lines:
                async for line in lines:
                    event = msgspec.json.decode(line, type=_Event)
                    if event.action == "oom":
                        self.oom_kills += 1
                    elif event.action == "die":
                        self._exit_code = event.actor.attributes.get("exitCode")
                        self._died.set()
