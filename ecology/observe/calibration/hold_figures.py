"""Whether it holds, and where the knee is: the hold-out over time, and CPU against what was really spent."""

import numpy as np
from matplotlib.axes import Axes

from calibrate.control import Target
from calibrate.levels import WINDOW_S
from ecology.observe import numerals
from ecology.observe.calibration.findings import Findings
from ecology.observe.calibration.holding import summed_up, unproven
from ecology.observe.calibration.strokes import draw_band, draw_cpu, label_line, time_unit
from ecology.observe.calibration.words import rate, took
from ecology.observe.pages.canvas import INK, MUTED, PALETTE, PAPER, drawing, inline_svg, only_horizontal_grid
from ecology.observe.pages.plate import Plate

PURPOSES = {
    "settle": ("the search", "o", PALETTE[0]),
    "hold-out": ("hold-out", "s", PALETTE[2]),
    "compare": ("the other method", "^", PALETTE[1]),
    "probe": ("probe", "D", PALETTE[4]),
}
WIDEST_BAR = 0.15
"""Of the axis: an error that is larger says only that nothing is known."""
FAR = 1.6
"""A knee further to the right than this, in multiples of what was measured, is not drawn."""


def hold_out(findings: Findings) -> Plate:
    """CPU over the separate run at the found rate."""
    name, title, held = "hold-out", "The found rate, held in a run of its own", findings.hold_out
    if held is None:
        return Plate(
            name=name,
            title=title,
            reading="",
            missing=unproven(findings),
        )
    unit_s, label = time_unit(held.told.seconds)
    target, by_band = findings.target, held.judged.expected_spent is None
    right = "in the band" if by_band else f"below {target.high_percent:g} %"
    with drawing(10, 3.4) as figure:
        axes = figure.subplots()
        axes.set_xlim(0, held.told.seconds / unit_s)
        draw_band(axes, target)
        draw_cpu(axes, held.told, unit_s)
        axes.axhline(held.judged.mean_percent, color=INK, linewidth=1.2, linestyle="-.", label="mean")
        axes.set_xlabel(label)
        figure.legend(*axes.get_legend_handles_labels(), loc="outside lower left", ncols=5)
        reading = (
            f"At {rate(held.rate)} tokens/s: {summed_up(held, target)}."
            f"{'' if by_band else ' The CPU does not bind, so the band is not what was judged.'}"
        )
        svg = inline_svg(figure, name, title, reading)
    return Plate(
        name=name,
        title=title,
        reading=reading,
        svg=svg,
        note=f"Judged by windows of {WINDOW_S:g} s, not by single samples, and without the warm-up before them.",
        header=["window", "CPU", right, "throttled", "memory"],
        rows=[
            [
                f"{window.start_s:.0f} to {window.end_s:.0f} s",
                numerals.share(window.cpu_percent / 100),
                "yes" if _right(window.cpu_percent, target, by_band=by_band) else "no",
                numerals.share(window.throttled_percent / 100),
                numerals.share(window.memory_percent / 100),
            ]
            for window in held.told.windows
        ],
    )


def _right(cpu_percent: float, target: Target, *, by_band: bool) -> bool:
    return target.in_band(cpu_percent) if by_band else cpu_percent < target.high_percent


def knee(findings: Findings) -> Plate:
    """Every steady rate as a point with its errors, the curve through them, and where the limit ends it."""
    name, title = "knee", "CPU against what each agent spent: the knee"
    points = [one.point for one in findings.held]
    if not points:
        return Plate(
            name=name, title=title, reading="", missing="No rate was held long enough to be called steady."
        )
    rightmost = max(point.spent.value for point in points)
    edge = rightmost * 1.15 or 1.0
    if findings.knee is not None and findings.knee < FAR * rightmost:
        edge = max(edge, findings.knee * 1.12)
    with drawing(10, 4.2) as figure:
        axes = figure.subplots()
        axes.set(xlim=(0, edge), ylim=(0, 118), yticks=(0, 25, 50, 75, 100))
        draw_band(axes, findings.target)
        label_line(axes, 100.0, "all of the limit: more rate only makes longer queues", left=True)
        _draw_curve(axes, findings, edge)
        _draw_points(axes, findings)
        axes.set_xlabel("tokens/s that one agent really spent")
        axes.set_title("CPU, % of the limit")
        axes.xaxis.set_major_formatter("{x:,g}")
        only_horizontal_grid(axes)
        figure.legend(*axes.get_legend_handles_labels(), loc="outside lower left", ncols=7)
        reading = _reading(findings)
        svg = inline_svg(figure, name, title, reading)
    return Plate(
        name=name,
        title=title,
        reading=reading,
        svg=svg,
        note="Bars are 95 % confidence, left out where a hold was too short for one that says anything; hollow points "
        "were saturated and are not part of the fit. The first seconds after each change are left out.",
        header=[
            "held in", "rate given", "spent", "±", "CPU", "±", "throttled", "turns late", "one thread",
            "waited for a CPU", "for",
        ],
        rows=[
            [
                PURPOSES.get(one.purpose, (one.purpose, "", ""))[0],
                rate(point.rate),
                rate(point.spent.value),
                rate(point.spent.error),
                f"{point.cpu.value:.1f} %",
                f"{point.cpu.error:.1f}",
                numerals.share(point.throttled_percent / 100),
                f"{point.late_ms:,.0f} ms",
                f"{point.loop_percent:.0f} %",
                f"{point.loop_waited_percent:.0f} %",
                took(one.seconds),
            ]
            for one, point in ((one, one.point) for one in findings.held)
        ],
    )  # fmt: skip


def _draw_curve(axes: Axes, findings: Findings, edge: float) -> None:
    curve, corner = findings.curve, findings.knee
    if curve is None or corner is None:
        return
    along = np.linspace(0, min(edge, corner), 100)
    height = [100 * curve.cpus_at(spent * findings.record.agents) / findings.cpus for spent in along.tolist()]
    axes.plot(along, height, color=MUTED, linewidth=1.4, label="fit")
    if corner < edge:
        axes.plot([corner, edge], [100, 100], color=MUTED, linewidth=1.4)
        axes.plot(corner, 100, marker="v", color=INK, markersize=7, linestyle="none", label="knee")


def _draw_points(axes: Axes, findings: Findings) -> None:
    named: set[str] = set()
    for one in findings.held:
        point = one.point
        name, marker, colour = PURPOSES.get(one.purpose, ("other", "D", PALETTE[4]))
        axes.errorbar(
            point.spent.value,
            point.cpu.value,
            xerr=bar_of(point.spent.error, axes.get_xlim()[1]),
            yerr=bar_of(point.cpu.error, 100.0),
            marker=marker,
            markersize=6,
            color=colour,
            markerfacecolor=PAPER if point.saturated else colour,
            elinewidth=1,
            capsize=2,
            linestyle="none",
            label="_" if name in named else name,
        )
        named.add(name)
    rate_now = findings.rate
    if rate_now is not None and rate_now <= axes.get_xlim()[1]:
        axes.axvline(rate_now, color=INK, linewidth=0.9, linestyle=":")
        axes.annotate(
            f"found: {rate(rate_now)}",
            (rate_now, 2),
            xytext=(-4, 0),
            textcoords="offset points",
            rotation=90,
            ha="right",
            fontsize=8,
            color=INK,
        )


def bar_of(error: float, axis: float) -> float | None:
    """A bar, unless it would hide all others."""
    return error if error <= WIDEST_BAR * axis else None


def _reading(findings: Findings) -> str:
    curve, cost = findings.curve, findings.cpu_s_per_1000_tokens
    if curve is None or cost is None or findings.knee is None:
        return "The rates that were held are too few, or too much alike, for a curve through them."
    where = "in the middle of these rates" if findings.rate is None else "at the rate found"
    reading = (
        f"At rest the workload takes {100 * curve.base / findings.cpus:.1f} % of the CPU; {where} 1,000 tokens cost "
        f"{cost:.3g} CPU seconds, at half of it {cost * 2 ** (1 - curve.exponent):.3g}"
    )
    most = max(one.point.spent.value for one in findings.held)
    if findings.knee < FAR * most:
        return f"{reading}. The CPU is full at {rate(findings.knee)} tokens/s each."
    return f"{reading}. The knee is far from anything that was measured here."
