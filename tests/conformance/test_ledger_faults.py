"""Full disks, failing commits, locks, damage and bugs: each one fault, and the ledger stands as it was."""

import asyncio
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import apsw
import pytest

from ledger import Book, LedgerFault, SqliteLedger, Status
from ledger.errors import DatabaseDamaged, DatabaseLocked, DatabaseUnusable, DiskFull, SchemaTooNew
from ledger.sqlite_ledger import connect
from tests.conformance import ledger_bank
from tests.conformance.ledger_bank import ANN, BEN, found, run

path = ledger_bank.path


def test_a_full_disk_fails_the_whole_group_and_nothing_else(path: Path) -> None:
    async def life() -> None:
        connection = connect(path)
        ledger = await SqliteLedger.over(connection)
        await found(ledger)
        pages = connection.execute("PRAGMA page_count").get
        connection.execute(f"PRAGMA max_page_count = {pages}")
        calls = [ledger.transfer(10 + it, ANN, BEN, 1, memo="x" * 1_000) for it in range(100)]
        answers = await asyncio.gather(*calls, ledger.balance(ANN), return_exceptions=True)
        assert [type(answer) for answer in answers] == [DiskFull] * 101
        assert "free some space" in str(answers[0])
        assert len({id(answer) for answer in answers}) == 101
        assert await ledger.balance(ANN) == 1_000
        connection.execute("PRAGMA max_page_count = 100000")
        assert await ledger.transfer(10, ANN, BEN, 1) is Status.CREATED
        assert [await ledger.balance(it) for it in (ANN, BEN)] == [999, 1]
        assert (await ledger.audit()).ok
        await ledger.close()

    asyncio.run(life())


@contextmanager
def files_no_larger_than(size_bytes: int) -> Iterator[None]:
    """The kernel refuses this process to grow a file beyond the size."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_commit_that_cannot_be_written_fails_its_group_and_is_forgotten(path: Path) -> None:
    async def story(ledger: SqliteLedger) -> None:
        assert await ledger.transfer(10, ANN, BEN, 1) is Status.CREATED
        log_bytes = path.with_name(path.name + "-wal").stat().st_size
        with files_no_larger_than(log_bytes + 5_000):
            calls = [ledger.transfer(100 + it, ANN, BEN, 1, memo="x" * 1_000) for it in range(50)]
            answers = await asyncio.gather(*calls, return_exceptions=True)
        assert {type(answer) for answer in answers} <= {DatabaseUnusable, DiskFull}
        assert await ledger.balance(BEN) == 1
        assert await ledger.transfer(100, ANN, BEN, 2) is Status.CREATED

    run(path, story)


def test_a_bug_in_a_group_is_loud_and_leaves_the_book_as_it_was(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(book: Book, *_: object) -> Status:
        book._accounts[ANN].balance -= 1
        raise AssertionError("half done")

    async def story(ledger: SqliteLedger) -> None:
        with monkeypatch.context() as patch:
            patch.setattr(Book, "transfer", broken)
            calls = (ledger.transfer(10, ANN, BEN, 1), ledger.open_account("cy", "scrip"))
            answers = await asyncio.gather(*calls, return_exceptions=True)
        assert [str(answer) for answer in answers] == ["half done", "half done"]
        assert await ledger.balance(ANN) == 1_000
        assert await ledger.accounts_of("cy") == {}

    run(path, story)


def test_another_writer_s_lock_fails_the_group_that_met_it(path: Path) -> None:
    async def life() -> None:
        connection = connect(path)
        connection.set_busy_timeout(1)
        ledger = await SqliteLedger.over(connection)
        await found(ledger)
        other = apsw.Connection(str(path))
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(DatabaseLocked, match="another writer"):
            await ledger.transfer(10, ANN, BEN, 1)
        other.execute("ROLLBACK")
        other.close()
        assert await ledger.transfer(10, ANN, BEN, 1) is Status.CREATED
        await ledger.close()

    asyncio.run(life())


def open_and_close(path: Path) -> None:
    async def life() -> None:
        await (await SqliteLedger.open(path)).close()

    asyncio.run(life())


def test_tables_of_a_later_version_are_refused(path: Path) -> None:
    open_and_close(path)
    connection = apsw.Connection(str(path))
    connection.execute("INSERT INTO ledger_schema VALUES (2)")
    connection.close()
    with pytest.raises(SchemaTooNew, match="version 2, this program knows up to 1; use the version"):
        open_and_close(path)


def test_a_file_that_is_no_database_is_damaged(path: Path) -> None:
    path.write_bytes(b"once upon a time " * 1_000)
    with pytest.raises(DatabaseDamaged, match="restore it from a backup"):
        open_and_close(path)


def test_a_torn_page_is_damage(path: Path) -> None:
    async def story(ledger: SqliteLedger) -> None:
        await asyncio.gather(*(ledger.open_account(f"agent-{it}", "scrip") for it in range(2_000)))

    run(path, story)
    with path.open("r+b") as file:
        for page in range(2, path.stat().st_size // 4096):
            file.seek(page * 4096)
            file.write(b"\xff" * 64)
    with pytest.raises(DatabaseDamaged):
        open_and_close(path)


@pytest.mark.parametrize(
    "edit", ["DELETE FROM ledger_accounts WHERE id = 2", "UPDATE ledger_transfers SET credit = 9"]
)
def test_rows_that_are_missing_are_damage(path: Path, edit: str) -> None:
    async def story(ledger: SqliteLedger) -> None:
        await ledger.hold(10, ANN, BEN, 1)

    run(path, story)
    connection = apsw.Connection(str(path))
    connection.execute(edit)
    connection.close()
    with pytest.raises(DatabaseDamaged, match="missing; restore"):
        open_and_close(path)


def test_a_path_that_cannot_be_a_file_is_unusable(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "no" / "folder" / "ledger.sqlite"):
        with pytest.raises(DatabaseUnusable, match="permissions") as caught:
            open_and_close(path)
        assert isinstance(caught.value, LedgerFault)
