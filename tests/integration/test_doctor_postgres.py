"""`ecology doctor` at a real PostgreSQL server, well and ill."""

import asyncio
import json
from pathlib import Path

import asyncpg
import pytest

from ecology.app.checks.finding import Finding
from ecology.app.doctor import examine
from ecology.store.postgres import PostgresStore
from tests.support.command import ecology
from tests.support.pooler import pooled
from tests.support.postgres import database, server

SECRET = "geheim"


@pytest.fixture
def url(tmp_path: Path) -> str:
    return asyncio.run(database(tmp_path))


def command(url: str, *statements: str) -> None:
    async def life() -> None:
        connection = await asyncpg.connect(url)
        try:
            for statement in statements:
                await connection.execute(statement)
        finally:
            await connection.close()

    asyncio.run(life())


def settled(url: str) -> None:
    """With the tables of this program."""

    async def life() -> None:
        await (await PostgresStore.open(url)).close()

    asyncio.run(life())


async def asked(url: str) -> dict[str, Finding]:
    found = await examine({"POSTGRES_URL": url}, Path.cwd(), 60.0)
    assert SECRET not in "".join(map(str, found))
    return {finding.check: finding for finding in found}


def doctor(url: str) -> dict[str, Finding]:
    return asyncio.run(asked(url))


def test_an_empty_database_then_one_with_a_world(url: str) -> None:
    before = doctor(url)
    assert before["postgres"].state == before["postgres.durability"].state == before["clock"].state == "ok"
    assert (
        before["postgres.schema.world"].what
        == "there are no tables of the world yet; the first node makes them"
    )
    settled(url)
    after = doctor(url)
    assert after["postgres.schema.world"].what == "the tables of the world have version 1, as this program's"
    assert after["postgres.schema.ledger"].state == "ok"


def test_it_looks_and_changes_nothing(url: str) -> None:
    doctor(url)
    assert "world_schema" not in server().dump(url.rpartition("/")[2])


def test_tables_of_a_later_version(url: str) -> None:
    settled(url)
    command(url, "INSERT INTO world_schema (version) VALUES (99)")
    found = doctor(url)
    assert found["postgres.schema.world"].state == "failed"
    assert found["postgres.schema.world"].what.endswith("have version 99, this program knows up to 1")
    assert found["postgres.schema.ledger"].state == "ok"


def test_a_server_that_may_forget(url: str) -> None:
    command(url, f'ALTER DATABASE "{url.rpartition("/")[2]}" SET synchronous_commit = off')
    found = doctor(url)["postgres.durability"]
    assert found.state == "failed"
    assert found.what == "fsync = on, synchronous_commit = off, full_page_writes = on"


def test_a_server_that_takes_no_writes(url: str) -> None:
    command(url, f'ALTER DATABASE "{url.rpartition("/")[2]}" SET default_transaction_read_only = on')
    assert doctor(url)["postgres.writable"].state == "failed"


def test_a_user_who_may_make_no_tables(url: str) -> None:
    command(
        url,
        "DROP ROLE IF EXISTS visitor",
        "CREATE ROLE visitor LOGIN",
        "REVOKE CREATE ON SCHEMA public FROM public",
    )
    found = doctor(server().url(url.rpartition("/")[2], user="visitor"))["postgres.schema.world"]
    assert found.state == "failed"
    assert found.what == "there are no tables of the world yet, and this user may not make any"


def test_a_wrong_password_and_a_missing_database(url: str) -> None:
    wrong = doctor(server().url("missing", password=SECRET))["postgres"]
    assert (wrong.state, wrong.remedy) == ("failed", "create the database")
    command(url, "DROP ROLE IF EXISTS locked", "CREATE ROLE locked LOGIN PASSWORD 'another'")
    command(server().url(), "DROP DATABASE IF EXISTS locked", "CREATE DATABASE locked")
    try:
        refused = doctor(server().url("locked", user="locked", password=SECRET))["postgres"]
    finally:
        command(server().url(), "DROP DATABASE locked")
    assert refused.what.endswith("refuses the user or the password")
    assert refused.remedy == "check both in the URL"


def test_behind_a_pooler(url: str) -> None:
    async def story() -> dict[str, Finding]:
        async with pooled(url) as other:
            return await asked(other)

    assert {name: it for name, it in asyncio.run(story()).items() if it.state == "failed"} == {}


def test_the_command_says_it_to_people_and_machines(url: str, tmp_path: Path) -> None:
    well = ecology("doctor", "--json", "--timeout", "60", cwd=tmp_path, POSTGRES_URL=url)
    assert well.code == 0, well
    assert well.err == ""
    told = json.loads(well.out)
    assert told["ok"] is True
    assert {"check": "postgres.writable", "state": "ok", "what": "it takes writes", "remedy": ""} in told[
        "findings"
    ]

    name = url.rpartition("/")[2]
    command(url, f'ALTER DATABASE "{name}" SET synchronous_commit = off')
    ill = ecology("doctor", "--quiet", "--timeout", "60", cwd=tmp_path, POSTGRES_URL=url, LLM_URL=SECRET)
    assert ill.code == 1
    lines = [line.strip() for line in ill.out.splitlines()]
    assert "-> set both to on: it would acknowledge deeds that a crash undoes" in lines
    assert "-> write it as http://HOST:8000/v1" in lines
    assert not [line for line in lines if line.startswith("ok ")]
    assert SECRET not in ill.out + ill.err


def test_a_wrong_call(tmp_path: Path) -> None:
    wrong = ecology("doctor", "--timeout", "0", cwd=tmp_path)
    assert wrong.code == 2
    assert "--timeout" in wrong.complaint
