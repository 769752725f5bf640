"""The virtual clock against the plainest discrete-event simulation there is: who is due first goes first."""

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from ecology.core.clock import NEVER_NS, VirtualClock

KEYS = range(1, 6)
SPANS = st.integers(0, 8) | st.just(NEVER_NS)
Step = tuple[int, list[tuple[int, int]], int]
"""One turn: how often to let go of the event loop, whom to wake in how long, and how long to park then."""

STEPS = st.tuples(
    st.integers(0, 2), st.lists(st.tuples(st.sampled_from(KEYS), st.integers(-3, 6)), max_size=3), SPANS
)
LIVES = st.fixed_dictionaries({key: st.lists(STEPS, max_size=6) for key in KEYS})
Lives = dict[int, list[Step]]
Seen = list[tuple[int, int]]


def simulated(lives: Lives, until: list[int]) -> Seen:
    """Who had its turn at what time, by looking at everybody each time."""
    turns = {key: list(steps) for key, steps in lives.items()}
    deadlines = dict.fromkeys(KEYS, 0)
    seen: Seen = []
    now = 0
    for horizon in until:
        while True:
            at, key = min(((at, key) for key, at in deadlines.items()), default=(NEVER_NS, 0))
            if at == NEVER_NS or at >= horizon:
                now = max(now, horizon)
                break
            now = max(now, at)
            seen.append((key, now))
            del deadlines[key]
            if not turns[key]:
                continue
            _, wakes, span = turns[key].pop(0)
            for other, after in wakes:
                if other in deadlines:
                    deadlines[other] = min(deadlines[other], max(now, now + after))
            deadlines[key] = NEVER_NS if span == NEVER_NS else now + span
    return seen


def lived(lives: Lives, until: list[int]) -> Seen:
    """The same on the clock."""
    clock = VirtualClock()
    seen: Seen = []

    async def live(key: int) -> None:
        deadline = 0
        steps = iter(lives[key])
        while await clock.wait(key, deadline):
            seen.append((key, clock.now_ns()))
            step = next(steps, None)
            if step is None:
                return
            pauses, wakes, span = step
            for _ in range(pauses):
                await asyncio.sleep(0)
            for other, after in wakes:
                clock.wake(other, clock.now_ns() + after)
            deadline = NEVER_NS if span == NEVER_NS else clock.now_ns() + span

    async def play() -> None:
        for key in KEYS:
            clock.spawn(live(key))
        for horizon in until:
            await clock.run(horizon)
        await clock.close()

    asyncio.run(play())
    return seen


@given(LIVES, st.lists(st.integers(0, 40), min_size=1, max_size=4).map(sorted))
def test_turns_come_by_deadline_and_key(lives: Lives, until: list[int]) -> None:
    assert lived(lives, until) == simulated(lives, until)


@given(LIVES, st.lists(st.integers(0, 40), max_size=4).map(sorted))
def test_where_a_run_is_interrupted_makes_no_difference(lives: Lives, stops: list[int]) -> None:
    assert lived(lives, [*stops, 60]) == lived(lives, [60])
