"""A real cgroup with limits, of the version that limits here, and real processes in it. Needs root on Linux."""

import itertools
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from calibrate.samplers.hierarchy import mounts, version_of

ROOT = Path("/")
PERIOD_US = 100_000
PATIENCE_S = 60
JOIN = 'while [ "$1" != -- ]; do echo $$ > "$1"; shift; done; shift; exec "$@"'
"""A process is in its cgroup before it is what it is to be: what it occupies is charged there."""

_numbers = itertools.count()


class LiveGroup:
    """One cgroup: a folder in each hierarchy that matters, by controller ("" is the unified one)."""

    def __init__(self, folders: dict[str, Path]) -> None:
        self.folders = folders

    def file(self, name: str) -> Path:
        """A file of the cgroup, e.g. `memory.limit_in_bytes`."""
        controller = name.partition(".")[0]
        return self.folders.get(controller, self.folders.get("", ROOT)) / name

    def run(self, code: str) -> subprocess.Popen[str]:
        """Python code in a process of its own in the cgroup."""
        joined = [str(folder / "cgroup.procs") for folder in self.folders.values()]
        command = ["sh", "-c", JOIN, "sh", *joined, "--", sys.executable, "-c", code]
        return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)

    @contextmanager
    def running(self, code: str) -> Iterator[int]:
        """The pid of a process that has said something, while the context is open."""
        with self.run(code) as process:
            try:
                assert process.stdout is not None and process.stdout.readline(), "the process began"
                yield process.pid
            finally:
                process.kill()

    def end(self) -> None:
        """Kill what runs there."""
        for folder in self.folders.values():
            with suppress(FileNotFoundError):  # it has been removed already
                for pid in map(int, (folder / "cgroup.procs").read_text().split()):
                    with suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)

    def remove(self) -> None:
        """End everything and leave nothing behind."""
        deadline = time.monotonic() + PATIENCE_S
        for folder in self.folders.values():
            while folder.exists():
                self.end()
                try:
                    folder.rmdir()
                except OSError:  # somebody is not quite dead yet
                    if time.monotonic() > deadline:
                        raise
                    time.sleep(0.01)


@contextmanager
def live_cgroup(*, cpu_millis: int, memory_bytes: int) -> Iterator[tuple[LiveGroup, LiveGroup]]:
    """A cgroup with limits and one without in it, while the context is open.

    Its share of the CPUs is the highest, so that it gets its quota on a machine that others keep busy.
    """
    limited, inner = _places(f"ecology-test-{os.getpid()}-{next(_numbers)}")
    try:
        for folder in (*limited.folders.values(), *inner.folders.values()):
            folder.mkdir(exist_ok=True)  # one hierarchy may have several controllers
        quota_us = PERIOD_US * cpu_millis // 1000
        if "cpu" in limited.folders:
            limited.file("cpu.cfs_period_us").write_text(str(PERIOD_US))
            limited.file("cpu.cfs_quota_us").write_text(str(quota_us))
            limited.file("cpu.shares").write_text("262144")
            _write(limited, "memory.limit_in_bytes", memory_bytes)
            _write(limited, "memory.memsw.limit_in_bytes", memory_bytes)
        else:  # version 2 counts and limits below only what is passed on
            limited.file("cgroup.subtree_control").write_text("+cpu +memory")
            limited.file("cpu.max").write_text(f"{quota_us} {PERIOD_US}")
            limited.file("cpu.weight").write_text("10000")
            _write(limited, "memory.max", memory_bytes)
            _write(limited, "memory.swap.max", 0)
        yield limited, inner
    finally:
        inner.remove()
        limited.remove()


def _write(group: LiveGroup, name: str, amount: int) -> None:
    if group.file(name).exists():  # not every kernel accounts for swap
        group.file(name).write_text(str(amount))


def _places(name: str) -> tuple[LiveGroup, LiveGroup]:
    """Where a cgroup is to be, at the top of what we see of each hierarchy, and one in it."""
    found = mounts(ROOT)
    wanted = {"", "cpu", "cpuacct", "memory"} if version_of(found) == 1 else {""}
    places = [(mount.controllers, Path(mount.groups[-1].folder, name)) for mount in found]
    outer = {key: folder for controllers, folder in places for key in sorted(controllers & wanted)}
    return LiveGroup(outer), LiveGroup({key: folder / "inner" for key, folder in outer.items()})
