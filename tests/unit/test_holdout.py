"""Whether a found rate holds in a run of its own."""

import msgspec
import pytest

from calibrate.control import Bound, Settled, Target
from calibrate.holdout import Judgement, judge
from calibrate.workload import Sample
from ecology.testing.containers import Container, Traits
from tests.unit.calibrate_samples import samples

TARGET = Target()


def found(rate: float = 100.0, bound: Bound = "cpu") -> Settled:
    return Settled(rate, bound, 75.0, 1.0, "")


def held(cpu: list[float], **more: float) -> list[Sample]:
    return samples(100, [99.0] * 10 + cpu, **more)  # type: ignore[arg-type]  # all are floats but the kills


def verdict(samples: list[Sample], bound: Bound = "cpu") -> Judgement:
    return judge(samples, TARGET, found(bound=bound))


def test_a_rate_that_holds() -> None:
    judged = verdict(held([75.0] * 120))
    assert judged.passed
    assert (judged.mean_percent, judged.inside_share, len(judged.windows)) == (75.0, 1.0, 12)
    assert judged.verdict.startswith("CPU 75.0 % ± 0.0 at 100 tokens/s, 100% of 12 windows in the band")
    assert judged.verdict.endswith("it holds")


@pytest.mark.parametrize(
    ("cpu", "passed"), [(67.9, False), (68.1, False), (70.1, True), (79.9, True), (82.1, False)]
)
def test_the_mean_and_the_windows_both_count(cpu: float, passed: bool) -> None:
    assert verdict(held([cpu] * 120)).passed is passed


def test_four_windows_in_five_are_enough() -> None:
    assert verdict(held([75.0] * 80 + [81.0] * 20)).passed
    assert not verdict(held([75.0] * 70 + [81.0] * 30)).passed


def test_bursts_are_told_from_a_wrong_rate() -> None:
    swinging = verdict(held(([60.0] * 10 + [90.0] * 10) * 6))
    assert not swinging.passed
    assert "the rate is right, but the speed of this machine, at an even load" in swinging.verdict
    assert "moves 10-s means by ± 15.7" in swinging.verdict
    uneven = [
        msgspec.structs.replace(sample, spent=sample.spent * sample.cpu_percent / 75)
        for sample in held(([60.0] * 10 + [90.0] * 10) * 6)
    ]
    assert "the load's own bursts move 10-s means by ± 15.7" in verdict(uneven).verdict
    assert "the mean is above 68-82 %" in verdict(held([90.0] * 120)).verdict


def test_a_machine_that_is_slower_now_is_said() -> None:
    dearer = verdict(held([86.0] * 120))
    assert "the mean is above 68-82 %; a token cost 15% more than when the rate was found" in dearer.verdict
    assert "a token cost" not in verdict(held([75.0] * 120)).verdict


def test_the_start_does_not_count() -> None:
    assert verdict(samples(100, [5.0] * 10 + [75.0] * 120)).passed


def test_memory_and_kills_count_from_the_first_second() -> None:
    full = [*samples(100, [75.0], memory=91.0), *held([75.0] * 120)]
    killed = [*samples(100, [75.0], oom_kills=1), *held([75.0] * 120)]
    assert "memory reached 91 %" in verdict(full).verdict
    assert "the kernel killed 1 times" in verdict(killed).verdict
    assert not verdict(full).passed and not verdict(killed).passed


def test_too_few_samples_prove_nothing() -> None:
    judged = verdict(samples(100, [75.0] * 12))
    assert not judged.passed
    assert "too few to judge" in judged.verdict
    assert not verdict([]).passed


def test_another_rate_is_no_hold_out() -> None:
    assert not verdict(samples(90, [75.0] * 130)).passed


def test_where_the_model_binds_what_is_spent_must_be_what_was_found() -> None:
    as_found = samples(100, [40.0] * 130, spent=91.0)
    slower = samples(100, [40.0] * 130, spent=70.0)
    assert verdict(as_found, "latency").passed
    assert not verdict(slower, "latency").passed
    assert "agents spent 70 tokens/s, not about 90.91" in verdict(slower, "latency").verdict
    assert verdict(as_found, "latency").verdict == (
        "CPU 40.0 % ± 0.0 at 100 tokens/s, 91 of 90.91 spent, memory 20 %: it holds"
    ), "the band is not judged, so nothing is said of it"
    assert judge(slower, TARGET, found(bound="latency"), expected_spent=70.0).passed


@pytest.mark.parametrize(("burst", "passes"), [(0.0, 40), (0.002, 40), (0.01, 30), (0.2, 0)])
def test_windows_of_ten_seconds_suit_loads_of_small_turns(burst: float, passes: int) -> None:
    """Of forty containers at exactly the right rate: bursts up to 1 % of a second of the limit nearly always pass."""
    traits = Traits(1000.0, burst=burst)
    rate = (75 - traits.idle) / traits.cost(0)
    runs = [Container(traits, seed) for seed in range(40)]
    passed = sum(judge([one.sample(rate) for _ in range(130)], TARGET, found(rate)).passed for one in runs)
    assert passed >= passes if passes else passed <= 2


def test_agents_that_spend_more_than_they_could_while_overloaded_are_no_fault() -> None:
    better = [msgspec.structs.replace(sample, spent=100.0) for sample in held([50.0] * 120)]
    assert verdict(better, "one_process").passed
