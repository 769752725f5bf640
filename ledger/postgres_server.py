"""Connections to one PostgreSQL server: opened, tried again while that may help, and bounded in number."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from typing import TypeVar, cast

import asyncpg

from ledger.errors import NotDurable, OutcomeUnknown
from ledger.postgres import SQL, Trace
from ledger.postgres_faults import bad_url, faults, is_passing, place, read_only

READERS = 4
CONNECT_S = 10
COMMAND_S = 60
FIRST_DELAY_S = 0.01
LONGEST_DELAY_S = 1.0

T = TypeVar("T")


class Server:
    """One connection that commits and at most `READERS` that read, all of them without session state."""

    def __init__(
        self,
        url: str,
        *,
        retries: int,
        seed: int,
        connect_s: int = CONNECT_S,
        command_s: float = COMMAND_S,
    ) -> None:
        """After `connect_s`, and `command_s` for a statement, without an answer the server counts as lost."""
        self.where = place(url)
        self._connect_s = connect_s
        self._command_s = command_s
        self._url = url
        self._retries = retries
        self._chance = random.Random(seed)
        self._writer: asyncpg.Connection | None = None
        self._readers: asyncpg.Pool | None = None

    async def writer(self) -> asyncpg.Connection:
        """The connection that commits, made anew if it was lost."""
        if self._writer is None or self._writer.is_closed():
            try:
                self._writer = await asyncpg.connect(
                    self._url,
                    timeout=self._connect_s,
                    command_timeout=self._command_s,
                    statement_cache_size=0,
                )
            except ValueError:
                raise bad_url() from None  # the error may quote the URL, and with it the password
        return self._writer

    async def prepare(self) -> None:
        """Make ready to read and write.

        Raises NotDurable unless what the server acknowledges is stored, DatabaseUnusable if it stores nothing.
        """
        connection = await self.writer()
        ((fsync, synchronous_commit, read_only_),) = await connection.fetch(SQL["durability"])
        # `local` and above wait for this server's disk.
        if fsync != "on" or synchronous_commit == "off":
            raise NotDurable(
                f"{self.where} has fsync = {fsync} and synchronous_commit = {synchronous_commit}",
                remedy="set both to on: it would acknowledge transfers that a crash undoes",
            )
        if read_only_ == "on":
            raise read_only(self.where)
        self._readers = await asyncpg.create_pool(
            self._url,
            min_size=0,
            max_size=READERS,
            timeout=self._connect_s,
            command_timeout=self._command_s,
            statement_cache_size=0,
            reset=_nothing_to_reset,
        )

    async def read(self, work: Callable[[asyncpg.Connection], Awaitable[T]]) -> T:
        """What the work returns, given a connection of its own; tried again if the connection is lost."""
        return await self.persist(lambda: self.read_once(work))

    async def read_once(self, work: Callable[[asyncpg.Connection], Awaitable[T]]) -> T:
        """The same without trying again. What goes wrong passes through as asyncpg's own exceptions."""
        assert self._readers is not None, "not prepared"
        async with self._readers.acquire(timeout=self._command_s) as connection:
            return await work(cast(asyncpg.Connection, connection))  # a stand-in with all of its methods

    async def persist(self, attempt: Callable[[], Awaitable[T]]) -> T:
        """What the attempt returns in the end. Raises LedgerFault when it fails for good or too often."""
        delays = self._delays()
        with faults(self.where):
            while True:
                try:
                    return await attempt()
                except Exception as error:
                    delay_s = next(delays, None) if is_passing(error) else None
                    if delay_s is None:
                        raise
                    await asyncio.sleep(delay_s)

    async def was_committed(self, trace: Trace) -> bool:
        """The fate of a group whose COMMIT was not answered. Raises OutcomeUnknown if it cannot be learnt."""
        for delay_s in self._delays():
            try:
                connection = await self.writer()
                if not await connection.fetchval(SQL["in_progress"], trace.transaction):
                    # A statement of its own, which sees all that was committed when the one before looked.
                    return bool(
                        await connection.fetchval(
                            SQL["left_behind"], trace.transaction, trace.transfer, trace.hold
                        )
                    )
            except Exception as error:
                if not is_passing(error):
                    raise
                self.forget()
            await asyncio.sleep(delay_s)
        raise OutcomeUnknown(
            f"{self.where} went away during a commit",
            remedy="submit again with the same ids: what was made answers that it exists",
        )

    def forget(self) -> None:
        """Let go of the connection that commits; what it had not committed is rolled back by the server."""
        if self._writer is not None:
            self._writer.terminate()
            self._writer = None

    async def close(self) -> None:
        """Close every connection, by force where the server no longer answers."""
        if self._writer is not None:
            with suppress(OSError, asyncio.TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
                await self._writer.close(timeout=self._connect_s)
        self.forget()
        if self._readers is not None:
            with suppress(OSError, asyncio.TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
                await asyncio.wait_for(self._readers.close(), self._connect_s)
            self._readers.terminate()
            self._readers = None

    def _delays(self) -> Iterator[float]:
        """Seconds to wait between attempts: doubling up to the longest, each shortened by chance by up to a half."""
        for number in range(self._retries):
            delay_s = min(LONGEST_DELAY_S, FIRST_DELAY_S * 2**number)
            yield delay_s * (0.5 + self._chance.random() / 2)


async def _nothing_to_reset(_: asyncpg.Connection) -> None:
    """No transaction leaves anything behind, so nothing needs to be reset between two of them."""
