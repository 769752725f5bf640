"""The end of a world that many nodes run: nothing is done after it, and who comes too late is told that it is over."""

import asyncio
from pathlib import Path

import msgspec

from ecology.app import assembly
from ecology.app.node import makings
from ecology.events.records import RunEnded
from ecology.kernel.world import World
from ecology.nodes.floor import Floor
from ecology.nodes.hints import LocalHints
from ecology.nodes.node import Node
from ecology.nodes.term import Share
from ecology.store.postgres_head import Head
from tests.support.nodes import Cluster, cluster, real


def _end(nodes: Cluster) -> Floor:
    """The floor of the one node, which ends the world with its next deed."""
    term = nodes.nodes["a"].term
    assert term is not None
    floor = term.floor

    def deed() -> None:
        log = floor.world.log
        when = term.clock.now_ns()
        log.append(
            RunEnded(
                sequence=log.next_sequence, time_ns=when, principal_id=None, turn_id=None, reason="enough"
            )
        )
        floor.end_world()

    nodes.lives["end"] = asyncio.create_task(_over(floor.do(deed)))
    return floor


async def _over(deed: object) -> bool:
    try:
        await deed  # type: ignore[misc]
    except asyncio.CancelledError:
        return True  # nobody is answered after the end
    return True


def test_nothing_is_done_after_the_end(tmp_path: Path) -> None:
    done: list[str] = []

    async def scene() -> None:
        async with cluster(tmp_path, real(agents=3, duration="1h")) as nodes:
            await nodes.start("a")
            floor = _end(nodes)
            nodes.lives["later"] = asyncio.create_task(_over(floor.do(lambda: done.append("too late"))))
            await nodes.over()
            assert isinstance((await nodes.events(tmp_path))[-1], RunEnded)

    asyncio.run(scene())
    assert done == []


def test_a_node_that_joins_when_the_world_ends_is_told_so(tmp_path: Path) -> None:
    async def scene() -> None:
        async with cluster(tmp_path, real(agents=3, duration="1h")) as nodes:
            await nodes.start("a")
            store = await nodes.store()
            made = makings(store, nodes.scenario, None, assembly.policies(nodes.scenario, None, {}), print)

            async def load() -> tuple[World, Head]:
                """As of just before the end."""
                found = await made.load()
                _end(nodes)
                await nodes.lives["a"]
                return found

            late = msgspec.structs.replace(made, load=load)
            node = Node(Share("b", "b-1"), store, LocalHints({}, "b"), late, nodes.said.append)
            assert await node.run()
            assert node.terms == 0
            assert not [lease for lease in await store.leases("node/b") if lease.left_s > 0]

    asyncio.run(scene())
