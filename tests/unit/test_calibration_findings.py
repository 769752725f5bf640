"""What is said of a calibration is what its record holds: windows, adjustments, the hold-out, the line, the JSON."""

import json

import msgspec
import pytest

from calibrate.control import Change, Settled, Wait
from calibrate.levels import seconds
from calibrate.profiles.capacity import agents_that_fit
from calibrate.workload import Sample
from ecology.observe.calibration import essentials
from ecology.observe.calibration.capacity_figures import CPUS, fits
from ecology.observe.calibration.findings import find
from ecology.observe.calibration.steady import held, held_curve
from ecology.observe.calibration.tables import adjustment_rows, bucket_rows, hardware_rows, sure_rows, tiles
from ecology.observe.calibration.windows import windows
from tests.support.calibrations import RECORDS, Container, Hold, compared, course, ordinary, profile


def sample(time_s: float, cpu: float, *, rate: float = 10.0, lasted: float = 1.0) -> Sample:
    return Sample(
        time_s=time_s, seconds=lasted, rate=rate, spent=rate, cpu_percent=cpu, memory_percent=cpu / 2
    )


def test_windows_keep_every_second_and_hold_one_rate() -> None:
    samples = [sample(time + 1, 10.0, rate=10.0 if time < 13 else 30.0) for time in range(37)]
    gathered = windows(samples)
    assert [(window.start_s, window.end_s, window.rate) for window in gathered] == [
        (0, 13, 10.0),
        (13, 23, 30.0),
        (23, 37, 30.0),
    ]
    assert sum(window.end_s - window.start_s for window in gathered) == seconds(samples)


def test_a_windows_mean_is_weighted_by_time() -> None:
    [window] = windows([sample(1, 10.0), sample(4, 50.0, lasted=3.0)])
    assert window.cpu_percent == 40.0
    assert window.memory_percent == 20.0


def test_the_curve_is_found_again_and_saturated_points_do_not_bend_it() -> None:
    container = Container(base=5.0, slope=1.2, noise=0.5)
    holds = [Hold(rate, 30, Wait()) for rate in (10.0, 30.0, 50.0, 200.0)]
    seen = course(container, holds)
    assert [one.point.saturated for one in held(seen)] == [False, False, False, True]
    curve = held_curve([seen], seen.agents, cpus=2.0)
    assert curve is not None
    assert curve.exponent >= 0.95
    for rate in (20.0, 40.0):
        assert curve.cpus_at(rate * seen.agents) == pytest.approx(2 * (0.05 + 0.012 * rate), rel=0.03)
    assert curve.tokens_on(2.0) == pytest.approx(95 / 1.2 * seen.agents, rel=0.05)


def test_the_first_seconds_of_a_rate_are_not_counted() -> None:
    [_, second] = held(course(Container(noise=0.0), [Hold(10.0, 30, Wait()), Hold(60.0, 30, Wait())]))
    assert second.seconds == 25
    assert second.point.cpu.value == pytest.approx(4 + 1.15 * 60, abs=2)


@pytest.mark.parametrize("rates", [(), (10.0,), (10.0, 10.5)])
def test_too_few_rates_or_too_much_alike_make_no_curve(rates: tuple[float, ...]) -> None:
    seen = course(Container(), [Hold(rate, 20, Wait()) for rate in rates])
    assert held_curve([seen], seen.agents, cpus=1.0) is None


@pytest.mark.parametrize("name", RECORDS)
def test_the_table_has_every_adjustment_and_the_end(name: str) -> None:
    record = RECORDS[name]()
    rows = adjustment_rows(find(record))
    decisions = [step.decision for step in record.courses[0].steps]
    changes = [decision for decision in decisions if isinstance(decision, Change)]
    numbered = [row for row in rows if row[0].isdigit()]
    assert [int(row[0]) for row in numbered] == list(range(1, len(changes) + 1))
    assert [float(row[3]) for row in numbered] == pytest.approx(
        [change.rate for change in changes], rel=0.005
    )
    assert [row[2] for row in numbered][1:] == [row[3] for row in numbered][:-1], "from where it was before"
    assert len(rows) == len(changes) + 1


def test_the_tiles_are_the_records_figures() -> None:
    record = ordinary()
    findings = find(record, profile(record))
    settled = record.courses[0].steps[-1].decision
    assert isinstance(settled, Settled)
    shown = dict(tiles(findings))
    assert shown["rate of each agent"] == "62.2 tokens/s"
    assert shown["CPU there"] == f"{settled.cpu_percent:.1f} % ± {settled.cpu_error:.1f}"
    assert findings.hold_out is not None
    held = findings.hold_out
    assert (
        shown["hold-out in the band"]
        == f"{sum(70 <= row.cpu_percent <= 80 for row in held.told.windows)} of 12 windows"
    )


def test_capacity_is_what_the_profile_predicts() -> None:
    record = ordinary()
    made = profile(record)
    assert made is not None
    for cpus in CPUS:
        row = fits(made, cpus, 10.0)
        assert row.agents == agents_that_fit(made, cpus, made.container.memory_bytes, 10.0)
        assert row.agents <= row.by_cpu
    assert fits(made, 2.0, 10.0).binds == "memory"
    assert fits(made, 8.0, made.rate.tokens_per_s).binds == "one process"
    assert fits(made, 0.5, 10.0).binds == "CPU"
    assert [int(row[0]) for row in bucket_rows(made)] == [row.agents for row in made.buckets]


def test_the_profiles_curve_counts_where_there_is_a_profile() -> None:
    record = ordinary()
    made = profile(record)
    assert made is not None
    dearer = msgspec.structs.replace(
        made,
        cpu=msgspec.structs.replace(
            made.cpu, cpu_seconds_per_1k_tokens=5.0, centre_tokens_per_s=62.2 * 5 / 16, exponent=0.75
        ),
    )
    assert find(record, dearer).cpu_s_per_1000_tokens == pytest.approx(2.5), "at the rate found"


def test_a_machine_that_the_design_does_not_know_has_a_row_of_its_own() -> None:
    record = ordinary()
    made = profile(record)
    assert made is not None
    odd = msgspec.structs.replace(made, hardware=msgspec.structs.replace(made.hardware, kind="mainframe"))
    rows = hardware_rows(find(record, odd))
    assert [row[0] for row in rows] == ["laptop", "desktop", "server", "mainframe (this machine)"]
    assert rows[-1][2].endswith("in 1 CPU, 1.0 GiB")


@pytest.mark.parametrize("name", RECORDS)
def test_machines_read_the_same_as_people(name: str) -> None:
    record = RECORDS[name]()
    made = profile(record)
    told = json.loads(msgspec.json.encode(essentials(record, made)))
    findings = find(record, made)
    assert told["verdict"] == record.verdict
    assert told["passed"] is record.passed
    assert told["tokens_per_s"] == findings.rate
    assert (told["profile"] is None) is (made is None)
    assert (told["hold_out"] is None) is (findings.hold_out is None)
    assert told["search"]["settled"] is (findings.settled is not None)
    assert len(sure_rows(findings)) >= 2


def test_what_came_of_it_is_one_word() -> None:
    words = {name: essentials(make()).state for name, make in RECORDS.items()}
    assert words["ordinary"] == "passed"
    assert words["refused"] == "refused"
    assert words["failed_hold_out"] == "failed"
    assert words["interrupted"] == words["nothing"] == "incomplete"


def test_the_other_method_is_beside_the_first() -> None:
    told = essentials(compared())
    assert told.search is not None
    assert told.compared is not None
    assert len(told.search.adjustments) == 3
    assert len(told.compared.adjustments) == 9
    assert told.compared.seconds == 330
