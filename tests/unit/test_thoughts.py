"""How many agents think at once in containers of several sizes."""

import pytest

from calibrate.reading import Limits
from ecology.resources.thoughts import concurrent_thoughts

GIB = 1024**3


@pytest.mark.parametrize(
    ("memory", "base", "thought", "thoughts"),
    [
        (4_000_000_000, 0, 500_000_000, 8),
        (4_000_000_000, 0, 200_000_000, 20),
        (4 * GIB, 256 * 1024**2, 256 * 1024**2, 15),
        (GIB, 2 * GIB, 256 * 1024**2, 1),
        (GIB, 0, 2 * GIB, 1),
    ],
)
def test_how_many_think_at_once(memory: int, base: int, thought: int, thoughts: int) -> None:
    assert concurrent_thoughts(Limits(1000, memory, "test"), base, thought) == thoughts
