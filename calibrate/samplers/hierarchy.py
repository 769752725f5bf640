"""Where a process stands in the cgroup hierarchies, and the text of the files there.

`/proc/PID/cgroup` names a process' cgroup in each hierarchy, our own `/proc/self/mountinfo` says which part of which
hierarchy is visible where. Both are needed: inside a container a path may be the host's, and a mount may show only the
part below it (cgroups(7), proc_pid_mountinfo(5)).
"""

import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

TOP = PurePosixPath("/")
USUAL_PLACE = PurePosixPath("/sys/fs/cgroup")
V1_CONTROLLERS = ("cpu", "cpuacct", "memory")
"""Those whose files are read, under the names at which each is usually mounted."""


@dataclass(frozen=True)
class Group:
    """A cgroup: its name in the hierarchy, and the folder where its files are."""

    name: PurePosixPath
    folder: PurePosixPath


@dataclass(frozen=True)
class Mount:
    """A mounted hierarchy and the cgroups that it shows, from the process' own upwards.

    `controllers` of the unified hierarchy (v2) is the empty name, as in `/proc/PID/cgroup`.
    """

    controllers: frozenset[str]
    groups: tuple[Group, ...]

    @property
    def version(self) -> int:
        """Of cgroups: 1 or 2."""
        return 2 if "" in self.controllers else 1

    def up_to(self, top: Group) -> tuple[Group, ...]:
        """The process' own cgroup and those above it as far as `top`, which is one of them."""
        return self.groups[: self.groups.index(top) + 1]

    def named(self, name: PurePosixPath) -> Group | None:
        """The process' cgroup of that name, its own or one above it."""
        return next((group for group in self.groups if group.name == name), None)


def text_of(root: Path, path: PurePosixPath) -> str | None:
    """A small file's text; None if it is not there, "" if it cannot be read."""
    try:
        return (root / path.relative_to(TOP)).read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError:
        return ""  # a file that denies reading is reported like one that makes no sense


def mounts(root: Path, pid: int | None = None) -> list[Mount]:
    """The hierarchies that bind a process (by default our own), as far as we can see them.

    `root` is where `/proc` and `/sys` are looked up. If `mountinfo` names no hierarchy, those at the usual places
    count; a host without cgroups has none.
    """
    own = _own_names(root, "self" if pid is None else str(pid))
    found = []
    for line in (text_of(root, PurePosixPath("/proc/self/mountinfo")) or "").splitlines():
        before, _, after = line.partition(" - ")
        fields, kind = before.split(), after.split()
        if len(fields) < 5 or not kind or kind[0] not in ("cgroup", "cgroup2"):
            continue
        shown, point = PurePosixPath(_unescape(fields[3])), PurePosixPath(_unescape(fields[4]))
        if not point.is_absolute():
            continue
        controllers = frozenset(kind[-1].split(",") if kind[0] == "cgroup" else [""])
        found.append(_mount(controllers, point, shown, own))
    return found or _usual_mounts(root, own)


def version_of(found: list[Mount]) -> int | None:
    """The version of cgroups that limits CPU and memory: 1 also on a hybrid machine, None without cgroups."""
    versions = [mount.version for mount in found if mount.controllers & {"", *V1_CONTROLLERS}]
    return min(versions, default=None)


def _own_names(root: Path, process: str) -> dict[str, PurePosixPath]:
    """The process' cgroup by controller; the empty name is the unified hierarchy."""
    own: dict[str, PurePosixPath] = {}
    for line in (text_of(root, PurePosixPath("/proc", process, "cgroup")) or "").splitlines():
        parts = line.split(":", 2)
        if len(parts) == 3 and parts[2].startswith("/"):
            for controller in parts[1].split(","):
                own[controller] = PurePosixPath(parts[2])
    return own


def _usual_mounts(root: Path, own: dict[str, PurePosixPath]) -> list[Mount]:
    if text_of(root, USUAL_PLACE / "cgroup.controllers") is not None:
        return [_mount(frozenset([""]), USUAL_PLACE, TOP, own)]
    return [
        _mount(frozenset([name]), USUAL_PLACE / name, TOP, own)
        for name in V1_CONTROLLERS
        if (root / (USUAL_PLACE / name).relative_to(TOP)).is_dir()
    ]


def _unescape(field: str) -> str:
    """Mount paths write blanks and backslashes as three octal digits (proc_pid_mountinfo(5))."""
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), field)


def _mount(
    controllers: frozenset[str], point: PurePosixPath, shown: PurePosixPath, own: dict[str, PurePosixPath]
) -> Mount:
    """A hierarchy of which the part below `shown` is visible at `point`."""
    name = next((own[controller] for controller in sorted(controllers) if controller in own), TOP)
    if ".." in name.parts or not name.is_relative_to(shown):
        name = shown  # a cgroup namespace hides where we are; the mount's top is the nearest that is visible
    inner = name.relative_to(shown)
    parts = (inner, *inner.parents) if inner.parts else (inner,)
    return Mount(controllers, tuple(Group(shown / part, point / part) for part in parts))
