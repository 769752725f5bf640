#!/usr/bin/env python3
"""What a shared world costs on PostgreSQL: a commit, an action in rows and write-ahead log, loading, transcribing.

    python scripts/bench_store.py [--agents 1000] [--turns 20000] [--scenario market] [--json]

A run on SQLite is recorded group by group; then the same groups are committed to a server of the tests' own, through
`PostgresStore` as a node does it, payload and all. `commit_ms` is how long such a commit keeps the head, from asking
for it to the answer to COMMIT, without the deeds themselves.
"""

import argparse
import asyncio
import copy
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Sized
from pathlib import Path

import asyncpg

from ecology import scenarios
from ecology.app import assembly
from ecology.app.run_directory import RunDirectory
from ecology.core.clock import SECOND_NS
from ecology.events.records import ActionTaken
from ecology.kernel.batch import Batch
from ecology.nodes.replica import payload_of
from ecology.scenarios import Scenario
from ecology.store.postgres import PostgresStore
from ecology.store.sqlite import SqliteStore
from ecology.store.transcript import transcribe

GROUPS = (1, 16, 256)
LONG_NS = 30 * 24 * 3600 * SECOND_NS
WAL = "SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint"

Group = tuple[Batch, int]
"""What changed, and the world's time after it."""


class Recorder:
    """A committer's store that keeps a copy of every group on its way to another."""

    def __init__(self, store: SqliteStore) -> None:
        self.groups: list[Group] = []
        self._store = store

    def write(self, batch: Batch, now_ns: int) -> None:
        """Note the group as it is now: agents and artifacts change."""
        self.groups.append((copy.deepcopy(batch), now_ns))
        self._store.write(batch, now_ns)

    def commit(self) -> None:
        self._store.commit()


def recorded(scenario: Scenario, group_turns: int, turns: int) -> list[Group]:
    """The groups of a world, genesis first."""
    with tempfile.TemporaryDirectory() as folder:
        store = SqliteStore.create(Path(folder) / "ecology.sqlite")
        recorder = Recorder(store)
        book = assembly.policies(scenario, None, {})
        world = assembly.new_world(store, scenario, book)
        recorder.write(world.take_batch(), 0)
        recorder.commit()
        world.shelf.contents.committed()
        engine = assembly.engine(
            RunDirectory(Path(folder)), scenario, world, recorder, 0, book, group_turns=group_turns
        )

        async def run() -> None:
            async def watch() -> None:
                while engine.committer.turns < turns:
                    await asyncio.sleep(0.01)
                engine.interrupt()

            watcher = asyncio.create_task(watch())
            await engine.run(LONG_NS)
            await watcher

        asyncio.run(run())
        store.close()
        return recorder.groups


async def committed(url: str, groups: list[Group], scenario: Scenario) -> dict[str, float]:
    """The figures of committing those groups to an empty database."""
    store, meter = await PostgresStore.open(url), await asyncpg.connect(url)
    spans: list[float] = []
    sizes: list[int] = []
    before = 0
    for number, (batch, now_ns) in enumerate(groups):
        last = batch.events[-1].sequence if batch.events else 0
        payload = payload_of(batch, last)
        if number == 1:
            before = int(await meter.fetchval(WAL) or 0)
        began = time.perf_counter()
        async with store.at_head(number) as turnstile:
            await turnstile.write(batch, node="bench", generation=1, payload=payload, time_ns=now_ns)
        spans.append(time.perf_counter() - began)
        sizes.append(len(payload))
    wal = int(await meter.fetchval(WAL) or 0) - before
    await store.close()
    actions = sum(isinstance(event, ActionTaken) for batch, _ in groups[1:] for event in batch.events)
    figures = {
        "actions": actions,
        "commit_ms_p50": round(1_000 * statistics.median(spans[1:]), 2),
        "commit_ms_p99": round(1_000 * statistics.quantiles(spans[1:], n=100)[98], 2),
        "actions_per_s": round(actions / sum(spans[1:])),
        "payload_bytes_per_action": round(sum(sizes[1:]) / actions),
        "wal_bytes_per_action": round(wal / actions),
        "rows_per_action": round(sum(_rows(batch) for batch, _ in groups[1:]) / actions, 1),
        "genesis_s": round(spans[0], 2),
    }
    figures |= await _read_again(url, scenario)
    await meter.close()
    return figures


def _rows(batch: Batch) -> int:
    """How many rows a commit writes: the batch's, its own, the head's and the seal's."""
    delta = batch.ledger
    written: tuple[Sized, ...] = (
        *(batch.events, batch.revisions, batch.artifacts, batch.agents, batch.records),
        *(batch.subscribed, batch.unsubscribed),
        *(delta.accounts, delta.balances, delta.transfers, delta.holds),
    )
    return 3 + sum(map(len, written))


async def _read_again(url: str, scenario: Scenario) -> dict[str, float]:
    store = await PostgresStore.open(url)
    began = time.perf_counter()
    world, head = await store.load_world(
        seed=scenario.seed, default_contract=scenario.contracts.default, laws=scenario.laws()
    )
    loaded = time.perf_counter()
    names = [artifact.id for artifact in world.shelf.everything()][:200]
    for name in names:
        store.content(name)
    asked = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        await transcribe(store, Path(folder) / "ecology.sqlite")
    told = time.perf_counter()
    await store.close()
    return {
        "load_s": round(loaded - began, 2),
        "content_us": round(1e6 * (asked - loaded) / len(names)),
        "transcript_events_per_s": round(head.sequence / (told - asked)),
    }


def measure(name: str, agents: int, turns: int) -> dict[str, dict[str, float]]:
    """The figures for groups of every size, each on a database of its own."""
    from tests.support.postgres import PostgresServer

    scenario = scenarios.load(name, flags={"agents": agents, "duration": "7d", "seed": 7})
    server = PostgresServer().start()
    figures: dict[str, dict[str, float]] = {}

    async def create(database: str) -> None:
        connection = await asyncpg.connect(server.url())
        await connection.execute(f"CREATE DATABASE {database}")
        await connection.close()

    try:
        for size in GROUPS:
            asyncio.run(create(f"groups_of_{size}"))
            groups = recorded(scenario, size, max(300, turns * size // max(GROUPS)))
            figures[f"groups_of_{size}"] = asyncio.run(
                committed(server.url(f"groups_of_{size}"), groups, scenario)
            )
    finally:
        server.remove()
    return figures


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("--agents", type=int, default=1_000)
    parser.add_argument("--turns", type=int, default=20_000)
    parser.add_argument("--scenario", default="market")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    figures = measure(options.scenario, options.agents, options.turns)
    if options.json:
        json.dump(figures, sys.stdout)
        print()
        return
    columns = list(figures)
    print(f"{'':<26}" + "".join(f"{column:>16}" for column in columns))
    for name in figures[columns[0]]:
        print(f"{name:<26}" + "".join(f"{figures[column][name]:>16,}" for column in columns))


if __name__ == "__main__":
    main()
