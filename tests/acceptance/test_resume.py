"""`ecology run --resume`: goes on where a run stopped, makes what is missing, and leaves a finished one as it is."""

import json
import shutil
from pathlib import Path

import pytest

from ecology.app.run_directory import RunDirectory
from tests.support.command import called, ecology
from tests.support.faulty_store import FaultyStore, PowerCut
from tests.support.small_run import SmallRun, scenario
from tests.support.stored_run import StoredRun, wrongs

RUN = ("run", "--agents", "8", "--duration", "2m", "--seed", "6", "--quiet")
RESULTS = ("events.jsonl.zst", "summary.json", "report.html")


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A complete run, to be looked at."""
    home = tmp_path_factory.mktemp("original")
    done = called(*RUN, cwd=home)
    assert done.code == 0, done.err
    return (home / "runs" / "latest").resolve()


@pytest.fixture(scope="module")
def whole(original: Path) -> StoredRun:
    """What it has on disk."""
    return StoredRun.read(original)


@pytest.fixture
def finished(original: Path, tmp_path: Path) -> Path:
    """A copy of it, to be changed."""
    return shutil.copytree(original, tmp_path / original.name)


def test_a_finished_run_says_so_and_stays_as_it_is(finished: Path) -> None:
    before = {
        path.name: path.read_bytes() for path in finished.iterdir() if path.name in (*RESULTS, "run.yaml")
    }
    stored = StoredRun.read(finished)
    resumed = ecology("run", "--resume", finished, cwd=finished.parent)
    assert resumed.code == 0
    assert "complete already" in resumed.err and "nothing is left to do" in resumed.err
    quiet = called("run", "--resume", finished, "--quiet", "--json", cwd=finished.parent)
    assert (quiet.code, quiet.err) == (0, "")
    assert (
        quiet.out.encode() == before["summary.json"] + b"\n" or quiet.out.encode() == before["summary.json"]
    )
    assert {name: (finished / name).read_bytes() for name in before} == before
    assert StoredRun.read(finished).difference(stored) == ""


@pytest.mark.parametrize("missing", [*RESULTS, "all of them"])
def test_missing_files_are_made_again(missing: str, finished: Path) -> None:
    before = json.loads((finished / "summary.json").read_text())
    export = (finished / "events.jsonl.zst").read_bytes()
    for name in RESULTS if missing == "all of them" else (missing,):
        (finished / name).unlink()
    resumed = called("run", "--resume", finished, cwd=finished.parent)
    assert resumed.code == 0
    assert "complete already" in resumed.err and "made again" in resumed.err
    after = json.loads((finished / "summary.json").read_text())
    for fact in (
        "cpu_seconds",
        "peak_rss_bytes",
        "run_dir",
    ):  # of the process that made them, and of the copy
        del before[fact], after[fact]
    assert after == before
    assert (finished / "events.jsonl.zst").read_bytes() == export
    assert (finished / "report.html").is_file()


def test_a_report_alone_is_made_again_by_its_own_command(finished: Path) -> None:
    (finished / "report.html").unlink()
    drawn = called("report", finished, cwd=finished.parent)
    assert (drawn.code, drawn.err) == (0, "")
    assert Path(drawn.out.strip()).samefile(finished / "report.html")


@pytest.mark.parametrize(
    "other",
    [
        ("--agents", "9"),
        ("--seed", "6"),
        ("--duration", "4m"),
        ("--scenario", "famine"),
        ("--set", "agents=9"),
        ("--clock", "real"),
        ("--policy", "llm"),
        ("--model", "tiny"),
    ],
)
def test_a_resumed_run_keeps_its_scenario(other: tuple[str, str], original: Path) -> None:
    refused = called("run", "--resume", original, *other, cwd=original.parent)
    assert refused.code == 2
    assert "keeps its scenario" in refused.complaint


def test_the_environment_does_not_change_a_resumed_run(tmp_path: Path, whole: StoredRun) -> None:
    run = _stopped(tmp_path, at=5)
    resumed = ecology("run", "--resume", run.path, "--quiet", cwd=tmp_path, ECOLOGY__AGENTS="50")
    assert resumed.code == 0, resumed
    assert StoredRun.read(run.path).difference(whole) == ""


def _stopped(home: Path, at: int) -> SmallRun:
    """The same run, cut short at a commit, as yet without an archive."""
    run = SmallRun.make(home / "runs", scenario(agents=8, duration="2m", seed=6))
    with pytest.raises(PowerCut):
        run.live(group_turns=10, wrap=lambda store: FaultyStore(store, at, "written"))
    return run


@pytest.mark.parametrize("at", [1, 2, 9])
def test_what_another_process_left_is_finished_with_its_archive(
    at: int, tmp_path: Path, whole: StoredRun
) -> None:
    run = _stopped(tmp_path, at)
    resumed = ecology("run", "--resume", "runs/latest", "--quiet", cwd=tmp_path)
    assert resumed.code == 0, resumed
    assert StoredRun.read(run.path).difference(whole) == ""
    assert wrongs(run.path) == []


def test_an_unfinished_run_has_no_report_yet(tmp_path: Path) -> None:
    run = _stopped(tmp_path, at=6)
    refused = called("report", "runs/latest", cwd=tmp_path)
    assert refused.code == 2
    assert "has not ended" in refused.complaint and "ecology run --resume runs/latest" in refused.complaint
    assert not (run.path / "report.html").exists()


@pytest.mark.parametrize("left", ["a database half made", "no database", "a database without a world"])
def test_a_run_that_had_not_begun(left: str, tmp_path: Path, whole: StoredRun) -> None:
    """Its process was killed while it made the directory: resuming begins it; there is nothing yet to look at."""
    directory = RunDirectory.create(
        tmp_path / "runs", "20260101T000000Z", scenario(agents=8, duration="2m", seed=6)
    )
    directory.unlock()
    if left == "a database half made":
        (directory.path / "ecology.partial").write_bytes(b"SQLite format 3\x00" + bytes(300))
        (directory.path / "ecology.partial-journal").write_bytes(b"\xd9\xd5\x05\xf9 \xa1c\xd7" + bytes(600))
    for command in (("report",), ("admin", "audit")):
        refused = called(*command, directory.path, cwd=tmp_path)
        assert refused.code == 2
        assert "has not begun" in refused.complaint
    if left == "a database without a world":
        _stopped_at_genesis(directory)
    resumed = ecology("run", "--resume", directory.path, "--quiet", cwd=tmp_path)
    assert resumed.code == 0, resumed
    assert StoredRun.read(directory.path).difference(whole) == ""
    assert not list(directory.path.glob("*.partial*"))


def _stopped_at_genesis(directory: RunDirectory) -> None:
    run = SmallRun(directory, directory.scenario())
    with pytest.raises(PowerCut):
        run.live(wrap=lambda store: FaultyStore(store, 1, "mid-write"))


def test_a_directory_without_a_configuration(tmp_path: Path) -> None:
    """Killed even earlier: there is nothing that could be gone on with, and it says so."""
    (tmp_path / "runs" / "empty").mkdir(parents=True)
    refused = called("run", "--resume", "runs/empty", cwd=tmp_path)
    assert refused.code == 2
    assert "not a run directory" in refused.complaint


def test_a_run_that_was_moved_is_still_that_run(tmp_path: Path, whole: StoredRun) -> None:
    run = _stopped(tmp_path, at=6)
    elsewhere = tmp_path / "somewhere else"
    run.path.rename(elsewhere)
    resumed = ecology("run", "--resume", elsewhere, "--quiet", cwd=tmp_path)
    assert resumed.code == 0, resumed
    assert StoredRun.read(elsewhere).difference(whole) == ""
