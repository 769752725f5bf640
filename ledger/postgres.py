"""The ledger's tables in PostgreSQL: make them, load the excerpt that a group needs, write its delta.

Other processes write to the same tables. So nothing is remembered from one transaction to the next: a group locks the
account rows that it concerns, in the order of their ids, and only then reads what it decides on. Under READ COMMITTED
each statement sees what was committed before it, and what is locked stays as it was read.

Nothing here needs a session: no prepared statement, temporary table, session lock or setting outlives its transaction,
so that PgBouncer may give every transaction another server. What PostgreSQL reports passes through as asyncpg's own
exceptions.
"""

from collections.abc import Iterable

import asyncpg
import msgspec

from ledger.account import Account
from ledger.book import Book
from ledger.durable import Delta, History
from ledger.errors import SchemaTooOld, damaged, schema_too_new
from ledger.scripts import migrations, statements
from ledger.transfer import MAX_AMOUNT, HoldState, Kind, Transfer

SQL = statements("postgres", "statements.sql")
MIGRATIONS = migrations("postgres")
SCHEMA_VERSION = len(MIGRATIONS)

PIECE_ROWS = 10_000
"""How much of a book is read at once: each piece must arrive before a statement takes too long."""

Name = tuple[str, str]
"""owner, asset"""


class Overtaken(Exception):
    """Another writer committed between two statements of this transaction what the second must know: begin again."""


class Wanted(msgspec.Struct):
    """What a group has to see before it can be decided.

    `names` are accounts to be opened, with whether each issues; `holds` those that may be resolved; `due_ns` is the
    latest time up to which holds expire, -1 if none do. Ids that no row can have may be among them.
    """

    names: dict[Name, bool] = {}
    accounts: set[int] = set()
    transfers: set[int] = set()
    holds: set[int] = set()
    due_ns: int = -1


class Trace(msgspec.Struct, frozen=True):
    """What a committed group leaves behind: its transaction's id, and a transfer or hold (0: none) that it wrote."""

    transaction: str
    transfer: int
    hold: int


class Excerpt(msgspec.Struct):
    """What a group decides with: a book of the locked accounts, and the (id, issuer) of those it opened or found."""

    book: Book
    names: dict[Name, tuple[int, bool]]


class _Known(History):
    """The durable transfers among those that a group names."""

    def __init__(self) -> None:
        self.transfers: dict[int, Transfer] = {}
        self.states: dict[int, HoldState] = {}

    def add(self, rows: Iterable[asyncpg.Record]) -> None:
        for id_, kind, *fields, state in rows:
            self.transfers[id_] = Transfer(id_, Kind(kind), *fields)
            if state is not None:
                self.states[id_] = HoldState(state)

    def transfer(self, transfer_id: int) -> Transfer | None:
        return self.transfers.get(transfer_id)

    def hold_state(self, hold_id: int) -> HoldState | None:
        return self.states.get(hold_id)


async def schema_version(connection: asyncpg.Connection) -> int:
    """The version of the ledger's tables; 0 if there are none."""
    if not await connection.fetchval(SQL["schema_exists"]):
        return 0
    ((version,),) = await connection.fetch(SQL["schema_version"])
    return int(version)


async def migrate(connection: asyncpg.Connection) -> None:
    """Bring the tables to this program's version, one transaction for each step; several processes may try at once.

    Raises SchemaTooNew for tables of a later version.
    """
    while await schema_version(connection) != SCHEMA_VERSION:
        async with connection.transaction():
            await connection.fetchval(SQL["lock_schema"])
            version = await schema_version(connection)
            if version > SCHEMA_VERSION:
                raise schema_too_new(version, SCHEMA_VERSION)
            if version < SCHEMA_VERSION:  # or else another process was quicker
                await connection.execute(MIGRATIONS[version])
                await connection.execute(SQL["add_schema_version"], version + 1)


async def require_schema(connection: asyncpg.Connection) -> None:
    """Raise SchemaTooOld or SchemaTooNew unless the tables are of this program's version."""
    version = await schema_version(connection)
    if version > SCHEMA_VERSION:
        raise schema_too_new(version, SCHEMA_VERSION)
    if version < SCHEMA_VERSION:
        raise SchemaTooOld(
            f"the ledger's tables have version {version}, this program needs {SCHEMA_VERSION}",
            remedy="open it once with migrate=True, as a user who may create tables",
        )


async def load(connection: asyncpg.Connection, wanted: Wanted) -> Excerpt:
    """Lock and read what a group needs, in the caller's transaction. Raises Overtaken if it must be begun again."""
    names = await _named(connection, wanted.names) if wanted.names else {}
    known = _Known()
    book = Book(known)
    holds, locked = _possible(wanted.holds), set[int]()
    if wanted.accounts or holds or wanted.due_ns >= 0:
        due_ns = min(wanted.due_ns, MAX_AMOUNT)
        rows = await connection.fetch(SQL["lock_accounts"], _possible(wanted.accounts), holds, due_ns)
        for row in rows:
            book.admit_account(Account(*row))
            locked.add(row[0])
        if wanted.due_ns >= 0:
            known.add(await connection.fetch(SQL["due"], list(locked), due_ns))
    ids = _possible(wanted.transfers | wanted.holds)
    if ids:
        known.add(await connection.fetch(SQL["known"], ids))
    for hold_id, state in known.states.items():
        if state is not HoldState.PENDING:
            continue
        hold = known.transfers[hold_id]
        if hold.debit in locked and (hold.credit in locked or hold_id not in wanted.holds):
            book.restore_hold(hold)
        elif hold_id in wanted.holds:  # it was made after the accounts had been chosen
            raise Overtaken(f"hold {hold_id} appeared")
    return Excerpt(book, names)


async def load_book(connection: asyncpg.Connection) -> Book:
    """The whole book as of what the caller's transaction sees, for a program whose book has every account.

    Without history: its transfer ids must be fresh, see `Book`. Raises DatabaseDamaged where rows are missing. It does
    not add anything up: that is the audit's work.
    """
    book = Book()
    while rows := await connection.fetch(SQL["accounts_after"], book.size, PIECE_ROWS):
        for row in rows:
            if row[0] != book.size + 1:
                raise damaged(f"account {book.size + 1} is missing")
            book.restore_account(Account(*row))
    last = 0
    while rows := await connection.fetch(SQL["pending_after"], last, PIECE_ROWS):
        for row in rows:
            hold = Transfer.of(tuple(row))
            if not (0 < hold.debit <= book.size and 0 < hold.credit <= book.size):
                raise damaged(f"an account of hold {hold.id} is missing")
            book.restore_hold(hold)
            last = hold.id
    return book


async def write(connection: asyncpg.Connection, delta: Delta, *, timeout_s: float | None = None) -> Trace:
    """Write a delta inside the caller's transaction; what will tell whether that was committed.

    `timeout_s` is for each statement, instead of the connection's own. Raises Overtaken if another process used one of
    the transfer ids meanwhile, between other accounts, and asyncpg's UniqueViolationError if it opened one of the
    accounts: who keeps a book of all accounts keeps the others from writing.
    """
    balances, holds = delta.balances, delta.holds
    if delta.accounts:
        columns = zip(*delta.accounts, strict=True)
        await connection.execute(SQL["insert_accounts"], *columns, timeout=timeout_s)
        await connection.execute(SQL["keep_sequence_ahead"], max(row[0] for row in delta.accounts))
    ((made, transaction),) = await connection.fetch(
        SQL["write"],
        *([row[place] for row in balances] for place in range(3)),
        *([row[place] for row in delta.transfers] for place in range(9)),
        *([row[place] for row in holds] for place in range(3)),
        timeout=timeout_s,
    )
    if made != len(delta.transfers):
        raise Overtaken("an id was used meanwhile")
    # A hold that is looked for has ended, and nobody writes its row again: others come with a transfer.
    return Trace(
        transaction,
        delta.transfers[0][0] if delta.transfers else 0,
        holds[0][0] if holds and not delta.transfers else 0,
    )


async def _named(connection: asyncpg.Connection, names: dict[Name, bool]) -> dict[Name, tuple[int, bool]]:
    """The accounts of those names, opened where there are none."""
    wanted = sorted(names)
    found = await _find(connection, wanted)
    missing = [name for name in names if name not in found]
    if missing:
        # Ids are given in the order in which the accounts were asked for; a deadlock with who opens the same ones in
        # another order is found by the server and tried again.
        await connection.execute(
            SQL["add_accounts"],
            [owner for owner, _ in missing],
            [asset for _, asset in missing],
            [names[name] for name in missing],
        )
        found = await _find(connection, wanted)
    return found


async def _find(connection: asyncpg.Connection, names: list[Name]) -> dict[Name, tuple[int, bool]]:
    rows = await connection.fetch(
        SQL["accounts_named"], [owner for owner, _ in names], [asset for _, asset in names]
    )
    return {(owner, asset): (id_, issuer) for owner, asset, id_, issuer in rows}


def _possible(ids: Iterable[int]) -> list[int]:
    """Those that a row can have."""
    return [id_ for id_ in ids if 0 < id_ <= MAX_AMOUNT]
