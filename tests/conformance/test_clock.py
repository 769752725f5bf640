"""What every clock promises its sleepers, held against each. A unit is two ms, which one of them really takes."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from ecology.core.clock import NEVER_NS, RealClock, VirtualClock

AnyClock = VirtualClock | RealClock
UNIT_NS = 2_000_000
LONG_NS = 30_000 * UNIT_NS
"""Longer than any test here takes when nothing is wrong."""


@pytest.fixture(params=[VirtualClock, RealClock])
def make(request: pytest.FixtureRequest) -> Callable[[int], AnyClock]:
    kind: Callable[[int], AnyClock] = request.param
    return kind


class Sleepers:
    """Lives on a clock, and what they went through: (key, whether the clock still ran), in order."""

    def __init__(self, clock: AnyClock) -> None:
        self.clock = clock
        self.awake: list[tuple[int, bool]] = []
        self.enough = 0
        self.times: dict[int, int] = {}

    def add(self, key: int, deadline_ns: int, then: Callable[[], object] = lambda: None) -> None:
        """A life that parks as `key`, notes its waking, calls `then` and leaves."""

        async def sleep() -> None:
            running = await self.clock.wait(key, deadline_ns)
            then()
            self.note(key, running)

        self.clock.spawn(sleep())

    def note(self, key: int, running: bool) -> None:
        """Somebody woke up."""
        self.awake.append((key, running))
        self.times[key] = self.clock.now_ns()
        if len(self.awake) == self.enough:
            self.clock.stop()

    async def until(self, enough: int) -> None:
        """Let time pass until so many have woken up: a machine that stalls meanwhile makes no difference."""
        self.enough = enough
        await self.clock.run(LONG_NS)

    @property
    def keys(self) -> list[int]:
        return [key for key, _ in self.awake]


def on(clock: AnyClock, story: Callable[[Sleepers], Awaitable[None]]) -> Sleepers:
    """Play a story, then close the clock."""

    async def play() -> Sleepers:
        sleepers = Sleepers(clock)
        await story(sleepers)
        await clock.close()
        return sleepers

    return asyncio.run(play())


def test_time_goes_on_from_where_it_was(make: Callable[[int], AnyClock]) -> None:
    assert 5 * UNIT_NS <= make(5 * UNIT_NS).now_ns() < LONG_NS


def test_waking_is_by_deadline_and_then_by_key(make: Callable[[int], AnyClock]) -> None:
    async def story(sleepers: Sleepers) -> None:
        for key, units in ((1, 4), (2, 1), (9, 3), (3, 3), (7, 2), (4, 3)):
            sleepers.add(key, units * UNIT_NS)
        await sleepers.until(6)

    assert on(make(0), story).awake == [(key, True) for key in (2, 7, 3, 4, 9, 1)]


def test_nobody_wakes_early(make: Callable[[int], AnyClock]) -> None:
    async def story(sleepers: Sleepers) -> None:
        for key in range(1, 8):
            sleepers.add(key, key * UNIT_NS // 2)
        await sleepers.until(7)

    times = on(make(0), story).times
    assert len(times) == 7
    assert all(time_ns >= key * UNIT_NS // 2 for key, time_ns in times.items())


def test_time_never_goes_back(make: Callable[[int], AnyClock]) -> None:
    seen: list[int] = []

    async def story(sleepers: Sleepers) -> None:
        clock = sleepers.clock

        async def live(key: int) -> None:
            while await clock.wait(key, clock.now_ns() + key * UNIT_NS // 4 - UNIT_NS):
                seen.append(clock.now_ns())
                if len(seen) == 40:
                    clock.stop()
                await clock.wait(key, clock.now_ns() + key * UNIT_NS // 4)

        for key in range(1, 6):
            sleepers.clock.spawn(live(key))
        await clock.run(LONG_NS)

    on(make(0), story)
    assert len(seen) >= 40
    assert seen == sorted(seen)


def test_a_deadline_in_the_past_is_due_at_once(make: Callable[[int], AnyClock]) -> None:
    async def story(sleepers: Sleepers) -> None:
        sleepers.add(1, 0)
        await sleepers.until(1)

    assert on(make(10 * UNIT_NS), story).awake == [(1, True)]


def test_a_wake_up_ends_the_longest_sleep(make: Callable[[int], AnyClock]) -> None:
    async def story(sleepers: Sleepers) -> None:
        clock = sleepers.clock
        sleepers.add(1, NEVER_NS)
        sleepers.add(2, LONG_NS)
        sleepers.add(3, UNIT_NS, then=lambda: [clock.wake(2, 0), clock.wake(1, clock.now_ns())])
        await sleepers.until(3)

    awake = on(make(0), story).awake
    assert awake[0] == (3, True)
    assert sorted(awake[1:]) == [(1, True), (2, True)]


def test_a_wake_up_may_be_for_later(make: Callable[[int], AnyClock]) -> None:
    async def story(sleepers: Sleepers) -> None:
        clock = sleepers.clock
        sleepers.add(1, NEVER_NS)
        sleepers.add(2, UNIT_NS, then=lambda: clock.wake(1, 3 * UNIT_NS))
        sleepers.add(3, 2 * UNIT_NS)
        await sleepers.until(3)

    sleepers = on(make(0), story)
    assert sleepers.keys == [2, 3, 1]
    assert sleepers.times[1] >= 3 * UNIT_NS


def test_a_wake_up_never_puts_off(make: Callable[[int], AnyClock]) -> None:
    async def story(sleepers: Sleepers) -> None:
        clock = sleepers.clock
        sleepers.add(1, 2 * UNIT_NS)
        sleepers.add(2, UNIT_NS, then=lambda: clock.wake(1, LONG_NS))
        sleepers.add(3, 3 * UNIT_NS)
        await sleepers.until(3)

    assert on(make(0), story).keys == [2, 1, 3]


def test_many_wake_ups_are_one(make: Callable[[int], AnyClock]) -> None:
    async def story(sleepers: Sleepers) -> None:
        clock = sleepers.clock

        async def twice() -> None:
            for deadline_ns in (LONG_NS, 3 * UNIT_NS):
                sleepers.note(1, await clock.wait(1, deadline_ns))

        sleepers.clock.spawn(twice())
        sleepers.add(2, UNIT_NS, then=lambda: [clock.wake(1, at) for at in (2 * UNIT_NS, 0, UNIT_NS, 0)])
        await sleepers.until(3)

    sleepers = on(make(0), story)
    assert sleepers.keys == [2, 1, 1]
    assert sleepers.times[1] >= 3 * UNIT_NS


def test_who_is_not_parked_is_left_alone(make: Callable[[int], AnyClock]) -> None:
    async def story(sleepers: Sleepers) -> None:
        clock = sleepers.clock
        clock.wake(1, 0)
        sleepers.add(1, 2 * UNIT_NS)
        sleepers.add(2, UNIT_NS, then=lambda: [clock.wake(2, 0), clock.wake(77, 0)])
        await sleepers.until(2)

    sleepers = on(make(0), story)
    assert sleepers.keys == [2, 1]
    assert sleepers.times[1] >= 2 * UNIT_NS


def test_a_key_parks_once_at_a_time(make: Callable[[int], AnyClock]) -> None:
    async def story(sleepers: Sleepers) -> None:
        sleepers.add(1, LONG_NS)

        async def crowd() -> None:
            sleepers.add(1, LONG_NS)
            await sleepers.clock.run(LONG_NS)

        with pytest.raises(AssertionError, match="parked already"):
            await crowd()

    assert on(make(0), story).awake == [(1, False)]


def test_time_stops_where_it_was_told_to(make: Callable[[int], AnyClock]) -> None:
    async def story(sleepers: Sleepers) -> None:
        for key, units in ((1, 1), (2, 2), (3, 4)):
            sleepers.add(key, units * UNIT_NS)
        await sleepers.clock.run(2 * UNIT_NS)
        assert sleepers.keys in ([1], []), "who is due at the end belongs to the next run"
        assert sleepers.clock.now_ns() >= 2 * UNIT_NS
        await sleepers.until(3)

    assert on(make(0), story).keys == [1, 2, 3]


def test_without_a_deadline_time_runs_out(make: Callable[[int], AnyClock]) -> None:
    async def story(sleepers: Sleepers) -> None:
        sleepers.add(1, NEVER_NS)
        await sleepers.clock.run(3 * UNIT_NS)
        assert sleepers.clock.now_ns() >= 3 * UNIT_NS

    assert on(make(0), story).awake == [(1, False)]


def test_an_empty_world_comes_to_its_end(make: Callable[[int], AnyClock]) -> None:
    async def story(sleepers: Sleepers) -> None:
        await sleepers.clock.run(2 * UNIT_NS)
        assert sleepers.clock.now_ns() >= 2 * UNIT_NS

    assert on(make(0), story).awake == []


def test_stopping_ends_the_run_and_closing_releases_everybody(make: Callable[[int], AnyClock]) -> None:
    async def story(sleepers: Sleepers) -> None:
        clock = sleepers.clock
        sleepers.add(1, NEVER_NS)
        sleepers.add(2, LONG_NS)
        sleepers.add(3, UNIT_NS, then=clock.stop)
        await clock.run(LONG_NS)
        await clock.close()
        assert await clock.wait(4, 0) is False, "after the end nobody parks"
        await clock.run(2 * LONG_NS)

    sleepers = on(make(0), story)
    assert sleepers.awake[0] == (3, True)
    assert sorted(sleepers.awake[1:]) == [(1, False), (2, False)]


def test_a_clock_that_was_stopped_before_it_ran_does_not_run(make: Callable[[int], AnyClock]) -> None:
    """A signal may come while the world is still being loaded."""

    async def story(sleepers: Sleepers) -> None:
        sleepers.clock.stop()
        sleepers.add(1, UNIT_NS)
        await sleepers.clock.run(LONG_NS)

    assert on(make(0), story).awake == [(1, False)]


def test_stopping_from_outside_ends_the_run(make: Callable[[int], AnyClock]) -> None:
    """As a signal handler does: between two steps of the event loop, more than once, while somebody acts."""

    async def story(sleepers: Sleepers) -> None:
        clock = sleepers.clock
        loop = asyncio.get_running_loop()

        async def act() -> None:
            await clock.wait(1, 0)
            loop.call_soon(clock.stop)
            loop.call_soon(clock.stop)
            await asyncio.sleep(0.001)
            sleepers.note(1, await clock.wait(1, clock.now_ns() + UNIT_NS))

        sleepers.clock.spawn(act())
        sleepers.add(2, LONG_NS)  # so long that nobody stalls until then before the signal comes
        await clock.run(2 * LONG_NS)

    awake = on(make(0), story).awake
    assert (2, False) in awake
    assert (1, True) not in awake, "who was busy meets the end when it parks, or is cancelled"


def test_a_fault_ends_the_run_and_the_others_can_still_leave(make: Callable[[int], AnyClock]) -> None:
    async def story(sleepers: Sleepers) -> None:
        clock = sleepers.clock

        async def fail() -> None:
            await clock.wait(2, UNIT_NS)
            raise LookupError("a broken law")

        sleepers.add(1, NEVER_NS)
        clock.spawn(fail())
        sleepers.add(3, LONG_NS)
        with pytest.raises(LookupError, match="a broken law"):
            await clock.run(LONG_NS)

    assert sorted(on(make(0), story).awake) == [(1, False), (3, False)]


def test_who_waits_for_real_work_is_awaited_by_the_run(make: Callable[[int], AnyClock]) -> None:
    async def story(sleepers: Sleepers) -> None:
        clock = sleepers.clock

        async def work() -> None:
            assert await clock.wait(1, UNIT_NS)
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.002):
                    await asyncio.Event().wait()
            sleepers.note(1, await clock.wait(1, clock.now_ns()))

        clock.spawn(work())
        await sleepers.until(1)

    assert on(make(0), story).awake == [(1, True)]


def test_one_may_be_born_in_the_midst(make: Callable[[int], AnyClock]) -> None:
    async def story(sleepers: Sleepers) -> None:
        sleepers.add(1, UNIT_NS, then=lambda: sleepers.add(9, 2 * UNIT_NS))
        sleepers.add(2, 3 * UNIT_NS)
        await sleepers.until(3)

    keys = on(make(0), story).keys
    assert keys[0] == 1
    assert sorted(keys) == [1, 2, 9]


def test_the_event_loop_stays_alive_beside_a_busy_sleeper(make: Callable[[int], AnyClock]) -> None:
    """Somebody who parks for no time at all must not keep a signal, a server or a timer from its turn."""

    async def story(sleepers: Sleepers) -> None:
        clock = sleepers.clock

        async def hasty() -> None:
            while await clock.wait(1, clock.now_ns()):
                sleepers.note(1, True)

        async def outsider() -> None:
            for _ in range(50):
                await asyncio.sleep(0)
            clock.stop()

        sleepers.clock.spawn(hasty())
        bystander = asyncio.create_task(outsider())
        await clock.run(LONG_NS)
        await bystander

    assert on(make(0), story).awake
