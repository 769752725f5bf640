"""Which sampler is right for a process that knows nothing but that it runs here: the one of its own limits."""

from collections.abc import Callable
from pathlib import Path

from calibrate.samplers.cgroup import LegacyCpu, LegacyMemory, UnifiedCpu, UnifiedMemory
from calibrate.samplers.hierarchy import Mount, mounts, version_of
from calibrate.samplers.limits import Binding, Bound, Machine, binding, this_machine, usable_cpus
from calibrate.samplers.machine import MachineCpu, MachineMemory
from calibrate.samplers.polling import CpuSource, MemorySource, PollingSampler


def own_sampler(
    now_ns: Callable[[], int],
    *,
    root: Path = Path("/"),
    pid: int | None = None,
    machine: Machine | None = None,
    every_s: float = 1.0,
) -> PollingSampler:
    """A sampler of what limits a process (by default us): each of CPU and memory where its limit binds.

    That is a cgroup, of either version, or the machine where no cgroup's limit is below what the machine has. The
    sampler's `place` says in one line which it is and why.

    `now_ns` is a monotonic clock, `root` where `/proc` and `/sys` are looked up, `machine` what there would be without
    cgroups. Raises ContainerGone if there is no process `pid`, CalibrationFault if what limits the CPU is not
    accounted for.
    """
    usable = usable_cpus(pid)
    found = mounts(root, pid)
    bounds = binding(found, root, machine or this_machine(pid))
    version = version_of(found)
    return PollingSampler(
        bounds.limits,
        _cpu(root, bounds.cpu, found, usable),
        _memory(root, bounds.memory, found),
        now_ns,
        place=_place(bounds, version),
        cgroup_version=version,
        every_s=every_s,
    )


def _cpu(root: Path, bound: Bound | None, found: list[Mount], usable: frozenset[int] | None) -> CpuSource:
    if bound is None:
        return MachineCpu(root, usable)
    return UnifiedCpu(root, bound) if bound.mount.version == 2 else LegacyCpu(root, bound, found)


def _memory(root: Path, bound: Bound | None, found: list[Mount]) -> MemorySource:
    if bound is None:
        return MachineMemory(root)
    return UnifiedMemory(root, bound) if bound.mount.version == 2 else LegacyMemory(root, bound, found)


def _place(bounds: Binding, version: int | None) -> str:
    """One line: what is read, and why there."""
    if bounds.cpu is None and bounds.memory is None:
        why = "a host without cgroups" if version is None else f"no limit of cgroup v{version} binds"
        return f"the machine: {why}"
    return f"CPU bound by {bounds.cpu or 'the machine'}, memory by {bounds.memory or 'the machine'}"
