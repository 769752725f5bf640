"""What a running world's governor does, and mostly does not do."""

from itertools import pairwise

import pytest

from calibrate.control import Change, Wait
from calibrate.governing import Bounds, Governor
from calibrate.workload import Sample
from ecology.testing.containers import Container, Traits, governed
from tests.unit.calibrate_samples import samples


def decisions(row: list[Sample], governor: Governor | None = None) -> list[Change]:
    """The changes that are decided if the samples stay at the factors they say."""
    governor = governor or Governor()
    state, changes = governor.begin(row[0].rate), []
    for sample in row:
        state, decision = governor.step(state, sample)
        if isinstance(decision, Change):
            changes.append(decision)
    return changes


def first_factor(row: list[Sample]) -> float | None:
    changes = decisions(row)
    return changes[0].rate if changes else None


def test_inside_the_band_nothing_is_done() -> None:
    assert decisions(samples(1.0, [71.0] * 300)) == []


@pytest.mark.parametrize("cpu", [69.0, 81.0])
def test_a_little_outside_nothing_is_done_either(cpu: float) -> None:
    assert decisions(samples(1.0, [cpu] * 300)) == []


@pytest.mark.parametrize(
    ("cpu", "factor"), [(85.0, 0.882353), (100.0, 0.8), (60.0, 1.2), (66.0, 1.136364), (20.0, 1.2)]
)
def test_outside_it_steps_towards_the_middle_but_not_far(cpu: float, factor: float) -> None:
    assert first_factor(samples(1.0, [cpu] * 80)) == factor


def test_it_lowers_after_one_window_and_raises_after_two() -> None:
    assert decisions(samples(1.0, [95.0] * 31)) != []
    assert decisions(samples(1.0, [50.0] * 45)) == []
    assert decisions(samples(1.0, [50.0] * 61)) != []


def test_agents_that_do_not_use_what_they_have_are_not_given_more() -> None:
    assert decisions(samples(1.0, [30.0] * 300, spent=0.5)) == []


def test_full_memory_only_ever_lowers() -> None:
    assert first_factor(samples(1.0, [30.0] * 80, memory=92.0)) == 0.9
    assert decisions(samples(1.0, [30.0] * 300, memory=87.0)) == []


def test_a_kill_lowers_at_once() -> None:
    assert first_factor(samples(1.0, [75.0], oom_kills=1)) == 0.8


def test_the_factor_stays_within_its_bounds() -> None:
    governor = Governor(bounds=Bounds(least=0.5, most=2.0))
    assert decisions(samples(0.5, [99.0] * 300), governor) == []
    assert decisions(samples(2.0, [30.0] * 300), governor) == []


def test_a_change_says_why() -> None:
    assert decisions(samples(1.0, [90.0] * 40))[0].why == (
        "CPU 90.0 % ± 0.0 at 1 times the rates: times 0.83, so 0.833"
    )


def test_a_state_is_a_value() -> None:
    governor = Governor()
    state = governor.begin()
    [sample] = samples(1.0, [99.0])
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
    factors = governed(Governor(), Container(traits, seed), rate=1490.0, seconds=2_100)
    assert 68 <= traits.cpu(1490.0 * factors[-1], 2_100.0) <= 82
    changes = [after / before for before, after in pairwise(factors) if after != before]
    assert all(0.79 < change < 1.21 for change in changes)
    assert len(changes) <= 6
    turns = [(one > 1) != (other > 1) for one, other in pairwise(changes)]
    assert sum(turns) <= 1


def test_noise_alone_moves_nothing() -> None:
    quiet = 0
    for seed in range(20):
        factors = governed(
            Governor(), Container(Traits(2000.0, burst=0.02), seed), rate=1490.0, seconds=1_800
        )
        quiet += set(factors) == {1.0}
    assert quiet >= 18
