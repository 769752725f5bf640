"""Without PostgreSQL a node does nothing, and others run its agents until it is back; without Redis all go on."""

import asyncio
import signal
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.support.cluster import MARKET, TAKE_OVER_S, Cluster, NodeProcess, TakeOver, cluster
from tests.support.wire import Wire


def wire_to(url: str) -> Wire:
    port = urlsplit(url).port
    assert port is not None
    return Wire(port)


async def _stop_while_it_has_the_head(nodes: Cluster, node: NodeProcess, wire: Wire) -> None:
    """Stop the process at a moment when a transaction of it holds the lock and waits for its next word."""
    wire.delay_s = 0.01
    for _ in range(500):
        node.signal(signal.SIGSTOP)
        await asyncio.sleep(0.1)  # whatever was on the wire has arrived
        held = await nodes.value(
            int,
            "SELECT count(*) FROM pg_stat_activity WHERE client_port = ANY ($1::int[])"
            " AND state = 'idle in transaction'",
            wire.ports(),
        )
        if held:
            return
        node.signal(signal.SIGCONT)
        await asyncio.sleep(0.013)
    raise AssertionError("it never held the lock")


@pytest.mark.cluster
def test_a_node_that_sleeps_with_the_lock_does_not_stop_the_others(tmp_path: Path) -> None:
    async def scene() -> None:
        async with cluster(tmp_path) as nodes, wire_to(nodes.url).drawn() as wire:
            nodes.start("a", url=wire.url(nodes.url))
            await nodes.up("b")
            node = nodes.nodes["a"]
            await _stop_while_it_has_the_head(nodes, node, wire)
            taken = await TakeOver.before(nodes, "a")
            # The server ends a transaction that waits for its client for 4 s.
            assert (await taken.first()).within(5.0)
            waited = await taken.all()
            await nodes.members("b")
            wire.delay_s = 0
            node.signal(signal.SIGCONT)
            await nodes.members("a", "b")
            await nodes.all_acted()
            await nodes.check()
            assert waited.within(TAKE_OVER_S)

    asyncio.run(scene())


@pytest.mark.parametrize("how", [pytest.param("cut", marks=pytest.mark.cluster), "close"])
def test_a_node_without_postgresql_is_replaced_and_comes_back(tmp_path: Path, how: str) -> None:
    async def scene() -> None:
        async with cluster(tmp_path) as nodes, wire_to(nodes.url).drawn() as wire:
            nodes.start("a", url=wire.url(nodes.url))
            await nodes.up("b")
            before = (await nodes.membership()).generation("a")
            taken = await TakeOver.before(nodes, "a")
            getattr(wire, how)()
            waited = await taken.all()
            await nodes.members("b")
            wire.mend()
            await nodes.members("a", "b")
            assert (await nodes.membership()).generation("a") > before
            await nodes.all_acted()
            await nodes.check()
            assert waited.within(TAKE_OVER_S)

    asyncio.run(scene())


@pytest.mark.cluster
@pytest.mark.parametrize("how", ["cut", "close"])
def test_without_redis_agents_are_woken_by_poll(tmp_path: Path, how: str) -> None:
    async def scene() -> None:
        async with cluster(tmp_path) as nodes, wire_to(nodes.redis).drawn() as wire:
            nodes.world = MARKET
            nodes.start("a", redis=wire.url(nodes.redis))
            await nodes.up("b")
            node = nodes.nodes["a"]

            async def heard() -> bool:
                return (await node.metrics())["ecology_hints_connected"] == 1

            await nodes.until(heard, "no hint arrives")
            getattr(wire, how)()

            async def deaf() -> bool:
                return (await node.metrics())["ecology_hints_connected"] == 0

            await nodes.until(deaf, "it does not notice")
            polled = (await node.metrics())['ecology_wakes_total{how="poll"}']

            async def by_poll() -> bool:
                return (await node.metrics())['ecology_wakes_total{how="poll"}'] > polled

            await nodes.until(by_poll, "nobody is woken by poll")
            await nodes.all_acted()
            wire.mend()
            await nodes.until(heard, "hints do not come back")
            assert (await nodes.membership()).members.keys() == {"a", "b"}
            await nodes.check()

    asyncio.run(scene())


def test_a_node_that_waits_for_postgresql_can_be_stopped(tmp_path: Path) -> None:
    async def scene() -> None:
        async with cluster(tmp_path) as nodes, wire_to(nodes.url).drawn() as wire:
            wire.cut()
            node = nodes.start("a", url=wire.url(nodes.url))

            async def connecting() -> bool:
                return bool(wire.ports())

            await nodes.until(connecting, "it does not connect")
            assert await node.stop() == 130
            assert node.said().splitlines() == ["the node has left; the others go on"]

    asyncio.run(scene())
