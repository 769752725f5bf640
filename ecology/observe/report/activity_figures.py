"""What agents do with their time: actions over time and in total, refusals, states."""

import numpy as np
from matplotlib.axes import Axes

from ecology.core.clock import SECOND_NS
from ecology.observe import numerals
from ecology.observe.measures.health import STATES
from ecology.observe.measures.tempo import TempoSeries
from ecology.observe.report.canvas import (
    INK,
    MUTED,
    OTHER,
    PALETTE,
    PAPER,
    colour,
    drawing,
    inline_svg,
    only_horizontal_grid,
    only_vertical_grid,
)
from ecology.observe.report.plate import Plate, short, time_axis
from ecology.observe.report.story import Story

SHOWN_KINDS = 6
SHOWN_REASONS = 12
_STATE_COLOURS = {"active": PALETTE[2], "asleep": OTHER, "blocked": PALETTE[1], "frozen": PALETTE[0]}


def actions(story: Story) -> Plate:
    """Actions by type: stacked over time, and in total with what was refused of them."""
    name, title = "actions", "Actions by type"
    counts = story.measured.measures.actions_by_type
    if not counts:
        return Plate(name=name, title=title, reading="", missing="No agent acted in this run.")
    total, refused = story.measured.actions, sum(story.measured.refusals.values())
    with drawing(10, 3.8) as figure:
        left, right = figure.subplots(1, 2, width_ratios=(3, 2))
        _stack(left, story)
        kinds = list(counts)
        palette = [colour(place) if place < SHOWN_KINDS else OTHER for place in range(len(kinds))]
        done = [counts[kind].committed for kind in kinds]
        denied = [counts[kind].refused for kind in kinds]
        places = range(len(kinds))
        right.barh(places, done, color=palette, height=0.68)
        right.barh(
            places,
            denied,
            left=done,
            color="none",
            edgecolor=palette,
            hatch="/////",
            height=0.68,
            linewidth=0.8,
        )
        _name_bars(right, [short(kind) for kind in kinds], [a + b for a, b in zip(done, denied, strict=True)])
        right.set_title("in total (hatched: refused)")
        figure.legend(*left.get_legend_handles_labels(), loc="outside lower left", ncols=7)
        reading = (
            f"{total:,} actions, most often {kinds[0]} ({numerals.share((done[0] + denied[0]) / total)}); "
            f"{numerals.share(refused / total)} were refused."
        )
        svg = inline_svg(figure, name, title, reading)
    return Plate(
        name=name,
        title=title,
        reading=reading,
        svg=svg,
        header=["action", "committed", "refused", "share of all"],
        rows=[
            [
                kind,
                f"{count.committed:,}",
                f"{count.refused:,}",
                numerals.share((count.committed + count.refused) / total),
            ]
            for kind, count in counts.items()
        ],
    )


def refusals(story: Story) -> Plate:
    """Refusals by reason."""
    name, title = "refusals", "Refusals by reason"
    reasons = story.measured.refusals
    if not reasons:
        return Plate(name=name, title=title, reading="", missing="Nothing was refused in this run.")
    shown = list(reasons.items())[:SHOWN_REASONS]
    total = sum(reasons.values())
    with drawing(5.4, 0.9 + 0.28 * max(len(shown), 3)) as figure:
        axes = figure.subplots()
        axes.barh(range(len(shown)), [times for _, times in shown], color=PALETTE[1], height=0.66)
        _name_bars(axes, [short(reason) for reason, _ in shown], [times for _, times in shown])
        reading = f"{total:,} refusals, most often {shown[0][0]} ({numerals.share(shown[0][1] / total)})."
        svg = inline_svg(figure, name, title, reading)
    return Plate(
        name=name,
        title=title,
        reading=reading,
        svg=svg,
        header=["reason", "refusals", "share"],
        rows=[[reason, f"{times:,}", numerals.share(times / total)] for reason, times in reasons.items()],
    )


def states(story: Story) -> Plate:
    """How each strategy's agents spent their lives."""
    name, title = "states", "Time active, asleep, blocked"
    lived = {strategy: shares for strategy, shares in story.states.items() if shares}
    if not lived:
        return Plate(name=name, title=title, reading="", missing="No agent lived long enough to spend time.")
    with drawing(5.4, 1.2 + 0.36 * len(lived)) as figure:
        axes = figure.subplots()
        left = np.zeros(len(lived))
        for state in STATES:
            widths = np.array([shares[state] for shares in lived.values()])
            if widths.any():
                axes.barh(
                    range(len(lived)), widths, left=left, height=0.62, color=_STATE_COLOURS[state], label=state,
                    edgecolor=PAPER, linewidth=0.6,
                )  # fmt: skip
            left += widths
        axes.set_yticks(range(len(lived)), [short(strategy) for strategy in lived])
        axes.set_ylim(len(lived) - 0.4, -0.6)
        axes.set_xlim(0, 1)
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
        axes.tick_params(axis="y", labelcolor=INK)
        only_vertical_grid(axes)
        figure.legend(*axes.get_legend_handles_labels(), loc="outside lower left", ncols=4)
        health = story.measured.measures.health
        reading = (
            f"Of all agents' time, {numerals.share(health.active)} was active, {numerals.share(health.asleep)} asleep, "
            f"{numerals.share(health.blocked)} blocked and {numerals.share(health.frozen)} frozen."
        )
        svg = inline_svg(figure, name, title, reading)
    return Plate(
        name=name,
        title=title,
        reading=reading,
        svg=svg,
        header=["strategy", *STATES],
        rows=[
            [strategy, *(numerals.share(shares[state]) for state in STATES)]
            for strategy, shares in lived.items()
        ],
    )


def _stack(axes: Axes, story: Story) -> None:
    edges, heights = _rates(story.tempo, story.measured.world_ns, story.measured.actions)
    unit_ns, label = time_axis(story.measured.world_ns)
    kinds = list(heights)
    layers = [heights[kind] for kind in kinds[:SHOWN_KINDS]]
    names = [short(kind) for kind in kinds[:SHOWN_KINDS]]
    palette = [colour(place) for place in range(len(names))]
    if len(kinds) > SHOWN_KINDS:
        layers.append(np.sum([heights[kind] for kind in kinds[SHOWN_KINDS:]], axis=0))
        names.append(f"{len(kinds) - SHOWN_KINDS} others")
        palette.append(OTHER)
    # Steps: each bin's height holds until the next bin begins.
    closed = [np.append(layer, layer[-1]) for layer in layers]
    axes.stackplot(
        edges / unit_ns, closed, labels=names, colors=palette, step="post", edgecolor=PAPER, linewidth=0.25
    )
    axes.set_xlim(0, edges[-1] / unit_ns or 1)
    axes.set_title("per second of world time")
    axes.set_xlabel(label)
    axes.set_ylabel("actions/s")
    axes.yaxis.set_major_formatter("{x:,g}")
    only_horizontal_grid(axes)


def _rates(
    tempo: TempoSeries, end_ns: int, total: int
) -> tuple[
    np.ndarray[tuple[int], np.dtype[np.float64]], dict[str, np.ndarray[tuple[int], np.dtype[np.float64]]]
]:
    """Bin edges in ns, and actions per second by kind: bins merged until they hold enough actions to mean
    something."""
    bins = max(len(counts) for counts in tempo.counts.values())
    wanted = max(8, min(80, total // 25))
    merged = -(-bins // wanted)
    starts = np.arange(0, bins, merged)
    edges = np.append(starts * tempo.bin_ns, end_ns).astype(np.float64)
    if len(edges) > 2 and edges[-1] - edges[-2] < merged * tempo.bin_ns / 2:
        starts, edges = starts[:-1], np.delete(edges, -2)  # a stub of a bin joins the one before
    widths = np.maximum(np.diff(edges), 1.0) / SECOND_NS
    return edges, {
        kind: np.add.reduceat(np.array(counts), starts) / widths for kind, counts in tempo.counts.items()
    }


def _name_bars(axes: Axes, names: list[str], values: list[int]) -> None:
    """Names left of horizontal bars, values right of them, the first on top; no axis is needed then."""
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(max(len(names), 3) - 0.4, -0.6)
    axes.tick_params(axis="y", labelcolor=INK)
    axes.set_xlim(0, max(values) * 1.18)
    axes.set_xticks([])
    axes.spines["bottom"].set_visible(False)
    axes.grid(visible=False)
    for place, value in enumerate(values):
        axes.annotate(
            f"{value:,}",
            (value, place),
            xytext=(4, 0),
            textcoords="offset points",
            va="center",
            fontsize=8,
            color=MUTED,
        )
