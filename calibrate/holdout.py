"""Whether a rate that was found holds in a run of its own.

Judged by the mean and by windows of ten seconds. Ten seconds are short enough to show swings that a person would
notice, and long enough for loads whose turns are small: where λ bursts of b CPU-seconds come in a second, 10-second
means have a standard deviation of about 100 · √(2λb²/10) ÷ CPUs points. Evenly paced turns have 0.2 there, 20 ms bursts
at random on half a CPU have 8; four windows in five lie within ± 5 points up to a deviation of 3.9, so of bursts of
about 5 ms. A load of longer bursts at random fails by its nature, whatever the rate, and the verdict says so instead of
blaming the rate.
"""

from collections.abc import Sequence

import msgspec
import numpy as np

from calibrate.control import Settled, Target, Wait
from calibrate.controllers.steady import FLOOR, Mean, Window, mean
from calibrate.levels import WINDOW_S, seconds, weighted
from calibrate.record import WARMING_UP, Course
from calibrate.workload import Sample

WARM_UP_S = 10.0
"""Left out at the start: caches are cold, and buckets full."""
WIDENED_POINTS = 2.0
"""By so much the mean may lie outside the band."""
INSIDE_SHARE = 0.8
SPENT_WITHIN = 0.1
EVENLY_SPENT = 0.97
OTHER_COST = 0.06
"""A token's cost that differs by so much explains why a rate does not hold."""


class Judgement(msgspec.Struct, frozen=True):
    """What a hold-out came to. Percentages are of the container's limits; `inside_share` is from 0 to 1."""

    passed: bool
    mean_percent: float
    mean_error: float
    inside_share: float
    """Of the windows, those whose mean lay in the band."""
    window_deviation: float
    """Standard deviation of the windows' means, in points."""
    windows: tuple[tuple[Sample, ...], ...]
    """What was judged, and in which windows; none if it was too little."""
    spent: float
    expected_spent: float | None
    """What agents should spend where something else than CPU binds; there it is judged instead of the band."""
    highest_memory_percent: float
    oom_kills: int
    verdict: str


def judge_course(course: Course, target: Target, found: Settled) -> Judgement:
    """Judge a course that held the found rate, by what followed its warm-up."""
    held = [step.sample for step in course.steps if step.decision != Wait(WARMING_UP)]
    return judge(held, target, found, warm_up_s=0.0)


def judge(
    samples: Sequence[Sample],
    target: Target,
    found: Settled,
    *,
    warm_up_s: float = WARM_UP_S,
    expected_spent: float | None = None,
) -> Judgement:
    """Judge a run that was held at the found rate.

    Its mean must lie in the band widened by 2 points, four windows in five inside the band, memory below its limit
    throughout, and no process killed.

    Where something else than CPU binds (`found.bound`), CPU must lie below the top of the band instead, and agents must
    spend at least 90 % of `expected_spent` (tokens per second; without it, of the found rate less its headroom).
    """
    used = _at_the_rate(samples, found.rate, warm_up_s)
    memory = max((sample.memory_percent for sample in samples), default=0.0)
    kills = sum(sample.oom_kills for sample in samples)
    if len(used) < 2 * FLOOR:
        verdict = f"only {len(used)} samples at {found.rate:g} tokens/s: too few to judge"
        return Judgement(False, 0.0, 0.0, 0.0, 0.0, (), 0.0, None, memory, kills, verdict)
    whole = mean(np.array([sample.cpu_percent for sample in used]))
    windows = _windows(used)
    means = [weighted(window, [sample.cpu_percent for sample in window]) for window in windows]
    inside = sum(target.in_band(value) for value in means) / len(means)
    deviation = float(np.std(means, ddof=1)) if len(means) > 1 else 0.0
    spent = float(np.mean([sample.spent for sample in used]))
    faults = _memory_faults(memory, kills, target)
    expected = None
    if found.bound == "cpu":
        wrong = _cpu_faults(whole, inside, deviation, _steadiness(windows), target)
        faults += wrong + (_dearer(whole, spent, found) if wrong else [])
        seen = f"{inside:.0%} of {len(means)} windows in the band"
    else:
        expected = expected_spent if expected_spent is not None else _expected(found)
        faults += _other_faults(whole, spent, expected, target)
        seen = f"{spent:.4g} of {expected:.4g} spent"
    seen = f"CPU {whole} at {found.rate:g} tokens/s, {seen}, memory {memory:.0f} %"
    return Judgement(
        passed=not faults,
        mean_percent=whole.value,
        mean_error=whole.error,
        inside_share=inside,
        window_deviation=deviation,
        windows=windows,
        spent=spent,
        expected_spent=expected,
        highest_memory_percent=memory,
        oom_kills=kills,
        verdict=f"{seen}: {'; '.join(faults) or 'it holds'}",
    )


def _at_the_rate(samples: Sequence[Sample], rate: float, warm_up_s: float) -> tuple[Sample, ...]:
    window = Window(rate)
    for sample in samples:
        window = window.with_sample(sample)
    start = samples[0].time_s - samples[0].seconds + warm_up_s if samples else 0.0
    return tuple(sample for sample in window.samples if sample.time_s - sample.seconds >= start - 1e-6)


def _windows(samples: Sequence[Sample]) -> tuple[tuple[Sample, ...], ...]:
    """Whole windows; an unfinished one at the end counts if it is at least half."""
    windows: list[tuple[Sample, ...]] = []
    held: list[Sample] = []
    for sample in samples:
        held.append(sample)
        if seconds(held) >= WINDOW_S - 0.05:
            windows.append(tuple(held))
            held = []
    if held and (not windows or seconds(held) >= WINDOW_S / 2):
        windows.append(tuple(held))
    return tuple(windows)


def _expected(found: Settled) -> float:
    return found.rate / 1.1 if found.bound in ("latency", "one_process") else found.rate


def _memory_faults(memory: float, kills: int, target: Target) -> list[str]:
    faults = []
    if memory >= target.memory_percent:
        faults.append(f"memory reached {memory:.0f} %, and {target.memory_percent:g} % is too much")
    if kills:
        faults.append(f"the kernel killed {kills} times for want of memory")
    return faults


def _steadiness(windows: Sequence[Sequence[Sample]]) -> float:
    """The standard deviation of what was spent, in 10-second windows, as a share of its mean."""
    spent = np.array([weighted(window, [sample.spent for sample in window]) for window in windows])
    return float(spent.std() / spent.mean()) if spent.mean() > 0 else 0.0


def _cpu_faults(whole: Mean, inside: float, deviation: float, unevenness: float, target: Target) -> list[str]:
    low, high = target.low_percent - WIDENED_POINTS, target.high_percent + WIDENED_POINTS
    if not low <= whole.value <= high:
        side = "below" if whole.value < low else "above"
        return [f"the mean is {side} {low:g}-{high:g} %"]
    if inside >= INSIDE_SHARE:
        return []
    if deviation > (target.high_percent - target.low_percent) / 2.56:
        own = unevenness * whole.value >= deviation / 2
        what = "the load's own bursts move" if own else "the speed of this machine, at an even load, moves"
        return [
            f"the rate is right, but {what} 10-s means by ± {deviation:.1f}: no rate keeps them in the band"
        ]
    return [f"fewer than {INSIDE_SHARE:.0%} of the windows are in the band"]


def _dearer(whole: Mean, spent: float, found: Settled) -> list[str]:
    """What a token costs, against what it cost when the rate was found: the same agents, so the machine changed."""
    if spent < EVENLY_SPENT * found.rate or found.cpu_percent <= 0:
        return []
    change = whole.value / spent / (found.cpu_percent / found.rate) - 1
    if abs(change) < OTHER_COST:
        return []
    word = "more" if change > 0 else "less"
    return [
        f"a token cost {abs(change):.0%} {word} than when the rate was found: this machine is not always as fast"
    ]


def _other_faults(whole: Mean, spent: float, expected: float, target: Target) -> list[str]:
    faults = []
    if whole.value >= target.high_percent:
        faults.append(f"CPU is not below {target.high_percent:g} %")
    if spent < (1 - SPENT_WITHIN) * expected:  # more is no fault: while overloaded they may have done less
        faults.append(f"agents spent {spent:.4g} tokens/s, not about {expected:.4g}")
    return faults
