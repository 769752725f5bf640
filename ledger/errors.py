"""The exceptions of the ledger. A refused transfer is none of these: it is a `Status`.

    LedgerFault              one line: what happened, and the remedy
    ├── DatabaseDamaged      the file is not a database, or not a whole one
    ├── DatabaseLocked       another process is writing
    ├── DatabaseUnusable     the disk, the server or the permissions: it cannot be opened, read or written
    │   ├── AccessRefused    the server does not let this user in
    │   ├── NotDurable       the server may forget what it acknowledged
    │   └── Unreachable      no server answers, or it has no connection to spare
    ├── DiskFull             nothing more can be written; what was acknowledged is safe
    ├── SchemaTooNew         written by a later version of this program
    ├── SchemaTooOld         not yet migrated, and not to be migrated by the way
    ├── OutcomeUnknown       the server went away during COMMIT and could not be asked; ask again with the same ids
    ├── AccountConflict      an account exists, with another `issuer`
    └── LedgerClosed         used after `close`

A fault during a group of transfers means that none of the group took effect (but for OutcomeUnknown, after which all or
none did); all may be submitted again.
"""

from typing import Self


class LedgerFault(Exception):
    """The ledger could not do its work; `remedy` says how to mend it."""

    def __init__(self, what: str, *, remedy: str) -> None:
        super().__init__(what, remedy)
        self.what = what
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.what}; {self.remedy}"

    def again(self) -> Self:
        """The same fault for one more caller, each of whom adds a traceback of its own."""
        copy = type(self)(self.what, remedy=self.remedy)
        copy.__cause__ = self.__cause__
        return copy


class DatabaseDamaged(LedgerFault):
    """The file is not a database, or not a whole one."""


class DatabaseLocked(LedgerFault):
    """Another process holds the write lock."""


class DatabaseUnusable(LedgerFault):
    """The file cannot be opened, read or written."""


class AccessRefused(DatabaseUnusable):
    """The server refuses the user, the password or the privilege."""


class NotDurable(DatabaseUnusable):
    """The server is set up to acknowledge what it has not stored."""


class Unreachable(DatabaseUnusable):
    """No server answers, or it takes no more connections."""


class DiskFull(LedgerFault):
    """There is no room for the rows of the group."""


class SchemaTooNew(LedgerFault):
    """The tables were made by a later version."""


class SchemaTooOld(LedgerFault):
    """The tables are missing or of an earlier version, and migrating was not asked for."""


class OutcomeUnknown(LedgerFault):
    """Whether the group was committed cannot be learnt now; the same ids tell, when they are submitted again."""


class AccountConflict(LedgerFault):
    """The account exists, as an issuer where none was asked for, or the other way round."""


class LedgerClosed(LedgerFault):
    """The ledger was closed before or during the call."""


def closed() -> LedgerClosed:
    """The fault of using a ledger after `close`."""
    return LedgerClosed("the ledger is closed", remedy="open it again")


def damaged(what: str) -> DatabaseDamaged:
    """The fault of tables in which rows are missing."""
    return DatabaseDamaged(f"the ledger is damaged: {what}", remedy="restore it from a backup")


def schema_too_new(version: int, known: int) -> SchemaTooNew:
    """The fault of tables whose `version` is above the `known` one."""
    return SchemaTooNew(
        f"the ledger's tables have version {version}, this program knows up to {known}",
        remedy="use the version of the program that wrote them, or a later one",
    )


def account_conflict(owner: str, asset: str, *, issuer: bool) -> AccountConflict:
    """The fault of asking for an account as what it is not; `issuer` is what it is."""
    is_ = "issues" if issuer else "does not issue"
    return AccountConflict(
        f"{owner}'s account of {asset} {is_} it", remedy="open it as what it is, or use another owner"
    )
