"""The original rule: above 85 % of CPU the rate times 0.8, below 50 % times 1.25, every ten seconds; its gaps closed.

Between 50 % and the band, and between the band and 85 %, the step is proportional. Every crossing of the band halves
all further steps, so that the rate converges. It is slow on purpose: it is there to compare the default method with.
"""

import msgspec

from calibrate.control import Bound, Change, Decision, Refused, Settled, Target, Wait
from calibrate.controllers import reasons
from calibrate.controllers.binding import (
    FULL_THREAD_PERCENT,
    HEADROOM,
    MEMORY_MARGIN,
    NOT_LESS,
    allowed,
    careful_rate,
    starved,
)
from calibrate.controllers.knee import Point, point_of
from calibrate.controllers.steady import Window
from calibrate.workload import Sample

WINDOW = 10
"""Samples, of a second each, between decisions."""
LOWERED_ABOVE, LOWERED = 85.0, 0.8
RAISED_BELOW, RAISED = 50.0, 1.25
LEAST_DAMPING = 0.1
SETTLED_WINDOWS = 3
"""In the band, one after the other."""
FUTILE_RAISES = 4
"""That bought nothing together, before more raises are given up."""
FUTILE_RATE, FUTILE_SPENT = 2.0, 1.25
"""In which the rate rose at least so much, and what is spent surely less."""
SAME = 1.02
"""A raise by less is none."""
MOST_WINDOWS = 240
MOST_KILLS = 6


class State(msgspec.Struct, frozen=True):
    """What is known so far."""

    window: Window
    points: tuple[Point, ...] = ()
    """One for each window, the last few."""
    damping: float = 1.0
    """The share of a whole step that is made; halved at every crossing of the band."""
    side: int = 0
    """1 if CPU was last above the band, -1 below it."""
    inside: int = 0
    """Windows in the band since the last change."""
    windows: int = 0
    kills: int = 0
    memory_high: float | None = None
    """The lowest rate that was too much for the memory."""


class Classic:
    """The original rule as a controller. See `calibrate.control.Controller`."""

    name = "classic"

    def __init__(self, target: Target | None = None) -> None:
        self.target = target or Target()

    def begin(self) -> State:
        return State(Window(allowed(self.target.start_rate, self.target)))

    def remaining_s(self, state: State) -> float:
        cpu = state.points[-1].cpu.value if state.points else 20.0
        rising = cpu < RAISED_BELOW
        windows = (8 if rising else 2) + SETTLED_WINDOWS - state.inside
        return windows * float(WINDOW) - state.window.seconds

    def step(self, state: State, sample: Sample) -> tuple[State, Decision]:
        window = state.window.with_sample(sample)
        state = msgspec.structs.replace(state, window=window)
        rate = window.rate
        if sample.oom_kills:
            return self._killed(state)
        if window.foreign > 3 * WINDOW:
            return state, Refused(
                f"the workload does not take up {rate:g} tokens/s: it is at {sample.rate:g}"
            )
        if len(window.samples) < WINDOW:
            return state, Wait(f"{len(window.samples)} of {WINDOW} seconds at {rate:g} tokens/s")
        point = point_of(window.samples)
        state = msgspec.structs.replace(
            state,
            window=Window(rate, mixed=True),
            windows=state.windows + 1,
            points=(*state.points[-2 * FUTILE_RAISES :], point),
        )
        state, decision = self._decide(state, point)
        if state.windows >= MOST_WINDOWS and isinstance(decision, Wait | Change):
            return state, Refused(
                f"no rate stayed in the band in {MOST_WINDOWS} windows: {reasons.seen(point)}"
            )
        return state, decision

    def _decide(self, state: State, point: Point) -> tuple[State, Decision]:
        target, cpu = self.target, point.cpu.value
        if point.memory_percent >= target.memory_percent:
            return self._too_full(state, point)
        if target.low_percent <= cpu <= target.high_percent:
            state = msgspec.structs.replace(state, inside=state.inside + 1)
            if state.inside >= SETTLED_WINDOWS:
                return self._settled(state, point, "cpu", f"in the band for {state.inside} windows")
            return state, Wait(
                f"{reasons.seen(point)}: in the band {state.inside} of {SETTLED_WINDOWS} times"
            )
        if cpu < target.low_percent:
            if self._futile(state, point):
                return self._at_the_knee(state, point)
            if point.rate >= target.most_rate:
                return self._settled(state, point, "rate", "the highest rate allowed")
        elif point.rate <= target.least_rate:
            return state, Refused(
                f"{reasons.seen(point)}, the lowest rate allowed: the container is too busy"
            )
        return self._stepped(state, point)

    def _stepped(self, state: State, point: Point) -> tuple[State, Decision]:
        target, cpu = self.target, point.cpu.value
        side = 1 if cpu > target.high_percent else -1
        crossed = state.side not in (0, side)
        damping = max(state.damping / 2, LEAST_DAMPING) if crossed else state.damping
        if cpu > LOWERED_ABOVE:
            whole = LOWERED
        elif cpu < RAISED_BELOW:
            whole = RAISED
        else:
            whole = min(max(target.aim_percent / cpu, LOWERED), RAISED)
        rate = allowed(point.rate * whole**damping, target)
        if state.memory_high is not None and rate > point.rate:
            careful = allowed(careful_rate(point, target), target)
            if point.memory_percent > target.memory_percent - MEMORY_MARGIN / 2 and careful < point.rate:
                return self._turned(state, careful, reasons.too_full(point, careful))
            rate = min(rate, careful)
            if rate <= SAME * point.rate or rate >= state.memory_high:
                return self._settled(
                    state, point, "memory", f"{state.memory_high:g} tokens/s fill the memory"
                )
        why = f"{reasons.seen(point)}: times {rate / point.rate:.3g}, so {rate:g}"
        return self._turned(msgspec.structs.replace(state, side=side, damping=damping), rate, why)

    def _futile(self, state: State, point: Point) -> bool:
        """Whether the last raises bought nothing."""
        return point.short and any(
            before.spent.low > 0
            and NOT_LESS * before.spent.value <= point.spent.value
            and point.spent.high <= FUTILE_SPENT * before.spent.low
            for before in state.points
            if FUTILE_RATE * before.rate <= point.rate
        )

    def _at_the_knee(self, state: State, point: Point) -> tuple[State, Decision]:
        """More buys nothing. The rate is what was spent and a little; that has been seen on the way up."""
        if starved(point):
            return state, Refused(reasons.starved(point))
        bound: Bound = "one_process" if point.loop_percent >= FULL_THREAD_PERCENT else "latency"
        rate = allowed(HEADROOM * point.spent.value, self.target)
        what = (
            f"one thread is full ({point.loop_percent:.0f} % of a core)"
            if bound == "one_process"
            else "agents wait for their model"
        )
        why = f"{FUTILE_RAISES} raises bought nothing: {reasons.seen(point)}; {what}"
        return state, Settled(rate, bound, point.cpu.value, point.cpu.error, why)

    def _too_full(self, state: State, point: Point) -> tuple[State, Decision]:
        target = self.target
        before = [known for known in state.points[:-1] if known.rate > 3 * point.rate]
        useless = any(known.memory_percent - point.memory_percent < 1.0 for known in before)
        if useless or point.rate <= target.least_rate:
            return state, Refused(reasons.memory_needed(state.points, target))
        rate = allowed(point.rate * LOWERED, target)
        high = point.rate if state.memory_high is None else min(state.memory_high, point.rate)
        state = msgspec.structs.replace(state, memory_high=high)
        return self._turned(state, rate, reasons.too_full(point, rate))

    def _killed(self, state: State) -> tuple[State, Decision]:
        rate, kills = state.window.rate, state.kills + 1
        if kills >= MOST_KILLS or rate <= self.target.least_rate:
            return state, Refused(reasons.killed(kills, rate))
        lower = allowed(rate / 2, self.target)
        state = msgspec.structs.replace(state, kills=kills, memory_high=rate)
        why = f"the kernel killed a process for want of memory at {rate:g} tokens/s, so {lower:g}"
        return self._turned(state, lower, why)

    def _turned(self, state: State, rate: float, why: str) -> tuple[State, Decision]:
        return msgspec.structs.replace(state, window=Window(rate), inside=0), Change(rate, why)

    def _settled(self, state: State, point: Point, bound: Bound, why: str) -> tuple[State, Decision]:
        return state, Settled(
            point.rate, bound, point.cpu.value, point.cpu.error, f"{reasons.seen(point)}: {why}"
        )
