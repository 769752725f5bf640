"""What keeps a container from reaching the band of CPU, and the rate that is right then."""

from collections.abc import Sequence
from typing import Literal

import msgspec

from calibrate.control import Target
from calibrate.controllers.knee import Point

NOTHING_BOUGHT = 1.07
"""If at least `RAISED` as much rate lets agents spend no more than this times as much, more rate buys nothing."""
RAISED = 1.5
MUCH_RAISED = 3.0
"""After such a raise that is so whatever the noise of either reading."""
NOT_LESS = 0.8
"""Agents that spend less than this times as much as at a lower rate only had a quiet moment."""
HEADROOM = 1.1
"""Agents that wait for something else than tokens are given so much more than they can spend."""
FULL_THREAD_PERCENT = 75.0
"""Of one core: a thread that works so much of the time has queues before it, and waits for the interpreter's lock."""
MEMORY_MARGIN = 5.0
"""Points below the memory that is too much."""
MEMORY_SLOPE_POINTS = 1.0
"""Memory that moves by less does not depend on the rate."""
STARVED_PERCENT = 20.0
"""Of the time: a thread that could have run so long, below the container's own limit, and was not let."""


class Knee(msgspec.Struct, frozen=True):
    """More rate than `rate` buys nothing; agents cannot spend more than `spent`, for this reason."""

    bound: Literal["latency", "one_process"]
    rate: float
    spent: float
    why: str


def knee(points: Sequence[Point], target: Target) -> Knee | None:
    """What else than CPU binds, by the newest point and those before.

    Agents spend much less than they are given while CPU is not above the band, and spent as much when given much less.
    """
    newest = points[-1]
    unspent = newest.short and newest.spent.value > 0
    if not unspent or newest.cpu.high >= target.high_percent or newest.saturated:
        return None
    last = newest.rate >= target.most_rate
    for before in points[:-1]:
        if newest.rate < RAISED * before.rate or newest.spent.value < NOT_LESS * before.spent.value:
            continue
        bought = newest.spent.high / before.spent.low if before.spent.low > 0 else 10.0
        much = last or newest.rate >= MUCH_RAISED * before.rate
        if bought <= NOTHING_BOUGHT or (much and newest.spent.value <= NOTHING_BOUGHT * before.spent.value):
            return _knee(newest, before.rate, target)
    return present_knee(newest, target) if last else None


def starved(point: Point) -> bool:
    """Whether agents fall short because others have the CPUs: the thread of their turns wants to run, and is not let.

    Only where the container's own limit is not what keeps it from running (no period throttled to speak of).
    """
    waited = point.loop_waited_percent
    busy = waited + point.loop_percent >= FULL_THREAD_PERCENT
    return point.short and busy and waited >= STARVED_PERCENT and point.throttled_percent < STARVED_PERCENT


def present_knee(point: Point, target: Target) -> Knee:
    """For one point alone, at which agents spend much less than they are given."""
    return _knee(point, point.spent.value, target)


def _knee(newest: Point, before_rate: float, target: Target) -> Knee:
    full = newest.loop_percent >= FULL_THREAD_PERCENT
    what = (
        f"one thread is full ({newest.loop_percent:.0f} % of a core): more needs more processes"
        if full
        else "agents wait for their model, not for tokens"
    )
    why = (
        f"{newest.rate:g} tokens/s buy no more than {before_rate:.4g} did: {newest.spent.value:.4g} are spent at "
        f"{newest.cpu.value:.0f} % CPU; {what}"
    )
    rate = allowed(HEADROOM * newest.spent.value, target)
    return Knee("one_process" if full else "latency", rate, newest.spent.value, why)


def memory_rate(points: Sequence[Point], target: Target) -> float | None:
    """The rate at which memory should be `MEMORY_MARGIN` below what is too much.

    None if it does not depend on the rate as far as one can see, 0 if no rate is low enough. By the newest point and
    the one whose rate is nearest to it, but not the same: memory is hardly ever a straight line.
    """
    newest = points[-1]
    others = [point for point in points[:-1] if not 0.8 < point.rate / newest.rate < 1.25]
    if not others:
        return None
    other = min(others, key=lambda point: max(point.rate / newest.rate, newest.rate / point.rate))
    low, high = sorted((newest, other), key=lambda point: point.spent.value)
    rise = high.memory_percent - low.memory_percent
    if rise < MEMORY_SLOPE_POINTS or high.spent.value <= low.spent.value:
        return None
    slope = rise / (high.spent.value - low.spent.value)
    aim = target.memory_percent - MEMORY_MARGIN
    return max(newest.rate + (aim - newest.memory_percent) / slope, 0.0)


def careful_rate(point: Point, target: Target) -> float:
    """The same by one point, where the kernel has killed at a higher rate: as if all memory were due to the rate."""
    return point.rate * (target.memory_percent - MEMORY_MARGIN) / max(point.memory_percent, 1.0)


def allowed(rate: float, target: Target) -> float:
    """The rate in four digits and thousandths of a token, as a workload takes it, within what is allowed."""
    return min(max(round(float(f"{rate:.4g}"), 3), target.least_rate), target.most_rate)
