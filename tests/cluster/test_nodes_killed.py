"""A node that is killed or paused costs its agents seconds, and nobody anything else."""

import asyncio
import re
import signal
from pathlib import Path

import pytest

from tests.support.cluster import TAKE_OVER_S, TakeOver, cluster


def test_a_killed_nodes_agents_act_again_elsewhere(tmp_path: Path) -> None:
    async def scene() -> None:
        async with cluster(tmp_path) as nodes:
            await nodes.up("a", "b", "c")
            taken = await TakeOver.before(nodes, "b")
            nodes.nodes["b"].kill()
            waited = await taken.all()
            await nodes.members("a", "c")
            await nodes.all_acted()

            async def cleared() -> bool:
                return await nodes.value(int, "SELECT count(*) FROM leases") == 2

            await nodes.until(cleared, "the lost node's lease stays for ever")
            await nodes.check()
            assert waited.within(TAKE_OVER_S)

    asyncio.run(scene())


def test_a_node_paused_past_its_lease_commits_nothing_with_it_and_comes_back(tmp_path: Path) -> None:
    async def scene() -> None:
        async with cluster(tmp_path) as nodes:
            await nodes.up("a", "b")
            before = (await nodes.membership()).generation("a")
            taken = await TakeOver.before(nodes, "a")
            nodes.nodes["a"].signal(signal.SIGSTOP)
            waited = await taken.all()
            await nodes.members("b")
            struck = await nodes.last()
            nodes.nodes["a"].signal(signal.SIGCONT)
            await nodes.members("a", "b")
            assert (await nodes.membership()).generation("a") > before
            await nodes.all_acted()
            late = "SELECT count(*) FROM commits WHERE node = 'a' AND generation = $1 AND last_sequence > $2"
            assert await nodes.value(int, late, before, struck) == 0
            # Which of the two it notices first depends on where it was paused: in a statement, or between two.
            assert re.search("its lease ran out|does not answer", nodes.nodes["a"].said())
            await nodes.check()
            assert waited.within(TAKE_OVER_S)

    asyncio.run(scene())


@pytest.mark.cluster
def test_a_node_that_missed_what_is_no_longer_kept_loads_the_world_anew(tmp_path: Path) -> None:
    async def scene() -> None:
        async with cluster(tmp_path) as nodes:
            await nodes.up("a", "b")
            node, before = nodes.nodes["a"], await nodes.last()
            node.signal(signal.SIGSTOP)

            async def gone_on() -> bool:
                return await nodes.last() > before + 5

            await nodes.until(gone_on, "the other stands still")
            await nodes.fetch("UPDATE commits SET payload = NULL")
            node.signal(signal.SIGCONT)

            async def loaded() -> bool:
                # For what is no longer kept, or, stopped with the floor, for the transaction that the server has ended.
                return "a begins again" in node.said()

            await nodes.until(loaded, "it follows what is not there")
            await nodes.members("a", "b")
            await nodes.all_acted()
            await nodes.check()

    asyncio.run(scene())
