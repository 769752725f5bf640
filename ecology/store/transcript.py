"""A world on PostgreSQL told again as the one file of a run, which export, audit, summary and report read."""

from pathlib import Path

from ecology.store import sqlite
from ecology.store.connection import faults
from ecology.store.postgres import PostgresStore
from ecology.store.postgres_head import Head
from ecology.store.scripts import statements
from ledger.sqlite import SQL as LEDGER

SQL = statements("postgres/transcript.sql")

_INTO: dict[str, str] = {
    "meta": sqlite.SQL["put_meta"],
    "accounts": LEDGER["add_account"],
    "transfers": LEDGER["add_transfer"],
    "holds": LEDGER["put_hold"],
    "events": sqlite.SQL["add_event"],
    "seals": sqlite.SQL["add_seal"],
    "artifacts": sqlite.SQL["put_artifact"],
    "revisions": sqlite.SQL["add_revision"],
    "agents": sqlite.SQL["add_agent"],
    "registers": sqlite.SQL["put_record"],
    "subscriptions": sqlite.SQL["add_subscription"],
    "incarnations": sqlite.SQL["add_incarnation"],
}
"""What is read there, and the statement that writes it here."""


async def transcribe(store: PostgresStore, target: Path) -> Head:
    """Write the world as of one moment into `target`, replacing a file that nobody uses; the head as of that moment.

    The file appears whole or not at all. The world may go on meanwhile, and is not held up. Raises StoreFault if the
    server cannot be read or the file not be written.
    """
    with faults(target), sqlite.new_file(target) as connection:
        connection.execute("BEGIN")
        head = await store.read_tables(SQL, lambda table, rows: connection.executemany(_INTO[table], rows))
        connection.execute(sqlite.SQL["put_meta"], ("time_ns", str(head.time_ns)))
        connection.execute("COMMIT")
        return head
