"""The history of a world in PostgreSQL passes its check, and no change to its rows by hand does."""

import asyncio
from pathlib import Path

import asyncpg

from ecology.nodes.history_audit import audit_history
from ecology.store.postgres import PostgresStore
from tests.support.nodes import PATIENCE_S, QUICK, cluster, real

FORGERIES = (
    ("UPDATE commits SET generation = generation + 1 WHERE number = 5", "commits_by_members"),
    ("UPDATE commits SET node = 'c' WHERE number = 5", "commits_by_members"),
    ("UPDATE commits SET last_sequence = last_sequence + 1 WHERE number = 5", "commits_adjoin"),
    ("DELETE FROM commits WHERE number = (SELECT max(number) FROM commits)", "commits_adjoin"),
    ("UPDATE commits SET time_ns = 0 WHERE number = 5", "time_never_falls"),
    ("DELETE FROM events WHERE sequence = (SELECT max(sequence) FROM events WHERE type = 'action')", "commits_adjoin"),
    ("UPDATE world_head SET members = '{}'", "members_by_generation"),
    ("UPDATE world_head SET number = number + 1", "commits_adjoin"),
    ("UPDATE world_head SET ended = TRUE", "end_is_the_end"),
    ("UPDATE agents SET turn = 0", "turns_done_once"),
    ("UPDATE ledger_accounts SET balance = balance + 1 WHERE id = 3", "accounts_as_told"),
    ("UPDATE events SET body = '{}' WHERE sequence = 7", "events_readable"),
)  # fmt: skip


async def _until_lived_in(store: PostgresStore) -> None:
    """Until there is what is forged here: more than a few commits, and turns that were done."""
    async with asyncio.timeout(PATIENCE_S):
        while (await store.head()).number < 20 or (await store.census()).turns < 20:
            await asyncio.sleep(0.05)


async def _failed(store: PostgresStore) -> list[str]:
    return [check.name for check in await audit_history(store) if not check.ok]


def test_a_row_that_is_forged_is_found(tmp_path: Path) -> None:
    async def scene() -> None:
        async with cluster(tmp_path, real(agents=4, duration="1h", overrides=QUICK)) as nodes:
            for name in ("a", "b"):
                await nodes.start(name)
            await _until_lived_in(nodes.stores[0])
            for life in nodes.lives.values():
                life.cancel()
            await asyncio.gather(*nodes.lives.values(), return_exceptions=True)
            assert await _failed(nodes.stores[0]) == []
            for forgery, check in FORGERIES:
                assert check in await _forged(nodes.url, forgery), forgery
            assert await _failed(nodes.stores[0]) == []

    asyncio.run(scene())


async def _forged(url: str, forgery: str) -> list[str]:
    """What fails in a copy of the database in which something was changed."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute("CREATE SCHEMA forged")
        tables = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        for (table,) in tables:
            await connection.execute(f'CREATE TABLE forged."{table}" AS TABLE public."{table}"')
        await connection.execute(f"SET search_path = forged; {forgery}; SET search_path = public")
        store = await PostgresStore.open(f"{url}?options=-csearch_path%3Dforged", migrate=False)
        try:
            return await _failed(store)
        finally:
            await store.close()
    finally:
        await connection.execute("DROP SCHEMA IF EXISTS forged CASCADE")
        await connection.close()
