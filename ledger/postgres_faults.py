"""What can go wrong between a ledger and a PostgreSQL server: which of it passes, and what to tell about the rest."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import parse_qs, urlsplit

import asyncpg

from ledger.errors import (
    AccessRefused,
    DatabaseDamaged,
    DatabaseLocked,
    DatabaseUnusable,
    DiskFull,
    LedgerFault,
    Unreachable,
)
from ledger.postgres import Overtaken

_LOST = (
    OSError,
    asyncio.TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.CannotConnectNowError,
)
_CONTENDED = (Overtaken, asyncpg.SerializationError, asyncpg.DeadlockDetectedError)


def is_lost(error: BaseException) -> bool:
    """Whether the connection, and with it the transaction, is gone."""
    return isinstance(error, _LOST) and not isinstance(error, ValueError)  # those are misuse


def is_passing(error: BaseException) -> bool:
    """Whether the same transaction may succeed when it is tried again."""
    return is_lost(error) or isinstance(error, (*_CONTENDED, asyncpg.TooManyConnectionsError))


def place(url: str) -> str:
    """The server and database of a URL, to be shown: without user and password.

    Raises DatabaseUnusable for a URL of something else.
    """
    try:
        parts = urlsplit(url)
        query = parse_qs(parts.query)
        host = parts.hostname or query.get("host", ["localhost"])[0]
        port = parts.port or int(query.get("port", ["5432"])[0])
    except ValueError:
        raise bad_url() from None  # the error may quote the URL, and with it the password
    if parts.scheme not in ("postgresql", "postgres"):
        raise bad_url()
    return f"PostgreSQL at {host}:{port}{parts.path}"


@contextmanager
def faults(where: str) -> Iterator[None]:
    """Turn what asyncpg reports about the server at `where` into a `LedgerFault`."""
    try:
        yield
    except (asyncpg.PostgresError, Overtaken) as error:
        raise _fault(error, where) from error
    except Exception as error:
        if not is_lost(error):
            raise
        raise _fault(error, where) from error


def bad_url() -> DatabaseUnusable:
    """The fault of a URL that names no server."""
    return DatabaseUnusable(
        "the database's URL is none of a PostgreSQL server",
        remedy="write it as postgresql://USER:PASSWORD@HOST:PORT/DATABASE",
    )


def _fault(error: Exception, where: str) -> LedgerFault:
    match error:
        case asyncpg.TooManyConnectionsError():
            return Unreachable(
                f"{where} has no connection to spare", remedy="raise max_connections or use PgBouncer"
            )
        case asyncpg.InvalidAuthorizationSpecificationError():
            return AccessRefused(f"{where} refuses the user or the password", remedy="check both in the URL")
        case asyncpg.InsufficientPrivilegeError():
            return AccessRefused(
                f"{where} denies the user a privilege ({error})", remedy="grant it, or use the tables' owner"
            )
        case asyncpg.InvalidCatalogNameError():
            return DatabaseUnusable(f"{where} does not exist", remedy="create the database")
        case asyncpg.ReadOnlySQLTransactionError():
            return read_only(where)
        case asyncpg.DiskFullError():
            return DiskFull(
                f"the disk of {where} is full",
                remedy="free some space and submit again; what was answered is safe",
            )
        case asyncpg.DataCorruptedError() | asyncpg.IndexCorruptedError():
            return DatabaseDamaged(f"{where} is damaged ({error})", remedy="restore it from a backup")
        case asyncpg.LockNotAvailableError() | asyncpg.QueryCanceledError():
            return DatabaseLocked(f"{where} was kept waiting ({error})", remedy="submit again")
        case Overtaken() | asyncpg.TransactionRollbackError():
            return DatabaseLocked(
                f"{where} is in use by other writers, who were always quicker", remedy="submit again"
            )
    if is_lost(error):
        return Unreachable(f"{where} does not answer", remedy="start it, or check host and port in the URL")
    return DatabaseUnusable(f"{where} cannot be used ({error})", remedy="look at the server's log")


def read_only(where: str) -> DatabaseUnusable:
    """The fault of a server that takes no writes."""
    return DatabaseUnusable(f"{where} is read-only", remedy="use the primary server, not a standby")
