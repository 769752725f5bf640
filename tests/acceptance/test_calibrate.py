"""`ecology calibrate` from the outside, on what limits this process: real agents, real samplers, no engine needed."""

import contextlib
import json
import os
import signal
import subprocess
import time
from pathlib import Path

import psutil
import pytest

from calibrate.record import Record, decode
from ecology.app import capacity_profile
from tests.support.command import Finished, called, ecology, finish, start

QUICK = ("calibrate", "--own", "--hold-out", "10")
ENDS_WITHIN_S = 60


def _record(home: Path) -> Record:
    (path,) = home.glob("calibrations/*/record.json")
    return decode(path.read_bytes())


def _children(process: subprocess.Popen[str]) -> list[psutil.Process]:
    return psutil.Process(process.pid).children(recursive=True)


def _command(process: psutil.Process) -> str:
    """What it was started with; nothing of one that has just ended."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return " ".join(process.cmdline())
    return ""


def _wait_for(process: subprocess.Popen[str], home: Path, text: str) -> str:
    """What the command has said on stderr when it has said `text`."""
    assert process.stderr is not None
    said = ""
    while text not in said:
        line = process.stderr.readline()
        assert line, f"it ended before it said {text!r}:\n{said}"
        said += line
    return said


def _gone(processes: list[psutil.Process]) -> None:
    _, alive = psutil.wait_procs(processes, timeout=ENDS_WITHIN_S)
    assert not alive, f"left behind: {alive}"


@pytest.mark.cluster  # two to three minutes: with the others that take long
def test_what_it_finds_is_written_and_used(tmp_path: Path) -> None:
    """On a machine with neighbours the rate may not hold; then there is a record and a report, and no profile."""
    # A latency that no rate shortens makes an end quickly, on any machine.
    finished = finish(start(*QUICK, "--thought", "0.5", "--json", cwd=tmp_path), patience_s=900)

    record = _record(tmp_path)
    essentials = json.loads(finished.out)
    assert finished.code == (0 if record.passed else 1), finished.err
    assert [course.purpose for course in record.courses][:1] == ["settle"]
    assert essentials["passed"] == record.passed and essentials["verdict"] == record.verdict
    assert (next(tmp_path.glob("calibrations/*/report.html"))).stat().st_size > 10_000
    assert "looking for the rate (model): 5 agents, 10 tokens/s each" in finished.err
    profile = tmp_path / "capacity.yaml"
    assert profile.exists() == record.passed
    if not record.passed and len(record.courses) > 1:  # found, and tried in vain
        (beside,) = tmp_path.glob("calibrations/*/capacity.yaml")
        assert str(beside.relative_to(tmp_path)) in finished.err
        ran = ecology("run", "--duration", "30s", "--profile", str(beside), cwd=tmp_path)
        assert ran.code == 0 and "its rate did not hold when it was tried" in ran.err
    if record.passed:
        assert capacity_profile.read(profile).rate.bound in ("latency", "cpu")
        ran = ecology("run", "--agents", "3", "--duration", "30s", cwd=tmp_path)
        assert ran.code == 0
        assert "capacity.yaml:" in ran.err and "tokens/s for each of 3 agents" in ran.err
    assert {path.name for path in tmp_path.iterdir()} <= {"calibrations", "capacity.yaml", "runs"}


def test_interrupted_it_leaves_nothing_behind_and_writes_what_it_has(tmp_path: Path) -> None:
    process = start(*QUICK, cwd=tmp_path)
    _wait_for(process, tmp_path, "tokens/s  CPU")  # the first change of the rate
    workers = _children(process)
    assert workers, "agents are at work"

    process.send_signal(signal.SIGINT)
    finished = finish(process)

    assert finished.code == 130, finished.err
    assert "interrupted" in finished.err and "Traceback" not in finished.err
    record = _record(tmp_path)
    assert not record.passed and record.courses[0].steps
    assert record.courses[-1].why_ended == "interrupted"
    assert not (tmp_path / "capacity.yaml").exists()
    _gone(workers)


SILENT = """
import os, sys
if "workload" in sys.orig_argv:
    while os.read(0, 4096):
        pass
    os._exit(0)
"""
"""As `sitecustomize`: a workload that says nothing until its input ends."""


def test_interrupted_before_anything_was_seen_it_leaves_no_folder(tmp_path: Path) -> None:
    site = tmp_path / "site"
    site.mkdir()
    (site / "sitecustomize.py").write_text(SILENT)
    process = start(*QUICK, cwd=tmp_path, PYTHONPATH=f"{site}:{os.environ.get('PYTHONPATH', '')}")
    _wait_for(process, tmp_path, "measuring what this process may use")

    process.send_signal(signal.SIGINT)
    finished = finish(process)

    assert finished.code == 130, finished.err
    assert "Traceback" not in finished.err
    assert not list(tmp_path.glob("calibrations/*/record.json"))
    assert not (tmp_path / "capacity.yaml").exists()


def test_a_workload_that_is_killed_is_said_with_what_was_seen(tmp_path: Path) -> None:
    process = start(*QUICK, cwd=tmp_path)
    _wait_for(process, tmp_path, "tokens/s  CPU")
    worlds = [child for child in _children(process) if "workload" in _command(child)]
    assert worlds

    worlds[0].kill()
    finished = finish(process)

    assert finished.code == 1
    last = finished.err.splitlines()[-1]
    assert (
        last.startswith("ecology: ")
        and "the workload ended before it was told to (killed by SIGKILL)" in last
    )
    record = _record(tmp_path)
    assert "SIGKILL" in record.courses[0].why_ended and record.courses[0].steps
    assert not (tmp_path / "capacity.yaml").exists()


def _without_engine(*arguments: str, home: Path) -> Finished:
    return ecology("calibrate", *arguments, cwd=home, DOCKER_HOST=f"unix://{home}/nobody.sock")


def test_without_an_engine_it_says_what_it_measures_instead(tmp_path: Path) -> None:
    process = start("calibrate", "--cpus", "0.5", cwd=tmp_path, DOCKER_HOST=f"unix://{tmp_path}/nobody.sock")
    said = _wait_for(process, tmp_path, "looking for the rate")
    process.send_signal(signal.SIGINT)
    finish(process)

    assert "no Docker engine" in said
    assert "without one --cpus cannot be imposed" in said
    assert "measuring what this process may use" in said


def test_a_container_that_was_named_is_not_replaced_by_anything(tmp_path: Path) -> None:
    for flag in ("--container", "--service"):
        finished = _without_engine(flag, "x", home=tmp_path)
        assert finished.code == 1
        assert "no Docker engine" in finished.complaint
    assert not list(tmp_path.glob("calibrations/*"))


def test_wrong_calls_are_one_line_and_start_nothing(tmp_path: Path) -> None:
    wrong = {
        ("--cpus", "0"): "at least 0.05 CPUs",
        ("--cpus", "-1"): "at least 0.05 CPUs",
        ("--cpus", "nan"): "not a number of CPUs",
        ("--cpus", "inf"): "not a number of CPUs",
        ("--memory", "9" * 400): "not a size",
        ("--hold-out", "nan"): "not a number of seconds",
        ("--profile", "nowhere/capacity.yaml"): "cannot be written there",
        ("--policy-less",): "No such option",
        ("--set", "model.url=http://127.0.0.1:9/v1"): "has no network",
        ("--memory", "10m"): "at least 192 MiB",
        ("--memory", "plenty"): "not a size",
        ("--own", "--cpus", "1"): "--cpus is for a fresh container",
        ("--own", "--container", "x"): "exclude each other",
        ("--scenario", "nowhere"): "nowhere",
        ("--own", "--set", "agnets=3"): "agnets",
        ("--hold-out", "1"): "hold-out",
        ("--method", "magic"): "magic",
        ("--agents", "0"): "agents",
    }
    for arguments, said in wrong.items():
        finished = called("calibrate", *arguments, cwd=tmp_path)
        assert finished.code == 2, (arguments, finished.err)
        assert said in finished.complaint, arguments
    file = tmp_path / "file"
    file.write_text("")
    finished = called("calibrate", "--own", "--out", str(file), cwd=tmp_path)
    assert finished.code == 2 and str(file) in finished.complaint
    assert not list(tmp_path.glob("calibrations/*"))


def test_a_scenario_in_which_nobody_can_go_on_is_said(tmp_path: Path) -> None:
    """The workload ends early: its world is over as soon as every budget is spent."""
    began = time.monotonic()
    finished = ecology(
        *QUICK, "--scenario", "famine", "--set", "resources.stock.llm_budget.total_usd=0.000001", cwd=tmp_path
    )
    print(f"{time.monotonic() - began:.1f} s")
    assert finished.code in (1, 2)
    assert "Traceback" not in finished.err
    assert finished.err.splitlines()[-1].startswith("ecology: ")
