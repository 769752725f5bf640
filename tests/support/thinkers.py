"""Minds and engines for tests: models that answer late, policies that follow a script, worlds without a database."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from ecology.core.clock import SECOND_NS, RealClock, VirtualClock
from ecology.core.outcome import Outcome
from ecology.core.seeds import Draw
from ecology.engine.answer_schema import answer_schema
from ecology.engine.engine import Engine
from ecology.engine.llm_policy import LlmPolicy
from ecology.engine.observation import Observation
from ecology.engine.policy import Policy, PolicyBook, PolicyFactory, Thought
from ecology.engine.services import Supervision
from ecology.events.records import Event
from ecology.kernel.actions import Action, AgentConfig
from ecology.kernel.genesis import Settler, found
from ecology.kernel.world import World
from ecology.llm.model import ModelClient, ModelReply, ModelRequest
from ecology.resources.assets import MEMORY
from ecology.resources.costs import CostModel
from ecology.testing.scripted_model import Script, ScriptedModel
from ecology.testing.worlds import GRANTS, MemoryStore, empty_world

COSTS = CostModel(
    fixed_millitokens=1_000,
    per_1k_input_millitokens=1_000,
    per_1k_output_millitokens=2_000,
    max_input_tokens=6_000,
    max_output_tokens=400,
    turn_us=100,
    per_kib_us=10,
    input_usd_micros_per_million=1_000_000,
    output_usd_micros_per_million=2_000_000,
)
"""A thought costs 1 compute token and its LLM tokens in micro-dollars, those written twice; at worst 6,800."""

THOUGHT_MEMORY_BYTES = GRANTS[MEMORY]
"""A thought needs all the memory that a settler of the small worlds has."""


def llm(
    client: ModelClient, *, max_input_tokens: int = COSTS.max_input_tokens, max_output_tokens: int = 400
) -> PolicyFactory:
    """The factory of minds behind one client."""
    schema = answer_schema(max_output_tokens // 2)

    def think(config: AgentConfig, dumped: bytes) -> Policy:
        return LlmPolicy(
            config,
            dumped,
            client=client,
            schema=schema,
            max_input_tokens=max_input_tokens,
            max_output_tokens=max_output_tokens,
        )

    return think


Choose = Callable[[Observation], Action | Thought]


class Puppet:
    """A scripted mind that does what its `choose` says; `learned` keeps what came of it."""

    slow = False

    def __init__(self, choose: Choose, learned: list[Outcome]) -> None:
        self._choose = choose
        self._learned = learned

    async def decide(self, view: Observation) -> Thought:
        """The script's action, thought with 100 tokens in and 10 out unless it says how."""
        chosen = self._choose(view)
        return chosen if isinstance(chosen, Thought) else Thought(chosen, 100, 10)

    def learn(self, action: Action | None, outcome: Outcome) -> None:
        self._learned.append(outcome)

    def dump(self) -> bytes:
        return b""


def puppet(choose: Choose, learned: list[Outcome] | None = None) -> PolicyFactory:
    """The factory of such minds; all of an engine share the script."""
    kept = [] if learned is None else learned
    return lambda config, dumped: Puppet(choose, kept)


class LateModel:
    """A model in process whose answers take up to `longest_ms` of real time, drawn by `seed`.

    What it answers depends on the question alone: two of them with different seeds say the same.
    """

    def __init__(self, script: Script, *, seed: int, longest_ms: int) -> None:
        self._model = ScriptedModel(script)
        self._draw = Draw(seed)
        self._longest_ms = longest_ms
        self._waiting = 0
        self.peak = 0

    async def complete(self, request: ModelRequest) -> ModelReply:
        """The script's answer, after a while."""
        self._waiting += 1
        self.peak = max(self.peak, self._waiting)
        try:
            await asyncio.sleep(self._draw.below(self._longest_ms + 1) / 1000)
            return await self._model.complete(request)
        finally:
            self._waiting -= 1

    async def probe(self, timeout_s: float | None) -> None:
        await self._model.probe(timeout_s)

    def estimate_input_tokens(self, request: ModelRequest) -> int:
        return self._model.estimate_input_tokens(request)

    async def close(self) -> None:
        await self._model.close()


class Crashes(list[tuple[str, str]]):
    """The policies that crashed: agents and tracebacks."""

    def report(self, agent_id: str, trace: str) -> None:
        """As the engine wants it."""
        self.append((agent_id, trace))


def engine(
    world: World,
    store: MemoryStore,
    policies: Mapping[str, PolicyFactory],
    *,
    clock: VirtualClock | RealClock | None = None,
    costs: CostModel = COSTS,
    budgeted: bool = True,
    thinking_slots: int = 64,
    memory_bytes: int = THOUGHT_MEMORY_BYTES,
    crashes: Crashes | None = None,
) -> Engine:
    """An engine over a world in memory. Make it inside the event loop that will run it."""
    return Engine(
        world,
        store,
        clock or VirtualClock(0),
        costs=costs,
        budgeted=budgeted,
        thought_memory_bytes=memory_bytes,
        policies=PolicyBook(dict(policies)),
        thinking_slots=thinking_slots,
        thought_ns=SECOND_NS,
        supervision=Supervision(),
        report_crash=(crashes if crashes is not None else Crashes()).report,
    )


def settle(strategies: Sequence[str], grants: Mapping[str, int] = GRANTS) -> tuple[World, MemoryStore]:
    """A world at time 0 with one settler for each strategy named, all with the same rights."""
    store = MemoryStore()
    world = empty_world(store)
    settlers = [Settler(AgentConfig(strategy=strategy), dict(grants)) for strategy in strategies]
    found(world, settlers, scenario="test", scenario_sha256="0" * 64, clock="virtual")
    return world, store


def live(
    world: World,
    store: MemoryStore,
    policies: Mapping[str, PolicyFactory],
    seconds: int,
    *,
    budgeted: bool = True,
    thinking_slots: int = 64,
) -> list[Event]:
    """Let a world in memory live under the virtual clock; everything that happened. No policy may crash."""
    crashes = Crashes()

    async def run() -> None:
        alive = engine(
            world, store, policies, budgeted=budgeted, thinking_slots=thinking_slots, crashes=crashes
        )
        await alive.run(seconds * SECOND_NS)

    asyncio.run(run())
    assert not crashes, crashes[0][1]
    return store.events()


Family = TypeVar("Family", bound=Event)


def of(events: Sequence[Event], family: type[Family], agent_id: str | None = None) -> list[Family]:
    """The events of one family, by one agent or by all."""
    return [
        event
        for event in events
        if isinstance(event, family) and (agent_id is None or event.principal_id == agent_id)
    ]
