"""Many rows in pieces, by a cursor that lives and dies with its transaction: a pooler may stand in between."""

from collections.abc import AsyncIterator
from typing import cast

import asyncpg

from ecology.store.rows import Row

PIECE_ROWS = 1_000


async def pieces(connection: asyncpg.Connection, query: str) -> AsyncIterator[list[Row]]:
    """The rows of a query, `PIECE_ROWS` at a time, inside the caller's transaction; one such query at a time."""
    await connection.execute(f"DECLARE pieces NO SCROLL CURSOR FOR {query}")
    while rows := await connection.fetch(f"FETCH {PIECE_ROWS} FROM pieces"):
        yield cast("list[Row]", rows)
        if len(rows) < PIECE_ROWS:
            break
    await connection.execute("CLOSE pieces")
