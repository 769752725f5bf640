"""Slots for thoughts: first come, first served, never more at once than there are."""

import asyncio

import pytest

from ecology.core.clock import RealClock, VirtualClock
from ecology.engine.slots import ThinkingSlots


class Watch:
    """A host's time that a test sets."""

    def __init__(self) -> None:
        self.now_ns = 0

    def read(self) -> int:
        return self.now_ns


async def settle() -> None:
    """Let every task that can run do so."""
    for _ in range(20):
        await asyncio.sleep(0)


class Thinker:
    """One thought that lasts until `over` is set."""

    def __init__(self, slots: ThinkingSlots) -> None:
        self._slots = slots
        self.over = asyncio.Event()
        self.waited_ns: int | None = None

    async def think(self) -> None:
        """Occupy a slot."""
        async with self._slots.occupied() as waited_ns:
            self.waited_ns = waited_ns
            await self.over.wait()


def test_nobody_waits_while_there_is_room() -> None:
    async def story() -> None:
        slots = ThinkingSlots(3, RealClock(monotonic_ns=Watch().read))
        thinkers = [Thinker(slots) for _ in range(3)]
        tasks = [asyncio.create_task(thinker.think()) for thinker in thinkers]
        await settle()
        assert [thinker.waited_ns for thinker in thinkers] == [0, 0, 0]
        assert slots.peak == 3
        for thinker in thinkers:
            thinker.over.set()
        await asyncio.gather(*tasks)

    asyncio.run(story())


def test_who_comes_first_is_served_first_and_told_how_long_it_waited() -> None:
    async def story() -> None:
        watch = Watch()
        slots = ThinkingSlots(1, RealClock(monotonic_ns=watch.read))
        thinkers = [Thinker(slots) for _ in range(4)]
        tasks = []
        for thinker in thinkers:
            tasks.append(asyncio.create_task(thinker.think()))
            await settle()
            watch.now_ns += 10
        for number, thinker in enumerate(thinkers):
            assert [other.waited_ns is not None for other in thinkers] == [
                place <= number for place in range(4)
            ]
            watch.now_ns += 100
            thinker.over.set()
            await settle()
        assert [thinker.waited_ns for thinker in thinkers] == [0, 130, 220, 310]
        assert slots.peak == 1
        await asyncio.gather(*tasks)

    asyncio.run(story())


def test_a_thought_that_fails_or_is_given_up_leaves_its_slot() -> None:
    async def story() -> None:
        slots = ThinkingSlots(1, VirtualClock(0))

        async def fail() -> None:
            async with slots.occupied():
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            await fail()
        given_up, queued = Thinker(slots), Thinker(slots)
        first, second = asyncio.create_task(given_up.think()), asyncio.create_task(queued.think())
        await settle()
        first.cancel()
        await settle()
        assert queued.waited_ns == 0
        second.cancel()
        await settle()
        last = Thinker(slots)
        third = asyncio.create_task(last.think())
        await settle()
        assert last.waited_ns == 0
        last.over.set()
        await third
        assert slots.peak == 1

    asyncio.run(story())


def test_who_gives_up_queueing_is_not_served() -> None:
    async def story() -> None:
        slots = ThinkingSlots(1, VirtualClock(0))
        first, impatient, patient = (Thinker(slots) for _ in range(3))
        tasks = [asyncio.create_task(thinker.think()) for thinker in (first, impatient, patient)]
        await settle()
        tasks[1].cancel()
        first.over.set()
        await settle()
        assert impatient.waited_ns is None
        assert patient.waited_ns == 0
        patient.over.set()
        await asyncio.gather(*tasks, return_exceptions=True)

    asyncio.run(story())


def test_a_world_in_which_nobody_can_think_is_a_bug() -> None:
    with pytest.raises(AssertionError, match="at least one agent can think"):
        ThinkingSlots(0, VirtualClock(0))
