"""Small worlds for tests: the kernel's real parts, a few agents, turns taken by hand; no engine, no database."""

import atexit
from collections.abc import Mapping
from functools import cache

from ecology.artifacts.contents import Contents
from ecology.artifacts.shelf import Shelf
from ecology.core.outcome import Committed, Outcome, Refused
from ecology.events.log import EventLog
from ecology.events.records import Event
from ecology.events.subscriptions import Subscriptions
from ecology.kernel.actions import Action, AgentConfig
from ecology.kernel.agent import Agent
from ecology.kernel.batch import Batch, Turn
from ecology.kernel.contracts import ContractBook
from ecology.kernel.genesis import Settler, found
from ecology.kernel.housekeeping import due_ns, keep_house
from ecology.kernel.kernel import Kernel
from ecology.kernel.laws import Laws
from ecology.kernel.world import World
from ecology.resources.assets import (
    CPU_CAPACITY,
    CPU_RATE,
    DISK,
    LLM_BUDGET,
    LLM_CAPACITY,
    LLM_RATE,
    MEMORY,
    SCRIP,
)
from ecology.resources.costs import Charge
from ecology.sandbox.run import Sandbox
from ledger import Book

STRATEGIES = ("maker", "trader")
"""The strategies these worlds know; any other is refused."""

GRANTS: dict[str, int] = {
    SCRIP: 1_000,
    LLM_RATE: 10_000,
    LLM_CAPACITY: 100_000,
    CPU_RATE: 100_000,
    CPU_CAPACITY: 1_000_000,
    DISK: 50_000,
    MEMORY: 1_048_576,
    LLM_BUDGET: 5_000_000,
}
"""What each agent begins with, in the base units of `ecology.resources.assets`."""


class MemoryStore:
    """A store for a committer that keeps every batch; `contents` is what is committed."""

    def __init__(self) -> None:
        self.batches: list[Batch] = []
        self.contents: dict[str, bytes] = {}
        self._written: Batch | None = None

    def write(self, batch: Batch, now_ns: int) -> None:
        """Take a group; `commit` makes it count."""
        assert self._written is None, "a group is written while another awaits its commit"
        self._written = batch

    def commit(self) -> None:
        """The written group counts."""
        assert self._written is not None, "nothing was written"
        self.batches.append(self._written)
        self.contents.update(self._written.contents)
        self._written = None

    def content(self, artifact_id: str) -> bytes:
        """A committed content."""
        return self.contents[artifact_id]

    def events(self) -> list[Event]:
        """Every committed event."""
        return [event for batch in self.batches for event in batch.events]


@cache
def shared_sandbox() -> Sandbox:
    """The workers of all these worlds, ended with the process: nothing in them outlives a run."""
    sandbox = Sandbox()
    atexit.register(sandbox.close)
    return sandbox


def empty_world(
    store: MemoryStore, *, seed: int = 1, default_contract: str = "freeware", laws: Laws | None = None
) -> World:
    """A world without anybody, committed to `store`."""
    world = World(
        book=Book(),
        shelf=Shelf(Contents(store.content)),
        log=EventLog(),
        subscriptions=Subscriptions(),
        contracts=ContractBook(default_contract),
        seed=seed,
        laws=laws,
    )
    world.sandbox = shared_sandbox()
    return world


def populate(world: World, agents: int, grants: Mapping[str, int] = GRANTS) -> World:
    """Let `agents` settlers, all alike and accepting artifacts from nobody, begin at time 0."""
    world.strategy_fault = lambda name: None if name in STRATEGIES else f"no strategy '{name[:64]}'"
    settlers = [Settler(AgentConfig(strategy="maker"), dict(grants)) for _ in range(agents)]
    found(world, settlers, scenario="test", scenario_sha256="0" * 64, clock="virtual")
    return world


class Stage:
    """A world whose agents act when told to: turns as the engine's loops take them, but free of charge.

    `woken` lists the ordinals that the world has asked its clock to wake, oldest first.
    """

    def __init__(self, world: World, now_ns: int = 0) -> None:
        self.world = world
        self.kernel = Kernel(world)
        self.now_ns = now_ns
        self.woken: list[int] = []
        world.wake = lambda ordinal, at_ns: self.woken.append(ordinal)

    @classmethod
    def of(
        cls, agents: int = 3, grants: Mapping[str, int] = GRANTS, *, seed: int = 1, laws: Laws | None = None
    ) -> "Stage":
        """A stage over a world in memory with agents `agent-0001` and so on."""
        return cls(populate(empty_world(MemoryStore(), seed=seed, laws=laws), agents, grants))

    def agent(self, name: str) -> Agent:
        """The agent of that name."""
        return self.world.agents[name]

    def turn(self, name: str) -> Turn:
        """The turn that an agent who is awake may take now."""
        agent = self.agent(name)
        assert agent.status != "asleep", f"{name} is asleep"
        return Turn(agent, self.now_ns)

    def act(self, name: str, action: Action) -> Outcome:
        """One whole turn of an agent: act, record, count the turn. Its news stay where they are."""
        turn = self.turn(name)
        outcome = self.kernel.act(turn, action)
        self.kernel.record(turn, action, outcome, Charge())
        turn.agent.turn += 1
        self.world.touch(turn.agent)
        return outcome

    def do(self, name: str, action: Action) -> dict[str, object]:
        """`act` that must succeed; what the actor learns."""
        outcome = self.act(name, action)
        assert isinstance(outcome, Committed), outcome
        return outcome.data

    def refused(self, name: str, action: Action) -> str:
        """`act` that must be refused; the reason."""
        outcome = self.act(name, action)
        assert isinstance(outcome, Refused), outcome
        return outcome.reason

    def pass_time(self, span_ns: int) -> None:
        """Let time pass at once; the world sees to what is due on the way, who has slept enough by then awakes."""
        end_ns = self.now_ns + span_ns
        while (at_ns := due_ns(self.world)) <= end_ns:
            self.now_ns = max(self.now_ns, at_ns)
            keep_house(self.world, self.now_ns)
        self.now_ns = end_ns
        for agent in list(self.world.roster):
            if agent.status == "asleep" and agent.wake_ns <= self.now_ns:
                self.world.slept_enough(agent, self.now_ns)

    def news(self, name: str) -> list[Event]:
        """Take what an agent was told since the last call."""
        agent = self.agent(name)
        told, agent.inbox, agent.missed = agent.inbox, [], 0
        self.world.touch(agent)
        return told

    def events(self) -> list[Event]:
        """Take the events since the last call; commits the world to nowhere."""
        batch = self.world.take_batch()
        self.world.shelf.contents.committed()
        return batch.events
