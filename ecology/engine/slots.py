"""How many agents may think at once: the container's memory divided by what one thought occupies."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from ecology.core.clock import Clock


class ThinkingSlots:
    """First come, first served. `count` is how many thoughts fit, `busy` how many there are, `peak` the most ever."""

    def __init__(self, count: int, clock: Clock) -> None:
        assert count >= 1, "at least one agent can think"
        self.count = count
        self.peak = 0
        self.busy = 0
        self._clock = clock
        self._slots = asyncio.Semaphore(count)

    @asynccontextmanager
    async def occupied(self) -> AsyncIterator[int]:
        """Hold a slot; yields how long (nanoseconds of world time) the caller waited for it."""
        asked_ns = self._clock.now_ns()
        full = self._slots.locked()
        async with self._slots:
            self.busy += 1
            self.peak = max(self.peak, self.busy)
            try:
                yield self._clock.now_ns() - asked_ns if full else 0
            finally:
                self.busy -= 1
