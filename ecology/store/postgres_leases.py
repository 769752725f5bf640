"""Leases: who may act under a name for a while, by the database's clock, with a generation as fencing token."""

import asyncpg
import msgspec

from ecology.store.postgres_schema import SQL


class Lease(msgspec.Struct, frozen=True):
    """A lease as it stood when it was read; `left_s` seconds were left of it, and none if that is not positive."""

    name: str
    holder: str
    generation: int
    left_s: float
    note: bytes


async def acquire(
    connection: asyncpg.Connection, name: str, holder: str, ttl_s: float, note: bytes
) -> int | None:
    """Take a lease that is free, has run out or is the holder's own; its generation, or None if another has it."""
    found = await connection.fetchval(SQL["acquire"], name, holder, ttl_s, note)
    return None if found is None else int(found)


async def renew(
    connection: asyncpg.Connection, name: str, holder: str, generation: int, ttl_s: float
) -> bool:
    """Let a lease last `ttl_s` seconds from now; False if it has run out, also where nobody has taken it yet."""
    return await connection.fetchval(SQL["renew"], name, holder, generation, ttl_s) is not None


async def release(connection: asyncpg.Connection, name: str, holder: str, generation: int) -> bool:
    """Give a lease back, or clear away one that has run out; False if it is not there any more."""
    return await connection.fetchval(SQL["release"], name, holder, generation) is not None


async def leases(connection: asyncpg.Connection, prefix: str) -> list[Lease]:
    """The leases whose names begin so, by name; those that have run out are among them until they are released."""
    return [Lease(*row) for row in await connection.fetch(SQL["leases"], prefix)]
