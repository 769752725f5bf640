"""What is wrong with a server, a URL or its tables is one line with a remedy, and never shows the password."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from ecology.core.errors import StoreFault
from ecology.kernel.actions import Transfer, Write
from ecology.store.postgres import PostgresStore
from ecology.store.postgres_schema import SQL
from ecology.store.transcript import transcribe
from ecology.testing.worlds import Stage
from tests.integration.test_store_postgres_head import ANN, BEN, founded, loaded, put
from tests.support.postgres import PostgresServer, command, database, server

SECRET = "s3cr3t"


def told(url: str, words: str, *, migrate: bool = True) -> None:
    """Opening the URL fails in one line of those words, without the password."""

    async def life() -> None:
        await PostgresStore.open(url, retries=2, migrate=migrate)

    with pytest.raises(StoreFault, match=words) as caught:
        asyncio.run(life())
    line = str(caught.value)
    assert SECRET not in line and "\n" not in line and "; " in line, line


@pytest.fixture
def url(tmp_path: Path) -> str:
    return asyncio.run(database(tmp_path))


async def opened(url: str) -> None:
    await (await PostgresStore.open(url)).close()


def test_a_url_of_nothing_and_a_server_that_is_not_there() -> None:
    told(f"mysql://me:{SECRET}@localhost/x", "none of a PostgreSQL server; write it as postgresql://")
    told(f"postgresql://me:{SECRET}@localhost:port/x", "none of a PostgreSQL server; write it as")
    told(f"postgresql://me:{SECRET}@127.0.0.1:1/x", "127.0.0.1:1/x does not answer; start it")


def test_a_wrong_password_and_a_missing_database(url: str) -> None:
    command(url, "DROP ROLE IF EXISTS locked", "CREATE ROLE locked LOGIN PASSWORD 'another'")
    command(server().url(), "DROP DATABASE IF EXISTS locked", "CREATE DATABASE locked")
    try:
        told(server().url("locked", user="locked", password=SECRET), "refuses the user or the password")
    finally:
        command(server().url(), "DROP DATABASE locked")
    told(server().url("missing", password=SECRET), "missing does not exist; create the database")


def test_a_server_that_acknowledges_too_early(url: str) -> None:
    command(url, f'ALTER DATABASE "{url.rpartition("/")[2]}" SET synchronous_commit = off')
    told(url, "synchronous_commit = off; set both to on")


def test_tables_of_another_version(url: str) -> None:
    told(url, "the world's tables have version 0, this program needs 1; let it migrate them", migrate=False)
    asyncio.run(opened(url))
    command(url, "INSERT INTO world_schema VALUES (99)")
    for migrate in (True, False):
        told(url, "the world's tables have version 99, this program knows up to 1; use the", migrate=migrate)
    command(url, "DELETE FROM world_schema WHERE version = 99", "INSERT INTO ledger_schema VALUES (99)")
    for migrate in (True, False):
        told(url, "the ledger's tables have version 99", migrate=migrate)


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM artifacts WHERE id = 'agent-0002'",
        "DELETE FROM ledger_accounts WHERE owner = 'agent-0002' AND asset = 'disk'",
        "UPDATE agents SET inbox = '[99999]'",
        "UPDATE artifacts SET content = '{' WHERE id = 'agent-0002'",
        "INSERT INTO registers VALUES ('listing', 'a', '{'), ('nothing', 'a', '{}')",
    ],
)
def test_rows_that_make_no_world(url: str, statement: str) -> None:
    async def life() -> None:
        store = await PostgresStore.open(url)
        await founded(store)
        connection = await asyncpg.connect(url)
        await connection.execute(statement)
        await connection.close()
        try:
            with pytest.raises(StoreFault, match="damaged.*; restore it from a backup"):
                await loaded(store)
        finally:
            await store.close()

    asyncio.run(life())


RAISING = """
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = '53100'; END $$;
CREATE TRIGGER refuse BEFORE INSERT ON events FOR EACH STATEMENT EXECUTE FUNCTION refuse()
"""


def test_a_full_disk_writes_nothing_of_the_group_and_the_next_one_goes_through(url: str) -> None:
    async def life() -> None:
        store = await PostgresStore.open(url)
        stage = await founded(store)
        command_ = await asyncpg.connect(url)
        await command_.execute(RAISING)
        stage.do(ANN, Transfer(BEN, 5))

        async def commit(it: Stage) -> None:
            async with store.at_head() as turnstile:
                await put(turnstile, it)

        with pytest.raises(StoreFault, match="is full; free some space"):
            await commit(stage)
        await command_.execute("DROP TRIGGER refuse ON events")
        await command_.close()
        again, head = await loaded(store)
        assert head.number == 1
        again.do(ANN, Transfer(BEN, 6))
        await commit(again)
        assert (await store.changes(0))[0].number == 2
        await store.close()

    asyncio.run(life())


def test_a_person_who_keeps_the_head_locked_is_waited_for_and_then_named(url: str) -> None:
    """The server's patience with who does nothing is the nodes' own: somebody else may hold the lock for longer."""

    async def life() -> None:
        store = await PostgresStore.open(url)
        person = await asyncpg.connect(url)
        await person.execute("BEGIN")
        await person.execute("SELECT 1 FROM world_head FOR UPDATE")
        with pytest.raises(StoreFault, match=r"kept waiting .*lock timeout.*; see who holds it"):
            async with store.at_head():
                pass
        await person.close()
        async with store.at_head() as turnstile:
            assert turnstile.head.number == 0
        await store.close()

    asyncio.run(life())


def test_a_node_that_was_paused_in_the_middle_of_a_statement_is_not_waited_for(url: str) -> None:
    """What it has prepared and not executed keeps the server from calling it idle; seen when writers were paused."""

    async def life() -> None:
        store = await PostgresStore.open(url)
        paused = await asyncpg.connect(url, statement_cache_size=0)
        await paused.execute(SQL["lock_head"])
        await paused.prepare("SELECT $1::int")
        async with store.at_head() as turnstile:
            assert turnstile.head.number == 0
        async with asyncio.timeout(60):  # the server lets go of the lock before it hangs up
            while not paused.is_closed():
                await asyncio.sleep(0.01)
        await store.close()

    asyncio.run(life())


def test_a_transcript_that_cannot_be_written_leaves_nothing(url: str, tmp_path: Path) -> None:
    async def life() -> None:
        store = await PostgresStore.open(url)
        await founded(store)
        with pytest.raises(StoreFault, match=r"cannot be used .*check the disk"):
            await transcribe(store, tmp_path / "nowhere" / "ecology.sqlite")
        command_ = await asyncpg.connect(url)
        await command_.execute("DROP TABLE incarnations")
        await command_.close()
        with pytest.raises(StoreFault, match="cannot be used"):
            await transcribe(store, tmp_path / "ecology.sqlite")
        await store.close()

    asyncio.run(life())
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def own() -> Iterator[PostgresServer]:
    """A server of the test's own, to be treated badly."""
    it = PostgresServer().start()
    yield it
    it.remove()


def test_after_a_crash_of_the_server_the_same_store_goes_on(own: PostgresServer) -> None:
    """Everything fails while it is gone, in one line, and nothing that was acknowledged is lost."""

    async def life() -> None:
        store = await PostgresStore.open(own.url())
        stage = await founded(store)
        stage.do(ANN, Write("essay", "kept"))
        async with store.at_head() as turnstile:
            await put(turnstile, stage)
        generation = await store.acquire("node/a", "a", 3_600)  # longer than a server takes to come back
        own.crash()
        with pytest.raises(StoreFault, match="does not answer"):
            async with store.at_head():
                pass
        for asking in (store.changes(0), store.renew("node/a", "a", generation or 0, 60), store.clock_us()):
            with pytest.raises(StoreFault, match="does not answer"):
                await asking
        with pytest.raises(StoreFault, match="does not answer"):
            store.content("essay")
        own.start()
        again, head = await loaded(store)
        assert head.number == 2 and store.content("essay") == b"kept"
        assert await store.renew("node/a", "a", generation or 0, 60)
        again.do(ANN, Transfer(BEN, 6))
        async with store.at_head(2) as turnstile:
            await put(turnstile, again)
        await store.close()

    asyncio.run(life())


def test_a_store_that_opens_before_its_server_waits_for_it(own: PostgresServer) -> None:
    async def life() -> None:
        own.crash()
        opening = asyncio.ensure_future(PostgresStore.open(own.url(), retries=200))
        await asyncio.sleep(0.3)
        await asyncio.to_thread(own.start)
        await (await opening).close()

    asyncio.run(life())
