"""The page on plug-ins to the letter: its files, its experiment, its package, on a run that is killed and resumed."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture.source import ROOT
from tests.support import plug_in
from tests.support.command import PATIENCE_S, ecology, environment, start
from tests.support.stored_run import StoredRun, last_event, wrongs

PAGE = ROOT / "docs" / "howto" / "plugins.md"
SMALL = ("--agents", "10", "--seed", "1", "--quiet", "--json")


@pytest.fixture
def plugged(tmp_path: Path) -> dict[str, str]:
    """The environment of a machine on which the page's package is installed."""
    return plug_in.plugged(PAGE, tmp_path)


def test_the_experiment_of_the_page_runs(tmp_path: Path) -> None:
    plug_in.write_files(PAGE, tmp_path)
    done = subprocess.run(
        [sys.executable, "experiment.py"],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    without, with_alms = re.findall(r"share (\d): Gini (\d\.\d\d), (\d+) gifts", done.stdout)
    assert without[0] == "0" and without[2] == "0"
    assert with_alms[0] == "4" and int(with_alms[2]) > 20


def test_what_is_installed_is_known_by_its_names(tmp_path: Path, plugged: dict[str, str]) -> None:
    assert "charity" in ecology("scenarios", cwd=tmp_path, **plugged).out
    finished = ecology("run", "--scenario", "charity", *SMALL, "--duration", "3m", cwd=tmp_path, **plugged)
    assert finished.code == 0, finished.err
    summary = json.loads(finished.out)
    assert {row["strategy"] for row in summary["measures"]["strategies"]} == {
        "almsgiver",
        "free_rider",
        "maker",
    }
    assert summary["audit"]["ok"]
    assert not (Path(summary["run_dir"]) / "crashes.log").exists()


HELD = """
import time
from pathlib import Path

import almsgiver


class Almsgiver(almsgiver.Almsgiver):
    async def decide(self, view):
        if view.now_ns > 3600 * 10**9:
            Path("held").touch()
            time.sleep(10**6)
        return await super().decide(view)
"""


def test_a_mind_from_a_plug_in_lives_on_after_a_kill(tmp_path: Path, plugged: dict[str, str]) -> None:
    """Killed in the middle and resumed, the run ends as the whole one; without the plug-in it cannot go on."""
    lived = ("--scenario", "charity", *SMALL, "--duration", "2h")
    whole = ecology("run", *lived, "--runs", "whole", cwd=tmp_path, **plugged)
    assert whole.code == 0, whole.err
    held = plug_in.held(tmp_path / "library", "almsgiver", HELD)
    victim = start("run", *lived, "--runs", "killed", cwd=tmp_path, **held)
    run = tmp_path / "killed" / "latest"
    plug_in.kill_held(victim, tmp_path)
    assert 2_000 <= last_event(run / "ecology.sqlite") < json.loads(whole.out)["events"]

    missing = ecology("run", "--resume", run, "--quiet", cwd=tmp_path)
    assert missing.code == 2
    assert "almsgiver" in missing.complaint and "plug-in" in missing.complaint

    resumed = ecology("run", "--resume", run, "--quiet", "--json", cwd=tmp_path, **plugged)
    assert resumed.code == 0, resumed.err
    assert json.loads(resumed.out)["event_log_sha256"] == json.loads(whole.out)["event_log_sha256"]
    assert StoredRun.read(run).difference(StoredRun.read(tmp_path / "whole" / "latest")) == ""
    assert wrongs(run) == []


def test_a_plug_in_does_not_take_a_name_that_ships(tmp_path: Path, plugged: dict[str, str]) -> None:
    announced = tmp_path / "library" / "almsgiver-1.0.dist-info" / "entry_points.txt"
    announced.write_text("[ecology.policies]\nmaker = almsgiver:Almsgiver\n", "utf-8")
    digests = set()
    for variables in ({}, plugged):
        finished = ecology("run", *SMALL, "--duration", "1m", cwd=tmp_path, **variables)
        assert finished.code == 0, finished.err
        digests.add(json.loads(finished.out)["event_log_sha256"])
    assert len(digests) == 1


@pytest.mark.parametrize(
    ("point", "words"),
    [
        ("almsgiver = gone:Almsgiver", "No module named 'gone'"),
        ("almsgiver = almsgiver:Gone", "Gone"),
        ("almsgiver = broken:Mind", "ZeroDivisionError"),
        ("almsgiver = exits:Mind", "SystemExit"),
    ],
)
def test_a_plug_in_that_cannot_be_loaded_is_named(
    tmp_path: Path, plugged: dict[str, str], point: str, words: str
) -> None:
    library = tmp_path / "library"
    (library / "broken.py").write_text("1 / 0\n", "utf-8")
    (library / "exits.py").write_text("raise SystemExit(7)\n", "utf-8")
    (library / "almsgiver-1.0.dist-info" / "entry_points.txt").write_text(
        f"[ecology.policies]\n{point}\n", "utf-8"
    )
    finished = ecology("run", *SMALL, cwd=tmp_path, **plugged)
    assert finished.code == 2
    assert "almsgiver" in finished.complaint and words in finished.complaint
