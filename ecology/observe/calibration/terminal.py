"""A calibration at the terminal: what a person wants to know first, in 80 columns, with or without colour."""

from collections.abc import Mapping
from pathlib import Path

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from calibrate.profiles.profile import Profile
from calibrate.record import Record
from ecology.observe import numerals
from ecology.observe.calibration.course_figures import compare_row
from ecology.observe.calibration.findings import Findings, find
from ecology.observe.calibration.holding import summed_up, unproven
from ecology.observe.calibration.page import state
from ecology.observe.calibration.tables import adjustment_rows, limits, nodes_sentence
from ecology.observe.calibration.text_plot import TextPlot
from ecology.observe.calibration.words import EXPLAINED, STARVED, rate
from ecology.observe.summary_table import plain_table, visible

SHOWN_ADJUSTMENTS = 12
REASON_WIDTH = 200
VERDICT_WIDTH = 500
_STYLES = {"passed": "bold green", "failed": "bold red", "refused": "bold red", "incomplete": "bold yellow"}


def render(
    record: Record, profile: Profile | None = None, files: Mapping[str, Path] | None = None
) -> RenderableType:
    """The whole calibration; print it with a rich console. `files` are what was written, by what they are."""
    findings = find(record, profile)
    parts: list[RenderableType] = [_headline(findings)]
    if findings.settle is not None and findings.settle.samples:
        parts += [Text(), TextPlot(findings)]
    if table := _adjustments(findings):
        parts += [Text(), table]
    if findings.compare is not None and findings.settle is not None:
        parts += [Text(), _compare(findings)]
    parts += [Text(), *_essence(findings)]
    if files:
        parts += [Text(), _files(files)]
    return Encodable(Group(*parts))


class Encodable:
    """A renderable in the characters that the terminal has; any other becomes a question mark."""

    def __init__(self, inner: RenderableType) -> None:
        self._inner = inner

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """As rich draws it, in the console's encoding."""
        for text, style, control in console.render(self._inner, options):
            yield Segment(
                text.encode(options.encoding, "replace").decode(options.encoding, "replace"), style, control
            )


def _headline(findings: Findings) -> Text:
    record, word = findings.record, state(findings)
    text = Text()
    text.append(visible(record.place.what, 60), style="bold")
    text.append(f" ({limits(findings)}), {record.agents:,} agents of the mix {visible(record.mix)}\n")
    text.append(f"{word}: ", style=_STYLES[word])
    text.append(visible(record.verdict, VERDICT_WIDTH))
    return text


def _adjustments(findings: Findings) -> Table | None:
    rows = adjustment_rows(findings)
    if not rows:
        return None
    table = plain_table(None, "", "after", "from", "to", "reason")
    table.columns[-1].justify = "left"
    hidden = max(0, len(rows) - SHOWN_ADJUSTMENTS)
    kept = [*rows[: SHOWN_ADJUSTMENTS // 2], *rows[len(rows) - SHOWN_ADJUSTMENTS // 2 :]] if hidden else rows
    for place, row in enumerate(kept):
        if hidden and place == SHOWN_ADJUSTMENTS // 2:
            table.add_row("...", "", "", "", Text(f"{hidden} more in the report", style="dim"))
        why = "as said above" if row[-1] == findings.record.verdict else row[-1]
        table.add_row(*row[:-1], Text(visible(why, REASON_WIDTH)))
    return table


def _compare(findings: Findings) -> Table:
    table = plain_table("The two methods", "method", "adjustments", "time to settle", "tokens/s", "CPU there")
    for told in (findings.settle, findings.compare):
        if told is not None:
            first, *others = compare_row(told)
            table.add_row(Text(visible(first, 16)), *others)
    return table


def _essence(findings: Findings) -> list[RenderableType]:
    """What to remember: the rate, what may think at once, how many nodes, and what is behind it."""
    profile, held = findings.profile, findings.hold_out
    said: list[Text] = []
    if profile is not None:
        agents = f"{profile.rate.agents:,} agent{'s' if profile.rate.agents != 1 else ''}"
        said.append(
            Text(
                f"{rate(profile.rate.tokens_per_s)} tokens/s for each of {agents}; {profile.thinking_at_once:,} may "
                f"think at once; {nodes_sentence(profile)}",
                style="bold",
            )
        )
    if findings.bound is not None and findings.bound != "cpu":
        said.append(Text(EXPLAINED[findings.bound]))
    if findings.starved_percent is not None:
        said.append(Text(STARVED.format(findings.starved_percent)))
    if held is not None:
        said.append(Text(f"hold-out: {summed_up(held, findings.target)}"))
    elif findings.settled is not None:
        said.append(Text(unproven(findings)))
    if (cost := findings.cpu_s_per_1000_tokens) is not None:
        memory = (
            ""
            if profile is None
            else f"; memory {numerals.size(profile.memory.base_bytes)} and "
            f"{numerals.size(profile.memory.bytes_per_thinking)} for each agent that thinks"
        )
        said.append(Text(f"1,000 tokens cost {cost:.3g} CPU-s{memory}", style="dim"))
    if findings.settled is None:
        said.append(Text("No rate was found, so there is no capacity profile.", style="dim"))
    return [*said]


def _files(files: Mapping[str, Path]) -> Table:
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim")
    grid.add_column(overflow="fold")
    for name, path in files.items():
        grid.add_row(Text(visible(name)), Text(visible(str(path), 300)))
    return grid
