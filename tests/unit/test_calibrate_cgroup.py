"""Counters of cgroups as recorded machines show them, and what two readings of them say."""

import asyncio
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from calibrate.errors import CalibrationFault, ContainerGone
from calibrate.reading import Reading, Sampler, usage
from calibrate.samplers.limits import Machine
from calibrate.samplers.own import own_sampler
from calibrate.samplers.polling import PollingSampler
from tests.support.cgroups import GIB, MIB, V2_MOUNT, tree, v1_files, v1_mount, v2_files

MACHINE = Machine(cpu_millis=8000, memory_bytes=32 * GIB)
SECOND_NS = 1_000_000_000

BEFORE = Reading(
    time_ns=1 * SECOND_NS,
    cpu_ns=5_000_000_000,
    memory_bytes=200 * MIB,
    periods=100,
    throttled_periods=10,
    throttled_ns=250_000_000,
    oom_kills=1,
    cpu_stalled_us=700_000,
    memory_stalled_us=4_000,
)
"""What the files of `v2_files` say; those of `v1_files` say the same, but for the pressure."""


class Seconds:
    """A clock that goes on one second after each two looks: a reading takes no time at all."""

    def __init__(self) -> None:
        self._ticks = iter(range(1, 1_000))
        self._pair: Iterator[int] = iter(())

    def __call__(self) -> int:
        try:
            return next(self._pair)
        except StopIteration:
            now = next(self._ticks) * SECOND_NS
            self._pair = iter([now])
            return now


def sampler(root: Path, files: dict[str, str], every_s: float = 0.0) -> PollingSampler:
    return own_sampler(Seconds(), root=tree(root, files), machine=MACHINE, every_s=every_s)


def v2(folder: str = "sys/fs/cgroup", own: str = "/", **changed: str) -> dict[str, str]:
    limited = {"cpu_max": "50000 100000\n", "memory_max": f"{400 * MIB}\n"} | changed
    return {"proc/self/cgroup": f"0::{own}\n", "proc/self/mountinfo": V2_MOUNT, **v2_files(folder, **limited)}


def v1(own: str = "/docker/4f1c", **changed: str) -> dict[str, str]:
    limited = {"cpu_cfs_quota_us": "50000\n", "memory_limit_in_bytes": f"{400 * MIB}\n"} | changed
    base = "sys/fs/cgroup"
    return {
        "proc/self/cgroup": f"5:memory:{own}\n3:cpu,cpuacct:{own}\n",
        "proc/self/mountinfo": v1_mount("cpu,cpuacct", own) + v1_mount("memory", own),
        **v1_files(f"{base}/cpu,cpuacct", f"{base}/memory", **limited),
    }


def test_version_2_says_everything(tmp_path: Path) -> None:
    """A second in which 0.375 of half a CPU worked is one at 75 %: the numbers are worked out by hand."""
    reader = sampler(tmp_path, v2())
    before = reader.read()
    assert before == BEFORE
    later = v2_files(
        "sys/fs/cgroup",
        cpu_stat="usage_usec 5375000\nnr_periods 110\nnr_throttled 14\nthrottled_usec 300000\n",
        cpu_pressure="some avg10=9.00 avg60=0.20 avg300=0.00 total=950000\nfull total=0\n",
        memory_current=f"{400 * MIB}\n",
        memory_stat=f"inactive_file {140 * MIB}\n",
        memory_events="oom 4\noom_kill 3\n",
        memory_pressure="some avg10=0.00 avg60=0.00 avg300=0.00 total=14000\n",
        memory_max=f"{400 * MIB}\n",
    )
    tree(tmp_path, later)
    found = usage(before, reader.read(), reader.limits)
    assert found.seconds == 1.0
    assert found.cpu_percent == pytest.approx(75.0)  # 0.375 s of 1 s · 0.5
    assert found.throttled_percent == pytest.approx(40.0)  # 4 of 10 periods
    assert found.memory_bytes == 260 * MIB  # 400 - 140
    assert found.memory_percent == pytest.approx(65.0)  # of 400
    assert found.oom_kills == 2
    assert found.cpu_pressure_percent == pytest.approx(25.0)  # 250 ms of 1 s
    assert found.memory_pressure_percent == pytest.approx(1.0)  # 10 ms of 1 s


def test_version_1_says_the_same_but_for_the_pressure(tmp_path: Path) -> None:
    reader = sampler(tmp_path, v1())
    before = reader.read()
    assert (before.throttled_ns, before.cpu_stalled_us, before.memory_stalled_us) == (250_000_000, None, None)
    base = "sys/fs/cgroup"
    later = v1_files(
        f"{base}/cpu,cpuacct",
        f"{base}/memory",
        cpu_stat="nr_periods 108\nnr_throttled 12\nthrottled_time 260000000\n",
        cpuacct_usage="5450000000\n",
        memory_usage_in_bytes=f"{380 * MIB}\n",
        memory_stat=f"inactive_file {MIB}\ntotal_inactive_file {80 * MIB}\n",
        memory_oom_control="oom_kill_disable 0\nunder_oom 0\noom_kill 2\n",
    )
    tree(tmp_path, later)
    found = usage(before, reader.read(), reader.limits)
    assert found.cpu_percent == pytest.approx(90.0)  # 0.45 s of 1 s · 0.5
    assert found.throttled_percent == pytest.approx(25.0)  # 2 of 8 periods
    assert found.memory_bytes == 300 * MIB  # what lies idle in cgroups below counts: total_inactive_file
    assert found.memory_percent == pytest.approx(75.0)
    assert found.oom_kills == 1
    assert (found.cpu_pressure_percent, found.memory_pressure_percent) == (None, None)


def test_a_pod_is_read_where_its_limit_is(tmp_path: Path) -> None:
    """Kubernetes, seen from the host's namespace: the pod is limited, its container is not."""
    pod = "kubepods.slice/kubepods-pod7.slice"
    files = v2(f"sys/fs/cgroup/{pod}", f"/{pod}/cri-1.scope")
    own = v2_files(f"sys/fs/cgroup/{pod}/cri-1.scope", cpu_stat="usage_usec 1\n", memory_current="1\n")
    reader = sampler(tmp_path, files | own)
    assert reader.read() == BEFORE
    place = f"cgroup v2 /sys/fs/cgroup/{pod}"
    assert reader.place == f"CPU bound by {place}, memory by {place}"


def test_cpu_of_a_slice_and_memory_of_the_service(tmp_path: Path) -> None:
    """systemd: the slice's CPUQuota and the service's MemoryMax, each read at its own level."""
    service = "sys/fs/cgroup/app.slice/world.service"
    files = v2(
        "sys/fs/cgroup/app.slice", "/app.slice/world.service", memory_max="max\n", memory_current="1\n"
    )
    own = v2_files(service, cpu_stat="usage_usec 1\n", memory_max=f"{GIB}\n", memory_current=f"{700 * MIB}\n")
    reader = sampler(tmp_path, files | own)
    reading = reader.read()
    assert (reading.cpu_ns, reading.memory_bytes) == (5_000_000_000, 600 * MIB)
    assert reader.place == f"CPU bound by cgroup v2 /sys/fs/cgroup/app.slice, memory by cgroup v2 /{service}"


def test_limits_that_a_container_manager_set_on_a_parent_in_version_1(tmp_path: Path) -> None:
    """`--cgroup-parent` of Compose or Swarm: kills are counted where the victim was, so own and parent are added."""
    base, own = "sys/fs/cgroup", "/stack/4f1c"
    files = {
        "proc/self/cgroup": f"5:memory:{own}\n3:cpu:{own}\n2:cpuacct:{own}\n",
        "proc/self/mountinfo": v1_mount("cpu") + v1_mount("cpuacct") + v1_mount("memory"),
        **v1_files(
            f"{base}/cpu/stack",
            f"{base}/memory/stack",
            f"{base}/cpuacct/stack",
            cpu_cfs_quota_us="50000\n",
            memory_limit_in_bytes=f"{400 * MIB}\n",
            memory_oom_control="oom_kill_disable 0\nunder_oom 0\noom_kill 0\n",
        ),
        **v1_files(f"{base}/cpu{own}", f"{base}/memory{own}", f"{base}/cpuacct{own}", cpuacct_usage="1\n"),
    }
    reading = sampler(tmp_path, files).read()
    assert (reading.cpu_ns, reading.memory_bytes, reading.oom_kills) == (5_000_000_000, 200 * MIB, 1)


def test_a_hybrid_machine_has_pressure_in_the_unified_hierarchy(tmp_path: Path) -> None:
    unified = "41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n"
    base, own = "sys/fs/cgroup", "/docker/4f1c"
    pressed = v2_files(f"{base}/unified{own}")
    files = {
        "proc/self/cgroup": f"5:memory:{own}\n3:cpu,cpuacct:{own}\n0::{own}\n",
        "proc/self/mountinfo": v1_mount("cpu,cpuacct") + v1_mount("memory") + unified,
        f"{base}/unified{own}/cgroup.events": "populated 1\n",
        **{name: text for name, text in pressed.items() if name.endswith("pressure")},
        **v1_files(
            f"{base}/cpu,cpuacct{own}",
            f"{base}/memory{own}",
            cpu_cfs_quota_us="50000\n",
            memory_limit_in_bytes=f"{400 * MIB}\n",
        ),
    }
    reader = sampler(tmp_path, files)
    assert reader.read() == BEFORE
    assert reader.cgroup_version == 1


def test_the_pressure_of_the_machine_is_not_taken_for_a_containers(tmp_path: Path) -> None:
    """The top of the unified hierarchy is called `/`, as a container's own cgroup is in its namespace."""
    files = v1("/") | {
        "proc/pressure/cpu": "some avg10=0.00 avg60=0.00 avg300=0.00 total=5\n",
        **v2_files("sys/fs/cgroup/unified"),
    }
    files["proc/self/cgroup"] += "0::/\n"
    files["proc/self/mountinfo"] += "41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n"
    reading = sampler(tmp_path, files).read()
    assert (reading.cpu_stalled_us, reading.memory_stalled_us) == (None, None)


@pytest.mark.parametrize(
    "changed", [{"cpu_stat": "usage_usec 5000000\n"}, {"cpu_stat": "usage_usec 5000000\nuser_usec 9\n"}]
)
def test_without_periods_nothing_was_throttled(tmp_path: Path, changed: dict[str, str]) -> None:
    reading = sampler(tmp_path, v2(**changed)).read()
    assert (reading.cpu_ns, reading.periods, reading.throttled_periods) == (5_000_000_000, 0, 0)


def test_a_kernel_without_pressure(tmp_path: Path) -> None:
    files = {name: text for name, text in v2().items() if "pressure" not in name}
    (tmp_path / "sys/fs/cgroup/cpu.pressure").mkdir(parents=True)  # reading it is an error, as with psi=0
    reading = sampler(tmp_path, files).read()
    assert (reading.cpu_stalled_us, reading.memory_stalled_us) == (None, None)


def test_more_idle_page_cache_than_memory_in_use_is_no_memory(tmp_path: Path) -> None:
    """The two files are read one after the other."""
    assert sampler(tmp_path, v2(memory_current=f"{99 * MIB}\n")).read().memory_bytes == 0


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("cpu.stat", ""),
        ("cpu.stat", "usage_usec\n"),
        ("cpu.stat", "usage_usec many\n"),
        ("cpu.stat", "usage_usec -5\n"),
        ("cpu.stat", "usage_usec 5\nnr_periods 1.5\n"),
        ("cpu.stat", f"usage_usec {'9' * 300}\n"),
        ("cpu.pressure", "full avg10=0.00 total=5\n"),
        ("cpu.pressure", "some avg10=0.00 total=\n"),
        ("memory.current", ""),
        ("memory.current", "\x00\xff"),
        ("memory.current", "٣"),
        ("memory.stat", "anon 5\n"),
        ("memory.stat", "inactive_file lots\n"),
        ("memory.events", "oom_kill ?\n"),
        ("memory.pressure", "\n"),
    ],
)
def test_a_damaged_file_is_named_in_one_line(tmp_path: Path, name: str, text: str) -> None:
    reader = sampler(tmp_path, v2())
    tree(tmp_path, {f"sys/fs/cgroup/{name}": text})
    with pytest.raises(CalibrationFault, match=f"^/sys/fs/cgroup/{name} makes no sense: [^\n]{{0,99}}$"):
        reader.read()


@pytest.mark.parametrize(
    "name",
    ["cpu,cpuacct/cpuacct.usage", "cpu,cpuacct/cpu.stat", "memory/memory.stat", "memory/memory.oom_control"],
)
def test_a_missing_file_is_named(tmp_path: Path, name: str) -> None:
    reader = sampler(tmp_path, v1())
    (tmp_path / "sys/fs/cgroup" / name).unlink()
    with pytest.raises(CalibrationFault, match=f"cannot read /sys/fs/cgroup/{name}") as fault:
        reader.read()
    assert not isinstance(fault.value, ContainerGone)
    assert fault.value.remedy


def test_cpu_time_that_is_accounted_nowhere(tmp_path: Path) -> None:
    files = v1()
    files["proc/self/mountinfo"] = v1_mount("cpu", "/docker/4f1c")
    files |= v1_files("sys/fs/cgroup/cpu", "sys/fs/cgroup/memory", cpu_cfs_quota_us="50000\n")
    with pytest.raises(CalibrationFault, match="no cpuacct hierarchy accounts for it"):
        sampler(tmp_path, files)


def test_readings_follow_each_other_until_the_cgroup_is_gone(tmp_path: Path) -> None:
    own = "/docker/4f1c"
    reader: Sampler = sampler(tmp_path, v2(f"sys/fs/cgroup{own}", own))

    async def watch() -> list[int]:
        seen = []
        async for reading in reader.readings():
            seen.append(reading.time_ns // SECOND_NS)
            if len(seen) == 3:
                shutil.rmtree(tmp_path / f"sys/fs/cgroup{own}")
        return seen

    with pytest.raises(ContainerGone, match=f"the cgroup /sys/fs/cgroup{own} is gone"):
        asyncio.run(watch())


def test_a_reading_that_was_interrupted_is_taken_again(tmp_path: Path) -> None:
    """Somebody who is throttled between two looks at the clock would stamp the counters wrongly."""
    looks = iter([0, 60_000_000, 100_000_000, 100_040_000])
    reader = own_sampler(lambda: next(looks), root=tree(tmp_path, v2()), machine=MACHINE)
    assert reader.read().time_ns == 100_020_000


def test_a_machine_that_always_interrupts_is_read_all_the_same(tmp_path: Path) -> None:
    looks = iter(range(0, 10_000_000_000, 50_000_000))
    reader = own_sampler(lambda: next(looks), root=tree(tmp_path, v2()), machine=MACHINE)
    assert reader.read().cpu_ns == 5_000_000_000
