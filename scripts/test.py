"""All tests, for a machine that has only Python and git; arguments go to pytest (`-k ledger`, a path, `-n0`)."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import environment

WORKERS = "3"  # on two cores: many tests wait for servers, processes and clocks
IMAGE = "python:3.13-slim"  # what the Dockerfile and the tests of containers build upon
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def docker(*command: str) -> bool:
    """Whether there is Docker, and it can do that, soon."""
    if not shutil.which("docker"):
        return False
    try:
        return (
            subprocess.run(["docker", *command], capture_output=True, check=False, timeout=20).returncode == 0
        )
    except subprocess.TimeoutExpired:
        return False


def cgroups_can_be_made() -> bool:
    """Whether we may make cgroups that limit CPU and memory, of either version."""
    if not sys.platform.startswith("linux") or os.geteuid() != 0:
        return False
    if all(os.access(f"/sys/fs/cgroup/{name}/tasks", os.W_OK) for name in ("cpu", "cpuacct", "memory")):
        return True
    try:
        enabled = Path("/sys/fs/cgroup/cgroup.subtree_control").read_text("ascii").split()
    except OSError:
        return False
    return {"cpu", "memory"} <= set(enabled) and os.access("/sys/fs/cgroup/cgroup.procs", os.W_OK)


def selection(arguments: "list[str]") -> "list[str]":
    """Everything, but for the tests that need what this machine does not have, or minutes; those are named."""
    left_out = {}
    if not any("cluster" in argument for argument in arguments):
        left_out["cluster"] = "`make test-cluster` runs them, in some five minutes"
    if not any(shutil.which(browser) for browser in BROWSERS):
        left_out["browser"] = "no Chromium (on Debian: apt install chromium)"
    if not sys.platform.startswith("linux") or os.geteuid() != 0 or not shutil.which("mount"):
        left_out["mount"] = "only root can mount a small disk"
    if not cgroups_can_be_made():
        left_out["cgroup"] = (
            "only root can make cgroups, where they can be written and CPU and memory are limited"
        )
    # Debian puts it among the programs of administrators, where PATH may not lead.
    if not shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin"):
        left_out["pgbouncer"] = "no PgBouncer (on Debian: apt install pgbouncer)"
    if not docker("image", "inspect", IMAGE):
        left_out["docker"] = f"no Docker engine that we may use, or none that has the image {IMAGE}"
    if not docker("compose", "version"):
        left_out["compose"] = "no Docker Compose"
    for marker, why in left_out.items():
        print(f"Tests marked `{marker}` are left out: {why}.", file=sys.stderr)
    return ["-m", " and ".join(f"not {marker}" for marker in left_out)] if left_out else []


if __name__ == "__main__":
    os.chdir(environment.ROOT)
    ready = environment.ensure(environment.TEST_LOCK)
    ready.become(
        "python",
        ["-m", "pytest", "-n", WORKERS, "--dist", "worksteal", *selection(sys.argv[1:]), *sys.argv[1:]],
    )
