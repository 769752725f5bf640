"""Samplers on a real cgroup with real processes in it, beside what the kernel says of the processes themselves.

Limits are on a cgroup, processes in one below it, as container managers do it.
"""

import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest

from calibrate.errors import ContainerGone
from calibrate.reading import usage
from calibrate.samplers.cgroup import UnifiedCpu
from calibrate.samplers.hierarchy import mounts
from calibrate.samplers.limits import Bound
from calibrate.samplers.own import own_sampler
from ecology.core.host import process_cpu_ns
from tests.support.live_cgroup import LiveGroup, live_cgroup

pytestmark = pytest.mark.cgroup

MIB = 1024**2
ROOT = Path("/")
CPU_MILLIS = 500
MEMORY_BYTES = 128 * MIB
INTERVAL_S = 3.0
PATIENCE_S = 60
AGREEMENT_POINTS = 3.0

T = TypeVar("T")

BUSY = "print('ready', flush=True)\nwhile True: pass"
DUTY = """
import time
print("ready", flush=True)
while True:
    until = time.thread_time() + 0.015
    while time.thread_time() < until: pass
    time.sleep(0.035)
"""
IDLE = "import time\nprint('ready', flush=True)\ntime.sleep(600)"
HOG = f"x = bytearray({4 * MEMORY_BYTES})\nfor i in range(0, len(x), 4096): x[i] = 1"


@pytest.fixture
def groups() -> Iterator[tuple[LiveGroup, LiveGroup]]:
    with live_cgroup(cpu_millis=CPU_MILLIS, memory_bytes=MEMORY_BYTES) as made:
        yield made


def between(pid: int, read: Callable[[], T]) -> tuple[T, tuple[int, int]]:
    """A reading, and the CPU nanoseconds of the process before and after: whoever reads may be held up in between."""
    own_before_ns = process_cpu_ns(pid)
    found = read()
    return found, (own_before_ns, process_cpu_ns(pid))


def used(earlier: tuple[int, int], later: tuple[int, int]) -> tuple[int, int]:
    """The least and the most that the process can have used between two readings."""
    return later[0] - earlier[1], later[1] - earlier[0]


def until(true: Callable[[], bool]) -> None:
    """Wait until it is true."""
    give_up = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < give_up, "it never came true"
        time.sleep(0.1)


@pytest.mark.parametrize(("code", "throttles"), [(BUSY, True), (DUTY, False)])
def test_the_cpu_is_what_the_kernel_accounts_to_the_process(
    groups: tuple[LiveGroup, LiveGroup], code: str, throttles: bool
) -> None:
    with groups[1].running(code) as pid:
        sampler = own_sampler(time.monotonic_ns, pid=pid)
        assert (sampler.limits.cpu_millis, sampler.limits.memory_bytes) == (CPU_MILLIS, MEMORY_BYTES)
        before, own_before = between(pid, sampler.read)
        time.sleep(INTERVAL_S)
        if throttles:  # on a machine that has little to give it takes longer to come to the limit
            until(lambda: sampler.read().throttled_ns > before.throttled_ns)
        after, own_after = between(pid, sampler.read)
    found = usage(before, after, sampler.limits)
    limit_ns = (after.time_ns - before.time_ns) * CPU_MILLIS / 1000
    least, most = (100 * own_ns / limit_ns for own_ns in used(own_before, own_after))
    assert most > 10, "the process worked"
    assert least - AGREEMENT_POINTS <= found.cpu_percent <= most + AGREEMENT_POINTS
    if throttles:
        assert found.throttled_percent > 0
        assert after.throttled_ns > before.throttled_ns
    else:
        assert found.cpu_percent < 95


def test_idle_page_cache_is_not_memory_in_use(groups: tuple[LiveGroup, LiveGroup]) -> None:
    with (
        tempfile.NamedTemporaryFile(dir="/var/tmp") as file,  # on a disk: what is in a tmpfs is memory in use
        groups[1].running(
            f"import os, time\nwith open({file.name!r}, 'wb') as file:\n"
            f"    for _ in range(64): file.write(bytes({MIB}))\n    file.flush(); os.fsync(file.fileno())\n{IDLE}"
        ) as pid,
    ):
        sampler = own_sampler(time.monotonic_ns, pid=pid)
        in_use = sampler.read().memory_bytes
        charged = groups[0].file(
            "memory.usage_in_bytes" if "memory" in groups[0].folders else "memory.current"
        )
        charged_bytes = int(charged.read_text())
    assert charged_bytes > 64 * MIB
    assert 0 < in_use < charged_bytes - 56 * MIB


def test_a_kill_for_want_of_memory_is_counted(groups: tuple[LiveGroup, LiveGroup]) -> None:
    """The limit is above, the victim below."""
    with groups[1].running(IDLE) as pid:
        sampler = own_sampler(time.monotonic_ns, pid=pid)
        before = sampler.read()
        with groups[1].run(HOG) as hog:
            assert hog.wait() == -9
        after = sampler.read()
    assert usage(before, after, sampler.limits).oom_kills == 1


def test_a_cgroup_that_vanishes(groups: tuple[LiveGroup, LiveGroup]) -> None:
    with groups[1].running(IDLE) as pid:
        sampler = own_sampler(time.monotonic_ns, pid=pid)
        sampler.read()
    groups[1].remove()
    groups[0].remove()
    with pytest.raises(ContainerGone, match="is gone"):
        sampler.read()


def test_the_unified_hierarchy_counts_cpu_even_where_version_1_limits(
    groups: tuple[LiveGroup, LiveGroup],
) -> None:
    """The files of version 2 are read on a hybrid machine too; its limits are not there."""
    with groups[1].running(BUSY) as pid:
        for unified in (mount for mount in mounts(ROOT, pid) if mount.version == 2):
            counts_and_stalls(UnifiedCpu(ROOT, Bound(unified, unified.groups[1])), pid)


def counts_and_stalls(source: UnifiedCpu, pid: int) -> None:
    """It counts what the process uses, and that who is throttled waits for the CPU."""
    before, own_before = between(pid, source.cpu)
    stalled_us = before.stalled_us
    assert stalled_us is not None
    time.sleep(INTERVAL_S)
    until(lambda: (source.cpu().stalled_us or 0) > stalled_us)
    after, own_after = between(pid, source.cpu)
    least_ns, most_ns = used(own_before, own_after)
    slack_ns = most_ns * AGREEMENT_POINTS / 100
    assert least_ns - slack_ns <= after.cpu_ns - before.cpu_ns <= most_ns + slack_ns
