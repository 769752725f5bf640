"""What a PostgreSQL server reports, as faults of the store: one line with a remedy, without secrets."""

from collections.abc import Iterator
from contextlib import contextmanager

from ecology.core.errors import StoreFault
from ledger import LedgerFault
from ledger.errors import DatabaseLocked, DiskFull
from ledger.postgres_faults import faults


class Pruned(StoreFault):
    """What changed since a commit is no longer kept: the world must be loaded anew."""


_REMEDIES: dict[type[LedgerFault], str] = {
    DatabaseLocked: "see who holds it in pg_stat_activity; nodes try again by themselves",
    DiskFull: "free some space; what was committed is safe, and nodes try again by themselves",
}
"""Where a ledger's caller would submit again, a node begins again."""


@contextmanager
def store_faults(where: str) -> Iterator[None]:
    """Turn what asyncpg and the ledger report about the server at `where` into a StoreFault."""
    try:
        with faults(where):
            yield
    except LedgerFault as fault:
        raise StoreFault(fault.what, remedy=_REMEDIES.get(type(fault), fault.remedy)) from fault


def damaged(where: str, why: object) -> StoreFault:
    """The tables are not what this program wrote."""
    return StoreFault(f"{where} is damaged ({why})", remedy="restore it from a backup")
