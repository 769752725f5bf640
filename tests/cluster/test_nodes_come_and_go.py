"""Nodes are started, stopped and named by people: what is meant happens, and what cannot be is refused in one line."""

import asyncio
import time
from pathlib import Path

import pytest

from tests.support.cluster import Cluster, NodeProcess, cluster


def complaint(node: NodeProcess) -> str:
    (line,) = node.said().splitlines()
    assert line.startswith("ecology: "), line
    return line


@pytest.mark.cluster
def test_a_second_node_of_the_same_name_is_refused(tmp_path: Path) -> None:
    async def scene() -> None:
        async with cluster(tmp_path) as nodes:
            await nodes.up("a")
            generations = (await nodes.membership()).members
            first = nodes.nodes["a"]
            second = nodes.start("a")
            assert await second.ended() == 2
            assert "a node named 'a' is at work already" in complaint(second)
            assert (await nodes.membership()).members == generations
            assert first.process.poll() is None
            await nodes.all_acted()
            await nodes.check()

    asyncio.run(scene())


def test_static_ranges_are_kept_and_overlaps_refused(tmp_path: Path) -> None:
    async def scene() -> None:
        async with cluster(tmp_path) as nodes:
            nodes.start("a", "--range", "1-5")
            nodes.start("b", AGENT_RANGE="6-9")
            await nodes.up("c")
            for name, text, code, words in (
                ("d", "5-6", 2, "AGENT_RANGE 5-6 overlaps that of node"),
                ("e", "7-3", 2, "AGENT_RANGE '7-3' is no range of agents"),
                ("f", "all", 2, "AGENT_RANGE 'all' is no range of agents"),
            ):
                node = nodes.start(name, AGENT_RANGE=text)
                assert await node.ended() == code
                assert words in complaint(node)
            after = await nodes.last()
            await nodes.all_acted(after)
            rows: list[tuple[int, str]] = []

            async def everywhere() -> bool:
                rows[:] = await nodes.fetch(
                    "SELECT DISTINCT a.ordinal, c.node FROM events AS e JOIN agents AS a ON a.id = e.principal_id"
                    " JOIN commits AS c ON e.sequence BETWEEN c.first_sequence AND c.last_sequence"
                    " WHERE e.type = 'action' AND e.sequence > $1",
                    after,
                )
                return {node for _, node in rows} >= {"a", "b", "c"}

            await nodes.until(everywhere, "all agents of some node sleep")
            assert {(ordinal, node) for ordinal, node in rows} <= {
                (ordinal, "a" if ordinal <= 5 else "b" if ordinal <= 9 else "c") for ordinal in range(1, 13)
            }
            assert {node for _, node in rows} == {"a", "b", "c"}
            await nodes.check()

    asyncio.run(scene())


def test_all_are_replaced_one_after_the_other_under_load(tmp_path: Path) -> None:
    async def scene() -> None:
        async with cluster(tmp_path) as nodes:
            await nodes.up("a1", "b1", "c1")
            for name in ("a", "b", "c"):
                old = nodes.nodes[f"{name}1"]
                leaving = asyncio.create_task(old.stop())
                nodes.start(f"{name}2")
                assert await leaving == 130
                await nodes.all_acted()
            await nodes.members("a2", "b2", "c2")
            how = await nodes.fetch("SELECT convert_from(body, 'UTF8') FROM events WHERE type = 'node.left'")
            assert len(how) == 3 and all('"how":"left"' in row[0] for row in how)
            await nodes.check()

    asyncio.run(scene())


async def _gap(nodes: Cluster, before: int) -> tuple[float, float]:
    """Seconds of the database's clock and of world time between a commit and the next."""
    ((real, world),) = await nodes.fetch(
        "SELECT extract(epoch FROM b.committed_at - a.committed_at)::float8, (b.time_ns - a.time_ns) / 1e9::float8"
        " FROM commits AS a JOIN commits AS b ON b.number = a.number + 1 WHERE a.number = $1",
        before,
    )
    return real, world


async def _nobody(nodes: Cluster, seconds: float) -> tuple[int, float]:
    """Leave the world alone for so long or longer: its last commit, and how long it was alone at least."""

    async def alone() -> bool:
        others = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        return await nodes.value(int, others) == 0

    await nodes.until(alone, "the server still does what somebody wanted who is gone")
    began = time.monotonic()
    await asyncio.sleep(seconds)
    slept_s = time.monotonic() - began
    return await nodes.value(int, "SELECT max(number) FROM commits"), slept_s


@pytest.mark.cluster
def test_while_nobody_is_there_world_time_stands_still(tmp_path: Path) -> None:
    async def scene() -> None:
        async with cluster(tmp_path) as nodes:
            await nodes.up("a", "b")
            await nodes.stop()
            left, slept_s = await _nobody(nodes, 3)
            await nodes.up("a", "c")
            real, world = await _gap(nodes, left)
            assert real >= slept_s and world <= real - slept_s
            for name in ("a", "c"):
                nodes.nodes[name].kill()
            lost, slept_s = await _nobody(nodes, 6)  # longer than their leases
            await nodes.up("a", "d")
            real, world = await _gap(nodes, lost)
            assert real >= slept_s and world <= real - slept_s
            await nodes.check()

    asyncio.run(scene())


async def _behind(nodes: Cluster, after: int) -> float:
    """By how many seconds world time is behind the database's clock, by the commit since an event that waited least."""
    return await nodes.value(
        float,
        "SELECT min(extract(epoch FROM committed_at) - time_ns / 1e9)::float8 FROM commits WHERE first_sequence > $1",
        after,
    )


WRONG_CLOCK = """
import datetime, time
_time, _time_ns = time.time, time.time_ns
_began = time.monotonic()
def _off():  # an hour ahead, and after five seconds an hour behind
    return 3600 if time.monotonic() - _began < 5 else -3600
time.time = lambda: _time() + _off()
time.time_ns = lambda: _time_ns() + _off() * 10**9
"""


@pytest.mark.cluster
def test_a_nodes_own_clock_does_not_matter(tmp_path: Path) -> None:
    async def scene() -> None:
        folder = tmp_path / "clock"
        folder.mkdir()
        (folder / "sitecustomize.py").write_text(WRONG_CLOCK)
        async with cluster(tmp_path) as nodes:
            nodes.start("a", PYTHONPATH=str(folder))
            await nodes.up("b")
            behind = []
            for _ in range(3):
                before = await nodes.last()
                await asyncio.sleep(2)
                await nodes.all_acted()
                behind.append(await _behind(nodes, before))
            assert abs(behind[-1] - behind[0]) < 2
            members = (await nodes.membership()).members
            assert members.keys() == {"a", "b"}
            assert await nodes.value(int, "SELECT count(*) FROM events WHERE type = 'node.joined'") == 2
            await nodes.check()

    asyncio.run(scene())
