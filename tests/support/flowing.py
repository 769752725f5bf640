"""A world whose flow changes at set times, under either clock."""

from collections.abc import Sequence

from ecology.core.clock import SECOND_NS
from ecology.engine.engine import Engine

_KEY = 10**9
"""On the clock, after every agent."""


def change_flow(engine: Engine, changes: Sequence[tuple[int, int]]) -> None:
    """From so many seconds and 7 ns of world time on, tokens flow at so many millionths of what the rights say.

    What lies before the world's present time has happened: the factor is kept with the world.
    """
    present_ns = engine.clock.now_ns()

    async def life() -> None:
        for second, ppm in changes:
            at_ns = second * SECOND_NS + 7
            if at_ns <= present_ns:
                continue
            if not await engine.clock.wait(_KEY, at_ns):
                return
            await engine.set_flow(ppm, "a test")
        await engine.clock.wait(_KEY, 2**63 - 1)

    engine.clock.spawn(life())
