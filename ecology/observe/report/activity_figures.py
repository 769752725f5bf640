"""What agents do with their time: actions over time and in total, refusals, states."""

import numpy as np
from matplotlib.axes import Axes

from ecology.core.clock import SECOND_NS
from ecology.observe import numerals
from ecology.observe.measures.health import STATES
from ecology.observe.pages.canvas import (
    INK,
    OTHER,
    PALETTE,
    PAPER,
    colour,
    drawing,
    inline_svg,
    only_vertical_grid,
)
from ecology.observe.pages.plate import Plate, short
from ecology.observe.report.shapes import name_bars, rates, stack_steps
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
        name_bars(right, [short(kind) for kind in kinds], [a + b for a, b in zip(done, denied, strict=True)])
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
        name_bars(axes, [short(reason) for reason, _ in shown], [times for _, times in shown])
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
    counts, measured = story.tempo.counts, story.measured
    wanted = max(8, min(80, measured.actions // 25))
    edges, heights = rates(counts, story.tempo.bin_ns, measured.world_ns, SECOND_NS, wanted)
    layers = dict(list(heights.items())[:SHOWN_KINDS])
    palette = [colour(place) for place in range(len(layers))]
    if len(heights) > SHOWN_KINDS:
        others = list(heights.values())[SHOWN_KINDS:]
        layers[f"{len(others)} others"] = np.sum(others, axis=0)
        palette.append(OTHER)
    stack_steps(axes, edges, layers, palette)
    axes.set_title("per second of world time")
    axes.set_ylabel("actions/s")
