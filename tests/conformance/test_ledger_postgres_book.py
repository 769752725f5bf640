"""A program's own book in PostgreSQL: written in its own transactions, loaded whole, with ids of its own."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from pathlib import Path

import asyncpg
import pytest

from ledger import Book, Kind, PostgresLedger, Status, Transfer, postgres
from ledger.errors import DatabaseDamaged
from ledger.postgres_audit import audit
from tests.support.postgres import database


def run(folder: Path, story: Callable[[asyncpg.Connection, str], Awaitable[None]]) -> None:
    async def life() -> None:
        url = await database(folder)
        connection = await asyncpg.connect(url, statement_cache_size=0)
        try:
            await postgres.migrate(connection)
            await story(connection, url)
        finally:
            await connection.close()

    asyncio.run(life())


async def keep(connection: asyncpg.Connection, book: Book) -> None:
    async with connection.transaction():
        await postgres.write(connection, book.take_delta(), timeout_s=30)


def lively(book: Book, draw: random.Random, first_id: int) -> None:
    """New accounts, transfers, holds and their ends."""
    world = book.open_account("world", "scrip", issuer=True)
    accounts = [book.open_account(f"customer-{draw.randrange(40)}", "scrip") for _ in range(8)]
    for number in range(60):
        id_ = first_id + 4 * number
        source, target = draw.sample(accounts, 2) if draw.random() < 0.6 else (world, draw.choice(accounts))
        if source == target:
            continue
        if draw.random() < 0.4:
            book.apply(
                Transfer(
                    id_, Kind.HOLD, source, target, draw.randrange(1, 9), expires_ns=draw.choice((0, 99))
                )
            )
            if draw.random() < 0.5:
                kind = draw.choice((Kind.POST, Kind.VOID))
                book.apply(Transfer(id_ + 1, kind, 0, 0, 0, pending_id=id_))
        else:
            book.transfer(id_, source, target, draw.randrange(1, 9), number)


@pytest.mark.parametrize("piece_rows", [1, 7, 10_000])
def test_a_book_is_loaded_as_it_was_written(
    tmp_path: Path, piece_rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres, "PIECE_ROWS", piece_rows)

    async def story(connection: asyncpg.Connection, _: str) -> None:
        book, draw = Book(), random.Random(piece_rows)
        for group in range(6):
            lively(book, draw, 1 + 1_000 * group)
            await keep(connection, book)
            loaded = await postgres.load_book(connection)
            assert (loaded.accounts(), loaded.pending()) == (book.accounts(), book.pending())
            assert loaded.first_expiry_ns() == book.first_expiry_ns()
            if group % 2:
                book = loaded
        assert len(book.pending()) > 5 and book.size > 20
        report = await audit(connection)
        assert report.ok, report

    run(tmp_path, story)


def test_accounts_opened_by_name_later_have_ids_of_their_own(tmp_path: Path) -> None:
    async def story(connection: asyncpg.Connection, url: str) -> None:
        book = Book()
        for number in range(5):
            book.open_account(f"customer-{number}", "scrip")
            await keep(connection, book)
        async with await PostgresLedger.open(url) as ledger:
            assert await ledger.open_account("customer-3", "scrip") == 4
            assert await ledger.open_account("somebody", "scrip") > 5
        book.open_account("somebody", "scrip")
        with pytest.raises(asyncpg.UniqueViolationError):
            await keep(connection, book)

    run(tmp_path, story)


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("DELETE FROM ledger_accounts WHERE id = 2", "account 2 is missing"),
        ("DELETE FROM ledger_accounts WHERE id = 3", "an account of hold 9 is missing"),
    ],
)
def test_a_book_with_rows_missing_is_none(tmp_path: Path, statement: str, words: str) -> None:
    async def story(connection: asyncpg.Connection, _: str) -> None:
        book = Book()
        accounts = [book.open_account(name, "scrip", issuer=name == "world") for name in ("world", "a", "b")]
        assert book.apply(Transfer(9, Kind.HOLD, accounts[0], accounts[2], 5)) is Status.CREATED
        await keep(connection, book)
        await connection.execute(statement)
        with pytest.raises(DatabaseDamaged, match=words):
            await postgres.load_book(connection)

    run(tmp_path, story)
