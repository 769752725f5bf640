"""The ledger over a SQLite file, with group commit: many callers share one transaction and one wait for the disk.

A call puts its work into the queue. A group is all that waited: its verdicts are decided in memory, its rows written
on the loop's own thread (a second thread stepping SQLite row by row would fight over the interpreter lock), the
COMMIT, which waits for the disk, is given to another thread, and the callers are answered when it is through.
Meanwhile the next group gathers. Verdicts on the next group never start before this one is durable, so nobody builds
on what may be lost.

                     submit                     all rows written              durable
    callers ───────► queue ───► verdicts, rows ────────────────► COMMIT ────────────► answers
                       ▲            (loop thread)            (committer thread)          │
                       └───────────────────── next group ◄────────────────────────────┘
"""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from os import PathLike, fspath
from typing import Self, TypeVar, cast

import apsw

from ledger import sqlite
from ledger.audit import AuditReport, audit
from ledger.book import Book
from ledger.errors import DatabaseDamaged, DatabaseLocked, DatabaseUnusable, DiskFull, LedgerFault, closed
from ledger.service import Ledger, check_types
from ledger.transfer import HoldState, Status, Transfer

BUSY_TIMEOUT_MS = 1_000
MAX_GROUP = 1_024
WAL_PAGES = 4_000

T = TypeVar("T")

_Request = tuple[asyncio.Future[object], Callable[[Book], object], Iterable[int]]
"""A caller, its work, and the ids of transfers that the work may look up."""

_Answer = tuple[asyncio.Future[object], object]
"""A caller, and its result or the exception that is its alone."""


@contextmanager
def faults(path: str) -> Iterator[None]:
    """Turn what SQLite reports into a `LedgerFault`."""
    try:
        yield
    except apsw.FullError as error:
        raise DiskFull(
            f"the disk that holds {path} is full",
            remedy="free some space and submit again; what was answered is safe",
        ) from error
    except (apsw.CorruptError, apsw.NotADBError) as error:
        raise DatabaseDamaged(f"{path} is damaged ({error})", remedy="restore it from a backup") from error
    except (apsw.BusyError, apsw.LockedError) as error:
        raise DatabaseLocked(
            f"{path} is in use by another writer", remedy="stop that process, or submit again"
        ) from error
    except (apsw.IOError, apsw.ReadOnlyError, apsw.CantOpenError, apsw.PermissionsError) as error:
        raise DatabaseUnusable(
            f"{path} cannot be used ({error})", remedy="check the disk and the permissions"
        ) from error


def connect(path: str | PathLike[str]) -> apsw.Connection:
    """A connection that writes durably: WAL, `synchronous = FULL`."""
    connection = apsw.Connection(fspath(path))
    connection.set_busy_timeout(BUSY_TIMEOUT_MS)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute(f"PRAGMA wal_autocheckpoint = {WAL_PAGES}")
    return connection


class SqliteLedger(Ledger):
    """`Ledger` over one SQLite file; belongs to the event loop that opened it.

    Other processes may read the file at any time. They may also write to it: each group holds the write lock while it
    is decided, and a book that somebody else's commit has made stale is loaded again, at the cost of a full read.
    """

    def __init__(self, connection: apsw.Connection) -> None:
        """For `open` and `over`."""
        self._connection = connection
        self._path = connection.filename
        self._loop = asyncio.get_running_loop()
        self._committer = ThreadPoolExecutor(1, thread_name_prefix="ledger-commit")
        self._queue: list[_Request] = []
        self._busy = False
        self._open = True
        self._idle = asyncio.Event()
        self._idle.set()
        self._loaded: tuple[Book, sqlite.SqliteHistory] | None = None
        self._data_version = 0

    @classmethod
    async def open(cls, path: str | PathLike[str]) -> Self:
        """The ledger in that file, made if there is none. Raises LedgerFault if it cannot be used."""
        with faults(fspath(path)):
            connection = await asyncio.to_thread(connect, path)
        return await cls.over(connection)

    @classmethod
    async def over(cls, connection: apsw.Connection) -> Self:
        """The ledger on a connection from `connect`, which it takes over; closes it if it cannot be used."""
        ledger = cls(connection)
        try:
            await asyncio.to_thread(ledger._prepare)
        except BaseException:
            connection.close()
            raise
        return ledger

    async def open_account(self, owner: str, asset: str, *, issuer: bool = False) -> int:
        return await self._ask(lambda book: _attempt(lambda: book.open_account(owner, asset, issuer=issuer)))

    async def accounts_of(self, owner: str) -> dict[str, int]:
        return await self._ask(lambda book: book.accounts_of(owner))

    async def balance(self, account_id: int) -> int:
        return await self._ask(lambda book: _attempt(lambda: book.balance(account_id)))

    async def held(self, account_id: int) -> int:
        return await self._ask(lambda book: _attempt(lambda: book.held(account_id)))

    async def available(self, account_id: int) -> int:
        return await self._ask(lambda book: _attempt(lambda: book.available(account_id)))

    async def hold_state(self, hold_id: int) -> HoldState | None:
        return await self._ask(lambda book: book.hold_state(hold_id), (hold_id,))

    async def submit(self, transfers: Sequence[Transfer]) -> list[Status]:
        check_types(transfers)
        batch = tuple(transfers)
        return await self._ask(lambda book: list(map(book.apply, batch)), _ids(batch))

    async def transfer(
        self, transfer_id: int, debit: int, credit: int, amount: int, *, time_ns: int = 0, memo: str = ""
    ) -> Status:
        if not (type(transfer_id) is type(debit) is type(credit) is type(amount) is type(time_ns) is int):
            raise TypeError("ids, amount and time are integers")
        if type(memo) is not str:
            raise TypeError("a memo is text")
        # The common case, without building a Transfer and a list around it.
        return await self._ask(
            lambda book: book.transfer(transfer_id, debit, credit, amount, time_ns, memo), (transfer_id,)
        )

    async def submit_linked(self, transfers: Sequence[Transfer]) -> list[Status]:
        check_types(transfers)
        chain = tuple(transfers)
        return await self._ask(lambda book: book.apply_linked(chain), _ids(chain))

    async def expire(self, now_ns: int) -> list[Transfer]:
        return await self._ask(lambda book: book.expire(now_ns))

    async def audit(self) -> AuditReport:
        if not self._open:
            raise closed()
        return await asyncio.to_thread(_audit_file, self._path)

    async def close(self) -> None:
        self._open = False
        await self._idle.wait()
        self._committer.shutdown()
        with faults(self._path):
            await asyncio.to_thread(self._connection.close)

    # -- one group

    def _ask(self, work: Callable[[Book], T | Exception], ids: Iterable[int] = ()) -> asyncio.Future[T]:
        """Queue work for the next group; what it returns is the answer, or what the caller is raised.

        `ids` are the transfers that it may have to look up.
        """
        if not self._open:
            raise closed()
        future: asyncio.Future[T] = self._loop.create_future()
        self._queue.append((cast("asyncio.Future[object]", future), work, ids))
        if not self._busy:
            self._busy = True
            self._idle.clear()
            self._loop.call_soon(self._begin)
        return future

    def _begin(self) -> None:
        """Decide the next group, write its rows, and send the commit on its way."""
        group = self._queue[:MAX_GROUP]
        del self._queue[:MAX_GROUP]
        try:
            with faults(self._path):
                answers = self._decide(group)
        except BaseException as error:
            self._abandon(group, error)
            if not isinstance(error, Exception):
                raise
            return
        if self._connection.in_transaction:
            commit = self._loop.run_in_executor(self._committer, self._connection.execute, "COMMIT")
            commit.add_done_callback(partial(self._finish, group, answers))
        else:
            self._answer(answers)

    def _decide(self, group: list[_Request]) -> list[_Answer]:
        """The group's answers; their rows are left in an open transaction, if there are any."""
        connection = self._connection
        connection.execute("BEGIN IMMEDIATE")
        book, history = self._current()
        history.prefetch([id_ for _, _, ids in group for id_ in ids])
        # Who was cancelled while it waited gets what it asked for: nothing happens.
        answers = [(future, work(book)) for future, work, _ in group if not future.done()]
        delta = book.take_delta()
        if delta:
            sqlite.write(connection, delta)
            history.wrote(delta)
        else:
            connection.execute("COMMIT")
        return answers

    def _current(self) -> tuple[Book, sqlite.SqliteHistory]:
        """The book as of this transaction: loaded again after a lost group or another process's commit."""
        version = cast(int, self._connection.execute("PRAGMA data_version").get)
        if self._loaded is None or version != self._data_version:
            history = sqlite.SqliteHistory(self._connection)
            self._loaded = sqlite.load(self._connection, history), history
            self._data_version = version
        return self._loaded

    def _finish(
        self, group: list[_Request], answers: list[_Answer], commit: asyncio.Future[apsw.Cursor]
    ) -> None:
        try:
            with faults(self._path):
                commit.result()
        except Exception as error:
            self._abandon(group, error)
        else:
            self._answer(answers)

    def _answer(self, answers: list[_Answer]) -> None:
        for future, answer in answers:
            if future.done():  # cancelled: what it asked for is durable all the same
                continue
            if isinstance(answer, Exception):
                future.set_exception(answer)
            else:
                future.set_result(answer)
        self._go_on()

    def _abandon(self, group: list[_Request], error: BaseException) -> None:
        """Nothing of the group took effect: every caller is told, and the book is to be loaded again."""
        self._loaded = None
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")
        for future, _, _ in group:
            if not future.done():
                future.set_exception(error.again() if isinstance(error, LedgerFault) else error)
        self._go_on()

    def _go_on(self) -> None:
        """Callers just answered run before the next group begins, so that what they ask next is part of it."""
        if self._queue:
            self._loop.call_soon(self._begin)
        else:
            self._busy = False
            self._idle.set()

    def _prepare(self) -> None:
        with faults(self._path):
            sqlite.migrate(self._connection)
            self._current()


def _ids(transfers: Sequence[Transfer]) -> list[int]:
    """The transfers' own ids and those of the holds that they end."""
    return [t.id for t in transfers] + [t.pending_id for t in transfers if t.pending_id]


def _attempt(question: Callable[[], T]) -> T | Exception:
    """A wrong question is the caller's alone and does not fail the group it came with."""
    try:
        return question()
    except (LedgerFault, ValueError, KeyError) as error:
        return error


def _audit_file(path: str) -> AuditReport:
    with faults(path):
        connection = apsw.Connection(path, flags=apsw.SQLITE_OPEN_READONLY)
        try:
            return audit(connection)
        finally:
            connection.close()
