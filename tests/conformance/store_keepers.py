"""Every store that keeps a world, behind one small face for the suite that all of them must pass."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Protocol

import pytest

from ecology.kernel.batch import Batch
from ecology.kernel.laws import Laws
from ecology.kernel.world import World
from ecology.store.postgres import PostgresStore
from ecology.store.sqlite import SqliteStore
from ecology.store.transcript import transcribe
from tests.support.pgbouncer import pgbouncer
from tests.support.pooler import pooled_apart
from tests.support.postgres import database

CONTRACT = "freeware"
STORES = ("sqlite", "postgres", "pooler", pytest.param("pgbouncer", marks=pytest.mark.pgbouncer))


class Keeper(Protocol):
    """A store of one world."""

    def new_world(self, seed: int, laws: Laws) -> World:
        """A world that is empty and will be kept here."""

    async def keep(self, batch: Batch, now_ns: int) -> None:
        """Commit a group."""

    async def load(self, seed: int, laws: Laws) -> tuple[World, int]:
        """The world as of the last group, and its time."""

    async def file(self) -> Path:
        """What is kept, as the file of a run."""


class _Sqlite:
    def __init__(self, store: SqliteStore) -> None:
        self._store = store

    def new_world(self, seed: int, laws: Laws) -> World:
        return self._store.new_world(seed=seed, default_contract=CONTRACT, laws=laws)

    async def keep(self, batch: Batch, now_ns: int) -> None:
        self._store.write(batch, now_ns)
        self._store.commit()

    async def load(self, seed: int, laws: Laws) -> tuple[World, int]:
        return self._store.load_world(seed=seed, default_contract=CONTRACT, laws=laws)

    async def file(self) -> Path:
        return self._store.path


class _Postgres:
    def __init__(self, store: PostgresStore, folder: Path) -> None:
        self.store = store
        self._folder = folder

    def new_world(self, seed: int, laws: Laws) -> World:
        return self.store.new_world(seed=seed, default_contract=CONTRACT, laws=laws)

    async def keep(self, batch: Batch, now_ns: int) -> None:
        async with self.store.at_head() as turnstile:
            await turnstile.write(batch, node="here", generation=1, payload=b"it", time_ns=now_ns)

    async def load(self, seed: int, laws: Laws) -> tuple[World, int]:
        world, head = await self.store.load_world(seed=seed, default_contract=CONTRACT, laws=laws)
        return world, head.time_ns

    async def file(self) -> Path:
        target = self._folder / "transcript.sqlite"
        await transcribe(self.store, target)
        return target


@asynccontextmanager
async def keeper(name: str, folder: Path) -> AsyncIterator[Keeper]:
    """A new, empty store of that name."""
    if name == "sqlite":
        sqlite = SqliteStore.create(folder / "ecology.sqlite")
        yield _Sqlite(sqlite)
        sqlite.close()
        return
    url = await database(folder)
    if name == "pgbouncer":
        url = pgbouncer().url(url)
    if name == "pooler":
        with pooled_apart(url) as url:
            async with _postgres(url, folder) as kept:
                yield kept
    else:
        async with _postgres(url, folder) as kept:
            yield kept


@asynccontextmanager
async def _postgres(url: str, folder: Path) -> AsyncIterator[Keeper]:
    store = await PostgresStore.open(url)
    try:
        yield _Postgres(store, folder)
    finally:
        await store.close()
