"""A node is struck for a lease that ran out, and not for one that it took since."""

import asyncio
from pathlib import Path

from ecology.core.clock import host_ns
from ecology.events.nodes import NodeLeft
from ecology.store.postgres import PostgresStore
from ecology.store.postgres_leases import Lease
from tests.support.nodes import PATIENCE_S, Cluster, cluster, real
from tests.support.postgres import database


class LateReader(PostgresStore):
    """Once it is `late`, it hears of leases as they stood when nobody but `a` had one."""

    late = False
    asked: asyncio.Event
    answered: asyncio.Event

    async def leases(self, prefix: str) -> list[Lease]:
        found = await super().leases(prefix)
        if not self.late:
            return found
        self.asked.set()
        await self.answered.wait()
        self.late = False
        return [lease for lease in found if lease.name == "node/a"]


class LateCluster(Cluster):
    """Its first store is late."""

    async def store(self) -> PostgresStore:
        if self.stores:
            return await super().store()
        late = await LateReader.open(self.url)
        late.asked, late.answered = asyncio.Event(), asyncio.Event()
        self.stores.append(late)
        return late


def _generation(nodes: Cluster, name: str) -> int:
    term = nodes.nodes[name].term
    return 0 if term is None else term.generation


async def _begin_again(nodes: Cluster, name: str) -> int:
    """Take the node's lease away until it has another one; the generation of that."""
    before = _generation(nodes, name)
    (lease,) = await nodes.stores[1].leases(f"node/{name}")
    await nodes.stores[1].release(lease.name, lease.holder, lease.generation)
    while _generation(nodes, name) in (0, before):
        await asyncio.sleep(0.01)
    return _generation(nodes, name)


def test_who_joined_again_is_not_struck_for_its_earlier_lease(tmp_path: Path) -> None:
    async def scene() -> None:
        nodes = LateCluster(await database(tmp_path), real(agents=4, duration="1h"), {})
        try:
            await nodes.start("a")
            await nodes.start("b")
            late = nodes.stores[0]
            assert isinstance(late, LateReader)
            late.late = True
            await late.asked.wait()
            again = await asyncio.wait_for(_begin_again(nodes, "b"), PATIENCE_S)
            late.answered.set()
            while late.late:
                await asyncio.sleep(0.01)
            for name in ("a", "b"):
                await nodes.stop(name)
            left = [event for event in await nodes.events(tmp_path) if isinstance(event, NodeLeft)]
            assert [it.how for it in left if (it.node_id, it.generation) == ("b", again)] == ["left"]
        finally:
            for life in nodes.lives.values():
                life.cancel()
            await asyncio.gather(*nodes.lives.values(), return_exceptions=True)
            for store in nodes.stores:
                await store.close()

    asyncio.run(scene())


async def _world_ns(nodes: Cluster) -> int:
    head, _ = await nodes.stores[0].changes(0)
    return head.time_ns


def test_world_time_stands_still_though_a_name_comes_back_before_its_node_joins(tmp_path: Path) -> None:
    async def scene() -> None:
        async with cluster(tmp_path, real(agents=4, duration="1h")) as nodes:
            for name in ("a", "b"):
                await nodes.start(name)
            for life in nodes.lives.values():
                life.cancel()  # without a word to the others
            await asyncio.gather(*nodes.lives.values(), return_exceptions=True)
            store = nodes.stores[0]
            for lease in await store.leases("node/"):
                await store.release(lease.name, lease.holder, lease.generation)
            ended = await _world_ns(nodes)
            await asyncio.sleep(1)
            assert await store.acquire("node/a", "who starts again", 60)
            began_ns = host_ns()
            await nodes.start("c")
            passed_ns = await _world_ns(nodes) - ended
            assert passed_ns <= host_ns() - began_ns, "none of the time in which nobody was there"
            await nodes.stop("c")

    asyncio.run(scene())
