"""A PostgreSQL that fails at chosen commits, before COMMIT or after it and unanswered, and at some of what is read.

Everything else is the real store on the real server. `acknowledged` are the heads of which somebody was told that they
are durable: whatever else is lost, these are not.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Literal, Self, TypeVar

from ecology.core.errors import StoreFault
from ecology.core.seeds import Draw
from ecology.store.postgres import PostgresStore
from ecology.store.postgres_head import Head, Turnstile

Fate = Literal["done", "lost", "unanswered"]
T = TypeVar("T")


def fates(draw: Draw, *, one_in: int) -> Callable[[], Fate]:
    """Of every so many commits one, by chance, is lost or unanswered."""

    def next_fate() -> Fate:
        if draw.below(one_in):
            return "done"
        return "lost" if draw.below(2) else "unanswered"

    return next_fate


class FlakyPostgres(PostgresStore):
    """The store as one node has it; nothing fails before it wants its lease."""

    acknowledged: list[Head]
    fate: Callable[[], Fate]
    faults: int
    armed = False

    @classmethod
    async def flaky(cls, url: str, fate: Callable[[], Fate], *, seed: int = 0) -> Self:
        """As `open`; `fate` says what becomes of the next commit."""
        store = await cls.open(url, seed=seed)
        store.fate, store.acknowledged, store.faults = fate, [], 0
        return store

    async def acquire(self, name: str, holder: str, ttl_s: float, note: bytes = b"") -> int | None:
        self.armed = True
        return await super().acquire(name, holder, ttl_s, note)

    async def _read(self, work: Callable[[Any], Awaitable[T]]) -> T:
        found = await super()._read(work)
        if self.armed and all(self.fate() != "done" for _ in range(2)):
            self.faults += 1
            raise StoreFault("the connection was lost before the answer", remedy="begin again")
        return found

    @asynccontextmanager
    async def at_head(self, after: int | None = None) -> AsyncIterator[Turnstile]:
        fate = self.fate() if self.armed else "done"
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
