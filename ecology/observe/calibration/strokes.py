"""What a calibration's figures share: the band, CPU over time, rates on an axis, numbers of adjustments."""

from collections.abc import Sequence
from typing import Literal

from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator, NullFormatter

from calibrate.control import Target
from calibrate.levels import WINDOW_S
from ecology.core.clock import SECOND_NS
from ecology.observe.calibration.findings import Adjustment, Told
from ecology.observe.pages.canvas import GRID, INK, MUTED, OTHER, PALETTE, only_horizontal_grid
from ecology.observe.pages.plate import time_axis

BAND = PALETTE[2]
DOTS = 1500
"""So many single samples are drawn at most; the rest are left out evenly."""
DECADE = 8.0
"""From this ratio of greatest to least on, a rate's axis is logarithmic."""
NUMBER_ROOM = 0.022
"""Of the axis' width: closer to the one before, an adjustment's number goes to another row."""
ROWS = 3
STEPS: Literal["steps-post"] = "steps-post"
"""Between two rates a sample is missing: what is not known is drawn as what was before, not as a slope."""


def draw_band(axes: Axes, target: Target) -> None:
    """The band, with its name for the legend and borders that are seen without colour."""
    name = f"band {target.low_percent:g} to {target.high_percent:g} %"
    axes.axhspan(target.low_percent, target.high_percent, color=BAND, alpha=0.18, linewidth=0, label=name)
    for border in (target.low_percent, target.high_percent):
        axes.axhline(border, color=BAND, linewidth=0.8, linestyle="--", alpha=0.8)


def draw_cpu(axes: Axes, told: Told, unit_s: float) -> None:
    """Single samples faint, windows strong, throttled periods where there were any."""
    kept = told.samples[:: -(-len(told.samples) // DOTS)]
    axes.plot(
        [sample.time_s / unit_s for sample in kept],
        [sample.cpu_percent for sample in kept],
        linestyle="none",
        marker=".",
        markersize=5,
        markeredgewidth=0,
        color=OTHER,
        alpha=0.6,
        label="samples",
    )
    times, means = staircase(told, unit_s, [window.cpu_percent for window in told.windows])
    axes.plot(
        times, means, color=PALETTE[0], linewidth=2.2, drawstyle=STEPS, label=f"windows of {WINDOW_S:g} s"
    )
    if any(window.throttled_percent >= 0.5 for window in told.windows):
        times, shares = staircase(told, unit_s, [window.throttled_percent for window in told.windows])
        axes.plot(
            times,
            shares,
            drawstyle=STEPS,
            color=PALETTE[1],
            linewidth=1.2,
            linestyle=":",
            label="periods throttled",
        )
    highest = max(sample.cpu_percent for sample in told.samples)
    axes.set_ylim(0, max(105.0, min(highest * 1.05, 150.0)))
    axes.set_yticks([0, 25, 50, 75, 100])
    axes.set_title("CPU, % of the limit")
    only_horizontal_grid(axes)


def staircase(told: Told, unit_s: float, values: Sequence[float]) -> tuple[list[float], list[float]]:
    """Windows as a line of steps: each value from the start of its window to its end."""
    times = [time / unit_s for window in told.windows for time in (window.start_s, window.end_s)]
    return times, [value for value in values for _ in range(2)]


def draw_rate(axes: Axes, told: Told, unit_s: float, *, colour: str, dash: str = "-", name: str = "") -> None:
    """What each agent's bucket was given, as steps."""
    times, rates = staircase(told, unit_s, [window.rate for window in told.windows])
    axes.plot(times, rates, drawstyle=STEPS, color=colour, linestyle=dash, linewidth=2, label=name or None)


def rate_axis(axes: Axes, rates: Sequence[float]) -> None:
    """Room for these rates, logarithmic where they span much; ticks as plain numbers."""
    positive = [rate for rate in rates if rate > 0] or [1.0]
    least, most = min(positive), max(positive)
    if most / least >= DECADE:
        axes.set_yscale("log")
        axes.set_ylim(least / 1.35, most * 1.35)
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if most / least < 300 else (1,), numticks=12))
        axes.yaxis.set_minor_formatter(NullFormatter())
        axes.minorticks_off()
    else:
        axes.set_ylim(0, most * 1.2)
    axes.yaxis.set_major_formatter("{x:,g}")
    only_horizontal_grid(axes)


def time_unit(seconds: float) -> tuple[float, str]:
    """The unit for an axis of that length: seconds in it, and its label."""
    unit_ns, label = time_axis(round(seconds * SECOND_NS), "time since the workload was ready")
    return unit_ns / SECOND_NS, label


def number(upper: Axes, panels: Sequence[Axes], marks: Sequence[Adjustment], unit_s: float) -> int:
    """Mark adjustments by thin lines through all panels and numbers on top; returns how many rows of numbers."""
    left, right = upper.get_xlim()
    ends = [-1.0] * ROWS
    used = 0
    for mark in marks:
        place = (mark.time_s / unit_s - left) / (right - left)
        for axes in panels:
            axes.axvline(mark.time_s / unit_s, color=GRID, linewidth=0.9, zorder=0.5)
        row = next((row for row in range(ROWS) if place - ends[row] >= NUMBER_ROOM), None)
        if row is None:
            continue  # the table has them all
        ends[row] = place
        used = max(used, row + 1)
        upper.annotate(
            str(mark.number),
            (place, 1.0),
            xycoords="axes fraction",
            xytext=(0, 3 + 11 * row),
            textcoords="offset points",
            ha="center",
            fontsize=8,
            color=INK,
        )
    return used


def label_line(axes: Axes, height: float, text: str, *, dash: str = "--", left: bool = False) -> None:
    """A horizontal limit with its name above it, at the right end or at the left."""
    axes.axhline(height, color=MUTED, linewidth=1, linestyle=dash)
    axes.annotate(
        text,
        (0.0 if left else 1.0, height),
        xycoords=("axes fraction", "data"),
        xytext=(4 if left else -2, 3),
        textcoords="offset points",
        ha="left" if left else "right",
        fontsize=8,
        color=MUTED,
    )
