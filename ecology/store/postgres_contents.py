"""Contents of artifacts, read where the kernel cannot wait: by a thread with a connection and a loop of its own."""

import asyncio
import threading

import asyncpg

from ecology.store.postgres_faults import store_faults
from ecology.store.postgres_schema import SQL
from ledger.postgres_faults import is_lost

CONNECT_S = 5
COMMAND_S = 5


class PostgresContents:
    """Reads committed contents; the calling thread stands still meanwhile."""

    def __init__(self, url: str, where: str) -> None:
        self._url = url
        self._where = where
        self._loop = asyncio.new_event_loop()
        self._thread: threading.Thread | None = None
        self._connection: asyncpg.Connection | None = None

    def get(self, artifact_id: str) -> bytes:
        """The content at HEAD of an artifact that exists. Raises StoreFault if the server cannot be asked."""
        with store_faults(self._where):
            return self._run(artifact_id)

    def close(self) -> None:
        """Close the connection and end the thread."""
        if self._thread is not None:
            asyncio.run_coroutine_threadsafe(self._forget(), self._loop).result()
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._thread = None
        self._loop.close()

    def _run(self, artifact_id: str) -> bytes:
        if self._thread is None:
            self._thread = threading.Thread(target=self._loop.run_forever, name="contents", daemon=True)
            self._thread.start()
        return asyncio.run_coroutine_threadsafe(self._read(artifact_id), self._loop).result()

    async def _read(self, artifact_id: str) -> bytes:
        connection = self._connection
        if connection is not None and not connection.is_closed():
            try:
                return await _content(connection, artifact_id)
            except Exception as error:
                await self._forget()
                if not is_lost(error) or isinstance(error, TimeoutError):
                    raise
        # The first time, or the connection had died of old age. Who does not answer at all is not asked twice.
        connection = self._connection = await asyncpg.connect(
            self._url, timeout=CONNECT_S, command_timeout=COMMAND_S, statement_cache_size=0
        )
        return await _content(connection, artifact_id)

    async def _forget(self) -> None:
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None


async def _content(connection: asyncpg.Connection, artifact_id: str) -> bytes:
    content = await connection.fetchval(SQL["content_of"], artifact_id)
    assert isinstance(content, bytes), f"the shelf knows '{artifact_id}' and the store does not"
    return content
