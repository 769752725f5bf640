"""Nodes of one world in one event loop, on a real PostgreSQL; their hints go from hand to hand."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from ecology import scenarios
from ecology.app import assembly
from ecology.app.node import makings, settle
from ecology.engine.policy import PolicyFactory
from ecology.events.registry import Record, decode
from ecology.nodes.hints import LocalHints
from ecology.nodes.node import Node
from ecology.nodes.term import Share
from ecology.scenarios import Scenario
from ecology.store.audit import audit
from ecology.store.postgres import PostgresStore
from ecology.store.reader import EventReader
from ecology.store.transcript import transcribe
from tests.support.postgres import database

QUICK = (
    "resources.flow.llm_rate.rate=100000",
    "resources.flow.llm_rate.capacity=100000",
    "resources.flow.cpu.rate=100",
    "resources.flow.cpu.capacity=100",
)
"""Nobody waits for flow."""
PATIENCE_S = 60.0


def real(name: str = "container", *, agents: int, duration: str, overrides: tuple[str, ...] = ()) -> Scenario:
    """A scenario on the real clock."""
    flags: dict[str, object] = {"agents": agents, "duration": duration, "seed": 7, "clock": "real"}
    return scenarios.load(name, overrides=overrides, flags=flags, strategies=assembly.strategies(("own",)))


class Cluster:
    """A world and the nodes that were started on it."""

    def __init__(self, url: str, scenario: Scenario, policies: Mapping[str, PolicyFactory]) -> None:
        self.url = url
        self.scenario = scenario
        self.said: list[str] = []
        self.stores: list[PostgresStore] = []
        self.nodes: dict[str, Node] = {}
        self.lives: dict[str, asyncio.Task[bool]] = {}
        self._policies = policies
        self._neighbours: dict[str, LocalHints] = {}

    async def store(self) -> PostgresStore:
        """A store of its own, closed with the cluster."""
        self.stores.append(await PostgresStore.open(self.url, seed=len(self.stores)))
        return self.stores[-1]

    async def start(self, name: str, *, first: int = 0, last: int = 0) -> Node:
        """Let a node live; returns once it is a member, or has ended."""
        store = await self.store()
        scenario = await settle(store, self.scenario, insist=True, own=self._policies)
        book = assembly.policies(scenario, None, self._policies)
        node = Node(
            Share(name, f"{name}-{len(self.stores)}", first, last),
            store,
            LocalHints(self._neighbours, name),
            makings(store, scenario, None, book, self.said.append),
            self.said.append,
        )
        self.nodes[name] = node
        life = self.lives[name] = asyncio.create_task(node.run())
        while node.term is None and not life.done():
            await asyncio.sleep(0.005)
        return node

    async def stop(self, name: str) -> None:
        """Let a node leave."""
        self.nodes[name].stop()
        await self.lives[name]

    async def until(self, happened: Callable[[], bool]) -> None:
        """Wait for it, however slow the machine; raises TimeoutError when it does not happen."""
        async with asyncio.timeout(PATIENCE_S):
            while not happened():
                await asyncio.sleep(0.01)

    async def deeds(self, name: str, count: int) -> None:
        """Wait until the node has done so many more."""
        tally = self.nodes[name].tally
        wanted = tally.deeds + count
        await self.until(lambda: tally.deeds >= wanted)

    async def over(self) -> None:
        """Wait until every node that lives says that the world is over."""
        assert all(await asyncio.gather(*(it for it in self.lives.values() if not it.done()))), self.said

    async def end(self) -> None:
        """Let what is left of the world's time pass at once, and wait until all that live say that it is over."""
        living = [it for it in self.lives.values() if not it.done()]

        def told() -> bool:
            for node in self.nodes.values():
                if node.term is not None:  # again and again: who begins anew takes its time from the database
                    node.term.clock.not_before(self.scenario.duration_ns)
            return all(it.done() for it in living)

        await self.until(told)
        assert all(it.result() for it in living), self.said

    async def events(self, folder: Path) -> list[Record]:
        """The whole log, of a transcript that passes the audit."""
        file = folder / "transcript.sqlite"
        file.unlink(missing_ok=True)
        await transcribe(await self.store(), file)
        wrong = [check for check in audit(file) if not check.ok]
        assert wrong == [], wrong
        reader = EventReader(file)
        try:
            return [decode(line) for line in reader.lines()]
        finally:
            reader.close()


@asynccontextmanager
async def cluster(
    folder: Path, scenario: Scenario, policies: Mapping[str, PolicyFactory] | None = None
) -> AsyncIterator[Cluster]:
    """A world in a database of its own, with no node yet."""
    made = Cluster(await database(folder), scenario, policies or {})
    try:
        yield made
    finally:
        for life in made.lives.values():
            life.cancel()
        await asyncio.gather(*made.lives.values(), return_exceptions=True)
        for store in made.stores:
            await store.close()
