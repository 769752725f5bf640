"""What a run's end says: the measures of its events, and `summary.json`, which adds what only its process
knows.

Field names and their nesting are a contract with scripts; see docs/measures.md.
"""

from collections.abc import Iterable
from pathlib import Path

import msgspec

from ecology.core.clock import SECOND_NS
from ecology.core.errors import RunFault
from ecology.events.records import Record
from ecology.observe.measures.conduct import ActionCount, Conduct
from ecology.observe.measures.exchange import Exchange
from ecology.observe.measures.fold import Fold
from ecology.observe.measures.fortunes import Fortune, Holder, fortunes, holders
from ecology.observe.measures.health import Health, HealthMeasures
from ecology.observe.measures.identity import Identity, IdentityReader
from ecology.observe.measures.principals import Principals
from ecology.observe.measures.thinking import ModelUse, Thinking
from ecology.observe.measures.timeline import Timeline
from ecology.observe.measures.wealth import Wealth
from ecology.observe.measures.works import Works
from ecology.observe.scarcity import ResourceScarcity, Scarcity, verdict
from ecology.resources.assets import LLM_BUDGET

SUMMARY_NAME = "summary.json"
TOP_AGENTS = 10
_HOUR_NS = 3600 * SECOND_NS


class Measures(msgspec.Struct, frozen=True, kw_only=True):
    """The measures of an ecology; None where a run has no data for one. Formulas: docs/measures.md."""

    supply: int
    principals: int
    gini: float | None
    top_share: float | None
    median_wealth: float | None
    mean_wealth: float | None
    transferred: int
    velocity: float | None
    transacting_pairs: int
    coordination_density: float | None
    coalitions: int
    largest_coalition: int
    specialisation: float | None
    action_entropy_bits: float | None
    artifacts: int
    revisions: int
    deleted: int
    reused: int
    reuse: float | None
    capital_depth: int
    disk_used_bytes: int
    budget_burn_usd_micros_per_hour: float | None
    health: HealthMeasures
    actions_by_type: dict[str, ActionCount]
    top_agents: list[Holder]
    strategies: list[Fortune]


class RunMeasures(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that a run's events say about it."""

    identity: Identity
    world_ns: int
    events: int
    actions: int
    refusals: dict[str, int]
    model: ModelUse
    measures: Measures
    scarcity: dict[str, ResourceScarcity]
    scarcity_verdict: str


class AuditCheck(msgspec.Struct, frozen=True):
    """One invariant that was checked at the end."""

    name: str
    ok: bool
    detail: str = ""


class AuditResult(msgspec.Struct, frozen=True):
    """All invariants that were checked at the end; `ok` if each held."""

    ok: bool
    checks: list[AuditCheck]


class Container(msgspec.Struct, frozen=True):
    """The limits the run found itself under, and where it read them."""

    cpus: float
    memory_bytes: int
    source: str


class RunFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What no event states, because it belongs to the host and not to the world.

    `costs` is "modelled" or "measured"; `concurrent_thoughts` how many agents may think at once.
    """

    run_id: str
    run_dir: str
    wall_seconds: float
    cpu_seconds: float
    peak_rss_bytes: int
    event_log_sha256: str
    costs: str
    concurrent_thoughts: int | None
    audit: AuditResult
    container: Container


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """`summary.json`, and what `--json` prints."""

    run_id: str
    scenario: str
    scenario_sha256: str
    seed: int
    agents: int
    clock: str
    costs: str
    outcome: str
    world_seconds: float
    wall_seconds: float
    cpu_seconds: float
    peak_rss_bytes: int
    actions: int
    refusals: dict[str, int]
    events: int
    event_log_sha256: str
    actions_per_second: float | None
    model: ModelUse
    measures: Measures
    scarcity: dict[str, ResourceScarcity]
    scarcity_verdict: str
    concurrent_thoughts: int | None
    audit: AuditResult
    container: Container
    run_dir: str


class Projections:
    """The projections behind a summary, ready to be folded over; a report reads more out of the same ones."""

    def __init__(self, fold: Fold, wealth_timeline: Timeline | None = None) -> None:
        self.fold = fold
        self.identity = IdentityReader(fold)
        self.principals = Principals(fold)
        self.wealth = Wealth(fold, self.principals, wealth_timeline)
        self.exchange = Exchange(fold, self.principals)
        self.conduct = Conduct(fold, self.principals)
        self.works = Works(fold, self.principals)
        self.health = Health(fold, self.principals)
        self.thinking = Thinking(fold)
        self.scarcity = Scarcity(fold, self.principals, self.conduct, self.works)

    def result(self) -> RunMeasures:
        """Everything measured, at the end of the history so far."""
        conduct, model = self.conduct.result(), self.thinking.result()
        scarcity = self.scarcity.result()
        spent = scarcity[LLM_BUDGET].used
        if spent is None and model.calls:
            spent = model.usd_micros
        return RunMeasures(
            identity=self.identity.result(),
            world_ns=self.fold.end_ns,
            events=self.fold.events,
            actions=conduct.actions,
            refusals=conduct.refusals,
            model=model,
            measures=self._measures(spent),
            scarcity=scarcity,
            scarcity_verdict=verdict(scarcity),
        )

    def _measures(self, spent: int | None) -> Measures:
        wealth, exchange, works = self.wealth.result(), self.exchange.result(), self.works.result()
        conduct = self.conduct.result()
        end_ns = self.fold.end_ns
        return Measures(
            supply=wealth.supply,
            principals=wealth.principals,
            gini=wealth.gini,
            top_share=wealth.top_share,
            median_wealth=wealth.median_wealth,
            mean_wealth=wealth.mean_wealth,
            transferred=wealth.transferred,
            velocity=wealth.velocity,
            transacting_pairs=exchange.transacting_pairs,
            coordination_density=exchange.coordination_density,
            coalitions=exchange.coalitions,
            largest_coalition=exchange.largest_coalition,
            specialisation=conduct.specialisation,
            action_entropy_bits=conduct.action_entropy_bits,
            artifacts=works.artifacts,
            revisions=works.revisions,
            deleted=works.deleted,
            reused=works.reused,
            reuse=works.reuse,
            capital_depth=works.capital_depth,
            disk_used_bytes=works.bytes_used,
            budget_burn_usd_micros_per_hour=_per_hour(spent, end_ns),
            health=self.health.result(),
            actions_by_type=conduct.by_type,
            top_agents=holders(self.principals, self.wealth, self.conduct, TOP_AGENTS),
            strategies=fortunes(self.principals, self.wealth, self.conduct, self.health, self.works),
        )


def _per_hour(spent: int | None, end_ns: int) -> float | None:
    return None if spent is None or not end_ns else spent * _HOUR_NS / end_ns


def summarise(events: Iterable[Record]) -> RunMeasures:
    """Measure a history, from `run.started` on, in one pass; memory grows with agents and artifacts, not
    events.

    Raises `RunFault` if it is no whole history.
    """
    projections = Projections(Fold())
    projections.fold.run(events)
    return projections.result()


def assemble(measured: RunMeasures, facts: RunFacts) -> Summary:
    """The summary of a run, out of its events and what its process knows."""
    identity = measured.identity
    return Summary(
        run_id=facts.run_id,
        scenario=identity.scenario,
        scenario_sha256=identity.scenario_sha256,
        seed=identity.seed,
        agents=identity.agents,
        clock=identity.clock,
        costs=facts.costs,
        outcome=identity.outcome,
        world_seconds=measured.world_ns / SECOND_NS,
        wall_seconds=facts.wall_seconds,
        cpu_seconds=facts.cpu_seconds,
        peak_rss_bytes=facts.peak_rss_bytes,
        actions=measured.actions,
        refusals=measured.refusals,
        events=measured.events,
        event_log_sha256=facts.event_log_sha256,
        actions_per_second=measured.actions / facts.wall_seconds if facts.wall_seconds > 0 else None,
        model=measured.model,
        measures=measured.measures,
        scarcity=measured.scarcity,
        scarcity_verdict=measured.scarcity_verdict,
        concurrent_thoughts=facts.concurrent_thoughts,
        audit=facts.audit,
        container=facts.container,
        run_dir=facts.run_dir,
    )


def encode_summary(summary: Summary) -> bytes:
    """The text of `summary.json`: indented, one final newline, keys in the order of the contract."""
    return msgspec.json.format(msgspec.json.encode(summary), indent=2) + b"\n"


def read_summary(path: Path) -> Summary:
    """A summary written by `encode_summary`; raises `RunFault` if it cannot be read or is none."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Summary)
    except (OSError, msgspec.DecodeError) as error:
        raise RunFault(f"cannot read {path.name}: {error}", remedy="remove it to do without it") from error
