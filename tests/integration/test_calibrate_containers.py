"""`ecology calibrate` on a real engine, with the project's own image: what is started is gone afterwards."""

import json
import os
import platform
import signal
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from calibrate.docker.strays import CALIBRATOR
from calibrate.record import decode
from tests.support.command import ecology, finish, start

pytestmark = pytest.mark.docker
ROOT = Path(__file__).resolve().parents[2]
IMAGE = f"ecology-test-calibrate-{os.getpid()}"
QUICK = ("--hold-out", "10", "--thought", "0.5", "--profile", "found.yaml")
"""A latency that no rate shortens makes an end quickly."""
PATIENCE_S = 400
"""A calibration gives itself five minutes to find the rate."""


def docker(*arguments: str) -> str:
    done = subprocess.run(["docker", *arguments], capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture(scope="module")
def image() -> Iterator[str]:
    docker("build", "--quiet", "--tag", IMAGE, str(ROOT))
    yield IMAGE
    docker("rmi", "--force", IMAGE)


def left(calibrator: subprocess.Popen[str]) -> str:
    """The containers of this calibration, and not of the tests that run beside this one."""
    label = f"{CALIBRATOR}={platform.node()}/{calibrator.pid}"
    return docker("ps", "--all", "--quiet", "--filter", f"label={label}")


def under_way(home: Path, *arguments: str) -> subprocess.Popen[str]:
    """A calibration that has changed the rate once."""
    process = start("calibrate", *arguments, cwd=home)
    assert process.stderr is not None
    patience = threading.Timer(PATIENCE_S, process.kill)
    patience.start()
    while "tokens/s  CPU" not in (line := process.stderr.readline()):
        assert line, "it ended by itself, or was ended for it took too long"
    patience.cancel()
    return process


def test_in_a_container_of_its_own(image: str, tmp_path: Path) -> None:
    limits = ("--image", image, "--cpus", "0.5", "--memory", "512m")
    process = start("calibrate", *limits, *QUICK, "--json", cwd=tmp_path)
    finished = finish(process, PATIENCE_S)
    (path,) = tmp_path.glob("calibrations/*/record.json")
    record = decode(path.read_bytes())
    assert finished.code == (0 if record.passed else 1), finished.err
    assert record.place.engine.startswith("Docker") and record.courses[0].steps
    assert (tmp_path / "found.yaml").exists() == record.passed
    assert json.loads(finished.out)["limits"] == {
        "cpu_millis": 500,
        "memory_bytes": 512 << 20,
        "source": "Docker: NanoCpus, Memory",
    }
    assert not left(process)


def test_in_a_container_that_runs_and_goes_on_running(image: str, tmp_path: Path) -> None:
    name = f"ecology-test-running-{os.getpid()}"
    docker("run", "--detach", "--name", name, "--cpus", "0.5", "--entrypoint", "sleep", image, "600")
    try:
        process = under_way(tmp_path, "--container", name)
        process.send_signal(signal.SIGINT)
        assert finish(process).code == 130
        (path,) = tmp_path.glob("calibrations/*/record.json")
        assert decode(path.read_bytes()).place.what == f"container {name}"
        working = docker("exec", name, "sh", "-c", "cat /proc/[0-9]*/comm")
        assert {"sleep"} <= set(working.split()) <= {"cat", "sh", "sleep"}, "nothing of the workload is left"
    finally:
        docker("rm", "--force", name)


def test_interrupted_it_leaves_no_container(image: str, tmp_path: Path) -> None:
    process = under_way(tmp_path, "--image", image, "--cpus", "0.5", "--memory", "512m")
    assert left(process)
    process.send_signal(signal.SIGINT)
    assert finish(process).code == 130
    assert not left(process)
    assert list(tmp_path.glob("calibrations/*/record.json")) and not (tmp_path / "capacity.yaml").exists()


def test_a_container_that_is_killed_is_one_line_with_what_was_seen(image: str, tmp_path: Path) -> None:
    process = under_way(tmp_path, "--image", image, "--cpus", "0.5", "--memory", "512m")
    docker("kill", left(process).split()[0])
    finished = finish(process)
    assert finished.code == 1 and "Traceback" not in finished.err
    assert "ended (exit code 137" in finished.err.splitlines()[-1]
    assert not left(process)
    assert list(tmp_path.glob("calibrations/*/report.html"))


def test_an_image_that_is_not_there_and_one_without_ecology(tmp_path: Path) -> None:
    for image, said in (
        ("nowhere/nothing", "the engine has no image nowhere/nothing"),
        ("python:3.13-slim", "ecology"),
    ):
        finished = ecology("calibrate", "--image", image, "--cpus", "0.5", "--memory", "512m", cwd=tmp_path)
        assert finished.code == 2, finished.err
        assert said in finished.err.splitlines()[-1] and "Traceback" not in finished.err
    assert not list(tmp_path.glob("calibrations/*"))
