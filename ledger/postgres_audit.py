"""The audit of a ledger in PostgreSQL: the laws of `audit`, with the sums made by the server."""

import asyncpg

from ledger.audit import HOLD_CHECKS, Accounts, AuditReport, Check, report, verdict
from ledger.postgres import SCHEMA_VERSION, schema_version
from ledger.scripts import statements

SQL = statements("postgres", "audit.sql")


async def audit(connection: asyncpg.Connection, *, inside: bool = False) -> AuditReport:
    """Audit the ledger's tables as one snapshot; reads every transfer, and keeps a few integers per account.

    `inside` the caller's own transaction, which is REPEATABLE READ, it sees what that one has not committed. A damaged
    database is a failed check, not an exception; being unable to read at all is asyncpg's.
    """
    checks: list[Check] = []
    try:
        snapshot = {} if inside else {"isolation": "repeatable_read", "readonly": True}
        async with connection.transaction(**snapshot):
            for check in (_schema, _accounts, _holds):
                checks += await check(connection)
    except (
        asyncpg.DataCorruptedError,
        asyncpg.IndexCorruptedError,
        asyncpg.UndefinedTableError,
        asyncpg.UndefinedColumnError,
    ) as error:
        checks.append(Check("readable", False, str(error)))
    return report(checks)


async def _schema(connection: asyncpg.Connection) -> list[Check]:
    version = await schema_version(connection)
    return [Check("schema_known", 0 < version <= SCHEMA_VERSION, f"version {version} of {SCHEMA_VERSION}")]


async def _accounts(connection: asyncpg.Connection) -> list[Check]:
    accounts = Accounts(tuple(row) for row in await connection.fetch(SQL["accounts"]))
    for account, total in await connection.fetch(SQL["entries"]):
        accounts.entries[account] = int(total)
    for account, total in await connection.fetch(SQL["pending_amounts"]):
        accounts.holds[account] = int(total)
    strays = await _offenders(connection, "bad_accounts")
    return [
        *accounts.laws(),
        accounts.balances(),
        accounts.held(),
        verdict("transfers_between_accounts", "every transfer", "accounts missing or of two assets", strays),
    ]


async def _holds(connection: asyncpg.Connection) -> list[Check]:
    found = [
        f"{what} {', '.join(ids)}"
        for name, what in HOLD_CHECKS.items()
        if (ids := await _offenders(connection, name))
    ]
    return [verdict("no_hold_lost", "every hold has one state and its end", "lost", found)]


async def _offenders(connection: asyncpg.Connection, name: str) -> list[str]:
    return [str(row[0]) for row in await connection.fetch(SQL[name])]
