"""What only one of the clocks promises: one at a time and no waiting; or the host's time, and nothing else."""

import asyncio
import hashlib

import pytest

from ecology.core.clock import NEVER_NS, SECOND_NS, RealClock, VirtualClock, host_cpu_ns, host_ns, utc_stamp
from ecology.core.seeds import Draw


def test_virtual_time_is_exactly_the_deadline() -> None:
    async def play() -> list[int]:
        clock = VirtualClock(7)
        times: list[int] = []

        async def live() -> None:
            for deadline_ns in (10**18, 3, 10**18 + 1):
                assert await clock.wait(1, deadline_ns)
                times.append(clock.now_ns())

        clock.spawn(live())
        await clock.run(2 * 10**18)
        return [*times, clock.now_ns()]

    assert asyncio.run(play()) == [10**18, 10**18, 10**18 + 1, 2 * 10**18]


def test_under_the_virtual_clock_one_acts_at_a_time() -> None:
    """However often an agent lets go of the event loop in the middle of its turn."""

    async def play() -> int:
        clock = VirtualClock()
        acting: set[int] = set()
        turns = 0

        async def live(key: int) -> None:
            nonlocal turns
            draw = Draw(key)
            while await clock.wait(key, clock.now_ns() + draw.below(3)):
                acting.add(key)
                for _ in range(draw.below(4)):
                    await asyncio.sleep(0)
                clock.wake(1 + draw.below(8), clock.now_ns() + draw.below(2))
                assert acting == {key}
                acting.clear()
                turns += 1

        for key in range(1, 9):
            clock.spawn(live(key))
        await clock.run(300)
        await clock.close()
        return turns

    assert asyncio.run(play()) > 300


def test_virtual_time_stands_still_while_somebody_waits_for_real_work() -> None:
    async def play() -> list[tuple[int, int]]:
        clock = VirtualClock()
        seen: list[tuple[int, int]] = []

        async def think() -> None:
            assert await clock.wait(1, 5)
            await asyncio.sleep(0.01)
            seen.append((1, clock.now_ns()))

        async def act() -> None:
            assert await clock.wait(2, 6)
            seen.append((2, clock.now_ns()))

        for life in (think(), act()):
            clock.spawn(life)
        await clock.run(100)
        return seen

    assert asyncio.run(play()) == [(1, 5), (2, 6)]


def test_ten_thousand_sleepers_take_their_turns() -> None:
    sleepers = 10_000

    async def play() -> str:
        clock = VirtualClock()
        digest = hashlib.sha256()

        async def live(key: int) -> None:
            draw = Draw(1, key)
            deadline_ns = draw.below(SECOND_NS)
            while await clock.wait(key, deadline_ns):
                digest.update(b"%d@%d " % (key, clock.now_ns()))
                deadline_ns = clock.now_ns() + SECOND_NS

        for key in range(1, sleepers + 1):
            clock.spawn(live(key))
        await clock.run(2 * SECOND_NS)
        await clock.close()
        return digest.hexdigest()

    expected = hashlib.sha256()
    first = sorted((Draw(1, key).below(SECOND_NS), key) for key in range(1, sleepers + 1))
    for lap in range(2):
        for at_ns, key in first:
            expected.update(b"%d@%d " % (key, at_ns + lap * SECOND_NS))
    assert asyncio.run(play()) == expected.hexdigest()


def test_a_virtual_clock_gathers_no_heap_from_wake_ups() -> None:
    async def play() -> int:
        clock = VirtualClock()

        async def live() -> None:
            while await clock.wait(1, NEVER_NS):
                pass

        async def nudge() -> None:
            for at_ns in range(1_000):
                clock.wake(1, at_ns)
                await clock.wait(2, at_ns + 1)

        for life in (live(), nudge()):
            clock.spawn(life)
        await clock.run(2_000)
        left = len(clock._deadlines)
        await clock.close()
        return left

    assert asyncio.run(play()) < 5


class Hand:
    """A monotonic time that goes where it is put."""

    def __init__(self) -> None:
        self.ns = 10**15

    def __call__(self) -> int:
        return self.ns


def test_a_real_clock_counts_from_the_start_of_its_run() -> None:
    hand = Hand()
    clock = RealClock(42, hand)
    assert clock.now_ns() == 42
    hand.ns += 5
    assert clock.now_ns() == 47


def test_a_real_clock_believes_only_its_monotonic_time() -> None:
    """Whatever the event loop's timers say: nobody wakes before the hand is there, and all do once it is."""

    async def play() -> list[tuple[int, int]]:
        hand = Hand()
        clock = RealClock(0, hand)
        awake: list[tuple[int, int]] = []

        async def live(key: int, deadline_ns: int) -> None:
            assert await clock.wait(key, deadline_ns)
            awake.append((key, clock.now_ns()))

        lives = [asyncio.create_task(live(key, key * 100_000)) for key in (3, 1, 2)]
        run = asyncio.create_task(clock.run(10_000_000))
        await asyncio.sleep(0.01)
        assert awake == []
        hand.ns += 250_000
        while len(awake) < 2:
            await asyncio.sleep(0.001)
        hand.ns += 50_000
        await asyncio.gather(*lives)
        assert not run.done()
        hand.ns += 10_000_000
        await run
        return awake

    assert asyncio.run(play()) == [(1, 250_000), (2, 250_000), (3, 300_000)]


def test_a_real_clock_that_sleeps_long_notices_who_parks_for_less() -> None:
    async def play() -> bool:
        clock = RealClock()

        async def wait_for(key: int, span_ns: int) -> bool:
            return await clock.wait(key, clock.now_ns() + span_ns)

        late = asyncio.create_task(wait_for(1, 3_600 * SECOND_NS))
        run = asyncio.create_task(clock.run(7_200 * SECOND_NS))
        await asyncio.sleep(0.005)
        soon = await wait_for(2, 1_000_000)
        await clock.close()
        await run
        return soon and not await late

    assert asyncio.run(play())


def test_the_hosts_clocks_go_forward() -> None:
    before, before_cpu = host_ns(), host_cpu_ns()
    assert sum(range(20_000)) > 0
    assert host_ns() > before
    assert host_cpu_ns() > before_cpu


def test_a_stamp_sorts_by_time_and_names_a_directory() -> None:
    stamp = utc_stamp()
    assert len(stamp) == len("20260131T235959Z")
    assert stamp[8] == "T"
    assert stamp[-1] == "Z"
    assert (stamp[:8] + stamp[9:15]).isdigit()


@pytest.mark.parametrize("key", [1, 2])
def test_a_virtual_run_can_be_told_to_end_in_the_past(key: int) -> None:
    async def play() -> int:
        clock = VirtualClock(100)
        await clock.run(50 * key)
        return clock.now_ns()

    assert asyncio.run(play()) == 100


@pytest.mark.parametrize("steps", range(4))
def test_a_real_clock_that_is_cancelled_just_when_somebody_is_woken_ends(steps: int) -> None:
    async def scene() -> None:
        clock = RealClock()
        life = asyncio.create_task(clock.wait(1, 3600 * SECOND_NS))
        running = asyncio.create_task(clock.run(7200 * SECOND_NS))
        await asyncio.sleep(0.01)
        clock.wake(1, clock.now_ns() + 3000 * SECOND_NS)
        for _ in range(steps):
            await asyncio.sleep(0)
        running.cancel()
        ended, _ = await asyncio.wait({running}, timeout=60)
        life.cancel()
        assert ended and running.cancelled()

    asyncio.run(scene())
