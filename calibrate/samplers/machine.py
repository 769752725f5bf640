"""The CPU and memory counters of a whole machine, for where no cgroup limits a process, or there are no cgroups.

It is the machine's use that counts there, not only ours: what others take of it is not there for us either.

- cpu_ns = user + nice + system + irq + softirq + steal, summed over the CPUs that the process may use. Neither idle
  nor iowait is busy: a CPU that waits for a disk could run something. Steal is: the hypervisor ran others while we
  had work, so at saturation CPUs are full although they did not always run. Guest time is in user already.
- memory_bytes = total - available: what would have to be taken from somebody.
- pressure = `total` of the line `some` in `/proc/pressure/cpu` and `/proc/pressure/memory`, where there is one.
- Throttling does not exist here. OOM kills are not counted: the kernel does not tell those of cgroups from its own.

The system counts in ticks, mostly of 10 ms: of one reading a second, 1 % of a core is noise.
"""

import re
from collections.abc import Callable, Collection, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import psutil

from calibrate.errors import CalibrationFault
from calibrate.samplers.counters import pressure
from calibrate.samplers.hierarchy import text_of
from calibrate.samplers.polling import CpuCounters, MemoryCounters

BUSY = ("user", "nice", "system", "irq", "softirq", "steal")
PRESSURE = PurePosixPath("/proc/pressure")
ONLINE = PurePosixPath("/sys/devices/system/cpu/online")
SECOND_NS = 1_000_000_000


def times_of_cpus() -> Sequence[Any]:
    """What each CPU has done since the machine was started, in seconds; the fields depend on the system."""
    return psutil.cpu_times(percpu=True)


def memory_in_use() -> int:
    """Bytes of memory that are not available."""
    memory = psutil.virtual_memory()
    return memory.total - memory.available


class MachineCpu:
    """CPU counters of the machine, or of those of its CPUs (`cpus`, their numbers) that a process may use.

    They count from the first reading on.
    """

    def __init__(
        self,
        root: Path,
        cpus: Collection[int] | None = None,
        times: Callable[[], Sequence[Any]] = times_of_cpus,
    ) -> None:
        self._root = root
        self._cpus = cpus
        self._times = times
        self._busy_ns = 0
        self._last_ns: int | None = None

    def cpu(self) -> CpuCounters:
        """See the module. Raises CalibrationFault if the CPUs that may be used cannot be told from others."""
        times = self._times()
        if self._cpus is not None:
            numbered = zip(self._numbers(len(times)), times, strict=True)
            times = [each for number, each in numbered if number in self._cpus]
        now_ns = round(sum(getattr(each, field, 0.0) for each in times for field in BUSY) * SECOND_NS)
        if self._last_ns is not None:
            # The sum falls when a CPU is taken off-line, and where a machine moves to another host.
            self._busy_ns += max(0, now_ns - self._last_ns)
        self._last_ns = now_ns
        return CpuCounters(cpu_ns=self._busy_ns, stalled_us=pressure(self._root, PRESSURE / "cpu"))

    def _numbers(self, count: int) -> list[int]:
        """The numbers of the CPUs whose times are listed: those that are on-line, in order."""
        text = text_of(self._root, ONLINE)
        if text is None:
            return list(range(count))
        numbers: list[int] = []
        for part in text.strip().split(","):
            span = re.fullmatch(r"(\d{1,6})(?:-(\d{1,6}))?", part)
            if span is None:
                raise CalibrationFault(f"{ONLINE} makes no sense")
            numbers += range(int(span[1]), int(span[2] or span[1]) + 1)
        if len(numbers) != count:
            raise CalibrationFault(f"{ONLINE} names {len(numbers)} CPUs, and the times of {count} are known")
        return numbers


class MachineMemory:
    """Memory counters of the machine."""

    def __init__(self, root: Path, in_use: Callable[[], int] = memory_in_use) -> None:
        self._root = root
        self._in_use = in_use

    def memory(self) -> MemoryCounters:
        """See the module."""
        return MemoryCounters(self._in_use(), stalled_us=pressure(self._root, PRESSURE / "memory"))
