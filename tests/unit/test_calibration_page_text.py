"""What the page of a calibration says, read without a browser."""

import io

import msgspec
import pytest
from rich.console import Console

from calibrate.control import Change, Refused, Wait
from calibrate.profiles.outcome import LEAST_SLOPE_BYTES
from calibrate.record import Record
from ecology.observe.calibration import render
from ecology.observe.calibration.capacity_figures import memory
from ecology.observe.calibration.findings import find
from ecology.observe.calibration.hold_figures import bar_of, knee
from ecology.observe.calibration.page import page
from tests.support.calibrations import RECORDS, Container, Hold, course, ordinary, profile, record
from tests.support.reachable import unreachable

WHY = "its thread waited 62 % of the time for a CPU that others had"
SENTENCE = "the thread of its turns could have run, and waited 62 % of the time for a CPU that others had."


def kept_from_running(why: str = WHY) -> Record:
    """Refused, for others have the CPUs."""
    slow = Container(most_spent=20.0, slope=1.0)
    holds = [Hold(10.0, 12, Change(200.0, "far below the band")), Hold(200.0, 20, Refused(why))]
    settle = course(slow, holds)
    steps = tuple(
        msgspec.structs.replace(
            step,
            sample=msgspec.structs.replace(
                step.sample, loop_waited_percent=62.0, loop_percent=30.0, throttled_percent=0.0
            ),
        )
        for step in settle.steps
    )
    return record(msgspec.structs.replace(settle, steps=steps), verdict=why, passed=False)


@pytest.mark.parametrize("name", RECORDS)
def test_whatever_scrolls_can_be_reached_by_keyboard_and_has_a_name(name: str) -> None:
    of = RECORDS[name]()
    assert unreachable(page(of, profile(of))) == []


def test_a_container_that_does_not_get_its_cpu_is_told_so() -> None:
    starved = kept_from_running()
    assert SENTENCE in page(starved)
    assert SENTENCE in shown(starved)
    assert find(starved).starved_percent == pytest.approx(62)
    column = knee(find(starved)).header.index("waited for a CPU")
    assert [row[column] for row in knee(find(starved)).rows] == ["62 %", "62 %"]


def test_nobody_else_is() -> None:
    assert find(ordinary()).starved_percent is None
    whole = kept_from_running()
    settle = whole.courses[0]
    last = msgspec.structs.replace(settle.steps[-1], decision=Wait())
    ended = msgspec.structs.replace(settle, steps=(*settle.steps[:-1], last))
    assert find(msgspec.structs.replace(whole, courses=(ended,))).starved_percent is None


def test_a_refusal_is_said_once_in_full() -> None:
    whole = kept_from_running(
        "no rate was proven: " + "; ".join(f"this was seen at {rate}" for rate in range(20))
    )
    assert page(whole).count(whole.verdict) == 2, "on top and in the table"
    assert "no rate was found." in page(whole)
    text = shown(whole)
    assert text.count("this was seen at 19") == 1
    assert "as said above" in text and "there is no capacity profile" in text
    assert "No rate was found, so none was held." in page(whole)


def test_an_error_that_would_hide_all_others_is_no_bar() -> None:
    wild = course(Container(noise=25.0), [Hold(10.0, 6, Wait()), Hold(60.0, 60, Wait())])
    seen = find(record(wild, verdict="", passed=False))
    assert [one.point.cpu.error > 15 for one in seen.held] == [True, False]
    assert [bar_of(one.point.cpu.error, 100.0) is None for one in seen.held] == [True, False]
    assert [float(row[5]) > 15 for row in knee(seen).rows] == [True, False], "the table has it"


def test_memory_that_did_not_grow_is_not_called_measured() -> None:
    of = ordinary()
    made = profile(of)
    assert made is not None
    flat = msgspec.structs.replace(
        made,
        memory=msgspec.structs.replace(made.memory, bytes_per_thinking=LEAST_SLOPE_BYTES),
        thinking_at_once=10_000,
    )
    reading = memory(find(of, flat)).reading
    assert "no growth was seen at 3 numbers of thinking agents" in reading
    assert "far to the right of what is drawn" in reading
    assert (
        "(measured at 3 numbers of thinking agents): 15 may think at once." in memory(find(of, made)).reading
    )


def shown(of: Record) -> str:
    file = io.StringIO()
    Console(file=file, width=80).print(render(of))
    return " ".join(file.getvalue().split())
