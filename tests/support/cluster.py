"""Node processes on a real PostgreSQL and a real Redis, and what is asked of them after whatever was done to them."""

import asyncio
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import TypeVar

import asyncpg
import msgspec

from ecology.app.local_server import free_port
from ecology.nodes.history_audit import audit_history
from ecology.nodes.membership import Membership
from ecology.store.audit import audit
from ecology.store.postgres import PostgresStore
from ecology.store.transcript import transcribe
from tests.support import command, postgres
from tests.support.redis import redis_server

LEASE_S = 5.0
TAKE_OVER_S = LEASE_S + 2.0
PATIENCE_S = 60.0
T = TypeVar("T")
WORLD = (
    *("--scenario", "container", "--agents", "12", "--seed", "7", "--duration", "1h"),
    *("--set", "resources.flow.llm_rate.rate=60", "--set", "resources.flow.cpu.rate=20"),
    *("--set", "resources.flow.cpu.capacity=60"),
)
"""Twelve agents with so much of everything that each acts once a second or more, but for those asleep."""

MARKET = ("--scenario", "market", "--agents", "40", "--seed", "3", "--duration", "1h")
"""Its agents wake each other, and act so seldom that a node hears of that before it does anything itself."""


class NodeProcess:
    """One `ecology node`; what it says is in a file."""

    def __init__(self, name: str, folder: Path, arguments: Iterable[str], variables: dict[str, str]) -> None:
        self.name = name
        self.port = free_port()
        self.log = folder / f"{name}-{self.port}.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "ecology", "node"),
                    *("--id", name, "--port", str(self.port), *arguments),
                ],
                cwd=folder,
                env=command.environment(**variables),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def signal(self, number: signal.Signals) -> None:
        """To the node itself, not to its workers."""
        os.kill(self.process.pid, number)

    def kill(self) -> None:
        """As if it had lost its power."""
        self.signal(signal.SIGKILL)
        self.process.wait(PATIENCE_S)

    async def ended(self) -> int:
        """Its exit code, once it has one."""
        return await asyncio.to_thread(self.process.wait, PATIENCE_S)

    async def stop(self) -> int:
        """Ask it to leave; its exit code."""
        self.signal(signal.SIGTERM)
        return await self.ended()

    def said(self) -> str:
        """All that it said so far."""
        return self.log.read_text("utf-8")

    async def metrics(self) -> dict[str, float]:
        """What it tells Prometheus: name and labels as written there."""
        text = await asyncio.to_thread(self._get, "/metrics")
        lines = (line.rpartition(" ") for line in text.splitlines() if not line.startswith("#"))
        return {name: float(value) for name, _, value in lines}

    async def ready(self) -> bool:
        """Whether it says that it lives its agents."""
        try:
            await asyncio.to_thread(self._get, "/ready")
        except (urllib.error.URLError, OSError):
            return False
        return True

    def _get(self, path: str) -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=PATIENCE_S) as answer:
            return str(answer.read().decode())


class Cluster:
    """The nodes of one world."""

    def __init__(self, folder: Path, url: str, redis: str) -> None:
        self.folder = folder
        self.url = url
        self.redis = redis
        self.world: tuple[str, ...] = WORLD
        self.nodes: dict[str, NodeProcess] = {}
        self._started: list[NodeProcess] = []

    def start(
        self, name: str, *arguments: str, url: str = "", redis: str | None = None, **variables: str
    ) -> NodeProcess:
        """A node of that name; the first founds the world. `url` and `redis` are other ways to the servers."""
        variables["POSTGRES_URL"] = url or self.url
        if chosen := self.redis if redis is None else redis:
            variables["REDIS_URL"] = chosen
        node = NodeProcess(name, self.folder, (*self.world, *arguments), variables)
        self.nodes[name] = node
        self._started.append(node)
        return node

    async def up(self, *names: str) -> None:
        """Start these, and wait until all that run are the members and every agent has acted."""
        for name in names:
            self.start(name)
        await self.members(*(name for name, node in self.nodes.items() if node.process.poll() is None))
        await self.all_acted()

    async def fetch(self, query: str, *arguments: object) -> list[asyncpg.Record]:
        """Rows of the database as it is now."""
        connection = await asyncpg.connect(self.url, timeout=PATIENCE_S)
        try:
            return list(await connection.fetch(query, *arguments))
        finally:
            await connection.close()

    async def value(self, kind: type[T], query: str, *arguments: object) -> T:
        """The one value of the one row, which is of that kind."""
        found = (await self.fetch(query, *arguments))[0][0]
        assert isinstance(found, kind)
        return found

    async def membership(self) -> Membership:
        """As of the last commit."""
        return Membership.of(await self.value(bytes, "SELECT members FROM world_head"))

    async def members(self, *names: str) -> None:
        """Wait until these are the members and nobody else."""

        async def so() -> bool:
            return set((await self.membership()).members) == set(names)

        await self.until(so, f"{names} are never the members")

    async def last(self) -> int:
        """The last event's number."""
        return await self.value(int, "SELECT sequence FROM world_head")

    async def all_acted(self, after: int | None = None) -> None:
        """Wait until every agent that is not asleep or spent has acted after an event (by default: now's last)."""
        since = await self.last() if after is None else after

        async def so() -> bool:
            return not await self.fetch(
                "SELECT id FROM agents WHERE status = 'active' AND id NOT IN"
                " (SELECT principal_id FROM events WHERE type = 'action' AND sequence > $1)",
                since,
            )

        await self.until(so, "some agent never acts again")

    async def until(self, true: Callable[[], Awaitable[bool]], otherwise: str) -> None:
        """Wait until it is true; whether a server is away for the moment does not matter."""
        give_up = time.monotonic() + PATIENCE_S
        while True:
            try:
                if await true():
                    return
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError):
                pass  # it is what the test does to the server
            assert time.monotonic() < give_up, f"{otherwise}:\n{self.told()}"
            await asyncio.sleep(0.05)

    def told(self) -> str:
        """What every node said."""
        return "\n".join(f"{node.name} ({node.process.poll()}): {node.said()}" for node in self._started)

    async def stop(self) -> None:
        """Let every node leave that still runs."""
        running = [node for node in self._started if node.process.poll() is None]
        for node in running:
            node.signal(signal.SIGTERM)
        for node in running:
            assert await node.ended() == 130, self.told()

    async def check(self, excused: NodeProcess | None = None) -> None:
        """After the last node has left: the history and everything else are as they must be.

        No node said that it has a bug, but one that is excused.
        """
        await self.stop()
        for node in self._started:
            assert node is excused or "Traceback" not in node.said(), self.told()
        store = await PostgresStore.open(self.url)
        try:
            checks = await audit_history(store)
            target = self.folder / "ecology.sqlite"
            await transcribe(store, target)
        finally:
            await store.close()
        checks += audit(target)
        assert not [check for check in checks if not check.ok], self.told()

    def end(self) -> None:
        """Whatever happened, nothing of it goes on."""
        for node in self._started:
            if node.process.poll() is None:
                os.killpg(node.process.pid, signal.SIGKILL)
                node.process.wait(PATIENCE_S)


class Waited(msgspec.Struct, frozen=True):
    """How long something took: by the database's clock, and in beats, at which the nodes at work renew their leases."""

    seconds: float
    beats: int

    def within(self, limit_s: float) -> bool:
        """Whether it did not take longer; where it did, whether everybody stood still meanwhile.

        Nodes renew once a second at most. If they did so less often than that, it was not they who took their time.
        """
        print(f"{self.seconds:.1f} s, {self.beats} beats, of {limit_s:g}")
        return self.seconds <= limit_s or self.beats < limit_s


class TakeOver:
    """What a node's agents waited for when a fault hit it, and when they acted again."""

    def __init__(
        self, cluster: Cluster, node: str, others: set[str], at: datetime, after: int, due: list[str]
    ) -> None:
        self.cluster = cluster
        self.node = node
        self.others = others
        self.at = at
        self.after = after
        self.due = due
        self._expires: dict[str, datetime] = {}
        self._beats: Counter[str] = Counter()

    @classmethod
    async def before(cls, cluster: Cluster, node: str) -> "TakeOver":
        """To be asked just before the fault: which of its agents are due to act within the lease."""
        membership = await cluster.membership()
        rows = await cluster.fetch(
            "SELECT a.ordinal, a.id, clock_timestamp(), h.sequence FROM agents AS a, world_head AS h"
            " WHERE a.status <> 'frozen' AND a.wake_ns <= h.time_ns + 4000000000"
        )
        due = [row[1] for row in rows if membership.owner(row[0]) == node]
        assert due, f"no agent of {node} has anything to do"
        others = set(membership.members) - {node}
        return cls(cluster, node, others, rows[0][2], rows[0][3], due)

    async def first(self) -> Waited:
        """Until another node has committed something."""
        return await self._until(
            1,
            "SELECT extract(epoch FROM committed_at - $1)::float8 FROM commits"
            " WHERE first_sequence > $2 AND node <> $3 ORDER BY number LIMIT 1",
            self.node,
        )

    async def all(self) -> Waited:
        """Until each agent that was due has acted in a commit of another node."""
        return await self._until(
            len(self.due),
            "SELECT min(extract(epoch FROM c.committed_at - $1))::float8"
            " FROM events AS e JOIN commits AS c ON e.sequence BETWEEN c.first_sequence AND c.last_sequence"
            " WHERE e.type = 'action' AND e.sequence > $2 AND c.node <> $3 AND e.principal_id = ANY ($4::text[])"
            " GROUP BY e.principal_id",
            self.node,
            self.due,
        )

    async def _until(self, rows: int, query: str, *arguments: object) -> Waited:
        """Until there are so many rows: the longest time among them, and the beats of who had the fewest.

        For that one agents may have waited. Beats are overlooked in which we were kept from listening.
        """
        waited: list[float] = []

        async def so() -> bool:
            await self._listen()
            found = await self.cluster.fetch(query, self.at, self.after, *arguments)
            waited[:] = [float(row[0]) for row in found]
            return len(waited) >= rows

        await self.cluster.until(so, f"{self.due} do not all act again")
        return Waited(max(waited), min(self._beats[name] for name in self.others))

    async def _listen(self) -> None:
        for lease, expires in await self.cluster.fetch("SELECT name, expires FROM leases"):
            name = lease.removeprefix("node/")
            self._beats[name] += self._expires.setdefault(name, expires) != expires
            self._expires[name] = expires


@asynccontextmanager
async def cluster(folder: Path, *, url: str = "", redis: str | None = None) -> AsyncIterator[Cluster]:
    """Nothing runs yet. The servers are the tests' own PostgreSQL and a new Redis, unless told otherwise."""
    async with redis_server() as server:
        found = url or await postgres.database(folder)
        nodes = Cluster(folder, found, server.url if redis is None else redis)
        try:
            yield nodes
        finally:
            nodes.end()
