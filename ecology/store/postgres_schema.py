"""The world's tables in PostgreSQL, made and brought up to date by numbered migrations, and the ledger's along."""

import asyncpg

from ecology.core.errors import StoreFault
from ecology.store.scripts import migrations, statements
from ledger import postgres as ledger_tables

SQL = statements("postgres/statements.sql")
MIGRATIONS = migrations()
SCHEMA_VERSION = len(MIGRATIONS)


async def schema_version(connection: asyncpg.Connection) -> int:
    """The version of the world's tables; 0 if there are none."""
    if not await connection.fetchval(SQL["schema_exists"]):
        return 0
    ((version,),) = await connection.fetch(SQL["schema_version"])
    return int(version)


async def migrate(connection: asyncpg.Connection) -> None:
    """Bring the tables to this program's version, one transaction for each step; several processes may try at once.

    Raises StoreFault for tables of a later version, LedgerFault if only the ledger's are.
    """
    await ledger_tables.migrate(connection)
    while await schema_version(connection) != SCHEMA_VERSION:
        async with connection.transaction():
            await connection.fetchval(SQL["lock_schema"])
            version = await schema_version(connection)
            if version > SCHEMA_VERSION:
                raise _too_new(version)
            if version < SCHEMA_VERSION:  # or else another process was quicker
                await connection.execute(MIGRATIONS[version])
                await connection.execute(SQL["add_schema_version"], version + 1)


async def require(connection: asyncpg.Connection) -> None:
    """Raise StoreFault, or LedgerFault for the ledger's, unless the tables are of this program's version."""
    version = await schema_version(connection)
    if version > SCHEMA_VERSION:
        raise _too_new(version)
    if version < SCHEMA_VERSION:
        raise StoreFault(
            f"the world's tables have version {version}, this program needs {SCHEMA_VERSION}",
            remedy="let it migrate them, as a user who may create tables",
        )
    await ledger_tables.require_schema(connection)


def _too_new(version: int) -> StoreFault:
    return StoreFault(
        f"the world's tables have version {version}, this program knows up to {SCHEMA_VERSION}",
        remedy="use the version of the program that wrote them, or a later one",
    )
