"""The run's side of the archive: a follower process, kept alive, and waited for only once agents have stopped."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable
from pathlib import Path

import msgspec

from ecology.core.errors import ArchiveFault
from ecology.observe.follower import Report

BACKOFF_FIRST_MS = 1_000
BACKOFF_LAST_MS = 60_000
FINISH_TIMEOUT_MS = 600_000
STOP_TIMEOUT_MS = 1_000
FOREGROUND_ATTEMPTS = 3
_STDERR_KEPT_BYTES = 4_096


_report_of = msgspec.json.Decoder(Report).decode


class Archivist:
    """Keeps a follower running beside the world.

    `on_cursor(sequence)` hears of every confirmed checkpoint: artifact events up to `sequence` are on disk in git, so
    their outbox rows may go. `on_fault(line)` hears of the first follower that died, once; every dead one is started
    again after a back-off that doubles while nothing gets written. Both are called on the event loop and must not
    block.
    """

    def __init__(
        self, run_dir: Path, *, on_cursor: Callable[[int], None], on_fault: Callable[[str], None]
    ) -> None:
        self._run_dir = run_dir
        self._on_cursor = on_cursor
        self._on_fault = on_fault
        self._cursor = 0
        self._process: Process | None = None
        self._tending: asyncio.Task[None] | None = None
        self._hurry = asyncio.Event()
        self._target: int | None = None
        self._stopping = False

    @property
    def cursor(self) -> int:
        """Every artifact event up to this sequence is in the archive; 0 until the follower has said so."""
        return self._cursor

    async def start(self) -> None:
        """Start the follower. Returns at once; a follower that cannot start is reported, not raised."""
        assert self._tending is None, "an archivist starts once"
        self._tending = asyncio.create_task(self._tend(), name="archivist")

    def nudge(self) -> None:
        """Something was committed: look now. Never blocks; a lost nudge costs a poll's interval."""
        self._order("\n")

    async def finish(self, sequence: int, *, timeout_ms: int = FINISH_TIMEOUT_MS) -> None:
        """Archive everything up to `sequence` (committed by now), pack the repository, and end the follower.

        A follower that died on the way is started again. Raises `ArchiveFault` if the tail could not be written; when
        only the packing takes too long, the archive is whole and this returns. So it does, early, after `stop`.
        """
        assert self._tending is not None, "start comes first"
        self._target = sequence
        self._order(f"finish {sequence}\n")
        self._hurry.set()
        try:
            async with asyncio.timeout(timeout_ms / 1_000):
                await asyncio.shield(self._tending)
        except TimeoutError:
            await self.stop()
            if self._cursor < sequence:
                raise ArchiveFault(
                    f"the archive reached event {self._cursor} of {sequence} within {timeout_ms} ms",
                    remedy="resume the run to write the rest; it is kept in the database",
                ) from None

    async def stop(self) -> None:
        """End the follower within about a second; what it has not written stays in the outbox. Safe at any time."""
        self._stopping = True
        self._order("stop\n")
        self._hurry.set()
        if self._tending is None:
            return
        await asyncio.wait([self._tending], timeout=STOP_TIMEOUT_MS / 1_000)
        if not self._tending.done():
            if self._process is not None:
                _kill(self._process)
            await asyncio.wait([self._tending])
        error = self._tending.exception()
        if error is not None and not isinstance(error, ArchiveFault):  # that one `finish` has raised
            raise error

    def _order(self, line: str) -> None:
        process = self._process
        if process is None or process.stdin is None or process.stdin.is_closing():
            return
        if line == "\n" and process.stdin.transport.get_write_buffer_size():
            return  # nudges already wait there; they do not add up
        process.stdin.write(line.encode())

    async def _tend(self) -> None:
        backoff_ms = BACKOFF_FIRST_MS
        attempts = 0
        told = False
        while True:
            before = self._cursor
            hurried = self._target is not None
            fault = await self._follow()
            finished = fault is None and self._target is not None and self._cursor >= self._target
            if finished or self._stopping:
                return
            if fault is None:
                fault = ArchiveFault("the archivist ended before it was told to")
            if self._cursor > before:
                backoff_ms, attempts = BACKOFF_FIRST_MS, 0
            attempts += hurried  # what happened before `finish` was asked for does not count against it
            if attempts == FOREGROUND_ATTEMPTS:
                raise fault
            if not told:
                self._on_fault(
                    f"the archive lags behind ({fault}); the world goes on and the archivist is restarted"
                )
                told = True
            await self._rest(backoff_ms)
            backoff_ms = min(2 * backoff_ms, BACKOFF_LAST_MS)

    async def _rest(self, backoff_ms: int) -> None:
        """Wait before the next start; `finish` and `stop` do not."""
        try:
            async with asyncio.timeout(backoff_ms / 1_000):
                await self._hurry.wait()
        except TimeoutError:
            return

    async def _follow(self) -> ArchiveFault | None:
        """One life of the follower; returns why it died, or None if it ended well."""
        try:
            process = await _spawn(self._run_dir)
        except OSError as error:
            return ArchiveFault(f"no process for the archivist could be started ({error})")
        self._process = process
        if self._stopping:
            self._order("stop\n")
        elif self._target is not None:
            self._order(f"finish {self._target}\n")
        try:
            fault, complaint = await asyncio.gather(self._listen(process), _tail(process))
            code = await process.wait()
        finally:
            self._process = None
            _kill(process)
        if fault is None and code != 0:
            fault = ArchiveFault(f"the archivist died, {_ending(code)}{complaint}")
        return fault

    async def _listen(self, process: Process) -> ArchiveFault | None:
        assert process.stdout is not None, "started with pipes"
        fault = None
        async for line in process.stdout:
            report = _report_of(line)
            if report.archived is not None and report.archived > self._cursor:
                self._cursor = report.archived
                self._on_cursor(report.archived)
            if report.fault:
                fault = ArchiveFault(report.fault, remedy=report.remedy)
        return fault


async def _spawn(run_dir: Path) -> Process:
    """A follower that imports from where this process does, in a process group of its own: Ctrl-C is ours to handle."""
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-P",
        "-m",
        "ecology.observe.follower",
        str(run_dir),
        stdin=PIPE,
        stdout=PIPE,
        stderr=PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(place for place in sys.path if place)},
        process_group=0,
    )


async def _tail(process: Process) -> str:
    """The last line that the follower complained with, as `: line`."""
    assert process.stderr is not None, "started with pipes"
    kept = b""
    while chunk := await process.stderr.read(_STDERR_KEPT_BYTES):
        kept = (kept + chunk)[-_STDERR_KEPT_BYTES:]
    lines = kept.decode("utf-8", "replace").strip().splitlines()
    return f": {lines[-1]}" if lines else ""


def _ending(code: int) -> str:
    return f"exit {code}" if code > 0 else f"by {signal.Signals(-code).name}"


def _kill(process: Process) -> None:
    if process.returncode is None:
        process.kill()
