"""The stage of the ledger's conformance tests: every kind of ledger, a bank in it, and how to tell a story there.

A new backend joins by adding itself to `LEDGERS`.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest

from ledger import Ledger, MemoryLedger, PostgresLedger, SqliteLedger, Status
from tests.support.pgbouncer import pgbouncer
from tests.support.pooler import pooled
from tests.support.postgres import database

WORLD, ANN, BEN = 1, 2, 3
"""The accounts that `found` opens."""

Open = Callable[[], AbstractAsyncContextManager[Ledger]]


@asynccontextmanager
async def memory(_: Path) -> AsyncIterator[Ledger]:
    async with MemoryLedger() as ledger:
        yield ledger


@asynccontextmanager
async def sqlite(folder: Path) -> AsyncIterator[Ledger]:
    async with await SqliteLedger.open(folder / "ledger.sqlite") as ledger:
        yield ledger


@asynccontextmanager
async def postgres(folder: Path) -> AsyncIterator[Ledger]:
    async with await PostgresLedger.open(await database(folder)) as ledger:
        yield ledger


@asynccontextmanager
async def postgres_pooled(folder: Path) -> AsyncIterator[Ledger]:
    """Without a session: each transaction may meet another connection of the server's."""
    async with pooled(await database(folder)) as url, await PostgresLedger.open(url) as ledger:
        yield ledger


@asynccontextmanager
async def postgres_bouncing(folder: Path) -> AsyncIterator[Ledger]:
    """Through PgBouncer itself."""
    async with await PostgresLedger.open(pgbouncer().url(await database(folder))) as ledger:
        yield ledger


LEDGERS = {
    "memory": memory,
    "sqlite": sqlite,
    "postgres": postgres,
    "postgres-pooled": postgres_pooled,
    "pgbouncer": postgres_bouncing,
}
Story = Callable[["Bank"], Awaitable[None]]
Tell = Callable[[Story], None]


class Bank:
    """A ledger with an issuer and three customers, ann and ben having 100 each."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger

    async def found(self) -> "Bank":
        ledger = self.ledger
        self.world = await ledger.open_account("world", "scrip", issuer=True)
        self.ann = await ledger.open_account("ann", "scrip")
        self.ben = await ledger.open_account("ben", "scrip")
        self.disk = await ledger.open_account("ann", "disk")
        assert await ledger.transfer(1, self.world, self.ann, 100) is Status.CREATED
        assert await ledger.transfer(2, self.world, self.ben, 100) is Status.CREATED
        return self

    async def stands(self, account: int) -> tuple[int, int, int]:
        """Balance, held, available."""
        ledger = self.ledger
        return await ledger.balance(account), await ledger.held(account), await ledger.available(account)


@pytest.fixture(
    params=[pytest.param(name, marks=[pytest.mark.pgbouncer] * (name == "pgbouncer")) for name in LEDGERS]
)
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Open:
    """How to open a ledger of each kind."""
    return lambda: LEDGERS[request.param](tmp_path)


@pytest.fixture
def tell(opened: Open) -> Tell:
    """Run a story in a fresh bank; its audit holds at the end."""

    def run(story: Story) -> None:
        async def life() -> None:
            async with opened() as ledger:
                await story(await Bank(ledger).found())
                report = await ledger.audit()
                assert report.ok, report

        asyncio.run(life())

    return run


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.sqlite"


async def found(ledger: SqliteLedger) -> None:
    await ledger.open_account("world", "scrip", issuer=True)
    await ledger.open_account("ann", "scrip")
    await ledger.open_account("ben", "scrip")
    assert await ledger.transfer(1, WORLD, ANN, 1_000) is Status.CREATED


def run(path: Path, story: Callable[[SqliteLedger], Awaitable[None]]) -> None:
    """A story in a new ledger; the audit holds afterwards, also from outside."""

    async def life() -> None:
        async with await SqliteLedger.open(path) as ledger:
            await found(ledger)
            await story(ledger)
            report = await ledger.audit()
            assert report.ok, report

    asyncio.run(life())
