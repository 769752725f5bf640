"""The measures of a world that goes on: the same projections that measure a finished run, followed event by event.

The folding is done in another thread, batch by batch, so that the process answers meanwhile. Its cursor and what was
folded live and die together: a process that starts reads the history from its beginning.
"""

import asyncio
from collections.abc import Callable

import msgspec

from ecology.core.clock import SECOND_NS, host_ns
from ecology.core.errors import RunFault, StoreFault
from ecology.events.registry import Record, decode
from ecology.observe.measures.fold import Fold
from ecology.observe.projections import Projections, RunMeasures
from ecology.store.postgres_watch import Watch

BATCH_EVENTS = 2_000
POLL_S = 0.5
RETRY_S = 1.0
PAUSE_OVER_WORK = 19
"""Results are made so much less often than making one takes: at most a twentieth of the time goes into them."""


class Measured(msgspec.Struct, frozen=True):
    """What the events up to `sequence` say; `agents` counts those of each state."""

    sequence: int
    agents: dict[str, int]
    measures: RunMeasures


class Measuring:
    """Follows the event log of a world. `measured` is None until there is something; `fault` is why it stands still."""

    def __init__(self, watch: Watch, say: Callable[[str], None]) -> None:
        self.measured: Measured | None = None
        self.fault = ""
        self.cursor = 0
        self._watch = watch
        self._say = say
        self._projections = Projections(Fold())
        self._last: list[tuple[int, bytes]] = []  # the event at the cursor, by which the log is known again
        self._due_ns = 0

    async def run(self) -> None:
        """Follow until cancelled, or until an event cannot be understood."""
        while True:
            try:
                behind = await self._advance()
                self.fault = ""
                await asyncio.sleep(0 if behind else POLL_S)
            except StoreFault as fault:
                self.fault = str(fault)
                await asyncio.sleep(RETRY_S)
            except RunFault as fault:
                self.fault = str(fault)
                self._say(f"the world is measured no further: {fault}")
                return

    async def _advance(self) -> bool:
        """Take in a batch of what is new; True if there is more."""
        rows = await self._watch.bodies(max(0, self.cursor - 1), BATCH_EVENTS)
        if self.cursor:
            if rows[:1] != self._last:
                self._begin_again()
                return True
            del rows[0]
        if rows:
            await asyncio.to_thread(self._fold, rows)
        fresh = self.measured is None or self.measured.sequence < self.cursor
        if self.cursor and fresh and host_ns() >= self._due_ns:
            await asyncio.to_thread(self._sum_up)
        return len(rows) >= BATCH_EVENTS - 1

    def _begin_again(self) -> None:
        self._say("the database was put back to an earlier state: the world is measured from its beginning")
        self._projections = Projections(Fold())
        self._last.clear()
        self.cursor = 0
        self.measured = None

    def _fold(self, rows: list[tuple[int, bytes]]) -> None:
        events = [self._event(sequence, body) for sequence, body in rows]
        first, last = events[0].sequence, events[-1].sequence
        if (first, last - first) != (self.cursor + 1, len(events) - 1):
            raise RunFault(
                f"{self._watch.store.where} lacks events after {self.cursor}",
                remedy="restore it from a backup, and start the observer again",
            )
        self._projections.fold.run(events)
        self.cursor, self._last = last, rows[-1:]

    def _event(self, sequence: int, body: bytes) -> Record:
        try:
            return decode(body)
        except msgspec.DecodeError as error:
            raise RunFault(
                f"event {sequence} in {self._watch.store.where} cannot be read ({error})",
                remedy="start an observer of the version that the nodes have",
            ) from error

    def _sum_up(self) -> None:
        began_ns = host_ns()
        projections = self._projections
        self.measured = Measured(self.cursor, projections.health.states(), projections.result())
        took_ns = host_ns() - began_ns
        self._due_ns = began_ns + took_ns + max(SECOND_NS, PAUSE_OVER_WORK * took_ns)
