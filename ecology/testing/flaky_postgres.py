"""A PostgreSQL that fails at chosen commits, in the two ways that matter: before COMMIT, or after it and unanswered.

Everything else is the real store on the real server. `acknowledged` are the heads of which somebody was told that they
are durable: whatever else is lost, these are not.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Literal, Self

from ecology.core.errors import StoreFault
from ecology.core.seeds import Draw
from ecology.store.postgres import PostgresStore
from ecology.store.postgres_head import Head, Turnstile

Fate = Literal["done", "lost", "unanswered"]


def fates(draw: Draw, *, one_in: int) -> Callable[[], Fate]:
    """Of every so many commits one, by chance, is lost or unanswered."""

    def next_fate() -> Fate:
        if draw.below(one_in):
            return "done"
        return "lost" if draw.below(2) else "unanswered"

    return next_fate


class FlakyPostgres(PostgresStore):
    """The store as one node has it."""

    acknowledged: list[Head]
    fate: Callable[[], Fate]
    faults: int

    @classmethod
    async def flaky(cls, url: str, fate: Callable[[], Fate], *, seed: int = 0) -> Self:
        """As `open`; `fate` says what becomes of the next commit."""
        store = await cls.open(url, seed=seed)
        store.fate, store.acknowledged, store.faults = fate, [], 0
        return store

    @asynccontextmanager
    async def at_head(self, after: int | None = None) -> AsyncIterator[Turnstile]:
        fate = self.fate()
        async with super().at_head(after) as turnstile:
            before = turnstile.head
            yield turnstile
            if fate == "lost":
                self.faults += 1
                raise StoreFault("the connection was lost before the commit", remedy="begin again")
        if fate == "unanswered":
            self.faults += 1
            raise StoreFault("the connection was lost before the commit was answered", remedy="begin again")
        if turnstile.head != before:
            self.acknowledged.append(turnstile.head)
