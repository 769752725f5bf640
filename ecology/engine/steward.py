"""The world's own life on the clock: it sleeps until something is due by itself, sees to it, and sleeps again."""

from collections.abc import Awaitable, Callable

from ecology.core.clock import Clock
from ecology.kernel.housekeeping import due_ns, keep_house
from ecology.kernel.world import SYSTEM_KEY, World


class Steward:
    """Keeps house under the world's key, so before any agent whose turn is at the same time.

    When it looks next follows from what the store keeps; a deed that makes something due earlier wakes it. Where
    nothing is ever due it never stirs.
    """

    def __init__(self, world: World, clock: Clock, close_deed: Callable[[], Awaitable[None]]) -> None:
        self._world = world
        self._clock = clock
        self._close_deed = close_deed

    async def run(self) -> None:
        """Live until the clock stops."""
        while await self._clock.wait(SYSTEM_KEY, due_ns(self._world)):
            if keep_house(self._world, self._clock.now_ns()):
                await self._close_deed()
