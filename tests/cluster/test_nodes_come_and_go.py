"""Nodes are started, stopped and named by people: what is meant happens, and what cannot be is refused in one line."""

import asyncio
from datetime import datetime
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
            rows = await nodes.fetch(
                "SELECT DISTINCT a.ordinal, c.node FROM events AS e JOIN agents AS a ON a.id = e.principal_id"
                " JOIN commits AS c ON e.sequence BETWEEN c.first_sequence AND c.last_sequence"
                " WHERE e.type = 'action' AND e.sequence > $1",
                after,
            )
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


@pytest.mark.cluster
def test_while_nobody_is_there_world_time_stands_still(tmp_path: Path) -> None:
    async def scene() -> None:
        async with cluster(tmp_path) as nodes:
            await nodes.up("a", "b")
            await nodes.stop()
            left = await nodes.value(int, "SELECT max(number) FROM commits")
            await asyncio.sleep(3)
            await nodes.up("a", "c")
            real, world = await _gap(nodes, left)
            assert real >= 3 and world < 1
            for name in ("a", "c"):
                nodes.nodes[name].kill()
            lost = await nodes.value(int, "SELECT max(number) FROM commits")
            await asyncio.sleep(6)  # longer than their leases
            await nodes.up("a", "d")
            real, world = await _gap(nodes, lost)
            assert real >= 6 and world < 1
            await nodes.check()

    asyncio.run(scene())


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
            began = await nodes.value(int, "SELECT time_ns FROM world_head")
            at = await nodes.value(datetime, "SELECT clock_timestamp()")
            for _ in range(3):
                await asyncio.sleep(2)
                await nodes.all_acted()
            ended, seconds = (
                await nodes.fetch(
                    "SELECT h.time_ns, extract(epoch FROM clock_timestamp() - $1)::float8 FROM world_head AS h",
                    at,
                )
            )[0]
            assert abs((ended - began) / 1e9 - seconds) < 2
            members = (await nodes.membership()).members
            assert members.keys() == {"a", "b"}
            assert await nodes.value(int, "SELECT count(*) FROM events WHERE type = 'node.joined'") == 2
            await nodes.check()

    asyncio.run(scene())
