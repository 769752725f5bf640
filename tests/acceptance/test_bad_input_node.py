"""`ecology node` and `ecology run --nodes` called wrongly: one line, what and how to mend it, and no secret in it."""

import asyncio
import re
import sys
import time
from pathlib import Path

import asyncpg
import pytest

from tests.acceptance.listening import listening
from tests.support.command import Finished, finish, start
from tests.support.postgres import database, server

SECRET = "s3cr3t"
WORLD = ("--agents", "5", "--duration", "1h", "--no-http")
SOON = ("--agents", "5", "--duration", "1s", "--no-http")


@pytest.fixture
def url(tmp_path: Path) -> str:
    """A database of its own."""
    return asyncio.run(database(tmp_path))


def node(folder: Path, *arguments: str, **variables: str) -> Finished:
    return finish(start("node", *arguments, cwd=folder, **variables))


@pytest.mark.parametrize(
    ("variables", "code", "said"),
    [
        ({}, 2, "a node needs POSTGRES_URL; set it to postgresql://"),
        ({"POSTGRES_URL": f"mysql://me:{SECRET}@db/world"}, 2, "POSTGRES_URL is no URL of PostgreSQL"),
        ({"POSTGRES_URL_FILE": "nothing"}, 2, "cannot read nothing"),
        ({"POSTGRES_URL": "postgresql://db/world", "AGENT_RANGE": "ten"}, 2, "'ten' is no range of agents"),
        (
            {"POSTGRES_URL": "postgresql://db/world", "REDIS_URL": f"http://:{SECRET}@c"},
            2,
            "REDIS_URL is no URL",
        ),
    ],
)
def test_a_wrong_call_is_one_line(variables: dict[str, str], code: int, said: str, tmp_path: Path) -> None:
    ended = node(tmp_path, *WORLD, **variables)
    assert ended.code == code and said in ended.complaint and SECRET not in ended.err


def test_a_wrong_password_is_told_and_not_shown(url: str, tmp_path: Path) -> None:
    async def lock() -> None:
        connection = await asyncpg.connect(url)
        await connection.execute(f"DROP ROLE IF EXISTS locked; CREATE ROLE locked LOGIN PASSWORD '{SECRET}'")
        await connection.close()

    asyncio.run(lock())
    name = url.rpartition("/")[2]
    ended = node(tmp_path, *WORLD, POSTGRES_URL=server().url(name, user="locked", password=f"not-{SECRET}"))
    assert (
        ended.code == 1 and "refuses the user or the password" in ended.complaint and SECRET not in ended.err
    )


def test_a_world_of_another_program_is_told(url: str, tmp_path: Path) -> None:
    assert node(tmp_path, *SOON, POSTGRES_URL=url).code == 0

    async def advance() -> None:
        connection = await asyncpg.connect(url)
        await connection.execute("INSERT INTO world_schema (version) VALUES (99)")
        await connection.close()

    asyncio.run(advance())
    ended = node(tmp_path, POSTGRES_URL=url)
    assert ended.code == 1 and "99" in ended.complaint


def test_another_world_and_a_range_of_nobody_are_told(url: str, tmp_path: Path) -> None:
    first = start("node", *WORLD, "--id", "a", "--seed", "1", cwd=tmp_path, POSTGRES_URL=url)
    try:
        found = node(tmp_path, *WORLD, "--seed", "1", POSTGRES_URL=url, AGENT_RANGE="6-9")
        assert found.code == 2
        assert "AGENT_RANGE 6-9 begins after the last agent of this world (5)" in found.complaint
        other = node(tmp_path, *WORLD, "--seed", "2", POSTGRES_URL=url)
        assert other.code == 2 and "another world lives in PostgreSQL at" in other.complaint
        assert "5 agents, seed 1" in other.complaint
    finally:
        listening(first)
        first.terminate()
        assert finish(first).code == 130


def test_a_clock_that_is_an_hour_off_is_one_line(url: str, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "import time\n_ns = time.time_ns\ntime.time_ns = lambda: _ns() + 3_600 * 10**9\n"
    )
    began_s = time.monotonic()
    ended = node(tmp_path, *SOON, POSTGRES_URL=url, PYTHONPATH=f"{tmp_path}:{sys.path[0]}")
    took_s = time.monotonic() - began_s
    assert ended.code == 0
    (line,) = [line for line in ended.err.splitlines() if "clock" in line]
    told = re.search(r"this machine's clock is ([\d,]+) s ahead of that of PostgreSQL at", line)
    assert told and "set it" in line
    # A machine that stalls between its look at its own clock and the server's at that one errs by as much.
    assert abs(int(told[1].replace(",", "")) - 3_600) <= took_s + 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--nodes", "0"), "--nodes"),
        (("--nodes", "2", "--clock", "virtual"), "nodes share real time only; add --clock real"),
        (("--nodes", "2", "--govern"), "--govern governs one process, not yet nodes; leave out --nodes"),
        (("--ledger", "postgresql://db/world"), "--ledger and --redis are for nodes; add --nodes K"),
        (("--nodes", "2", "--resume", "runs/latest"), "an interrupted run goes on in one process"),
        (
            ("--nodes", "2", "--ledger", f"mysql://me:{SECRET}@db/world"),
            "POSTGRES_URL is no URL of PostgreSQL",
        ),
    ],
)
def test_a_wrong_run_on_nodes_is_one_line(arguments: tuple[str, ...], said: str, tmp_path: Path) -> None:
    ended = finish(start("run", "--agents", "3", "--duration", "1s", *arguments, cwd=tmp_path))
    assert ended.code == 2 and said in ended.complaint and SECRET not in ended.err
    assert not (tmp_path / "runs").exists()
