"""The proof that no amount appeared, vanished or is stuck, from the database alone.

Every balance is added up again from the transfers, every held sum from the pending holds, and every hold is followed
to its one end. Changing any one balance, amount or state by hand makes a check fail.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol, cast

import apsw
import msgspec

from ledger.durable import AccountRow
from ledger.scripts import statements
from ledger.sqlite import SCHEMA_VERSION, schema_version
from ledger.transfer import Transfer

SQL = statements("sqlite", "audit.sql")
SHOWN = 5

HOLD_CHECKS = {
    "stateless_holds": "holds without a state",
    "holdless_states": "states of holds that were never made",
    "unresolved_holds": "holds whose state disagrees with their end",
    "stray_resolutions": "posts or voids without their hold",
}


class Check(msgspec.Struct, frozen=True):
    """One law of the ledger; `detail` says what was looked at, or what broke it and where."""

    name: str
    ok: bool
    detail: str


class AuditReport(msgspec.Struct, frozen=True):
    """Every check that was made; `ok` if all held."""

    ok: bool
    checks: list[Check]


class Accounts:
    """The stored accounts, and the sums they are compared with."""

    def __init__(self, rows: Iterable[AccountRow]) -> None:
        self.rows = list(rows)
        self.entries: defaultdict[int, int] = defaultdict(int)
        self.holds: defaultdict[int, int] = defaultdict(int)

    def laws(self) -> list[Check]:
        """What must hold between balances, held sums, and nothing else."""
        sums: defaultdict[str, int] = defaultdict(int)
        for _, _, asset, _, balance, _ in self.rows:
            sums[asset] += balance
        unequal = [f"{asset} to {total}" for asset, total in sorted(sums.items()) if total]
        overdrawn = [
            f"{owner}'s {asset} has {balance}, {held} held"
            for _, owner, asset, issuer, balance, held in self.rows
            if balance < held and not issuer
        ]
        return [
            verdict("assets_sum_to_zero", f"{len(sums)} assets", "sums", unequal),
            verdict("no_negative_balance", f"{len(self.rows)} accounts", "overdrawn", overdrawn),
        ]

    def balances(self) -> Check:
        """Every balance is the sum of the account's entries."""
        wrong = [
            f"{owner}'s {asset} is {balance}, its entries make {self.entries[id_]}"
            for id_, owner, asset, _, balance, _ in self.rows
            if balance != self.entries[id_]
        ]
        return verdict("balances_equal_entries", f"{len(self.rows)} accounts", "wrong", wrong)

    def held(self) -> Check:
        """Every held sum is the sum of the account's pending holds."""
        wrong = [
            f"{owner}'s {asset} has {held} held, its pending holds make {self.holds[id_]}"
            for id_, owner, asset, _, _, held in self.rows
            if held != self.holds[id_]
        ]
        return verdict("held_equals_pending_holds", f"{len(self.rows)} accounts", "wrong", wrong)


def audit(connection: apsw.Connection) -> AuditReport:
    """Audit the ledger's tables as one snapshot. Reads every transfer twice; keeps a few integers per account.

    A damaged database is a failed check, not an exception; being unable to read at all (permissions, locks) is apsw's.
    """
    checks: list[Check] = []
    try:
        with connection:  # a savepoint: one snapshot, also inside the caller's transaction
            for check in (_integrity, _schema, _accounts, _holds):
                checks += check(connection)
    except (apsw.CorruptError, apsw.NotADBError, apsw.SQLError) as error:
        checks.append(Check("readable", False, str(error)))
    return report(checks)


class Accounted(Protocol):
    """What can be audited in memory."""

    def accounts(self) -> Sequence[AccountRow]:
        """Every account as it stands."""

    def pending(self) -> Sequence[Transfer]:
        """Every pending hold."""


def audit_book(book: Accounted) -> AuditReport:
    """Audit a book in memory: the laws that need no transfers."""
    accounts = Accounts(book.accounts())
    for hold in book.pending():
        accounts.holds[hold.debit] += hold.amount
    return report([*accounts.laws(), accounts.held()])


def report(checks: list[Check]) -> AuditReport:
    """The checks, and whether all held."""
    return AuditReport(all(check.ok for check in checks), checks)


def verdict(name: str, fine: str, fault: str, offenders: list[str]) -> Check:
    """A check that found `offenders`, of which the first few are shown."""
    if not offenders:
        return Check(name, True, fine)
    more = f" and {len(offenders) - SHOWN} more" if len(offenders) > SHOWN else ""
    return Check(name, False, f"{fault}: {', '.join(offenders[:SHOWN])}{more}")


def _integrity(connection: apsw.Connection) -> list[Check]:
    found = [str(row[0]) for row in connection.execute("PRAGMA quick_check(6)")]
    return [verdict("database_whole", "quick_check", "SQLite reports", [] if found == ["ok"] else found)]


def _schema(connection: apsw.Connection) -> list[Check]:
    version = schema_version(connection)
    return [Check("schema_known", 0 < version <= SCHEMA_VERSION, f"version {version} of {SCHEMA_VERSION}")]


def _accounts(connection: apsw.Connection) -> list[Check]:
    accounts = Accounts(cast(Iterator[AccountRow], connection.execute(SQL["accounts"])))
    entries = accounts.entries
    for debit, credit, amount in cast(Iterator[tuple[int, int, int]], connection.execute(SQL["entries"])):
        entries[debit] -= amount
        entries[credit] += amount
    for debit, amount in cast(Iterator[tuple[int, int]], connection.execute(SQL["pending_amounts"])):
        accounts.holds[debit] += amount
    strays = _offenders(connection, "bad_accounts")
    return [
        *accounts.laws(),
        accounts.balances(),
        accounts.held(),
        verdict("transfers_between_accounts", "every transfer", "accounts missing or of two assets", strays),
    ]


def _holds(connection: apsw.Connection) -> list[Check]:
    found = [
        f"{what} {', '.join(ids)}"
        for name, what in HOLD_CHECKS.items()
        if (ids := _offenders(connection, name))
    ]
    return [verdict("no_hold_lost", "every hold has one state and its end", "lost", found)]


def _offenders(connection: apsw.Connection, name: str) -> list[str]:
    return [str(row[0]) for row in connection.execute(SQL[name])]
