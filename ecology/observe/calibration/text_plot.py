"""CPU over time in characters: the band is a row of dots with its name, so nothing hangs on colour."""

from collections.abc import Sequence

from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from calibrate.levels import weighted
from calibrate.workload import Sample
from ecology.observe.calibration.findings import Findings
from ecology.observe.calibration.words import took

ROW_PERCENT = 10
ROWS = 10
WIDEST = 66
MARGIN = 9
"""Columns left of the plot, for the rows' names."""
HELD_SHARE = 0.35


class TextPlot:
    """The search and, right of a bar, the hold-out; each column is the mean of its slice of time."""

    def __init__(self, findings: Findings) -> None:
        self._findings = findings

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """As wide as there is room for, in ASCII where the terminal knows no more."""
        findings = self._findings
        mark, dot, bar = ("*", ".", "|") if options.ascii_only else ("●", "·", "│")
        room = max(20, min(WIDEST, options.max_width - MARGIN - 8))
        held = () if findings.hold_out is None else findings.hold_out.told.samples
        search = () if findings.settle is None else findings.settle.samples
        held_room = int(room * HELD_SHARE) if held else 0
        parts = [columns(search, room - held_room)]
        if held:
            parts.append(columns(held, held_room))
        target = findings.target
        shaded = [row for row in range(ROWS) if target.in_band(_middle(row))]
        shaded = shaded or [_row(target.aim_percent)]
        for row in reversed(range(ROWS)):
            line = Text(f"{row * ROW_PERCENT:>3}-{(row + 1) * ROW_PERCENT:<3} ", style="dim")
            for part in parts:
                line.append(bar, style="dim")
                for value in part:
                    here = value is not None and _row(value) == row
                    style = "green" if row in shaded else "bold"
                    line.append(
                        mark if here else dot if row in shaded else " ", style=style if here else "dim"
                    )
            if row in shaded:
                line.append(" band" if row == shaded[-1] else "", style="dim")
            yield line
        foot = f"{'CPU %':>{MARGIN - 2}} {f' search, {_span(search)}':<{len(parts[0]) + 1}}"
        yield Text(f"{foot}{f' hold-out, {_span(held)}' if held else ''}", style="dim")


def columns(samples: Sequence[Sample], room: int) -> list[float | None]:
    """Mean CPU in each of `room` equal slices of time; a sample longer than a slice fills all that it covers."""
    if not samples:
        return [None] * room
    end_s = samples[-1].time_s
    slices: list[list[Sample]] = [[] for _ in range(room)]
    for sample in samples:
        slices[min(room - 1, int(room * (sample.time_s - sample.seconds) / end_s))].append(sample)
    means: list[float | None] = []
    for part in slices:
        before = means[-1] if means else None
        means.append(weighted(part, [one.cpu_percent for one in part]) if part else before)
    return means


def _row(cpu_percent: float) -> int:
    return max(0, min(ROWS - 1, int(cpu_percent // ROW_PERCENT)))


def _middle(row: int) -> float:
    return (row + 0.5) * ROW_PERCENT


def _span(samples: Sequence[Sample]) -> str:
    return took(samples[-1].time_s) if samples else "nothing"
