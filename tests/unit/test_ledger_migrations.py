"""The tables of the ledger: made once, by numbered migrations, inside whatever transaction the caller has."""

import apsw
import pytest

from ledger import sqlite
from ledger.errors import SchemaTooNew


def tables(connection: apsw.Connection) -> set[str]:
    rows = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")
    return {str(row[0]) for row in rows}


def test_migrating_twice_changes_nothing() -> None:
    connection = apsw.Connection(":memory:")
    sqlite.migrate(connection)
    changes = connection.total_changes()
    sqlite.migrate(connection)
    assert connection.total_changes() == changes
    assert sqlite.schema_version(connection) == sqlite.SCHEMA_VERSION == len(sqlite.MIGRATIONS)
    assert all(name.startswith("ledger_") for name in tables(connection))


def test_the_caller_s_rollback_takes_the_tables_with_it() -> None:
    connection = apsw.Connection(":memory:")
    connection.execute("BEGIN")
    sqlite.migrate(connection)
    connection.execute("ROLLBACK")
    assert tables(connection) == set()


def test_a_migration_that_fails_leaves_the_version_before(monkeypatch: pytest.MonkeyPatch) -> None:
    connection = apsw.Connection(":memory:")
    sqlite.migrate(connection)
    later = [
        *sqlite.MIGRATIONS,
        "CREATE TABLE ledger_more (id INTEGER) STRICT; CREATE TABLE ledger_more (id INTEGER)",
    ]
    monkeypatch.setattr(sqlite, "MIGRATIONS", later)
    monkeypatch.setattr(sqlite, "SCHEMA_VERSION", len(later))
    with pytest.raises(apsw.SQLError):
        sqlite.migrate(connection)
    assert sqlite.schema_version(connection) == len(later) - 1
    assert "ledger_more" not in tables(connection)


def test_later_migrations_are_applied_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    connection = apsw.Connection(":memory:")
    sqlite.migrate(connection)
    later = [
        *sqlite.MIGRATIONS,
        "CREATE TABLE ledger_a (x INTEGER) STRICT",
        "ALTER TABLE ledger_a RENAME TO ledger_b",
    ]
    monkeypatch.setattr(sqlite, "MIGRATIONS", later)
    monkeypatch.setattr(sqlite, "SCHEMA_VERSION", len(later))
    sqlite.migrate(connection)
    assert sqlite.schema_version(connection) == len(later)
    assert "ledger_b" in tables(connection)


def test_a_later_version_is_refused_and_not_touched() -> None:
    connection = apsw.Connection(":memory:")
    sqlite.migrate(connection)
    connection.execute("INSERT INTO ledger_schema VALUES (99)")
    with pytest.raises(SchemaTooNew, match="version 99"):
        sqlite.migrate(connection)


@pytest.mark.parametrize(
    "row",
    [
        "ledger_accounts VALUES (1, 'ann', 'scrip', 0, -1, 0)",
        "ledger_accounts VALUES (1, 'ann', 'scrip', 0, 5, 6)",
        "ledger_accounts VALUES (1, 'ann', 'scrip', 2, 0, 0)",
        "ledger_accounts VALUES (1, 'ann', 'scrip', 1, 0, -1)",
        "ledger_accounts VALUES (1, '', 'scrip', 0, 0, 0)",
        "ledger_accounts VALUES (0, 'ann', 'scrip', 0, 0, 0)",
        "ledger_accounts VALUES (1, 'ann', 'scrip', 0, 1.5, 0)",
        "ledger_transfers VALUES (1, 5, 1, 2, 1, 0, 0, 0, '')",
        "ledger_transfers VALUES (1, 1, 1, 2, 0, 0, 0, 0, '')",
        "ledger_transfers VALUES (1, 1, 1, 2, 1, 9, 0, 0, '')",
        "ledger_transfers VALUES (1, 3, 0, 0, 0, 0, 0, 0, '')",
        "ledger_holds VALUES (1, 'lost', 0)",
        "ledger_holds VALUES (1, 'posted', 0)",
        "ledger_holds VALUES (1, 'pending', 3)",
    ],
)
def test_the_tables_themselves_refuse_nonsense(row: str) -> None:
    connection = apsw.Connection(":memory:")
    sqlite.migrate(connection)
    with pytest.raises(apsw.ConstraintError):
        connection.execute("INSERT INTO " + row)
