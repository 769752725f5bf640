"""Group commit: many turns, one transaction, one wait for the disk.

Rows are written on the loop's thread, the commit itself runs on a thread of its own while the world goes on. At most
one group is in flight; a second one that is full waits for it. Group borders carry no meaning: under the virtual clock
they fall by count, under the real clock also by time.
"""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import Protocol

from ecology.core.clock import Clock
from ecology.core.errors import StoreFault
from ecology.kernel.batch import Batch
from ecology.kernel.world import World

GROUP_TURNS = 256
GROUP_SECONDS = 0.004
"""Under the real clock an open group waits this long for company."""


class Store(Protocol):
    """What a committer needs of a store."""

    def write(self, batch: Batch, now_ns: int) -> None:
        """Begin a transaction and write a group's rows."""

    def commit(self) -> None:
        """Make the written group durable; may run on another thread."""


class Committer:
    """Commits a world's turns to a store.

    A group that could not be committed is gone, and so is everything that was built on it: from then on every call
    raises what the store said, and whoever is first to know stops the clock.
    """

    def __init__(self, world: World, store: Store, clock: Clock, group_turns: int = GROUP_TURNS) -> None:
        self._world = world
        self._store = store
        self._clock = clock
        self._group_turns = group_turns
        self._open_turns = 0
        self._in_flight: asyncio.Future[None] | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="commit")
        self._lock = asyncio.Lock()
        self._timer: asyncio.TimerHandle | None = None
        self._timed: set[asyncio.Task[None]] = set()
        self._fault: Exception | None = None
        self.groups = 0
        self._settled = 0
        self.turns = 0

    async def close_turn(self) -> None:
        """An agent's turn is over; commit if the group is full."""
        self.turns += 1
        await self.close_deed()

    async def close_deed(self) -> None:
        """The same for what the world did by itself, which counts towards the group and is nobody's turn."""
        self._open_turns += 1
        if self._open_turns >= self._group_turns:
            await self.flush()
        elif not self._clock.virtual and self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(GROUP_SECONDS, self._on_time)

    async def flush(self) -> None:
        """Write the open group and let its commit begin."""
        async with self._lock:
            await self._settle()
            self._write()

    def _write(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._open_turns = 0
        with self._noted():
            self._store.write(self._world.take_batch(), self._clock.now_ns())
        self.groups += 1
        self._in_flight = asyncio.get_running_loop().run_in_executor(self._thread, self._store.commit)

    async def durable(self) -> None:
        """Return once everything done so far is on disk: whoever else waits for the same group waits for one commit."""
        wanted = self.groups + bool(self._open_turns or self._world.log.uncommitted)
        async with self._lock:
            await self._settle()
            if self.groups < wanted:
                self._write()
        if self._settled < wanted:
            async with self._lock:
                await self._settle()

    async def close(self) -> None:
        """Commit what is open and end the commit thread."""
        try:
            await self.durable()
        finally:
            await self.abandon()

    async def abandon(self) -> None:
        """End the commit thread once a commit under way has ended; what is open stays undone: the run has failed."""
        if self._timer is not None:
            self._timer.cancel()
        under_way = [*self._timed] if self._in_flight is None else [*self._timed, self._in_flight]
        # The first fault is noted, and raised elsewhere.
        await asyncio.gather(*under_way, return_exceptions=True)
        self._thread.shutdown()

    async def _settle(self) -> None:
        if self._fault is not None:
            raise self._fault
        if self._in_flight is not None:
            with self._noted():
                # Shielded: whoever waits here may be cancelled, and the connection is the commit's until it is done.
                await asyncio.shield(self._in_flight)
            self._in_flight = None
            self._settled = self.groups
            self._world.shelf.contents.committed()

    @contextmanager
    def _noted(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:
            self._fault = error
            self._clock.stop()
            raise

    def _on_time(self) -> None:
        self._timer = None
        task = asyncio.get_running_loop().create_task(self._durable_in_time())
        self._timed.add(task)
        task.add_done_callback(self._timed.discard)

    async def _durable_in_time(self) -> None:
        with suppress(StoreFault):  # noted: it ends the run, and whoever closes hears of it
            await self.durable()
