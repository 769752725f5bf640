"""A real PgBouncer in transaction mode before the tests' PostgreSQL server, a few connections to each database.

It does not outlive the process that wanted it.
"""

import atexit
import os
import shutil
import signal
import tempfile
import time
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

from ecology.app.local_server import HOST, LocalServer, given_away, listens
from tests.support.postgres import START_S, server

PLACES = f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin"
"""Where it is looked for: Debian puts it among the programs of administrators."""

SETTINGS = """
[databases]
* = host={host} port={server_port}

[pgbouncer]
listen_addr = {host}
listen_port = {port}
unix_socket_dir =
pool_mode = transaction
default_pool_size = 6
min_pool_size = 2
server_round_robin = 1
max_client_conn = 200
auth_type = trust
auth_file = {folder}/users
admin_users = postgres
"""


def program() -> str | None:
    """Where PgBouncer is on this machine."""
    return shutil.which("pgbouncer", path=PLACES)


class PgBouncer(LocalServer):
    """One PgBouncer for every database of the server that the tests share."""

    name = "PgBouncer"
    end = signal.SIGQUIT

    def __init__(self) -> None:
        found = program()
        assert found is not None, "no PgBouncer here: scripts/test.py leaves its tests out"
        self._program = found
        super().__init__(
            Path(tempfile.mkdtemp(prefix="pgbouncer-", dir="/tmp" if os.geteuid() == 0 else None))
        )
        settings = SETTINGS.format(host=HOST, server_port=server().port, port=self.port, folder=self.folder)
        (self.folder / "settings").write_text(settings, encoding="utf-8")
        (self.folder / "users").write_text('"postgres" ""\n', encoding="utf-8")
        self.account = given_away(self.folder)  # as root it refuses to run
        self.launch()
        give_up = time.monotonic() + START_S
        while not self.ready():
            assert time.monotonic() < give_up
            time.sleep(0.02)

    def command(self) -> list[str]:
        return [self._program, str(self.folder / "settings")]

    def answers(self) -> bool:
        return listens(self.port)

    def url(self, url: str) -> str:
        """The same database through PgBouncer."""
        parts = urlsplit(url)
        return f"postgresql://{parts.username}@{HOST}:{self.port}{parts.path}"


@cache
def pgbouncer() -> PgBouncer:
    """The one that the tests of this process share."""
    server()  # which goes after it
    shared = PgBouncer()
    atexit.register(shared.remove)
    return shared
