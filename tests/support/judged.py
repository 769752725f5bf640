"""Three bidders before a scorer that takes a while, in a world in memory that is lived in pieces."""

import asyncio
from collections.abc import Awaitable, Callable

from ecology.core.clock import SECOND_NS, RealClock, VirtualClock
from ecology.engine.engine import Engine
from ecology.engine.judging import Judgement
from ecology.engine.observation import Observation
from ecology.engine.policy import ModelUse, PolicyBook
from ecology.engine.services import Supervision
from ecology.events.economy import BidClosed
from ecology.events.records import Event
from ecology.kernel.actions import Action, Bid, Sleep, Write
from ecology.kernel.economy.scoring import Score, Submission
from ecology.kernel.laws import Laws, MintLaw
from ecology.kernel.world import World
from ecology.resources.assets import SCRIP
from ecology.testing.laws import broken_laws
from ecology.testing.worlds import GRANTS, MemoryStore, empty_world, populate
from tests.support.thinkers import COSTS, Crashes, puppet

ONE, TWO, THREE = "agent-0001", "agent-0002", "agent-0003"
RESOLVED_S, THOUGHT_S = 20, 1


class Slowly:
    """A scorer that awaits `answer`, and remembers what it was shown."""

    slow = True

    def __init__(self, answer: Callable[[Submission], Awaitable[object]]) -> None:
        self._answer = answer
        self.shown: list[Submission] = []

    async def score(self, submission: Submission) -> Judgement:
        self.shown.append(submission)
        return await self._answer(submission)  # type: ignore[return-value]  # some of them answer with anything


async def sixty(submission: Submission) -> Judgement:
    await asyncio.sleep(0.001)
    return Judgement(Score(60, "after a while"), ModelUse("m", "ok", 1_000, 10, 77))


def bidders(
    changes: Callable[[Observation], Action | None] = lambda view: None,
) -> Callable[[Observation], Action]:
    """All write a work of their own and bid their ordinal times ten; then `changes`, or sleep."""

    def choose(view: Observation) -> Action:
        name = f"work-{view.ordinal}"
        if view.turn == 0:
            return Write(name, f"all that {view.agent_id} knows of the number {view.ordinal} " * 5)
        if view.turn == 1:
            return Bid(name, 10 * view.ordinal)
        return changes(view) or Sleep(1_000)

    return choose


class Run:
    """A world of three bidders in memory, lived in pieces."""

    def __init__(
        self, scorer: Slowly, *, slots: int = 1, choose: Callable[[Observation], Action] | None = None
    ) -> None:
        self.store = MemoryStore()
        self.world: World = populate(empty_world(self.store), 3, {**GRANTS, SCRIP: 100})
        self.world.strategy_fault = lambda name: None
        self.world.laws = Laws(mint=MintLaw(slots=slots))
        self.scorer = scorer
        self.crashes = Crashes()
        self._choose = choose or bidders()

    def engine(self, clock: VirtualClock | RealClock) -> Engine:
        return Engine(
            self.world,
            self.store,
            clock,
            costs=COSTS,
            budgeted=False,
            thought_memory_bytes=0,
            policies=PolicyBook({"maker": puppet(self._choose)}),
            thinking_slots=4,
            thought_ns=THOUGHT_S * SECOND_NS,
            supervision=Supervision(),
            report_crash=self.crashes.report,
            scorer=self.scorer,
        )

    def live(self, until_ns: int, start_ns: int = 0) -> list[Event]:
        async def run() -> None:
            await self.engine(VirtualClock(start_ns)).run(until_ns)

        asyncio.run(run())
        assert broken_laws(self.world) == []
        return self.store.events()

    def scrip(self) -> list[int]:
        return [self.world.available(agent, SCRIP) for agent in self.world.roster]


def closed(events: list[Event]) -> list[tuple[str, str, int, int]]:
    return [
        (it.bidder_id, it.how, it.price, it.time_ns // SECOND_NS)
        for it in events
        if isinstance(it, BidClosed)
    ]
