"""Samplers on a real cgroup with real processes in it, beside what the kernel says of the processes themselves.

Limits are on a cgroup, processes in one below it, as container managers do it.
"""

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

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
AGREEMENT_POINTS = 3.0

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


@pytest.mark.parametrize(("code", "throttles"), [(BUSY, True), (DUTY, False)])
def test_the_cpu_is_what_the_kernel_accounts_to_the_process(
    groups: tuple[LiveGroup, LiveGroup], code: str, throttles: bool
) -> None:
    with groups[1].running(code) as pid:
        sampler = own_sampler(time.monotonic_ns, pid=pid)
        assert (sampler.limits.cpu_millis, sampler.limits.memory_bytes) == (CPU_MILLIS, MEMORY_BYTES)
        before, own_before, then = sampler.read(), process_cpu_ns(pid), time.monotonic_ns()
        time.sleep(INTERVAL_S)
        after, own_after, now = sampler.read(), process_cpu_ns(pid), time.monotonic_ns()
    found = usage(before, after, sampler.limits)
    truth = 100 * (own_after - own_before) / ((now - then) * CPU_MILLIS / 1000)
    assert truth > 10, "the process worked"
    assert found.cpu_percent == pytest.approx(truth, abs=AGREEMENT_POINTS)
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
            source = UnifiedCpu(ROOT, Bound(unified, unified.groups[1]))
            before, own_before = source.cpu(), process_cpu_ns(pid)
            time.sleep(INTERVAL_S)
            after, own_after = source.cpu(), process_cpu_ns(pid)
            truth_ns = own_after - own_before
            assert after.cpu_ns - before.cpu_ns == pytest.approx(truth_ns, rel=AGREEMENT_POINTS / 100)
            assert before.stalled_us is not None and after.stalled_us is not None
            assert after.stalled_us > before.stalled_us, "who is throttled waits for the CPU"
