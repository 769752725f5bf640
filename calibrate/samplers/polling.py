"""A sampler that reads files (or asks the system) about once a second, from inside or beside what it measures.

CPU and memory come from two sources, for each is read where its own limit binds: that may be two cgroups, or a cgroup
and the machine.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable
from typing import Protocol

import msgspec

from calibrate.reading import Limits, Reading

TIGHT_NS = 2_000_000
"""A reading that took longer was interrupted: its time stamp could be wrong by as much."""
ATTEMPTS = 5


class CpuCounters(msgspec.Struct, frozen=True):
    """The part of a `Reading` that tells of the CPU."""

    cpu_ns: int
    periods: int = 0
    throttled_periods: int = 0
    throttled_ns: int = 0
    stalled_us: int | None = None


class MemoryCounters(msgspec.Struct, frozen=True):
    """The part of a `Reading` that tells of the memory."""

    working_set_bytes: int
    oom_kills: int = 0
    stalled_us: int | None = None


class CpuSource(Protocol):
    """Where CPU counters are read."""

    def cpu(self) -> CpuCounters:
        """The counters now. Raises ContainerGone, or CalibrationFault for what makes no sense."""


class MemorySource(Protocol):
    """Where memory counters are read."""

    def memory(self) -> MemoryCounters:
        """The counters now. Raises ContainerGone, or CalibrationFault for what makes no sense."""


class PollingSampler:
    """Readings of two sources, stamped with the clock that is given."""

    def __init__(
        self,
        limits: Limits,
        cpu: CpuSource,
        memory: MemorySource,
        now_ns: Callable[[], int],
        *,
        place: str,
        cgroup_version: int | None,
        every_s: float = 1.0,
    ) -> None:
        self.limits = limits
        self.place = place
        """One line: what is read, and why there."""
        self.cgroup_version = cgroup_version
        """Of the cgroups here, if there are any."""
        self._cpu = cpu
        self._memory = memory
        self._now_ns = now_ns
        self._every_s = every_s

    def read(self) -> Reading:
        """One reading now.

        Its time is the middle of the time that reading the CPU's counters took. Where that was interrupted (whoever
        measures its own container is throttled with it) the counters are read again, a few times at most.

        Raises ContainerGone if what is measured is no more, CalibrationFault if the system tells nonsense.
        """
        time_ns, cpu = self._stamped()
        memory = self._memory.memory()
        return Reading(
            time_ns=time_ns,
            cpu_ns=cpu.cpu_ns,
            memory_bytes=memory.working_set_bytes,
            periods=cpu.periods,
            throttled_periods=cpu.throttled_periods,
            throttled_ns=cpu.throttled_ns,
            oom_kills=memory.oom_kills,
            cpu_stalled_us=cpu.stalled_us,
            memory_stalled_us=memory.stalled_us,
        )

    def _stamped(self) -> tuple[int, CpuCounters]:
        attempts = 1
        while True:
            began_ns = self._now_ns()
            cpu = self._cpu.cpu()
            ended_ns = self._now_ns()
            if ended_ns - began_ns <= TIGHT_NS or attempts == ATTEMPTS:
                return (began_ns + ended_ns) // 2, cpu
            attempts += 1

    async def readings(self) -> AsyncGenerator[Reading, None]:
        """See `Sampler`: the first at once, then one every `every_s` seconds. Raises what `read` raises."""
        while True:
            yield self.read()
            await asyncio.sleep(self._every_s)
