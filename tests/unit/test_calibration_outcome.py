"""From records, kept whole, to profiles: of containers whose truth is known."""

from itertools import permutations

import pytest
from msgspec.structs import replace

from calibrate.errors import CalibrationFault
from calibrate.levels import steady_windows
from calibrate.profiles.capacity import total_tokens
from calibrate.profiles.outcome import UNMEASURED_SLOPE_BYTES, hardware_class, profile_of
from calibrate.record import decode, encode
from tests.support.calibrated import GIB, MIB, WORST_TOKENS, Truth, record

LIMITS = (0.5, 1.0, 2.0)
TRUTHS = {
    "straight, dear": Truth(),
    "straight, cheap": Truth(base_cpus=0.02, seconds_per_1k=0.2),
    "bent": Truth(base_cpus=0.01, seconds_per_1k=0.6, exponent=0.85),
    "bent far": Truth(base_cpus=0.03, seconds_per_1k=0.6, exponent=0.8),
}
"""The cheap and the bent ones are such as real containers have: hundreds of tokens/s for each agent."""
WITHIN = 0.15
"""How far a prediction for another limit may be off."""


@pytest.mark.parametrize("cpus", LIMITS)
@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("truth", TRUTHS.values(), ids=TRUTHS)
def test_a_profile_finds_the_truth_that_the_noise_hides(truth: Truth, cpus: float, seed: int) -> None:
    profile = profile_of(record(truth, cpus, seed=seed), WORST_TOKENS)
    assert total_tokens(profile, cpus)[0] == pytest.approx(truth.tokens(0.75, cpus), rel=0.05)
    share = profile.cpu.loop_seconds_per_1k_tokens / profile.cpu.cpu_seconds_per_1k_tokens
    assert share == pytest.approx(truth.loop_share, rel=0.02)
    assert profile.memory.base_bytes == pytest.approx(truth.memory_base, abs=MIB)
    assert profile.memory.bytes_per_thinking == truth.per_thinking
    assert profile.rate.tokens_per_s * 5 == pytest.approx(truth.tokens(0.75, cpus), rel=1e-4)
    assert [row.agents for row in profile.buckets] == [1, 2, 5, 10, 20, 50, 100]


@pytest.mark.parametrize(("measured", "held_out"), list(permutations(LIMITS, 2)))
@pytest.mark.parametrize("truth", TRUTHS.values(), ids=TRUTHS)
def test_the_error_of_predictions_for_limits_that_were_not_measured(
    truth: Truth, measured: float, held_out: float
) -> None:
    wanted = truth.tokens(0.75, held_out)
    errors, covered = [], 0
    for seed in range(10):
        total, error = total_tokens(profile_of(record(truth, measured, seed=seed), WORST_TOKENS), held_out)
        errors.append(total / wanted - 1)
        covered += abs(total - wanted) <= error
    worst = max(abs(error) for error in errors)
    print(
        f"measured at {measured:g} CPUs, predicted for {held_out:g}: worst {worst:.1%}, inside {covered} of 10"
    )
    assert worst <= WITHIN
    assert covered >= 7, "a 95 % interval holds the truth most of the time"


def test_a_record_is_kept_whole_with_a_line_for_each_step() -> None:
    made = record()
    settle, *others = made.courses
    unbegun = replace(settle, purpose="probe", steps=())
    kept = replace(made, verdict='says "steps": []', courses=(unbegun, settle, unbegun, *others))
    data = encode(kept)
    assert decode(data) == kept
    assert data.count(b'\n{"sample":') == sum(len(course.steps) for course in made.courses) > 0
    bare = [replace(course, steps=()) for course in made.courses]
    assert decode(encode(replace(made, courses=tuple(bare)))).courses == tuple(bare)


def test_the_hold_out_and_its_verdict_stand_in_the_profile() -> None:
    held = profile_of(record(), WORST_TOKENS).hold_out
    assert held is not None
    assert held.passed
    assert held.mean_percent == pytest.approx(75, abs=4)
    assert held.in_band_percent > 60
    failed = profile_of(record(passed=False), WORST_TOKENS).hold_out
    assert failed is not None
    assert not failed.passed
    without = replace(record(), courses=record().courses[:1])
    assert profile_of(without, WORST_TOKENS).hold_out is None


def test_no_profile_where_no_rate_was_found() -> None:
    kept = record()
    settle = replace(kept.courses[0], steps=kept.courses[0].steps[:-1])
    ended = replace(kept, courses=(settle,), verdict="interrupted", passed=False)
    with pytest.raises(CalibrationFault, match=r"no rate was found \(interrupted\)"):
        profile_of(ended, WORST_TOKENS)
    short = replace(kept, courses=(replace(kept.courses[0], steps=kept.courses[0].steps[-3:]),))
    with pytest.raises(CalibrationFault, match="nothing steady was seen"):
        profile_of(short, WORST_TOKENS)


def test_one_rate_alone_is_taken_to_cost_everything_and_to_be_unsure() -> None:
    kept = record()
    profile = profile_of(
        replace(kept, courses=(replace(kept.courses[0], steps=kept.courses[0].steps[-30:]),)), WORST_TOKENS
    )
    assert profile.cpu.base_cpus == 0
    assert (profile.cpu.exponent, profile.cpu.error_exponent) == (1, 1)
    assert total_tokens(profile, 1.0)[0] == pytest.approx(Truth().tokens(0.75, 1.0), rel=0.1)


def test_memory_that_was_seen_at_one_number_of_thoughts_is_not_taken_for_a_slope() -> None:
    kept = record()
    memory = profile_of(replace(kept, courses=kept.courses[:2]), WORST_TOKENS).memory
    assert memory.bytes_per_thinking == UNMEASURED_SLOPE_BYTES
    assert memory.measured_at == 1


def test_a_world_that_grew_meanwhile_does_not_hide_what_a_thought_takes() -> None:
    truth, grown = Truth(), 50 * MIB
    settle, *others = record(truth).courses
    longer = replace(settle, memory_bytes=settle.memory_bytes + grown)
    memory = profile_of(replace(record(truth), courses=(longer, *others)), WORST_TOKENS).memory
    assert memory.bytes_per_thinking == truth.per_thinking
    assert memory.base_bytes == pytest.approx(truth.memory_base + grown, abs=MIB), "no course lies above"


def test_saturated_samples_do_not_bend_the_curve() -> None:
    kept = record(noise=0.02)
    full = [
        replace(step, sample=replace(step.sample, rate=60.0, spent=60.0, cpu_percent=100.0))
        for step in kept.courses[0].steps[:40]
    ]
    settle = replace(kept.courses[0], steps=(*full, *kept.courses[0].steps))
    bent = profile_of(replace(kept, courses=(settle, *kept.courses[1:])), WORST_TOKENS)
    assert bent.cpu == profile_of(kept, WORST_TOKENS).cpu


def test_windows_are_of_one_rate_and_leave_out_what_follows_a_change() -> None:
    windows = list(steady_windows(record().courses[0]))
    assert all(len({sample.rate for sample in window}) == 1 for window in windows)
    assert [len(window) for window in windows] == [10, 10, 10, 5] * 4
    assert windows[0][0].time_s == 6


@pytest.mark.parametrize(
    ("cpus", "gib", "kind"),
    [
        (2, 64, "laptop"),
        (4, 16, "laptop"),
        (8, 8, "laptop"),
        (8, 15.5, "desktop"),
        (16, 32, "desktop"),
        (12, 128, "desktop"),
        (16, 62, "server"),
        (64, 512, "server"),
    ],
)
def test_the_class_of_a_machine(cpus: float, gib: float, kind: str) -> None:
    assert hardware_class(cpus, int(gib * GIB)) == kind
