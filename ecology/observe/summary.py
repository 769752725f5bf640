"""What a run's end says: the measures of its events, and `summary.json`, which adds what only its process
knows.

Field names and their nesting are a contract with scripts; see docs/measures.md.
"""

from pathlib import Path

import msgspec

from ecology.core.clock import SECOND_NS
from ecology.core.errors import RunFault
from ecology.observe.measures.escrow import EscrowMeasures, RightsMeasures
from ecology.observe.measures.flow import FlowMeasures
from ecology.observe.measures.minting import MintMeasures
from ecology.observe.measures.prices import Price
from ecology.observe.measures.services import CodeMeasures
from ecology.observe.measures.thinking import ModelUse
from ecology.observe.projections import EconomyMeasures, Measures, RunMeasures
from ecology.observe.scarcity import ResourceScarcity

SUMMARY_NAME = "summary.json"


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
    `code_measured_us` is Σ measured over all runs of code whose CPU time was measured, `code_estimate_error` is
    Σ|estimate − measured| ÷ that.
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
    code_measured_us: int | None = None
    code_estimate_error: float | None = None


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
    economy: EconomyMeasures
    prices: dict[str, Price]
    mint: MintMeasures
    escrow: EscrowMeasures
    rights: RightsMeasures
    code: CodeMeasures
    flow: FlowMeasures = FlowMeasures()
    scarcity: dict[str, ResourceScarcity]
    scarcity_verdict: str
    concurrent_thoughts: int | None
    audit: AuditResult
    container: Container
    run_dir: str


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
        economy=measured.economy,
        prices=measured.prices,
        mint=measured.mint,
        escrow=measured.escrow,
        rights=measured.rights,
        code=_as_measured(measured.code, facts),
        flow=measured.flow,
        scarcity=measured.scarcity,
        scarcity_verdict=measured.scarcity_verdict,
        concurrent_thoughts=facts.concurrent_thoughts,
        audit=facts.audit,
        container=facts.container,
        run_dir=facts.run_dir,
    )


def _as_measured(code: CodeMeasures, facts: RunFacts) -> CodeMeasures:
    """Events state what was measured only where that is what was charged; the run's process knows it anyway."""
    if facts.code_measured_us is None or not code.runs:
        return code
    return msgspec.structs.replace(
        code, measured_us=facts.code_measured_us, estimate_error=facts.code_estimate_error
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
