"""The whole machine as its system calls tell of it, and which sampler is chosen."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

from calibrate.errors import CalibrationFault, ContainerGone
from calibrate.reading import Limits, usage
from calibrate.samplers.limits import Machine, this_machine
from calibrate.samplers.machine import MachineCpu, MachineMemory, memory_in_use, times_of_cpus
from calibrate.samplers.own import own_sampler
from calibrate.samplers.polling import PollingSampler
from tests.support.cgroups import GIB, MIB, V2_MOUNT, tree, v2_files

MACHINE = Machine(cpu_millis=4000, memory_bytes=8 * GIB)


class LinuxTimes(NamedTuple):
    """As psutil has them on Linux: `user` includes `guest`, `nice` includes `guest_nice`."""

    user: float = 0.0
    nice: float = 0.0
    system: float = 0.0
    idle: float = 0.0
    iowait: float = 0.0
    irq: float = 0.0
    softirq: float = 0.0
    steal: float = 0.0
    guest: float = 0.0
    guest_nice: float = 0.0


class MacTimes(NamedTuple):
    """As psutil has them on macOS."""

    user: float = 0.0
    nice: float = 0.0
    system: float = 0.0
    idle: float = 0.0


class Scripted:
    """Times of CPUs, one list after the other."""

    def __init__(self, *rounds: Sequence[NamedTuple]) -> None:
        self._rounds = iter(rounds)

    def __call__(self) -> Sequence[NamedTuple]:
        return next(self._rounds)


def busy_ns(root: Path, *rounds: Sequence[NamedTuple], cpus: set[int] | None = None) -> list[int]:
    source = MachineCpu(root, cpus, Scripted(*rounds))
    return [source.cpu().cpu_ns for _ in rounds]


def test_what_is_busy_and_what_is_not(tmp_path: Path) -> None:
    before = LinuxTimes(*[100.0] * 10)
    after = LinuxTimes(101, 100.25, 100.5, 900, 700, 100.125, 100.0625, 100.03125, 100.75, 100.25)
    assert busy_ns(tmp_path, [before], [after]) == [0, 1_968_750_000]  # 1 + 1/4 + 1/2 + 1/8 + 1/16 + 1/32


def test_macos_knows_fewer_kinds_of_time(tmp_path: Path) -> None:
    rounds = [[MacTimes(1, 1, 1, 1)] * 2, [MacTimes(1.5, 1.25, 2, 9), MacTimes(1, 1, 1, 9)]]
    assert busy_ns(tmp_path, *rounds) == [0, 1_750_000_000]


def test_usage_of_a_whole_machine(tmp_path: Path) -> None:
    """Three CPU-seconds in one second of four CPUs; 6 GiB of 8 are in use."""
    tree(
        tmp_path,
        {
            "proc/pressure/cpu": "some avg10=0.00 avg60=0.00 avg300=0.00 total=9\nfull total=0\n",
            "proc/pressure/memory": "some avg10=0.00 avg60=0.00 avg300=0.00 total=8\nfull total=7\n",
        },
    )
    looks = iter([1_000_000_000, 1_000_000_000, 2_000_000_000, 2_000_000_000])
    sampler = PollingSampler(
        Limits(4000, 8 * GIB, "test"),
        MachineCpu(tmp_path, None, Scripted([LinuxTimes(5)] * 4, [LinuxTimes(5.75)] * 4)),
        MachineMemory(tmp_path, lambda: 6 * GIB),
        lambda: next(looks),
        place="test",
        cgroup_version=None,
    )
    before, after = sampler.read(), sampler.read()
    assert (before.cpu_stalled_us, before.memory_stalled_us) == (9, 8)
    found = usage(before, after, sampler.limits)
    assert [found.cpu_percent, found.memory_percent] == pytest.approx([75.0, 75.0])
    assert (found.throttled_percent, found.oom_kills, found.cpu_pressure_percent) == (0.0, 0, 0.0)


def test_only_the_cpus_that_may_be_used_count(tmp_path: Path) -> None:
    """CPU 1 is off-line: the third that is listed has the number 3."""
    tree(tmp_path, {"sys/devices/system/cpu/online": "0,2-3\n"})
    rounds = [[LinuxTimes(0)] * 3, [LinuxTimes(1), LinuxTimes(2), LinuxTimes(4)]]
    assert busy_ns(tmp_path, *rounds, cpus={0, 3}) == [0, 5_000_000_000]


def test_without_a_list_of_cpus_they_are_numbered_from_0(tmp_path: Path) -> None:
    rounds = [[LinuxTimes(0)] * 2, [LinuxTimes(1), LinuxTimes(2)]]
    assert busy_ns(tmp_path, *rounds, cpus={1}) == [0, 2_000_000_000]


@pytest.mark.parametrize("online", ["", "0-1,x", "0-3\n"])
def test_cpus_that_cannot_be_told_apart(tmp_path: Path, online: str) -> None:
    tree(tmp_path, {"sys/devices/system/cpu/online": online})
    with pytest.raises(CalibrationFault, match="/sys/devices/system/cpu/online"):
        busy_ns(tmp_path, [LinuxTimes()] * 2, cpus={1})


def test_busy_time_never_goes_back(tmp_path: Path) -> None:
    """A CPU is taken off-line, and the sum of the others goes on from there."""
    rounds = [[LinuxTimes(5)] * 2, [LinuxTimes(6)] * 2, [LinuxTimes(7)], [LinuxTimes(8)]]
    assert busy_ns(tmp_path, *rounds) == [0, 2_000_000_000, 2_000_000_000, 3_000_000_000]


def test_a_host_without_cgroups(tmp_path: Path) -> None:
    sampler = own_sampler(lambda: 0, root=tmp_path, machine=MACHINE)
    assert sampler.place == "the machine: a host without cgroups"
    assert sampler.cgroup_version is None
    reading = sampler.read()
    assert reading.cpu_stalled_us is None
    assert 0 < reading.memory_bytes < this_machine().memory_bytes


def test_cgroups_that_limit_nothing(tmp_path: Path) -> None:
    files = {"proc/self/cgroup": "0::/\n", "proc/self/mountinfo": V2_MOUNT, **v2_files("sys/fs/cgroup")}
    sampler = own_sampler(lambda: 0, root=tree(tmp_path, files), machine=MACHINE)
    assert sampler.place == "the machine: no limit of cgroup v2 binds"
    assert sampler.cgroup_version == 2


def test_memory_of_a_cgroup_and_cpu_of_the_machine(tmp_path: Path) -> None:
    limited = v2_files("sys/fs/cgroup", memory_max=f"{GIB}\n")
    files = {"proc/self/cgroup": "0::/\n", "proc/self/mountinfo": V2_MOUNT, **limited}
    sampler = own_sampler(lambda: 0, root=tree(tmp_path, files), machine=MACHINE)
    assert sampler.place == "CPU bound by the machine, memory by cgroup v2 /sys/fs/cgroup"
    reading = sampler.read()
    assert (reading.memory_bytes, reading.oom_kills, reading.periods) == (200 * MIB, 1, 0)


def test_a_process_that_does_not_exist() -> None:
    with pytest.raises(ContainerGone, match="process 4194305 has ended"):
        own_sampler(lambda: 0, pid=2**22 + 1)  # the most that Linux gives is 2 ** 22


def test_this_machine_can_be_read() -> None:
    assert len(times_of_cpus()) >= 1
    assert 0 < memory_in_use() < this_machine().memory_bytes
