"""Vectors of whole numbers, so that a score is the same whole number on every machine.

A row is stretched to the length NORM and rounded. A dot product of two such rows, and every partial sum on the way to
it, is at most NORM² and a little: below 2^24, where 32-bit floats are exact. So it does not matter in which order, how
wide or with what instructions an index adds up, ties are ties, and a run repeats itself.
"""

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from ecology.memory.embedding import Vectors

NORM = 2_000
_PER_MILLE = NORM * NORM // 1_000


def quantised(rows: "Vectors") -> list[list[float]]:
    """The rows in length NORM and whole numbers; a row of zeros stays one."""
    lengths = np.sqrt((rows * rows).sum(axis=1, keepdims=True))
    lengths[lengths == 0] = 1
    stretched: list[list[float]] = np.rint(rows * NORM / lengths).tolist()
    return stretched


def per_mille(score: int) -> int:
    """A score as likeness: 1000 for the same, but for rounding, 0 for nothing in common."""
    return max(0, min(1_000, score // _PER_MILLE))
