"""A shared world as an observer sees it: short reads on connections of their own, which hold up no node."""

from typing import cast

import asyncpg
import msgspec

from ecology.store.postgres import PostgresStore
from ecology.store.scripts import statements

SQL = statements("postgres/watch.sql")


class Vitals(msgspec.Struct, frozen=True):
    """Where a world stands. `number` is 0 for one that nobody has founded yet.

    `members` is the business of the nodes. `idle_s` is the age of the last commit; None without one.
    `waiting_sequence` and `waiting_ns` are sequence and world time of the oldest revision that the archive has not
    confirmed; None if there is none.
    """

    number: int
    sequence: int
    time_ns: int
    members: bytes
    ended: bool
    idle_s: float | None
    waiting_sequence: int | None
    waiting_ns: int | None


class Watch:
    """An observer's view into the store of a world; belongs to its event loop. Every method may raise StoreFault."""

    def __init__(self, store: PostgresStore) -> None:
        self.store = store

    async def vitals(self) -> Vitals:
        """Where the world stands now."""

        async def read(connection: asyncpg.Connection) -> Vitals:
            (row,) = await connection.fetch(SQL["vitals"])
            return Vitals(*row)

        return await self.store.ask(read)

    async def last_sequence(self) -> int:
        """The newest committed event; 0 for none."""
        found = await self.store.ask(lambda connection: connection.fetchval(SQL["last_sequence"]))
        return cast(int, found)

    async def bodies(self, after: int, most: int) -> list[tuple[int, bytes]]:
        """Sequence and line of the first `most` events after a sequence."""
        rows = await self.store.ask(lambda connection: connection.fetch(SQL["bodies_after"], after, most))
        return [cast("tuple[int, bytes]", tuple(row)) for row in rows]

    async def changes(
        self, after: int, last: int, types: tuple[str, ...], most_bytes: int
    ) -> list[tuple[int, bytes, bytes | None]]:
        """Events of those types with `after` < sequence <= `last`, and the contents that wait with them.

        Sequence, line and content of each; no more are read once their contents have `most_bytes`.
        """
        rows = await self.store.ask(
            lambda connection: connection.fetch(SQL["changes"], after, last, list(types), most_bytes)
        )
        return [cast("tuple[int, bytes, bytes | None]", tuple(row)) for row in rows]

    async def give_up_revisions(
        self, lease: str, holder: str, generation: int, *, after: int, last: int
    ) -> bool:
        """Drop the revisions with `after` < sequence <= `last`, which the archive has; False if the lease was lost."""
        held = await self.store.ask(
            lambda connection: connection.fetchval(
                SQL["give_up_revisions"], lease, holder, generation, after, last
            )
        )
        return bool(held)
