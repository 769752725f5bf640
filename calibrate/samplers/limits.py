"""What is really granted: CPUs and memory, from cgroup v2 and v1, otherwise from the machine.

A process is bound by every cgroup above it, so each limit is read from its own cgroup upwards and the
tightest counts. Files: v2 `cpu.max` and `memory.max`; v1 `cpu.cfs_quota_us` ÷ `cpu.cfs_period_us`,
`memory.limit_in_bytes` and the `hierarchical_memory_limit` of `memory.stat`, which also knows of parents that
a container cannot see (kernel documentation: admin-guide/cgroup-v2, cgroup-v1/memory, scheduler/sched-bwc).
"""

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

import msgspec
import psutil

from calibrate.errors import ContainerGone
from calibrate.reading import Limits
from calibrate.samplers.hierarchy import Group, Mount, mounts, text_of


class Machine(msgspec.Struct, frozen=True):
    """What this process could use if no cgroup bound it."""

    cpu_millis: int
    memory_bytes: int
    affinity: bool = False
    """Whether the process is pinned to fewer CPUs than the machine has."""


@dataclass(frozen=True)
class Bound:
    """A cgroup whose limit binds."""

    mount: Mount
    group: Group

    def __str__(self) -> str:
        return f"cgroup v{self.mount.version} {self.group.folder}"


@dataclass(frozen=True)
class Binding:
    """The limits that bind, and the cgroup that sets each; None where it is the machine."""

    limits: Limits
    cpu: Bound | None
    memory: Bound | None


def usable_cpus(pid: int | None = None) -> frozenset[int] | None:
    """The numbers of the CPUs that the scheduler may give a process (by default us); None if it may give all.

    Raises ContainerGone if there is no such process.
    """
    if pid is not None and not psutil.pid_exists(pid):
        raise ContainerGone(f"process {pid} has ended")
    if not hasattr(os, "sched_getaffinity"):  # macOS pins nobody
        return None
    try:
        usable = frozenset(os.sched_getaffinity(pid or 0))
    except ProcessLookupError:
        raise ContainerGone(f"process {pid} has ended") from None
    return usable if len(usable) < (psutil.cpu_count() or 1) else None


def this_machine(pid: int | None = None) -> Machine:
    """The CPUs that the scheduler may give a process (by default us), and the memory of the machine."""
    usable = usable_cpus(pid)
    cpus = (psutil.cpu_count() or 1) if usable is None else len(usable)
    return Machine(cpus * 1000, psutil.virtual_memory().total, affinity=usable is not None)


def detect(root: Path = Path("/"), machine: Callable[[], Machine] = this_machine) -> Limits:
    """The tightest limits that bind this process; see `binding`."""
    return binding(mounts(root), root, machine()).limits


def binding(found: list[Mount], root: Path, machine: Machine) -> Binding:
    """The tightest limits, and where they bind.

    A file that is missing sets no limit; one that cannot be read or understood sets none either and is named in
    `source`. Of equal limits the topmost binds: it has to be enough for everything below it.

    What cannot be seen cannot be said: a limit of a parent that a cgroup namespace hides, and which of several limits
    fills first when siblings share a parent's. The tightest is then the best that is known.
    """
    files = _Files(root)
    limits = [limit for mount in found for limit in files.limits(mount)]
    cpu_name = "machine (CPU affinity)" if machine.affinity else "machine (cpu)"
    cpu = _tightest(limits, _Limit("cpu", machine.cpu_millis, cpu_name))
    memory = _tightest(limits, _Limit("memory", machine.memory_bytes, "machine (memory)"))
    source = ", ".join(dict.fromkeys([cpu.origin, memory.origin]))
    if files.faults:
        source += f"; not understood: {', '.join(sorted(files.faults))}"
    return Binding(Limits(cpu.amount, memory.amount, source), cpu.bound, memory.bound)


@dataclass(frozen=True)
class _Limit:
    """What one file sets."""

    kind: Literal["cpu", "memory"]
    amount: int
    origin: str
    bound: Bound | None = None
    inherited: bool = False
    """Whether the file tells of some parent's limit."""

    def order(self) -> tuple[int, bool, int]:
        """The tightest first, then that of the cgroup itself, then the topmost."""
        height = self.bound.mount.groups.index(self.bound.group) if self.bound else 0
        return self.amount, self.inherited, -height


def _tightest(limits: list[_Limit], machine: _Limit) -> _Limit:
    """A limit that is not below what the machine has does not bind; v1 writes "unlimited" as a huge number."""
    binding = (limit for limit in limits if limit.kind == machine.kind and limit.amount < machine.amount)
    return min(binding, key=_Limit.order, default=machine)


class _Files:
    """The files that set limits; `faults` are those that make no sense."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self.faults: set[str] = set()

    def limits(self, mount: Mount) -> Iterator[_Limit]:
        """Every limit that the process' cgroups of one hierarchy set."""
        for group in mount.groups:
            bound = Bound(mount, group)
            if mount.version == 2:
                yield from self._limit("cpu", bound, "cpu.max", _cpu_max)
                yield from self._limit("memory", bound, "memory.max", _amount)
                continue
            if "cpu" in mount.controllers:
                period = text_of(self._root, group.folder / "cpu.cfs_period_us") or ""
                quota = partial(_quota, period=period)
                yield from self._limit("cpu", bound, "cpu.cfs_quota_us", quota)
            if "memory" in mount.controllers:
                yield from self._limit("memory", bound, "memory.limit_in_bytes", _amount)
                yield from self._limit("memory", bound, "memory.stat", _hierarchical, inherited=True)

    def _limit(
        self,
        kind: Literal["cpu", "memory"],
        bound: Bound,
        name: str,
        parse: Callable[[str], int | None],
        *,
        inherited: bool = False,
    ) -> Iterator[_Limit]:
        text = text_of(self._root, bound.group.folder / name)
        if text is None:
            return
        origin = f"{bound} ({name})"
        try:
            amount = parse(text)
        except ValueError:
            self.faults.add(origin)
            return
        if amount is not None:
            yield _Limit(kind, amount, origin, bound, inherited)


def _cpu_max(text: str) -> int | None:
    """Thousandths of a CPU of "quota period" (microseconds); None for "max" and v1's -1."""
    quota, period = text.split()
    if quota in ("max", "-1"):
        return None
    millis = _positive(quota) * 1000 // _positive(period)
    return max(1, millis)


def _quota(text: str, period: str) -> int | None:
    return _cpu_max(f"{text.strip()} {period}")


def _amount(text: str) -> int | None:
    """Bytes; None for "max"."""
    return None if text.strip() == "max" else _positive(text.strip())


def _hierarchical(text: str) -> int | None:
    """The tightest limit of a v1 memory cgroup and all above it, in bytes."""
    for line in text.splitlines():
        name, _, value = line.partition(" ")
        if name == "hierarchical_memory_limit":
            return _positive(value.strip())
    return None


def _positive(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,20}", text) or not int(text):
        raise ValueError("not a positive whole number")
    return int(text)
