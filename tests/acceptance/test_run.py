"""`ecology run`: what it leaves in the run directory, and what it says to people and to programs."""

import hashlib
import io
import json
import os
import pty
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
import zstandard

from ecology import scenarios
from ecology.events.records import ActionTaken
from tests.support.command import Finished, called, ecology, environment
from tests.support.enough import committed, lasting
from tests.support.stored_run import archive_head

RUN = ("run", "--agents", "10", "--duration", "2m", "--seed", "4")

SUMMARY = {
    "run_id", "scenario", "seed", "agents", "clock", "world_seconds", "wall_seconds", "cpu_seconds", "peak_rss_bytes",
    "actions", "refusals", "events", "event_log_sha256", "actions_per_second", "model", "measures", "scarcity", "audit",
    "container", "run_dir",
}  # fmt: skip
MODEL = {"calls", "input_tokens", "output_tokens", "usd_micros", "estimate_usd_micros"}
MEASURES = {
    "supply", "gini", "velocity", "coordination_density", "coalitions", "specialisation", "reuse", "capital_depth",
    "action_entropy_bits", "median_wealth", "top_share",
}  # fmt: skip
SCARCITY = {"share_waiting", "share_used", "binds"}
RESOURCES = {"llm_rate", "cpu", "disk", "memory", "llm_budget"}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("run")


@pytest.fixture(scope="module")
def finished(home: Path) -> Finished:
    """One run with everything it says, its output going into pipes."""
    return ecology(*RUN, "--json", cwd=home)


def test_stdout_is_one_json_document_with_every_field(finished: Finished, home: Path) -> None:
    assert finished.code == 0, finished
    summary = json.loads(finished.out)
    assert set(summary) >= SUMMARY
    assert set(summary["model"]) >= MODEL
    assert set(summary["measures"]) >= MEASURES
    assert set(summary["scarcity"]) == RESOURCES
    assert all(set(one) >= SCARCITY for one in summary["scarcity"].values())
    assert set(summary["audit"]) >= {"ok", "checks"} and summary["audit"]["ok"]
    assert set(summary["container"]) >= {"cpus", "memory_bytes", "source"}
    assert summary == json.loads((home / "runs" / "latest" / "summary.json").read_text())
    assert Path(summary["run_dir"]).samefile(home / "runs" / "latest")
    assert (summary["agents"], summary["seed"], summary["scenario"]) == (10, 4, "container")
    assert (summary["clock"], summary["costs"], summary["world_seconds"]) == ("virtual", "modelled", 120.0)


def _export(run: Path) -> bytes:
    with (run / "events.jsonl.zst").open("rb") as file:
        return zstandard.ZstdDecompressor().stream_reader(file).read()


def test_the_run_directory_is_complete(finished: Finished, home: Path) -> None:
    summary = json.loads(finished.out)
    run = (home / "runs" / "latest").resolve()
    assert run.name == summary["run_id"]
    assert run.name.endswith("-container-4")
    lines = _export(run)
    assert hashlib.sha256(lines).hexdigest() == summary["event_log_sha256"]
    events = [json.loads(line) for line in io.BytesIO(lines)]
    assert [event["sequence"] for event in events] == list(range(1, summary["events"] + 1))
    assert stat.S_IMODE((run / "archive.git").stat().st_mode) == 0o700
    assert len(archive_head(run)) == 40
    assert (run / "report.html").read_text().lower().startswith("<!doctype html>")
    assert not list(run.glob("*.partial*")) and not (run / "crashes.log").exists()


def test_the_configuration_repeats_the_run(finished: Finished, home: Path) -> None:
    run = home / "runs" / "latest"
    scenario = scenarios.load(run / "run.yaml")
    assert (scenario.agents, scenario.seed) == (10, 4)
    again = ecology(
        "run", "--scenario", run / "run.yaml", "--json", "--quiet", "--runs", home / "again", cwd=home
    )
    assert json.loads(again.out)["event_log_sha256"] == json.loads(finished.out)["event_log_sha256"]


def test_nothing_of_the_host_is_in_the_log(finished: Finished, home: Path) -> None:
    run = home / "runs" / "latest"
    lines = _export(run).decode()
    for word in (str(home), os.uname().nodename, json.loads(finished.out)["run_id"], time.strftime("%Y-")):
        assert word not in lines


def test_talk_is_calm_where_nobody_watches(finished: Finished) -> None:
    """No colours, no cursor tricks, no half lines: what goes into a log file can be read there."""
    assert finished.err.endswith("\n")
    assert not set(finished.err) - {"\n"} & set(map(chr, range(32)))
    assert "\x1b" not in finished.err + finished.out


def test_quiet_is_quiet(home: Path) -> None:
    quiet = ecology(*RUN, "--quiet", cwd=home)
    assert (quiet.code, quiet.out, quiet.err) == (0, "", "")
    quiet = called(*RUN, "--quiet", "--json", cwd=home)
    assert (quiet.code, quiet.err) == (0, "")
    assert json.loads(quiet.out)["actions"] > 0


def test_the_summary_table_is_for_people(home: Path) -> None:
    shown = called(*RUN, cwd=home)
    assert shown.code == 0
    assert shown.out == "", "stdout is for data"
    for word in ("supply", "Gini", "Refusals", "Scarcity", "audit passed", "costs modelled"):
        assert word in shown.err, word


def test_runs_that_begin_in_the_same_second(tmp_path: Path) -> None:
    brief = ("run", "--agents", "1", "--duration", "1s", "--quiet")
    for _ in range(3):
        assert called(*brief, cwd=tmp_path).code == 0
    runs = [path for path in (tmp_path / "runs").iterdir() if not path.is_symlink()]
    assert len(runs) == 3
    newest = max(runs, key=lambda path: path.stat().st_mtime_ns)
    assert (tmp_path / "runs" / "latest").readlink() == Path(newest.name), "a link that survives a move"


def test_the_real_clock_measures(tmp_path: Path) -> None:
    real = ("run", "--agents", "5", "--clock", "real", "--duration", "3s", "--json", "--quiet")
    began = time.monotonic()
    with lasting(lambda: sum(isinstance(event, ActionTaken) for event in committed(tmp_path)) > 5):
        finished = called(*real, cwd=tmp_path)
    took_s = time.monotonic() - began
    assert finished.code == 0, finished
    summary = json.loads(finished.out)
    assert (summary["clock"], summary["costs"]) == ("real", "measured")
    assert 3.0 <= summary["world_seconds"] <= took_s
    assert 3.0 <= summary["wall_seconds"] <= took_s
    assert summary["actions"] > 5 and summary["audit"]["ok"]
    print(f"3 s of the real clock: {summary['world_seconds']} s of world, {took_s:.1f} s in all")


def _at_a_terminal(*arguments: str, cwd: Path, **variables: str) -> tuple[int, str]:
    """Run the command with a terminal as its stderr; its exit code and what the terminal got."""
    master, slave = pty.openpty()
    settings = environment(TERM="xterm-256color", COLUMNS="120", **variables)
    process = subprocess.Popen(
        [sys.executable, "-m", "ecology", *arguments],
        cwd=cwd,
        env=settings,
        stderr=slave,
        stdout=subprocess.DEVNULL,
    )
    os.close(slave)
    got = b""
    while True:
        try:
            chunk = os.read(master, 65_536)
        except OSError:  # the last writer has gone
            break
        got += chunk
    os.close(master)
    return process.wait(timeout=100), got.decode()


def test_progress_moves_at_a_terminal(tmp_path: Path) -> None:
    code, shown = _at_a_terminal("run", "--agents", "60", "--duration", "10m", cwd=tmp_path)
    assert code == 0
    assert "\x1b[" in shown and "/s" in shown and "supply" in shown
    assert "\x1b[?25h" in shown.rpartition("\x1b[?25l")[2], "the cursor is back"


def test_no_color_is_respected_at_a_terminal(tmp_path: Path) -> None:
    code, shown = _at_a_terminal("run", "--agents", "10", "--duration", "1m", cwd=tmp_path, NO_COLOR="1")
    assert code == 0
    colours = [part for part in shown.split("\x1b[")[1:] if part.split("m")[0].replace(";", "").isdigit()]
    painted = [
        part
        for part in colours
        if any(31 <= int(code or 0) % 60 <= 47 for code in part.split("m")[0].split(";"))
    ]
    assert not painted
