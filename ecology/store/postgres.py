"""The store of a world that many nodes share: one PostgreSQL database with the ledger's tables and the world's.

Nothing here needs a session, so that PgBouncer in transaction mode may stand in between; its pool must be larger than
there are nodes, for who waits for the head keeps a server's connection meanwhile, and leases are renewed on others.
Nothing is tried again once the store is open: a node that meets a fault throws its world away and loads it anew, for
the database is the truth.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Self, TypeVar, cast

import asyncpg
import msgspec

from ecology.core.errors import StoreFault
from ecology.kernel.laws import Laws
from ecology.kernel.world import World
from ecology.store import postgres_leases, postgres_schema, rows
from ecology.store.postgres_contents import PostgresContents
from ecology.store.postgres_faults import damaged, store_faults
from ecology.store.postgres_head import COMMAND_S, Commit, Head, Turnstile, changes, read_head
from ecology.store.postgres_leases import Lease
from ecology.store.postgres_schema import SQL
from ecology.store.postgres_stream import PIECE_ROWS, pieces
from ecology.store.restored import Restored, empty_world
from ledger.postgres import load_book
from ledger.postgres_server import Server

CONNECT_S = 5
HEAD_S = 12.0
"""How long the head may be waited for; the server gives up after 10 s, and ends whoever holds it idly after 4 s."""

T = TypeVar("T")


class Census(msgspec.Struct, frozen=True):
    """Agents: all, those that wait for something, those asleep; their turns so far, and the supply of scrip."""

    agents: int
    waiting: int
    asleep: int
    turns: int
    supply: int


class PostgresStore:
    """The tables of one world; belongs to the event loop that opened it."""

    def __init__(self, server: Server, contents: PostgresContents) -> None:
        """For `open`."""
        self.where = server.where
        self._server = server
        self._contents = contents
        self._busy = False

    @classmethod
    async def open(cls, url: str, *, migrate: bool = True, retries: int = 14, seed: int = 0) -> Self:
        """The store in the database of that URL (`postgresql://USER:PASSWORD@HOST:PORT/DATABASE`).

        Its tables are made or brought up to date, unless `migrate` is false. `retries` bounds how often a server that
        does not answer yet is asked again (14 take 5 to 10 s); `seed` is for the chance in between, another one for
        each process. Raises StoreFault if it cannot be used, or would forget what it acknowledged.
        """
        with store_faults("PostgreSQL"):
            server = Server(url, retries=retries, seed=seed, connect_s=CONNECT_S, command_s=COMMAND_S)

        async def prepare() -> None:
            await server.prepare()
            connection = await server.writer()
            await (postgres_schema.migrate if migrate else postgres_schema.require)(connection)

        try:
            with store_faults(server.where):
                await server.persist(prepare)
        except BaseException:
            await server.close()
            raise
        return cls(server, PostgresContents(url, server.where))

    async def close(self) -> None:
        """Close every connection, by force where the server no longer answers."""
        self._contents.close()
        await self._server.close()

    # -- writing

    @asynccontextmanager
    async def at_head(self, after: int | None = None) -> AsyncIterator[Turnstile]:
        """A transaction that holds the lock of the head: committed when it is left, rolled back by an exception.

        Waits for whoever holds the lock. Who says up to which commit it knows the world has the later ones read along,
        and is raised Pruned if they are no longer kept. A StoreFault on leaving means that nothing is known of the
        commit.
        """
        assert not self._busy, "one task at a time writes"
        self._busy = True
        try:
            with store_faults(self.where):
                connection = await self._server.writer()
            try:
                with store_faults(self.where):
                    await self._lock_head(connection)
                    turnstile = await Turnstile.enter(connection, after, self.where)
                yield turnstile
                with store_faults(self.where):
                    if await connection.execute("COMMIT") != "COMMIT":
                        raise asyncpg.TransactionRollbackError("the transaction was rolled back")
            except BaseException as error:
                await self._roll_back(connection, error)
                raise
        finally:
            self._busy = False

    async def _lock_head(self, connection: asyncpg.Connection) -> None:
        """Begin with the lock: the server's patience is had twice, and in between who tried it is looked at."""
        try:
            await connection.execute(SQL["lock_head"], timeout=HEAD_S)
        except asyncpg.LockNotAvailableError:
            await connection.execute("ROLLBACK")
            await connection.execute(SQL["end_stalled"])
            await connection.execute(SQL["lock_head"], timeout=HEAD_S)

    async def _roll_back(self, connection: asyncpg.Connection, error: BaseException) -> None:
        """Leave the connection as it was before BEGIN, or leave the connection: then the server rolls back."""
        if isinstance(error, StoreFault) or not isinstance(error, Exception):
            self._server.forget()
            return
        try:
            await connection.execute("ROLLBACK")
        except (TimeoutError, OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            self._server.forget()

    # -- reading

    async def changes(self, after: int) -> tuple[Head, list[Commit]]:
        """The head and the commits after `after`, as of one moment; waits for nobody. Raises Pruned, see Turnstile."""
        return await self._read(lambda connection: changes(connection, after, self.where))

    def content(self, artifact_id: str) -> bytes:
        """A committed content; the calling thread waits for it."""
        return self._contents.get(artifact_id)

    def new_world(self, *, seed: int, default_contract: str, laws: Laws | None = None) -> World:
        """An empty world that will be committed here."""
        return empty_world(self.content, seed=seed, default_contract=default_contract, laws=laws)

    async def load_world(
        self, *, seed: int, default_contract: str, laws: Laws | None = None
    ) -> tuple[World, Head]:
        """The world as of the last commit. Raises StoreFault for rows that make no world.

        What the scenario decides is not stored twice: the caller gives what it gave to `new_world`.
        """

        async def load(connection: asyncpg.Connection) -> tuple[World, Head]:
            return await self._load(connection, seed, default_contract, laws)

        try:
            return await self.snapshot(load)
        except (msgspec.DecodeError, LookupError, ValueError, AssertionError) as error:
            raise damaged(self.where, f"{type(error).__name__}: {error}") from error

    async def _load(
        self, connection: asyncpg.Connection, seed: int, default_contract: str, laws: Laws | None
    ) -> tuple[World, Head]:
        head = await read_head(connection)
        restored = Restored(
            self.content,
            book=await load_book(connection),
            last_sequence=head.sequence,
            seed=seed,
            default_contract=default_contract,
            laws=laws,
        )
        async for piece in pieces(connection, SQL["all_artifacts"]):
            restored.artifacts(piece)
        async for piece in pieces(connection, SQL["all_records"]):
            for kind, body in piece:
                restored.records(cast(str, kind), (cast(bytes, body),))
        async for piece in pieces(connection, SQL["all_subscriptions"]):
            restored.subscriptions(piece)
        agent_rows = [row async for piece in pieces(connection, SQL["all_agents"]) for row in piece]
        restored.agents(agent_rows, await self._told(connection, restored.wanted(agent_rows)))
        return restored.world, head

    async def _told(self, connection: asyncpg.Connection, sequences: list[int]) -> list[rows.Row]:
        """Sequence and body of those events."""
        found: list[rows.Row] = []
        for first in range(0, len(sequences), PIECE_ROWS):
            wanted = sequences[first : first + PIECE_ROWS]
            found += await connection.fetch(SQL["event_bodies_of"], wanted)
        return found

    async def read_tables(
        self, queries: Mapping[str, str], take: Callable[[str, list[rows.Row]], object]
    ) -> Head:
        """Give the rows of every query to `take`, piece by piece, with its name; all as of the head returned."""

        async def read(connection: asyncpg.Connection) -> Head:
            head = await read_head(connection)
            for name, query in queries.items():
                async for piece in pieces(connection, query):
                    take(name, piece)
            return head

        return await self.snapshot(read)

    async def snapshot(self, work: Callable[[asyncpg.Connection], Awaitable[T]]) -> T:
        """What the work returns, given a connection on which every statement sees the same moment."""

        async def read(connection: asyncpg.Connection) -> T:
            async with connection.transaction(isolation="repeatable_read", readonly=True):
                return await work(connection)

        return await self._read(read)

    async def meta(self, name: str) -> str | None:
        """A fact about the run."""
        found: str | None = await self._read(lambda connection: connection.fetchval(SQL["get_meta"], name))
        return found

    async def head(self) -> Head:
        """Where the world stands."""
        return await self._read(read_head)

    async def census(self) -> Census:
        """How the agents stand as of the last commit."""
        (row,) = await self._read(lambda connection: connection.fetch(SQL["census"]))
        return Census(*row)

    async def clock_us(self) -> int:
        """The database's clock, in microseconds since 1970."""
        ((clock_us,),) = await self._read(lambda connection: connection.fetch(SQL["clock_us"]))
        return int(clock_us)

    # -- housekeeping

    async def note(self, stamp: str, text: str) -> None:
        """Record that a process took up the run."""
        await self._read(lambda connection: connection.execute(SQL["add_incarnation"], stamp, text))

    async def prune(self, before: int, *, older_s: float = 0.0, most: int = 10_000) -> int:
        """Drop what commits with numbers below `before` changed, if they are older than so many seconds; how many were.

        At most so many at once, the oldest first. Their rows stay: they are the history. Whoever still needed one loads
        the world anew.
        """
        done: str = await self._read(
            lambda connection: connection.execute(SQL["prune"], before, older_s, most)
        )
        return int(done.rpartition(" ")[2])

    # -- leases

    async def acquire(self, name: str, holder: str, ttl_s: float, note: bytes = b"") -> int | None:
        """Take a lease that is free, has run out or is the holder's own: its new generation, or None."""
        return await self._read(lambda it: postgres_leases.acquire(it, name, holder, ttl_s, note))

    async def renew(self, name: str, holder: str, generation: int, ttl_s: float) -> bool:
        """Let a lease last `ttl_s` seconds from now; False if it was lost."""
        return await self._read(lambda it: postgres_leases.renew(it, name, holder, generation, ttl_s))

    async def release(self, name: str, holder: str, generation: int) -> bool:
        """Give a lease back, or clear away one that has run out; False if it is not there any more."""
        return await self._read(lambda it: postgres_leases.release(it, name, holder, generation))

    async def leases(self, prefix: str) -> list[Lease]:
        """The leases whose names begin so, by name, those that have run out included."""
        return await self._read(lambda it: postgres_leases.leases(it, prefix))

    async def ask(self, work: Callable[[asyncpg.Connection], Awaitable[T]]) -> T:
        """What the work returns, given a connection that waits for no writer; each statement commits by itself."""
        return await self._read(work)

    async def _read(self, work: Callable[[asyncpg.Connection], Awaitable[T]]) -> T:
        with store_faults(self.where):
            return await self._server.read_once(work)
