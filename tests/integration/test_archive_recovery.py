"""Git dies, disks lie, people meddle: history goes on where it ended, or one line says why not."""

import fcntl
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from ecology.core.errors import ArchiveFault
from ecology.core.seeds import Draw
from ecology.observe.archive import repository as repository_module
from ecology.observe.archive import writer as writer_module
from ecology.observe.archive.audit import verify
from ecology.observe.archive.outbox import read
from ecology.observe.archive.repository import ARCHIVE, Repository
from ecology.observe.archive.writer import ArchiveWriter
from tests.integration.archive_git import archive, catch_up, git, head, sit, writing
from tests.integration.archive_log import ArtifactLog, filled
from tests.support.children import living


class Interruption(Exception):
    """What a pause raises in these tests."""


def interrupt(_delay_ms: int) -> None:
    raise Interruption


def importers() -> list[psutil.Process]:
    return living(lambda child: "fast-import" in child.cmdline())


def kill_importers() -> None:
    for child in importers():
        child.kill()
        psutil.wait_procs([child])


def unbroken(tmp_path: Path) -> str:
    filled(tmp_path / "unbroken").close()
    return archive(tmp_path / "unbroken")


@pytest.mark.parametrize("moment", ["written", "confirmed", "closing"])
def test_git_killed_at_any_stage(tmp_path: Path, moment: str) -> None:
    log = filled(tmp_path / "run")
    with writing(tmp_path / "run") as (writer, outbox):
        deliveries, _ = read(outbox, 0)
        half = deliveries[: len(deliveries) // 2]
        writer.write(half, half[-1].change.sequence)
        if moment == "confirmed":
            writer.confirm()
        kill_importers()
        if moment == "closing":
            writer.close()
        catch_up(writer, outbox)
        assert writer.confirmed == log.sequence
        writer.close()
    assert head(tmp_path / "run") == unbroken(tmp_path)
    assert verify(tmp_path / "run").problems == ()
    log.close()


def test_git_that_always_dies_is_a_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Here it cannot read the history that it should build on."""
    log = filled(tmp_path)
    archive(tmp_path)
    log.write("more", b"more")
    log.commit()
    log.close()
    with writing(tmp_path) as (writer, outbox):
        for pack in (tmp_path / ARCHIVE / "objects" / "pack").glob("*.pack"):
            pack.chmod(0o600)
            pack.write_bytes(pack.read_bytes()[:40])
        with pytest.raises(ArchiveFault, match=r"cannot be used \(.+\); free the disk") as caught:
            catch_up(writer, outbox)
    assert "\n" not in str(caught.value)
    assert not importers()


def damage_ref(archive_dir: Path) -> None:
    (archive_dir / "refs" / "heads" / "main").write_text("nonsense\n")


def empty_ref(archive_dir: Path) -> None:
    (archive_dir / "refs" / "heads" / "main").write_text("")


def dangling_ref(archive_dir: Path) -> None:
    (archive_dir / "refs" / "heads" / "main").write_text("1" * 40 + "\n")


def lose_packs(archive_dir: Path) -> None:
    for file in (archive_dir / "objects" / "pack").iterdir():
        file.unlink()


def spoil_config(archive_dir: Path) -> None:
    (archive_dir / "config").write_text("[core\n")


def replace_by_file(archive_dir: Path) -> None:
    archive_dir.rename(archive_dir.with_name("moved"))
    archive_dir.write_text("not a directory")


def foreign_commit(archive_dir: Path) -> None:
    tree = git(archive_dir.parent, "rev-parse", "main^{tree}").strip()
    name = ("-c", "user.name=x", "-c", "user.email=x")
    commit = git(archive_dir.parent, *name, "commit-tree", "-p", "main", "-m", "by hand", tree).strip()
    git(archive_dir.parent, "update-ref", "refs/heads/main", commit)


DAMAGE = (damage_ref, empty_ref, dangling_ref, lose_packs, spoil_config, replace_by_file, foreign_commit)


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_archive_is_one_clear_line(tmp_path: Path, damage: Callable[[Path], None]) -> None:
    filled(tmp_path).close()
    archive(tmp_path)
    damage(tmp_path / ARCHIVE)
    for attempt in (archive, verify):
        with pytest.raises(ArchiveFault, match=r"archive\.git cannot be used \(") as caught:
            attempt(tmp_path)
        assert "\n" not in str(caught.value) and "backup" in str(caught.value)


def test_a_lost_archive_is_not_begun_anew(tmp_path: Path) -> None:
    log = filled(tmp_path)
    archive(tmp_path)
    log.drop(log.sequence)
    (tmp_path / ARCHIVE).rename(tmp_path / "lost")
    with pytest.raises(ArchiveFault, match="the archive lacks event 1 "):
        archive(tmp_path)
    assert "the archive lacks event 1 " in verify(tmp_path).problems[0]
    log.close()


def test_what_a_killed_git_leaves_is_swept(tmp_path: Path) -> None:
    filled(tmp_path).close()
    archive(tmp_path)
    place = tmp_path / ARCHIVE
    pack = next((place / "objects" / "pack").glob("*.pack"))
    leftovers = [
        place / "refs" / "heads" / "main.lock",
        place / "HEAD.lock",
        place / "config.lock",
        place / "objects" / "info" / "commit-graph.lock",
        place / "objects" / "pack" / "tmp_pack_Ab12",
        place / "objects" / "pack" / ".tmp-99-pack-77.idx",
        place / "fast_import_crash_123",
        pack.with_suffix(".keep"),
    ]
    for path in leftovers:
        path.write_text("fast-import\n" if path.suffix == ".keep" else "")
    own_keep = pack.with_name("pack-own.keep")
    own_keep.write_text("a person wants this one\n")
    archive(tmp_path)
    assert not [path for path in leftovers if path.exists()]
    assert own_keep.exists()


def test_a_half_made_repository_is_completed(tmp_path: Path) -> None:
    filled(tmp_path / "run").close()
    (tmp_path / "run" / ARCHIVE / "refs").mkdir(parents=True, mode=0o700)
    (tmp_path / "run" / ARCHIVE / "HEAD.lock").touch()
    assert archive(tmp_path / "run") == unbroken(tmp_path)


def test_one_writer_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repository_module, "LOCK_WAIT_MS", 50)
    filled(tmp_path).close()
    with (
        writing(tmp_path),
        pytest.raises(ArchiveFault, match="is being written by another process; end that run"),
    ):
        archive(tmp_path)


def test_a_predecessor_s_git_is_waited_for(tmp_path: Path) -> None:
    """Git inherits the lock: a follower that was killed leaves it held until its git has finished, too."""
    filled(tmp_path).close()
    archive(tmp_path)
    with Repository(tmp_path / ARCHIVE).taken(sit):
        first = Repository(tmp_path / ARCHIVE)
        with pytest.raises(Interruption), first.taken(interrupt):
            raise AssertionError("the lock is held")
    lock = os.open(tmp_path / ARCHIVE / "archivist", os.O_RDWR)
    fcntl.flock(lock, fcntl.LOCK_EX)
    orphan = subprocess.Popen(["sleep", "60"], pass_fds=(lock,))
    os.close(lock)
    waits = 0

    def pause(_delay_ms: int) -> None:
        nonlocal waits
        waits += 1
        if waits == 3:
            orphan.kill()
            orphan.wait()

    with Repository(tmp_path / ARCHIVE).taken(pause):
        assert waits >= 3


def test_packing_can_be_given_up(tmp_path: Path) -> None:
    filled(tmp_path).close()
    before = archive(tmp_path)
    repository = Repository(tmp_path / ARCHIVE)
    with repository.taken(sit):
        for work in (repository.finalise, repository.consolidate):
            with pytest.raises(Interruption):
                work(interrupt)
    with repository.taken(sit):
        repository.finalise(sit)
    assert head(tmp_path) == before and repository.pack_count() == 1
    assert (tmp_path / ARCHIVE / "objects" / "info" / "commit-graph").is_file()
    git(tmp_path, "commit-graph", "verify")
    assert verify(tmp_path).problems == ()


def test_packs_do_not_pile_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer_module, "PACKS_BEFORE_CONSOLIDATION", 5)
    monkeypatch.setattr(writer_module, "STREAM_COMMITS", 30)
    log = ArtifactLog(tmp_path)
    draw = Draw(3)
    most = 0
    with writing(tmp_path) as (writer, outbox):
        for _ in range(60):
            log.step(draw)
            log.commit()
            catch_up(writer, outbox)
            if writer.is_crowded():
                writer.tidy(sit)
            most = max(most, Repository(tmp_path / ARCHIVE).pack_count())
    assert 2 < most <= 6
    assert verify(tmp_path).problems == ()
    log.close()


def test_an_older_git_is_told_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    filled(tmp_path).close()
    monkeypatch.setattr(repository_module, "OLDEST_GIT", (99, 0))
    with pytest.raises(
        ArchiveFault, match=r"git version \S+ is too old for the archive; install git 99\.0 or newer"
    ):
        archive(tmp_path)


def test_a_machine_without_git_is_told_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    filled(tmp_path).close()
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ArchiveFault, match="git is not installed; install git"):
        archive(tmp_path)


def test_checkpoints_come_by_number_and_by_age(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer_module, "CHECKPOINT_COMMITS", 3)
    monkeypatch.setattr(writer_module, "CHECKPOINT_AGE_MS", 3_600_000)
    log = ArtifactLog(tmp_path)
    with writing(tmp_path) as (writer, outbox):
        due = []
        for number in range(4):
            log.write(f"note-{number}", b"")
            log.commit()
            writer.write(*read(outbox, writer.position))
            due.append(writer.is_due())
        assert due == [False, False, True, True]
        writer.confirm()
        assert not writer.is_due() and writer.confirmed == 4
        log.write("aged", b"")
        log.commit()
        monkeypatch.setattr(writer_module, "CHECKPOINT_AGE_MS", 0)
        writer.write(*read(outbox, writer.position))
        assert writer.is_due()
    log.close()


def test_a_writer_begins_where_history_ends(tmp_path: Path) -> None:
    log = filled(tmp_path)
    archive(tmp_path)
    repository = Repository(tmp_path / ARCHIVE)
    with repository.taken(sit):
        writer = ArchiveWriter(repository)
        assert writer.confirmed == writer.position == verify(tmp_path).cursor <= log.sequence
    log.close()
