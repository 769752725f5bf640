"""Models that are asked while nodes die, code whose workers are killed, and a node that gets no more memory."""

import asyncio
import os
import re
import resource
import signal
from collections import Counter
from pathlib import Path

import pytest

from ecology.core.ids import agent_id
from ecology.events.nodes import NodeJoined, NodeLeft
from ecology.events.records import ModelCalled
from ecology.events.registry import decode
from ecology.nodes.membership import Member, Membership
from ecology.testing.model_server import Answer, Call, ModelServer, Say
from tests.support.cluster import TAKE_OVER_S, Cluster, NodeProcess, TakeOver, cluster

AGENTS = 6
DELAY_MS = 200
_AGENTS = {ordinal: agent_id(ordinal) for ordinal in range(1, AGENTS + 1)}


class Minds:
    """A model that has little to say; `asked` is how often each agent asked it, by the name in its own prompt."""

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()

    def __call__(self, call: Call) -> Answer:
        found = re.search("You are `(agent-[0-9]{4})`", str(call.body["messages"]))
        if found is not None:  # or else a node asks whether anybody is there
            self.asked[found[1]] += 1
        return Say('{"action": "noop"}', DELAY_MS)


async def _called(nodes: Cluster) -> Counter[str]:
    """How many answers of the model are in the log, by agent."""
    rows = await nodes.fetch("SELECT body FROM events WHERE type = 'model.called'")
    events = [decode(row[0]) for row in rows]
    return Counter(str(it.principal_id) for it in events if isinstance(it, ModelCalled) and it.answer == "ok")


async def _moved(nodes: Cluster) -> Counter[str]:
    """How often each agent's node ceased to be its node."""
    rows = await nodes.fetch(
        "SELECT body FROM events WHERE type IN ('node.joined', 'node.left') ORDER BY sequence"
    )
    moved: Counter[str] = Counter()
    members = Membership({})
    for event in (decode(row[0]) for row in rows):
        before = members
        if isinstance(event, NodeJoined):
            members = members.with_member(event.node_id, Member(event.generation))
        elif isinstance(event, NodeLeft):
            members = members.without(event.node_id)
        for ordinal, name in _AGENTS.items():
            moved[name] += before.owner(ordinal) not in (None, members.owner(ordinal))
    return moved


@pytest.mark.cluster
def test_no_answer_of_a_model_that_a_living_node_had_is_lost(tmp_path: Path) -> None:
    async def scene() -> None:
        minds = Minds()
        async with ModelServer(minds) as model, cluster(tmp_path) as nodes:
            nodes.world = (
                *("--scenario", "container", "--agents", str(AGENTS), "--duration", "1h", "--policy", "llm"),
                *("--model", "fake", "--llm-url", model.url),
                *("--set", "resources.flow.llm_rate.rate=100000", "--set", "resources.flow.cpu.rate=20"),
                *("--set", "resources.flow.llm_rate.capacity=1000000"),
            )
            await nodes.up("a", "b")
            taken = await TakeOver.before(nodes, "a")
            nodes.nodes["a"].kill()
            waited = await taken.all()
            await nodes.members("b")
            await nodes.all_acted()

            async def often() -> bool:
                called = await _called(nodes)
                return all(called[name] > 2 for name in _AGENTS.values())

            await nodes.until(often, "some agent's model is not asked again")
            await nodes.check()
            called, moved = await _called(nodes), await _moved(nodes)
            for name in _AGENTS.values():
                # What was asked when an agent's node was killed, left or lost it was answered to nobody.
                assert minds.asked[name] - moved[name] <= called[name] <= minds.asked[name]
                assert called[name] > 2
            assert waited.within(TAKE_OVER_S)

    asyncio.run(scene())


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def test_workers_that_are_killed_cost_a_run_of_code_and_no_more(tmp_path: Path) -> None:
    async def scene() -> None:
        async with cluster(tmp_path) as nodes:
            nodes.world = (
                *("--scenario", "market", "--agents", "20", "--seed", "3", "--duration", "1h"),
                *(
                    "--set",
                    "resources.flow.llm_rate.rate=200",
                    "--set",
                    "resources.flow.llm_rate.capacity=400",
                ),
                *("--set", "resources.flow.cpu.rate=20", "--set", "resources.flow.cpu.capacity=60"),
            )
            await nodes.up("a", "b")
            killed = 0

            async def enough() -> bool:
                nonlocal killed
                for node in nodes.nodes.values():
                    for child in _children(node.process.pid):
                        os.kill(child, signal.SIGKILL)
                        killed += 1
                return killed >= 6

            await nodes.until(enough, "no node has workers")
            ran = await nodes.last()
            await nodes.until(
                lambda: _any(nodes, "SELECT 1 FROM events WHERE type = 'code.ran' AND sequence > $1", ran),
                "no code runs any more",
            )
            await nodes.all_acted()
            assert all(node.process.poll() is None for node in nodes.nodes.values())
            assert (await nodes.membership()).members.keys() == {"a", "b"}
            await _orphans_end(nodes, nodes.nodes["b"])
            await nodes.members("a")
            await nodes.check()

    asyncio.run(scene())


def _lives(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


async def _orphans_end(nodes: Cluster, node: NodeProcess) -> None:
    """A killed node leaves no worker behind."""
    workers: list[int] = []

    async def some() -> bool:
        workers.extend(_children(node.process.pid))
        return bool(workers)

    await nodes.until(some, "the node has no workers")
    node.kill()

    async def none() -> bool:
        return not any(map(_lives, workers))

    await nodes.until(none, "its workers live on")


async def _any(nodes: Cluster, query: str, *arguments: object) -> bool:
    return bool(await nodes.fetch(query, *arguments))


def _give_no_more_memory(pid: int) -> None:
    """It may keep what it has."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[0])
    limit = pages * resource.getpagesize()
    resource.prlimit(pid, resource.RLIMIT_AS, (limit, limit))


@pytest.mark.cluster
@pytest.mark.parametrize("what", ["memory", "cpu"])
def test_a_node_that_the_system_ends_at_a_limit_is_replaced(tmp_path: Path, what: str) -> None:
    async def scene() -> None:
        async with cluster(tmp_path) as nodes:
            await nodes.up("a", "b")
            node = nodes.nodes["a"]
            if what == "memory":
                _give_no_more_memory(node.process.pid)
            else:
                resource.prlimit(node.process.pid, resource.RLIMIT_CPU, (1, 2))
            assert await node.ended()
            taken = await TakeOver.before(nodes, "a")
            waited = await taken.all()
            await nodes.members("b")
            await nodes.all_acted()
            await nodes.check(excused=node)
            assert waited.within(TAKE_OVER_S)

    asyncio.run(scene())
