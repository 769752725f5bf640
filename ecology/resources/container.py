"""What the container really grants: CPUs and memory, from cgroup v2 and v1, otherwise from the machine.

A process is bound by every cgroup above it, so each limit is read from its own cgroup upwards and the
tightest counts. Files: v2 `cpu.max` and `memory.max`; v1 `cpu.cfs_quota_us` ÷ `cpu.cfs_period_us`,
`memory.limit_in_bytes` and the `hierarchical_memory_limit` of `memory.stat`, which also knows of parents that
a container cannot see (kernel documentation: admin-guide/cgroup-v2, cgroup-v1/memory, scheduler/sched-bwc).
"""

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import msgspec
import psutil


class ContainerLimits(msgspec.Struct, frozen=True):
    """CPUs in thousandths, memory in bytes, and where both were found."""

    cpu_millis: int
    memory_bytes: int
    source: str


class Machine(msgspec.Struct, frozen=True):
    """What this process could use if no cgroup bound it."""

    cpu_millis: int
    memory_bytes: int
    affinity: bool = False
    """Whether the process is pinned to fewer CPUs than the machine has."""


def this_machine() -> Machine:
    """The CPUs that the scheduler may give this process, and the memory of the machine."""
    cpus = psutil.cpu_count() or 1
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else cpus
    return Machine(usable * 1000, psutil.virtual_memory().total, affinity=usable < cpus)


def detect(root: Path = Path("/"), machine: Callable[[], Machine] = this_machine) -> ContainerLimits:
    """The tightest limits that bind this process.

    `root` is where `/proc` and `/sys` are looked up. A file that is missing sets no limit; one that cannot be
    read or understood sets none either and is named in `source`.
    """
    host = machine()
    readings = [reading for mount in _mounts(root) for reading in _read_mount(root, mount)]
    faults = sorted({reading.origin for reading in readings if reading.limit is None})
    affinity = "machine (CPU affinity)" if host.affinity else "machine (cpu)"
    cpu = min(_limits(readings, "cpu"), default=(host.cpu_millis, affinity))
    memory = min(_limits(readings, "memory"), default=(host.memory_bytes, "machine (memory)"))
    # A limit that is not below what the machine has does not bind; v1 writes "unlimited" as a huge number.
    if cpu[0] >= host.cpu_millis:
        cpu = (host.cpu_millis, affinity)
    if memory[0] >= host.memory_bytes:
        memory = (host.memory_bytes, "machine (memory)")
    source = ", ".join(dict.fromkeys([cpu[1], memory[1]]))
    if faults:
        source += f"; not understood: {', '.join(faults)}"
    return ContainerLimits(cpu[0], memory[0], source)


def concurrent_thoughts(limits: ContainerLimits, base_bytes: int, bytes_per_thought: int) -> int:
    """How many agents may think at once: (memory limit - base) ÷ memory per thinking agent, but at least one.

    `base_bytes` is what the process occupies when nobody thinks. Before a calibration has measured it, a
    thinking agent is taken to occupy 200-500 MB, so 8 to 20 think at once in 4 GB.
    """
    assert bytes_per_thought > 0, "a thought occupies memory"
    return max(1, (limits.memory_bytes - base_bytes) // bytes_per_thought)


@dataclass(frozen=True)
class _Mount:
    """A mounted cgroup hierarchy and the cgroups, from the process' own upwards, that it shows."""

    version: int
    controllers: frozenset[str]
    point: PurePosixPath
    groups: tuple[PurePosixPath, ...]


@dataclass(frozen=True)
class _Reading:
    """One limit that one file sets; None where the file makes no sense."""

    kind: str
    limit: int | None
    origin: str


def _limits(readings: list[_Reading], kind: str) -> Iterator[tuple[int, str]]:
    return ((reading.limit, reading.origin) for reading in readings if reading.kind == kind and reading.limit)


def _text(root: Path, path: PurePosixPath) -> str | None:
    """A small file's text; None if it is not there, "" if it cannot be read."""
    try:
        return (root / path.relative_to("/")).read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError:
        return ""  # a file that denies reading is reported like one that makes no sense


def _own_cgroups(root: Path) -> dict[str, PurePosixPath]:
    """The process' cgroup by controller; the empty name is the unified (v2) hierarchy."""
    own: dict[str, PurePosixPath] = {}
    for line in (_text(root, PurePosixPath("/proc/self/cgroup")) or "").splitlines():
        parts = line.split(":", 2)
        if len(parts) == 3 and parts[2].startswith("/"):
            for controller in parts[1].split(","):
                own[controller] = PurePosixPath(parts[2])
    return own


def _mounts(root: Path) -> list[_Mount]:
    """The cgroup hierarchies of `/proc/self/mountinfo`, or those at the usual places if it names none."""
    own = _own_cgroups(root)
    mounts = []
    for line in (_text(root, PurePosixPath("/proc/self/mountinfo")) or "").splitlines():
        before, _, after = line.partition(" - ")
        fields, kind = before.split(), after.split()
        if len(fields) < 5 or not kind or kind[0] not in ("cgroup", "cgroup2"):
            continue
        shown, point = PurePosixPath(_unescape(fields[3])), PurePosixPath(_unescape(fields[4]))
        if not point.is_absolute():
            continue
        controllers = frozenset(kind[-1].split(",") if kind[0] == "cgroup" else [""])
        mounts.append(_mount(controllers, point, shown, own))
    return mounts or _usual_mounts(root, own)


def _usual_mounts(root: Path, own: dict[str, PurePosixPath]) -> list[_Mount]:
    base, top = PurePosixPath("/sys/fs/cgroup"), PurePosixPath("/")
    if _text(root, base / "cgroup.controllers") is not None:
        return [_mount(frozenset([""]), base, top, own)]
    return [_mount(frozenset([name]), base / name, top, own) for name in ("cpu", "memory")]


def _unescape(field: str) -> str:
    """Mount paths write blanks and backslashes as three octal digits (proc_pid_mountinfo(5))."""
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), field)


def _mount(
    controllers: frozenset[str], point: PurePosixPath, shown: PurePosixPath, own: dict[str, PurePosixPath]
) -> _Mount:
    """A hierarchy of which the part below `shown` is visible at `point`."""
    group = next((own[name] for name in sorted(controllers) if name in own), PurePosixPath("/"))
    if ".." in group.parts or not group.is_relative_to(shown):
        group = shown  # a cgroup namespace hides where we are; the mount's top is the nearest that is visible
    inner = group.relative_to(shown)
    groups = (*(point / part for part in (inner, *inner.parents)),) if inner.parts else (point,)
    return _Mount(2 if "" in controllers else 1, controllers, point, groups)


def _read_mount(root: Path, mount: _Mount) -> Iterator[_Reading]:
    for group in mount.groups:
        if mount.version == 2:
            yield from _file(root, group / "cpu.max", "cpu", 2, _cpu_max)
            yield from _file(root, group / "memory.max", "memory", 2, _amount)
            continue
        if "cpu" in mount.controllers:
            yield from _quota(root, group)
        if "memory" in mount.controllers:
            yield from _file(root, group / "memory.limit_in_bytes", "memory", 1, _amount)
            yield from _file(root, group / "memory.stat", "memory", 1, _hierarchical)


def _file(
    root: Path, path: PurePosixPath, kind: str, version: int, parse: Callable[[str], int | None]
) -> Iterator[_Reading]:
    text = _text(root, path)
    if text is None:
        return
    origin = f"cgroup v{version} {path.parent} ({path.name})"
    try:
        limit = parse(text)
    except ValueError:
        yield _Reading(kind, None, origin)
        return
    if limit is not None:
        yield _Reading(kind, limit, origin)


def _quota(root: Path, group: PurePosixPath) -> Iterator[_Reading]:
    period = _text(root, group / "cpu.cfs_period_us") or ""
    yield from _file(
        root, group / "cpu.cfs_quota_us", "cpu", 1, lambda quota: _cpu_max(f"{quota.strip()} {period}")
    )


def _cpu_max(text: str) -> int | None:
    """Thousandths of a CPU of "quota period" (microseconds); None for "max" and v1's -1."""
    quota, period = text.split()
    if quota in ("max", "-1"):
        return None
    millis = _positive(quota) * 1000 // _positive(period)
    return max(1, millis)


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
