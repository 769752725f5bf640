"""The check of a world's history, from PostgreSQL's tables as of one moment; the world goes on meanwhile."""

from collections.abc import Callable
from typing import Any, cast

import msgspec

from ecology.events.registry import decode
from ecology.nodes.history import AccountState, CommitRow, History
from ecology.store.postgres import PostgresStore
from ecology.store.rows import Row
from ecology.store.scripts import statements
from ledger.audit import Check

SQL = statements("postgres/history.sql")


async def audit_history(store: PostgresStore) -> list[Check]:
    """Every rule that many nodes must keep; beside it belongs the audit of the transcript, which knows all the others.

    Raises StoreFault if the server cannot be read.
    """
    history = History()
    unreadable: list[str] = []
    accounts: list[AccountState] = []
    turns: list[tuple[str, int]] = []

    def event(row: Row) -> None:
        try:
            history.event(decode(cast(bytes, row[0])))
        except msgspec.DecodeError as error:
            unreadable.append(str(error))

    takers: dict[str, Callable[[Any], object]] = {
        "commits": lambda row: history.commit(CommitRow(*row)),
        "events": event,
        "accounts": lambda row: accounts.append(AccountState(*row)),
        "agents": lambda row: turns.append((row[0], row[1])),
    }

    def take(table: str, rows: list[Row]) -> None:
        for row in rows:
            takers[table](row)

    head = await store.read_tables(SQL, take)
    if unreadable:
        return [Check("events_readable", False, unreadable[0])]
    return history.end(head, accounts, turns)
