"""The audit of a ledger in PostgreSQL finds the same edits as that of a file."""

import asyncio
from pathlib import Path

import asyncpg
import pytest

from ledger import MAX_AMOUNT, PostgresLedger, Status
from ledger.postgres_audit import audit
from tests.conformance.test_ledger_audit import EDITS, furnish
from tests.support.postgres import database

NO_CONSTRAINTS = """
DO $$
DECLARE found record;
BEGIN
    FOR found IN SELECT conname, conrelid::regclass AS owner FROM pg_constraint
        WHERE contype = 'c' AND conrelid::regclass::text LIKE 'ledger_%'
    LOOP
        EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', found.owner, found.conname);
    END LOOP;
END $$
"""
TYPED = {"issuer = 0": "issuer = FALSE", "'scrip', 1, 5, 0)": "'scrip', TRUE, 5, 0)"}
"""Where PostgreSQL wants a boolean."""

HERE = [
    *((edit, check) for edit, check in EDITS if check != "database_whole"),
    ("UPDATE ledger_accounts SET balance = -5 WHERE id = 4", "no_negative_balance"),
    ("UPDATE ledger_accounts SET held = held + 1 WHERE id = 2", "held_equals_pending_holds"),
]


def test_each_kind_of_edit_has_its_check(tmp_path: Path) -> None:
    """Each in a transaction of its own, which is audited from within and rolled back."""

    async def life() -> None:
        url = await database(tmp_path)
        async with await PostgresLedger.open(url) as ledger:
            await furnish(ledger)
        connection = await asyncpg.connect(url)
        await connection.execute(NO_CONSTRAINTS)
        for edit, check in HERE:
            for untyped, typed in TYPED.items():
                edit = edit.replace(untyped, typed)
            uncommitted = connection.transaction(isolation="repeatable_read")
            await uncommitted.start()
            await connection.execute(edit)
            broken = {it.name for it in (await audit(connection, inside=True)).checks if not it.ok}
            await uncommitted.rollback()
            assert check in broken, (edit, broken)
        report = await audit(connection)
        assert report.ok and len(report.checks) == 7, report
        await connection.close()

    asyncio.run(life())


def test_entries_may_pass_the_64_bits_that_balances_fit(tmp_path: Path) -> None:
    async def life() -> None:
        async with await PostgresLedger.open(await database(tmp_path)) as ledger:
            world = await ledger.open_account("world", "scrip", issuer=True)
            ann = await ledger.open_account("ann", "scrip")
            for step in range(1, 9, 2):
                assert await ledger.transfer(step, world, ann, MAX_AMOUNT) is Status.CREATED
                assert await ledger.transfer(step + 1, ann, world, MAX_AMOUNT) is Status.CREATED
            assert (await ledger.audit()).ok

    asyncio.run(life())


@pytest.mark.parametrize("missing", ["ledger_schema", "ledger_transfers"])
def test_without_its_tables_there_is_nothing_to_trust(tmp_path: Path, missing: str) -> None:
    async def life() -> None:
        url = await database(tmp_path)
        async with await PostgresLedger.open(url) as ledger:
            connection = await asyncpg.connect(url)
            await connection.execute(f"DROP TABLE {missing}")
            await connection.close()
            failed = {it.name for it in (await ledger.audit()).checks if not it.ok}
            assert failed == {"schema_known" if missing == "ledger_schema" else "readable"}

    asyncio.run(life())
