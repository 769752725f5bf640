"""How the rate was found: rate, CPU and memory over time, and one method beside the other."""

from calibrate.control import Refused, Settled
from calibrate.levels import WINDOW_S
from ecology.observe import numerals
from ecology.observe.calibration.findings import Findings, Told
from ecology.observe.calibration.strokes import (
    STEPS,
    draw_band,
    draw_cpu,
    draw_rate,
    label_line,
    number,
    rate_axis,
    staircase,
    time_unit,
)
from ecology.observe.calibration.words import rate, spell, took
from ecology.observe.pages.canvas import PALETTE, drawing, inline_svg, only_horizontal_grid
from ecology.observe.pages.plate import Plate

NOTE = (
    "Numbers on top are the adjustments of the table below. Rates are tokens per second of one agent; faint dots are "
    "single samples, on which nothing is decided."
)


def course(findings: Findings) -> Plate:
    """Rate, CPU and memory of the search, every adjustment marked."""
    name, title, told = "course", "Rate against time, with CPU and memory", findings.settle
    if told is None or not told.samples:
        return Plate(name=name, title=title, reading="", missing="No sample was taken before the end.")
    unit_s, label = time_unit(told.seconds)
    with drawing(10, 6.4) as figure:
        upper, middle, lower = figure.subplots(3, 1, sharex=True, height_ratios=(5, 5, 2.6))
        upper.set_xlim(0, told.seconds / unit_s)
        draw_rate(upper, told, unit_s, colour=PALETTE[3])
        rate_axis(upper, [window.rate for window in told.windows])
        draw_band(middle, findings.target)
        draw_cpu(middle, told, unit_s)
        times, memory = staircase(told, unit_s, [window.memory_percent for window in told.windows])
        lower.plot(times, memory, drawstyle=STEPS, color=PALETTE[4], linewidth=2)
        label_line(lower, findings.target.memory_percent, f"below {findings.target.memory_percent:g} %")
        lower.set(ylim=(0, 112), yticks=(0, 50, 100), xlabel=label)
        lower.set_title("memory, % of the limit")
        only_horizontal_grid(lower)
        rows = number(upper, (upper, middle, lower), told.adjustments, unit_s)
        upper.set_title("rate of one agent, tokens/s", pad=10 + 11 * rows)
        figure.legend(*middle.get_legend_handles_labels(), loc="outside lower left", ncols=4)
        reading = _reading(findings, told)
        svg = inline_svg(figure, name, title, reading)
    return Plate(
        name=name,
        title=title,
        reading=reading,
        svg=svg,
        note=NOTE,
        header=["window", "rate, tokens/s", "CPU", "throttled", "memory"],
        rows=[
            [
                f"{window.start_s:.0f} to {window.end_s:.0f} s",
                rate(window.rate),
                numerals.share(window.cpu_percent / 100),
                numerals.share(window.throttled_percent / 100),
                numerals.share(window.memory_percent / 100),
            ]
            for window in told.windows
        ],
    )


def compare(findings: Findings) -> Plate | None:
    """The other method's course beside the one that counts; None if no other was tried."""
    name, title = "compare", "The two methods side by side"
    ways = [told for told in (findings.settle, findings.compare) if told is not None and told.samples]
    if len(ways) < 2:
        return None
    longest = max(told.seconds for told in ways)
    unit_s, label = time_unit(longest)
    with drawing(10, 4.6) as figure:
        upper, lower = figure.subplots(2, 1, sharex=True)
        upper.set_xlim(0, longest / unit_s)
        draw_band(lower, findings.target)
        for told, colour, dash in zip(ways, (PALETTE[0], PALETTE[1]), ("-", "--"), strict=True):
            draw_rate(upper, told, unit_s, colour=colour, dash=dash)
            times, means = staircase(told, unit_s, [window.cpu_percent for window in told.windows])
            lower.plot(
                times, means, drawstyle=STEPS, color=colour, linestyle=dash, label=spell(told.course.method)
            )
            last = told.windows[-1]
            for axes, height in ((upper, last.rate), (lower, last.cpu_percent)):
                axes.plot(told.seconds / unit_s, height, marker="o", color=colour, clip_on=False)
        rate_axis(upper, [window.rate for told in ways for window in told.windows])
        upper.set_title("rate of one agent, tokens/s")
        lower.set(ylim=(0, 105), yticks=(0, 25, 50, 75, 100), xlabel=label)
        lower.set_title(f"CPU, % of the limit (windows of {WINDOW_S:g} s)")
        only_horizontal_grid(lower)
        figure.legend(*lower.get_legend_handles_labels(), loc="outside lower left", ncols=4)
        reading = "; ".join(
            f"{spell(told.course.method)}: {len(told.adjustments):,} "
            f"adjustment{'s' if len(told.adjustments) != 1 else ''}, {took(told.seconds)}, {_came_to(told)}"
            for told in ways
        )
        svg = inline_svg(figure, name, title, f"{reading}.")
    return Plate(
        name=name,
        title=title,
        reading=f"{reading}.",
        svg=svg,
        note="Each line ends with a dot where its method was done; both began with the workload being ready.",
        header=["method", "adjustments", "time to settle", "rate, tokens/s", "CPU there"],
        rows=[compare_row(told) for told in ways],
    )


def compare_row(told: Told) -> list[str]:
    """A method and what it took; "-" for what it did not reach."""
    end = told.end
    found = (
        [rate(end.rate), numerals.share(end.cpu_percent / 100)] if isinstance(end, Settled) else ["-", "-"]
    )
    time = took(told.seconds) if isinstance(end, Settled) else f"not settled after {took(told.seconds)}"
    return [spell(told.course.method), f"{len(told.adjustments):,}", time, *found]


def _came_to(told: Told) -> str:
    if isinstance(told.end, Settled):
        return f"settled at {rate(told.end.rate)} tokens/s"
    return "refused" if isinstance(told.end, Refused) else "not settled"


def _reading(findings: Findings, told: Told) -> str:
    times = len(told.adjustments)
    steps = f"{times:,} adjustment{'s' if times != 1 else ''} in {took(told.seconds)}"
    if findings.settled is not None:
        end = findings.settled
        return (
            f"{steps} led to {rate(end.rate)} tokens/s for each of {told.course.agents:,} agents, where CPU was "
            f"{end.cpu_percent:.1f} % ± {end.cpu_error:.1f} of the limit."
        )
    if isinstance(told.end, Refused):
        why = "" if told.end.why == findings.record.verdict else f": {told.end.why}"
        return f"{steps}, and no rate was found{why}."
    return f"{steps}, then it ended without a rate: {told.course.why_ended or 'the record does not say why'}."
