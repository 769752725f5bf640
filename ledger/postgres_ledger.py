"""The ledger over PostgreSQL, with group commit: many callers share one transaction and one wait for the disk.

A call puts its work into the queue. A group is all that waited. In one transaction on one connection its account rows
are locked in the order of their ids, its verdicts decided here by a `Book` of those rows alone, and what changed is
written by one statement. The callers are answered when the COMMIT is through; meanwhile the next group gathers.

    BEGIN ── open accounts ── lock accounts ── read named transfers ── verdicts ── write ── COMMIT ── answers
               (if asked)        FOR UPDATE       (after the lock)      (Book)    one statement

Any number of processes may have ledgers on one database. A group that meets a deadlock, a serialization failure,
another writer between two of its statements or a lost connection is begun again. When the connection is lost during
COMMIT the rows themselves tell whether they were written by that transaction (`xmin`), so that every answer is exact.

What it needs: PostgreSQL 13 or newer with `fsync` on and `synchronous_commit` not off, both checked by `open`; over
replicas, `synchronous_commit` at least `on` with `synchronous_standby_names` set, if a failover must lose nothing. It
keeps no session state and works through PgBouncer in transaction mode.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from typing import Self, TypeVar, cast

import asyncpg
import msgspec

from ledger import postgres
from ledger.audit import AuditReport
from ledger.chart import check_names
from ledger.errors import LedgerFault, account_conflict, closed
from ledger.postgres import SQL, Excerpt, Wanted
from ledger.postgres_audit import audit
from ledger.postgres_faults import faults, is_lost
from ledger.postgres_server import Server
from ledger.service import Ledger, check_types
from ledger.transfer import MAX_AMOUNT, HoldState, Kind, Status, Transfer

MAX_GROUP = 1_024

T = TypeVar("T")

_Answer = tuple["asyncio.Future[object]", object]
"""A caller, and its result or the exception that is its alone."""


class _Request(msgspec.Struct):
    """A caller, its work, and what the work has to see."""

    future: asyncio.Future[object]
    work: Callable[[Excerpt], object]
    accounts: Iterable[int] = ()
    transfers: Iterable[int] = ()
    holds: Iterable[int] = ()
    due_ns: int = -1
    name: tuple[str, str, bool] | None = None


class PostgresLedger(Ledger):
    """`Ledger` over one PostgreSQL database; belongs to the event loop that opened it."""

    def __init__(self, server: Server) -> None:
        """For `open`."""
        self._server = server
        self._loop = asyncio.get_running_loop()
        self._queue: list[_Request] = []
        self._serving: asyncio.Task[None] | None = None
        self._open = True

    @classmethod
    async def open(cls, url: str, *, migrate: bool = True, retries: int = 14, seed: int = 0) -> Self:
        """The ledger in the database of that URL (`postgresql://USER:PASSWORD@HOST:PORT/DATABASE`).

        Its tables are made or brought up to date, unless `migrate` is false. `retries` bounds how often what may pass
        is tried again (14 take 5 to 10 s); `seed` is for the chance in between, another one for each process. Raises
        LedgerFault if the ledger cannot be used.
        """
        server = Server(url, retries=retries, seed=seed)
        try:
            with faults(server.where):
                await server.prepare()
                connection = await server.writer()
                await (postgres.migrate if migrate else postgres.require_schema)(connection)
        except BaseException:
            await server.close()
            raise
        return cls(server)

    async def open_account(self, owner: str, asset: str, *, issuer: bool = False) -> int:
        check_names(owner, asset)

        def found(excerpt: Excerpt) -> int | Exception:
            id_, issues = excerpt.names[owner, asset]
            return id_ if issues is issuer else account_conflict(owner, asset, issuer=issues)

        return await self._ask(found, name=(owner, asset, issuer))

    async def accounts_of(self, owner: str) -> dict[str, int]:
        return {str(asset): int(id_) for asset, id_ in await self._fetch("accounts_of", owner)}

    async def balance(self, account_id: int) -> int:
        return (await self._account(account_id))[0]

    async def held(self, account_id: int) -> int:
        return (await self._account(account_id))[1]

    async def available(self, account_id: int) -> int:
        balance, held = await self._account(account_id)
        return balance - held

    async def hold_state(self, hold_id: int) -> HoldState | None:
        rows = await self._fetch("hold_state", hold_id if 0 < hold_id <= MAX_AMOUNT else 0)
        return HoldState(rows[0][0]) if rows else None

    async def submit(self, transfers: Sequence[Transfer]) -> list[Status]:
        check_types(transfers)
        batch = tuple(transfers)
        return await self._submit(batch, lambda excerpt: list(map(excerpt.book.apply, batch)))

    async def transfer(
        self, transfer_id: int, debit: int, credit: int, amount: int, *, time_ns: int = 0, memo: str = ""
    ) -> Status:
        if not (type(transfer_id) is type(debit) is type(credit) is type(amount) is type(time_ns) is int):
            raise TypeError("ids, amount and time are integers")
        if type(memo) is not str:
            raise TypeError("a memo is text")
        # The common case, without building a Transfer and a list around it.
        return await self._ask(
            lambda excerpt: excerpt.book.transfer(transfer_id, debit, credit, amount, time_ns, memo),
            accounts=(debit, credit),
            transfers=(transfer_id,),
        )

    async def submit_linked(self, transfers: Sequence[Transfer]) -> list[Status]:
        check_types(transfers)
        chain = tuple(transfers)
        return await self._submit(chain, lambda excerpt: excerpt.book.apply_linked(chain))

    async def expire(self, now_ns: int) -> list[Transfer]:
        return await self._ask(lambda excerpt: excerpt.book.expire(now_ns), due_ns=now_ns)

    async def audit(self) -> AuditReport:
        if not self._open:
            raise closed()
        return await self._server.read(audit)

    async def close(self) -> None:
        self._open = False
        if self._serving is not None:
            await self._serving
        await self._server.close()

    # -- reading

    async def _account(self, account_id: int) -> tuple[int, int]:
        rows = await self._fetch("account", account_id if 0 < account_id <= MAX_AMOUNT else 0)
        if not rows:
            raise KeyError(account_id)
        return rows[0][0], rows[0][1]

    async def _fetch(self, name: str, *arguments: object) -> list[asyncpg.Record]:
        if not self._open:
            raise closed()
        return await self._server.read(lambda connection: connection.fetch(SQL[name], *arguments))

    # -- one group

    def _submit(
        self, transfers: Sequence[Transfer], work: Callable[[Excerpt], list[Status]]
    ) -> "asyncio.Future[list[Status]]":
        return self._ask(
            work,
            accounts=[
                it for t in transfers if t.kind in (Kind.TRANSFER, Kind.HOLD) for it in (t.debit, t.credit)
            ],
            transfers=[t.id for t in transfers],
            holds=[t.pending_id for t in transfers if t.pending_id],
        )

    def _ask(
        self,
        work: Callable[[Excerpt], T | Exception],
        *,
        accounts: Iterable[int] = (),
        transfers: Iterable[int] = (),
        holds: Iterable[int] = (),
        due_ns: int = -1,
        name: tuple[str, str, bool] | None = None,
    ) -> "asyncio.Future[T]":
        """Queue work for the next group; what it returns is the answer, or what the caller is raised."""
        if not self._open:
            raise closed()
        future: asyncio.Future[T] = self._loop.create_future()
        asked = cast("asyncio.Future[object]", future)
        self._queue.append(_Request(asked, work, accounts, transfers, holds, due_ns, name))
        if self._serving is None:
            self._serving = self._loop.create_task(self._serve())
        return future

    async def _serve(self) -> None:
        """Commit group after group until nobody waits."""
        try:
            while self._queue:
                group = self._queue[:MAX_GROUP]
                del self._queue[:MAX_GROUP]
                await self._settle(group)
                await asyncio.sleep(0)  # who was just answered runs first: what it asks next joins the group
        finally:
            self._serving = None

    async def _settle(self, group: list[_Request]) -> None:
        try:
            answers = await self._server.persist(lambda: self._attempt(group))
        except BaseException as error:
            for request in group:
                if not request.future.done():
                    request.future.set_exception(error.again() if isinstance(error, LedgerFault) else error)
            if not isinstance(error, Exception):
                raise
            return
        for future, answer in answers:
            if future.done():  # cancelled: what it asked for is durable all the same
                continue
            if isinstance(answer, Exception):
                future.set_exception(answer)
            else:
                future.set_result(answer)

    async def _attempt(self, group: list[_Request]) -> list[_Answer]:
        """The group's answers, when all that they tell is durable; otherwise nothing was done."""
        connection = await self._server.writer()
        trace = None  # who only opened accounts asks for them again, and gets the same
        try:
            await connection.execute("BEGIN")
            excerpt = await postgres.load(connection, _wanted(group))
            # Who was cancelled while it waited gets what it asked for: nothing happens.
            answers = [(it.future, it.work(excerpt)) for it in group if not it.future.done()]
            delta = excerpt.book.take_delta()
            if delta:
                trace = await postgres.write(connection, delta)
        except BaseException as error:
            await self._roll_back(connection, error)
            raise
        try:
            if await connection.execute("COMMIT") != "COMMIT":
                raise postgres.Overtaken("the transaction was rolled back")
        except BaseException as error:
            if not is_lost(error):
                self._server.forget()
                raise
            self._server.forget()
            if trace is None or not await self._server.was_committed(trace):
                raise
        return answers

    async def _roll_back(self, connection: asyncpg.Connection, error: BaseException) -> None:
        """Leave the connection as it was before BEGIN, or leave the connection."""
        if is_lost(error) or not isinstance(error, Exception):
            self._server.forget()
            return
        try:
            await connection.execute("ROLLBACK")
        except (TimeoutError, OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            self._server.forget()


def _wanted(group: list[_Request]) -> Wanted:
    """What all of the group has to see; whoever opens an account first says of what kind it is."""
    wanted = Wanted()
    for it in group:
        wanted.accounts.update(it.accounts)
        wanted.transfers.update(it.transfers)
        wanted.holds.update(it.holds)
        wanted.due_ns = max(wanted.due_ns, it.due_ns)
        if it.name is not None:
            wanted.names.setdefault(it.name[:2], it.name[2])
    return wanted
