"""A real PgBouncer in transaction mode before the tests' PostgreSQL server, two connections to each database.

A child of a keeper as that server is (see `postgres`), so that it does not outlive the process that wanted it.
"""

import atexit
import os
import pwd
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

from tests.support.postgres import HOST, KEEPER, START_S, free_port, server

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
default_pool_size = 2
min_pool_size = 2
server_round_robin = 1
max_client_conn = 200
auth_type = trust
auth_file = {folder}/users
logfile = {folder}/log
admin_users = postgres
"""


def program() -> str | None:
    """Where PgBouncer is on this machine."""
    return shutil.which("pgbouncer", path=PLACES)


class PgBouncer:
    """One PgBouncer for every database of the server that the tests share."""

    def __init__(self) -> None:
        found = program()
        assert found is not None, "no PgBouncer here: scripts/test.py leaves its tests out"
        self._folder = Path(tempfile.mkdtemp(prefix="pgbouncer-", dir="/tmp" if os.geteuid() == 0 else None))
        self.port = free_port()
        settings = SETTINGS.format(host=HOST, server_port=server().port, port=self.port, folder=self._folder)
        (self._folder / "settings").write_text(settings, encoding="utf-8")
        (self._folder / "users").write_text('"postgres" ""\n', encoding="utf-8")
        user, group = "", 0
        if os.geteuid() == 0:  # as which it refuses to run
            nobody = pwd.getpwnam("nobody")
            user, group = nobody.pw_name, nobody.pw_gid
            for path in (self._folder, *self._folder.iterdir()):
                os.chown(path, nobody.pw_uid, nobody.pw_gid)
        told = self._folder / "told"
        self._keeper = subprocess.Popen(
            [
                sys.executable,
                "-I",
                "-c",
                KEEPER,
                user,
                str(group),
                str(told),
                found,
                str(self._folder / "settings"),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
        )
        give_up = time.monotonic() + START_S
        while not self._listens():
            assert time.monotonic() < give_up and self._keeper.poll() is None, told.read_text()
            time.sleep(0.02)

    def url(self, url: str) -> str:
        """The same database through PgBouncer."""
        parts = urlsplit(url)
        return f"postgresql://{parts.username}@{HOST}:{self.port}{parts.path}"

    def remove(self) -> None:
        """Stop it and delete its files."""
        assert self._keeper.stdin is not None
        self._keeper.stdin.close()
        self._keeper.wait()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _listens(self) -> bool:
        try:
            socket.create_connection((HOST, self.port), timeout=1).close()
        except OSError:
            return False
        return True


@cache
def pgbouncer() -> PgBouncer:
    """The one that the tests of this process share."""
    server()  # which goes after it
    shared = PgBouncer()
    atexit.register(shared.remove)
    return shared
