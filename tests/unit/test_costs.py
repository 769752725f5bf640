"""What a turn costs, to the last unit."""

import pytest

from ecology.resources.costs import CostModel, tokens_of

COSTS = CostModel(
    fixed_millitokens=5_000,
    per_1k_input_millitokens=1_000,
    per_1k_output_millitokens=4_000,
    max_input_tokens=2_000,
    max_output_tokens=500,
    turn_us=200,
    per_kib_us=50,
    input_usd_micros_per_million=150_000,
    output_usd_micros_per_million=600_000,
)


@pytest.mark.parametrize(
    ("input_tokens", "output_tokens", "millitokens"),
    [(0, 0, 5_000), (1, 0, 5_001), (999, 0, 5_999), (1_000, 0, 6_000), (1_001, 250, 7_001)],
)
def test_a_thought_costs_its_fixed_part_and_its_tokens_rounded_up(
    input_tokens: int, output_tokens: int, millitokens: int
) -> None:
    assert COSTS.thought_millitokens(input_tokens, output_tokens) == millitokens


def test_parts_of_a_millitoken_are_added_up_before_they_are_rounded() -> None:
    cheap = CostModel(0, 1, 1, 10, 10, 0, 0, 1, 1)
    assert cheap.thought_millitokens(500, 500) == 1
    assert cheap.thought_millitokens(500, 501) == 2
    assert cheap.thought_usd_micros(500_000, 500_000) == 1
    assert cheap.thought_usd_micros(1, 0) == 1
    assert cheap.thought_usd_micros(0, 0) == 0


def test_the_worst_case_is_the_longest_thought() -> None:
    assert COSTS.worst_millitokens == COSTS.thought_millitokens(2_000, 500) == 9_000
    assert COSTS.worst_usd_micros == COSTS.thought_usd_micros(2_000, 500) == 600
    assert COSTS.worst_cpu_us == COSTS.turn_cpu_us(10**12) == 200 + 64 * 50


def test_a_turn_costs_its_fixed_part_and_its_bytes() -> None:
    assert COSTS.turn_cpu_us(0) == 200
    assert COSTS.turn_cpu_us(1_024) == 250
    assert COSTS.turn_cpu_us(1_023) == 249


def test_tokens_of_a_text_are_rounded_up() -> None:
    assert [tokens_of(size) for size in (0, 1, 4, 5, 8)] == [0, 1, 1, 2, 2]
