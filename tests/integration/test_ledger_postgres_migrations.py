"""The ledger's tables in PostgreSQL: made once by numbered migrations, whoever comes first, as the schema file says."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import asyncpg
import pytest

from ledger import PostgresLedger, postgres
from ledger.errors import SchemaTooNew
from tests.support.postgres import database, server

SCHEMA = Path(__file__).with_name("ledger_postgres_schema.sql")


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
    """After a migration that is meant, write the new file with what this test got."""
    name = run(tmp_path, postgres.migrate)
    assert server().dump(name) == SCHEMA.read_text(encoding="utf-8")


def test_migrating_twice_changes_nothing(tmp_path: Path) -> None:
    async def story(connection: asyncpg.Connection) -> None:
        assert await postgres.schema_version(connection) == 0
        await postgres.migrate(connection)
        await postgres.migrate(connection)
        assert (
            await postgres.schema_version(connection) == postgres.SCHEMA_VERSION == len(postgres.MIGRATIONS)
        )

    run(tmp_path, story)


def test_many_may_migrate_at_once(tmp_path: Path) -> None:
    async def story(connection: asyncpg.Connection) -> None:
        url = await database(tmp_path)
        ledgers = await asyncio.gather(*(PostgresLedger.open(url) for _ in range(8)))
        for ledger in ledgers:
            await ledger.close()
        assert await connection.fetch("SELECT version FROM ledger_schema") == [(postgres.SCHEMA_VERSION,)]

    run(tmp_path, story)


def test_later_migrations_follow_in_order_and_one_that_fails_leaves_the_version_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    later = ["CREATE TABLE ledger_a (x integer)", "ALTER TABLE ledger_a RENAME TO ledger_b; SELECT 1 / 0"]

    async def story(connection: asyncpg.Connection) -> None:
        await postgres.migrate(connection)
        monkeypatch.setattr(postgres, "MIGRATIONS", [*postgres.MIGRATIONS, *later])
        monkeypatch.setattr(postgres, "SCHEMA_VERSION", len(postgres.MIGRATIONS))
        with pytest.raises(asyncpg.DivisionByZeroError):
            await postgres.migrate(connection)
        assert await postgres.schema_version(connection) == len(postgres.MIGRATIONS) - 1
        assert await connection.fetchval("SELECT to_regclass('ledger_a') IS NOT NULL")

    run(tmp_path, story)


def test_a_later_version_is_refused_and_not_touched(tmp_path: Path) -> None:
    async def story(connection: asyncpg.Connection) -> None:
        await postgres.migrate(connection)
        await connection.execute("INSERT INTO ledger_schema VALUES (99)")
        with pytest.raises(SchemaTooNew, match="version 99"):
            await postgres.migrate(connection)

    run(tmp_path, story)


@pytest.mark.parametrize(
    "row",
    [
        "ledger_accounts VALUES (1, 'ann', 'scrip', FALSE, -1, 0)",
        "ledger_accounts VALUES (1, 'ann', 'scrip', FALSE, 5, 6)",
        "ledger_accounts VALUES (1, 'ann', 'scrip', TRUE, 0, -1)",
        "ledger_accounts VALUES (1, '', 'scrip', FALSE, 0, 0)",
        "ledger_accounts VALUES (0, 'ann', 'scrip', FALSE, 0, 0)",
        "ledger_transfers VALUES (1, 5, 1, 2, 1, 0, 0, 0, '')",
        "ledger_transfers VALUES (1, 1, 1, 2, 0, 0, 0, 0, '')",
        "ledger_transfers VALUES (1, 1, 1, 2, 1, 9, 0, 0, '')",
        "ledger_transfers VALUES (1, 3, 0, 0, 0, 0, 0, 0, '')",
        "ledger_holds VALUES (1, 'lost', 0)",
        "ledger_holds VALUES (1, 'posted', 0)",
        "ledger_holds VALUES (1, 'pending', 3)",
    ],
)
def test_the_tables_themselves_refuse_nonsense(tmp_path: Path, row: str) -> None:
    async def story(connection: asyncpg.Connection) -> None:
        await postgres.migrate(connection)
        with pytest.raises(asyncpg.CheckViolationError):
            await connection.execute("INSERT INTO " + row)

    run(tmp_path, story)
