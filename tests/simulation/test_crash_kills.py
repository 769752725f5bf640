"""`kill -9` of the real command, again and again, at seeded moments from its cradle to its last file: nothing is lost.

The moments are drawn, but where in the work they fall depends on the machine: that is the point. What a failure prints
(seed, number of the kill) repeats the draws.
"""

import json
import signal
import subprocess
import time
from pathlib import Path

import psutil
import pytest

from ecology.core.seeds import Draw
from tests.support.command import PATIENCE_S, ecology, finish, start
from tests.support.stored_run import StoredRun, has_ended, last_event, wrongs

SEED = 20_260
KILLS = {"cradle": 5, "life": 13, "end": 7}
"""How often each of the two worlds is killed, by the age at which: 50 times in all."""

WORLDS = {
    "market": ("--agents", "30", "--duration", "5m"),
    "famine": ("--agents", "60", "--duration", "40m"),
}
REGISTERS = {"market": {"bid", "listing", "office", "rental", "use"}, "famine": set()}
"""What must be open when a world ends, or its kills have not shown that it is kept."""

RESULTS = ("events.jsonl.partial", "events.jsonl.zst", "summary.json", "report.html")
"""What shows how far a run has come with its last work."""

POLL_S = 0.002


class Victim:
    """A run that is killed and resumed until somebody lets it end."""

    def __init__(self, home: Path, arguments: tuple[str, ...]) -> None:
        self.home = home
        self.path = home / "runs" / "latest"
        self._arguments = arguments
        self._process: subprocess.Popen[str] | None = None

    def start(self, **variables: str) -> None:
        """Begin the run, or take it up if there is one."""
        resumable = (self.path / "run.yaml").is_file()
        arguments = ("run", "--resume", self.path) if resumable else self._arguments
        self._process = start(*arguments, cwd=self.home, **variables)

    def wait_for_commit(self) -> None:
        """Wait until the run has more events than now, or its process has ended."""
        before, patience = last_event(self.path / "ecology.sqlite"), time.monotonic() + PATIENCE_S
        while self.alive() and last_event(self.path / "ecology.sqlite") == before:
            assert time.monotonic() < patience, "nothing was committed"
            time.sleep(POLL_S)

    def wait_for_file(self, name: str) -> None:
        """Wait until a file of the run exists, or its process has ended."""
        patience = time.monotonic() + PATIENCE_S
        while self.alive() and not (self.path / name).exists():
            assert time.monotonic() < patience, f"there is no {name}"
            time.sleep(POLL_S)

    def alive(self) -> bool:
        assert self._process is not None
        return self._process.poll() is None

    def kill(self, *, helpers: bool) -> None:
        """SIGKILL, with or without the processes that write the archive; without, those notice and end."""
        assert self._process is not None
        doomed = [psutil.Process(self._process.pid)] if self.alive() else []
        if helpers and doomed:
            doomed += doomed[0].children(recursive=True)
        for process in doomed:
            try:
                process.send_signal(signal.SIGKILL)
            except psutil.NoSuchProcess:
                continue  # it had just ended
        self._process.communicate(timeout=PATIENCE_S)

    def let_end(self) -> None:
        """Take the run up for the last time."""
        self.start()
        self.wait_for_end()

    def wait_for_end(self) -> None:
        """Wait until the run is complete."""
        assert self._process is not None
        finished = finish(self._process)
        assert finished.code == 0, finished.err


def _wait(victim: Victim, age: str, draw: Draw) -> None:
    """Wait for a moment of that age."""
    if age == "cradle":
        victim.wait_for_file("run.yaml")
        time.sleep(draw.below(500) / 1000)
    elif age == "life":
        victim.wait_for_commit()
        time.sleep(draw.below(60) / 1000)
    else:
        victim.wait_for_file(draw.choice(RESULTS[:-1]))
        time.sleep(draw.below(120) / 1000)


@pytest.mark.parametrize("name", WORLDS)
def test_killed_again_and_again(name: str, tmp_path: Path) -> None:
    arguments = ("run", "--scenario", name, *WORLDS[name], "--seed", "9", "--quiet")
    (tmp_path / "whole").mkdir()
    assert ecology(*arguments, cwd=tmp_path / "whole").code == 0
    whole = StoredRun.read(tmp_path / "whole" / "runs" / "latest")
    assert {row[0] for row in whole.tables["registers"]} >= REGISTERS[name]
    draw = Draw(SEED, len(name))
    (tmp_path / "killed").mkdir()
    victim = Victim(tmp_path / "killed", arguments)
    ages: list[str] = []
    for planned, kills in KILLS.items():
        if planned == "end":
            victim.let_end()
        for _ in range(kills):
            age = "end" if has_ended(victim.path / "ecology.sqlite") else planned
            if age == "end":
                for result in RESULTS:  # so that all of the last work is done again
                    (victim.path / result).unlink(missing_ok=True)
            victim.start()
            _wait(victim, age, draw)
            ages.append(age if victim.alive() else "too late")
            victim.kill(helpers=draw.chance(50))
            if last_event(victim.path / "ecology.sqlite"):
                assert wrongs(victim.path) == [], f"{name}, seed {SEED}, kill {len(ages)} ({age})"
    victim.let_end()
    where = f"{name}, seed {SEED}, kills {ages}"
    assert StoredRun.read(victim.path).difference(whole) == "", where
    summary = json.loads((victim.path / "summary.json").read_text())
    assert summary["event_log_sha256"] == whole.event_log_sha256, where
    assert summary["audit"]["ok"], where
    assert (victim.path / "report.html").is_file()
    assert ecology("admin", "audit", victim.path, cwd=tmp_path).code == 0, where


AN_HOUR_LATER = """
import os, time
_monotonic_ns = time.monotonic_ns
time.monotonic_ns = lambda: _monotonic_ns() + 3600 * 10**9 * os.path.exists("later")
"""
"""In a process's `sitecustomize`: an hour passes when somebody makes that file, so no run ends before it is let."""


def test_killed_under_the_real_clock(tmp_path: Path) -> None:
    """There is no undisturbed run to compare with: world time goes on from the last commit, and every law holds."""
    victim = Victim(tmp_path, ("run", "--agents", "20", "--clock", "real", "--duration", "1h", "--quiet"))
    (tmp_path / "clock").mkdir()
    (tmp_path / "clock" / "sitecustomize.py").write_text(AN_HOUR_LATER)
    draw, lived_s = Draw(SEED, 1), 0.0
    for _ in range(3):
        began = time.monotonic()
        victim.start()
        victim.wait_for_commit()
        time.sleep(draw.below(400) / 1000)
        assert victim.alive()
        victim.kill(helpers=draw.chance(50))
        lived_s += time.monotonic() - began
        assert wrongs(victim.path) == []
    began = time.monotonic()
    victim.start(PYTHONPATH=str(tmp_path / "clock"))
    victim.wait_for_commit()
    (tmp_path / "later").touch()
    victim.wait_for_end()
    lived_s += time.monotonic() - began
    assert wrongs(victim.path) == []
    times = [row[1] for row in StoredRun.read(victim.path).tables["events"]]
    assert times == sorted(times), "world time never goes back"
    world_s = json.loads((victim.path / "summary.json").read_text())["world_seconds"]
    assert 3600 <= world_s <= 3600 + lived_s, "and stands still while nobody lives it"
