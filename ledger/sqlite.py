"""The ledger's tables in SQLite: make them, load a book from them, write its deltas, look up what it forgot.

Everything here works inside the caller's connection and transaction and commits nothing, so that a program's own rows
and the ledger's become durable together. What SQLite reports passes through as apsw's own exceptions.
"""

from collections.abc import Callable, Collection, Iterator
from operator import itemgetter
from typing import cast

import apsw

from ledger.account import Account
from ledger.book import Book
from ledger.durable import Delta, History
from ledger.errors import damaged, schema_too_new
from ledger.scripts import migrations, statements
from ledger.transfer import HoldState, Kind, Transfer, TransferRow

SQL = statements("sqlite", "statements.sql")
MIGRATIONS = migrations("sqlite")
SCHEMA_VERSION = len(MIGRATIONS)

_id: Callable[[TransferRow], int] = itemgetter(0)


def schema_version(connection: apsw.Connection) -> int:
    """The version of the ledger's tables; 0 if there are none."""
    if not connection.execute(SQL["schema_exists"]).get:
        return 0
    return cast("int | None", connection.execute(SQL["schema_version"]).get) or 0


def migrate(connection: apsw.Connection) -> None:
    """Bring the tables to this program's version; writes nothing if they are. All or nothing, also in a transaction.

    Raises SchemaTooNew for tables of a later version.
    """
    version = schema_version(connection)
    if version > SCHEMA_VERSION:
        raise schema_too_new(version, SCHEMA_VERSION)
    if version == SCHEMA_VERSION:
        return
    with connection:
        for number in range(version + 1, SCHEMA_VERSION + 1):
            connection.execute(MIGRATIONS[number - 1])
            connection.execute(SQL["add_schema_version"], (number,))


def load(connection: apsw.Connection, lookup: History | None = None) -> Book:
    """The book as of what the connection sees. Without `lookup` the caller's transfer ids must be fresh: see `Book`.

    Raises DatabaseDamaged where rows are missing. It does not add anything up: that is the audit's work.
    """
    book = Book(lookup)
    for id_, owner, asset, issuer, balance, held in cast(
        Iterator[tuple[int, str, str, int, int, int]], connection.execute(SQL["all_accounts"])
    ):
        if id_ != book.size + 1:
            raise damaged(f"account {book.size + 1} is missing")
        book.restore_account(Account(id_, owner, asset, bool(issuer), balance, held))
    for row in connection.execute(SQL["pending_holds"]):
        hold = Transfer.of(cast(TransferRow, row))
        if not (0 < hold.debit <= book.size and 0 < hold.credit <= book.size):
            raise damaged(f"an account of hold {hold.id} is missing")
        book.restore_hold(hold)
    return book


def write(connection: apsw.Connection, delta: Delta) -> None:
    """Write a delta inside the caller's transaction.

    Raises apsw.ConstraintError if a transfer id is there already, which means that a caller without history reused it.
    """
    if delta.accounts:
        connection.executemany(SQL["add_account"], delta.accounts)
    if delta.transfers:
        connection.executemany(SQL["add_transfer"], delta.transfers)
    if delta.balances:
        connection.executemany(SQL["put_balance"], delta.balances)
    if delta.holds:
        connection.executemany(SQL["put_hold"], delta.holds)


def find_transfers(connection: apsw.Connection, ids: Collection[int]) -> dict[int, Transfer]:
    """The accepted transfers of those ids, by id; the others are left out."""
    rows = cast(Iterator[TransferRow], connection.execute(SQL["transfers_of"], (str(list(ids)),)))
    return {row[0]: Transfer.of(row) for row in rows}


def find_hold_states(connection: apsw.Connection, ids: Collection[int]) -> dict[int, HoldState]:
    """The states of the holds of those ids, by id; the others are left out."""
    rows = cast(Iterator[tuple[int, str]], connection.execute(SQL["hold_states_of"], (str(list(ids)),)))
    return {hold_id: HoldState(state) for hold_id, state in rows}


class SqliteHistory(History):
    """What the connection sees of the past, read a batch at a time.

    Ids above the highest stored are new without a look: callers whose ids grow never cause a read. Tell it of every
    delta that its connection writes; after a rollback or another connection's commit, take a new one.
    """

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection
        self._highest = cast(int, connection.execute(SQL["highest_transfer"]).get)
        self._asked: set[int] = set()
        self._transfers: dict[int, Transfer] = {}
        self._states: dict[int, HoldState] = {}

    def wrote(self, delta: Delta) -> None:
        """Take note that the delta was written: what was read before may no longer be so, least of all an absence."""
        self._asked, self._transfers, self._states = set(), {}, {}
        self._highest = max(self._highest, max(map(_id, delta.transfers), default=0))

    def prefetch(self, ids: Collection[int]) -> None:
        """Read in one go what is known of transfers and holds of those ids, forgetting what was read before."""
        self._asked = {id_ for id_ in ids if 0 < id_ <= self._highest}
        self._transfers = find_transfers(self._connection, self._asked) if self._asked else {}
        holds = [id_ for id_, transfer in self._transfers.items() if transfer.kind is Kind.HOLD]
        self._states = find_hold_states(self._connection, holds) if holds else {}

    def transfer(self, transfer_id: int) -> Transfer | None:
        if transfer_id > self._highest:
            return None
        if transfer_id not in self._asked:
            return find_transfers(self._connection, (transfer_id,)).get(transfer_id)
        return self._transfers.get(transfer_id)

    def hold_state(self, hold_id: int) -> HoldState | None:
        if not 0 < hold_id <= self._highest:
            return None
        if hold_id not in self._asked:
            return find_hold_states(self._connection, (hold_id,)).get(hold_id)
        return self._states.get(hold_id)
