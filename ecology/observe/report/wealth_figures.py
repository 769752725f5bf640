"""Wealth over time, its inequality at the end, and how it is spread within each strategy."""

import numpy as np
from matplotlib.axes import Axes

from ecology.observe import numerals
from ecology.observe.measures.wealth import lorenz
from ecology.observe.pages.canvas import (
    GRID,
    INK,
    MUTED,
    PALETTE,
    PAPER,
    colour,
    dash,
    drawing,
    inline_svg,
    only_horizontal_grid,
    only_vertical_grid,
)
from ecology.observe.pages.plate import Plate, short, time_axis
from ecology.observe.report.story import Story, WealthLine

_QUANTILES = (0.1, 0.25, 0.5, 0.75, 0.9)


def wealth_over_time(story: Story) -> Plate:
    """Median and quartiles of each strategy, and the richest principals one by one."""
    name, title = "wealth", "Wealth over time"
    if not story.measured.measures.supply:
        return Plate(name=name, title=title, reading="", missing="No scrip was issued in this run.")
    unit_ns, label = time_axis(story.measured.world_ns)
    with drawing(10, 3.7) as figure:
        left, right = figure.subplots(1, 2, width_ratios=(3, 2))
        for place, band in enumerate(story.bands):
            hours = np.array(band.times_ns) / unit_ns
            left.fill_between(hours, band.low, band.high, color=colour(place), alpha=0.16, linewidth=0)
            left.plot(
                hours, band.median, color=colour(place), linestyle=dash(place), label=short(band.strategy)
            )
        order = {band.strategy: place for place, band in enumerate(story.bands)}
        for line in story.richest:
            place = order[line.strategy]
            right.plot(
                np.array(line.times_ns) / unit_ns, line.wealth, color=colour(place), linestyle=dash(place)
            )
        _label_ends(right, story.richest)
        left.set_ylim(bottom=0)
        left.set_title("by strategy: median and quartiles")
        right.set_title(f"the {len(story.richest)} richest" if len(story.richest) > 1 else "the richest")
        for axes in (left, right):
            axes.set_xlabel(label)
            axes.set_ylabel("scrip")
            axes.set_xlim(0, story.measured.world_ns / unit_ns or 1)
            axes.yaxis.set_major_formatter("{x:,.0f}")
            only_horizontal_grid(axes)
        figure.legend(*left.get_legend_handles_labels(), loc="outside lower left", ncols=6)
        reading = _fortune_reading(story)
        svg = inline_svg(figure, name, title, reading)
    rows = [
        [band.strategy, *(numerals.count(values[-1], 1) for values in (band.low, band.median, band.high))]
        for band in story.bands
        if band.median
    ]
    return Plate(
        name=name,
        title=title,
        reading=reading,
        svg=svg,
        note="Left: median over the strategy's agents, band from the first to the third quartile.",
        header=["strategy", "1st quartile at the end", "median", "3rd quartile"],
        rows=rows,
    )


def inequality(story: Story) -> Plate:
    """The Lorenz curve with its Gini coefficient, and the spread of final wealth by strategy."""
    name, title = "inequality", "Inequality at the end"
    measures = story.measured.measures
    curve = lorenz(story.balances)
    if measures.gini is None or not curve:
        return Plate(name=name, title=title, reading="", missing="Nobody holds any scrip at the end.")
    with drawing(10, 3.7) as figure:
        left, right = figure.subplots(1, 2, width_ratios=(2, 3))
        shares, held = zip(*curve, strict=True)
        left.plot((0, 1), (0, 1), color=MUTED, linewidth=1, linestyle="--")
        left.fill_between(shares, shares, held, color=PALETTE[0], alpha=0.14, linewidth=0)
        left.plot(shares, held, color=PALETTE[0], linewidth=2.2)
        left.text(0.06, 0.9, f"Gini {measures.gini:.3f}", fontsize=12, fontweight="bold")
        left.text(0.53, 0.57, "equality", color=MUTED, rotation=45, rotation_mode="anchor")
        left.set(xlim=(0, 1), ylim=(0, 1), aspect="equal", title="Lorenz curve")
        left.set_xlabel("share of principals, poorest first")
        left.set_ylabel("share of the scrip they hold")
        for axis in (left.xaxis, left.yaxis):
            axis.set_ticks([0, 0.25, 0.5, 0.75, 1])
            axis.set_major_formatter(lambda value, _: f"{value:.0%}")
        rows = _spread(right, story)
        reading = (
            f"The Gini coefficient of scrip is {numerals.ratio(measures.gini)}; "
            f"the richest tenth holds {numerals.share(measures.top_share)} of it."
        )
        svg = inline_svg(figure, name, title, reading)
    return Plate(
        name=name,
        title=title,
        reading=reading,
        svg=svg,
        note="Right: thin line from p10 to p90, thick line between the quartiles, dot at the median.",
        header=["strategy", "agents", "p10", "p25", "median", "p75", "p90"],
        rows=rows,
    )


def _spread(axes: Axes, story: Story) -> list[list[str]]:
    """Draw one row per strategy; returns the numbers."""
    rows = []
    names = [band.strategy for band in story.bands]
    for place, strategy in enumerate(names):
        held = [
            wealth for wealth, own in zip(story.balances, story.strategies, strict=True) if own == strategy
        ]
        p10, p25, p50, p75, p90 = (float(value) for value in np.quantile(held, _QUANTILES))
        axes.plot((p10, p90), (place, place), color=colour(place), linewidth=1.6)
        axes.plot((p25, p75), (place, place), color=colour(place), linewidth=7, alpha=0.55)
        axes.plot(
            [p50],
            [place],
            "o",
            color=colour(place),
            markersize=7.5,
            markeredgecolor=PAPER,
            markeredgewidth=1.3,
        )
        rows.append(
            [strategy, numerals.count(len(held)), *(numerals.count(p, 1) for p in (p10, p25, p50, p75, p90))]
        )
    axes.set_yticks(range(len(names)), [short(strategy) for strategy in names])
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.set_xlim(left=-0.025 * axes.get_xlim()[1])
    axes.tick_params(axis="y", labelcolor=INK)
    axes.set_title("final wealth by strategy")
    axes.set_xlabel("scrip")
    axes.xaxis.set_major_formatter("{x:,.0f}")
    only_vertical_grid(axes)
    axes.axvline(0, color=GRID, linewidth=1)
    return rows


def _label_ends(axes: Axes, lines: list[WealthLine]) -> None:
    """Names at the right end of lines, pushed apart where they would overlap."""
    top = 1.06 * max((max(line.wealth) for line in lines), default=0) or 1.0
    axes.set_ylim(0, top)
    ceiling = float("inf")
    for line in sorted(lines, key=lambda line: -line.wealth[-1]):
        ceiling = min(line.wealth[-1] / top, ceiling - 0.058)
        axes.annotate(
            short(line.id),
            (1, ceiling),
            xycoords="axes fraction",
            xytext=(5, 0),
            textcoords="offset points",
            va="center",
            fontsize=8,
            color=MUTED,
        )


def _fortune_reading(story: Story) -> str:
    ranking = story.measured.measures.strategies
    if len(ranking) < 2:
        mean = numerals.count(ranking[0].mean_wealth, 1)
        return f"All principals follow one strategy and end with {mean} scrip on average."
    first, last = ranking[0], ranking[-1]
    return (
        f"At the end the strategy {first.strategy} holds the most, {numerals.count(first.mean_wealth, 1)} scrip per "
        f"agent, and {last.strategy} the least, {numerals.count(last.mean_wealth, 1)}."
    )
