"""The archivist's process: `python -m ecology.observe.follower RUN_DIR`.

It tails the event log of a run (which it only reads) and writes the archive. Orders come as lines on standard input:

    (empty)             something was committed: look now
    finish SEQUENCE     write everything up to there, pack the repository, end with code 0
    stop                write what was already handed to git, end at once
    end of input        whoever started us is gone: like stop

Answers go as lines of JSON to standard output: `{"archived": SEQUENCE}` after each confirmed checkpoint, and
`{"fault": ..., "remedy": ...}` before giving up with code 1. SIGINT is ignored, as a terminal sends it to everybody;
SIGTERM is like stop.
"""

import os
import select
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType

import msgspec

from ecology.core.clock import MILLISECOND_NS, host_ns
from ecology.core.errors import ArchiveFault, EcologyError
from ecology.observe.archive.commits import is_commit_of
from ecology.observe.archive.outbox import Outbox, Source, is_full, read
from ecology.observe.archive.repository import ARCHIVE, Repository
from ecology.observe.archive.writer import ArchiveWriter

POLL_MS = 50
_STDIN, _STDOUT = 0, 1
_READ_BYTES = 65_536


class Report(msgspec.Struct, omit_defaults=True):
    """One line of output: `archived` is safe in git, or `fault` is why the follower gives up."""

    archived: int | None = None
    fault: str = ""
    remedy: str = ""


class Stopped(Exception):
    """The order to stop came during a long piece of work."""


class Orders:
    """What the parent wants, read from a descriptor (standard input) without blocking."""

    def __init__(self, source: int = _STDIN) -> None:
        self._source = source
        self.stopping = False
        self.target: int | None = None
        self._rest = b""

    def wait(self, delay_ms: int) -> None:
        """Wait for an order at most so long, and take in what has come."""
        if self.stopping:
            return
        ready, _, _ = select.select([self._source], [], [], delay_ms / 1_000)
        if not ready:
            return
        chunk = os.read(self._source, _READ_BYTES)
        if not chunk:
            self.stopping = True
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        for line in lines:
            self._obey(line.split())

    def pause(self, delay_ms: int) -> None:
        """Sit through a part of a long piece of work; raises `Stopped` if it must not go on."""
        deadline_ns = host_ns() + delay_ms * MILLISECOND_NS
        while not self.stopping and (left_ns := deadline_ns - host_ns()) > 0:
            self.wait(-(-left_ns // MILLISECOND_NS))
        if self.stopping:
            raise Stopped

    def on_signal(self, _number: int, _frame: FrameType | None) -> None:
        """SIGTERM."""
        self.stopping = True

    def _obey(self, words: list[bytes]) -> None:
        match words:
            case []:
                return  # a nudge: that we woke up is all it wants
            case [b"stop"]:
                self.stopping = True
            case [b"finish", sequence]:
                self.target = int(sequence)
            case _:
                raise ValueError(f"no such order: {words}")


class Follower:
    """Carries artifact events from the event log to the archive until it is told to end."""

    def __init__(
        self,
        source: Source,
        repository: Repository,
        orders: Orders,
        archived: Callable[[int], None],
        *,
        poll_ms: int = POLL_MS,
    ) -> None:
        """`archived` is told of every confirmed checkpoint. The caller holds the repository."""
        self._source = source
        self._repository = repository
        self._orders = orders
        self._archived = archived
        self._poll_ms = poll_ms
        self._writer = ArchiveWriter(repository)
        self._reported = -1
        self._check_kinship()

    def run(self) -> None:
        """Follow. Returns when finished or stopped; raises `EcologyError` when it cannot go on."""
        orders, writer = self._orders, self._writer
        self._report()
        try:
            while not orders.stopping:
                behind = self._advance()
                if orders.target is not None and writer.confirmed >= orders.target:
                    writer.close()
                    self._repository.finalise(orders.pause)
                    return
                if writer.is_crowded():
                    writer.tidy(orders.pause)
                orders.wait(0 if behind else self._poll_ms)
            writer.confirm()
            self._report()
            writer.close()
        except Stopped:
            return  # only tidying was under way: what was written is confirmed, and the next start sweeps up
        finally:
            writer.abandon()

    def _advance(self) -> bool:
        """Write what is new; True if there is more of it than one batch."""
        writer = self._writer
        deliveries, position = read(self._source, writer.position)
        behind = is_full(deliveries, writer.position, position)
        writer.write(deliveries, position)
        target = self._orders.target
        if writer.is_due() or (target is not None and writer.position >= target):
            writer.confirm()
        self._report()
        return behind

    def _report(self) -> None:
        confirmed = self._writer.confirmed
        if confirmed > self._reported:
            self._reported = confirmed
            self._archived(confirmed)

    def _check_kinship(self) -> None:
        """The event that the archive ends with must be in this log."""
        head = self._repository.head()
        if head is None:
            return
        ours = self._source.changes(head.sequence - 1, head.sequence)
        if not any(is_commit_of(head.text, delivery.change) for delivery in ours):
            raise ArchiveFault(
                f"{self._repository.path} ends with event {head.sequence}, which is none of this event log's changes",
                remedy="it belongs to another run, or the database was put back from an older backup: move it away",
            )


def tell(report: Report) -> None:
    """One line to the parent. A parent that is gone also ends our input, which is noticed there."""
    try:
        os.write(_STDOUT, msgspec.json.encode(report) + b"\n")
    except BrokenPipeError:
        return


def follow(run_dir: Path, orders: Orders) -> None:
    """Follow the run in `run_dir` until `orders` say otherwise; raises `EcologyError`."""
    outbox = Outbox(run_dir)
    try:
        repository = Repository(run_dir / ARCHIVE)
        with repository.taken(orders.pause):
            Follower(outbox, repository, orders, lambda archived: tell(Report(archived=archived))).run()
    except Stopped:
        return
    finally:
        outbox.close()


def main() -> int:
    """The process; returns its exit code."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.umask(0o077)
    if len(sys.argv) != 2:
        sys.stderr.write("usage: python -m ecology.observe.follower RUN_DIR (orders on standard input)\n")
        return 2
    orders = Orders()
    signal.signal(signal.SIGTERM, orders.on_signal)
    try:
        follow(Path(sys.argv[1]), orders)
    except EcologyError as fault:
        tell(Report(fault=fault.what, remedy=fault.remedy))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
