"""The curve of CPU against tokens: found again where it is known, straight where nothing tells a bend, and honest."""

import math

import pytest

from calibrate.curve import Curve, Point, alike, curve_through, proportional

BENT = Curve(base=0.02, cost=0.002, exponent=0.8, centre=200.0, cost_error=0.0001, exponent_error=0.05)
RATES = (10.0, 50.0, 100.0, 300.0, 400.0)


def points(curve: Curve, *rates: float, seconds: float = 10.0) -> list[Point]:
    return [Point(rate, curve.cpus_at(rate), seconds) for rate in rates]


def test_worked_example_of_a_curve() -> None:
    assert BENT.cpus_at(200.0) == pytest.approx(0.02 + 0.002 * 200)
    assert BENT.cpus_at(0.0) == 0.02
    assert BENT.cpus_at(100.0) == pytest.approx(0.02 + 0.4 * 0.5**0.8)
    assert BENT.cost_at(200.0) == pytest.approx(0.002)
    assert BENT.cost_at(100.0) == pytest.approx(0.002 * 2**0.2), "dearer below the centre"


def test_the_rate_for_cpus_takes_these_cpus() -> None:
    for rate in (1e-6, 1.0, 200.0, 1e5):
        assert BENT.tokens_on(BENT.cpus_at(rate)) == pytest.approx(rate, rel=1e-3)
    assert BENT.tokens_on(0.02) == BENT.tokens_on(0.01) == 0


def test_a_rate_is_less_sure_the_farther_it_is_from_the_centre() -> None:
    assert BENT.error_of(200.0) == pytest.approx(200 * 0.05 / 0.8)
    away = math.hypot(0.05, 0.05 * math.log(2))
    assert BENT.error_of(400.0) == pytest.approx(400 * away / 0.8)
    assert BENT.error_of(100.0) == pytest.approx(100 * away / 0.8)
    assert BENT.error_of(0.0) == 0


@pytest.mark.parametrize("exponent", [0.6, 0.8, 0.95, 1.0])
def test_a_known_curve_is_found_again(exponent: float) -> None:
    known = Curve(0.02, 0.002, exponent, 200.0)
    found = curve_through(points(known, *RATES))
    assert found is not None
    assert found.exponent == pytest.approx(exponent, abs=0.011)
    assert found.base == pytest.approx(0.02, abs=0.003)
    for rate in RATES:
        assert found.cpus_at(rate) == pytest.approx(known.cpus_at(rate), rel=0.01)


def test_an_exponent_is_never_outside_of_its_bounds() -> None:
    for power, nearest in ((0.45, 0.5), (1.5, 1.0)):
        found = curve_through([Point(rate, 0.001 * rate**power, 10.0) for rate in RATES * 3])
        assert found is not None
        assert found.exponent == nearest
        assert 0 < found.cost < 0.1


def test_two_rates_tell_no_bend() -> None:
    found = curve_through(points(BENT, *[50.0, 400.0] * 4))
    assert found is not None
    assert found.exponent == 1, "a base explains it as well"
    assert found.exponent_error > 0.1
    assert 50 <= found.centre <= 400


def test_what_does_not_tell_a_curve() -> None:
    assert curve_through([]) is None
    assert curve_through(points(BENT, 10.0, 100.0, 200.0)) is None, "too few"
    assert curve_through(points(BENT, *[100.0, 101.0, 102.0] * 3)) is None, "one rate"
    flat = [Point(rate, 0.5 + 0.05 * (place % 2), 10.0) for place, rate in enumerate(RATES * 2)]
    assert curve_through(flat) is None, "it does not rise"
    assert curve_through([Point(rate, 1 / rate, 10.0) for rate in RATES]) is None, "it falls"
    assert curve_through([Point(rate, 0.0, 10.0) for rate in RATES]) is None, "no CPU was seen"


def test_one_rate_is_taken_to_be_in_proportion_and_to_be_unsure() -> None:
    found = proportional([Point(100.0, 0.5, 10.0), Point(102.0, 0.51, 10.0)])
    assert (found.base, found.exponent, found.exponent_error) == (0, 1, 1)
    assert found.cost == pytest.approx(0.005)
    assert found.error_of(50.0) >= 50 * math.log(2)


def test_windows_without_tokens_tell_the_base() -> None:
    known = Curve(0.05, 0.002, 1.0, 200.0)
    found = curve_through(points(known, 0.0, 0.0, *RATES))
    assert found is not None
    assert found.base == pytest.approx(0.05, abs=0.001)


def test_a_short_window_counts_little() -> None:
    straight = Curve(0.0, 0.002, 1.0, 200.0)
    odd = Point(400.0, 1.2 * straight.cpus_at(400.0), 0.1)
    found = curve_through([*points(straight, *RATES), odd])
    assert found is not None
    assert found.cpus_at(400.0) == pytest.approx(0.8, rel=0.01)


def test_the_one_thread_has_the_bend_of_its_container() -> None:
    half = Curve(0.01, 0.001, BENT.exponent, BENT.centre)
    found = alike(points(half, *RATES), BENT)
    assert (found.exponent, found.centre) == (BENT.exponent, BENT.centre)
    assert (found.base, found.cost) == pytest.approx((0.01, 0.001))
    one = alike(points(half, 100.0, 100.0, 101.0), BENT)
    assert one.base == 0
    assert one.cpus_at(100.0) == pytest.approx(half.cpus_at(100.0), rel=0.01)
    unseen = alike([Point(rate, 0.0, 10.0) for rate in RATES], BENT)
    assert unseen.cost == 0
    assert unseen.tokens_on(0.8) > 1e9
