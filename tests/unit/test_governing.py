"""What a running world's governor does, and mostly does not do."""

from itertools import pairwise

import pytest

from calibrate.control import Change, Wait
from calibrate.controllers.governing import Bounds, Governor
from calibrate.workload import Sample
from ecology.testing.containers import Container, Traits, governed
from tests.unit.calibrate_samples import samples


def decisions(row: list[Sample], governor: Governor | None = None) -> list[Change]:
    """The changes that are decided if the samples stay at the rate they say."""
    governor = governor or Governor(row[0].rate)
    state, changes = governor.begin(), []
    for sample in row:
        state, decision = governor.step(state, sample)
        if isinstance(decision, Change):
            changes.append(decision)
    return changes


def first_rate(row: list[Sample]) -> float | None:
    changes = decisions(row)
    return changes[0].rate if changes else None


def test_inside_the_band_nothing_is_done() -> None:
    assert decisions(samples(100.0, [71.0] * 300)) == []


@pytest.mark.parametrize("cpu", [69.0, 81.0])
def test_a_little_outside_nothing_is_done_either(cpu: float) -> None:
    assert decisions(samples(100.0, [cpu] * 300)) == []


@pytest.mark.parametrize(
    ("cpu", "rate"), [(85.0, 88.235), (100.0, 80.0), (60.0, 120.0), (66.0, 113.636), (20.0, 120.0)]
)
def test_outside_it_steps_towards_the_middle_but_not_far(cpu: float, rate: float) -> None:
    assert first_rate(samples(100.0, [cpu] * 80)) == rate


def test_it_lowers_after_one_window_and_raises_after_two() -> None:
    assert decisions(samples(100.0, [95.0] * 31)) != []
    assert decisions(samples(100.0, [50.0] * 45)) == []
    assert decisions(samples(100.0, [50.0] * 61)) != []


def test_agents_that_do_not_use_what_they_have_are_not_given_more() -> None:
    assert decisions(samples(100.0, [30.0] * 300, spent=50.0)) == []


def test_full_memory_only_ever_lowers() -> None:
    assert first_rate(samples(100.0, [30.0] * 80, memory=92.0)) == 90.0
    assert decisions(samples(100.0, [30.0] * 300, memory=87.0)) == []


def test_a_kill_lowers_at_once() -> None:
    assert first_rate(samples(100.0, [75.0], oom_kills=1)) == 80.0


def test_the_rate_stays_within_its_bounds() -> None:
    governor = Governor(100.0, bounds=Bounds(least=0.5, most=2.0))
    assert decisions(samples(50.0, [99.0] * 300), governor) == []
    assert decisions(samples(200.0, [30.0] * 300), governor) == []
    assert {change.rate for change in decisions(samples(55.0, [99.0] * 40), governor)} == {50.0}


def test_a_change_says_why() -> None:
    assert decisions(samples(100.0, [90.0] * 40))[0].why == (
        "CPU 90.0 % ± 0.0 at 100 tokens/s: times 0.83, so 83.33"
    )


def test_a_state_is_a_value() -> None:
    governor = Governor(100.0)
    state = governor.begin()
    [sample] = samples(100.0, [99.0])
    assert (
        governor.step(state, sample)
        == governor.step(state, sample)
        == (governor.step(state, sample)[0], Wait())
    )
    assert state == governor.begin()


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("factor", [0.5, 1.0, 1.6])
def test_a_world_whose_turns_cost_differently_is_brought_back(factor: float, seed: int) -> None:
    """At 300 s, agents' turns become so much dearer; half an hour later CPU is in the band or just beside it."""
    traits = Traits(2000.0, burst=0.01, step_s=300.0, step_factor=factor)
    rates = governed(Governor(1490.0), Container(traits, seed), seconds=2_100)
    assert 68 <= traits.cpu(rates[-1], 2_100.0) <= 82
    changes = [after / before for before, after in pairwise(rates) if after != before]
    assert all(0.79 < change < 1.21 for change in changes)
    assert len(changes) <= 6
    turns = [(one > 1) != (other > 1) for one, other in pairwise(changes)]
    assert sum(turns) <= 1


def test_noise_alone_moves_nothing() -> None:
    quiet = 0
    for seed in range(20):
        rates = governed(Governor(1490.0), Container(Traits(2000.0, burst=0.02), seed), seconds=1_800)
        quiet += set(rates) == {1490.0}
    assert quiet >= 18


def test_a_rate_that_changed_by_itself_is_the_rate() -> None:
    """An agent with other rights came: the average is another now."""
    [change] = decisions([*samples(100.0, [75.0] * 20), *samples(130.0, [95.0] * 40)], Governor(100.0))
    assert change.rate == 104.0
