"""Who deals with whom, drawn."""

import math

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection

from ecology.observe import numerals
from ecology.observe.measures.exchange import Edge
from ecology.observe.pages.canvas import INK, MUTED, PAPER, colour, drawing, inline_svg
from ecology.observe.pages.plate import Plate, short
from ecology.observe.report.network_layout import Spot, arrange, backbone, weight
from ecology.observe.report.story import Story

SHOWN_ROWS = 12
_NAMED_NODES = 5


def transfer_network(story: Story) -> Plate:
    """The heaviest edges of the network of transfers, laid out by forces along them."""
    name, title = "network", "Transfer network"
    edges = backbone(story.edges)
    if not edges:
        return Plate(name=name, title=title, reading="", missing="No transfer between principals took place.")
    spots, heaviest = arrange(edges), weight(edges[0])
    with drawing(10, 6.2 if len(spots) > 12 else 4.4) as figure:
        axes = figure.subplots()
        _draw_edges(axes, edges, spots, heaviest)
        _draw_nodes(axes, story, spots)
        axes.set_axis_off()
        axes.margins(0.06)
        figure.legend(*axes.get_legend_handles_labels(), loc="outside lower left", ncols=6)
        reading = _reading(story)
        svg = inline_svg(figure, name, title, reading)
    pairs = story.measured.measures.transacting_pairs
    shown = (
        f"all {pairs:,} pairs"
        if pairs == len(edges)
        else f"{len(edges):,} of {pairs:,} pairs, the heaviest first"
    )
    return Plate(
        name=name,
        title=title,
        reading=reading,
        svg=svg,
        note=f"Lines: {shown}; wider for more scrip. Discs: principals, area by wealth, colour by strategy.",
        header=["between", "and", "scrip", "dealings"],
        rows=[
            [story.ids[edge.first], story.ids[edge.second], f"{edge.scrip:,}", f"{edge.dealings:,}"]
            for edge in edges[:SHOWN_ROWS]
        ],
    )


def _area(wealth: float, nodes: int) -> float:
    """Area in square points of a principal with that share of the richest one's wealth; larger among few."""
    return 20 + max(wealth, 0.0) * min(800.0, max(160.0, 12_000 / nodes))


def _draw_edges(axes: Axes, edges: list[Edge], spots: dict[int, Spot], heaviest: float) -> None:
    widths = [0.3 + 2.6 * math.sqrt(weight(edge) / heaviest) for edge in edges]
    lines = [(spots[edge.first], spots[edge.second]) for edge in edges]
    axes.add_collection(LineCollection(lines, linewidths=widths, colors=MUTED, alpha=0.32, zorder=1))


def _draw_nodes(axes: Axes, story: Story, spots: dict[int, Spot]) -> None:
    richest = max(1, *(story.balances[who] for who in spots))
    for place, band in enumerate(story.bands):
        group = [who for who in spots if story.strategies[who] == band.strategy]
        if not group:
            continue
        x, y = np.array([spots[who] for who in group]).T
        areas = [_area(story.balances[who] / richest, len(spots)) for who in group]
        axes.scatter(x, y, s=areas, color=colour(place), edgecolors=PAPER, linewidths=0.9, zorder=2)
        axes.scatter([], [], s=48, color=colour(place), label=short(band.strategy))
    for who in sorted(spots, key=lambda who: (-story.balances[who], who))[:_NAMED_NODES]:
        radius = math.sqrt(_area(story.balances[who] / richest, len(spots)) / math.pi)
        axes.annotate(
            short(story.ids[who]), spots[who], xytext=(0, radius + 3), textcoords="offset points", ha="center",
            fontsize=8, color=INK, zorder=3,
        )  # fmt: skip


def _reading(story: Story) -> str:
    measures = story.measured.measures
    groups = f"one coalition of {measures.largest_coalition:,}"
    if measures.coalitions > 1:
        groups = f"{measures.coalitions:,} coalitions, the largest of {measures.largest_coalition:,}"
    return (
        f"{measures.transacting_pairs:,} pairs of principals dealt with each other "
        f"({numerals.share(measures.coordination_density)} of all pairs): {groups}."
    )
