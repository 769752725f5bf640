"""A double-entry ledger: accounts, transfers, holds, linked chains, idempotent ids, and an audit that proves it.

Reading order: `transfer` (the words, and the table of statuses), `account`, `book` on top of `chart` (verdicts in
memory), `durable` (what a book and a database tell each other), `sqlite` (tables, load, write), `sqlite_ledger` (the
asynchronous public API: SQLite with group commit), `audit` (the proof, from the database alone), `reference` and
`memory` (the oracle that the tests hold all of this against), `errors` (faults). Over PostgreSQL: `postgres` (tables,
locks, what a group reads and writes), `postgres_ledger` (group commit beside other writers), `postgres_server`
(connections and retries), `postgres_faults`, `postgres_audit`. `scripts` reads the SQL files.

Two ways in. A program that keeps its own tables takes a `Book`, decides with it, and writes its deltas in its own
transaction with `ledger.sqlite.write`. A program that only wants a ledger opens a `SqliteLedger`, or,
where several processes write, a `PostgresLedger`.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from ledger.audit import AuditReport, Check
from ledger.book import Book
from ledger.durable import Delta, History
from ledger.errors import LedgerFault
from ledger.memory import MemoryLedger
from ledger.service import Ledger
from ledger.sqlite_ledger import SqliteLedger
from ledger.transfer import MAX_AMOUNT, HoldState, Kind, Status, Transfer

if TYPE_CHECKING:
    from ledger.postgres_ledger import PostgresLedger

__all__ = [
    "MAX_AMOUNT",
    "AuditReport",
    "Book",
    "Check",
    "Delta",
    "History",
    "HoldState",
    "Kind",
    "Ledger",
    "LedgerFault",
    "MemoryLedger",
    "PostgresLedger",
    "SqliteLedger",
    "Status",
    "Transfer",
]


def __getattr__(name: str) -> object:
    """PostgreSQL's driver is imported by whoever wants that ledger, and by nobody else."""
    if name != "PostgresLedger":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return import_module("ledger.postgres_ledger").PostgresLedger
