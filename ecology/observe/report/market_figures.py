"""What things cost: the rights to compute and to store, goods and tools; and what passed through escrow."""

import numpy as np
from matplotlib.axes import Axes

from ecology.core.clock import SECOND_NS
from ecology.observe import numerals
from ecology.observe.measures.prices import ARTIFACT, CALL, RENT, UNIT_OF_SALE, Price, PriceSeries
from ecology.observe.pages.canvas import (
    MUTED,
    PALETTE,
    PAPER,
    colour,
    dash,
    drawing,
    inline_svg,
    only_horizontal_grid,
)
from ecology.observe.pages.plate import Plate, short, time_axis
from ecology.observe.report.shapes import name_bars, rates, stack_steps
from ecology.observe.report.story import Story
from ecology.resources.assets import DISK, LLM_RATE

SHOWN_GOODS = 5
_MINUTE_NS = 60 * SECOND_NS

PRICE_HEADER = [
    "goods", "sales", "scrip per", "first", "median", "last", "variation early", "variation late", "settled",
]  # fmt: skip

_TURNOVER_COLOURS = {"rights": PALETTE[0], "rents": PALETTE[1], "artifacts": PALETTE[2]}
_WHAT_BINS = "Dots: volume-weighted price in equal stretches of world time, larger for more sales."


def prices_of_rights(story: Story) -> Plate:
    """What a token/s and a megabyte cost over time, for good and for an hour."""
    name, title = "rights", "Prices of rights"
    traded = [
        goods
        for goods in story.measured.prices
        if goods in UNIT_OF_SALE or goods.removeprefix(RENT) in UNIT_OF_SALE
    ]
    if not traded:
        return Plate(
            name=name, title=title, reading="", missing="No sales: no right was sold or let in this run."
        )
    rents = [goods for goods in (RENT + LLM_RATE, RENT + DISK) if goods in story.prices]
    panels = [(LLM_RATE, "a token/s"), (DISK, "a megabyte")]
    if rents:
        panels += [
            (RENT + LLM_RATE, "a token/s, let for an hour"),
            (RENT + DISK, "a megabyte, let for an hour"),
        ]
    with drawing(10, 3.1 if not rents else 5.8) as figure:
        grid = figure.subplots(len(panels) // 2, 2, squeeze=False)
        for place, (axes, (goods, words)) in enumerate(zip(grid.flat, panels, strict=True)):
            series = {goods: story.prices[goods]} if goods in story.prices else {}
            draw_prices(axes, story, series, [PALETTE[place // 2]], words)
        reading = " ".join(_sentence(words, story.measured.prices.get(goods)) for goods, words in panels[:2])
        svg = inline_svg(figure, name, title, reading)
    return Plate(
        name=name,
        title=title,
        reading=reading,
        svg=svg,
        note=_WHAT_BINS,
        header=PRICE_HEADER,
        rows=[price_row(goods, story.measured.prices[goods]) for goods in traded],
    )


def prices_of_goods(story: Story) -> Plate:
    """What artifacts of each type, and calls of each tool, cost over time."""
    name, title = "goods", "Prices of goods and tools"
    kinds = {kind: [goods for goods in story.prices if goods.startswith(kind)] for kind in (ARTIFACT, CALL)}
    if not any(kinds.values()):
        return Plate(
            name=name,
            title=title,
            reading="",
            missing="No sales: no artifact was sold in escrow and no invocation was paid in this run.",
        )
    with drawing(10, 3.9) as figure:
        for axes, (kind, words) in zip(
            figure.subplots(1, 2), ((ARTIFACT, "artifacts, by type"), (CALL, "tools, per call")), strict=True
        ):
            shown = kinds[kind][:SHOWN_GOODS]
            draw_prices(
                axes,
                story,
                {goods.removeprefix(kind): story.prices[goods] for goods in shown},
                [colour(place) for place in range(len(shown))],
                words,
            )
            if shown:
                axes.legend(loc="upper left", bbox_to_anchor=(-0.02, -0.2), ncols=2, borderaxespad=0)
        reading = _goods_reading(story, kinds)
        svg = inline_svg(figure, name, title, reading)
    return Plate(
        name=name,
        title=title,
        reading=reading,
        svg=svg,
        note=f"{_WHAT_BINS} Drawn: the {SHOWN_GOODS} of each kind that sold most.",
        header=PRICE_HEADER,
        rows=[price_row(goods, story.measured.prices[goods]) for group in kinds.values() for goods in group],
    )


def escrow(story: Story) -> Plate:
    """What was paid in escrow over time, and what became of its listings."""
    name, title = "escrow", "Escrow"
    measures = story.measured.escrow
    if not measures.listed:
        return Plate(
            name=name, title=title, reading="", missing="No sales: nothing was put up for sale in this run."
        )
    ends = {
        "sold": measures.sold,
        "cancelled": measures.cancelled,
        "stale": measures.stale,
        "open at the end": measures.open,
    }
    with drawing(10, 3.2) as figure:
        left, right = figure.subplots(1, 2, width_ratios=(3, 2))
        left.set_title("scrip paid per minute of world time")
        if story.turnover.scrip:
            end_ns = story.measured.world_ns
            edges, heights = rates(story.turnover.scrip, story.turnover.bin_ns, end_ns, _MINUTE_NS, 40)
            stack_steps(left, edges, heights, [_TURNOVER_COLOURS[kind] for kind in heights])
            left.set_ylabel("scrip/min")
            figure.legend(*left.get_legend_handles_labels(), loc="outside lower left", ncols=3)
        else:
            say_nothing(left, "no sales")
        right.barh(range(len(ends)), list(ends.values()), color=PALETTE[0], height=0.62)
        name_bars(right, list(ends), list(ends.values()))
        right.set_title("listings by their end")
        reading = (
            f"{measures.listed:,} listings, {numerals.share(measures.sold / measures.listed)} of them sold, "
            f"for {measures.turnover:,} scrip in all."
        )
        svg = inline_svg(figure, name, title, reading)
    return Plate(
        name=name,
        title=title,
        reading=reading,
        svg=svg,
        header=["bought", "scrip"],
        rows=[[kind, f"{sum(paid):,}"] for kind, paid in story.turnover.scrip.items()] or [["nothing", "0"]],
    )


def draw_prices(
    axes: Axes, story: Story, series: dict[str, PriceSeries], palette: list[str], words: str
) -> None:
    """Prices over world time, one line for each name; without any it says that there were no sales."""
    axes.set_title(words)
    if not series:
        say_nothing(axes, "no sales")
        return
    unit_ns, label = time_axis(story.measured.world_ns)
    most = max(max(line.sales) for line in series.values())
    for place, (name, line) in enumerate(series.items()):
        sold = [at for at, price in enumerate(line.prices) if price is not None]
        middles = (np.array(sold) + 0.5) * line.bin_ns
        times = np.minimum(middles, story.measured.world_ns) / unit_ns
        prices = np.array([line.prices[at] for at in sold], dtype=np.float64)
        axes.plot(times, prices, color=palette[place], linestyle=dash(place), linewidth=1.1, alpha=0.75)
        areas = [10 + 40 * line.sales[at] / most for at in sold]
        marks = axes.scatter(times, prices, s=areas, color=palette[place], zorder=3, clip_on=False)
        marks.set(edgecolors=PAPER, linewidths=0.6)
        axes.scatter([], [], s=36, color=palette[place], label=short(name))
    axes.set_xlim(0, story.measured.world_ns / unit_ns or 1)
    axes.set_ylim(0, 1.1 * axes.get_ylim()[1])
    axes.set_xlabel(label)
    axes.set_ylabel("scrip")
    axes.yaxis.set_major_formatter("{x:,g}")
    only_horizontal_grid(axes)


def say_nothing(axes: Axes, words: str) -> None:
    """Words in the place of a plot that would be empty."""
    axes.set(xticks=[], yticks=[])
    axes.grid(visible=False)
    axes.spines["bottom"].set_visible(False)
    axes.text(0.5, 0.5, words, transform=axes.transAxes, ha="center", va="center", color=MUTED)


def price_row(goods: str, price: Price) -> list[str]:
    """The cells under `PRICE_HEADER`."""
    settled = numerals.NO_DATA if price.settled is None else "yes" if price.settled else "no"
    return [
        goods,
        numerals.count(price.sales),
        price.unit,
        *(numerals.price(value) for value in (price.first, price.median, price.last)),
        numerals.share(price.variation_early),
        numerals.share(price.variation),
        settled,
    ]


def _sentence(words: str, price: Price | None) -> str:
    """What one price did."""
    thing = words[0].upper() + words[1:]
    if price is None:
        return f"{thing} was never sold."
    sales = f"{price.sales:,} sale{'s' if price.sales != 1 else ''}"
    ending = {None: "too few to say whether it settles", True: "it settled", False: "it did not settle"}
    return f"{thing} cost {numerals.price(price.median)} scrip in the median of {sales}; {ending[price.settled]}."


def _goods_reading(story: Story, kinds: dict[str, list[str]]) -> str:
    measured = story.measured
    artifacts = measured.escrow.sold - measured.rights.sold - measured.rights.rented
    judgements = [measured.prices[goods].settled for group in kinds.values() for goods in group]
    judged = [settled for settled in judgements if settled is not None]
    verdict = "no kind sold often enough to say whether its price settles"
    if judged:
        verdict = f"of {len(judged)} kinds that sold often enough to tell, the price of {sum(judged)} settled"
    return (
        f"{artifacts:,} artifacts were sold and {measured.economy.paid_invocations:,} calls paid; {verdict}."
    )
