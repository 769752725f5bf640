"""One agent's loop at its edges: what a crash, a sleep and a free turn leave behind."""

import asyncio
from collections.abc import Callable

from ecology.core.clock import SECOND_NS
from ecology.core.outcome import Outcome
from ecology.engine.observation import Observation
from ecology.engine.policy import PolicyFactory, Thought
from ecology.events.subscriptions import EventFilter
from ecology.kernel.actions import Action, AgentConfig, Noop, Sleep, StatePredicate
from ecology.kernel.world import World
from ecology.resources.costs import CostModel
from ecology.testing.worlds import MemoryStore
from tests.support.thinkers import COSTS, Crashes, engine, settle

FREE = CostModel(
    fixed_millitokens=0,
    per_1k_input_millitokens=0,
    per_1k_output_millitokens=0,
    max_input_tokens=100,
    max_output_tokens=100,
    turn_us=0,
    per_kib_us=0,
    input_usd_micros_per_million=0,
    output_usd_micros_per_million=0,
)


class Scripted:
    """Does what it is told to do in each turn; crashes in learning where it is told to."""

    slow = False

    def __init__(self, deeds: Callable[[int], Action], crash_at: int | None) -> None:
        self._deeds = deeds
        self._crash_at = crash_at
        self._turn = 0

    async def decide(self, view: Observation) -> Thought:
        self._turn = view.turn
        return Thought(self._deeds(view.turn), 0, 0)

    def learn(self, action: Action | None, outcome: Outcome) -> None:
        if self._turn == self._crash_at:
            raise LookupError("a damaged mind")

    def dump(self) -> bytes:
        return b""


def scripted(deeds: Callable[[int], Action], crash_at: int | None = None) -> dict[str, PolicyFactory]:
    def build(config: AgentConfig, dumped: bytes) -> Scripted:
        return Scripted(deeds, crash_at)

    return {"scripted": build}


def live(
    world: World,
    store: MemoryStore,
    policies: dict[str, PolicyFactory],
    seconds: int,
    costs: CostModel = COSTS,
) -> None:
    """So many seconds of a world in memory; its policies may crash."""

    async def run() -> None:
        await engine(world, store, policies, costs=costs, crashes=Crashes()).run(seconds * SECOND_NS)

    asyncio.run(run())


def test_who_crashes_while_falling_asleep_is_not_left_asleep() -> None:
    """Its back-off alone wakes it, and what it slept for is no longer watched."""
    world, store = settle(["scripted"])
    nap = Sleep(60_000, EventFilter("artifact.created"))
    live(world, store, scripted(lambda turn: nap if turn == 0 else Noop(), crash_at=0), 4)
    agent = world.roster[0]
    assert agent.failures == 1
    assert (agent.status, agent.sleep) == ("active", None)
    assert world.subscriptions.of(agent.id) == []


def test_who_sleeps_for_tokens_counts_what_its_turn_gave_back() -> None:
    """The worst case that was taken in advance is back before the waiting begins, so there is nothing to wait for."""
    world, store = settle(["scripted"])
    full = world.roster[0].llm.capacity // 1000
    nap = Sleep(3_600_000, until=StatePredicate("llm_tokens", "ge", full - 1))
    live(world, store, scripted(lambda turn: nap if turn == 0 else Sleep(10_000)), 2, costs=FREE)
    assert world.roster[0].turn > 1


def test_time_goes_on_where_turns_cost_nothing() -> None:
    world, store = settle(["scripted"])
    seen: list[int] = []

    def deed(turn: int) -> Action:
        seen.append(turn)
        return Noop() if turn < 50 else Sleep(10 * SECOND_NS // 1_000_000)

    live(world, store, scripted(deed), 5, costs=FREE)
    assert len(seen) == 51
