"""The line that CPU follows, the jump along it, and what else may bind."""

import pytest
from msgspec.structs import replace

from calibrate.control import Target
from calibrate.controllers.binding import allowed, careful_rate, knee, memory_rate, starved
from calibrate.controllers.knee import Point, line_through, point_of, rate_for
from calibrate.controllers.steady import Mean
from tests.unit.calibrate_samples import samples

TARGET = Target()


def point(
    rate: float, cpu: float, *, spent: float | None = None, memory: float = 20.0, loop: float = 30.0
) -> Point:
    spending = Mean(rate if spent is None else spent, 0.1)
    return Point(rate, spending, Mean(cpu, 0.5), memory, loop, 0.0, 1.0, 0.0)


def test_worked_example_of_a_fit() -> None:
    """10 % at 10, 34.2 % at 120: 0.22 a token above 7.8 %, so 75 % at 305.5."""
    line = line_through([point(10, 10.0), point(120, 34.2)], 75)
    assert line is not None
    assert line.cost == pytest.approx(0.22)
    assert line.idle == pytest.approx(7.8)
    assert line.spent_at(75) == pytest.approx(305.45, abs=0.01)
    assert rate_for([point(10, 10.0), point(120, 34.2)], 75)[0] == pytest.approx(305.45, abs=0.01)


def test_worked_example_of_a_jump_from_overload() -> None:
    """At 1,000 the container is full and 240 are spent: whatever they are given, 75 % is at 180."""
    rate, line = rate_for([point(1000, 100, spent=240)], 75)
    assert line is None
    assert rate == pytest.approx(180)


def test_a_full_container_still_tells_the_cost() -> None:
    rate, line = rate_for([point(10, 30.0), point(1000, 100, spent=150)], 75)
    assert line is not None
    assert rate == pytest.approx((75 - 25) / 0.5)


def test_growth_is_bounded() -> None:
    assert rate_for([point(10, 0.1)], 75)[0] == 100


def test_one_point_never_overshoots() -> None:
    assert rate_for([point(10, 30)], 75)[0] == 25


def test_points_side_by_side_give_no_slope() -> None:
    assert line_through([point(100, 70), point(110, 80)], 75) is None


def test_no_line_begins_below_zero() -> None:
    line = line_through([point(10, 5), point(20, 30)], 75)
    assert line is not None
    assert line.idle == 0


def test_where_agents_fall_a_little_short_the_rate_makes_up_for_it() -> None:
    rate, _ = rate_for([point(100, 40), point(200, 70, spent=180)], 75)
    assert rate > (75 - 2.5) / 0.375 * 1.05


def test_the_newest_point_is_believed_when_costs_have_changed() -> None:
    rate, _ = rate_for([point(10, 5), point(100, 32), point(230, 106, spent=230)], 75)
    assert rate == pytest.approx(160, rel=0.05)


def test_a_wait_for_the_model_is_recognised() -> None:
    found = knee([point(100, 30), point(400, 45, spent=150), point(1200, 45, spent=150)], TARGET)
    assert found is not None
    assert found.bound == "latency"
    assert found.rate == pytest.approx(165)
    assert "agents wait for their model" in found.why


def test_a_full_thread_is_recognised() -> None:
    found = knee([point(400, 25, spent=150, loop=99), point(1200, 25, spent=150, loop=100)], TARGET)
    assert found is not None
    assert found.bound == "one_process"


@pytest.mark.parametrize(
    "points",
    [
        [point(400, 45, spent=150)],
        [point(400, 45, spent=150), point(1200, 60, spent=200)],
        [point(400, 100, spent=150), point(1200, 100, spent=150)],
        [point(400, 45, spent=150), point(1200, 3, spent=0)],
    ],
    ids=["one point", "more was bought", "CPU is full", "a quiet moment"],
)
def test_a_knee_is_not_seen_where_there_is_none(points: list[Point]) -> None:
    assert knee(points, TARGET) is None


def test_a_thread_that_others_keep_from_running_is_starved() -> None:
    short = point(400, 45, spent=150, loop=45)
    assert starved(replace(short, loop_waited_percent=50.0))
    assert not starved(short)
    assert not starved(replace(short, loop_waited_percent=50.0, throttled_percent=60.0))


def test_memory_by_its_rise() -> None:
    assert memory_rate([point(10, 5, memory=40), point(100, 20, memory=70)], TARGET) == pytest.approx(145)
    assert memory_rate([point(10, 5, memory=70), point(100, 20, memory=70.4)], TARGET) is None
    assert memory_rate([point(10, 5, memory=70)], TARGET) is None


def test_after_a_kill_all_memory_is_taken_to_be_due_to_the_rate() -> None:
    assert careful_rate(point(10, 5, memory=50), TARGET) == pytest.approx(17)


@pytest.mark.parametrize(("rate", "taken"), [(123.456, 123.5), (0.01, 0.1), (9e9, 1e6), (0.12345, 0.123)])
def test_rates_are_short_and_allowed(rate: float, taken: float) -> None:
    assert allowed(rate, TARGET) == taken


def test_a_point_of_samples() -> None:
    found = point_of(samples(50, [30, 31, 29, 30, 30], memory=44.0, loop=12.0))
    assert (found.rate, found.cpu.value, found.memory_percent, found.loop_percent) == (50, 30, 44, 12)
    assert not (found.short or found.draining or found.saturated)
