"""Samples of long series in bounded memory, and how much a sample scatters, whatever its outliers."""

from collections.abc import Sequence

SAMPLE_SIZE = 600

_NORMAL = 1.4826
"""A normal distribution's standard deviation ÷ its median absolute deviation."""


class Sample:
    """A systematic sample: every value up to `size` (even) of them, then every 2nd, 4th, 8th ... in their order."""

    def __init__(self, size: int = SAMPLE_SIZE) -> None:
        assert size > 0 and size % 2 == 0, "half of a sample is a sample"
        self.count = 0
        self.values: list[float] = []
        self._size = size
        self._stride = 1

    def add(self, value: float) -> None:
        """The next value of the series."""
        if self.count % self._stride == 0:
            if len(self.values) == self._size:
                del self.values[1::2]
                self._stride *= 2
            # An even size makes this value the first of the wider stride.
            self.values.append(value)
        self.count += 1


def median(ordered: Sequence[float]) -> float | None:
    """The middle of ascending values, or the mean of the two middle ones; None of none."""
    n = len(ordered)
    return None if n == 0 else (ordered[(n - 1) // 2] + ordered[n // 2]) / 2


def robust_variation(values: Sequence[float]) -> float | None:
    """How much positive values scatter about their middle: `1.4826 · MAD ÷ median`; None without a positive median.

    MAD is the median of the distances from the median (Hampel, *J. Am. Stat. Assoc.* 69, 1974). Of normally distributed
    values it estimates the coefficient of variation; up to half of the values may be outliers.
    """
    middle = median(sorted(values))
    if middle is None or middle <= 0:
        return None
    deviation = median(sorted(abs(value - middle) for value in values))
    assert deviation is not None, "where there is a median, there are distances from it"
    return _NORMAL * deviation / middle
