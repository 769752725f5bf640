"""The follower as a process, driven by its pipes and signals, and the archivist that keeps it alive."""

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from ecology.observe.archive import outbox as outbox_module
from ecology.observe.archive import writer as writer_module
from ecology.observe.archive.audit import verify
from ecology.observe.archive.repository import ARCHIVE, Pause
from ecology.observe.archive.writer import ArchiveWriter
from ecology.observe.follower import Orders, follow
from tests.integration.archive_git import archive, git
from tests.integration.archive_log import ArtifactLog, filled

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 60


class Line:
    """A follower on the other end of its pipes."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        assert process.stdin is not None and process.stdout is not None
        self.process = process
        self._orders = process.stdin
        self._answers = process.stdout

    def order(self, text: str) -> None:
        self._orders.write(text.encode())
        self._orders.flush()

    def hang_up(self) -> None:
        self._orders.close()

    def answer(self) -> dict[str, object]:
        ready, _, _ = select.select([self._answers], [], [], PATIENCE_S)
        assert ready, "no answer"
        line = self._answers.readline()
        assert line, "it ended"
        answer = json.loads(line)
        assert isinstance(answer, dict)
        return answer

    def answer_of(self, sequence: int) -> None:
        while self.answer()["archived"] != sequence:
            pass

    def end(self) -> int:
        return self.process.wait(PATIENCE_S)


@contextlib.contextmanager
def follower(*arguments: str, largest_file_kib: str = "unlimited") -> Iterator[Line]:
    command = ["sh", "-c", f'ulimit -f {largest_file_kib}; exec "$@"', "sh"]
    command += [sys.executable, "-m", "ecology.observe.follower", *arguments]
    with (
        subprocess.Popen(
            command,
            cwd=ROOT,
            bufsize=0,  # of two lines that came at once the second must still be in the pipe, where it is waited for
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as process
    ):
        try:
            yield Line(process)
        finally:
            process.kill()


def test_finish(tmp_path: Path) -> None:
    log = filled(tmp_path)
    with follower(str(tmp_path)) as line:
        assert line.answer() == {"archived": 0}
        line.order(f"finish {log.sequence}\n")
        line.answer_of(log.sequence)
        assert line.end() == 0
    assert len(list((tmp_path / ARCHIVE / "objects" / "pack").glob("*.pack"))) == 1
    git(tmp_path, "commit-graph", "verify")
    assert verify(tmp_path).ok and verify(tmp_path).lag == 0
    log.close()


def test_it_follows_without_being_told(tmp_path: Path) -> None:
    log = filled(tmp_path)
    with follower(str(tmp_path)) as line:
        line.answer_of(log.sequence)
        log.write("later", b"while it runs")
        line.answer_of(log.commit())
        for _ in range(20):
            log.chat()
        line.answer_of(log.commit())
    log.close()


@pytest.mark.parametrize("end", ["stop", "hang up", "terminate"])
def test_stopping_keeps_what_was_written(tmp_path: Path, end: str) -> None:
    log = filled(tmp_path)
    with follower(str(tmp_path)) as line:
        assert line.answer() == {"archived": 0}
        match end:
            case "stop":
                line.order("\nstop\n")
            case "hang up":
                line.hang_up()
            case _:
                line.process.terminate()
        assert line.end() == 0
    audit = verify(tmp_path)
    assert audit.ok and audit.commits + audit.lag == log.changes
    log.close()


def test_the_terminal_s_interrupt_is_not_its_affair(tmp_path: Path) -> None:
    log = filled(tmp_path)
    with follower(str(tmp_path)) as line:
        assert line.answer() == {"archived": 0}
        line.process.send_signal(signal.SIGINT)
        line.answer_of(log.sequence)
        line.order(f"finish {log.sequence}\n")
        assert line.end() == 0
    log.close()


def test_its_parent_s_death_ends_it(tmp_path: Path) -> None:
    """A parent that is killed says nothing; the pipes do."""
    log = filled(tmp_path)
    script = (
        "import subprocess, sys, time\n"
        "pipe = subprocess.PIPE\n"
        f"child = subprocess.Popen([sys.executable, '-m', 'ecology.observe.follower', {str(tmp_path)!r}],"
        " stdin=pipe, stdout=pipe)\n"
        "child.stdout.readline()\n"
        "print(child.pid, flush=True)\n"
        "time.sleep(600)\n"
    )
    with subprocess.Popen([sys.executable, "-c", script], cwd=ROOT, stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        child = psutil.Process(int(parent.stdout.readline()))
        parent.kill()
    assert not psutil.wait_procs([child], timeout=PATIENCE_S)[1]
    archive(tmp_path)  # nobody holds the archive any more
    assert verify(tmp_path).ok and verify(tmp_path).lag == 0
    log.close()


def damage(run_dir: Path) -> str:
    archive(run_dir)
    (run_dir / ARCHIVE / "refs" / "heads" / "main").write_text("nonsense\n")
    return "archive.git cannot be used"


def lose_database(run_dir: Path) -> str:
    for file in run_dir.glob("ecology.sqlite*"):
        file.unlink()
    return "ecology.sqlite does not exist"


def spoil_database(run_dir: Path) -> str:
    for file in run_dir.glob("ecology.sqlite*"):
        file.unlink()
    (run_dir / "ecology.sqlite").write_bytes(b"no database " * 1_000)
    return "ecology.sqlite is damaged"


def swap_archive(run_dir: Path) -> str:
    other = ArtifactLog(run_dir / "other")
    for number in range(10):
        other.write(f"other-{number}", b"of another run")
    other.commit()
    other.close()
    archive(run_dir / "other")
    (run_dir / "other" / ARCHIVE).rename(run_dir / ARCHIVE)
    return "which is none of this event log's changes"


@pytest.mark.parametrize("mishap", [damage, lose_database, spoil_database, swap_archive])
def test_what_it_cannot_mend_is_one_line(tmp_path: Path, mishap: Callable[[Path], str]) -> None:
    filled(tmp_path).close()
    expected = mishap(tmp_path)
    with follower(str(tmp_path)) as line:
        while "fault" not in (answer := line.answer()):
            assert answer == {"archived": 0}
        assert line.end() == 1
        assert line.process.stderr is not None and line.process.stderr.read() == b""
    assert expected in str(answer["fault"]) and "\n" not in str(answer["fault"]) and answer["remedy"]


def test_a_disk_that_takes_no_more_is_one_line(tmp_path: Path) -> None:
    """Git cannot write its pack, and no number of attempts helps; later there is room, and nothing is lost."""
    log = filled(tmp_path, steps=600)
    with follower(str(tmp_path), largest_file_kib="64") as line:
        assert line.answer() == {"archived": 0}
        with contextlib.suppress(BrokenPipeError):  # in a while it also finds out without being told
            line.order(f"finish {log.sequence}\n")
        assert "cannot be used" in str(line.answer()["fault"])
        assert line.end() == 1
    with follower(str(tmp_path)) as line:
        line.order(f"finish {log.sequence}\n")
        line.answer_of(log.sequence)
        assert line.end() == 0
    assert verify(tmp_path).ok and verify(tmp_path).commits == log.changes
    log.close()


def test_it_tidies_up_as_it_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """In this process, with small limits: several streams, several consolidations, and the end in one of them."""
    monkeypatch.setattr(writer_module, "CHECKPOINT_COMMITS", 2)
    monkeypatch.setattr(writer_module, "PACKS_BEFORE_CONSOLIDATION", 3)
    monkeypatch.setattr(outbox_module, "BATCH_EVENTS", 5)
    tidied: list[int] = []

    def tidy(writer: ArchiveWriter, pause: Pause) -> None:
        tidied.append(writer.confirmed)
        if len(tidied) == 4:
            os.write(orders_in, b"stop\n")
        plain_tidy(writer, pause)

    plain_tidy = ArchiveWriter.tidy
    monkeypatch.setattr(ArchiveWriter, "tidy", tidy)
    filled(tmp_path, steps=200).close()
    source, orders_in = os.pipe()
    follow(tmp_path, Orders(source))
    os.close(source)
    os.close(orders_in)
    assert len(tidied) == 4
    reported = [json.loads(line)["archived"] for line in capfd.readouterr().out.splitlines()]
    assert reported == sorted(set(reported)) and reported[-1] == tidied[-1]
    monkeypatch.undo()
    archive(tmp_path)
    assert verify(tmp_path).ok and verify(tmp_path).lag == 0


def test_a_wrong_call(tmp_path: Path) -> None:
    with follower() as line:
        assert line.end() == 2
