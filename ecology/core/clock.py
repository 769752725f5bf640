"""Time as a protocol. Agents park on a clock; who wakes them, and when, is the clock's affair.

Both clocks keep one heap of deadlines for all agents; nobody has a timer of its own. A life is a coroutine that the
clock brings up (`spawn`) and that parks on it (`wait`) whenever it has nothing to do.

- `VirtualClock` lets exactly one agent run at a time: the one with the smallest (deadline, key). Time jumps to the next
  deadline as soon as nobody runs. Because order depends on nothing but these pairs, which the store keeps, a resumed
  run continues as if it had never stopped. Awaiting real work (a model's answer) holds the clock still.
- `RealClock` follows the operating system's monotonic clock, from the world time at which the run (re)started.
"""

import asyncio
import heapq
import time
import types
from collections.abc import Callable, Coroutine, Generator
from contextlib import suppress
from typing import Any, Protocol

SECOND_NS = 1_000_000_000
MILLISECOND_NS = 1_000_000
NEVER_NS = 2**63 - 1
"""The deadline of one who waits only for a wake-up."""


def host_ns() -> int:
    """Monotonic nanoseconds of the host; for measuring, never for what happens in a virtual world."""
    return time.monotonic_ns()


def host_cpu_ns() -> int:
    """CPU nanoseconds this thread has used; the difference of two readings is the measured cost of a turn."""
    return time.thread_time_ns()


def utc_stamp() -> str:
    """Now, as `20260131T235959Z`: names run directories, never enters a world."""
    return time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())


STEPS_PER_BREATH = 64
"""How many lives the virtual clock resumes before it lets the event loop look at signals, sockets and timers."""

Life = Coroutine[Any, Any, None]
"""What a clock brings up: it must park before anything else, and again and again until `wait` answers False."""


class Clock(Protocol):
    """World time in nanoseconds since the world began, and the parking lot of its agents."""

    virtual: bool

    def now_ns(self) -> int:
        """The current world time."""

    def spawn(self, life: Life) -> None:
        """Bring a life up to the point where it first parks. May be called before `run` and from within a life."""

    async def wait(self, key: int, deadline_ns: int) -> bool:
        """Park the calling life as `key` until `deadline_ns` or `wake(key)`; False once the clock has stopped.

        A key parks once at a time. Deadlines in the past return at the next opportunity.
        """

    def wake(self, key: int, at_ns: int) -> None:
        """Bring a parked key's deadline forward to `at_ns`, or to now if that is past; never back.

        A key that is not parked is left alone.
        """

    async def run(self, until_ns: int) -> None:
        """Let time pass until `until_ns`, until `stop`, or until nobody has a deadline left.

        Raises what a life raised: the others stay parked, for `close`.
        """

    def stop(self) -> None:
        """End `run` now; who waits for real work is cancelled. Safe to call from a signal handler of the loop."""

    async def close(self) -> None:
        """Stop, and let every life end: who is parked is told False, who waits for real work is cancelled."""


class _Deadlines:
    """A heap of (deadline, key), where an entry is stale if its key was brought forward or taken out since."""

    def __init__(self) -> None:
        self._heap: list[tuple[int, int]] = []
        self._of: dict[int, int] = {}

    def __len__(self) -> int:
        return len(self._heap)

    def add(self, key: int, at_ns: int) -> None:
        assert key not in self._of, f"key {key} is parked already"
        self._of[key] = at_ns
        if at_ns != NEVER_NS:
            heapq.heappush(self._heap, (at_ns, key))

    def advance(self, key: int, at_ns: int) -> bool:
        """Move a key's deadline forward; True if it is earlier than it was."""
        deadline = self._of.get(key)
        if deadline is None or deadline <= at_ns:
            return False
        self._of[key] = at_ns
        heapq.heappush(self._heap, (at_ns, key))
        return True

    def first(self) -> int | None:
        """The earliest deadline."""
        heap, of = self._heap, self._of
        while heap:
            at_ns, key = heap[0]
            if of.get(key) == at_ns:
                return at_ns
            heapq.heappop(heap)
        return None

    def pop(self) -> int:
        """Take out the key of the earliest deadline, which `first` has just looked up."""
        _, key = heapq.heappop(self._heap)
        del self._of[key]
        return key

    def drop(self, key: int) -> None:
        """Take a key out, wherever it is."""
        self._of.pop(key, None)


@types.coroutine
def _park(key: int) -> Generator[int, bool, bool]:
    """A life hands its key to the virtual clock instead of a Future."""
    return (yield key)


@types.coroutine
def _resume(life: Life, go_on: bool) -> Generator[Any, Any, int | None]:
    """Let a life go on until it parks again (its key) or ends (None). What else it awaits, the caller's task awaits."""
    try:
        wanted = life.send(go_on)
        while type(wanted) is not int:
            try:
                answer = yield wanted
            except (
                BaseException
            ) as error:  # the task was cancelled, or what it awaited failed: the life's affair
                wanted = life.throw(error)
            else:
                wanted = life.send(answer)
    except StopIteration:
        return None
    return wanted


class VirtualClock:
    """Discrete-event time: deterministic, and as fast as the machine allows."""

    virtual = True

    def __init__(self, start_ns: int = 0) -> None:
        self._now = start_ns
        self._deadlines = _Deadlines()
        self._parked: dict[int, Life] = {}
        self._driver: asyncio.Task[Any] | None = None
        self._cut = False
        self._stopped = False

    def now_ns(self) -> int:
        return self._now

    def spawn(self, life: Life) -> None:
        try:
            key = life.send(None)
        except StopIteration:
            return
        assert type(key) is int, "a life parks before it does anything else"
        self._parked[key] = life

    async def wait(self, key: int, deadline_ns: int) -> bool:
        if self._stopped:
            return False
        self._deadlines.add(key, deadline_ns if deadline_ns > self._now else self._now)
        return await _park(key)

    def wake(self, key: int, at_ns: int) -> None:
        self._deadlines.advance(key, max(at_ns, self._now))

    async def run(self, until_ns: int) -> None:
        driver = self._driver = asyncio.current_task()
        assert driver is not None, "time passes inside a task"
        try:
            await self._pass_time(until_ns)
        except asyncio.CancelledError:
            if not self._cut or driver.cancelling() > 1:  # somebody else wants an end too
                raise
        finally:
            self._driver = None
            if self._cut:
                driver.uncancel()

    async def _pass_time(self, until_ns: int) -> None:
        deadlines, steps = self._deadlines, 0
        while not self._stopped:
            at_ns = deadlines.first()
            if at_ns is None or at_ns >= until_ns:
                self._now = max(self._now, until_ns)
                return
            life = self._parked.pop(deadlines.pop())
            if at_ns > self._now:
                self._now = at_ns
            key = await _resume(life, True)
            if key is not None:
                self._parked[key] = life
            steps += 1
            if not steps % STEPS_PER_BREATH:
                await asyncio.sleep(0)

    def stop(self) -> None:
        if self._driver is not None and not self._stopped and asyncio.current_task() is not self._driver:
            # Whoever is awake waits for real work, perhaps for ever: it is cancelled there.
            self._cut = True
            self._driver.cancel()
        self._stopped = True

    async def close(self) -> None:
        self._stopped = True
        for key in sorted(self._parked):
            self._deadlines.drop(key)
            parked = await _resume(self._parked.pop(key), False)
            assert parked is None, "a life that was told to end parked again"


class RealClock:
    """The host's monotonic time, counted from `start_ns` of world time."""

    virtual = False

    def __init__(self, start_ns: int = 0, monotonic_ns: Callable[[], int] = host_ns) -> None:
        self._monotonic = monotonic_ns
        self._origin = monotonic_ns() - start_ns
        self._deadlines = _Deadlines()
        self._parked: dict[int, asyncio.Future[bool]] = {}
        self._lives: set[asyncio.Task[None]] = set()
        self._fault: BaseException | None = None
        self._stopped = False
        self._changed = asyncio.Event()

    def now_ns(self) -> int:
        return self._monotonic() - self._origin

    def not_before(self, now_ns: int) -> None:
        """Put the clock forward if it is behind `now_ns`; never back."""
        behind_ns = now_ns - self.now_ns()
        if behind_ns > 0:
            self._origin -= behind_ns
            self._changed.set()

    def spawn(self, life: Life) -> None:
        task = asyncio.get_running_loop().create_task(life)
        self._lives.add(task)
        task.add_done_callback(self._ended)

    async def wait(self, key: int, deadline_ns: int) -> bool:
        if self._stopped:
            return False
        self._deadlines.add(key, deadline_ns)
        future: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._parked[key] = future
        self._changed.set()
        try:
            return await future
        finally:
            if self._parked.get(key) is future:  # it was cancelled where it was parked
                del self._parked[key]
                self._deadlines.drop(key)

    def wake(self, key: int, at_ns: int) -> None:
        if self._deadlines.advance(key, at_ns):
            self._changed.set()

    async def run(self, until_ns: int) -> None:
        deadlines = self._deadlines
        while not self._stopped and self._fault is None:
            now = self.now_ns()
            if now >= until_ns:
                return
            while (at_ns := deadlines.first()) is not None and at_ns <= now:
                self._release(deadlines.pop(), True)
            self._changed.clear()
            horizon = min(until_ns, at_ns if at_ns is not None else until_ns)
            # Not wait_for: before Python 3.12 it forgets that it was cancelled if what it waits for comes just then.
            with suppress(TimeoutError):
                async with asyncio.timeout(max(0, horizon - self.now_ns()) / SECOND_NS):
                    await self._changed.wait()
        self._raise_fault()

    def stop(self) -> None:
        self._stopped = True
        self._changed.set()

    async def close(self) -> None:
        self.stop()
        for key in sorted(self._parked):
            self._deadlines.drop(key)
            self._release(key, False)
        await asyncio.sleep(0)  # who was parked leaves by itself
        busy = list(self._lives)
        for task in busy:
            task.cancel()
        await asyncio.gather(*busy, return_exceptions=True)
        self._raise_fault()

    def _raise_fault(self) -> None:
        """Raise what a life raised, once."""
        fault, self._fault = self._fault, None
        if fault is not None:
            raise fault

    def _release(self, key: int, go_on: bool) -> None:
        future = self._parked.pop(key)
        if not future.done():  # cancelled just now, its task has not run since
            future.set_result(go_on)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._lives.discard(task)
        if not task.cancelled() and (fault := task.exception()) is not None:
            self._fault = self._fault or fault
            self._changed.set()
