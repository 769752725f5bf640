"""The default method: measure a few rates, fit CPU = idle + cost · spent, jump to the middle of the band, verify.

A rate is looked at until what is seen is steady and sure enough for the decision at hand: a few seconds where CPU is
far from the band, longer near it. The rate is right when the 95 % interval of CPU lies inside the band.
"""

import math

import msgspec

from calibrate.control import Change, Decision, Refused, Settled, Target, Wait
from calibrate.controllers import reasons
from calibrate.controllers.binding import (
    MEMORY_MARGIN,
    RAISED,
    Knee,
    allowed,
    careful_rate,
    knee,
    memory_rate,
    present_knee,
    starved,
)
from calibrate.controllers.knee import Point, point_of, rate_for
from calibrate.controllers.steady import CEILING_S, FLOOR, Window, steady_part
from calibrate.workload import Sample

MOST_ADJUSTMENTS = 8
MOST_SECONDS = 300.0
MOST_KILLS = 3
MOST_FOREIGN = 30
"""Samples after which a rate that is not taken up is given up."""
SETTLE_S = 10.0
"""Nothing is found out in less,"""
CERTIFY_S = 60.0
"""and no rate is found right: machines with neighbours are faster and slower for half a minute at a time."""
SURE_POINTS = 2.5
"""An error worth waiting for, up to the ceiling; after it any interval inside the band will do."""
OFF_CENTRE_POINTS = 1.5
"""A rate surely so far from the middle of the band is made better,"""
REFINEMENTS = 3
"""if not so many changes were made already."""
TRIED_FACTOR = 3.0
"""Rates grow no faster where agents fall short of what they are given: it may buy nothing."""
LOWERED_FACTOR = 4.0
"""How far down to go when memory is too full and nothing says where it is not."""
MEMORY_SECONDS = 10.0
"""Memory is given back slowly; after so long what is left will stay."""
MEMORY_MOVES = 0.5
"""Points from one sample to the next; where memory binds, within `FLOOR` samples: it follows the rate slowly."""
MEMORY_NEAR = 1.0
"""Points below what is too much: memory that still creeps would be there soon."""

HASTY_CHANGES = 3
"""After so many changes a noisy reading is looked at for at least"""
UNHURRIED_S = 30.0
FAR_POINTS = 12.0
AGREES_SHARE = 0.05
"""A prediction so near to the present rate that noise explains what is read."""
SAME_SHARE = 0.01
"""A change by less changes nothing that can be seen."""


class State(msgspec.Struct, frozen=True):
    """What is known so far."""

    window: Window
    points: tuple[Point, ...] = ()
    """One for each rate that was left, oldest first; forgotten when the machine contradicts them."""
    seen: tuple[Point, ...] = ()
    """All of them."""
    low: float = 0.0
    """The highest rate known to leave CPU below the band,"""
    high: float = math.inf
    """and the lowest known to be too much."""
    memory_high: float = math.inf
    """The lowest rate known to be too much for the memory."""
    memory_lowered: bool = False
    """Whether the rate was last changed for the memory."""
    knee: Knee | None = None
    """What else than CPU binds; the window is at its rate."""
    adjustments: int = 0
    seconds: float = 0.0
    kills: int = 0
    drifts: int = 0
    """How often what was known was contradicted."""


class Survey:
    """The model-based controller. See `calibrate.control.Controller`."""

    name = "model"

    def __init__(self, target: Target | None = None) -> None:
        self.target = target or Target()

    def begin(self) -> State:
        return State(Window(allowed(self.target.start_rate, self.target)))

    def remaining_s(self, state: State) -> float:
        newest = state.seen[-1].cpu.value if state.seen else 0.0
        changes = 0 if state.knee else 1 if newest > self.target.low_percent / 2 else 2
        return max(changes * 8.0 + CERTIFY_S - state.window.seconds, 3.0)

    def step(self, state: State, sample: Sample) -> tuple[State, Decision]:
        window = state.window.with_sample(sample)
        state = msgspec.structs.replace(state, window=window, seconds=state.seconds + sample.seconds)
        if sample.oom_kills:
            return self._killed(state, sample)
        if window.foreign > MOST_FOREIGN:
            why = f"the workload does not take up {window.rate:g} tokens/s: it is still at {sample.rate:g}"
            return state, Refused(why)
        if len(window.samples) < FLOOR:
            return state, Wait(f"first seconds at {window.rate:g} tokens/s")
        last = window.samples[-1].memory_percent
        if min(taken.memory_percent for taken in window.samples[-3:]) >= self.target.memory_percent:
            if not state.memory_lowered or window.seconds >= MEMORY_SECONDS:
                return self._too_full(state, point_of(window.samples[-FLOOR:]))
            return self._wait(state, f"memory {last:.1f} %: waiting for it to fall")
        moves = abs(last - window.samples[-2].memory_percent) > MEMORY_MOVES
        part = steady_part(window.samples)
        if window.seconds < CEILING_S and (moves or not part):
            what = "memory" if moves else "CPU"
            return self._wait(state, f"{what} is not steady yet at {window.rate:g} tokens/s")
        return self._judge(state, point_of(part or window.samples[len(window.samples) // 2 :]))

    def _judge(self, state: State, point: Point) -> tuple[State, Decision]:
        state = self._undisturbed(state, point)
        if state.knee is not None:
            return self._at_the_knee(state, point, state.knee)
        found = knee((*state.points, point), self.target)
        if found is not None and starved(point):
            return state, Refused(reasons.starved(point))
        if found is not None:
            return self._change(msgspec.structs.replace(state, knee=found), point, found.rate, found.why)
        target, cpu, seconds = self.target, point.cpu, state.window.seconds
        if point.draining and cpu.value > target.low_percent and seconds < 2 * CEILING_S:
            predicted = rate_for((*state.points, point), target.aim_percent)[0]
            if 0.75 < predicted / point.rate < 1.33:
                return self._wait(state, f"{reasons.seen(point)}: agents still spend what they had saved")
        if target.low_percent <= cpu.low and cpu.high <= target.high_percent:
            return self._inside(state, point)
        if point.spent.value <= 0 and seconds < SETTLE_S:
            return self._wait(state, f"{reasons.seen(point)}: waiting for the first turns")
        far = abs(cpu.value - target.aim_percent) > FAR_POINTS
        if state.adjustments >= HASTY_CHANGES and not far and seconds < UNHURRIED_S:
            return self._wait(state, f"{reasons.seen(point)}: near the band, so with more patience now")
        beside = cpu.high < target.low_percent or cpu.low > target.high_percent
        waited = seconds >= CEILING_S and not self._worth_waiting(state, point)
        if not beside and not waited:
            return self._wait(state, f"{reasons.seen(point)}: not sure yet")
        return self._move(state, point)

    def _inside(self, state: State, point: Point) -> tuple[State, Decision]:
        """The interval lies inside the band."""
        cpu = point.cpu
        enough = OFF_CENTRE_POINTS * (1 if state.window.seconds < CERTIFY_S / 2 else 2)
        off_centre = abs(cpu.value - self.target.aim_percent) - cpu.error > enough
        if point.short and point.rate > 1.4 * point.spent.value:
            found = present_knee(point, self.target)
            return self._change(msgspec.structs.replace(state, knee=found), point, found.rate, found.why)
        if off_centre and state.adjustments < REFINEMENTS:
            return self._move(state, point)
        return self._proven(state, point)

    def _proven(self, state: State, point: Point) -> tuple[State, Decision]:
        """Settled, if the interval that lies inside the band may be believed."""
        cpu, seconds = point.cpu, state.window.seconds
        sure = cpu.error <= SURE_POINTS or seconds >= CEILING_S
        if seconds < CERTIFY_S or not sure or point.draining:
            return self._wait(state, f"{reasons.seen(point)}: inside the band, making sure")
        why = f"{reasons.seen(point)}: inside the band for {seconds:.0f} s"
        return state, Settled(point.rate, "cpu", cpu.value, cpu.error, why)

    def _worth_waiting(self, state: State, point: Point) -> bool:
        """Whether longer looking, rather than a better rate, will prove this one: its mean is near the middle."""
        target = self.target
        if not target.low_percent <= point.cpu.value <= target.high_percent:
            return False
        near = abs(point.cpu.value - target.aim_percent) <= SURE_POINTS
        return near or state.adjustments >= REFINEMENTS

    def _at_the_knee(self, state: State, point: Point, found: Knee) -> tuple[State, Decision]:
        cpu, target = point.cpu, self.target
        if cpu.low > target.high_percent or point.spent.high < 0.8 * found.spent:
            return self._move(msgspec.structs.replace(state, knee=None, drifts=state.drifts + 1), point)
        known = cpu.error <= SURE_POINTS or state.window.seconds >= CEILING_S
        if state.window.seconds < SETTLE_S or not known or cpu.value > target.high_percent:
            return self._wait(state, f"{reasons.seen(point)}: making sure that no more is spent")
        bound = "cpu" if target.low_percent <= cpu.value else found.bound
        return state, Settled(point.rate, bound, cpu.value, cpu.error, found.why)

    def _move(self, state: State, point: Point) -> tuple[State, Decision]:
        target = self.target
        below = point.cpu.value < target.aim_percent
        if point.rate >= target.most_rate and below:
            if state.window.seconds < SETTLE_S:
                return self._wait(state, f"{reasons.seen(point)}: the highest rate allowed")
            if point.spent.value <= 0:
                return state, Refused(
                    f"agents spend nothing, even at {point.rate:g} tokens/s: do they think at all?"
                )
            why = f"{reasons.seen(point)}, the highest rate allowed"
            return state, Settled(point.rate, "rate", point.cpu.value, point.cpu.error, why)
        if point.rate <= target.least_rate and not below:
            why = f"{reasons.seen(point)}, the lowest rate allowed: the container is too busy for its agents"
            return state, Refused(why)
        predicted, line = rate_for((*state.points, point), target.aim_percent)
        if point.short and point.spent.value > 0 and point.cpu.value < target.low_percent:
            least = RAISED * point.rate if point.rate > RAISED * point.spent.value else 0.0
            predicted = min(max(predicted, least), TRIED_FACTOR * point.rate)
        noisy = point.cpu.error > SURE_POINTS and state.window.seconds < CEILING_S
        if noisy and line is not None and abs(predicted / point.rate - 1) < AGREES_SHARE:
            return self._wait(state, f"{reasons.seen(point)}: all before say that this rate is right")
        state = self._bracketed(state, point, predicted)
        if (
            abs(predicted / point.rate - 1) < SAME_SHARE
            and abs(point.cpu.value - target.aim_percent) > SURE_POINTS
        ):
            base = point.spent.value if point.saturated and point.spent.value > 0 else point.rate
            predicted = base * target.aim_percent / point.cpu.value
        predicted = self._between(state, predicted)
        fullest = self._fullest(state, point)
        unknown = fullest == math.inf and point.memory_percent >= target.memory_percent - MEMORY_MARGIN
        if point.rate < predicted and unknown:
            rate = allowed(point.rate / 2, target)
            why = f"memory {point.memory_percent:.1f} % at {point.rate:g} tokens/s: does less rate need less?"
            return self._change(state, point, rate, why)
        if point.rate < predicted and fullest < predicted:
            if fullest <= 1.1 * point.rate:
                return self._memory_bound(state, point)
            predicted = fullest
        rate = allowed(predicted, target)
        if abs(rate / point.rate - 1) < SAME_SHARE:
            if target.low_percent <= point.cpu.low and point.cpu.high <= target.high_percent:
                return self._proven(state, point)
            return self._wait(state, f"{reasons.seen(point)}: no better rate is known")
        return self._change(state, point, rate, reasons.moved(point, line, rate, target.aim_percent))

    def _memory_bound(self, state: State, point: Point) -> tuple[State, Decision]:
        memory = f"memory {point.memory_percent:.1f} % at {point.rate:g} tokens/s"
        readings = [sample.memory_percent for sample in state.window.samples[-FLOOR:]]
        rises = readings[-1] - readings[0] > MEMORY_MOVES and state.window.seconds < CEILING_S
        if state.window.seconds < SETTLE_S or rises:
            return self._wait(state, f"{memory}: making sure")
        rate = allowed(self._fullest(state, point), self.target)
        left = self.target.memory_percent - readings[-1]
        patience = MOST_ADJUSTMENTS if left < MEMORY_NEAR else REFINEMENTS
        too_near = left < MEMORY_MARGIN / 2 and state.adjustments < patience
        if too_near and rate < (1 - SAME_SHARE) * point.rate:
            return self._change(state, point, rate, f"{memory}, close to too much, so {rate:g}")
        why = f"{memory}: more would fill it, at {point.cpu.value:.0f} % CPU"
        return state, Settled(point.rate, "memory", point.cpu.value, point.cpu.error, why)

    def _fullest(self, state: State, point: Point) -> float:
        """The highest rate that memory allows, as far as is known."""
        by_line = memory_rate((*state.seen, point), self.target)
        if by_line is None and state.memory_high < math.inf:
            by_line = careful_rate(point, self.target)
        known = 0.95 * state.memory_high
        if state.kills == MOST_KILLS - 1:  # one more would be the end
            known = min(known, math.sqrt(point.rate * state.memory_high))
        return min(math.inf if by_line is None else by_line, known)

    def _too_full(self, state: State, point: Point) -> tuple[State, Decision]:
        target, points = self.target, (*state.seen, point)
        by_line = memory_rate(points, target)
        roomy = [known.rate for known in state.seen if known.memory_percent < target.memory_percent]
        below = max((rate for rate in roomy if rate < point.rate), default=0.0)
        useless = by_line is None and not roomy and any(known.rate > point.rate for known in state.seen)
        if useless or point.rate <= target.least_rate or by_line == 0.0:
            return state, Refused(reasons.memory_needed(points, target))
        rate = by_line if by_line is not None else max(below, point.rate / LOWERED_FACTOR)
        rate = allowed(min(max(rate, point.rate / 10), 0.9 * point.rate), target)
        high = min(state.memory_high, point.rate)
        state = msgspec.structs.replace(state, memory_high=high, seen=points, knee=None)
        return self._turn(state, rate, reasons.too_full(point, rate), memory=True)

    def _killed(self, state: State, sample: Sample) -> tuple[State, Decision]:
        target, rate, kills = self.target, state.window.rate, state.kills + 1
        if kills >= MOST_KILLS or rate <= target.least_rate:
            return state, Refused(reasons.killed(kills, rate))
        roomy = [known for known in state.seen if known.rate < rate]
        below = max(roomy, key=lambda known: known.rate, default=None)
        careful = max(careful_rate(below, target), below.rate) if below else rate / LOWERED_FACTOR**kills
        lower = allowed(min(careful, math.sqrt(below.rate * rate)) if below else careful, target)
        high = min(state.memory_high, rate)
        state = msgspec.structs.replace(state, kills=kills, memory_high=high, knee=None)
        why = f"the kernel killed a process for want of memory at {rate:g} tokens/s, so {lower:g}"
        return self._turn(state, lower, why, memory=True)

    def _undisturbed(self, state: State, point: Point) -> State:
        """Without what is known, where the newest point says the contrary."""
        too_low = point.cpu.high < self.target.low_percent and point.rate >= state.high
        too_high = point.cpu.low > self.target.high_percent and point.rate <= state.low and not point.draining
        if not (too_low or too_high):
            return state
        return msgspec.structs.replace(state, points=(), low=0.0, high=math.inf, drifts=state.drifts + 1)

    def _bracketed(self, state: State, point: Point, predicted: float) -> State:
        """With what the point proves beyond doubt; what would keep from going where it leads is no longer believed."""
        cpu, target, low, high = point.cpu, self.target, state.low, state.high
        if cpu.high + cpu.error < target.low_percent:
            low = max(low, point.rate)
            high = high if predicted < high else math.inf
        elif cpu.low - cpu.error > target.high_percent and not point.draining:
            high = min(high, point.rate)
            low = low if predicted > low else 0.0
        return msgspec.structs.replace(state, low=low, high=high)

    def _between(self, state: State, rate: float) -> float:
        """The rate, or one inside the bracket if it lies outside."""
        if state.low < rate < state.high:
            return rate
        if state.high < math.inf and state.low > 0:
            return math.sqrt(state.low * state.high)
        return 0.8 * state.high if rate >= state.high else 1.25 * state.low

    def _wait(self, state: State, why: str) -> tuple[State, Decision]:
        return (state, Wait(why)) if state.seconds < MOST_SECONDS else self._give_up(state)

    def _change(self, state: State, point: Point, rate: float, why: str) -> tuple[State, Decision]:
        state = msgspec.structs.replace(state, points=(*state.points, point), seen=(*state.seen, point))
        return self._turn(state, rate, why)

    def _turn(self, state: State, rate: float, why: str, *, memory: bool = False) -> tuple[State, Decision]:
        if state.adjustments >= MOST_ADJUSTMENTS or state.seconds >= MOST_SECONDS:
            return self._give_up(state)
        state = msgspec.structs.replace(
            state, window=Window(rate), adjustments=state.adjustments + 1, memory_lowered=memory
        )
        return state, Change(rate, why)

    def _give_up(self, state: State) -> tuple[State, Decision]:
        samples = state.window.samples
        if state.window.seconds >= UNHURRIED_S:
            # The best that is known; whether it holds, a run of its own will tell.
            cpu = point_of(samples).cpu
            inside = self.target.low_percent <= cpu.value <= self.target.high_percent
            if inside and cpu.error <= self.target.high_percent - self.target.low_percent:
                why = f"{reasons.seen(point_of(samples))}: the best of {state.adjustments + 1} rates, not quite sure"
                return state, Settled(state.window.rate, "cpu", cpu.value, cpu.error, why)
        seen = state.seen
        if len(samples) >= FLOOR and (not seen or seen[-1].rate != state.window.rate):
            seen = (*seen, point_of(samples))
        why = reasons.undecided(seen, self.target, state.adjustments, state.seconds, state.drifts)
        return state, Refused(why)
