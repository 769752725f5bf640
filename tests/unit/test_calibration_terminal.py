"""A calibration at the terminal: without colour, in 80 columns, in ASCII, and deaf to control characters."""

import io
import re
from pathlib import Path

import pytest
from rich.console import Console

from ecology.observe.calibration import render
from tests.support.calibrations import RECORDS, failed_hold_out, hostile, long_classic, ordinary, profile


def shown(name: str, *, width: int = 80, encoding: str = "utf-8") -> str:
    record = RECORDS[name]()
    raw = io.BytesIO()
    file = io.TextIOWrapper(raw, encoding=encoding, newline="\n")
    console = Console(file=file, width=width)
    console.print(render(record, profile(record), {"page": Path("calibration.html")}))
    file.flush()
    return raw.getvalue().decode(encoding)


@pytest.mark.parametrize("name", RECORDS)
@pytest.mark.parametrize(
    ("width", "encoding"), [(80, "utf-8"), (60, "utf-8"), (80, "ascii"), (80, "latin-1")]
)
def test_it_fits_and_says_the_verdict(name: str, width: int, encoding: str) -> None:
    text = shown(name, width=width, encoding=encoding)
    assert all(len(line) <= width for line in text.splitlines())
    assert "\x1b" not in text
    words = RECORDS[name]().verdict.split()[:3]
    assert all(word[:20].isascii() is False or word[:20] in text for word in words)
    assert "calibration.html" in text


def test_the_essentials_of_the_profile_are_one_sentence() -> None:
    text = " ".join(shown("ordinary").split())
    assert "62.2 tokens/s for each of 5 agents; 15 may think at once; 7 nodes for 100 agents at 10" in text


def test_the_plot_shows_the_band_and_where_the_cpu_was() -> None:
    rows = {line[:7].strip(): line for line in shown("ordinary").splitlines() if "│" in line}
    assert len(rows) == 10
    assert rows["70-80"].count("●") > 30
    assert rows["70-80"].endswith("band")
    assert "·" in rows["70-80"]
    assert "·" not in rows["60-70"]
    assert rows["10-20"].count("●") == 7, "the start, at 16 %"
    out = {line[:7].strip(): line for line in shown("failed_hold_out").splitlines() if "│" in line}
    assert out["90-100"].partition("│")[2].partition("│")[2].count("●") > 5
    assert not failed_hold_out().passed


def test_the_plot_needs_no_character_that_a_terminal_lacks() -> None:
    lines = shown("ordinary", encoding="ascii").splitlines()
    rows = [line for line in lines if re.match(r" *\d+-\d+ *\|", line)]
    assert len(rows) == 10
    assert any(line.count("*") > 30 for line in rows)


def test_a_long_search_shows_its_beginning_and_its_end() -> None:
    text = shown("long_classic")
    assert "28 more in the report" in text
    assert "settled" in text
    assert len(long_classic().courses[0].steps) > 5000


def test_a_container_cannot_speak_to_the_terminal() -> None:
    assert "\x1b" in hostile().place.what
    assert "\x1b" not in shown("hostile")


def test_a_rate_without_a_hold_out_is_said_to_be_unproven() -> None:
    assert "No hold-out was run: nothing says that the rate holds." in shown("memory_bound")
    assert "hold-out: CPU" in shown("ordinary")
    assert ordinary().passed
