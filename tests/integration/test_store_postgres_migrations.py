"""The world's tables in PostgreSQL: made once by numbered migrations, whoever comes first, as the schema file says."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import asyncpg
import pytest

from ecology.core.errors import StoreFault
from ecology.store import postgres_schema
from ecology.store.postgres import PostgresStore
from ecology.store.scripts import schema
from tests.support.postgres import database, server

SCHEMA = Path(__file__).with_name("store_postgres_schema.sql")


def run(folder: Path, story: Callable[[asyncpg.Connection], Awaitable[None]]) -> str:
    """A story on an empty database; its name."""

    async def life() -> str:
        url = await database(folder)
        connection = await asyncpg.connect(url)
        try:
            await story(connection)
        finally:
            await connection.close()
        return url.rpartition("/")[2]

    return asyncio.run(life())


def test_the_migrations_make_what_the_schema_file_says(tmp_path: Path) -> None:
    """After a migration that is meant, write the new file with what this test got. The ledger has its own."""
    name = run(tmp_path, postgres_schema.migrate)
    assert server().dump(name, "--exclude-table=ledger_*") == SCHEMA.read_text(encoding="utf-8")


def test_migrating_twice_changes_nothing_and_there_is_one_head(tmp_path: Path) -> None:
    async def story(connection: asyncpg.Connection) -> None:
        assert await postgres_schema.schema_version(connection) == 0
        await postgres_schema.migrate(connection)
        await postgres_schema.migrate(connection)
        assert await postgres_schema.schema_version(connection) == postgres_schema.SCHEMA_VERSION
        assert await connection.fetch("SELECT number, sequence, ended FROM world_head") == [(0, 0, False)]
        with pytest.raises(asyncpg.CheckViolationError):
            await connection.execute("INSERT INTO world_head VALUES (FALSE, 0, 0, 0, '', 0, '', FALSE)")

    run(tmp_path, story)


def test_many_may_open_at_once(tmp_path: Path) -> None:
    async def story(connection: asyncpg.Connection) -> None:
        url = await database(tmp_path)
        stores = await asyncio.gather(*(PostgresStore.open(url, seed=seed) for seed in range(6)))
        for store in stores:
            await store.close()
        versions = await connection.fetch("SELECT version FROM world_schema")
        assert versions == [(number + 1,) for number in range(postgres_schema.SCHEMA_VERSION)]

    run(tmp_path, story)


def test_later_migrations_follow_in_order_and_one_that_fails_leaves_the_version_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    later = ["CREATE TABLE later_a (x integer)", "ALTER TABLE later_a RENAME TO later_b; SELECT 1 / 0"]

    async def story(connection: asyncpg.Connection) -> None:
        await postgres_schema.migrate(connection)
        monkeypatch.setattr(postgres_schema, "MIGRATIONS", [*postgres_schema.MIGRATIONS, *later])
        monkeypatch.setattr(postgres_schema, "SCHEMA_VERSION", len(postgres_schema.MIGRATIONS))
        with pytest.raises(asyncpg.DivisionByZeroError):
            await postgres_schema.migrate(connection)
        assert await postgres_schema.schema_version(connection) == len(postgres_schema.MIGRATIONS) - 1
        assert await connection.fetchval("SELECT to_regclass('later_a') IS NOT NULL")

    run(tmp_path, story)


def test_tables_of_another_version_are_refused_and_not_touched(tmp_path: Path) -> None:
    async def story(connection: asyncpg.Connection) -> None:
        with pytest.raises(StoreFault, match="version 0, this program needs 1; let it migrate them"):
            await postgres_schema.require(connection)
        await postgres_schema.migrate(connection)
        await postgres_schema.require(connection)
        await connection.execute("INSERT INTO world_schema VALUES (99)")
        for check in (postgres_schema.require, postgres_schema.migrate):
            with pytest.raises(StoreFault, match="version 99, this program knows up to 1; use the version"):
                await check(connection)

    run(tmp_path, story)


def test_columns_are_those_of_the_file(tmp_path: Path) -> None:
    """Every table and column of SQLite's schema is there, in the same order: a row means the same in both."""

    async def story(connection: asyncpg.Connection) -> None:
        await postgres_schema.migrate(connection)
        here = await connection.fetch(
            "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public'"
            " ORDER BY table_name, ordinal_position"
        )
        found: dict[str, list[str]] = {}
        for table, column in here:
            found.setdefault(table, []).append(column)
        wanted: dict[str, list[str]] = {}
        for line in schema().splitlines():
            words = line.split()
            if line.startswith("CREATE TABLE"):
                table = words[2]
                wanted[table] = []
            elif line.startswith("    ") and words[0] not in ("PRIMARY", "UNIQUE", "CHECK"):
                wanted[table].append(words[0])
        assert len(wanted) == 9
        assert {table: found[table] for table in wanted} == wanted

    run(tmp_path, story)
