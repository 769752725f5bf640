"""Rates that were held, what the container did at each, and the line through them up to the knee."""

import math
from collections.abc import Iterator, Sequence
from itertools import groupby

import msgspec
import numpy as np

from calibrate.record import Course
from calibrate.workload import Sample
from ecology.observe.calibration.windows import mean, seconds

SETTLING_S = 5.0
"""After a change the first seconds belong to neither rate (or a third of a hold that is shorter than 15 s)."""
LEAST_SAMPLES = 3
BLOCK_S = 5.0
SATURATED_PERCENT = 92.0
"""Above this a container reads full whatever is asked of it: such points say nothing of the slope."""
CONFIDENCE = 1.96


class Held(msgspec.Struct, frozen=True):
    """One rate that was held. Errors are half-widths of 95 % confidence."""

    purpose: str
    rate: float
    spent: float
    spent_error: float
    cpu_percent: float
    cpu_error: float
    seconds: float
    throttled_percent: float
    late_ms: float
    loop_percent: float

    @property
    def saturated(self) -> bool:
        """Whether the container was full, so that more rate could not be seen as more CPU."""
        return self.cpu_percent >= SATURATED_PERCENT


class Line(msgspec.Struct, frozen=True):
    """CPU percent of the limit = base + slope · tokens per second that one agent really spends."""

    base: float
    slope: float

    def rate_at(self, cpu_percent: float) -> float:
        """The rate at which the line reaches that CPU."""
        return (cpu_percent - self.base) / self.slope


def held(course: Course) -> Iterator[Held]:
    """Every rate of a course, without the seconds in which it was new."""
    samples = [step.sample for step in course.steps]
    for _, group in groupby(samples, key=lambda sample: sample.rate):
        steady = _steady(list(group))
        if len(steady) >= LEAST_SAMPLES:
            spent = [sample.spent for sample in steady]
            cpu = [sample.cpu_percent for sample in steady]
            yield Held(
                purpose=course.purpose,
                rate=steady[0].rate,
                spent=mean(steady, spent),
                spent_error=_error(steady, spent),
                cpu_percent=mean(steady, cpu),
                cpu_error=_error(steady, cpu),
                seconds=seconds(steady),
                throttled_percent=mean(steady, [sample.throttled_percent for sample in steady]),
                late_ms=mean(steady, [sample.late_ms for sample in steady]),
                loop_percent=mean(steady, [sample.loop_percent for sample in steady]),
            )


def fit(points: Sequence[Held]) -> Line | None:
    """Least squares through the points below saturation, weighted by how long each was held.

    None if they are fewer than two, lie within 10 % of each other, or do not rise: then there is no line to speak of.
    """
    below = [point for point in points if not point.saturated]
    rates = [point.spent for point in below]
    if len(below) < 2 or max(rates) < 1.1 * min(rates):
        return None
    weights = [math.sqrt(point.seconds) for point in below]
    slope, base = np.polyfit(rates, [point.cpu_percent for point in below], 1, w=weights)
    return Line(base=float(base), slope=float(slope)) if slope > 0 else None


def _steady(samples: Sequence[Sample]) -> list[Sample]:
    start_s = samples[0].time_s - samples[0].seconds
    skipped_s = min(SETTLING_S, (samples[-1].time_s - start_s) / 3)
    return [sample for sample in samples if sample.time_s - sample.seconds >= start_s + skipped_s - 1e-6]


def _error(samples: Sequence[Sample], values: Sequence[float]) -> float:
    """By means of blocks of 5 s (neighbouring seconds resemble each other); of samples where blocks are too few."""
    means: list[float] = []
    block: list[int] = []
    for place, _ in enumerate(samples):
        block.append(place)
        if sum(samples[one].seconds for one in block) >= BLOCK_S:
            means.append(mean([samples[one] for one in block], [values[one] for one in block]))
            block = []
    if len(means) < 4:
        means = list(values)
    return CONFIDENCE * float(np.std(means, ddof=1)) / math.sqrt(len(means))
