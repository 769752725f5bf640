"""The floor: where a node's deeds are done, one node at a time, on a replica that knows of every commit before.

Whoever has a deed to do hands it in and is answered when it is durable. A pass takes what was handed in:

    BEGIN ── lock the head ── take in others' commits ── still a member? ── deeds ── write ── COMMIT ── answers, hints
             FOR UPDATE        (payloads since ours)     (fencing token)    (kernel)

The lock on the head's one row is the order of the world. A node whose generation no longer stands there can commit
nothing, however long it was away. Nothing is mended here: whatever goes wrong ends the floor, and the node begins again
with what the database says.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol, TypeVar

import msgspec

from ecology.core.clock import MILLISECOND_NS, SECOND_NS, RealClock, host_ns
from ecology.kernel.agent import Agent
from ecology.kernel.world import World
from ecology.nodes.hints import Hints
from ecology.nodes.membership import Membership
from ecology.nodes.replica import apply, is_empty, payload_of
from ecology.store.postgres import PostgresStore
from ecology.store.postgres_head import Commit, Head

MAX_DEEDS = 256
MAX_SPAN_NS = 40 * MILLISECOND_NS
"""A pass takes up so many deeds, or those of so long: meanwhile every other node waits."""

MAX_DEED_NS = 2 * SECOND_NS
"""Code that runs in a pass is ended after so long, before the server ends the idle transaction (4 s) with all in it."""

T = TypeVar("T")


class Fenced(Exception):
    """This node is no member any more: its lease ran out and others have its agents."""


class Over(Exception):
    """The world has ended."""


class Attendant(Protocol):
    """Who looks after the agents of a node."""

    def attend(self, agents: Iterable[Agent]) -> None:
        """These were changed by other nodes, or are newly born: a loop of theirs may have to start or to look again."""

    def rearrange(self, membership: Membership) -> None:
        """Who runs whom has changed."""


class Tally(msgspec.Struct):
    """What a node has done: own commits and deeds, commits taken in, and agents that others' commits made look again:
    because of a hint, of a poll, or found on the way to a deed of its own."""

    commits: int = 0
    deeds: int = 0
    followed: int = 0
    woken_by_hint: int = 0
    woken_by_poll: int = 0
    woken_on_the_way: int = 0


class Floor:
    """The deeds of one node, between its joining and its end."""

    def __init__(
        self,
        world: World,
        store: PostgresStore,
        head: Head,
        clock: RealClock,
        hints: Hints,
        node: str,
        tally: Tally,
    ) -> None:
        """`world` is as of `head`. The node is not a member yet: see `join`."""
        self.world = world
        self.node = node
        self.generation = 0
        self.head = head
        self.membership = Membership.of(head.members)
        self.tally = tally
        self.attendant: Attendant | None = None
        self._store = store
        self._clock = clock
        self._hints = hints
        self._queue: deque[tuple[Callable[[], Any], asyncio.Future[Any]]] = deque()
        self._wanted = asyncio.Event()
        self._hinted = False
        self._to_tell: set[str] = set()
        self._born: list[Agent] = []
        self._members: Membership | None = None
        self._ending = False
        self._stood_still = False
        world.wake = self._wake
        world.born = self._born.append

    # -- what others ask of it

    async def do(self, deed: Callable[[], T]) -> T:
        """Do a deed on the floor; returns what it returned once it is durable. It must not wait for anything."""
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._queue.append((deed, future))
        self._wanted.set()
        return await future

    def look(self, *, hinted: bool) -> None:
        """Somebody may have committed something that concerns this node."""
        self._hinted = self._hinted or hinted
        self._wanted.set()

    def owns(self, ordinal: int) -> bool:
        """Whether this node runs the agent of that ordinal."""
        return self.membership.owner(ordinal) == self.node

    def change_members(self, membership: Membership) -> None:
        """Within a deed: who is a member from this commit on."""
        self._members = membership

    @property
    def members_now(self) -> Membership:
        """Within a deed: the members as they will stand after the deeds before it."""
        return self._members if self._members is not None else self.membership

    def end_world(self) -> None:
        """Within a deed: nothing follows this commit."""
        self._ending = True

    def resume_time(self) -> None:
        """Within a deed: nobody was there to see time pass, so the world goes on where it stood."""
        self._stood_still = True

    async def join(self, generation: int, enter: Callable[[], None]) -> None:
        """The deed by which this node becomes a member, before `run`."""
        self.generation = generation
        entered = asyncio.ensure_future(self.do(enter))
        await asyncio.sleep(0)
        try:
            await self.take_floor(as_member=False)
            await entered
        finally:
            entered.cancel()

    # -- passes

    async def run(self) -> None:
        """Serve until cancelled. Raises Fenced, Over, StoreFault, or what a deed raised that is a bug."""
        try:
            while True:
                await self._wanted.wait()
                self._wanted.clear()
                if self._hinted or not self._queue:
                    # Before waiting for the lock: somebody may be woken now, and less is left to do under it.
                    await self._catch_up()
                if self._queue:
                    await self.take_floor()
        finally:
            self._dismiss()

    async def take_floor(self, *, as_member: bool = True) -> None:
        """One pass over what was handed in."""
        origin_us = None
        async with self._store.at_head(self.head.number) as turnstile:
            if turnstile.head.number > self.head.number:
                commits = await turnstile.changes(self.head.number)
                self.tally.woken_on_the_way += self._take_in(turnstile.head, commits)
            if self.head.ended:
                raise Over
            if as_member and self.membership.generation(self.node) != self.generation:
                raise Fenced
            self._clock.not_before(self.head.time_ns)
            done = self._perform()
            if self._stood_still:
                origin_us = await self._store.clock_us() - self._clock.now_ns() // 1_000
            batch = self.world.take_batch()
            if not is_empty(batch) or self._members is not None or self._ending:
                self.head = await turnstile.write(
                    batch,
                    node=self.node,
                    generation=self.generation,
                    payload=payload_of(batch, self.world.log.next_sequence - 1),
                    time_ns=max(self._clock.now_ns(), self.head.time_ns),
                    members=None if self._members is None else self._members.encode(),
                    origin_us=origin_us,
                    ended=self._ending,
                )
                self.tally.commits += 1
        self._committed(done)

    def _perform(self) -> list[tuple[asyncio.Future[Any], Any]]:
        done: list[tuple[asyncio.Future[Any], Any]] = []
        now_ns = host_ns()
        until_ns = now_ns + MAX_SPAN_NS
        self.world.sandbox.until_ns = now_ns + MAX_DEED_NS
        while self._queue and not self._ending and len(done) < MAX_DEEDS and host_ns() < until_ns:
            deed, future = self._queue.popleft()
            if not future.done():  # or else who wanted it is gone
                done.append((future, deed()))
        self.tally.deeds += len(done)
        return done

    def _committed(self, done: Sequence[tuple[asyncio.Future[Any], Any]]) -> None:
        """It is durable: now everybody may know."""
        self._stood_still = False
        self.world.shelf.contents.committed()
        told, self._to_tell = self._to_tell, set()
        born, self._born = self._born, []
        changed, self._members = self._members, None
        if changed is not None:
            told |= changed.members.keys() | self.membership.members.keys()
            self._rearrange(changed)
        for future, answer in done:
            if not future.done():
                future.set_result(answer)
        self._attend(born)
        told |= {owner for it in born if (owner := self.membership.owner(it.ordinal)) is not None}
        told.discard(self.node)
        if told:
            self._hints.tell(sorted(told))
        if self._queue:
            self._wanted.set()
        if self._ending:
            raise Over

    async def _catch_up(self) -> None:
        """Take in what others committed, without the lock."""
        hinted, self._hinted = self._hinted, False
        head, commits = await self._store.changes(self.head.number)
        woken = self._take_in(head, commits)
        if hinted:
            self.tally.woken_by_hint += woken
        else:
            self.tally.woken_by_poll += woken
        if head.ended:
            raise Over
        if self.membership.generation(self.node) != self.generation:
            raise Fenced

    def _take_in(self, head: Head, commits: Sequence[Commit]) -> int:
        """Apply others' commits up to `head`; how many agents of this node they made look again."""
        concerned: dict[int, Agent] = {}
        for commit in commits:
            for agent in apply(self.world, commit.payload):
                concerned[agent.ordinal] = agent
        self.tally.followed += len(commits)
        self.head = head
        membership = Membership.of(head.members)
        if membership.members != self.membership.members:
            self._rearrange(membership)
        mine = [agent for agent in concerned.values() if self.owns(agent.ordinal)]
        self._attend(mine)
        return len(mine)

    # -- the rest

    def _attend(self, agents: Iterable[Agent]) -> None:
        if self.attendant is not None:
            self.attendant.attend(agents)

    def _rearrange(self, membership: Membership) -> None:
        self.membership = membership
        if self.attendant is not None:
            self.attendant.rearrange(membership)

    def _wake(self, ordinal: int, at_ns: int) -> None:
        owner = self.membership.owner(ordinal)
        if owner == self.node:
            self._clock.wake(ordinal, at_ns)
        elif owner is not None:
            self._to_tell.add(owner)

    def _dismiss(self) -> None:
        """Nobody is answered any more."""
        while self._queue:
            _, future = self._queue.popleft()
            future.cancel()
