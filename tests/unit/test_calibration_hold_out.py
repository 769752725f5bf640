"""A hold-out is judged once: the verdict, the profile, the page, the terminal and machines say the same of it."""

import io
import json

import msgspec
import pytest
from rich.console import Console

from calibrate.control import Wait
from calibrate.holdout import judge_course
from calibrate.levels import WINDOW_S
from calibrate.profiles.outcome import profile_of
from calibrate.record import WARMING_UP, Record, Step
from ecology.observe.calibration import essentials, render
from ecology.observe.calibration.findings import find
from ecology.observe.calibration.hold_figures import hold_out
from ecology.observe.calibration.page import page
from ecology.observe.calibration.tables import sure_rows, tiles
from tests.support.calibrated import WORST_TOKENS
from tests.support.calibrations import (
    Container,
    Hold,
    course,
    failed_hold_out,
    latency_bound,
    memory_bound,
    ordinary,
)


def warmed_up(seed: int = 2, noise: float = 6.0) -> Record:
    """A record whose hold-out was cold for ten seconds, and near the band's borders afterwards."""
    whole = ordinary()
    held = course(
        Container(base=0.0, noise=noise, seed=seed), [Hold(62.2, 130, Wait())], "hold-out", method=""
    )
    steps = tuple(
        msgspec.structs.replace(
            step,
            sample=msgspec.structs.replace(step.sample, cpu_percent=5.0),
            decision=Wait(WARMING_UP),
        )
        if step.sample.time_s <= 10
        else step
        for step in held.steps
    )
    held = msgspec.structs.replace(held, steps=steps)
    return msgspec.structs.replace(whole, courses=(whole.courses[0], held, *whole.courses[2:]))


@pytest.mark.parametrize("seed", range(4))
def test_one_judgement_is_told_by_all(seed: int) -> None:
    record = warmed_up(seed)
    settled = find(record).settled
    assert settled is not None
    judged = judge_course(record.courses[1], record.target, settled)
    section = profile_of(record, WORST_TOKENS).hold_out
    findings = find(record)
    told = json.loads(msgspec.json.encode(essentials(record)))["hold_out"]
    assert section is not None and findings.hold_out is not None
    assert section.mean_percent == pytest.approx(judged.mean_percent, rel=1e-5)
    assert section.in_band_percent == pytest.approx(100 * judged.inside_share, rel=1e-5)
    assert findings.hold_out.judged == judged
    assert (told["cpu_percent"], told["share_in_band"]) == (judged.mean_percent, judged.inside_share)
    assert told["passed"] is judged.passed
    inside = round(12 * judged.inside_share)
    assert dict(tiles(findings))["hold-out in the band"] == f"{inside} of 12 windows"
    assert f"{inside / 12:.0%} of 12 windows in the band" in judged.verdict
    plate = hold_out(findings)
    assert [row[2] for row in plate.rows].count("yes") == inside
    assert plate.rows[0][0].startswith("11 to "), "the first sample at a rate may be of two"
    assert f"{inside} of 12 windows" in plate.reading and f"{inside} of 12 windows" in shown(record)
    assert judged.mean_percent > 65, "the cold start does not count"


def test_windows_are_as_long_as_they_are_called() -> None:
    held = find(warmed_up()).hold_out
    assert held is not None
    lengths = [window.end_s - window.start_s for window in held.told.windows]
    assert lengths[:-1] == [WINDOW_S] * 11
    assert held.seconds == sum(lengths)


def test_where_the_model_binds_the_band_is_not_what_is_said() -> None:
    record = latency_bound()
    findings = find(record)
    assert dict(tiles(findings))["hold-out spent"] == "21 of 21 tokens/s"
    said = "below the 80 % that it may not reach; agents spent 21 tokens/s, and at least 18.9 is right"
    for text in (page(record), shown(record), str(sure_rows(findings))):
        assert said in text
        assert "0.0 % of the time" not in text and "0 of 12 windows" not in text
    plate = hold_out(findings)
    assert plate.header[2] == "below 80 %"
    assert {row[2] for row in plate.rows} == {"yes"}
    assert "the band is not what was judged" in plate.reading
    told = essentials(record).hold_out
    assert told is not None and told.passed
    assert told.expected_tokens_per_s == pytest.approx(21)
    ordinarily = essentials(ordinary()).hold_out
    assert ordinarily is not None and ordinarily.expected_tokens_per_s is None


def test_a_hold_out_that_ended_early_is_not_called_missing() -> None:
    whole = ordinary()
    begun = msgspec.structs.replace(whole.courses[1], steps=whole.courses[1].steps[:6])
    record = msgspec.structs.replace(whole, courses=(whole.courses[0], begun), passed=False)
    assert "The hold-out ended too early to be judged" in page(record)
    assert "The hold-out ended too early to be judged" in shown(record)
    assert profile_of(record, WORST_TOKENS).hold_out is None
    assert "No hold-out was run" in page(memory_bound())


def test_the_curve_of_the_page_is_the_profiles() -> None:
    record = ordinary()
    drawn, kept = find(record).curve, find(record, profile_of(record, WORST_TOKENS)).curve
    assert drawn is not None and kept is not None
    assert drawn.base == pytest.approx(kept.base, rel=1e-4)
    assert drawn.cost == pytest.approx(kept.cost, rel=1e-4)
    assert (drawn.exponent, drawn.centre) == pytest.approx((kept.exponent, kept.centre), rel=1e-4)


def test_short_holds_far_apart_tell_the_curve() -> None:
    """A method in a hurry holds a rate for seven seconds; what it saw there is most of what is known of the base."""
    whole = ordinary()
    holds = [Hold(rate, 7, Wait()) for rate in (10.0, 30.0, 50.0)]
    steps = course(Container(base=8.0, slope=1.0, noise=0.3), holds).steps
    last = course(Container(base=8.0, slope=1.0, noise=0.3), [Hold(62.2, 45, Wait())]).steps
    later = [
        Step(msgspec.structs.replace(step.sample, time_s=step.sample.time_s + 21), step.decision)
        for step in last
    ]
    settle = msgspec.structs.replace(
        whole.courses[0],
        steps=(*steps, *later[:-1], Step(later[-1].sample, whole.courses[0].steps[-1].decision)),
    )
    cpu = profile_of(msgspec.structs.replace(whole, courses=(settle,)), WORST_TOKENS).cpu
    assert cpu.base_cpus == pytest.approx(0.08, abs=0.02)


def test_two_windows_of_one_rate_are_no_curve() -> None:
    whole = ordinary()
    settle = msgspec.structs.replace(whole.courses[0], steps=whole.courses[0].steps[-25:])
    cpu = profile_of(msgspec.structs.replace(whole, courses=(settle,)), WORST_TOKENS).cpu
    assert cpu.base_cpus == 0
    assert (cpu.exponent, cpu.error_exponent) == (1, 1), "all of it might be the base"


def test_a_long_verdict_is_not_cut() -> None:
    record = msgspec.structs.replace(failed_hold_out(), verdict="so it is; " * 25 + "and that is the end")
    assert "and that is the end" in shown(record)


def shown(record: Record) -> str:
    file = io.StringIO()
    Console(file=file, width=80).print(render(record))
    return " ".join(file.getvalue().split())
