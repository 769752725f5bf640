"""A straight line through measured points, by weighted least squares, and how sure it is."""

import math
from collections.abc import Sequence

import msgspec


class Point(msgspec.Struct, frozen=True):
    """One measurement; the more `weight`, the more it counts (for means over time: seconds)."""

    x: float
    y: float
    weight: float = 1.0


class Line(msgspec.Struct, frozen=True):
    """y = base + slope · x. Errors are half of a 95 % interval: of the slope, and of the height at `centre`.

    The two are independent, so the error of the line at x is √(height_error² + (slope_error · (x - centre))²).
    """

    base: float
    slope: float
    centre: float
    height_error: float
    slope_error: float


def fit(points: Sequence[Point]) -> Line | None:
    """The line of least squares; None where the points, being at one x or too few, do not tell its slope."""
    total = sum(point.weight for point in points)
    if len(points) < 2 or total <= 0:
        return None
    centre = sum(point.weight * point.x for point in points) / total
    height = sum(point.weight * point.y for point in points) / total
    spread = sum(point.weight * (point.x - centre) ** 2 for point in points)
    if spread <= 1e-9 * total * max(1.0, centre * centre):
        return None
    slope = sum(point.weight * (point.x - centre) * (point.y - height) for point in points) / spread
    freedom = len(points) - 2
    variance = 0.0
    if freedom:
        left = (point.weight * (point.y - height - slope * (point.x - centre)) ** 2 for point in points)
        variance = sum(left) / freedom
    sure = _student(freedom)
    return Line(
        base=height - slope * centre,
        slope=slope,
        centre=centre,
        height_error=sure * math.sqrt(variance / total),
        slope_error=sure * math.sqrt(variance / spread),
    )


def _student(freedom: int) -> float:
    """The 97.5 % quantile of Student's t (Abramowitz and Stegun 26.7.5; within 1 % from 3 degrees on)."""
    small = {0: 12.706, 1: 12.706, 2: 4.303}
    if freedom in small:
        return small[freedom]
    z = 1.959964
    return (
        z
        + (z**3 + z) / (4 * freedom)
        + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * freedom**2)
        + (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * freedom**3)
    )
