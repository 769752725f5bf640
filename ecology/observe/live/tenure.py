"""Who writes the archive: one observer at a time, by a lease in the database; the others stand by.

Three things keep two writers apart, however long one of them was paused. The lease, by the database's clock, says whose
turn it is, and who has lost it reads no more. Contents leave the database only in a statement that finds the lease's
generation still standing. And where two observers share a disk, the archive's own lock lets one in.

What was written twice does no harm: the archive's cursor is its newest commit, so whoever takes over goes on there.
"""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from ecology.core.clock import SECOND_NS, host_ns
from ecology.core.errors import ArchiveFault, EcologyError, StoreFault
from ecology.observe.archive.repository import ARCHIVE, Repository
from ecology.observe.follower import Follower, Orders, Stopped
from ecology.observe.live.outbox import LeaseLost, WorldOutbox
from ecology.store.postgres_watch import Watch

LEASE = "archivist"
LEASE_S = 5.0
RENEWAL_S = 1.0
POLL_MS = 200
BACKOFF_FIRST_S = 1.0
BACKOFF_LAST_S = 15.0

State = Literal["starting", "standing by", "taking over", "archiving", "complete", "failing"]
"""Who takes over has the lease and waits for the archive's lock, which a paused predecessor may hold."""


class Tenure:
    """This observer's share in the archive: waits for the lease, writes while it lasts, begins again after a fault.

    `confirmed` is the event up to which this observer knows everything to be in the archive. `fault` says why nothing
    is written while it is "failing". `generation` is the fencing token, 0 without the lease.
    """

    def __init__(self, watch: Watch, folder: Path, holder: str, say: Callable[[str], None]) -> None:
        """The archive is `archive.git` in `folder`; `holder` is a name that no other start of an observer has."""
        self.state: State = "starting"
        self.fault = ""
        self.confirmed = 0
        self.generation = 0
        self._watch = watch
        self._folder = folder
        self._holder = holder
        self._say = say
        self._until_ns = 0
        self._target: int | None = None

    def finish_at(self, sequence: int) -> None:
        """Nothing follows that event: write up to there, pack the repository, and be done."""
        self._target = sequence

    async def run(self) -> None:
        """Take part until cancelled, or until the archive of an ended world is complete."""
        backoff_s = BACKOFF_FIRST_S
        while True:
            before = self.confirmed
            try:
                held = await self._take_and_write()
            except (ArchiveFault, StoreFault) as fault:
                self._fail(fault)
                if self.confirmed > before or isinstance(fault, StoreFault):
                    backoff_s = BACKOFF_FIRST_S
                await asyncio.sleep(backoff_s)
                backoff_s = min(2 * backoff_s, BACKOFF_LAST_S)
                continue
            if self._is_complete():
                self.state = "complete"
                return
            if not held:
                self._stand_by()
            await asyncio.sleep(RENEWAL_S)

    # -- the lease

    async def _take_and_write(self) -> bool:
        """Write the archive for as long as the lease is ours; False if another has it."""
        asked_ns = host_ns()
        generation = await self._watch.store.acquire(LEASE, self._holder, LEASE_S)
        if generation is None:
            return False
        self.generation = generation
        self._hold_from(asked_ns)
        if self.state != "failing":
            self.state = "taking over"
        source, orders = os.pipe()
        outbox = WorldOutbox(self._watch, asyncio.get_running_loop(), self._held)
        work = asyncio.ensure_future(asyncio.to_thread(self._write, outbox, source, generation))
        try:
            await self._renew_during(work, orders)
        finally:
            os.close(orders)  # the end of its orders tells the writer to stop
            await asyncio.wait([work])
            os.close(source)
            if self._held():  # or else it has run out by itself, or nobody answers
                await self._give_back(generation)
            self._until_ns = self.generation = 0
        try:
            work.result()
        except LeaseLost:
            self._say("this observer lost the lease of the archive")
        return True

    async def _renew_during(self, work: "asyncio.Future[None]", orders: int) -> None:
        """Returns when the work is over, or is no longer ours to do."""
        told = False
        while not work.done():
            if self._target is not None and not told:
                os.write(orders, f"finish {self._target}\n".encode())
                told = True
            await asyncio.wait([work], timeout=RENEWAL_S)
            asked_ns = host_ns()
            try:
                if not await self._watch.store.renew(LEASE, self._holder, self.generation, LEASE_S):
                    self._until_ns = 0
                    return
                self._hold_from(asked_ns)
            except StoreFault:
                if not self._held():
                    return  # the writer has met the same fault, or will meet it at once

    async def _give_back(self, generation: int) -> None:
        try:
            await self._watch.store.release(LEASE, self._holder, generation)
        except StoreFault as fault:
            self._say(f"the lease of the archive has to run out by itself: {fault}")

    def _hold_from(self, asked_ns: int) -> None:
        """The server counts from when it heard of it, which was later."""
        self._until_ns = asked_ns + int(LEASE_S * SECOND_NS)

    def _held(self) -> bool:
        return host_ns() < self._until_ns

    # -- the writing, in a thread of its own

    def _write(self, outbox: WorldOutbox, source: int, generation: int) -> None:
        orders = Orders(source)
        repository = Repository(self._folder / ARCHIVE)
        given_up = 0

        def archived(sequence: int) -> None:
            nonlocal given_up
            self._succeed(sequence)
            outbox.give_up(LEASE, self._holder, generation, after=given_up, last=sequence)
            given_up = sequence

        try:
            with repository.taken(orders.pause):
                Follower(outbox, repository, orders, archived, poll_ms=POLL_MS).run()
        except Stopped:
            return

    # -- what is said of it

    def _succeed(self, sequence: int) -> None:
        if self.state != "archiving":
            self._say(f"this observer writes the archive, which has everything up to event {sequence}")
        self.confirmed, self.state, self.fault = sequence, "archiving", ""

    def _is_complete(self) -> bool:
        return self._target is not None and self.confirmed >= self._target

    def _stand_by(self) -> None:
        if self.state != "standing by":
            self._say("another observer writes the archive; this one stands by")
        self.state, self.fault = "standing by", ""

    def _fail(self, fault: EcologyError) -> None:
        if self.fault != str(fault):
            self._say(f"the archive waits: {fault}")
        self.state, self.fault = "failing", str(fault)
