"""From a scenario to a living engine: settlers, minds, clock, store."""

from collections.abc import Callable, Collection, Mapping
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

from calibrate.reading import Limits
from calibrate.samplers.limits import detect
from ecology.app.run_directory import RunDirectory
from ecology.core.clock import SECOND_NS, RealClock, VirtualClock
from ecology.core.errors import RunFault, UsageError
from ecology.engine.answer_schema import answer_schema
from ecology.engine.committer import GROUP_TURNS, Store
from ecology.engine.engine import Engine
from ecology.engine.guard import guarded
from ecology.engine.judging import SlowScorer
from ecology.engine.llm_policy import LlmPolicy
from ecology.engine.policy import Policy, PolicyBook, PolicyFactory
from ecology.engine.services import Supervision
from ecology.engine.strategies import STRATEGIES
from ecology.kernel.actions import AgentConfig
from ecology.kernel.economy.scoring import Scorer
from ecology.kernel.genesis import Settler, found
from ecology.kernel.world import World
from ecology.llm.model import ModelClient
from ecology.resources.assets import SCRIP
from ecology.resources.thoughts import concurrent_thoughts
from ecology.scenarios import Scenario
from ecology.store.postgres import PostgresStore
from ecology.store.sqlite import SqliteStore

LLM_STRATEGY = "llm"
BASE_BYTES = 512 * 1024 * 1024
"""What the process itself needs before anybody thinks: interpreter, world, caches."""

THOUGHT_NS = SECOND_NS
"""How long a model's thought is taken to last under the virtual clock."""

ENTRY_POINTS = "ecology.policies"


def policies(scenario: Scenario, client: ModelClient | None, own: Mapping[str, PolicyFactory]) -> PolicyBook:
    """The minds this world offers: the scripted strategies, the caller's, plug-ins, and a model if there is one."""
    book: dict[str, PolicyFactory] = {
        **STRATEGIES,
        **{name: guarded(factory) for name, factory in own.items()},
    }
    for entry in entry_points(group=ENTRY_POINTS):
        if entry.name not in book:
            book[entry.name] = guarded(_plug_in(entry))
    if client is not None:
        costs = scenario.costs()
        wanted = answer_schema(costs.max_output_tokens // 2)

        def think(config: AgentConfig, dumped: bytes) -> Policy:
            return LlmPolicy(
                config,
                dumped,
                client=client,
                schema=wanted,
                max_input_tokens=costs.max_input_tokens,
                max_output_tokens=costs.max_output_tokens,
            )

        book[LLM_STRATEGY] = guarded(think)
    return PolicyBook(book)


def _plug_in(entry: EntryPoint) -> PolicyFactory:
    try:
        factory: PolicyFactory = entry.load()
    except (Exception, SystemExit) as error:
        raise UsageError(
            f"the plug-in '{entry.name}' ({entry.value}) cannot be loaded ({type(error).__name__}: {error})",
            remedy="mend it or uninstall it",
        ) from error
    return factory


def strategies(own: Collection[str] = ()) -> list[str]:
    """Every name that a population may give to its minds; `own` are the caller's."""
    return [*STRATEGIES, *own, *(entry.name for entry in entry_points(group=ENTRY_POINTS)), LLM_STRATEGY]


def require_minds(scenario: Scenario, own: Collection[str] = ()) -> None:
    """Raises UsageError if somebody in the scenario's population would have no mind."""
    if scenario.policy == "llm":
        return
    known = [name for name in strategies(own) if name != LLM_STRATEGY]
    for group in scenario.groups():
        if group.strategy not in known:
            raise UsageError(
                f"no strategy '{group.strategy}' without --policy llm"
                if group.strategy == LLM_STRATEGY
                else f"no strategy '{group.strategy}'",
                remedy=f"name one of {', '.join(sorted(known))}, or install the plug-in that brings it",
            )


def settlers(scenario: Scenario) -> list[Settler]:
    """The agents at genesis, group by group."""
    economy = scenario.economy
    found_agents: list[Settler] = []
    for group in scenario.groups():
        traits = {"price": economy.price, "appetite_s": max(1, economy.appetite_ns // SECOND_NS)}
        if group.rights.llm_budget_usd_micros is not None:
            traits["budget_usd_micros"] = group.rights.llm_budget_usd_micros
        traits.update(group.traits)
        config = AgentConfig(
            strategy=LLM_STRATEGY if scenario.policy == "llm" else group.strategy,
            model=(scenario.model.name or "") if scenario.policy == "llm" else "",
            traits=traits,
            goods=list(economy.goods),
        )
        grants = {SCRIP: group.scrip, **group.rights.amounts()}
        found_agents.extend(Settler(config, grants) for _ in range(group.count))
    return found_agents


def limits_of(scenario: Scenario) -> Limits:
    """The limits that govern how many may think at once: the scenario's if it models a container, else what is here."""
    return detect() if scenario.container is None else scenario.container.limits()


def thinking_slots(scenario: Scenario, limits: Limits) -> int:
    """How many agents may think at once: what the scenario says, else what the memory holds."""
    if scenario.thought.at_once is not None:
        return scenario.thought.at_once
    return concurrent_thoughts(limits, BASE_BYTES, scenario.thought.memory_bytes)


def require_policies(world: World, book: PolicyBook) -> None:
    """Raises UsageError if an agent of the world would have no mind here."""
    for agent in world.roster:
        if why := book.fault(agent.config.strategy):
            raise UsageError(
                f"{agent.id}: {why}", remedy="install the plug-in that brings it, or use another strategy"
            )


def new_world(store: SqliteStore | PostgresStore, scenario: Scenario, book: PolicyBook) -> World:
    """A world at time 0 with everybody in it, not yet committed."""
    world = store.new_world(
        seed=scenario.seed, default_contract=scenario.contracts.default, laws=scenario.laws()
    )
    world.strategy_fault = book.fault
    found(
        world,
        settlers(scenario),
        scenario=scenario.name,
        scenario_sha256=scenario.fingerprint(),
        clock=scenario.clock,
    )
    return world


def load_world(store: SqliteStore, scenario: Scenario) -> tuple[World, int]:
    """The world as of the last commit, under the laws it began with, and its time."""
    return store.load_world(
        seed=scenario.seed, default_contract=scenario.contracts.default, laws=scenario.laws()
    )


def crash_log(path: Path) -> Callable[[str, str], None]:
    """Appends the traceback of a crashed mind, after its agent's id; what it returns raises RunFault if it cannot."""

    def report(agent_id: str, trace: str) -> None:
        try:
            with path.open("a", encoding="utf-8", errors="backslashreplace") as file:
                file.write(f"{agent_id}:\n{trace}\n")
        except OSError as error:
            raise RunFault(
                f"cannot write {path} ({error.strerror})", remedy="free some space or change its rights"
            ) from error

    return report


def engine(
    run: RunDirectory,
    scenario: Scenario,
    world: World,
    store: Store,
    start_ns: int,
    book: PolicyBook,
    *,
    scorer: Scorer | SlowScorer | None = None,
    group_turns: int = GROUP_TURNS,
) -> Engine:
    """The engine that will run the world from `start_ns`, committing `group_turns` at a time.

    `scorer` scores for the mint; without one the world's own rubric does.
    """
    clock = VirtualClock(start_ns) if scenario.clock == "virtual" else RealClock(start_ns)
    rules = scenario.supervisor

    require_policies(world, book)
    return Engine(
        world,
        store,
        clock,
        costs=scenario.costs(),
        thought_memory_bytes=scenario.thought.memory_bytes,
        budgeted=scenario.physics().llm_budget_usd_micros is not None,
        policies=book,
        thinking_slots=thinking_slots(scenario, limits_of(scenario)),
        thought_ns=THOUGHT_NS,
        supervision=Supervision(rules.backoff_ns, rules.backoff_max_ns, rules.freeze_after),
        report_crash=crash_log(run.crashes),
        scorer=scorer,
        group_turns=group_turns,
    )
