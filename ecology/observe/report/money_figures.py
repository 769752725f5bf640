"""Where money comes from: the supply over time, and what a place among the mint's winners cost."""

import numpy as np

from ecology.observe import numerals
from ecology.observe.measures.prices import MINT
from ecology.observe.pages.canvas import OTHER, PALETTE, PAPER, drawing, inline_svg, only_horizontal_grid
from ecology.observe.pages.plate import Plate, time_axis
from ecology.observe.report.market_figures import draw_prices, say_nothing
from ecology.observe.report.story import Story


def money(story: Story) -> Plate:
    """The supply, split into what was there from the start and what was minted, and the mint's prices."""
    name, title = "money", "Supply and mint"
    supply = story.supply
    if not any(supply.supply):
        return Plate(name=name, title=title, reading="", missing="No scrip was issued in this run.")
    unit_ns, label = time_axis(story.measured.world_ns)
    times = np.array(supply.times_ns) / unit_ns
    minted = np.array(supply.minted)
    with drawing(10, 3.3) as figure:
        left, right = figure.subplots(1, 2, width_ratios=(3, 2))
        left.stackplot(
            times,
            [np.array(supply.supply) - minted, minted],
            labels=["granted", "minted"],
            colors=[OTHER, PALETTE[2]],
            step="post",
            edgecolor=PAPER,
            linewidth=0.25,
        )
        left.set_xlim(0, story.measured.world_ns / unit_ns or 1)
        left.set_title("scrip in existence")
        left.set_xlabel(label)
        left.set_ylabel("scrip")
        left.yaxis.set_major_formatter("{x:,.0f}")
        only_horizontal_grid(left)
        if MINT in story.prices:
            draw_prices(right, story, {"price": story.prices[MINT]}, [PALETTE[2]], "price of a winning bid")
        else:
            right.set_title("price of a winning bid")
            say_nothing(right, "no bid won")
        figure.legend(*left.get_legend_handles_labels(), loc="outside lower left", ncols=2)
        reading = _reading(story)
        svg = inline_svg(figure, name, title, reading)
    return Plate(
        name=name,
        title=title,
        reading=reading,
        svg=svg,
        note="Winners of a resolution all pay the highest losing bid; other families share what they pay.",
        header=["mint", "value"],
        rows=_rows(story),
    )


def _reading(story: Story) -> str:
    mint, supply = story.measured.mint, story.measured.measures.supply
    if not mint.minted:
        return f"{supply:,} scrip exist at the end; none of it was minted."
    return (
        f"{supply:,} scrip exist at the end, {numerals.share(mint.minted / supply if supply else None)} of it minted "
        f"in {mint.resolutions:,} resolutions for works with a mean score of {numerals.count(mint.mean_score, 1)}."
    )


def _rows(story: Story) -> list[list[str]]:
    mint = story.measured.mint
    return [
        ["resolutions", numerals.count(mint.resolutions)],
        ["bids", numerals.count(mint.bids)],
        ["won", numerals.count(mint.won)],
        ["lost", numerals.count(mint.lost)],
        ["without a score", numerals.count(mint.failed)],
        ["mean score of the won", numerals.count(mint.mean_score, 1)],
        ["scrip minted", numerals.count(mint.minted)],
        ["scrip paid by winners", numerals.count(mint.paid)],
    ]
