"""Shapes that several figures are made of: stacked steps over time, and bars with their names and values."""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes

from ecology.observe.pages.canvas import INK, MUTED, PAPER, only_horizontal_grid
from ecology.observe.pages.plate import short, time_axis

Numbers = np.ndarray[tuple[int], np.dtype[np.float64]]


def rates(
    bins: Mapping[str, list[int]], bin_ns: int, end_ns: int, per_ns: int, wanted: int
) -> tuple[Numbers, dict[str, Numbers]]:
    """Edges in ns, and how much of each kind per `per_ns` lies between them: bins merged into about `wanted`."""
    count = max(len(row) for row in bins.values())
    merged = -(-count // wanted)
    starts = np.arange(0, count, merged)
    edges = np.append(starts * bin_ns, end_ns).astype(np.float64)
    if len(edges) > 2 and edges[-1] - edges[-2] < merged * bin_ns / 2:
        starts, edges = starts[:-1], np.delete(edges, -2)  # a stub of a bin joins the one before
    widths = np.maximum(np.diff(edges), 1.0) / per_ns
    return edges, {kind: np.add.reduceat(np.array(row), starts) / widths for kind, row in bins.items()}


def stack_steps(axes: Axes, edges: Numbers, layers: Mapping[str, Numbers], palette: list[str]) -> None:
    """Layers over world time, one on the other: each height holds until the next edge."""
    unit_ns, label = time_axis(int(edges[-1]))
    closed = [np.append(layer, layer[-1]) for layer in layers.values()]
    axes.stackplot(
        edges / unit_ns,
        closed,
        labels=[short(kind) for kind in layers],
        colors=palette,
        step="post",
        edgecolor=PAPER,
        linewidth=0.25,
    )
    axes.set_xlim(0, edges[-1] / unit_ns or 1)
    axes.set_xlabel(label)
    axes.yaxis.set_major_formatter("{x:,g}")
    only_horizontal_grid(axes)


def name_bars(axes: Axes, names: list[str], values: list[int]) -> None:
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
