"""What a bucket runs at, given what its agent may use and the world's factor on the flow of tokens."""

from ecology.core.limits import MAX_AMOUNT
from ecology.resources.bucket import NANO

AS_GRANTED_PPM = 1_000_000
"""The factor, in millionths, of a world that flows as its rights say."""

LEAST_PPM = 1
MOST_PPM = 10**12
"""The bounds of the factor: from a millionth of what the rights say to a million times as much."""

_BOUND = MAX_AMOUNT // NANO
"""A level is kept in billionths and must fit 64 bits in the store, so a right works up to this bound."""


def bounded(right: int) -> int:
    """What a right works as."""
    return right if right < _BOUND else _BOUND


def flowing(rate: int, capacity: int, ppm: int) -> tuple[int, int]:
    """The rate and the capacity of a bucket whose flow has a factor.

    A bucket holds as many seconds of its flow as its rights say: with a higher flow it grows, or what flows while a
    turn waits would be lost. It never shrinks below its right, or a thought would not fit and its agent could never
    think again. For the same reason a rate that is granted at all never becomes none.
    """
    if ppm != AS_GRANTED_PPM:
        rate = max(1, rate * ppm // AS_GRANTED_PPM) if rate else 0
        capacity = max(capacity, capacity * ppm // AS_GRANTED_PPM)
    return bounded(rate), bounded(capacity)
