"""What stands in the archive: one commit per change, byte for byte, the same on every machine."""

import os
from pathlib import Path

import pytest

from ecology.core.seeds import Draw
from ecology.observe.archive.audit import verify
from ecology.observe.archive.names import path_of
from ecology.observe.archive.outbox import read
from ecology.observe.archive.repository import ARCHIVE
from tests.integration.archive_git import archive, catch_up, git, trailers, writing
from tests.integration.archive_log import ArtifactLog

GOLDEN = "329b7a0992d85f46a4ec58f9191a2f5a333a2dc8"
"""The history of `small`: a change of it means that archives of old runs cannot be continued."""

HOSTILE = {
    "nul": b"\0",
    "empty": b"",
    "newlines": b"\n\n\n",
    "commit": b"commit refs/heads/main\nmark :1\ncommitter x <x> 0 +0000\ndata 0\n",
    "done": b"\ndone\n",
    "checkpoint": b"checkpoint\nprogress hello\nget-mark :1\n",
    "count": b"data 99999999\n",
    "here": b"data <<EOF\nx\nEOF\n",
    "bytes": bytes(range(256)) * 40,
    "crlf": b"a\r\nb\rc\n",
    "large": b"0123456789abcdef" * 62_500,
    ".git": b"[core]\n",
    "..": b"up",
    "foo.lock": b"locked",
    "a.": b"dot",
    "-rf": b"dash",
}


def small(run_dir: Path) -> ArtifactLog:
    """A log with one of everything."""
    log = ArtifactLog(run_dir)
    log.write("agent-0001", b"{}", by=None)
    log.chat()
    log.write("note", b"one\n", title="A note")
    log.write("note", b"two\n")
    log.give("note", "agent-0002")
    log.delete("note", by="agent-0002")
    log.commit()
    return log


def test_every_change_is_a_commit(tmp_path: Path) -> None:
    small(tmp_path).close()
    archive(tmp_path)
    shown = git(
        tmp_path, "log", "--reverse", "--format=%s|%an|%ae|%at|%cn|%ct|%ad", "--date=iso-strict", "main"
    )
    world, one = "world|world@ecology.invalid", "agent-0001|agent-0001@ecology.invalid"
    assert shown.splitlines() == [
        f"create agent-0001 r1|{world}|0|ecology archivist|0|1970-01-01T00:00:00+00:00",
        f"create note r1|{one}|0|ecology archivist|0|1970-01-01T00:00:00+00:00",
        f"write note r2|{one}|0|ecology archivist|0|1970-01-01T00:00:00+00:00",
        f"give note r3|{one}|0|ecology archivist|0|1970-01-01T00:00:00+00:00",
        "delete note r4|agent-0002|agent-0002@ecology.invalid|0|ecology archivist|0|1970-01-01T00:00:00+00:00",
    ]
    assert trailers(tmp_path, "main~3") == [
        ("Artifact", "note"),
        ("Revision", "1"),
        ("Type", "note"),
        ("Contract", "freeware"),
        ("Owner", "agent-0001"),
        ("Title", "A note"),
        ("Turn", "agent-0001#3"),
        ("Event-Sequence", "3"),
    ]
    assert trailers(tmp_path, "main~1")[2:4] == [("Owner", "agent-0002"), ("Former-Owner", "agent-0001")]
    assert git(tmp_path, "ls-tree", "-r", "--name-only", "main").split() == [path_of("agent-0001")]
    assert git(tmp_path, "show", f"main~2:{path_of('note')}") == "two\n"
    assert git(tmp_path, "diff", "--stat", "main~2", "main~1") == ""


def test_dates_are_world_time(tmp_path: Path) -> None:
    log = ArtifactLog(tmp_path)
    for _ in range(359):
        log.chat()
    log.write("late", b"3.6 s into the world")
    log.commit()
    log.close()
    archive(tmp_path)
    assert git(tmp_path, "log", "--format=%at %ct", "main") == "3 3\n"


def test_contents_arrive_as_they_are(tmp_path: Path) -> None:
    log = ArtifactLog(tmp_path)
    for name, content in HOSTILE.items():
        log.write(name, content)
    log.commit()
    log.close()
    archive(tmp_path)
    audit = verify(tmp_path)
    assert audit.problems == () and audit.compared == len(HOSTILE) == audit.commits
    git(tmp_path, "fsck", "--strict", "--full")


@pytest.mark.parametrize(
    "words",
    [
        "x\nOwner: thief",
        "x\n\nEvent-Sequence: 999",
        "x\r\nEvent-Sequence: 999\r",
        "\u2028Event-Sequence: 999\x0b\x0c\x85",
        "\0",
        " \n ",
        "data 5\ncommit refs/heads/main",
        "日本語 🐜 100 %",
    ],
)
def test_words_of_agents_stay_in_their_trailer(tmp_path: Path, words: str) -> None:
    log = ArtifactLog(tmp_path)
    log.write("plain", b"", title="plain")
    log.write("evil", b"", title=words)
    log.commit()
    log.close()
    archive(tmp_path)
    assert [key for key, _ in trailers(tmp_path)] == [key for key, _ in trailers(tmp_path, "main~1")]
    assert dict(trailers(tmp_path))["Owner"] == "agent-0001"
    assert verify(tmp_path).problems == () and verify(tmp_path).cursor == 2


def test_the_same_run_has_the_same_history_everywhere(tmp_path: Path) -> None:
    small(tmp_path).close()
    assert archive(tmp_path) == GOLDEN


def test_history_does_not_depend_on_batches(tmp_path: Path) -> None:
    """All at once, or event by event with a checkpoint and a new git process each: the same commits."""
    heads = set()
    for piecemeal in (False, True):
        run_dir = tmp_path / str(piecemeal)
        log = ArtifactLog(run_dir)
        draw = Draw(7)
        for _ in range(40):
            log.step(draw)
            if piecemeal:
                log.commit()
                with writing(run_dir) as (writer, outbox):
                    catch_up(writer, outbox)
        log.commit()
        heads.add(archive(run_dir))
        assert verify(run_dir).problems == ()
        log.close()
    assert len(heads) == 1


def test_git_settings_of_the_user_do_not_matter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "home"
    hooks = home / "template" / "hooks"
    hooks.mkdir(parents=True)
    (hooks / "reference-transaction").write_text("#!/bin/sh\nexit 1\n")
    (hooks / "reference-transaction").chmod(0o755)
    (home / ".gitconfig").write_text(
        f"[core]\n\tautocrlf = true\n\thooksPath = {hooks}\n[init]\n\ttemplateDir = {home}/template\n"
        "\tdefaultBranch = trunk\n[commit]\n\tgpgSign = true\n[i18n]\n\tcommitEncoding = latin1\n"
    )
    for name, value in {
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home),
        "GIT_CONFIG_GLOBAL": str(home / ".gitconfig"),
        "GIT_DIR": str(tmp_path / "elsewhere"),
        "GIT_OBJECT_DIRECTORY": str(tmp_path / "elsewhere"),
        "GIT_DEFAULT_HASH": "sha256",
        "GIT_COMMITTER_DATE": "2001-01-01T00:00:00Z",
        "GIT_AUTHOR_NAME": "me",
        "TZ": "Asia/Kathmandu",
    }.items():
        monkeypatch.setenv(name, value)
    small(tmp_path / "run").close()
    assert archive(tmp_path / "run") == GOLDEN


def test_only_the_observer_may_enter(tmp_path: Path) -> None:
    small(tmp_path).close()
    archive(tmp_path)
    assert os.stat(tmp_path / ARCHIVE).st_mode & 0o777 == 0o700  # noqa: PTH116
    assert git(tmp_path, "config", "gc.auto").strip() == "0"


def test_large_outbox_is_read_in_pieces(tmp_path: Path) -> None:
    log = ArtifactLog(tmp_path)
    for number in range(12):
        log.write(f"big-{number}", b"%d" % number * 900_000)
    log.commit()
    with writing(tmp_path) as (_, outbox):
        deliveries, position = read(outbox, 0)
        assert 0 < len(deliveries) < 12 and position == deliveries[-1].change.sequence
    log.close()
    archive(tmp_path)
    assert verify(tmp_path).compared == 12


def test_empty_log(tmp_path: Path) -> None:
    log = ArtifactLog(tmp_path)
    log.chat()
    log.commit()
    log.close()
    with writing(tmp_path) as (writer, outbox):
        catch_up(writer, outbox)
        assert writer.confirmed == 1
    assert verify(tmp_path).ok
