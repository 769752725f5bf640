"""Everything that a run's events say about it, out of one pass over them.

Field names and their nesting are part of `summary.json`, a contract with scripts; see docs/measures.md.
"""

from collections.abc import Iterable

import msgspec

from ecology.core.clock import SECOND_NS
from ecology.events.registry import Record
from ecology.observe.measures.conduct import ActionCount, Conduct
from ecology.observe.measures.escrow import DebtMeasures, Escrow, EscrowMeasures, RightsMeasures
from ecology.observe.measures.exchange import Exchange
from ecology.observe.measures.flow import FlowMeasures
from ecology.observe.measures.fold import Fold
from ecology.observe.measures.fortunes import Fortune, Holder, fortunes, holders
from ecology.observe.measures.health import Health, HealthMeasures
from ecology.observe.measures.identity import Identity, IdentityReader
from ecology.observe.measures.minting import Mint, MintMeasures
from ecology.observe.measures.prices import Price, Prices
from ecology.observe.measures.principals import Principals
from ecology.observe.measures.services import CodeMeasures, DelegationMeasures, Services
from ecology.observe.measures.thinking import ModelUse, Thinking
from ecology.observe.measures.timeline import Timeline
from ecology.observe.measures.wealth import Wealth
from ecology.observe.measures.works import Works
from ecology.observe.scarcity import ResourceScarcity, Scarcity, verdict
from ecology.resources.assets import LLM_BUDGET

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


class EconomyMeasures(msgspec.Struct, frozen=True, kw_only=True):
    """Services and what they build on. `failed_invocations` are among the invocations, not among the paid ones.

    `nested_invocations` were made by code. `paid_for_invocations` is scrip. `tools_invoked` is how many executables did
    somebody a service. `reuse` and `capital_depth` are those of `measures`.
    """

    invocations: int
    failed_invocations: int
    nested_invocations: int
    paid_invocations: int
    paid_for_invocations: int
    tools_invoked: int
    reuse: float | None
    capital_depth: int
    delegations: DelegationMeasures
    debts: DebtMeasures


class RunMeasures(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that a run's events say about it."""

    identity: Identity
    world_ns: int
    events: int
    actions: int
    refusals: dict[str, int]
    model: ModelUse
    measures: Measures
    economy: EconomyMeasures
    prices: dict[str, Price]
    mint: MintMeasures
    escrow: EscrowMeasures
    rights: RightsMeasures
    code: CodeMeasures
    flow: FlowMeasures
    scarcity: dict[str, ResourceScarcity]
    scarcity_verdict: str


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
        self.services = Services(fold)
        self.prices = Prices(fold)
        self.mint = Mint(fold)
        self.escrow = Escrow(fold)
        self.scarcity = Scarcity(fold, self.principals, self.conduct, self.works, self.escrow)

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
            economy=self._economy(),
            prices=self.prices.result(),
            mint=self.mint.result(),
            escrow=self.escrow.result(),
            rights=self.escrow.rights(),
            code=self.services.code(),
            flow=self.escrow.flow.result(),
            scarcity=scarcity,
            scarcity_verdict=verdict(scarcity),
        )

    def _economy(self) -> EconomyMeasures:
        services, works = self.services.result(), self.works.result()
        return EconomyMeasures(
            invocations=services.invocations,
            failed_invocations=services.failed,
            nested_invocations=services.nested,
            paid_invocations=services.paid,
            paid_for_invocations=services.paid_scrip,
            tools_invoked=services.tools,
            reuse=works.reuse,
            capital_depth=works.capital_depth,
            delegations=self.services.delegations(),
            debts=self.escrow.debts(),
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
