"""What a PostgreSQL server says of itself, for who wants to know whether a world can live there. Changes nothing."""

import asyncio

import asyncpg
import msgspec

from ecology.core.clock import host_ns
from ecology.core.wall import wall_us
from ecology.store import postgres_schema
from ecology.store.postgres_faults import store_faults
from ecology.store.scripts import statements
from ledger import postgres as ledger_tables
from ledger.postgres_faults import bad_url, place

SQL = statements("postgres/examination.sql")


class Schema(msgspec.Struct, frozen=True):
    """The version of somebody's tables (0: there are none), and the one that this program knows."""

    owner: str
    found: int
    known: int


class Examination(msgspec.Struct, frozen=True):
    """What was found. `ahead_us` is how far the server's wall clock is ahead of ours, give or take the round trip."""

    where: str
    version_number: int
    version: str
    settings: dict[str, str]
    read_only: bool
    may_create: bool
    most_connections: int
    connections: int
    schemas: tuple[Schema, ...]
    round_trip_us: int
    ahead_us: int


async def examine(url: str, timeout_s: float) -> Examination:
    """Ask the server of that URL. Raises StoreFault if it does not answer, in one line without secrets."""
    with store_faults("PostgreSQL"):
        where = place(url)
    with store_faults(where):
        try:
            async with asyncio.timeout(timeout_s):
                connection = await asyncpg.connect(url, command_timeout=timeout_s, statement_cache_size=0)
        except ValueError:
            raise bad_url() from None  # the error may quote the URL, and with it the password
        try:
            return await _look(connection, where)
        finally:
            connection.terminate()


async def _look(connection: asyncpg.Connection, where: str) -> Examination:
    (
        (number, version, fsync, synchronous_commit, full_pages, read_only, may_create, most, used),
    ) = await connection.fetch(SQL["settings"])
    began_ns, began_us = host_ns(), wall_us()
    ((theirs_us,),) = await connection.fetch(postgres_schema.SQL["clock_us"])
    round_trip_us = (host_ns() - began_ns) // 1_000
    return Examination(
        where=where,
        version_number=number,
        version=version.split()[0],
        settings={"fsync": fsync, "synchronous_commit": synchronous_commit, "full_page_writes": full_pages},
        read_only=read_only,
        may_create=may_create,
        most_connections=most,
        connections=used,
        schemas=(
            Schema(
                "the ledger", await ledger_tables.schema_version(connection), ledger_tables.SCHEMA_VERSION
            ),
            Schema(
                "the world", await postgres_schema.schema_version(connection), postgres_schema.SCHEMA_VERSION
            ),
        ),
        round_trip_us=round_trip_us,
        ahead_us=theirs_us - began_us - round_trip_us // 2,
    )
