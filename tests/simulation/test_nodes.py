"""Nodes that live one world together: each agent on one of them, all deeds in one order, whoever comes and goes."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

from ecology.core.outcome import Committed, Outcome
from ecology.engine.observation import Observation
from ecology.engine.policy import ModelUse, Policy, Thought
from ecology.events.nodes import NodeJoined, NodeLeft
from ecology.events.records import (
    ActionTaken,
    AgentFailed,
    AgentStateChanged,
    HoldClosed,
    ModelCalled,
    RunEnded,
)
from ecology.events.registry import Record
from ecology.kernel.actions import Action, AgentConfig, Message, Noop, Recall, Remember, Sleep
from ecology.nodes.node import Node
from ecology.scenarios import Scenario
from tests.support.ending import AT_MOST
from tests.support.nodes import QUICK, Cluster, cluster, real

Story = Callable[[Cluster], Awaitable[None]]
MARKET_DEEDS = 600
"""As long as the flows last that everybody begins with; after that all is slow."""


def live(
    folder: Path, scenario: Scenario, story: Story, own: Callable[[AgentConfig, bytes], Policy] | None = None
) -> list[Record]:
    """What happened in a world in which the story took place."""

    async def run() -> list[Record]:
        async with cluster(folder, scenario, {} if own is None else {"own": own}) as made:
            await story(made)
            return await made.events(folder)

    return asyncio.run(run())


def turns_of(events: list[Record]) -> dict[str, list[str]]:
    """The turns that each agent took, in order."""
    taken: dict[str, list[str]] = {}
    for event in events:
        if isinstance(event, ActionTaken):
            assert event.principal_id is not None and event.turn_id is not None
            taken.setdefault(event.principal_id, []).append(event.turn_id)
    return taken


def owned(node: Node) -> set[str]:
    """The agents that the node thinks are its own."""
    assert node.term is not None
    floor = node.term.floor
    return {it.id for it in floor.world.roster if floor.owns(it.ordinal)}


def acted(node: Node) -> Iterator[bool]:
    """Of every agent, as far as the node has heard."""
    assert node.term is not None
    return (agent.turn > 0 for agent in node.term.floor.world.roster)


def test_a_market_on_three_nodes_is_lawful_to_the_end(tmp_path: Path) -> None:
    shares: list[set[str]] = []

    async def story(world: Cluster) -> None:
        for name in ("a", "b", "c"):
            await world.start(name)
        await world.until(lambda: sum(map(len, map(owned, world.nodes.values()))) == 40)
        shares.extend(map(owned, world.nodes.values()))
        nodes = world.nodes.values()
        await world.until(lambda: sum(node.tally.deeds for node in nodes) > MARKET_DEEDS)
        await world.until(lambda: all(acted(world.nodes["a"])))
        await world.end()

    events = live(tmp_path, real("market", agents=40, duration=AT_MOST, overrides=QUICK), story)
    assert all(shares) and len(set.union(*shares)) == 40
    taken = turns_of(events)
    assert len(taken) == 40 and all(len(set(turns)) == len(turns) for turns in taken.values())
    assert sum(isinstance(it, NodeJoined) for it in events) == 3
    assert isinstance(events[-1], RunEnded) and not any(isinstance(it, AgentFailed) for it in events)


class Restless:
    """A mind that naps for a moment, over and over."""

    slow = False

    def __init__(self, config: AgentConfig, dumped: bytes) -> None:
        self.turns = int(dumped or b"0")

    async def decide(self, view: Observation) -> Thought:
        return Thought(Sleep(duration_ms=20), 1, 1)

    def learn(self, action: Action | None, outcome: Outcome) -> None:
        self.turns += 1

    def dump(self) -> bytes:
        return str(self.turns).encode()


OWN = ("population.0.strategy=own", "population.0.share=1")


def attending(node: Node) -> int:
    """How many agents live on it."""
    return 0 if node.term is None else node.term.attendance.agents


def test_agents_move_to_who_comes_and_back_from_who_goes(tmp_path: Path) -> None:
    acting: set[int] = set()

    class Seen(Restless):
        async def decide(self, view: Observation) -> Thought:
            acting.add(view.ordinal)
            return await super().decide(view)

    async def story(world: Cluster) -> None:
        first = await world.start("a")
        await world.deeds("a", 50)
        second = await world.start("b")
        await world.until(lambda: 5 < attending(second) < 20 and attending(first) + attending(second) == 25)
        await world.stop("b")
        await world.until(lambda: attending(first) == 25)
        acting.clear()
        await world.until(lambda: len(acting) == 25)
        await world.deeds("a", 50)
        assert first.terms == 1
        await world.stop("a")

    events = live(tmp_path, real(agents=25, duration="1h", overrides=(*QUICK, *OWN)), story, Seen)
    left = [it for it in events if isinstance(it, NodeLeft)]
    assert [(it.node_id, it.how) for it in left] == [("b", "left"), ("a", "left")]
    after = {
        it.principal_id for it in events if isinstance(it, ActionTaken) and it.sequence > left[0].sequence
    }
    assert len(after) == 25


class Pen:
    """A mind that answers late, writes to its neighbour, and says that a model was asked."""

    slow = True

    def __init__(self, config: AgentConfig, dumped: bytes) -> None:
        self.turns = int(dumped or b"0")

    async def decide(self, view: Observation) -> Thought:
        await asyncio.sleep(0.05)
        to = f"agent-{1 + view.ordinal % 6:04d}"
        action: Action = Message(to=to, text="hello") if view.turn % 2 else Noop()
        return Thought(action, 50, 10, ModelUse("pen", "ok", 50, 10, 50))

    def learn(self, action: Action | None, outcome: Outcome) -> None:
        self.turns += 1

    def dump(self) -> bytes:
        return str(self.turns).encode()


def test_slow_minds_are_paid_for_wherever_they_think(tmp_path: Path) -> None:
    budget = (*OWN, "resources.stock.llm_budget.total_usd=100000", "prices.input_usd_per_million=1000")

    async def story(world: Cluster) -> None:
        await world.start("a")
        await world.start("b")
        for name in ("a", "b"):
            await world.deeds(name, 30)
        await world.stop("a")
        await world.deeds("b", 30)
        await world.stop("b")

    events = live(tmp_path, real(agents=6, duration="1h", overrides=(*QUICK, *budget)), story, Pen)
    calls = Counter(it.turn_id for it in events if isinstance(it, ModelCalled))
    assert len(calls) > 60 and set(calls.values()) == {1}
    answered = {it.turn_id for it in events if isinstance(it, ActionTaken)}
    assert set(calls) == answered
    how = Counter(it.how for it in events if isinstance(it, HoldClosed))
    assert how["posted"] == len(calls), "every answered call is paid, once"


class Sleeper:
    """The first agent wakes the others by messages; those sleep until they get one."""

    slow = False

    def __init__(self, config: AgentConfig, dumped: bytes) -> None:
        self.memory = dumped

    async def decide(self, view: Observation) -> Thought:
        if view.ordinal == 1:
            return Thought(Message(to=f"agent-{2 + view.turn % 7:04d}", text="wake up"), 1, 1)
        return Thought(Sleep(duration_ms=3_600_000), 1, 1)

    def learn(self, action: Action | None, outcome: Outcome) -> None:
        pass

    def dump(self) -> bytes:
        return self.memory


def test_a_deed_on_one_node_wakes_sleepers_on_the_other(tmp_path: Path) -> None:
    async def story(world: Cluster) -> None:
        await world.start("a", first=1, last=1)
        second = await world.start("b")
        await world.until(lambda: second.tally.woken_by_hint > 0)
        await world.deeds("b", 50)
        for name in ("a", "b"):
            await world.stop(name)

    events = live(tmp_path, real(agents=8, duration="1h", overrides=(*QUICK, *OWN)), story, Sleeper)
    awoke = Counter(
        it.agent_id for it in events if isinstance(it, AgentStateChanged) and it.reason == "message"
    )
    assert set(awoke) == {f"agent-{ordinal:04d}" for ordinal in range(2, 9)}


def test_what_was_remembered_on_one_node_is_recalled_on_the_other(tmp_path: Path) -> None:
    remembered: list[str] = []
    recalled: list[set[str]] = []

    class Diarist(Restless):
        """Remembers its first turns, and after that recalls them now and then."""

        async def decide(self, view: Observation) -> Thought:
            action: Action = Sleep(duration_ms=50)
            if view.turn < 3:
                action = Remember(text=f"day {view.turn}: the harvest was poor")
            elif view.turn % 3 == 0:
                action = Recall(query="how was the harvest?")
            return Thought(action, 1, 1)

        def learn(self, action: Action | None, outcome: Outcome) -> None:
            super().learn(action, outcome)
            if isinstance(action, Remember) and isinstance(outcome, Committed):
                remembered.append(action.text)
            if isinstance(action, Recall):
                assert isinstance(outcome, Committed) and outcome.data["available"] is True
                found = outcome.data["memories"]
                assert isinstance(found, list)
                recalled.append({it["artifact"] for it in found})

    async def story(world: Cluster) -> None:
        await world.start("a")
        await world.until(lambda: len(remembered) == 9)
        await world.start("b")
        await world.stop("a")
        recalled.clear()
        await world.until(lambda: len(recalled) >= 6)
        await world.stop("b")

    live(tmp_path, real(agents=3, duration="1h", overrides=(*QUICK, *OWN)), story, Diarist)
    assert all(len(names) == 3 for names in recalled)


def test_a_crashed_mind_is_told_and_the_others_live_on(tmp_path: Path) -> None:
    told: list[str] = []

    class Brittle(Restless):
        """Breaks on its second turn, if it is the first agent's."""

        async def decide(self, view: Observation) -> Thought:
            if view.ordinal == 1 and view.turn == 1:
                raise ValueError("too much to bear")
            return await super().decide(view)

    async def story(world: Cluster) -> None:
        await world.start("a")
        await world.deeds("a", 30)
        await world.stop("a")
        told.extend(world.said)

    events = live(tmp_path, real(agents=3, duration="1h", overrides=(*QUICK, *OWN)), story, Brittle)
    assert [it.agent_id for it in events if isinstance(it, AgentFailed)] == ["agent-0001"]
    assert sum("agent-0001:\nTraceback" in line and "too much to bear" in line for line in told) == 1
    assert len(turns_of(events)["agent-0002"]) > 3
