"""Several processes write to one world, are killed and paused: what was acknowledged is there, in one order."""

import asyncio
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ecology.store.audit import audit
from ecology.store.postgres import PostgresStore
from ecology.store.transcript import transcribe
from tests.integration.test_store_postgres_head import founded
from tests.support.postgres import database

ROOT = Path(__file__).parents[2]
PATIENCE_S = 60.0


class Writer:
    """A process of `tests.support.shared_writer`, and what it has said so far."""

    def __init__(self, url: str, name: str, log: Path) -> None:
        self.name = name
        self._log = log
        with log.open("a") as out:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.support.shared_writer", url, name],
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=out,
            )

    def said(self, word: str) -> list[str]:
        lines = self._log.read_text().split("\n")[:-1]  # the last may be cut short
        return [line.partition(" ")[2] for line in lines if line.startswith(word)]

    def await_more(self, word: str, count: int) -> None:
        wanted, patience = len(self.said(word)) + count, time.monotonic() + PATIENCE_S
        while len(self.said(word)) < wanted:
            assert time.monotonic() < patience and self._process.poll() is None, f"{self.name}: no {word}"
            time.sleep(0.01)

    def signal(self, number: int) -> None:
        self._process.send_signal(number)

    def end(self) -> int:
        """Let it finish what it is at."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        return self._process.wait(PATIENCE_S)

    def kill(self) -> None:
        self._process.kill()
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(PATIENCE_S)


@pytest.fixture
def url(tmp_path: Path) -> str:
    async def life() -> str:
        url = await database(tmp_path)
        store = await PostgresStore.open(url)
        await founded(store)
        await store.close()
        return url

    return asyncio.run(life())


async def told(url: str, folder: Path) -> list[tuple[int, str, int, int, int]]:
    """The history of the commits; what was written passes the audit."""
    store = await PostgresStore.open(url)
    await transcribe(store, folder / "ecology.sqlite")
    rows = await store.snapshot(
        lambda connection: connection.fetch(
            "SELECT number, node, generation, first_sequence, last_sequence FROM commits ORDER BY number"
        )
    )
    await store.close()
    wrong = [check for check in audit(folder / "ecology.sqlite") if not check.ok]
    assert wrong == [], wrong
    return [(row[0], row[1], row[2], row[3], row[4]) for row in rows]


def test_killed_and_paused_writers_leave_one_history(url: str, tmp_path: Path) -> None:
    log = {name: tmp_path / f"{name}.log" for name in ("one", "two")}
    one, two = (Writer(url, name, path) for name, path in log.items())
    two.await_more("committed", 5)
    for _ in range(3):
        one.await_more("committed", 3)
        one.kill()
        two.await_more("committed", 3)
        one = Writer(url, "one", log["one"])
    for paused, other in ((one, two), (two, one)):
        paused.await_more("committed", 1)
        paused.signal(signal.SIGSTOP)
        other.await_more("committed", 3)  # also if the paused one held the lock
        paused.signal(signal.SIGCONT)
        paused.await_more("committed", 3)
    assert [writer.end() for writer in (one, two)] == [0, 0]
    history = asyncio.run(told(url, tmp_path))
    assert [row[0] for row in history] == list(range(1, len(history) + 1))
    ends = [0, *(row[4] for row in history)]
    assert [row[3] for row in history] == [end + 1 for end in ends[:-1]], "no gap between two commits"
    of = {row[0]: (row[1], row[2]) for row in history}
    for writer in (one, two):
        acknowledged = [(int(line.split()[0]), int(line.split()[1])) for line in writer.said("committed")]
        assert acknowledged == sorted(acknowledged)
        assert all(of[number] == (writer.name, generation) for number, generation in acknowledged)
        generations = [row[2] for row in history if row[1] == writer.name]
        assert generations == sorted(generations)
    assert len({row[2] for row in history if row[1] == "one"}) >= 4, "one for each life"
