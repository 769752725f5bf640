"""The page on scorers to the letter: its files, its plug-in on runs of the command, and plug-ins that are none."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from ecology.events.economy import BidClosed
from ecology.events.registry import decode
from ecology.store.reader import EventReader
from tests.architecture.source import ROOT
from tests.support import plug_in
from tests.support.command import PATIENCE_S, ecology, environment, start
from tests.support.stored_run import last_event, wrongs

PAGE = ROOT / "docs" / "howto" / "scorers.md"
MARKET = ("run", "--scenario", "market", "--seed", "1", "--duration", "3m", "--quiet", "--json")


@pytest.fixture
def plugged(tmp_path: Path) -> dict[str, str]:
    """The environment of a machine on which the page's package is installed."""
    return plug_in.plugged(PAGE, tmp_path)


def scored(run: Path) -> list[BidClosed]:
    """The bids of a run that won, scored or not."""
    reader = EventReader(run / "ecology.sqlite")
    try:
        events = map(decode, reader.lines())
        return [event for event in events if isinstance(event, BidClosed) and event.how != "lost"]
    finally:
        reader.close()


def test_what_the_page_tries_without_a_world(tmp_path: Path) -> None:
    plug_in.write_files(PAGE, tmp_path)
    done = subprocess.run(
        [sys.executable, "try_it.py"],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    first, second = done.stdout.splitlines()
    assert first.startswith(
        "A list Score(value=100, detail='100 % different words, 100 % new') Score(value=100, "
    )
    assert second.startswith("A chant Score(value=1, detail='1 % different words, 100 % new') Score(value=")


HELD = """
import time
from pathlib import Path

import terse

_asked = []


def _hold():
    _asked.append(1)
    if len(_asked) == 3:
        Path("held").touch()
        time.sleep(10**6)


class Terse(terse.Terse):
    def score(self, submission):
        _hold()
        return super().score(submission)


class Dense(terse.Dense):
    async def score(self, submission):
        _hold()
        return await super().score(submission)
"""


@pytest.mark.parametrize(("name", "words"), [("terse", "different words"), ("dense", "bytes are left")])
def test_a_plug_in_scores_for_the_mint(
    name: str, words: str, tmp_path: Path, plugged: dict[str, str]
) -> None:
    """Killed in the middle and resumed, the run ends as the whole one; without the plug-in it cannot go on."""
    lived = (*MARKET, "--set", f"mint.scorer={name}")
    whole = ecology(*lived, "--runs", "whole", cwd=tmp_path, **plugged)
    assert whole.code == 0, whole.err
    summary = json.loads(whole.out)
    ends = scored(tmp_path / "whole" / "latest")
    assert len(ends) == summary["mint"]["won"] + summary["mint"]["failed"] >= 3
    assert all(words in it.detail for it in ends if it.how == "minted")
    assert sum(it.minted for it in ends) == summary["mint"]["minted"] > 0

    held = plug_in.held(tmp_path / "library", "terse", HELD)
    victim = start(*lived, "--runs", "killed", cwd=tmp_path, **held)
    run = tmp_path / "killed" / "latest"
    plug_in.kill_held(victim, tmp_path)
    assert summary["events"] // 4 < last_event(run / "ecology.sqlite") < summary["events"]
    missing = ecology("run", "--resume", run, "--quiet", cwd=tmp_path)
    assert missing.code == 2 and f"no scorer '{name}'" in missing.complaint
    resumed = ecology("run", "--resume", run, "--quiet", "--json", cwd=tmp_path, **plugged)
    assert resumed.code == 0, resumed.err
    assert json.loads(resumed.out)["event_log_sha256"] == summary["event_log_sha256"]
    assert wrongs(run) == []


def test_what_is_not_installed_is_named(tmp_path: Path, plugged: dict[str, str]) -> None:
    missing = ecology(*MARKET, "--set", "mint.scorer=terse", cwd=tmp_path)
    assert missing.code == 2
    assert "no scorer 'terse'" in missing.complaint and "llm, rubric" in missing.complaint
    misspelt = ecology(*MARKET, "--set", "mint.scorer=ters", cwd=tmp_path, **plugged)
    assert misspelt.code == 2
    assert "dense, llm, rubric, terse" in misspelt.complaint
    assert not (tmp_path / "runs").exists()


def _announce(tmp_path: Path, points: str) -> None:
    announced = tmp_path / "library" / "terse-1.0.dist-info" / "entry_points.txt"
    announced.write_text(f"[ecology.scorers]\n{points}\n", "utf-8")


def test_a_plug_in_does_not_take_a_name_that_ships(tmp_path: Path, plugged: dict[str, str]) -> None:
    _announce(tmp_path, "rubric = terse:Terse")
    finished = ecology(*MARKET, cwd=tmp_path, **plugged)
    assert finished.code == 0, finished.err
    assert all("novelty" in it.detail for it in scored(Path(json.loads(finished.out)["run_dir"])))


@pytest.mark.parametrize(
    ("points", "words"),
    [
        ("own = gone:Scorer", "No module named 'gone'"),
        ("own = terse:Gone", "Gone"),
        ("own = broken:Scorer", "ZeroDivisionError"),
        ("own = terse:WORD", "TypeError"),
        ("own = terse:FILTERS", "TypeError"),
        ("own = builtins:dict", "a scorer has `slow`, True or False, and `score`"),
        ("own = exits:Scorer", "SystemExit"),
    ],
)
def test_a_plug_in_that_is_none_is_refused_before_the_world_begins(
    points: str, words: str, tmp_path: Path, plugged: dict[str, str]
) -> None:
    (tmp_path / "library" / "broken.py").write_text("1 / 0\n", "utf-8")
    (tmp_path / "library" / "exits.py").write_text("raise SystemExit(7)\n", "utf-8")
    _announce(tmp_path, points)
    finished = ecology(*MARKET, "--set", "mint.scorer=own", cwd=tmp_path, **plugged)
    assert finished.code == 2
    assert "the plug-in 'own'" in finished.complaint and words in finished.complaint
    assert not (tmp_path / "runs").exists()
