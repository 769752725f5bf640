"""One term of a node: from its joining to whatever ends it, with everything that is resident meanwhile."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, cast

import msgspec

from ecology.core.clock import RealClock
from ecology.core.errors import UsageError
from ecology.engine.judging import Judging, ReportingScorer, SlowScorer
from ecology.engine.policy import PolicyBook
from ecology.engine.services import Services, Supervision
from ecology.engine.slots import ThinkingSlots
from ecology.engine.thinking import Till
from ecology.events.nodes import NodeJoined, NodeLeft
from ecology.kernel.economy.scoring import Scorer
from ecology.kernel.genesis import end
from ecology.kernel.kernel import Kernel
from ecology.kernel.world import World
from ecology.memory.memories import Memories
from ecology.nodes.attendance import Attendance
from ecology.nodes.floor import Fenced, Floor, Over, Tally
from ecology.nodes.hints import Hints
from ecology.nodes.membership import Member
from ecology.resources.costs import CostModel
from ecology.store.postgres import PostgresStore
from ecology.store.postgres_head import Head

LEASE_S = 5.0
RENEWAL_S = 1.0
POLL_S = 0.5
LEASE_PREFIX = "node/"


class Share(msgspec.Struct, frozen=True):
    """Which node this is: its id, who holds its lease (another one at each start), its static range if it has one."""

    node: str
    holder: str
    first: int = 0
    last: int = 0


class Makings(msgspec.Struct, frozen=True):
    """What the loops of a node are made of; see `engine.Engine`. `load` is the world as of the last commit."""

    load: Callable[[], Awaitable[tuple[World, Head]]]
    costs: CostModel
    budgeted: bool
    thought_memory_bytes: int
    policies: PolicyBook
    thinking_slots: int
    supervision: Supervision
    report_crash: Callable[[str, str], None]
    duration_ns: int
    memories: Callable[[], Memories] = Memories
    scorer: Scorer | SlowScorer | None = None


async def live_terms(store: PostgresStore) -> set[tuple[str, int]]:
    """The nodes whose leases have not run out, with the generations of these.

    A member of another generation is one of an earlier term: that is over, even if its node lives again.
    """
    return {
        (lease.name.removeprefix(LEASE_PREFIX), lease.generation)
        for lease in await store.leases(LEASE_PREFIX)
        if lease.left_s > 0
    }


async def _nothing() -> None:
    """What is done on the floor is durable when it is answered."""


class Term:
    """A node from its joining to its end."""

    def __init__(
        self,
        share: Share,
        generation: int,
        store: PostgresStore,
        hints: Hints,
        makings: Makings,
        world: World,
        head: Head,
        now_ns: int,
        tally: Tally,
    ) -> None:
        self.clock = RealClock(now_ns)
        self.floor = Floor(world, store, head, self.clock, hints, share.node, tally)
        self.generation = generation
        self._share = share
        self._store = store
        self._makings = makings
        self._world = world
        world.measured = True
        world.strategy_fault = makings.policies.fault
        till = Till(
            world,
            makings.costs,
            budgeted=makings.budgeted,
            thought_memory_bytes=makings.thought_memory_bytes,
        )
        self._services = Services(
            world=world,
            kernel=Kernel(world),
            clock=self.clock,
            till=till,
            policies=makings.policies,
            slots=ThinkingSlots(makings.thinking_slots, self.clock),
            thought_ns=0,
            supervision=makings.supervision,
            close_turn=_nothing,
            durable=_nothing,
            report_crash=makings.report_crash,
        )
        self._failure: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.attendance = Attendance(self.floor, self._services, self.clock, self._appoint(), self._failed)

    def _appoint(self) -> Callable[[], Judging] | None:
        """Who scores for the mint: a quick scorer inside the resolution, a slow one in a life of its own."""
        scorer, services, world = self._makings.scorer, self._services, self._world
        if scorer is None:
            return None
        if not scorer.slow:
            world.scorer = ReportingScorer(cast(Scorer, scorer), services.report_crash)
            return None
        world.scorer = None
        return lambda: Judging(
            world,
            self.clock,
            cast(SlowScorer, scorer),
            costs=self._makings.costs,
            slots=services.slots,
            score_ns=0,
            perform=self.floor.do,
            durable=_nothing,
            report_crash=services.report_crash,
        )

    # -- joining and leaving

    async def join(self) -> None:
        """Become a member. Raises UsageError for a static range that another member's overlaps or that has nobody."""
        gone = await self._expired()
        share, floor = self._share, self.floor

        def enter() -> None:
            self._strike_all(gone)
            if earlier := floor.members_now.generation(share.node):  # a term of ours that nobody has struck
                self._strike(share.node, earlier, "lost")
            member = Member(self.generation, share.first, share.last)
            last = len(self._world.roster)
            if share.first > last:
                raise UsageError(
                    f"AGENT_RANGE {share.first}-{share.last} begins after the last agent of this world ({last})",
                    remedy="give the node agents that there are, or leave AGENT_RANGE out",
                )
            others = floor.members_now
            if (other := others.overlapping(member)) is not None:
                theirs = others.members[other]
                raise UsageError(
                    f"AGENT_RANGE {share.first}-{share.last} overlaps that of node {other}"
                    f" ({theirs.first}-{theirs.last})",
                    remedy="give every node agents of its own, or leave AGENT_RANGE out on all of them",
                )
            if not others.members:
                floor.resume_time()
            floor.change_members(others.with_member(share.node, member))
            log = self._world.log
            log.append(
                NodeJoined(
                    sequence=log.next_sequence,
                    time_ns=self.clock.now_ns(),
                    principal_id=None,
                    turn_id=None,
                    node_id=share.node,
                    generation=self.generation,
                    first=share.first,
                    last=share.last,
                )
            )

        await floor.join(self.generation, enter)
        floor.attendant = self.attendance
        self.attendance.rearrange(floor.membership)
        await self._clear_away(gone)

    async def _expired(self) -> dict[str, int]:
        """Members whose leases have run out, or are those of later terms, with their generations."""
        members = self.floor.membership.members  # before the leases: who joins later has its lease by then
        live = await live_terms(self._store)
        return {name: it.generation for name, it in members.items() if (name, it.generation) not in live}

    async def _clear_away(self, gone: Mapping[str, int]) -> None:
        """Nobody renews their leases any more: without this one would stay for every node that was ever lost."""
        for lease in await self._store.leases(LEASE_PREFIX) if gone else ():
            if lease.left_s <= 0 and lease.name.removeprefix(LEASE_PREFIX) in gone:
                await self._store.release(lease.name, lease.holder, lease.generation)

    def _strike(self, name: str, generation: int, how: str) -> None:
        """Within a deed: somebody is no member any more."""
        floor, log = self.floor, self._world.log
        if floor.members_now.generation(name) != generation:
            return  # somebody else was quicker, or it is back
        floor.change_members(floor.members_now.without(name))
        log.append(
            NodeLeft(
                sequence=log.next_sequence,
                time_ns=self.clock.now_ns(),
                principal_id=None,
                turn_id=None,
                node_id=name,
                generation=generation,
                how=how,
            )
        )

    async def leave(self) -> None:
        """End every loop and give the agents to the others, with nothing left open."""
        floor = self.floor
        floor.attendant = None
        await self.attendance.end()

        def go() -> None:
            # Those that are ours now: while the loops ended, somebody may have joined and taken some.
            self.attendance.close_lost_thoughts(
                agent for agent in self._world.roster if floor.owns(agent.ordinal)
            )
            self._strike(self._share.node, self.generation, "left")

        await floor.do(go)

    # -- living

    async def serve(self, stop: asyncio.Event) -> bool:
        """Live until the world is over (True) or `stop` is set (False); raises whatever else ends the term."""
        floor = asyncio.create_task(self.floor.run())
        beat = asyncio.create_task(self._beat())
        time = asyncio.create_task(self.clock.run(self._makings.duration_ns))
        stopping = asyncio.create_task(stop.wait())
        tasks: list[asyncio.Task[Any]] = [floor, beat, time, stopping]
        try:
            ends: list[asyncio.Future[Any]] = [*tasks, self._failure]
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            if self._failure.done():
                self._failure.result()
            if time.done() and not floor.done():
                time.result()
                await self._first_of(floor, self.floor.do(self._end_world))
            elif stopping.done() and not floor.done() and not beat.done():
                await self._first_of(floor, self.leave())
                return False
            for task in (floor, beat):
                if task.done():
                    task.result()
            return False
        except Over:
            return True
        finally:
            for task in tasks:
                task.cancel()
            await self.attendance.end()
            await asyncio.gather(*tasks, return_exceptions=True)

    @staticmethod
    async def _first_of(floor: "asyncio.Task[None]", work: Awaitable[None]) -> None:
        """Wait for the work, or for the end of the floor that it is done on."""
        task = asyncio.ensure_future(work)
        await asyncio.wait([floor, task], return_when=asyncio.FIRST_COMPLETED)
        if floor.done():
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            floor.result()
        await task

    def _end_world(self) -> None:
        end(self._world, self.clock.now_ns())
        self.floor.end_world()

    async def _beat(self) -> None:
        """Renew the lease, strike members whose leases ran out, and look for what no hint told of."""
        renewed = 0.0
        loop = asyncio.get_running_loop()
        name, share = LEASE_PREFIX + self._share.node, self._share
        while True:
            if loop.time() - renewed >= RENEWAL_S:
                renewed = loop.time()
                if not await self._store.renew(name, share.holder, self.generation, LEASE_S):
                    raise Fenced
                gone = await self._expired()
                if gone:
                    await self.floor.do(lambda: self._strike_all(gone))  # noqa: B023 - waited for here
                    await self._clear_away(gone)
            self.floor.look(hinted=False)
            await asyncio.sleep(POLL_S)

    def _strike_all(self, gone: Mapping[str, int]) -> None:
        for name, generation in gone.items():
            self._strike(name, generation, "lost")

    def _failed(self, fault: BaseException) -> None:
        if not self._failure.done():
            self._failure.set_exception(fault)
