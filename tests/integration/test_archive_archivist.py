"""The archivist: keeps a follower alive beside a run, ends it in time, and loses nothing when it dies."""

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from ecology.core.errors import ArchiveFault
from ecology.core.seeds import Draw
from ecology.observe.archive import archivist as archivist_module
from ecology.observe.archive.archivist import Archivist
from ecology.observe.archive.audit import verify
from ecology.observe.archive.repository import ARCHIVE
from tests.integration.archive_git import archive
from tests.integration.archive_log import ArtifactLog, filled
from tests.support.children import living

PATIENCE_S = 60


class Run:
    """A run's process as the archivist sees it: hears of cursors, and empties the outbox by them."""

    def __init__(self, log: ArtifactLog) -> None:
        self.log = log
        self.cursors: list[int] = []
        self.faults: list[str] = []
        self.moved = asyncio.Event()
        self.archivist = Archivist(log.run_dir, on_cursor=self._on_cursor, on_fault=self._on_fault)

    def _on_cursor(self, sequence: int) -> None:
        self.cursors.append(sequence)
        self.log.drop(sequence)
        self.moved.set()

    def _on_fault(self, line: str) -> None:
        self.faults.append(line)
        self.moved.set()

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while not condition():
                self.moved.clear()
                await self.moved.wait()


def followers() -> list[psutil.Process]:
    return living(lambda child: "ecology.observe.follower" in child.cmdline())


async def first_follower() -> psutil.Process:
    for _ in range(PATIENCE_S * 100):
        if found := followers():
            return found[0]
        await asyncio.sleep(0.01)
    raise AssertionError("no follower was started")


def test_a_run_from_start_to_finish(tmp_path: Path) -> None:
    log = ArtifactLog(tmp_path)
    run = Run(log)

    async def live() -> None:
        draw = Draw(2)
        run.archivist.nudge()  # before it lives: nothing happens
        await run.archivist.start()
        for _ in range(30):
            for _ in range(8):
                log.step(draw)
            log.commit()
            run.archivist.nudge()
            await asyncio.sleep(0.005)
        await run.archivist.finish(log.sequence)
        assert run.archivist.cursor == log.sequence
        await run.archivist.stop()

    asyncio.run(live())
    assert run.faults == [] and run.cursors == sorted(set(run.cursors))
    assert log.waiting() == 0 and not followers()
    assert verify(tmp_path).ok and verify(tmp_path).commits == log.changes
    log.close()


def test_a_dead_follower_is_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archivist_module, "BACKOFF_FIRST_MS", 10)
    log = filled(tmp_path)
    run = Run(log)

    async def live() -> None:
        await run.archivist.start()
        for _ in range(2):
            await run.until(lambda: run.archivist.cursor == log.sequence)
            (await first_follower()).kill()
            log.write("more", b"after its death")
            log.commit()
        await run.until(lambda: run.archivist.cursor == log.sequence)
        await run.archivist.finish(log.sequence)

    asyncio.run(live())
    assert len(run.faults) == 1 and "the archivist died, by SIGKILL" in run.faults[0]
    assert verify(tmp_path).ok and verify(tmp_path).commits == log.changes
    log.close()


def test_finish_does_not_wait_out_the_back_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archivist_module, "BACKOFF_FIRST_MS", 3_600_000)
    log = filled(tmp_path)
    run = Run(log)

    async def live() -> None:
        await run.archivist.start()
        (await first_follower()).kill()
        await run.until(lambda: bool(run.faults))
        await run.archivist.finish(log.sequence)

    asyncio.run(live())
    assert verify(tmp_path).ok and verify(tmp_path).commits == log.changes
    log.close()


def test_finish_fails_with_the_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = filled(tmp_path)
    archive(tmp_path)
    (tmp_path / ARCHIVE / "refs" / "heads" / "main").write_text("nonsense\n")
    run = Run(log)

    async def live() -> None:
        await run.archivist.start()
        await run.archivist.finish(log.sequence)

    with pytest.raises(ArchiveFault, match=r"archive\.git cannot be used"):
        asyncio.run(live())
    assert not followers()
    log.close()


def test_finish_gives_up_in_time(tmp_path: Path) -> None:
    """The follower waits for an event that was never committed."""
    log = filled(tmp_path)
    run = Run(log)

    async def live() -> None:
        await run.archivist.start()
        await run.until(lambda: run.archivist.cursor == log.sequence)
        await run.archivist.finish(log.sequence + 1, timeout_ms=100)

    with pytest.raises(ArchiveFault, match=r"reached event \d+ of \d+ within 100 ms; resume the run"):
        asyncio.run(live())
    assert not followers()
    log.close()


@pytest.mark.parametrize(
    "stage", ["never started", "starting", "running", "backing off", "frozen", "finishing"]
)
def test_stop_at_any_stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stage: str) -> None:
    monkeypatch.setattr(archivist_module, "BACKOFF_FIRST_MS", 3_600_000)
    log = filled(tmp_path)
    run = Run(log)

    async def live() -> None:
        if stage == "never started":
            return await run.archivist.stop()
        await run.archivist.start()
        if stage != "starting":
            await run.until(lambda: bool(run.cursors))
        finishing = None
        match stage:
            case "backing off":
                (await first_follower()).kill()
                await run.until(lambda: bool(run.faults))
            case "frozen":
                (await first_follower()).suspend()
            case "finishing":
                finishing = asyncio.create_task(run.archivist.finish(log.sequence + 1))
                await asyncio.sleep(0)
        await run.archivist.stop()
        await run.archivist.stop()
        if finishing is not None:
            await finishing
        return None

    asyncio.run(live())
    assert not followers()
    archive(tmp_path)
    assert verify(tmp_path).ok and verify(tmp_path).commits == log.changes
    log.close()


def test_a_stopped_run_goes_on_later(tmp_path: Path) -> None:
    log = filled(tmp_path)

    async def first() -> None:
        run = Run(log)
        await run.archivist.start()
        await run.until(lambda: bool(run.cursors))
        await run.archivist.stop()

    async def second() -> None:
        run = Run(log)
        await run.archivist.start()
        log.write("resumed", b"by another process")
        log.commit()
        await run.archivist.finish(log.sequence)

    asyncio.run(first())
    asyncio.run(second())
    assert verify(tmp_path).ok and verify(tmp_path).commits == log.changes
    log.close()


def test_a_follower_that_cannot_start_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "no-python"))
    log = filled(tmp_path)
    run = Run(log)

    async def live() -> None:
        await run.archivist.start()
        await run.until(lambda: bool(run.faults))
        await run.archivist.stop()

    asyncio.run(live())
    assert "no process for the archivist could be started" in run.faults[0]
    log.close()
