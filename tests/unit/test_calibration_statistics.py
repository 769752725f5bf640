"""What a row of samples says, and how sure that is."""

import numpy as np
import pytest

from calibrate.controllers.steady import FLOOR, Window, cpu_and_spent, mean, steady_part, student
from tests.unit.calibrate_samples import samples


def autocorrelated(
    count: int, correlation: float, seed: int
) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    """Noise of deviation 1 around 0 whose neighbours are correlated so much."""
    draw = np.random.default_rng(seed)
    values = np.empty(count)
    values[0] = draw.standard_normal()
    for place in range(1, count):
        fresh = draw.standard_normal() * (1 - correlation**2) ** 0.5
        values[place] = correlation * values[place - 1] + fresh
    return values


@pytest.mark.parametrize("correlation", [0.0, 0.3, 0.6])
@pytest.mark.parametrize("count", [10, 30, 100])
def test_the_interval_holds_the_truth_about_as_often_as_it_says(count: int, correlation: float) -> None:
    hits = 0
    for seed in range(400):
        found = mean(autocorrelated(count, correlation, seed))
        hits += found.low <= 0 <= found.high
    assert hits / 400 >= (0.92 if correlation == 0 else 0.86)


def test_correlated_noise_is_less_sure_than_as_much_independent_noise() -> None:
    independent = [mean(autocorrelated(60, 0.0, seed)).error for seed in range(50)]
    correlated = [mean(autocorrelated(60, 0.6, seed)).error for seed in range(50)]
    assert np.mean(correlated) > 1.5 * np.mean(independent)


@pytest.mark.parametrize(
    ("freedom", "exact"), [(3, 3.182), (4, 2.776), (9, 2.262), (30, 2.042), (1e6, 1.960)]
)
def test_students_quantile(freedom: float, exact: float) -> None:
    assert student(freedom) == pytest.approx(exact, rel=0.02)


def test_a_constant_is_known_without_error() -> None:
    assert mean(np.full(5, 7.0)).error == 0.0


def test_a_start_up_transient_is_cut_off() -> None:
    row = samples(100, [20, 55, 70, *[75.0, 75.4, 74.8, 75.1, 75.2, 74.9, 75.0, 75.3]])
    kept = steady_part(row)
    assert kept
    assert min(sample.cpu_percent for sample in kept) > 74


def test_what_still_rises_is_not_steady() -> None:
    assert steady_part(samples(100, [10 + 5 * second for second in range(10)])) == ()


def test_too_few_samples_are_not_steady() -> None:
    assert steady_part(samples(100, [50.0] * (FLOOR - 1))) == ()


def test_samples_of_another_rate_and_the_first_of_the_new_one_are_not_used() -> None:
    window = Window(200.0)
    for sample in [*samples(100, [30, 30]), *samples(200, [45, 60, 61])]:
        window = window.with_sample(sample)
    assert [sample.cpu_percent for sample in window.samples] == [60, 61]


def test_a_rate_that_is_not_taken_up_is_counted() -> None:
    window = Window(200.0)
    for sample in samples(100, [30] * 7):
        window = window.with_sample(sample)
    assert (window.foreign, window.samples) == (7, ())


def test_what_was_spent_by_chance_is_taken_out_of_the_cpu() -> None:
    """Turns come at random: nearly all of the CPU's noise is that of what was spent."""
    draw = np.random.default_rng(3)
    plain, helped = [], []
    for _ in range(100):
        spent = 10 * draw.poisson(10, size=20)
        row = [
            one
            for amount in spent
            for one in samples(100, [5 + 0.7 * amount + draw.standard_normal()], spent=float(amount))
        ]
        plain.append(float(np.mean([sample.cpu_percent for sample in row])) - 75)
        helped.append(cpu_and_spent(row)[0].value - 75)
    assert np.std(helped) < 0.6 * np.std(plain)


def test_agents_that_cannot_keep_up_are_not_taken_to_spend_the_rate() -> None:
    draw = np.random.default_rng(3)
    row = [
        one
        for amount in 60 + draw.standard_normal(20)
        for one in samples(100, [0.7 * amount], spent=float(amount))
    ]
    cpu, spent = cpu_and_spent(row)
    assert cpu.value == pytest.approx(42, abs=1)
    assert spent.value == pytest.approx(60, abs=1)
