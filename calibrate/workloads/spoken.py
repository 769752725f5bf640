"""A workload at the other end of pipes: the one implementation of `Workload`, over whatever carries the lines.

`Pipes` is what a container's workload, an exec'ed one and a child process have in common. Whoever makes pipes
hands them to `begin`, which closes them if nothing comes of it; after that, `SpokenWorkload.close` does.
"""

import asyncio
from collections.abc import Coroutine
from typing import Any, Protocol, TypeVar

from calibrate.errors import CalibrationFault, WorkloadEnded
from calibrate.workload import Figures
from calibrate.workloads import lines
from calibrate.workloads.lines import Listener, Ready

READY_WITHIN_S = 120.0
WRITTEN_WITHIN_S = 10.0

T = TypeVar("T")


class Pipes(Protocol):
    """The three pipes of a process that speaks lines, and its end."""

    async def read(self) -> tuple[bool, bytes] | None:
        """What came next: whether from stderr, and the bytes. None once there will be no more."""

    async def write(self, data: bytes) -> None:
        """Write to its stdin. Raises OSError if nobody reads there any more."""

    async def ending(self) -> str:
        """After `read` gave None: how it ended, to stand in brackets (`exit code 2`)."""

    async def close(self) -> None:
        """End it and leave nothing behind. Twice is once."""


async def to_the_end(work: Coroutine[Any, Any, T]) -> T:
    """What `work` returns. If we are cancelled meanwhile, it is finished all the same, and we are cancelled then."""
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        while not task.done():
            try:
                await asyncio.wait([task])
            except asyncio.CancelledError:
                continue  # what must be cleaned away must be, however often somebody asks
        if not task.cancelled():
            task.exception()  # seen: what counts now is that we were cancelled
        raise


class SpokenWorkload:
    """A `Workload` that is told rates and tells figures in lines of JSON."""

    def __init__(self, pipes: Pipes) -> None:
        self._pipes = pipes
        self._heard = Listener()
        self._news = asyncio.Event()
        self._fault: CalibrationFault | None = None
        self._listening = asyncio.create_task(self._listen())

    @property
    def ready(self) -> Ready:
        """What it said of itself when it was ready."""
        assert self._heard.ready is not None, "`begin` returns workloads that are ready"
        return self._heard.ready

    @property
    def figures(self) -> Figures:
        """The newest figures, which may be those that were the newest before. Raises `WorkloadEnded`."""
        if self._fault is not None:
            raise self._fault
        assert self._heard.figures is not None, "`begin` returns workloads that have said something"
        return self._heard.figures

    @property
    def talk(self) -> tuple[str, ...]:
        """The last lines of its stderr."""
        return self._heard.talk

    async def set_rate(self, millitokens_per_s: int) -> None:
        """Give every agent's bucket this rate from now on. Raises `WorkloadEnded`."""
        if millitokens_per_s < 0:
            raise ValueError("a rate is not negative")
        await self._tell(lines.rate(millitokens_per_s))

    async def close(self) -> None:
        """End the work and leave nothing behind, even if cancelled meanwhile."""
        await to_the_end(self._close())

    async def _close(self) -> None:
        if self._fault is None:
            self._fault = WorkloadEnded("the workload was ended by its calibration")
        self._listening.cancel()
        await asyncio.wait([self._listening])
        await self._pipes.close()

    @property
    def _ended(self) -> CalibrationFault | None:
        return self._fault

    async def _tell(self, line: bytes) -> None:
        if self._fault is not None:
            raise self._fault
        try:
            async with asyncio.timeout(WRITTEN_WITHIN_S):
                await self._pipes.write(line)
        except TimeoutError:
            raise WorkloadEnded(f"the workload did not read for {WRITTEN_WITHIN_S:g} s") from None
        except OSError:
            # It is gone; what its reader finds says more than that a pipe broke.
            await asyncio.wait([self._listening], timeout=WRITTEN_WITHIN_S)
            raise self._ended or WorkloadEnded("the workload closed its standard input") from None

    async def _until_ready(self, scenario: str, within_s: float) -> None:
        await self._tell(lines.opening(scenario))
        try:
            async with asyncio.timeout(within_s):
                while self._heard.ready is None or self._heard.figures is None:
                    if self._fault is not None:
                        raise self._fault
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            raise WorkloadEnded(
                f"the workload was not ready within {within_s:g} s" + self._last_words()
            ) from None

    async def _listen(self) -> None:
        try:
            while (piece := await self._pipes.read()) is not None:
                stderr, data = piece
                self._heard.overhear(data) if stderr else self._heard.hear(data)
                self._news.set()
            ending = await self._pipes.ending()
            fault: CalibrationFault = WorkloadEnded(
                f"the workload ended before it was told to ({ending})" + self._last_words()
            )
        except CalibrationFault as heard:
            fault = heard
        except OSError as broken:
            fault = WorkloadEnded(f"the pipes of the workload broke: {broken}")
        self._fault = fault
        self._news.set()

    def _last_words(self) -> str:
        return f": {self.talk[-1]}" if self.talk else ""


async def begin(pipes: Pipes, scenario: str, within_s: float = READY_WITHIN_S) -> SpokenWorkload:
    """Hand over the scenario and wait until the workload is ready and has told its first figures.

    Raises `WorkloadEnded` if that does not come to pass; the pipes are closed then, and when we are cancelled.
    """
    workload = SpokenWorkload(pipes)
    try:
        await workload._until_ready(scenario, within_s)
    except BaseException:
        await workload.close()
        raise
    return workload
