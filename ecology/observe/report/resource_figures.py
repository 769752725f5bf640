"""How full the buckets are."""

import numpy as np

from ecology.observe import numerals
from ecology.observe.pages.canvas import MUTED, PALETTE, drawing, inline_svg, only_horizontal_grid
from ecology.observe.pages.plate import Plate, time_axis
from ecology.observe.report.story import Story

_PANELS = (("llm_rate", "compute tokens", 1_000), ("cpu", "CPU milliseconds", 1_000))
"""Resource, unit shown, base units in it."""

NOTE = "Levels as stated after each agent's latest turn; nothing is inferred between turns."
FLOW_NOTE = " The flow of tokens was changed: with a higher one a bucket holds more than by its rights."


def bucket_levels(story: Story) -> Plate:
    """Quantiles over agents of what is left in each bucket after a turn."""
    name, title = "levels", "Bucket levels"
    if not story.levels:
        return Plate(
            name=name, title=title, reading="", missing="No agent acted, so no event states a level."
        )
    unit_ns, label = time_axis(story.measured.world_ns)
    rows, left_over = [], []
    changed = story.measured.flow.changes > 0
    with drawing(10, 3.2) as figure:
        panels = figure.subplots(1, 2)
        for axes, (resource, unit, divisor) in zip(panels, _PANELS, strict=True):
            series = story.levels[resource]
            time = np.array(series.times_ns) / unit_ns
            low, median, high = (
                np.array(values) / divisor for values in (series.low, series.median, series.high)
            )
            axes.fill_between(time, low, high, color=PALETTE[0], alpha=0.2, linewidth=0, label="p10 to p90")
            axes.plot(time, median, color=PALETTE[0], label="median agent")
            capacity = story.mean_capacity[resource]
            if capacity is not None:
                name_it = "mean capacity by rights" if changed else "mean capacity"
                axes.axhline(capacity / divisor, color=MUTED, linewidth=1, linestyle="--", label=name_it)
            axes.set(
                title=f"{resource} ({unit})", xlabel=label, xlim=(0, story.measured.world_ns / unit_ns or 1)
            )
            axes.set_ylim(0, 1.06 * max(float(high.max()), (capacity or 0) / divisor) or 1)
            axes.yaxis.set_major_formatter("{x:,g}")
            only_horizontal_grid(axes)
            rows.append([resource, *(numerals.count(values[-1], 1) for values in (low, median, high))])
            left_over.append(f"{numerals.count(median[-1], 1)} {unit}")
        figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower left", ncols=3)
        reading = f"After its last turn the median agent had {' and '.join(left_over)} left."
        svg = inline_svg(figure, name, title, reading)
    return Plate(
        name=name,
        title=title,
        reading=reading,
        svg=svg,
        note=NOTE + (FLOW_NOTE if changed else ""),
        header=["bucket", "p10 at the end", "median", "p90"],
        rows=rows,
    )
