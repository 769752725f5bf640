"""How CPU depends on what agents spend: a line up to a knee, from the points that were measured.

CPU % = idle + cost · spent, where `spent` is tokens per second that an agent really spends. Above the knee CPU says
nothing of demand, but what is spent still does, so a point at 100 % lies on the same line.
"""

from collections.abc import Sequence

import msgspec
import numpy as np

from calibrate.controllers.steady import Mean, cpu_and_spent
from calibrate.workload import Sample

SATURATED_PERCENT = 96.0
SATURATED_ERROR = 3.0
"""A reading at the limit may be off by the knee's roundness."""
FAR_SHARE = 0.1
"""A point counts less the farther from the aim it is, in points of CPU: lines are only nearly straight."""
AGE_POINTS = 2.0
"""And less the older it is: machines drift."""
SPREAD = 1.2
"""Points closer together than this factor give no slope."""
MOST_GROWTH = 10.0
LEAST_GROWTH = 1.3
CONTRADICTION_POINTS = 3.0
"""The newest point may be so far off the line through all before it is believed more than they."""
SHORT_SHARE = 0.9
"""Agents that spend less than this of what they are given cannot keep up."""


class Point(msgspec.Struct, frozen=True):
    """What was measured at one rate. Units as in `Sample`."""

    rate: float
    spent: Mean
    cpu: Mean
    memory_percent: float
    loop_percent: float
    loop_waited_percent: float
    late_ms: float
    throttled_percent: float

    @property
    def saturated(self) -> bool:
        """Whether the container gave all it has, so that CPU says nothing of demand."""
        return self.cpu.value >= SATURATED_PERCENT

    @property
    def short(self) -> bool:
        """Whether agents surely spent less than they were given."""
        return self.spent.high < SHORT_SHARE * self.rate

    @property
    def draining(self) -> bool:
        """Whether agents surely spent more: what they had saved. It will not last."""
        return self.spent.low > 1.05 * self.rate


class Line(msgspec.Struct, frozen=True):
    """CPU % = idle + cost · spent."""

    idle: float
    cost: float
    """Points of CPU for one token per second of each agent."""

    def spent_at(self, cpu_percent: float) -> float:
        """The rate of spending at which CPU is that high."""
        return max(cpu_percent - self.idle, 0.0) / self.cost


def point_of(samples: Sequence[Sample]) -> Point:
    """The samples, at least two and all at one rate, in one point. Memory is of the last third: it lags."""
    late = samples[-max(len(samples) // 3, 2) :]
    cpu, spent = cpu_and_spent(samples)
    return Point(
        rate=samples[-1].rate,
        spent=spent,
        cpu=cpu,
        memory_percent=float(np.mean([sample.memory_percent for sample in late])),
        loop_percent=float(np.mean([sample.loop_percent for sample in samples])),
        loop_waited_percent=float(np.mean([sample.loop_waited_percent for sample in samples])),
        late_ms=float(np.mean([sample.late_ms for sample in samples])),
        throttled_percent=float(np.mean([sample.throttled_percent for sample in samples])),
    )


def line_through(points: Sequence[Point], aim_percent: float) -> Line | None:
    """The best line for predictions near the aim; points in the order they were measured, the newest last.

    Least squares with weights 1/error², where the error grows with the distance from the aim and with age. None where
    the points are too close together for a slope, or say that CPU falls as more is spent.
    """
    usable = [point for point in points if point.spent.value > 0]
    if len(usable) < 2:
        return None
    spent = np.array([point.spent.value for point in usable])
    if spent.max() < SPREAD * spent.min():
        return None
    cpu = np.array([min(point.cpu.value, 100.0) for point in usable])
    own = np.array([max(point.cpu.error, SATURATED_ERROR * point.saturated, 0.2) for point in usable])
    age = np.arange(len(usable))[::-1]
    weights = 1 / (own**2 + (FAR_SHARE * (cpu - aim_percent)) ** 2 + (AGE_POINTS * age) ** 2)
    total = weights.sum()
    middle, height = float(weights @ spent / total), float(weights @ cpu / total)
    cost = float(weights @ ((spent - middle) * (cpu - height)) / (weights @ (spent - middle) ** 2))
    if cost <= 0:
        return None
    idle = height - cost * middle
    return Line(idle, cost) if idle >= 0 else Line(0.0, height / middle)


def rate_for(points: Sequence[Point], aim_percent: float) -> tuple[float, Line | None]:
    """Where CPU should be at the aim, and the line that says so, if there is one.

    Growth is bounded. Agents may spend a little less than they are given on the way to the knee: the rate makes up for
    it. One point alone is taken to lie on a line through 0: that never overshoots.
    """
    newest = points[-1]
    line = _believable(points, aim_percent)
    most = MOST_GROWTH * newest.rate
    if line is not None:
        if line.idle >= aim_percent:
            return newest.rate / MOST_GROWTH, line
        return min(line.spent_at(aim_percent) * _made_up(points, aim_percent), most), line
    cpu = max(newest.cpu.value, 0.1)
    if cpu > aim_percent:
        base = newest.spent.value if newest.saturated and newest.spent.value > 0 else newest.rate
        flat = len(points) > 1 and newest.rate < points[-2].rate and newest.spent.value < newest.rate * 1.05
        return (newest.rate / MOST_GROWTH if flat else base * aim_percent / cpu), None
    return min(max(aim_percent / cpu, LEAST_GROWTH) * newest.rate, most), None


def _believable(points: Sequence[Point], aim_percent: float) -> Line | None:
    """The line, turned about its idle end to meet the newest point where that is far off: costs have changed."""
    newest, line = points[-1], line_through(points, aim_percent)
    if line is None or newest.spent.value <= 0:
        return line
    off = abs(line.idle + line.cost * newest.spent.value - newest.cpu.value)
    if off <= max(CONTRADICTION_POINTS, 2 * newest.cpu.error):
        return line
    before = line_through(points[:-1], aim_percent)
    idle = min(before.idle if before else 0.0, min(point.cpu.value for point in points) * 0.99)
    return Line(idle, (newest.cpu.value - idle) / newest.spent.value)


def _made_up(points: Sequence[Point], aim_percent: float) -> float:
    """How much more than they spend agents must be given, by the point nearest to the aim where CPU was not full."""
    near = [point for point in points if not point.saturated and point.spent.value > 0]
    if not near:
        return 1.0
    nearest = min(near, key=lambda point: abs(point.cpu.value - aim_percent))
    above = [point for point in near if point.cpu.value >= nearest.cpu.value]
    return min(max(min(point.rate / point.spent.high for point in above), 1.0), 1.5)
