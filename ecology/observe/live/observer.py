"""The observer of a shared world: its archive, its measures, its vital signs, and its housekeeping, side by side."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from pathlib import Path

from ecology.core.clock import SECOND_NS, host_ns
from ecology.core.errors import StoreFault
from ecology.observe.live.measuring import Measuring
from ecology.observe.live.tenure import Tenure
from ecology.store.postgres_watch import Vitals, Watch

LOOK_S = 1.0
PRUNE_AGE_NS = 60 * SECOND_NS
"""What a commit changed is kept so long for nodes that are behind; one that is farther behind loads the world anew."""
PACE_NS = 10 * SECOND_NS


class Observer:
    """Watches a world until it is stopped, through every restart of its database.

    `vitals` are None until the database has answered; `fault` is why it does not answer now.
    """

    def __init__(self, watch: Watch, folder: Path, holder: str, say: Callable[[str], None]) -> None:
        """The archive is `archive.git` in `folder`; `holder` is a name that no other start of an observer has."""
        self.tenure = Tenure(watch, folder, holder, say)
        self.measuring = Measuring(watch, say)
        self.vitals: Vitals | None = None
        self.fault = ""
        self.pruned = 0
        self._watch = watch
        self._say = say
        self._seen: deque[tuple[int, int]] = deque()  # host time and number of the head, of the last minute
        self._founded = asyncio.Event()

    @property
    def founded(self) -> bool:
        """Whether there is a world."""
        return self._founded.is_set()

    def commits_per_s(self) -> float:
        """How fast the world goes, over the last ten seconds."""
        if not self._seen:
            return 0.0
        now_ns, number = self._seen[-1]
        before_ns, before = next(seen for seen in self._seen if now_ns - seen[0] <= PACE_NS)
        return (number - before) * SECOND_NS / (now_ns - before_ns) if now_ns > before_ns else 0.0

    def lag_s(self) -> float:
        """How long the oldest revision has been waiting for the archive, in seconds of world time."""
        vitals = self.vitals
        if vitals is None or vitals.waiting_ns is None:
            return 0.0
        return (vitals.time_ns - vitals.waiting_ns) / SECOND_NS + (vitals.idle_s or 0.0)

    def lag_events(self) -> int:
        """How many events came since the one that the oldest waiting revision belongs to, itself included."""
        vitals = self.vitals
        if vitals is None or vitals.waiting_sequence is None:
            return 0
        return vitals.sequence - vitals.waiting_sequence + 1

    async def run(self, stop: asyncio.Event) -> None:
        """Watch until `stop` is set. Raises what is a bug."""
        stopping = asyncio.create_task(stop.wait(), name="stop")
        works = [
            asyncio.create_task(work, name=name)
            for name, work in (
                ("vitals", self._look_after()),
                ("archivist", self._after_founding(self.tenure.run)),
                ("measures", self._after_founding(self.measuring.run)),
            )
        ]
        waiting: set[asyncio.Task[object]] = {stopping, *works}
        try:
            while not stopping.done():
                done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    task.result()
        finally:
            for task in (stopping, *works):
                task.cancel()
            await asyncio.gather(stopping, *works, return_exceptions=True)

    async def _after_founding(self, work: Callable[[], Awaitable[None]]) -> None:
        await self._founded.wait()
        await work()

    async def _look_after(self) -> None:
        said = False
        while True:
            try:
                self._note(await self._watch.vitals())
                await self._prune()
                self.fault = ""
            except StoreFault as fault:
                if self.fault != str(fault):
                    self._say(f"waiting for the database: {fault}")
                self.fault = str(fault)
            if not self.founded and not said and not self.fault:
                self._say(
                    f"there is no world yet in {self._watch.store.where}: waiting for a node to found it"
                )
                said = True
            await asyncio.sleep(LOOK_S)

    def _note(self, vitals: Vitals) -> None:
        self.vitals = vitals
        now_ns = host_ns()
        if self._seen and vitals.number < self._seen[-1][1]:
            self._seen.clear()  # the database was put back
        self._seen.append((now_ns, vitals.number))
        while len(self._seen) > 1 and self._seen[1][0] <= now_ns - PRUNE_AGE_NS:
            self._seen.popleft()
        if vitals.number and not self.founded:
            self._founded.set()
        if vitals.ended:
            self.tenure.finish_at(vitals.sequence)

    async def _prune(self) -> None:
        """Drop what commits changed that the head had left behind a minute ago."""
        then_ns, number = self._seen[0]
        if number and host_ns() - then_ns >= PRUNE_AGE_NS:
            self.pruned += await self._watch.store.prune(number + 1)
