"""Windows and statistics: what a row of samples at one rate says, and how sure that is.

Samples of about a second are noisy, and noisy in runs: bursts last, queues carry over into the next second. So an error
counts effective samples, not samples; what still moves after a change of the rate is cut off (MSER) or waited for.
"""

import math
from collections.abc import Sequence

import msgspec
import numpy as np

from calibrate.workload import Sample

FLOOR = 5
"""Fewer samples than this say nothing."""
CEILING_S = 45.0
"""Longer than this is looked on only where the rate may be right."""
TREND_POINTS = 1.5
"""A drift of less than so many points over a window is no trend that matters."""
TREND_SURE = 2.5
SAME_RATE = 1e-3

Values = np.ndarray[tuple[int], np.dtype[np.float64]]


class Window(msgspec.Struct, frozen=True):
    """The samples at one rate, from the first that was wholly at it."""

    rate: float
    samples: tuple[Sample, ...] = ()
    mixed: bool = False
    """Whether the first sample at the rate has passed: a part of it may have been at another, so it is not used."""
    foreign: int = 0
    """Samples in a row that were at another rate: the workload has not taken up this one."""

    @property
    def seconds(self) -> float:
        """How long it has been looked at."""
        return sum(sample.seconds for sample in self.samples)

    def with_sample(self, sample: Sample) -> "Window":
        """The window one sample later."""
        if abs(sample.rate - self.rate) > SAME_RATE * max(self.rate, 1.0):
            return Window(self.rate, foreign=self.foreign + 1)
        if not self.mixed:
            return Window(self.rate, mixed=True)
        return Window(self.rate, (*self.samples, sample), mixed=True)


class Mean(msgspec.Struct, frozen=True):
    """A mean whose true value lies within `± error` with 95 % confidence."""

    value: float
    error: float

    @property
    def low(self) -> float:
        """The lower end of the interval."""
        return self.value - self.error

    @property
    def high(self) -> float:
        """The upper end of the interval."""
        return self.value + self.error

    def __str__(self) -> str:
        return f"{self.value:.1f} % ± {self.error:.1f}"


def mean(values: Values) -> Mean:
    """Of at least two values in the order of time; their autocorrelation widens the error.

    The values count as n·(1-r)/(1+r) independent ones, r being the correlation of neighbours, corrected for how much a
    short row underestimates it (Kendall 1954: by (1+4r)/n); never as fewer than two.
    """
    count = len(values)
    centred = values - values.mean()
    variance = float(centred @ centred) / (count - 1)
    if variance <= 0.0:
        return Mean(float(values.mean()), 0.0)
    found = float(centred[1:] @ centred[:-1]) / float(centred @ centred)
    correlation = min(max(found + (1 + 4 * found) / count, 0.0), 0.95)
    effective = max(count * (1 - correlation) / (1 + correlation), 2.0)
    return Mean(float(values.mean()), student(effective - 1) * math.sqrt(variance / effective))


def student(freedom: float) -> float:
    """Student's 97.5 % quantile for any degrees of freedom from 1, by its Cornish-Fisher series; to 2 % from 3."""
    return 1.96 + 2.372 / freedom + 2.822 / freedom**2 + 2.56 / freedom**3


def steady_part(samples: Sequence[Sample]) -> tuple[Sample, ...]:
    """The samples after the transient; none if the end still moves, or too few are left.

    Cut where the standard error of the rest is least (MSER, White 1997), at most the first half; then the CPU of the
    rest must have no significant trend of a size that matters.
    """
    if len(samples) < FLOOR:
        return ()
    cut = _transient(np.array([sample.cpu_percent for sample in samples]))
    rest = tuple(samples[cut:])
    if len(rest) < FLOOR or _moves(np.array([sample.cpu_percent for sample in rest])):
        return ()
    return rest


def cpu_and_spent(samples: Sequence[Sample]) -> tuple[Mean, Mean]:
    """Means of the CPU and of what was spent; the second's help narrows the first where it can (a control variate).

    On average agents spend what they are given; where chance made them spend more in the window, CPU was above its true
    mean for that reason. Used only where what was spent agrees with the rate within its own error, which then is taken
    for what was spent.
    """
    cpu = np.array([sample.cpu_percent for sample in samples])
    spent = np.array([sample.spent for sample in samples])
    plain, given = mean(cpu), mean(spent)
    rate, variance = samples[-1].rate, float(spent.var())
    agrees = given.low <= rate <= given.high
    if len(samples) < 2 * FLOOR or variance <= 0.0 or plain.high >= 95.0 or not agrees:
        return plain, given
    slope = max(float(((cpu - cpu.mean()) * (spent - spent.mean())).mean()) / variance, 0.0)
    helped = mean(cpu - slope * (spent - rate))
    return (helped, Mean(rate, 0.0)) if helped.error < plain.error else (plain, given)


def _transient(values: Values) -> int:
    """How many of the first values to leave out."""
    count = len(values)
    tails = np.arange(count, count - count // 2 - 1, -1)
    from_the_end = values[::-1]
    sums = np.cumsum(from_the_end)[tails - 1]
    squares = np.cumsum(from_the_end**2)[tails - 1]
    return int(np.argmin((squares / tails - (sums / tails) ** 2) / tails))


def _moves(values: Values) -> bool:
    """Whether a line through the values rises or falls for sure, and by an amount that matters."""
    count = len(values)
    place = np.arange(count) - (count - 1) / 2
    slope = float(place @ values) / float(place @ place)
    rest = values - values.mean() - slope * place
    error = math.sqrt(float(rest @ rest) / (count - 2) / float(place @ place))
    return abs(slope) * count > TREND_POINTS and abs(slope) > TREND_SURE * error
