"""The CPU and memory counters of a cgroup, in both versions of cgroups.

Read are the counters of the cgroup *whose limit binds*, which may be a parent of the process' own: a Kubernetes pod, a
systemd slice, what a container manager put around several containers. Only there does 100 % mean that the limit is
reached: siblings eat of it too. CPU and memory may bind at different levels; each is read at its own.

What a `Reading` gets, in version 2 (all counters there include the cgroups below):

- cpu_ns = 1000 · `usage_usec`, periods = `nr_periods`, throttled_periods = `nr_throttled`,
  throttled_ns = 1000 · `throttled_usec`, all of `cpu.stat`
- memory_bytes = `memory.current` - `inactive_file` of `memory.stat`
- oom_kills = `oom_kill` of `memory.events`
- cpu_stalled_us, memory_stalled_us = `total` of the line `some` in `cpu.pressure`, `memory.pressure`

and in version 1:

- cpu_ns = `cpuacct.usage`, of the cgroup of the same name in the hierarchy that has `cpuacct`
- periods = `nr_periods`, throttled_periods = `nr_throttled`, throttled_ns = `throttled_time` (ns), all of `cpu.stat`
- memory_bytes = `memory.usage_in_bytes` - `total_inactive_file` of `memory.stat`
- oom_kills = the sum of `oom_kill` of `memory.oom_control` over the process' own cgroup and those above it up to the
  one that binds: version 1 counts a kill only where the victim was. Siblings' victims stay unseen.
- pressure: version 1 has none. On a hybrid machine the unified hierarchy has it, for the cgroup of the same name if
  the process is in one; otherwise it is None. The machine's own (`/proc/pressure`) is no cgroup's and never stands in.

Numbers of one file belong to one moment, those of two do not: the working set is never taken to be below zero.
"""

from pathlib import Path

from calibrate.errors import CalibrationFault
from calibrate.samplers.counters import entry, number, pressure, read, table
from calibrate.samplers.hierarchy import TOP, Group, Mount
from calibrate.samplers.limits import Bound
from calibrate.samplers.polling import CpuCounters, MemoryCounters

US_NS = 1000


class UnifiedCpu:
    """CPU counters of a cgroup of version 2."""

    def __init__(self, root: Path, bound: Bound) -> None:
        self._root = root
        self._stat = bound.group.folder / "cpu.stat"
        self._pressure = bound.group.folder / "cpu.pressure"

    def cpu(self) -> CpuCounters:
        """See the module."""
        path = self._stat
        stat = table(read(self._root, path), path)
        return CpuCounters(
            cpu_ns=entry(stat, "usage_usec", path) * US_NS,
            periods=entry(stat, "nr_periods", path, 0),  # these three only where the controller is enabled
            throttled_periods=entry(stat, "nr_throttled", path, 0),
            throttled_ns=entry(stat, "throttled_usec", path, 0) * US_NS,
            stalled_us=pressure(self._root, self._pressure),
        )


class UnifiedMemory:
    """Memory counters of a cgroup of version 2."""

    def __init__(self, root: Path, bound: Bound) -> None:
        self._root = root
        self._folder = bound.group.folder

    def memory(self) -> MemoryCounters:
        """See the module."""
        used, stat, events = (self._folder / f"memory.{name}" for name in ("current", "stat", "events"))
        used_bytes = number(read(self._root, used), used)
        idle_bytes = entry(table(read(self._root, stat), stat), "inactive_file", stat)
        return MemoryCounters(
            working_set_bytes=max(0, used_bytes - idle_bytes),
            oom_kills=entry(
                table(read(self._root, events), events), "oom_kill", events, 0
            ),  # since Linux 4.13
            stalled_us=pressure(self._root, self._folder / "memory.pressure"),
        )


class LegacyCpu:
    """CPU counters of a cgroup of version 1. Raises CalibrationFault if its CPU time is accounted nowhere."""

    def __init__(self, root: Path, bound: Bound, found: list[Mount]) -> None:
        self._root = root
        accounted = (mount.named(bound.group.name) for mount in found if "cpuacct" in mount.controllers)
        group = next((group for group in accounted if group), None)
        if group is None:
            raise CalibrationFault(
                f"{bound} limits the CPU, but no cpuacct hierarchy accounts for it",
                remedy="mount the cpuacct controller together with cpu, or calibrate through Docker",
            )
        self._usage = group.folder / "cpuacct.usage"
        self._stat = bound.group.folder / "cpu.stat"
        self._pressure = _unified(root, bound.group, found)

    def cpu(self) -> CpuCounters:
        """See the module."""
        usage_ns = number(read(self._root, self._usage), self._usage)
        stat = table(read(self._root, self._stat), self._stat)
        return CpuCounters(
            cpu_ns=usage_ns,
            periods=entry(stat, "nr_periods", self._stat),
            throttled_periods=entry(stat, "nr_throttled", self._stat),
            throttled_ns=entry(stat, "throttled_time", self._stat),
            stalled_us=pressure(self._root, self._pressure.folder / "cpu.pressure")
            if self._pressure
            else None,
        )


class LegacyMemory:
    """Memory counters of a cgroup of version 1."""

    def __init__(self, root: Path, bound: Bound, found: list[Mount]) -> None:
        self._root = root
        self._folder = bound.group.folder
        self._victims = [group.folder / "memory.oom_control" for group in bound.mount.up_to(bound.group)]
        self._pressure = _unified(root, bound.group, found)

    def memory(self) -> MemoryCounters:
        """See the module."""
        used, stat = self._folder / "memory.usage_in_bytes", self._folder / "memory.stat"
        used_bytes = number(read(self._root, used), used)
        idle_bytes = entry(table(read(self._root, stat), stat), "total_inactive_file", stat)
        return MemoryCounters(
            working_set_bytes=max(0, used_bytes - idle_bytes),
            oom_kills=sum(  # since Linux 4.13
                entry(table(read(self._root, path), path), "oom_kill", path, 0) for path in self._victims
            ),
            stalled_us=pressure(self._root, self._pressure.folder / "memory.pressure")
            if self._pressure
            else None,
        )


def _unified(root: Path, group: Group, found: list[Mount]) -> Group | None:
    """The cgroup of the same name in the unified hierarchy of a hybrid machine, if the process is in it.

    A cgroup namespace calls its top `/`, as the hierarchy itself does; only the real top has no `cgroup.events`.
    """
    for mount in found:
        twin = mount.named(group.name) if mount.version == 2 else None
        if twin and (root / (twin.folder / "cgroup.events").relative_to(TOP)).is_file():
            return twin
    return None
