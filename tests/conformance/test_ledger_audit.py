"""The audit reads the database alone, and no single change by hand escapes it."""

import asyncio
import shutil
from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger import MAX_AMOUNT, Book, Kind, Ledger, SqliteLedger, Status, Transfer, sqlite
from ledger.audit import audit, audit_book

WORLD, ANN, BEN, DISK = 1, 2, 3, 4


EDITS = [
    ("UPDATE ledger_transfers SET amount = 101 WHERE id = 1", "balances_equal_entries"),
    ("UPDATE ledger_transfers SET amount = 8 WHERE id = 11", "balances_equal_entries"),
    ("UPDATE ledger_transfers SET amount = 8 WHERE id = 14", "held_equals_pending_holds"),
    ("UPDATE ledger_transfers SET amount = 6 WHERE id = 21", "balances_equal_entries"),
    ("UPDATE ledger_transfers SET amount = 10 WHERE id = 21", "no_hold_lost"),
    ("UPDATE ledger_transfers SET credit = 3 WHERE id = 1", "balances_equal_entries"),
    ("UPDATE ledger_transfers SET credit = 4 WHERE id = 14", "transfers_between_accounts"),
    ("UPDATE ledger_transfers SET credit = 2 WHERE id = 14", "transfers_between_accounts"),
    ("UPDATE ledger_transfers SET pending_id = 14 WHERE id = 22", "no_hold_lost"),
    ("UPDATE ledger_transfers SET kind = 4, amount = 0 WHERE id = 21", "no_hold_lost"),
    ("DELETE FROM ledger_transfers WHERE id = 1", "balances_equal_entries"),
    ("DELETE FROM ledger_transfers WHERE id = 14", "no_hold_lost"),
    ("DELETE FROM ledger_transfers WHERE id = 20", "no_hold_lost"),
    ("DELETE FROM ledger_transfers WHERE id = 22", "no_hold_lost"),
    ("INSERT INTO ledger_transfers VALUES (99, 1, 2, 3, 1, 0, 0, 0, '')", "balances_equal_entries"),
    ("INSERT INTO ledger_transfers VALUES (99, 2, 2, 3, 1, 0, 0, 0, '')", "no_hold_lost"),
    ("INSERT INTO ledger_transfers VALUES (99, 4, 0, 0, 0, 14, 0, 0, '')", "no_hold_lost"),
    ("DELETE FROM ledger_holds WHERE id = 10", "no_hold_lost"),
    ("DELETE FROM ledger_holds WHERE id = 14", "held_equals_pending_holds"),
    ("INSERT INTO ledger_holds VALUES (99, 'expired', 0)", "no_hold_lost"),
    ("UPDATE ledger_holds SET state = 'pending' WHERE id = 10", "held_equals_pending_holds"),
    ("UPDATE ledger_holds SET state = 'expired' WHERE id = 14", "held_equals_pending_holds"),
    ("UPDATE ledger_holds SET state = 'expired', resolved_by = 0 WHERE id = 11", "no_hold_lost"),
    ("UPDATE ledger_holds SET state = 'voided' WHERE id = 11", "no_hold_lost"),
    ("UPDATE ledger_holds SET resolved_by = 21 WHERE id = 11", "no_hold_lost"),
    ("UPDATE ledger_holds SET state = 'lost' WHERE id = 10", "no_hold_lost"),
    ("UPDATE ledger_accounts SET issuer = 0 WHERE id = 1", "no_negative_balance"),
    ("UPDATE ledger_accounts SET asset = 'gold' WHERE id = 2", "assets_sum_to_zero"),
    ("UPDATE ledger_accounts SET asset = 'gold' WHERE id = 2", "transfers_between_accounts"),
    ("DELETE FROM ledger_accounts WHERE id = 2", "assets_sum_to_zero"),
    ("DELETE FROM ledger_accounts WHERE id = 3", "transfers_between_accounts"),
    ("INSERT INTO ledger_accounts VALUES (9, 'cy', 'scrip', 1, 5, 0)", "balances_equal_entries"),
    ("UPDATE ledger_accounts SET balance = -5 WHERE id = 4", "database_whole"),
    ("INSERT INTO ledger_schema VALUES (2)", "schema_known"),
    ("DROP TABLE ledger_holds", "readable"),
]
"""Changes by hand, and a check that each breaks."""


async def furnish(ledger: Ledger) -> None:
    """Something of everything."""
    await ledger.open_account("world", "scrip", issuer=True)
    for owner, asset in (("ann", "scrip"), ("ben", "scrip"), ("ann", "disk")):
        await ledger.open_account(owner, asset)
    for transfer_id, amount in ((1, 100), (2, 40), (3, 3)):
        assert await ledger.transfer(transfer_id, WORLD, ANN, amount) is Status.CREATED
    for transfer_id in (10, 11, 12, 13, 14):
        assert await ledger.hold(transfer_id, ANN, BEN, 9, expires_ns=transfer_id) is Status.CREATED
    assert await ledger.post(20, 11) is Status.CREATED
    assert await ledger.post(21, 12, 5) is Status.CREATED
    assert await ledger.void(22, 13) is Status.CREATED
    assert [hold.id for hold in await ledger.expire(10)] == [10]
    assert (await ledger.audit()).ok


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ledger with something of everything."""
    path = tmp_path_factory.mktemp("audit") / "ledger.sqlite"

    async def life() -> None:
        async with await SqliteLedger.open(path) as ledger:
            await furnish(ledger)

    asyncio.run(life())
    return path


@pytest.fixture
def connection(template: Path, tmp_path: Path) -> Iterator[apsw.Connection]:
    """A copy of the ledger, and a hand that respects no constraint."""
    opened = apsw.Connection(str(shutil.copy(template, tmp_path)))
    opened.execute("PRAGMA ignore_check_constraints = ON")
    yield opened
    opened.close()


def broken(connection: apsw.Connection) -> set[str]:
    """The names of the checks that fail."""
    report = audit(connection)
    assert report.ok is all(check.ok for check in report.checks)
    return {check.name for check in report.checks if not check.ok}


def test_an_untouched_ledger_is_in_order(connection: apsw.Connection) -> None:
    assert broken(connection) == set()
    assert len(audit(connection).checks) == 8


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(account=st.integers(1, 4), change=st.integers(-(10**6), 10**6).filter(bool))
@pytest.mark.parametrize(
    ("edit", "check"),
    [
        ("UPDATE ledger_accounts SET balance = balance + ? WHERE id = ?", "balances_equal_entries"),
        ("UPDATE ledger_accounts SET balance = balance + ? WHERE id = ?", "assets_sum_to_zero"),
        ("UPDATE ledger_accounts SET held = held + ? WHERE id = ?", "held_equals_pending_holds"),
    ],
)
def test_any_change_of_any_balance_is_found(
    connection: apsw.Connection, edit: str, check: str, account: int, change: int
) -> None:
    connection.execute("BEGIN")
    connection.execute(edit, (change, account))
    names = broken(connection)
    connection.execute("ROLLBACK")
    assert check in names
    assert broken(connection) == set()


def test_two_changes_that_cancel_out_are_found(connection: apsw.Connection) -> None:
    connection.execute("UPDATE ledger_accounts SET balance = balance + 1 WHERE id = 2")
    connection.execute("UPDATE ledger_accounts SET balance = balance - 1 WHERE id = 3")
    assert broken(connection) == {"balances_equal_entries"}
    (detail,) = [check.detail for check in audit(connection).checks if not check.ok]
    assert detail == "wrong: ann's scrip is 130, its entries make 129, ben's scrip is 13, its entries make 14"


@pytest.mark.parametrize(("edit", "check"), EDITS)
def test_each_kind_of_edit_has_its_check(connection: apsw.Connection, edit: str, check: str) -> None:
    connection.execute(edit)
    connection.execute("PRAGMA ignore_check_constraints = OFF")
    assert check in broken(connection)


def test_it_audits_what_the_caller_has_not_committed(connection: apsw.Connection) -> None:
    connection.execute("BEGIN")
    book = sqlite.load(connection)
    assert book.transfer(30, ANN, BEN, 1) is Status.CREATED
    sqlite.write(connection, book.take_delta())
    assert broken(connection) == set()
    assert connection.in_transaction
    connection.execute("ROLLBACK")


def test_entries_may_pass_the_64_bits_that_balances_fit() -> None:
    connection = apsw.Connection(":memory:")
    sqlite.migrate(connection)
    book = sqlite.load(connection)
    world = book.open_account("world", "scrip", issuer=True)
    ann = book.open_account("ann", "scrip")
    for step in range(1, 9, 2):
        assert book.transfer(step, world, ann, MAX_AMOUNT) is Status.CREATED
        assert book.transfer(step + 1, ann, world, MAX_AMOUNT) is Status.CREATED
    assert book.apply(Transfer(9, Kind.HOLD, world, ann, MAX_AMOUNT)) is Status.CREATED
    sqlite.write(connection, book.take_delta())
    assert broken(connection) == set()


def test_without_a_ledger_there_is_nothing_to_trust() -> None:
    assert broken(apsw.Connection(":memory:")) == {"schema_known", "readable"}


def test_a_damaged_file_fails_its_audit(template: Path, tmp_path: Path) -> None:
    path = Path(shutil.copy(template, tmp_path))
    with path.open("r+b") as file:
        for page in range(1, path.stat().st_size // 4096):
            file.seek(page * 4096)
            file.write(b"\xff" * 64)
    connection = apsw.Connection(str(path))
    assert "readable" in broken(connection) or "database_whole" in broken(connection)
    connection.close()


def test_a_file_that_is_no_database_fails_its_audit(tmp_path: Path) -> None:
    path = tmp_path / "tale"
    path.write_bytes(b"once upon a time " * 1_000)
    connection = apsw.Connection(str(path))
    assert "readable" in broken(connection)
    connection.close()


def test_a_book_can_be_audited_too() -> None:
    book = Book()
    world, ann = book.open_account("world", "scrip", issuer=True), book.open_account("ann", "scrip")
    book.transfer(1, world, ann, 10)
    book.apply(Transfer(2, Kind.HOLD, ann, world, 4))
    assert audit_book(book).ok
    for name, attribute, change in (
        ("assets_sum_to_zero", "balance", 1),
        ("held_equals_pending_holds", "held", 1),
        ("no_negative_balance", "balance", -7),
    ):
        account = book._accounts[ann]
        kept = getattr(account, attribute)
        setattr(account, attribute, kept + change)
        assert name in {check.name for check in audit_book(book).checks if not check.ok}
        setattr(account, attribute, kept)
