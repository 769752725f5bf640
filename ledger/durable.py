"""What passes between a book and the database behind it: a `Delta` goes out, a `History` answers back."""

from typing import Protocol

import msgspec

from ledger.transfer import HoldState, Transfer, TransferRow

AccountRow = tuple[int, str, str, bool, int, int]
"""id, owner, asset, issuer, balance, held"""

BalanceRow = tuple[int, int, int]
"""balance, held, account id"""

HoldRow = tuple[int, HoldState, int]
"""id of the hold, its state, id of the transfer that posted or voided it (0: none)"""


class Delta(msgspec.Struct, frozen=True):
    """What changed in a book since its last delta, as rows ready for the database; shares nothing with the book.

    `accounts` are new, `balances` those of older accounts that moved, `transfers` stand in the order of acceptance,
    `holds` are new or resolved.
    """

    accounts: list[AccountRow]
    balances: list[BalanceRow]
    transfers: list[TransferRow]
    holds: list[HoldRow]

    def __bool__(self) -> bool:
        return bool(self.accounts or self.transfers or self.holds)


class History(Protocol):
    """What was made durable before: consulted for ids that a book no longer remembers."""

    def transfer(self, transfer_id: int) -> Transfer | None:
        """The accepted transfer of that id."""

    def hold_state(self, hold_id: int) -> HoldState | None:
        """The state of that hold; None if no hold has the id."""
