"""Three nodes whose commits are lost or unanswered by chance, many times a second: whatever was acknowledged stays.

One process, no hints lost, a real PostgreSQL. A failure prints its seed.
"""

import asyncio
from pathlib import Path

import pytest

from ecology.core.seeds import Draw
from ecology.nodes.history_audit import audit_history
from ecology.store.postgres import PostgresStore
from ecology.store.rows import Row
from ecology.testing.flaky_postgres import FlakyPostgres, fates
from tests.support.ending import AT_MOST
from tests.support.nodes import QUICK, Cluster, real
from tests.support.postgres import database

SEEDS = 4
ONE_IN = 8
FAULTS = 4
"""Of all nodes of one world, before its end."""


class FlakyCluster(Cluster):
    """Each store fails by itself."""

    seed: int

    async def store(self) -> PostgresStore:
        number = len(self.stores)
        fate = fates(Draw(self.seed, number), one_in=ONE_IN)
        self.stores.append(await FlakyPostgres.flaky(self.url, fate, seed=number))
        return self.stores[-1]

    def faults(self) -> int:
        """How many there were so far."""
        return sum(store.faults for store in self.stores if isinstance(store, FlakyPostgres))


async def _live(folder: Path, seed: int, name: str) -> int:
    """One world to its end; how many faults there were."""
    scenario = real(name, agents=8, duration=AT_MOST, overrides=QUICK)
    nodes = FlakyCluster(await database(folder), scenario, {})
    nodes.seed = seed
    try:
        for node in ("a", "b", "c"):
            await nodes.start(node)
        await nodes.until(lambda: nodes.faults() >= FAULTS)
        await nodes.end()
    finally:
        for life in nodes.lives.values():
            life.cancel()
        await asyncio.gather(*nodes.lives.values(), return_exceptions=True)
        for store in nodes.stores:
            await store.close()
    await _look_at(nodes, folder)
    return nodes.faults()


async def _look_at(nodes: FlakyCluster, folder: Path) -> None:
    """The rules were kept, and nothing that was acknowledged is lost."""
    store = await PostgresStore.open(nodes.url)
    try:
        wrong = [check for check in await audit_history(store) if not check.ok]
        assert not wrong, (nodes.seed, wrong, nodes.said)
        seals: dict[int, bytes] = {}
        times: dict[int, int] = {}

        def take(table: str, rows: list[Row]) -> None:
            kept = seals if table == "seals" else times
            kept.update(rows)  # type: ignore[arg-type]

        await store.read_tables(
            {
                "seals": "SELECT last_sequence, sha256 FROM seals",
                "commits": "SELECT number, time_ns FROM commits",
            },
            take,
        )
    finally:
        await store.close()
    for told in nodes.stores:
        assert isinstance(told, FlakyPostgres)
        for head in told.acknowledged:
            assert times[head.number] == head.time_ns, (nodes.seed, head)
            assert not head.sequence or seals[head.sequence] == head.seal, (nodes.seed, head)
    try:
        assert await nodes.events(folder)
    finally:
        await nodes.stores[-1].close()


@pytest.mark.parametrize("name", ["container", "market"])
def test_what_is_acknowledged_survives_whatever_fails(tmp_path: Path, name: str) -> None:
    async def scene() -> int:
        faults = 0
        for seed in range(1, SEEDS + 1):
            folder = tmp_path / str(seed)
            folder.mkdir()
            faults += await _live(folder, seed, name)
        return faults

    faults = asyncio.run(scene())
    assert faults >= SEEDS * FAULTS
