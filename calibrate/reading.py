"""What a container has used, read as counters, and what two readings say about the time between them.

Every source (Docker's stats stream, cgroup files, psutil) is brought into one form, so that these formulas exist once:

- CPU % of the limit = 100 · Δcpu_ns ÷ (Δtime_ns · cpus)
- throttled % = 100 · Δthrottled_periods ÷ Δperiods
- memory % = 100 · working set ÷ limit, where the working set is usage - inactive_file
- pressure % = 100 · Δstalled_us ÷ Δtime_us (the kernel's PSI, "some")
"""

from collections.abc import AsyncGenerator
from typing import Protocol

import msgspec


class Limits(msgspec.Struct, frozen=True):
    """CPUs in thousandths, memory in bytes, and where both were found."""

    cpu_millis: int
    memory_bytes: int
    source: str


class Reading(msgspec.Struct, frozen=True):
    """Counters of a container at one moment; they only ever grow, but for the memory.

    `time_ns` is of the clock that stamped the reading; only differences mean anything. What a source does not have is
    None (pressure) or stays 0 (periods where nothing limits the CPU).
    """

    time_ns: int
    cpu_ns: int
    memory_bytes: int
    """The working set: what the kernel would have to take from somebody, so without the page cache that lies idle."""
    periods: int = 0
    throttled_periods: int = 0
    throttled_ns: int = 0
    oom_kills: int = 0
    cpu_stalled_us: int | None = None
    memory_stalled_us: int | None = None


class Usage(msgspec.Struct, frozen=True):
    """What two readings say of the interval between them; percentages are of the container's limits."""

    seconds: float
    cpu_percent: float
    memory_percent: float
    memory_bytes: int
    throttled_percent: float = 0.0
    oom_kills: int = 0
    cpu_pressure_percent: float | None = None
    memory_pressure_percent: float | None = None


class Sampler(Protocol):
    """Somewhere to read a container's counters, one after the other, about once a second."""

    limits: Limits

    def readings(self) -> AsyncGenerator[Reading, None]:
        """Readings without end, the first at once, until it is closed. Raises `ContainerGone` when nothing is left."""


def usage(before: Reading, after: Reading, limits: Limits) -> Usage:
    """What happened between two readings of one container. Raises ValueError if they are not in order."""
    elapsed_ns = after.time_ns - before.time_ns
    if elapsed_ns <= 0 or after.cpu_ns < before.cpu_ns:
        raise ValueError("readings of one container are in order")
    periods = after.periods - before.periods
    return Usage(
        seconds=elapsed_ns / 1e9,
        cpu_percent=100 * (after.cpu_ns - before.cpu_ns) / (elapsed_ns * limits.cpu_millis / 1000),
        memory_percent=100 * after.memory_bytes / limits.memory_bytes,
        memory_bytes=after.memory_bytes,
        throttled_percent=100 * (after.throttled_periods - before.throttled_periods) / periods
        if periods
        else 0.0,
        oom_kills=after.oom_kills - before.oom_kills,
        cpu_pressure_percent=_stalled(before.cpu_stalled_us, after.cpu_stalled_us, elapsed_ns),
        memory_pressure_percent=_stalled(before.memory_stalled_us, after.memory_stalled_us, elapsed_ns),
    )


def _stalled(before_us: int | None, after_us: int | None, elapsed_ns: int) -> float | None:
    if before_us is None or after_us is None:
        return None
    return 100 * (after_us - before_us) * 1000 / elapsed_ns
