"""What tokens cost in CPU: a power of their rate, fitted to what was measured, and how sure that is.

Turns share commits and wake-ups of the loop, the more of them there are: a token is dearer at low rates, and a straight
line would promise too little to larger containers and too much to smaller ones.
"""

import math
from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from calibrate.controllers.knee import SPREAD
from calibrate.controllers.steady import student

EXPONENTS = tuple(percent / 100 for percent in range(50, 101))
"""Those that are tried. Below a half would be more sharing than was ever seen."""

USUAL = 0.15
"""How far below 1 exponents usually are. Being farther counts against one as an error of so many standard deviations
would: rates that lie close together do not tell a bend from a base, and then their noise shall not."""

NOISE = 0.07
"""What windows of one rate differ by, as a share of their CPU: the noise of a machine grows with its use."""

NOISE_CPUS = 0.003
"""And never by less than this."""

LEAST_NOISE = 1e-3
"""Of that, squared: so little is always there."""

LEAST_COST = 1e-12
"""CPU-seconds: no token costs less, so that a cost of 0, where nothing was seen, lets rates grow without an end."""

UNKNOWNS = 3
"""Base, cost, exponent."""

_Values = NDArray[np.float64]


class Point(msgspec.Struct, frozen=True):
    """CPUs used at so many tokens/s; the more seconds it is the mean of, the more it counts."""

    tokens_per_s: float
    cpus: float
    seconds: float


class Curve(msgspec.Struct, frozen=True):
    """CPUs = base + cost · centre · (tokens/s ÷ centre)^exponent: `cost` is CPU-seconds for a token, at `centre`.

    Errors are half of a 95 % interval, and at the centre independent of each other; that of the exponent has in it what
    is not known of the base.
    """

    base: float
    cost: float
    exponent: float
    centre: float
    cost_error: float = 0.0
    exponent_error: float = 0.0

    def cpus_at(self, tokens_per_s: float) -> float:
        """The CPUs that so many tokens/s take."""
        return self.base + self.cost * self.centre * math.pow(tokens_per_s / self.centre, self.exponent)

    def tokens_on(self, cpus: float) -> float:
        """The tokens/s that so many CPUs bear; 0 where they do not even bear the base."""
        above = max(0.0, cpus - self.base) / (max(LEAST_COST, self.cost) * self.centre)
        return self.centre * math.pow(above, 1 / self.exponent)

    def error_of(self, tokens_per_s: float) -> float:
        """How far off such a rate may be, if it comes from `tokens_on`."""
        if not tokens_per_s:
            return 0.0
        away = math.log(tokens_per_s / self.centre)
        share = math.hypot(self.cost_error / max(LEAST_COST, self.cost), self.exponent_error * away)
        return tokens_per_s * share / self.exponent

    def cost_at(self, tokens_per_s: float) -> float:
        """CPU-seconds for a token at that rate, which must be above 0; the base is not in it."""
        return self.cost * math.pow(tokens_per_s / self.centre, self.exponent - 1)


def curve_through(points: Sequence[Point]) -> Curve | None:
    """The curve of least squares. None where too few points, or points of one rate, do not tell that it rises."""
    if len(points) <= UNKNOWNS or not _apart(points) or not any(point.cpus > 0 for point in points):
        return None
    x, y, weight = _arrays(points)
    fits = [(exponent, *_straight(x**exponent, y, weight)) for exponent in EXPONENTS]
    left = [float((weight * (y - base - slope * x**power) ** 2).sum()) for power, base, slope in fits]
    noise = max(LEAST_NOISE, min(left) / (len(points) - UNKNOWNS))
    unusual = [noise * ((1 - exponent) / USUAL) ** 2 for exponent in EXPONENTS]
    best = min(range(len(fits)), key=lambda place: left[place] + unusual[place])
    curve = _with_errors(*fits[best], x, weight, noise, student(len(points) - UNKNOWNS))
    return curve if curve.exponent_error < curve.exponent else None


def proportional(points: Sequence[Point]) -> Curve:
    """CPUs in proportion to tokens, where nothing tells more: all that was measured might be the base.

    At least one point must have tokens and CPUs.
    """
    total = sum(point.seconds for point in points)
    centre = sum(point.seconds * point.tokens_per_s for point in points) / total
    cost = sum(point.seconds * point.cpus for point in points) / total / centre
    left = sum(point.seconds * (point.cpus - cost * point.tokens_per_s) ** 2 for point in points) / total
    return Curve(0.0, cost, 1.0, centre, cost_error=2 * math.sqrt(left) / centre, exponent_error=1.0)


def alike(points: Sequence[Point], curve: Curve) -> Curve:
    """The curve through other points of the same rates, with the exponent and centre of the first and no errors."""
    x, y, weight = _arrays(points)
    power = x**curve.exponent
    base, slope = _straight(power, y, weight) if _apart(points) else _through_origin(power, y, weight)
    return Curve(base, slope * curve.centre ** (curve.exponent - 1), curve.exponent, curve.centre)


def _apart(points: Sequence[Point]) -> bool:
    rates = [point.tokens_per_s for point in points]
    return max(rates) > 0 and max(rates) >= SPREAD * min(rates)


def _arrays(points: Sequence[Point]) -> tuple[_Values, _Values, _Values]:
    """Rates, CPUs, and what they count: by how long they are and by the noise that is known of them."""
    x, y, seconds = (np.array(column) for column in zip(*map(msgspec.structs.astuple, points), strict=True))
    return x, y, seconds / (NOISE_CPUS**2 + (NOISE * y) ** 2)


def _straight(x: _Values, y: _Values, weight: _Values) -> tuple[float, float]:
    """Base and slope; through the origin, if one of them would be below 0."""
    middle, height = np.average(x, weights=weight), np.average(y, weights=weight)
    slope = float((weight * (x - middle) * (y - height)).sum() / (weight * (x - middle) ** 2).sum())
    base = float(height - slope * middle)
    return (base, slope) if base >= 0 and slope > 0 else _through_origin(x, y, weight)


def _through_origin(x: _Values, y: _Values, weight: _Values) -> tuple[float, float]:
    return 0.0, float((weight * x * y).sum() / (weight * x * x).sum())


def _with_errors(
    exponent: float, base: float, slope: float, x: _Values, weight: _Values, noise: float, sure: float
) -> Curve:
    """The curve with its centre where the errors of its height and of its steepness are independent, if that was seen.

    They come from the covariance of the three unknowns: base, as a share of what is above it, log of cost, exponent.
    """
    above = slope * x**exponent
    log = np.log(np.where(x > 0, x, x.max()))
    near = float(np.average(log, weights=weight * above**2))
    height = slope * math.exp(near) ** exponent
    columns = np.stack([np.full_like(x, height), above, above * (log - near)])
    known = (columns * weight) @ columns.T
    known[2, 2] += noise / USUAL**2
    unknown = noise * np.linalg.inv(known)
    summed = np.array([[1.0, 1.0, 0.0], [-exponent, 0.0, 1.0]])  # height and steepness, as shares
    (high, both), (_, steep) = (summed @ unknown @ summed.T).tolist()
    away = float(np.clip(-both / steep, log.min() - near, log.max() - near))
    centre = math.exp(near + away)
    cost = slope * math.pow(centre, exponent - 1)
    error = sure * math.sqrt(max(0.0, high + 2 * both * away + steep * away**2))
    return Curve(base, cost, exponent, centre, cost * error, sure * math.sqrt(steep))
