"""Keeping a running world in the band: the same ideas as in calibration, slow and bounded.

A world that lives is not an experiment: nothing is tried, steps are small, and what is read must be sure before
anything is done. Agents come and go, so the rate of an average agent may change by itself: then that is the rate.
"""

import msgspec

from calibrate.control import Change, Target, Wait
from calibrate.controllers.knee import SATURATED_PERCENT, Point, point_of
from calibrate.controllers.steady import FLOOR, Window
from calibrate.workload import Sample

MARGIN_POINTS = 2.0
"""CPU may be outside the band by so much before anything is done: the dead band beyond it."""
MEMORY_MARGIN = 5.0
"""Memory so close to its limit allows no raise."""
RAISED_WINDOWS = 2
"""CPU must be below the band so many windows in a row: a lull is no reason. It is lowered after one."""
USED_SHARE = 0.8
"""Agents that use less of what they have would not use more."""
WINDOWS_UNSURE = 4
"""A window that is not sure grows to at most so many; then its mean counts."""
LEAST_STEP = 0.01
MOST_FOREIGN = 3
"""Samples at another rate than was asked for, after which that is the rate."""


class Bounds(msgspec.Struct, frozen=True):
    """How far a governor may go."""

    least: float = 0.1
    most: float = 10.0
    """Factors of the rate with which the governor began."""
    step: float = 0.2
    """The most that one change may change, as a share."""
    window_s: float = 30.0
    """The least time between changes, in seconds."""


class State(msgspec.Struct, frozen=True):
    """What a governor remembers: the samples at the present rate, and how often CPU was too low."""

    window: Window
    low_windows: int = 0


class Governor:
    """Decides the rate of an average agent in a running world; pure like a `Controller`, and without an end.

    `rate` is the one that agents had when it began, in tokens per second.
    """

    def __init__(self, rate: float, target: Target | None = None, bounds: Bounds | None = None) -> None:
        self.rate = rate
        self.target = target or Target()
        self.bounds = bounds or Bounds()

    def begin(self) -> State:
        """The state before the first sample."""
        return State(Window(self.rate))

    def step(self, state: State, sample: Sample) -> tuple[State, Wait | Change]:
        """Take in one sample, and say whether the rate changes."""
        window = state.window.with_sample(sample)
        if window.foreign > MOST_FOREIGN:
            window = Window(sample.rate)
        state = msgspec.structs.replace(state, window=window)
        if sample.oom_kills:
            return self._lowered(
                state, 1 - self.bounds.step, "the kernel killed a process for want of memory"
            )
        if window.seconds < self.bounds.window_s or len(window.samples) < FLOOR:
            return state, Wait()
        point = point_of(window.samples)
        if point.memory_percent >= self.target.memory_percent:
            why = f"memory {point.memory_percent:.1f} % at {point.rate:.4g} tokens/s"
            return self._lowered(state, 1 - self.bounds.step / 2, why)
        return self._by_cpu(state, point)

    def _by_cpu(self, state: State, point: Point) -> tuple[State, Wait | Change]:
        target, cpu = self.target, point.cpu
        low, high = target.low_percent - MARGIN_POINTS, target.high_percent + MARGIN_POINTS
        patience = state.window.seconds >= WINDOWS_UNSURE * self.bounds.window_s
        if cpu.value > high and (cpu.low > target.high_percent or patience):
            full = cpu.value >= SATURATED_PERCENT
            share = 1 - self.bounds.step if full else target.aim_percent / cpu.value
            return self._lowered(state, share, self._said(point))
        if cpu.value < low and (cpu.high < target.low_percent or patience):
            return self._below(state, point)
        if low <= cpu.value <= high or patience:
            return self._kept(state, low_windows=0)
        return state, Wait(f"{self._said(point)}: not sure yet")

    def _below(self, state: State, point: Point) -> tuple[State, Wait | Change]:
        if point.memory_percent >= self.target.memory_percent - MEMORY_MARGIN:
            return self._kept(state, low_windows=0)
        if point.spent.value < USED_SHARE * point.rate:
            return self._kept(state, low_windows=0)
        if state.low_windows + 1 < RAISED_WINDOWS:
            return self._kept(state, low_windows=state.low_windows + 1)
        share = min(self.target.aim_percent / max(point.cpu.value, 1.0), 1 + self.bounds.step)
        return self._turned(state, share, self._said(point))

    def _lowered(self, state: State, share: float, why: str) -> tuple[State, Wait | Change]:
        return self._turned(state, max(share, 1 - self.bounds.step), why)

    def _turned(self, state: State, share: float, why: str) -> tuple[State, Wait | Change]:
        before = state.window.rate
        least, most = self.bounds.least * self.rate, self.bounds.most * self.rate
        rate = round(min(max(before * share, least), most), 3)
        if before <= 0 or abs(rate / before - 1) < LEAST_STEP or (rate > before) != (share > 1):
            return self._kept(state, low_windows=0)
        return State(Window(rate)), Change(rate, f"{why}: times {rate / before:.2f}, so {rate:.4g}")

    def _kept(self, state: State, low_windows: int) -> tuple[State, Wait | Change]:
        """The next window begins, at the same rate."""
        return State(Window(state.window.rate, mixed=True), low_windows), Wait()

    def _said(self, point: Point) -> str:
        return f"CPU {point.cpu} at {point.rate:.4g} tokens/s"
