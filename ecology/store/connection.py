"""Connections to a run's database, and what SQLite reports in words for a person."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import apsw

from ecology.core.errors import StoreFault
from ledger import LedgerFault

CACHE_KIB = 8_192
"""Of the writer's pages. It fills as a world lives and is never given back; the rest comes from the system's own cache,
at no cost that could be measured (`scripts/bench_turns.py`, 64 MiB against this)."""
WAL_PAGES = 8_000
BUSY_TIMEOUT_MS = 5_000
_LITTLE_BYTES = 65_536
_RESTORE = "restore it from a backup; the archive and the export may still be whole"


def damaged(path: Path, why: object) -> StoreFault:
    """The file is not what this program wrote."""
    return StoreFault(f"{path} is damaged ({why})", remedy=_RESTORE)


def _full(path: Path) -> StoreFault:
    return StoreFault(
        f"the disk that holds {path} is full",
        remedy="free some space and resume the run; nothing committed is lost",
    )


@contextmanager
def faults(path: Path) -> Iterator[None]:
    """Turn what SQLite reports into one line that says how to mend it."""
    try:
        yield
    except apsw.FullError as error:
        raise _full(path) from error
    except (apsw.CorruptError, apsw.NotADBError, apsw.SQLError) as error:
        raise damaged(path, error) from error  # our statements are right, so the tables are not
    except apsw.BusyError as error:
        raise StoreFault(f"{path} is in use by another writer", remedy="stop that process first") from error
    except (apsw.IOError, apsw.ReadOnlyError, apsw.CantOpenError, apsw.PermissionsError) as error:
        if isinstance(error, apsw.IOError) and shutil.disk_usage(path.parent).free < _LITTLE_BYTES:
            raise _full(path) from error  # so SQLite reports it where it maps files into memory
        raise StoreFault(
            f"{path} cannot be used ({error})", remedy="check the disk and the file's permissions"
        ) from error
    except LedgerFault as fault:
        raise StoreFault(f"{path}: {fault.what}", remedy=fault.remedy) from fault


def open_writer(path: Path, *, create: bool = False) -> apsw.Connection:
    """A connection for the run's one writer: durable commits, readers undisturbed (write-ahead log).

    Writes nothing by itself to a file that is there.
    """
    flags = apsw.SQLITE_OPEN_READWRITE | (apsw.SQLITE_OPEN_CREATE if create else 0)
    connection = apsw.Connection(str(path), flags=flags)
    connection.set_busy_timeout(BUSY_TIMEOUT_MS)
    if create:
        connection.execute("PRAGMA journal_mode = WAL")  # which the file keeps
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
    connection.execute(f"PRAGMA wal_autocheckpoint = {WAL_PAGES}")
    return connection


def open_reader(path: Path) -> apsw.Connection:
    """A connection that only reads, beside the writer or after it; also on a medium that cannot be written."""
    if os.access(path.parent, os.W_OK) or Path(f"{path}-wal").exists():
        connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    else:
        # SQLite wants to put its files for readers beside the database; here none is needed, for nobody can write.
        flags = apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI
        connection = apsw.Connection(f"{path.resolve().as_uri()}?immutable=1", flags=flags)
    connection.set_busy_timeout(BUSY_TIMEOUT_MS)
    return connection
