"""PostgreSQL and Redis for one run on many nodes, where nobody named any: there with the run, gone with it."""

import os
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from ecology.app.local_postgres import LocalPostgres
from ecology.app.local_redis import LocalRedis
from ecology.core.password import new_password


@asynccontextmanager
async def local_servers(place: Path | None = None) -> AsyncIterator[tuple[str, str]]:
    """The URLs of a PostgreSQL and of a Redis on this machine, with passwords that nobody else knows.

    They end with our process, however that ends, and leave nothing behind in `place`, which is that for temporary files
    unless it is given. What PostgreSQL acknowledges is on the disk.
    Raises UsageError if their wheels are not installed, RunFault if they do not start.
    """
    async with AsyncExitStack() as stack:
        postgres = LocalPostgres(_folder(stack, place, "postgres"), password=new_password())
        redis = LocalRedis(_folder(stack, place, "redis"), password=new_password())
        for server in (postgres, redis):
            stack.callback(server.remove)
        for server in (postgres, redis):
            server.launch()
        for server in (postgres, redis):
            await server.up()
        yield postgres.url(), redis.url


def _folder(stack: AsyncExitStack, place: Path | None, name: str) -> Path:
    """A folder that no other user of this machine can read."""
    if place is None and os.geteuid() == 0:
        place = Path("/tmp")  # into a temporary folder of root's own `nobody` may not be let
    folder = Path(tempfile.mkdtemp(prefix=f"ecology-{name}-", dir=place))
    stack.callback(shutil.rmtree, folder, ignore_errors=True)
    return folder
