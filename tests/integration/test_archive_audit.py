"""`verify`: what agrees passes, and each kind of disagreement is found."""

from pathlib import Path

import pytest

from ecology.core.errors import UsageError
from ecology.observe.archive.audit import SHOWN_PROBLEMS, verify, verify_as_of
from ecology.observe.archive.repository import ARCHIVE, Repository
from tests.integration.archive_git import archive, git
from tests.integration.archive_log import ArtifactLog, filled


def archived(run_dir: Path) -> ArtifactLog:
    log = filled(run_dir)
    archive(run_dir)
    return log


def problem(run_dir: Path) -> str:
    problems = verify(run_dir).problems
    assert len(problems) == 1, problems
    return problems[0]


def test_agreement(tmp_path: Path) -> None:
    log = archived(tmp_path)
    audit = verify(tmp_path)
    assert audit.ok and audit.problems == () and audit.lag == 0
    assert (audit.cursor, audit.commits, audit.compared) == (log.sequence, log.changes, len(log.living))
    log.close()


def test_lagging_behind_is_no_problem_while_the_outbox_has_the_rest(tmp_path: Path) -> None:
    log = archived(tmp_path)
    cursor = log.sequence
    log.drop(cursor)
    log.write("last", b"newer")
    log.write("fresh", b"new")
    log.delete("fresh")
    log.chat()
    log.commit()
    audit = verify(tmp_path)
    assert audit.ok and audit.cursor == cursor and audit.lag == 3
    assert audit.compared == len(log.living) - 1
    log.drop(log.sequence)
    assert len(verify(tmp_path).problems) == 2
    log.close()


@pytest.mark.parametrize("begun", ["not at all", "by half", "empty"])
def test_nothing_archived_yet(tmp_path: Path, begun: str) -> None:
    log = ArtifactLog(tmp_path)
    log.write("note", b"waits")
    log.commit()
    log.close()
    if begun == "by half":
        (tmp_path / ARCHIVE / "refs").mkdir(parents=True)
    elif begun == "empty":
        (tmp_path / ARCHIVE).mkdir()
        git(tmp_path, "init", "--quiet", "--bare")
    audit = verify(tmp_path)
    assert audit.ok and (audit.cursor, audit.commits, audit.lag, audit.compared) == (0, 0, 1, 0)


def test_a_changed_content(tmp_path: Path) -> None:
    log = archived(tmp_path)
    log.execute("UPDATE artifacts SET content = x'00' WHERE id = 'last'")
    assert problem(tmp_path) == "the archive's 'last' differs from HEAD"
    log.close()


def test_an_artifact_that_only_one_side_has(tmp_path: Path) -> None:
    log = archived(tmp_path)
    log.execute("UPDATE artifacts SET deleted = 1 WHERE id = 'last'")
    assert "/last, which is no living artifact" in problem(tmp_path)
    log.execute("UPDATE artifacts SET deleted = 0, id = 'lost' WHERE id = 'last'")
    assert verify(tmp_path).problems[0] == "the archive has no 'lost'"
    log.close()


def test_an_event_that_vanished(tmp_path: Path) -> None:
    log = archived(tmp_path)
    log.execute(
        "DELETE FROM events WHERE sequence = (SELECT min(sequence) FROM events WHERE type LIKE 'artifact.%')"
    )
    assert problem(tmp_path) == f"the archive has {log.changes} commits for {log.changes - 1} artifact events"
    log.close()


def test_a_database_older_than_the_archive(tmp_path: Path) -> None:
    log = archived(tmp_path)
    log.execute("DELETE FROM events WHERE sequence = ?", (log.sequence,))
    assert f"the archive ends with event {log.sequence}, which is no change" in verify(tmp_path).problems[0]
    log.close()


def test_history_cut_short(tmp_path: Path) -> None:
    log = archived(tmp_path)
    log.drop(log.sequence)
    git(tmp_path, "update-ref", "refs/heads/main", "main~1")
    assert problem(tmp_path).startswith(f"the archive lacks event {log.sequence} ('last' r1)")
    log.close()


def test_many_problems_are_summed_up(tmp_path: Path) -> None:
    log = ArtifactLog(tmp_path)
    for number in range(3 * SHOWN_PROBLEMS):
        log.write(f"note-{number}", b"")
    log.commit()
    archive(tmp_path)
    log.execute("UPDATE artifacts SET content = x'00'")
    problems = verify(tmp_path).problems
    assert len(problems) == SHOWN_PROBLEMS + 1 and problems[-1] == f"… and {2 * SHOWN_PROBLEMS} more"
    log.close()


def test_not_a_run(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="give the directory of a run"):
        verify(tmp_path)


def test_an_archive_that_moved_on_while_the_database_was_copied(tmp_path: Path) -> None:
    """What the copy has given up arrived after the archive was looked at; what arrived nowhere is still found."""
    log = archived(tmp_path)
    repository = Repository(tmp_path / ARCHIVE)
    before = repository.head()
    log.write("late", b"after the look")
    log.commit()
    archive(tmp_path)
    log.drop(log.sequence)
    found = verify_as_of(repository, before, tmp_path)
    assert found.ok and before is not None and (found.cursor, found.lag) == (before.sequence, 1)
    log.write("lost", b"on no way")
    log.commit()
    log.drop(log.sequence)
    (problem,) = verify_as_of(repository, before, tmp_path).problems
    assert "('lost' r1)" in problem
    log.close()
