"""One agent node: joins a world that others run too, lives its share of the agents, and begins again after any fault.

A term lasts from joining to whatever ends it: the world is over, somebody wants the node to stop, or a fault - the
database went away, the lease ran out. Then everything resident is thrown away and the next term loads it anew.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress

from ecology.core.errors import StoreFault, UsageError
from ecology.engine.garbage import seldom_collected
from ecology.nodes.floor import Fenced, Over, Tally
from ecology.nodes.hints import Hints
from ecology.nodes.membership import Membership
from ecology.nodes.term import LEASE_PREFIX, LEASE_S, POLL_S, RENEWAL_S, Makings, Share, Term, live_terms
from ecology.store.postgres import PostgresStore
from ecology.store.postgres_head import Head

PATIENCE_S = 60.0
"""How long a node goes on trying to begin a term before it gives up."""

_BACKOFF_S = (0.1, 2.0)


class Node:
    """A node's whole life: term after term until the world is over or somebody stops it."""

    def __init__(
        self,
        share: Share,
        store: PostgresStore,
        hints: Hints,
        makings: Makings,
        say: Callable[[str], None],
    ) -> None:
        self.share = share
        self.term: Term | None = None
        self.terms = 0
        self.tally = Tally()
        self.last_fault = ""
        self._store = store
        self._hints = hints
        self._makings = makings
        self._say = say
        self._stop = asyncio.Event()

    def stop(self) -> None:
        """Leave cleanly as soon as possible. Safe in a signal handler of the loop."""
        self._stop.set()

    async def run(self) -> bool:
        """Whether the world is over; False if the node was stopped. Raises what no new term can mend."""
        await self._hints.start(self._on_hint)
        loop = asyncio.get_running_loop()
        since, delay_s = loop.time(), _BACKOFF_S[0]
        while True:
            try:
                return await self._serve_term()
            except (Fenced, StoreFault) as fault:
                if self._stop.is_set():
                    return False
                if self.term is not None:
                    since, delay_s = loop.time(), _BACKOFF_S[0]
                elif loop.time() - since > PATIENCE_S:
                    raise
                self.term = None
                why = "its lease ran out" if isinstance(fault, Fenced) else str(fault)
                self.last_fault = why
                self._say(f"{self.share.node} begins again: {why}")
            with suppress(TimeoutError):
                async with asyncio.timeout(delay_s):
                    await self._stop.wait()
            delay_s = min(2 * delay_s, _BACKOFF_S[1])

    async def _serve_term(self) -> bool:
        name, holder = LEASE_PREFIX + self.share.node, self.share.holder
        world, head = await self._makings.load()
        if head.ended:
            return True
        # Not before: a large world takes its time to load, and nobody would renew the lease meanwhile.
        generation = await self._take_lease(name, holder)
        if generation is None:
            return False
        world.memory = self._makings.memories()
        with world.sandbox, world.memory:
            term = Term(
                self.share,
                generation,
                self._store,
                self._hints,
                self._makings,
                world,
                head,
                await self._time_ns(head),
                self.tally,
            )
            try:
                await term.join()
            except UsageError:
                await self._store.release(name, holder, generation)
                raise
            except Over:  # since the world was loaded
                over = True
            else:
                self.term, self.terms = term, self.terms + 1
                with seldom_collected():
                    over = await term.serve(self._stop)
        with suppress(StoreFault):  # it runs out by itself
            await self._store.release(name, holder, generation)
        return over

    async def _take_lease(self, name: str, holder: str) -> int | None:
        """The generation under which this node may act; None if it was stopped before."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        while not self._stop.is_set():
            asked = loop.time()  # an answer may come late, and the lease have run out since
            generation = await self._store.acquire(name, holder, LEASE_S)
            if generation is not None:
                return generation
            if asked - began > LEASE_S + 2 * RENEWAL_S:
                raise UsageError(
                    f"a node named '{self.share.node}' is at work already",
                    remedy="stop it, or start this one with another --id",
                )
            with suppress(TimeoutError):
                async with asyncio.timeout(POLL_S):
                    await self._stop.wait()
        return None

    async def _time_ns(self, head: Head) -> int:
        """The world's time now: by the database's clock while somebody lives in it, else where it stood."""
        live = await live_terms(self._store)
        members = Membership.of(head.members).members
        if not any((name, member.generation) in live for name, member in members.items()):
            return head.time_ns
        return max(head.time_ns, (await self._store.clock_us() - head.origin_us) * 1_000)

    def _on_hint(self) -> None:
        if self.term is not None:
            self.term.floor.look(hinted=True)
