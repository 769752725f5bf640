"""The draws of a world: fixed for ever, fair enough, and the same in every process."""

import os
import subprocess
import sys
from collections import Counter
from itertools import pairwise

import pytest

from ecology.core.seeds import Draw, mix

SPLITMIX64_FROM_ZERO = (0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4, 0x06C45D188009454F)
"""The reference implementation's first outputs for seed 0 (Vigna, splitmix64.c)."""


def test_mixing_is_splitmix64() -> None:
    gamma = 0x9E3779B97F4A7C15
    assert tuple(mix(gamma * step) for step in (1, 2, 3)) == SPLITMIX64_FROM_ZERO


def test_a_draw_without_a_key_is_splitmix64_from_zero() -> None:
    draw = Draw()
    assert tuple(draw.bits() for _ in range(3)) == SPLITMIX64_FROM_ZERO


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ((7, 1, 0, 0), (871, 786, 370)),
        ((7, 1, 1, 0), (510, 462, 315)),
        ((-1, 2**63), (891, 588, 495)),
    ],
)
def test_a_draw_is_the_same_in_every_release(key: tuple[int, ...], expected: tuple[int, ...]) -> None:
    draw = Draw(*key)
    assert tuple(draw.below(1000) for _ in expected) == expected


def test_a_draw_is_the_same_in_every_process() -> None:
    code = "from ecology.core.seeds import Draw; d = Draw(7, 3, 9); print(*(d.bits() for _ in range(4)))"
    printed = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
            text=True,
        ).stdout
        for seed in ("0", "1", "random")
    }
    draw = Draw(7, 3, 9)
    assert printed == {" ".join(str(draw.bits()) for _ in range(4)) + "\n"}


def test_each_part_of_the_key_matters_and_so_does_its_place() -> None:
    keys = [(a, b, c) for a in range(12) for b in range(12) for c in range(12)]
    assert len({Draw(*key).bits() for key in keys}) == len(keys)
    assert Draw(1).bits() != Draw(1, 0).bits()


def test_numbers_below_a_bound_are_even() -> None:
    draws = 60_000
    counts = Counter(Draw(5, key).below(6) for key in range(draws))
    chi_squared = sum((counts[face] - draws / 6) ** 2 / (draws / 6) for face in range(6))
    assert set(counts) == set(range(6))
    assert chi_squared < 25, "one in 7,000 fair dice is so uneven, and this one is always the same"


def test_neighbouring_keys_are_not_related() -> None:
    """Turn after turn of one agent must look like draws of one generator."""
    bits = [Draw(1, 1, turn).bits() for turn in range(4_000)]
    for place in range(64):
        ones = sum(value >> place & 1 for value in bits)
        flips = sum((a ^ b) >> place & 1 for a, b in pairwise(bits))
        assert 1_800 < ones < 2_200
        assert 1_800 < flips < 2_200


def test_between_reaches_both_ends_and_nothing_else() -> None:
    draw = Draw(3)
    assert {draw.between(-2, 2) for _ in range(200)} == {-2, -1, 0, 1, 2}
    assert {Draw(key).between(9, 9) for key in range(20)} == {9}


def test_chance_is_a_percentage() -> None:
    draw = Draw(11)
    assert not any(draw.chance(0) for _ in range(200))
    assert all(draw.chance(100) for _ in range(200))
    assert 2_200 < sum(draw.chance(25) for _ in range(10_000)) < 2_800


def test_choice_reaches_everything() -> None:
    draw = Draw(4)
    assert {draw.choice("abc") for _ in range(100)} == set("abc")
    with pytest.raises(IndexError):
        Draw(1).choice([])
