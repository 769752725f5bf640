"""Recorded machines: the files of `/proc` and `/sys` that say what limits a process, laid out below a folder."""

from pathlib import Path

GIB = 1024**3
MIB = 1024**2
V2_MOUNT = "31 23 0:28 / /sys/fs/cgroup ro,nosuid - cgroup2 cgroup rw\n"
V1_UNLIMITED = "9223372036854771712\n"


def tree(root: Path, files: dict[str, str]) -> Path:
    """Lay the files of a recorded machine below `root`."""
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def v1_mount(controllers: str, root: str = "/") -> str:
    """A line of `mountinfo` for a hierarchy of version 1, of which the part below `root` is shown."""
    return f"32 31 0:29 {root} /sys/fs/cgroup/{controllers} ro,nosuid - cgroup cgroup rw,{controllers}\n"


def v2_files(folder: str, **changed: str) -> dict[str, str]:
    """The files of a cgroup of version 2 at `folder`, as Linux 6 writes them; `changed` names them with underscores."""
    files = {
        "cpu_max": "max 100000\n",
        "cpu_stat": (
            "usage_usec 5000000\nuser_usec 4000000\nsystem_usec 1000000\n"
            "nr_periods 100\nnr_throttled 10\nthrottled_usec 250000\nnr_bursts 0\nburst_usec 0\n"
        ),
        "cpu_pressure": (
            "some avg10=1.50 avg60=0.20 avg300=0.00 total=700000\n"
            "full avg10=0.00 avg60=0.00 avg300=0.00 total=0\n"
        ),
        "memory_max": "max\n",
        "memory_current": f"{300 * MIB}\n",
        "memory_stat": f"anon {150 * MIB}\nfile {150 * MIB}\ninactive_file {100 * MIB}\nactive_file 7\n",
        "memory_events": "low 0\nhigh 0\nmax 12\noom 2\noom_kill 1\noom_group_kill 0\n",
        "memory_pressure": (
            "some avg10=0.00 avg60=0.00 avg300=0.00 total=4000\n"
            "full avg10=0.00 avg60=0.00 avg300=0.00 total=3000\n"
        ),
    } | changed
    return {f"{folder}/{name.replace('_', '.', 1)}": text for name, text in files.items()}


def v1_files(cpu: str, memory: str, cpuacct: str = "", **changed: str) -> dict[str, str]:
    """The files of a cgroup of version 1, whose controllers may be at three places."""
    files = {
        "cpu.cfs_quota_us": "-1\n",
        "cpu.cfs_period_us": "100000\n",
        "cpu.stat": "nr_periods 100\nnr_throttled 10\nthrottled_time 250000000\n",
        "cpuacct.usage": "5000000000\n",
        "memory.limit_in_bytes": V1_UNLIMITED,
        "memory.usage_in_bytes": f"{300 * MIB}\n",
        "memory.stat": (
            f"cache {150 * MIB}\ninactive_file 7\nhierarchical_memory_limit {V1_UNLIMITED}"
            f"total_cache {150 * MIB}\ntotal_inactive_file {100 * MIB}\n"
        ),
        "memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 1\n",
    } | {name.replace("_", ".", 1): text for name, text in changed.items()}
    folders = {"cpu": cpu, "cpuacct": cpuacct or cpu, "memory": memory}
    return {f"{folders[name.partition('.')[0]]}/{name}": text for name, text in files.items()}
