"""What is wrong with a server, a URL or its tables is one line with a remedy, and never shows the password."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import asyncpg
import pytest

from ledger import LedgerFault, PostgresLedger, Status
from ledger.errors import (
    AccessRefused,
    DatabaseLocked,
    DatabaseUnusable,
    DiskFull,
    NotDurable,
    SchemaTooNew,
    SchemaTooOld,
    Unreachable,
)
from tests.conformance.test_ledger_postgres import found
from tests.support.postgres import command, database, server

SECRET = "s3cr3t"


def told(url: str, kind: type[LedgerFault], words: str, **options: object) -> None:
    """Opening the URL fails as that kind of fault, in one line of those words, without the password."""

    async def life() -> None:
        await PostgresLedger.open(url, retries=2, **options)  # type: ignore[arg-type]

    with pytest.raises(kind, match=words) as caught:
        asyncio.run(life())
    assert type(caught.value) is kind
    line = str(caught.value)
    assert SECRET not in line + repr(caught.value.__cause__) and "\n" not in line and "; " in line, line


@pytest.fixture
def url(tmp_path: Path) -> str:
    return asyncio.run(database(tmp_path))


@pytest.mark.parametrize(
    "wrong",
    [
        "",
        "mysql://me:s3cr3t@localhost/x",
        "postgresql://me:s3cr3t@localhost:port/x",
        "postgresql://me:s3cr3t@[::1/x",
        "postgresql://me:s3cr3t@localhost:99999999/x",
        "postgresql://me:s3cr3t@localhost/x?sslmode=perhaps",
    ],
)
def test_a_url_of_nothing(wrong: str) -> None:
    told(wrong, DatabaseUnusable, "none of a PostgreSQL server; write it as postgresql://")


def test_nobody_there() -> None:
    told(f"postgresql://me:{SECRET}@127.0.0.1:1/x", Unreachable, "127.0.0.1:1/x does not answer; start it")
    told(f"postgresql://me:{SECRET}@nowhere.invalid/x", Unreachable, "nowhere.invalid:5432/x does not answer")


def test_a_wrong_password_a_wrong_user_and_a_missing_privilege(url: str) -> None:
    command(url, "DROP ROLE IF EXISTS locked", "CREATE ROLE locked LOGIN PASSWORD 'another'")
    name = url.rpartition("/")[2]
    command(url, "DROP ROLE IF EXISTS guest", "CREATE ROLE guest LOGIN")
    told(server().url(name, user="guest"), AccessRefused, "denies the user a privilege .*; grant it")
    locked = server().url("locked", user="locked", password=SECRET)
    command(server().url(), "DROP DATABASE IF EXISTS locked", "CREATE DATABASE locked")
    try:
        told(locked, AccessRefused, "refuses the user or the password; check both")
        told(server().url(name, user="nobody-here", password=SECRET), AccessRefused, "refuses the user")
    finally:
        command(server().url(), "DROP DATABASE locked")


def test_a_database_that_is_missing() -> None:
    told(server().url("missing", password=SECRET), DatabaseUnusable, "missing does not exist; create")


def test_tables_of_another_version(url: str) -> None:
    told(url, SchemaTooOld, "version 0, this program needs 1; open it once", migrate=False)
    asyncio.run(opened(url))
    command(url, "INSERT INTO ledger_schema VALUES (99)")
    told(url, SchemaTooNew, "version 99, this program knows up to 1; use the version")
    told(url, SchemaTooNew, "version 99", migrate=False)


async def opened(url: str) -> None:
    async with await PostgresLedger.open(url):
        pass


def test_a_server_that_takes_no_writes(url: str) -> None:
    command(url, f'ALTER DATABASE "{url.rpartition("/")[2]}" SET default_transaction_read_only = on')
    told(url, DatabaseUnusable, "is read-only; use the primary")


def test_a_server_that_acknowledges_too_early(url: str) -> None:
    command(url, f'ALTER DATABASE "{url.rpartition("/")[2]}" SET synchronous_commit = off')
    told(url, NotDurable, "synchronous_commit = off; set both to on")


def test_no_connection_to_spare(url: str) -> None:
    asyncio.run(opened(url))
    name = url.rpartition("/")[2]
    command(url, "DROP ROLE IF EXISTS single", "CREATE ROLE single LOGIN CONNECTION LIMIT 0")
    told(server().url(name, user="single"), Unreachable, "no connection to spare; raise max_connections")


def run(url: str, story: Callable[[PostgresLedger, asyncpg.Connection], Awaitable[None]]) -> None:
    """A story of a ledger and of somebody else on its database; the audit holds afterwards."""

    async def life() -> None:
        other = await asyncpg.connect(url)
        async with await PostgresLedger.open(url, retries=2) as ledger:
            await found(ledger)
            await story(ledger, other)
            assert (await ledger.audit()).ok
        await other.close()

    asyncio.run(life())


RAISING = """
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = '{code}'; END $$;
CREATE TRIGGER refuse BEFORE INSERT ON ledger_transfers FOR EACH STATEMENT EXECUTE FUNCTION refuse()
"""


@pytest.mark.parametrize(
    ("code", "kind", "words"),
    [
        ("53100", DiskFull, "is full; free some space"),
        ("40001", DatabaseLocked, "always quicker; submit again"),
        ("XX001", LedgerFault, "is damaged .*; restore it"),
    ],
)
def test_a_fault_fails_the_whole_group_and_nothing_else(
    url: str, code: str, kind: type[LedgerFault], words: str
) -> None:
    """The server's own error by its code, raised by a trigger where the table would raise it."""

    async def story(ledger: PostgresLedger, other: asyncpg.Connection) -> None:
        await other.execute(RAISING.format(code=code))
        calls = (ledger.transfer(10, 2, 3, 1), ledger.open_account("cy", "scrip"))
        answers = await asyncio.gather(*calls, return_exceptions=True)
        for answer in answers:
            with pytest.raises(kind, match=words):
                raise answer  # type: ignore[misc]
        assert answers[0] is not answers[1]
        await other.execute("DROP TRIGGER refuse ON ledger_transfers")
        assert await ledger.accounts_of("cy") == {}
        assert await ledger.transfer(10, 2, 3, 1) is Status.CREATED

    run(url, story)


def test_somebody_who_keeps_an_account_locked_is_waited_for(url: str) -> None:
    async def story(ledger: PostgresLedger, other: asyncpg.Connection) -> None:
        await other.execute("BEGIN")
        await other.execute("SELECT 1 FROM ledger_accounts WHERE id = 2 FOR UPDATE")
        waiting = asyncio.ensure_future(ledger.transfer(10, 2, 3, 1))
        await asyncio.sleep(0.1)
        assert not waiting.done()
        assert await ledger.balance(2) == 10**6
        await other.execute("COMMIT")
        assert await waiting is Status.CREATED

    run(url, story)
