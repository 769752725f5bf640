"""Disks that are full or cannot be written, real ones: one line, an exit code, nothing lost."""

from pathlib import Path

import pytest

from tests.support.command import ecology
from tests.support.small_disk import protect, resize, small_disk
from tests.support.stored_run import StoredRun, last_event, wrongs

pytestmark = pytest.mark.mount
RUN = ("run", "--scenario", "commons", "--agents", "20", "--duration", "40s", "--seed", "5", "--quiet")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the run was lived on a disk with room."""
    home = tmp_path_factory.mktemp("whole")
    assert ecology(*RUN, cwd=home).code == 0
    return home


@pytest.fixture(scope="module")
def whole(home: Path) -> StoredRun:
    """What it came to."""
    return StoredRun.read(home / "runs" / "latest")


@pytest.mark.parametrize("percent", [2, 10, 40, 85, 97])
def test_a_full_disk(percent: int, tmp_path: Path, home: Path, whole: StoredRun) -> None:
    """However far the run got: the command to go on is in the line, and with room it ends as it would have."""
    needed = sum(path.stat().st_size for path in (home / "runs" / "latest").resolve().rglob("*"))
    with small_disk(tmp_path / "disk", needed * percent // 100 // 1024) as disk:
        stopped = ecology(*RUN, "--runs", disk, cwd=tmp_path)
        assert stopped.code == 1, stopped
        runs = [path for path in disk.iterdir() if not path.is_symlink()]
        if not runs:  # not even the directory could be made
            assert "space" in stopped.complaint
            return
        assert "full" in stopped.complaint or "space" in stopped.complaint, stopped.complaint
        assert f"ecology run --resume {runs[0].relative_to(tmp_path)}" in stopped.complaint
        again = ecology("run", "--resume", runs[0], "--quiet", cwd=tmp_path)
        assert again.code == 1, "there is no more room than before"
        assert again.complaint
        resize(disk, 64_000)
        if last_event(runs[0] / "ecology.sqlite"):
            assert wrongs(runs[0]) == []
        resumed = ecology("run", "--resume", runs[0], "--quiet", cwd=tmp_path)
        assert resumed.code == 0, resumed
        assert StoredRun.read(runs[0]).difference(whole) == ""
        assert wrongs(runs[0]) == []


def _fill(ballast: Path) -> None:
    with ballast.open("wb", buffering=0) as file:
        while True:
            file.write(b"x" * 4096)


def test_no_room_for_a_run_at_all(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 64) as disk:
        with pytest.raises(OSError, match="space"):
            _fill(disk / "ballast")
        refused = ecology(*RUN, "--runs", disk, cwd=tmp_path)
        assert refused.code == 1
        assert "space" in refused.complaint
        assert [path.name for path in disk.iterdir()] == ["ballast"]


def test_a_disk_that_cannot_be_written(tmp_path: Path) -> None:
    """No run begins there or goes on there; looking is allowed."""
    with small_disk(tmp_path / "disk", 64_000) as disk:
        assert ecology(*RUN, "--runs", disk / "runs", cwd=tmp_path).code == 0
        run = (disk / "runs" / "latest").resolve()
        protect(disk)
        refused = ecology(*RUN, "--runs", disk / "runs", cwd=tmp_path)
        assert refused.code == 2
        assert "--runs" in refused.complaint and "read-only" in refused.complaint
        for command in (("run", "--resume"), ("report",)):
            refused = ecology(*command, run, cwd=tmp_path)
            assert refused.code == 2, refused
            assert "read-only" in refused.complaint
        audited = ecology("admin", "audit", run, cwd=tmp_path)
        assert audited.code == 0, audited
