"""A real PostgreSQL server for tests, as fast as it can be and still durable."""

import asyncio
import atexit
import hashlib
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import asyncpg

from ecology.app.local_postgres import LocalPostgres
from ecology.app.local_server import HOST

START_S = 60
SETTINGS = (
    "max_connections=60",
    "shared_buffers=32MB",
    "max_wal_size=256MB",
    "autovacuum=off",
    "timezone=UTC",
)
ACCESS = f"local all all trust\nhost all locked {HOST}/32 scram-sha-256\nhost all all {HOST}/32 trust\n"


class PostgresServer(LocalPostgres):
    """One cluster in a folder of its own, made when it first starts; `remove` it in the end."""

    def __init__(self) -> None:
        # `nobody` may not be let into a temporary folder of root's own.
        folder = Path(tempfile.mkdtemp(prefix="ledger-pg-", dir="/tmp" if os.geteuid() == 0 else None))
        super().__init__(folder, owner="postgres", access=ACCESS, settings=SETTINGS)

    def start(self) -> "PostgresServer":
        """Start it, on the same port as before, and wait until it answers."""
        self.launch()
        give_up = time.monotonic() + START_S
        while not self.ready():
            assert time.monotonic() < give_up, self.log.read_text()
            time.sleep(0.05)
        return self

    def alive(self) -> bool:
        """Whether it has not ended by itself."""
        return self._kept is not None and self._kept.running()

    def dump(self, database: str, *options: str) -> str:
        """The schema of a database as `pg_dump` tells it, without what differs between its releases."""
        found = subprocess.run(
            [self.bin / "pg_dump", "--schema-only", "--no-owner", *options, self.url(database)],
            check=True,
            capture_output=True,
            text=True,
        )
        told = (
            line for line in found.stdout.splitlines() if line and not line.startswith(("--", "SET ", "\\"))
        )
        return "\n".join(line for line in told if "pg_catalog.set_config" not in line) + "\n"


_shared: list[PostgresServer] = []
_last: list[str] = []


def server() -> PostgresServer:
    """The server that the tests of this process share.

    Should it have died, which is no test's business, its last words are shown and another one takes its place.
    """
    if _shared and not _shared[0].alive():
        lost = _shared.pop()
        _last.clear()
        words = lost.log.read_text("utf-8", "replace")[-2_000:] if lost.log.exists() else "its folder is gone"
        sys.stderr.write(f"the tests' PostgreSQL has died: {words}\n")
        lost.remove()
    if not _shared:
        _shared.append(PostgresServer().start())
        atexit.register(_shared[0].remove)
    return _shared[0]


async def database(folder: Path, *, made: str = "template1") -> str:
    """The URL of the test's own database, made when it is first asked for; that of the test before is dropped."""
    name = "t" + hashlib.sha256(str(folder).encode()).hexdigest()[:16]
    if name not in _last:
        connection = await asyncpg.connect(server().url())
        try:
            while _last:
                await connection.execute(f'DROP DATABASE "{_last.pop()}" WITH (FORCE)')
            await connection.execute(f'CREATE DATABASE "{name}" TEMPLATE {made}')
        finally:
            await connection.close()
        _last.append(name)
    return server().url(name)


def command(url: str, *statements: str) -> None:
    """Execute statements over a connection of their own."""

    async def life() -> None:
        connection = await asyncpg.connect(url)
        for statement in statements:
            await connection.execute(statement)
        await connection.close()

    asyncio.run(life())
