"""What a run has on disk, in a form that two runs can be compared by."""

import hashlib
import subprocess
from pathlib import Path
from typing import Any, NamedTuple

import apsw

from ecology.app.auditing import audit_run
from ecology.app.run_directory import RunDirectory
from ecology.store.audit import audit

HOST_FACTS = ("wall_ns", "code_meter")
HOST_TABLES = ("incarnations", "seals")
"""What belongs to the processes that worked on a run and not to its world: how long they and the code they ran took by
the host's clock, how often the run was taken up, how its commits were grouped."""


class StoredRun(NamedTuple):
    """Digest of the event log, every row of every table that describes the world, and the archive's newest commit."""

    events: int
    event_log_sha256: str
    tables: dict[str, list[tuple[Any, ...]]]
    archive_head: str

    @classmethod
    def read(cls, path: Path) -> "StoredRun":
        """What the run in that directory has on disk now."""
        tables = tables_of(path / "ecology.sqlite")
        lines = [row[-1] + b"\n" for row in tables["events"]]
        digest = hashlib.sha256(b"".join(lines)).hexdigest()
        return cls(len(lines), digest, tables, archive_head(path))

    def difference(self, other: "StoredRun") -> str:
        """Where two runs differ first; empty if they do not."""
        for name, rows in self.tables.items():
            theirs = other.tables[name]
            for place, (row, their) in enumerate(zip(rows, theirs, strict=False)):
                if row != their:
                    return f"{name}, row {place}:\n  {row}\n  {their}"
            if len(rows) != len(theirs):
                return f"{name}: {len(rows)} and {len(theirs)} rows"
        if self.archive_head != other.archive_head:
            return f"archive: {self.archive_head} and {other.archive_head}"
        return ""


def tables_of(database: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table but HOST_TABLES, in the order of the primary keys."""
    connection = apsw.Connection(str(database), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        names = [
            str(row[0]) for row in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")
        ]
        tables = {
            name: sorted(connection.execute(f"SELECT * FROM {name}"))
            for name in names
            if name not in HOST_TABLES
        }
    finally:
        connection.close()
    tables["meta"] = [row for row in tables["meta"] if row[0] not in HOST_FACTS]
    return tables


def last_event(database: Path) -> int:
    """The number of the newest committed event; 0 if there is none, or no database yet."""
    newest = _newest(database, "sequence")
    return newest if isinstance(newest, int) else 0


def has_ended(database: Path) -> bool:
    """Whether the run's world has been lived to its end."""
    return _newest(database, "type") == "run.ended"


def _newest(database: Path, column: str) -> object:
    if not database.is_file():
        return None
    connection = apsw.Connection(str(database), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        connection.set_busy_timeout(60_000)
        return connection.execute(f"SELECT {column} FROM events ORDER BY sequence DESC LIMIT 1").get
    finally:
        connection.close()


def archive_head(path: Path) -> str:
    """The archive's newest commit; empty if there is none."""
    git = [
        "git",
        "--git-dir",
        str(path / "archive.git"),
        "rev-parse",
        "--verify",
        "--quiet",
        "refs/heads/main",
    ]
    return subprocess.run(git, capture_output=True, text=True, check=False).stdout.strip()


def wrongs(path: Path) -> list[str]:
    """What an audit of the run finds wrong; nothing, if all is well."""
    return [f"{it.name}: {it.detail}" for it in audit_run(RunDirectory(path)).checks if not it.ok]


def wrongs_of_database(path: Path) -> list[str]:
    """The same for a run that nobody has archived."""
    return [f"{it.name}: {it.detail}" for it in audit(path / "ecology.sqlite") if not it.ok]
