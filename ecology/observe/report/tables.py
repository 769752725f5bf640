"""The report's tables: cells as text, ready for the template, which escapes them."""

import msgspec

from ecology.core.clock import SECOND_NS
from ecology.observe import numerals
from ecology.observe.measures.thinking import ModelUse
from ecology.observe.projections import Measures
from ecology.observe.report.story import Story
from ecology.observe.scarcity import binding
from ecology.observe.summary import Summary


class ScarcityRow(msgspec.Struct, frozen=True, kw_only=True):
    """One resource. `bars` are (label, text, percent of the bar's width), a percent of None being no data."""

    resource: str
    binds: bool
    because: list[str]
    bars: list[tuple[str, str, float | None]]
    use: str
    refusals: str
    forgone: str


class Definition(msgspec.Struct, frozen=True):
    """A measure: its value, and what it is."""

    name: str
    value: str
    meaning: str


def headline(story: Story) -> str:
    """The run in two sentences."""
    measured = story.measured
    identity, measures = measured.identity, measured.measures
    refused = sum(measured.refusals.values())
    agents = f"{identity.agents:,} agent" + ("s" if identity.agents != 1 else "")
    who = "They" if identity.agents != 1 else "It"
    acted = f"{who} took {measured.actions:,} actions, {_of(refused, measured.actions)} of them refused"
    if not measured.actions:
        acted = "Nobody acted"
    wealth = "" if measures.gini is None else f", and ended with a Gini coefficient of {measures.gini:.2f}"
    return f"{agents} lived for {numerals.duration(measured.world_ns)} of world time. {acted}{wealth}."


def tiles(story: Story) -> list[tuple[str, str]]:
    """The figures of the run at a glance: label and value."""
    measured = story.measured
    measures = measured.measures
    refused = sum(measured.refusals.values())
    bound = binding(measured.scarcity)
    return [
        ("agents", numerals.count(measured.identity.agents)),
        ("world time", numerals.duration(measured.world_ns)),
        ("actions", numerals.count(measured.actions)),
        ("refused", _of(refused, measured.actions)),
        ("scrip supply", numerals.count(measures.supply)),
        ("Gini", numerals.ratio(measures.gini)),
        ("blocked", numerals.share(measures.health.blocked)),
        ("what bound", ", ".join(bound) if bound else "nothing"),
    ]


def scarcity_rows(story: Story) -> list[ScarcityRow]:
    """One row per resource."""
    rows = []
    for name, resource in story.measured.scarcity.items():
        limited = resource.granted is not None
        use = f"of {numerals.amount(resource.granted, resource.unit)}"
        if resource.used is not None:
            use = f"{numerals.amount(resource.used, resource.unit)} {use}"
        if resource.idle:
            use += f", {numerals.amount(resource.idle, resource.unit)} idle in escrow"
        rows.append(
            ScarcityRow(
                resource=name,
                binds=resource.binds,
                because=resource.because,
                bars=[
                    _bar("some agent waited", resource.share_waiting),
                    _bar("agents' time", resource.agent_time_waiting),
                    _bar("used", resource.share_used),
                ],
                refusals=numerals.count(resource.refusals),
                use=use if limited else "not set in this world",
                forgone=_forgone(resource.actions_forgone_estimate),
            )
        )
    return rows


def fortune_rows(story: Story) -> list[list[str]]:
    """One row per strategy, the wealthiest first; see `FORTUNE_HEADER`."""
    return [
        [
            row.strategy,
            numerals.count(row.agents),
            numerals.count(row.mean_wealth, 1),
            numerals.count(row.median_wealth, 1),
            numerals.share(row.share_of_wealth),
            numerals.count(row.mean_actions, 1),
            numerals.share(row.share_refused),
            numerals.share(row.share_blocked),
            numerals.count(row.mean_works, 1),
        ]
        for row in story.measured.measures.strategies
    ]


FORTUNE_HEADER = [
    "strategy",
    "agents",
    "mean scrip",
    "median scrip",
    "share of scrip",
    "actions each",
    "refused",
    "time blocked",
    "works each",
]


def definitions(measures: Measures) -> list[Definition]:
    """Every measure with its meaning; formulas in docs/measures.md."""
    health = measures.health
    rows = [
        ("supply", numerals.count(measures.supply), "scrip issued less scrip retired"),
        ("Gini", numerals.ratio(measures.gini), "inequality of scrip: 0 equal, towards 1 one owner"),
        ("top share", numerals.share(measures.top_share), "scrip of the richest tenth of principals"),
        ("median wealth", numerals.count(measures.median_wealth, 1), "scrip of the middle principal"),
        ("mean wealth", numerals.count(measures.mean_wealth, 1), "scrip per principal"),
        ("transferred", numerals.count(measures.transferred), "scrip that changed hands between principals"),
        ("velocity", _per_hour(measures.velocity), "times the supply changed hands per hour of world time"),
        (
            "coordination density",
            numerals.share(measures.coordination_density),
            "pairs that dealt, of all pairs",
        ),
        ("coalitions", numerals.count(measures.coalitions), "connected groups of principals that dealt"),
        ("largest coalition", numerals.count(measures.largest_coalition), "principals in the largest group"),
        (
            "specialisation",
            numerals.ratio(measures.specialisation),
            "mean variation of an agent's action counts",
        ),
        ("action entropy", _bits(measures.action_entropy_bits), "variety of actions in the whole population"),
        ("artifacts", numerals.count(measures.artifacts), "works made, agents' configurations aside"),
        ("revisions", numerals.count(measures.revisions), "later changes to them"),
        ("reuse", numerals.share(measures.reuse), "works that others read, called or built on"),
        (
            "capital depth",
            numerals.count(measures.capital_depth),
            "works in the longest chain of dependencies and calls",
        ),
        ("disk used", numerals.size(measures.disk_used_bytes), "bytes occupied at the end"),
        (
            "frozen agents",
            numerals.count(health.frozen_at_end),
            "agents that an admin or their crashes froze",
        ),
        ("crashed turns", numerals.count(health.failures), "turns in which a policy failed"),
    ]
    burn = measures.budget_burn_usd_micros_per_hour
    if burn is not None:
        rows.append(
            ("budget burn", f"{numerals.dollars(round(burn))} /h", "dollars spent on models per world hour")
        )
    return [Definition(*row) for row in rows]


def model_rows(use: ModelUse) -> list[tuple[str, str]]:
    """What models were asked, if they were."""
    if not use.calls:
        return []
    answers = ", ".join(f"{times:,} {answer}" for answer, times in use.answers.items())
    latency = None if use.mean_latency_ms is None else round(use.mean_latency_ms * 1e6)
    return [
        ("calls", f"{use.calls:,} ({answers})"),
        ("tokens", f"{use.input_tokens:,} in, {use.output_tokens:,} out"),
        (
            "cost",
            f"{numerals.dollars(use.usd_micros)} (estimated {numerals.dollars(use.estimate_usd_micros)})",
        ),
        ("error of dollar estimates", f"{numerals.share(use.usd_estimate_error)} mean, relative to the bill"),
        (
            "error of compute estimates",
            f"{numerals.share(use.compute_estimate_error)} mean, relative to the charge",
        ),
        ("mean latency", numerals.duration(latency)),
    ]


def service_rows(story: Story, summary: Summary | None) -> list[tuple[str, str]]:
    """What code did, for a run in which some ran; empty otherwise."""
    code, economy = story.measured.code, story.measured.economy
    if not code.runs:
        return []
    measured = code if summary is None else summary.code
    faults = ", ".join(f"{times:,} {fault}" for fault, times in code.faults.items()) or "none"
    delegations = economy.delegations
    return [
        ("invocations", f"{economy.invocations:,}, {economy.nested_invocations:,} of them by code"),
        ("paid invocations", f"{economy.paid_invocations:,}, for {economy.paid_for_invocations:,} scrip"),
        ("executables in use", numerals.count(economy.tools_invoked)),
        ("decisions of contracts in code", numerals.count(code.checks)),
        ("failures", f"{_of(code.failures, code.runs)} of runs: {faults}"),
        ("CPU charged", numerals.amount(code.cpu_us, "CPU microseconds")),
        ("CPU by the cost model", numerals.amount(code.modelled_us, "CPU microseconds")),
        ("CPU measured in workers", numerals.amount(measured.measured_us, "CPU microseconds")),
        (
            "error of the cost model",
            f"{numerals.share(measured.estimate_error)}, run by run, relative to what was measured",
        ),
        (
            "delegations",
            f"{delegations.granted:,} granted, {delegations.in_force:,} in force; "
            f"{delegations.charged_scrip:,} scrip charged to others",
        ),
        (
            "claims (debts)",
            f"{economy.debts.issued:,} issued, {economy.debts.traded:,} handed over, "
            f"{economy.debts.repaid:,} scrip repaid",
        ),
    ]


def fact_rows(story: Story, summary: Summary | None) -> list[tuple[str, str]]:
    """What was run, on what, and how to recognise it. Without a summary only what events say is known."""
    identity = story.measured.identity
    rows = [
        ("scenario", identity.scenario),
        ("scenario sha256", identity.scenario_sha256),
        ("seed", str(identity.seed)),
        ("clock", identity.clock),
        ("outcome", identity.outcome),
        ("events", numerals.count(story.measured.events)),
    ]
    if summary is None:
        return [*rows, ("host", f"{numerals.NO_DATA}: the run has no summary.json")]
    container = summary.container
    thoughts = summary.concurrent_thoughts
    return [
        ("run", summary.run_id),
        *rows,
        ("event log sha256", summary.event_log_sha256),
        ("costs", summary.costs),
        (
            "container",
            f"{container.cpus:g} CPUs, {numerals.size(container.memory_bytes)}; {container.source}",
        ),
        ("may think at once", numerals.NO_DATA if thoughts is None else f"{thoughts:,} agents"),
        ("wall time", numerals.duration(round(summary.wall_seconds * SECOND_NS))),
        ("CPU time", numerals.duration(round(summary.cpu_seconds * SECOND_NS))),
        ("peak memory", numerals.size(summary.peak_rss_bytes)),
        ("actions per wall second", numerals.count(summary.actions_per_second)),
    ]


def _of(part: int, whole: int) -> str:
    return numerals.share(part / whole if whole else None)


def _bar(label: str, share: float | None) -> tuple[str, str, float | None]:
    return label, numerals.share(share), None if share is None else round(min(share, 1.0) * 100, 1)


def _forgone(actions: int | None) -> str:
    return "without bound" if actions is None else f"{actions:,} actions"


def _per_hour(velocity: float | None) -> str:
    return numerals.NO_DATA if velocity is None else f"{numerals.ratio(velocity * 3600)} /h"


def _bits(entropy: float | None) -> str:
    return numerals.NO_DATA if entropy is None else f"{entropy:.2f} bits"
