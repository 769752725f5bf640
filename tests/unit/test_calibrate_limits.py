"""Limits of containers, read from recorded trees of `/proc` and `/sys`."""

from pathlib import Path

import pytest

from calibrate.reading import Limits
from calibrate.samplers.hierarchy import mounts
from calibrate.samplers.limits import Machine, binding, detect, this_machine
from tests.support.cgroups import GIB, V1_UNLIMITED, V2_MOUNT, tree, v1_mount

MACHINE = Machine(cpu_millis=8000, memory_bytes=32 * GIB)


def limits(root: Path, files: dict[str, str], machine: Machine = MACHINE) -> Limits:
    return detect(tree(root, files), lambda: machine)


def test_without_cgroups_the_machine_counts(tmp_path: Path) -> None:
    found = limits(tmp_path, {})
    assert found == Limits(8000, 32 * GIB, "machine (cpu), machine (memory)")


def test_a_process_pinned_to_fewer_cpus_says_so(tmp_path: Path) -> None:
    found = limits(tmp_path, {}, Machine(2000, 32 * GIB, affinity=True))
    assert (found.cpu_millis, found.source) == (2000, "machine (CPU affinity), machine (memory)")


def test_v2_in_a_docker_container_with_its_own_namespace(tmp_path: Path) -> None:
    found = limits(
        tmp_path,
        {
            "proc/self/cgroup": "0::/\n",
            "proc/self/mountinfo": V2_MOUNT,
            "sys/fs/cgroup/cgroup.controllers": "cpu memory\n",
            "sys/fs/cgroup/cpu.max": "150000 100000\n",
            "sys/fs/cgroup/memory.max": f"{4 * GIB}\n",
        },
    )
    assert found.cpu_millis == 1500
    assert found.memory_bytes == 4 * GIB
    assert found.source == "cgroup v2 /sys/fs/cgroup (cpu.max), cgroup v2 /sys/fs/cgroup (memory.max)"


def test_v2_mixes_a_limit_of_the_cgroup_with_one_of_the_machine(tmp_path: Path) -> None:
    found = limits(
        tmp_path,
        {
            "proc/self/cgroup": "0::/\n",
            "proc/self/mountinfo": V2_MOUNT,
            "sys/fs/cgroup/cpu.max": "200000 100000\n",
            "sys/fs/cgroup/memory.max": "max\n",
        },
    )
    assert found == Limits(2000, 32 * GIB, "cgroup v2 /sys/fs/cgroup (cpu.max), machine (memory)")


def test_v2_under_systemd_the_tightest_slice_above_counts(tmp_path: Path) -> None:
    found = limits(
        tmp_path,
        {
            "proc/self/cgroup": "0::/user.slice/user-1000.slice/run-u1.scope\n",
            "proc/self/mountinfo": V2_MOUNT,
            "sys/fs/cgroup/user.slice/cpu.max": "max 100000\n",
            "sys/fs/cgroup/user.slice/memory.max": f"{8 * GIB}\n",
            "sys/fs/cgroup/user.slice/user-1000.slice/cpu.max": "100000 100000\n",
            "sys/fs/cgroup/user.slice/user-1000.slice/memory.max": f"{2 * GIB}\n",
            "sys/fs/cgroup/user.slice/user-1000.slice/run-u1.scope/cpu.max": "300000 100000\n",
            "sys/fs/cgroup/user.slice/user-1000.slice/run-u1.scope/memory.max": f"{3 * GIB}\n",
        },
    )
    slice_ = "/sys/fs/cgroup/user.slice/user-1000.slice"
    assert found == Limits(1000, 2 * GIB, f"cgroup v2 {slice_} (cpu.max), cgroup v2 {slice_} (memory.max)")


def test_v2_without_mountinfo_is_found_at_the_usual_place(tmp_path: Path) -> None:
    found = limits(
        tmp_path,
        {
            "proc/self/cgroup": "0::/job\n",
            "sys/fs/cgroup/cgroup.controllers": "cpu memory\n",
            "sys/fs/cgroup/job/cpu.max": "50000 100000\n",
        },
    )
    assert found.cpu_millis == 500


def test_v1_in_a_docker_container(tmp_path: Path) -> None:
    """Without a cgroup namespace the path is the host's, and the mount shows only the part below it."""
    own = "/docker/4f1c"
    found = limits(
        tmp_path,
        {
            "proc/self/cgroup": f"5:memory:{own}\n3:cpu,cpuacct:{own}\n1:name=systemd:{own}\n",
            "proc/self/mountinfo": v1_mount("cpu,cpuacct", own) + v1_mount("memory", own),
            "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "250000\n",
            "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us": "100000\n",
            "sys/fs/cgroup/memory/memory.limit_in_bytes": f"{GIB}\n",
        },
    )
    assert found.cpu_millis == 2500
    assert found.memory_bytes == GIB
    assert found.source == (
        "cgroup v1 /sys/fs/cgroup/cpu,cpuacct (cpu.cfs_quota_us), "
        "cgroup v1 /sys/fs/cgroup/memory (memory.limit_in_bytes)"
    )


def test_v1_in_a_kubernetes_pod_feels_the_pods_limit_it_cannot_see(tmp_path: Path) -> None:
    own = "/kubepods/burstable/pod7/c1"
    found = limits(
        tmp_path,
        {
            "proc/self/cgroup": f"5:memory:{own}\n3:cpu:{own}\n",
            "proc/self/mountinfo": v1_mount("cpu", own) + v1_mount("memory", own),
            "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1\n",
            "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
            "sys/fs/cgroup/memory/memory.limit_in_bytes": V1_UNLIMITED,
            "sys/fs/cgroup/memory/memory.stat": f"cache 5\nhierarchical_memory_limit {2 * GIB}\nrss 1\n",
        },
    )
    assert found == Limits(8000, 2 * GIB, "machine (cpu), cgroup v1 /sys/fs/cgroup/memory (memory.stat)")


def test_v1_unlimited_is_the_machine(tmp_path: Path) -> None:
    found = limits(
        tmp_path,
        {
            "proc/self/cgroup": "5:memory:/a/b\n3:cpu:/\n",
            "proc/self/mountinfo": v1_mount("cpu") + v1_mount("memory"),
            "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1\n",
            "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
            "sys/fs/cgroup/memory/a/memory.limit_in_bytes": V1_UNLIMITED,
            "sys/fs/cgroup/memory/memory.limit_in_bytes": V1_UNLIMITED,
        },
    )
    assert found == Limits(8000, 32 * GIB, "machine (cpu), machine (memory)")


def test_v1_nested_groups_without_mountinfo(tmp_path: Path) -> None:
    found = limits(
        tmp_path,
        {
            "proc/self/cgroup": "5:memory:/a/b\n3:cpu,cpuacct:/a/b\n",
            "sys/fs/cgroup/cpu/a/cpu.cfs_quota_us": "100000\n",
            "sys/fs/cgroup/cpu/a/cpu.cfs_period_us": "50000\n",
            "sys/fs/cgroup/memory/a/memory.limit_in_bytes": f"{3 * GIB}\n",
            "sys/fs/cgroup/memory/a/b/memory.limit_in_bytes": f"{5 * GIB}\n",
        },
    )
    assert (found.cpu_millis, found.memory_bytes) == (2000, 3 * GIB)


def test_a_hybrid_machine_takes_the_tighter_of_both_versions(tmp_path: Path) -> None:
    found = limits(
        tmp_path,
        {
            "proc/self/cgroup": "5:memory:/\n0::/\n",
            "proc/self/mountinfo": v1_mount("memory")
            + "41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n"
            + "42 31 0:39 / /proc rw - proc proc rw\n",
            "sys/fs/cgroup/memory/memory.limit_in_bytes": f"{4 * GIB}\n",
            "sys/fs/cgroup/unified/memory.max": f"{2 * GIB}\n",
        },
    )
    assert found.memory_bytes == 2 * GIB
    assert "cgroup v2 /sys/fs/cgroup/unified (memory.max)" in found.source


@pytest.mark.parametrize("own", ["/../../other", "/elsewhere"])
def test_a_cgroup_outside_the_mount_is_judged_by_the_mounts_top(tmp_path: Path, own: str) -> None:
    found = limits(
        tmp_path,
        {
            "proc/self/cgroup": f"0::{own}\n",
            "proc/self/mountinfo": "31 23 0:28 /mine /sys/fs/cgroup ro - cgroup2 cgroup rw\n",
            "sys/fs/cgroup/cpu.max": "100000 100000\n",
        },
    )
    assert found.cpu_millis == 1000


def test_a_mount_point_with_a_blank_is_unescaped(tmp_path: Path) -> None:
    found = limits(
        tmp_path,
        {
            "proc/self/cgroup": "0::/\n",
            "proc/self/mountinfo": r"31 23 0:28 / /sys/my\040groups rw - cgroup2 cgroup rw",
            "sys/my groups/cpu.max": "100000 100000\n",
        },
    )
    assert found.cpu_millis == 1000


@pytest.mark.parametrize(
    ("cpu", "memory"),
    [
        ("", ""),
        ("lots", "0"),
        ("100000", "-5"),
        ("0 100000", "12x"),
        ("100000 0", "\x00"),
        ("1 2 3", "9" * 30),
    ],
)
def test_malformed_files_set_no_limit_and_are_named(tmp_path: Path, cpu: str, memory: str) -> None:
    found = limits(
        tmp_path,
        {
            "proc/self/cgroup": "0::/\nnonsense\n:::\n0:\n",
            "proc/self/mountinfo": V2_MOUNT + "x\n - cgroup2\n1 2 3 4 relative - cgroup2 c rw\n",
            "sys/fs/cgroup/cpu.max": cpu,
            "sys/fs/cgroup/memory.max": memory,
        },
    )
    assert (found.cpu_millis, found.memory_bytes) == (8000, 32 * GIB)
    assert found.source == (
        "machine (cpu), machine (memory); not understood: "
        "cgroup v2 /sys/fs/cgroup (cpu.max), cgroup v2 /sys/fs/cgroup (memory.max)"
    )


def test_a_file_that_is_a_folder_is_named(tmp_path: Path) -> None:
    tree(tmp_path, {"proc/self/cgroup": "0::/\n", "proc/self/mountinfo": V2_MOUNT})
    (tmp_path / "sys/fs/cgroup/cpu.max").mkdir(parents=True)
    assert "not understood: cgroup v2 /sys/fs/cgroup (cpu.max)" in detect(tmp_path, lambda: MACHINE).source


def test_a_tiny_quota_is_not_nothing(tmp_path: Path) -> None:
    found = limits(
        tmp_path,
        {
            "proc/self/cgroup": "0::/\n",
            "proc/self/mountinfo": V2_MOUNT,
            "sys/fs/cgroup/cpu.max": "1 1000000\n",
        },
    )
    assert found.cpu_millis == 1


def test_this_machine_has_something() -> None:
    machine = this_machine()
    found = detect()
    assert 1 <= found.cpu_millis <= machine.cpu_millis
    assert 1 <= found.memory_bytes <= machine.memory_bytes
    assert found.source


def places(root: Path, files: dict[str, str]) -> tuple[str, str]:
    """Where the limits of CPU and memory bind."""
    bounds = binding(mounts(tree(root, files)), root, MACHINE)
    return str(bounds.cpu), str(bounds.memory)


def test_of_equal_limits_the_topmost_binds(tmp_path: Path) -> None:
    """What is above has to be enough for all below."""
    files = {"proc/self/cgroup": "0::/pod/app\n", "proc/self/mountinfo": V2_MOUNT}
    for folder in ("pod", "pod/app"):
        files[f"sys/fs/cgroup/{folder}/cpu.max"] = "100000 100000\n"
        files[f"sys/fs/cgroup/{folder}/memory.max"] = f"{GIB}\n"
    assert places(tmp_path, files) == ("cgroup v2 /sys/fs/cgroup/pod", "cgroup v2 /sys/fs/cgroup/pod")


def test_cpu_and_memory_may_bind_at_different_levels(tmp_path: Path) -> None:
    files = {
        "proc/self/cgroup": "0::/pod/app\n",
        "proc/self/mountinfo": V2_MOUNT,
        "sys/fs/cgroup/pod/cpu.max": "100000 100000\n",
        "sys/fs/cgroup/pod/app/cpu.max": "200000 100000\n",
        "sys/fs/cgroup/pod/app/memory.max": f"{GIB}\n",
    }
    assert places(tmp_path, files) == ("cgroup v2 /sys/fs/cgroup/pod", "cgroup v2 /sys/fs/cgroup/pod/app")


def test_a_limit_that_a_parent_is_known_to_set_binds_at_the_parent(tmp_path: Path) -> None:
    """The child's `hierarchical_memory_limit` only repeats it."""
    files = {
        "proc/self/cgroup": "5:memory:/a/b\n",
        "proc/self/mountinfo": v1_mount("memory"),
        "sys/fs/cgroup/memory/a/memory.limit_in_bytes": f"{GIB}\n",
        "sys/fs/cgroup/memory/a/memory.stat": f"hierarchical_memory_limit {GIB}\n",
        "sys/fs/cgroup/memory/a/b/memory.limit_in_bytes": V1_UNLIMITED,
        "sys/fs/cgroup/memory/a/b/memory.stat": f"hierarchical_memory_limit {GIB}\n",
    }
    assert places(tmp_path, files) == ("None", "cgroup v1 /sys/fs/cgroup/memory/a")


def test_limits_of_the_machines_size_do_not_bind(tmp_path: Path) -> None:
    files = {
        "proc/self/cgroup": "0::/\n",
        "proc/self/mountinfo": V2_MOUNT,
        "sys/fs/cgroup/cpu.max": "800000 100000\n",
        "sys/fs/cgroup/memory.max": f"{32 * GIB}\n",
    }
    assert places(tmp_path, files) == ("None", "None")
