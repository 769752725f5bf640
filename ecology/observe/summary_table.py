"""The summary at the terminal: what a person wants to know first, in 80 columns, with or without colour."""

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from ecology.core.clock import SECOND_NS
from ecology.observe import numerals
from ecology.observe.measures.prices import FOR_AN_HOUR
from ecology.observe.summary import Summary

SHOWN_AGENTS = 5
SHOWN_REASONS = 6
SHOWN_GOODS = 8


def render_table(summary: Summary) -> RenderableType:
    """The whole summary; print it with a rich console."""
    parts: list[RenderableType] = [
        _headline(summary),
        Text(),
        _economy(summary),
        Text(),
        _verdict(summary),
        _scarcity(summary),
        Text(),
        _strategies(summary),
        Text(),
        _side_by_side(_top_agents(summary), _refusals(summary)),
    ]
    if market := _market(summary):
        parts += [Text(), *market]
    if summary.model.calls:
        parts += [Text(), _model(summary)]
    if summary.flow.changes:
        parts += [Text(), _flow(summary)]
    parts += [Text(), _ending(summary)]
    return Group(*parts)


def visible(text: str, width: int = 40) -> str:
    """Text that cannot do anything to a terminal: control characters replaced, length bounded."""
    shown = "".join(character if character.isprintable() else "?" for character in text)
    return shown if len(shown) <= width else shown[: width - 3] + "..."


def _cell(text: str, width: int = 40) -> Text:
    """A cell that is not read as markup."""
    return Text(visible(text, width))


def _headline(summary: Summary) -> Text:
    world = numerals.duration(round(summary.world_seconds * SECOND_NS))
    wall = numerals.duration(round(summary.wall_seconds * SECOND_NS))
    pace = numerals.count(summary.actions_per_second)
    agents = f"{summary.agents:,} agent{'s' if summary.agents != 1 else ''}"
    text = Text()
    text.append(f"{visible(summary.scenario)}, seed {summary.seed}", style="bold")
    text.append(f": {agents}, {world} of world time on the {visible(summary.clock)} clock\n")
    text.append(
        f"{summary.actions:,} actions in {wall} ({pace}/s), {summary.events:,} events, costs {summary.costs}"
    )
    return text


def plain_table(title: str | None, *columns: str) -> Table:
    """A table whose first column is words and whose other columns are numbers."""
    table = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD)
    table.show_edge = table.pad_edge = False
    for place, column in enumerate(columns):
        table.add_column(
            column, justify="left" if place == 0 else "right", overflow="fold", header_style="dim"
        )
    return table


def _economy(summary: Summary) -> Table:
    measures = summary.measures
    grid = Table.grid(padding=(0, 3))
    for place in range(6):
        grid.add_column(justify="right" if place % 2 else "left", style="" if place % 2 else "dim")
    pairs = [
        ("supply", numerals.count(measures.supply)),
        ("Gini", numerals.ratio(measures.gini)),
        ("richest tenth", numerals.share(measures.top_share)),
        ("median", numerals.count(measures.median_wealth, 1)),
        ("velocity /h", numerals.ratio(None if measures.velocity is None else measures.velocity * 3600)),
        ("coalitions", numerals.count(measures.coalitions)),
        ("artifacts", numerals.count(measures.artifacts)),
        ("reuse", numerals.share(measures.reuse)),
        ("capital depth", numerals.count(measures.capital_depth)),
        ("active", numerals.share(measures.health.active)),
        ("asleep", numerals.share(measures.health.asleep)),
        ("blocked", numerals.share(measures.health.blocked)),
    ]
    for row in range(0, len(pairs), 3):
        grid.add_row(*(cell for pair in pairs[row : row + 3] for cell in pair))
    return grid


def _verdict(summary: Summary) -> Text:
    bound = any(resource.binds for resource in summary.scarcity.values())
    return Text(summary.scarcity_verdict, style="bold" if bound else "bold yellow")


def _scarcity(summary: Summary) -> Table:
    table = plain_table(None, "resource", "some agent waited", "agents' time", "used", "refused", "binds")
    for name, resource in summary.scarcity.items():
        table.add_row(
            _cell(name),
            numerals.share(resource.share_waiting),
            numerals.share(resource.agent_time_waiting),
            "not set" if resource.granted is None else numerals.share(resource.share_used),
            numerals.count(resource.refusals),
            Text("yes", style="bold") if resource.binds else Text("no", style="dim"),
        )
    return table


def _strategies(summary: Summary) -> Table:
    table = plain_table(
        "Strategies' fortunes", "strategy", "agents", "mean scrip", "median", "actions", "refused", "blocked"
    )
    for row in summary.measures.strategies:
        table.add_row(
            _cell(row.strategy, 16),
            numerals.count(row.agents),
            numerals.count(row.mean_wealth, 1),
            numerals.count(row.median_wealth, 1),
            numerals.count(row.mean_actions, 1),
            numerals.share(row.share_refused),
            numerals.share(row.share_blocked),
        )
    return table


def _top_agents(summary: Summary) -> Table:
    table = plain_table("Richest", "agent", "scrip")
    for holder in summary.measures.top_agents[:SHOWN_AGENTS]:
        table.add_row(
            f"{visible(holder.id, 16)} {visible(holder.strategy, 12)}", numerals.count(holder.wealth)
        )
    return table


def _refusals(summary: Summary) -> Table:
    total = sum(summary.refusals.values())
    table = plain_table(
        f"Refusals ({numerals.share(total / summary.actions if summary.actions else None)})",
        "reason",
        "count",
    )
    table.min_width = len(str(table.title))  # or a short table would break its title
    for reason, times in list(summary.refusals.items())[:SHOWN_REASONS]:
        table.add_row(_cell(reason, 24), numerals.count(times))
    if not total:
        table.add_row(Text("none", style="dim"), "0")
    others = len(summary.refusals) - SHOWN_REASONS
    if others > 0:
        rest = sum(list(summary.refusals.values())[SHOWN_REASONS:])
        table.add_row(
            Text(f"{others} other reason{'s' if others > 1 else ''}", style="dim"), numerals.count(rest)
        )
    return table


def _side_by_side(left: Table, right: Table) -> Table:
    grid = Table.grid(padding=(0, 4))
    grid.add_row(left, right)
    return grid


def _market(summary: Summary) -> list[RenderableType]:
    """What was invoked, sold and minted, and at what prices; empty if nothing of it happened."""
    economy, escrow, mint = summary.economy, summary.escrow, summary.mint
    words = []
    if economy.invocations:
        words.append(
            f"{economy.invocations:,} invocations ({economy.paid_invocations:,} paid, "
            f"{economy.failed_invocations:,} failed)"
        )
    if escrow.listed:
        words.append(f"{escrow.sold:,} of {escrow.listed:,} listings sold for {escrow.turnover:,} scrip")
    if summary.rights.rented:
        words.append(f"{summary.rights.rented:,} rents ({summary.rights.reverted:,} over)")
    if mint.bids:
        words.append(f"{mint.minted:,} scrip minted for {mint.won:,} of {mint.bids:,} bids")
    if not words:
        return []
    heading = Text("Market", style="bold")
    heading.append(f"  {'; '.join(words)}", style="not bold")
    return [heading, *_prices(summary)]


def _prices(summary: Summary) -> list[RenderableType]:
    """The prices of the goods that a summary names first: rights, then what sold most."""
    if not summary.prices:
        return []
    table = plain_table(None, "scrip for", "per", "sales", "median", "last", "scatter", "settled")
    table.padding = (0, 1, 0, 0)
    shown = list(summary.prices.items())[:SHOWN_GOODS]
    for goods, price in shown:
        settled = "-" if price.settled is None else "yes" if price.settled else "no"
        table.add_row(
            _cell(goods, 18),
            _cell(price.unit.removesuffix(FOR_AN_HOUR), 12),
            numerals.count(price.sales),
            *(numerals.price(value) for value in (price.median, price.last)),
            "-" if price.variation is None else numerals.share(price.variation),
            settled,
        )
    notes = []
    if any(price.unit.endswith(FOR_AN_HOUR) for _, price in shown):
        notes.append("rents are for an hour")
    if len(summary.prices) > SHOWN_GOODS:
        notes.append(f"{len(summary.prices) - SHOWN_GOODS} more in summary.json")
    return [table, Text("; ".join(notes), style="dim")] if notes else [table]


def _model(summary: Summary) -> Text:
    use = summary.model
    text = Text("Model", style="bold")
    text.append(
        f"  {use.calls:,} calls, {use.input_tokens:,} tokens in, {use.output_tokens:,} out, "
        f"{numerals.dollars(use.usd_micros)} (estimates off by {numerals.share(use.usd_estimate_error)})",
        style="not bold",
    )
    return text


def _flow(summary: Summary) -> Text:
    flow = summary.flow
    times = f"{flow.changes:,} time{'s' if flow.changes != 1 else ''}"
    text = Text("Flow", style="bold")
    text.append(
        f"  tokens' flow was changed {times}: {flow.least:.3g} to {flow.most:.3g} times what the rights say, "
        f"{flow.mean:.3g} on average, {flow.last:.3g} in the end",
        style="not bold",
    )
    return text


def _ending(summary: Summary) -> Text:
    container = summary.container
    memory = numerals.size(container.memory_bytes)
    text = Text(style="dim")
    text.append(f"{container.cpus:g} CPUs, {memory} ({visible(container.source, 60)})")
    if summary.concurrent_thoughts is not None:
        text.append(f"; {summary.concurrent_thoughts:,} may think at once")
    checks = len(summary.audit.checks)
    failed = [visible(check.name) for check in summary.audit.checks if not check.ok]
    text.append("\naudit ")
    if summary.audit.ok:
        text.append(f"passed ({checks} checks)")
    else:
        text.append(f"FAILED: {', '.join(failed)}", style="bold red not dim")
    text.append(f"; event log sha256 {summary.event_log_sha256[:16]}")
    return text
