"""The public face of a ledger: asynchronous, the same over every database.

Every answer is given after what it tells is durable. Refusals are statuses; a `LedgerFault` means that nothing of the
call took effect. A call that is cancelled may or may not have taken effect: submit it again with the same ids to
learn which.
"""

from collections.abc import Sequence
from types import TracebackType
from typing import Protocol, Self

from ledger.audit import AuditReport
from ledger.transfer import HoldState, Kind, Status, Transfer


class Ledger(Protocol):
    """Accounts, transfers and holds. Implementations inherit what is written here in terms of `submit`."""

    async def open_account(self, owner: str, asset: str, *, issuer: bool = False) -> int:
        """The id of the owner's account of the asset, made if there is none.

        Raises ValueError for an empty name or one that is not Unicode, AccountConflict if the account exists and is an
        issuer where none was asked for, or the other way round.
        """

    async def accounts_of(self, owner: str) -> dict[str, int]:
        """The ids of the owner's accounts by asset."""

    async def balance(self, account_id: int) -> int:
        """Credits less debits, held amounts included. Raises KeyError for an unknown account, as does `held`."""

    async def held(self, account_id: int) -> int:
        """The sum of the account's pending holds; the rest of its balance is available."""

    async def hold_state(self, hold_id: int) -> HoldState | None:
        """The state of a hold; None if no hold has the id."""

    async def submit(self, transfers: Sequence[Transfer]) -> list[Status]:
        """Make each transfer, in order, each for itself. Raises TypeError for fields of other types than declared."""

    async def submit_linked(self, transfers: Sequence[Transfer]) -> list[Status]:
        """Make all of the transfers or none.

        If one fails, it answers why and the others answer LINKED_FAILED. A chain that was made before answers EXISTS.
        """

    async def expire(self, now_ns: int) -> list[Transfer]:
        """Release the pending holds whose `expires_ns` is not after `now_ns`; the holds, by (expires_ns, id)."""

    async def audit(self) -> AuditReport:
        """Prove the whole ledger from what is stored."""

    async def close(self) -> None:
        """Finish what was submitted, then let go of the database. Later calls raise LedgerClosed, except `close`."""

    async def transfer(
        self, transfer_id: int, debit: int, credit: int, amount: int, *, time_ns: int = 0, memo: str = ""
    ) -> Status:
        """Move an amount now."""
        return await self._one(
            Transfer(transfer_id, Kind.TRANSFER, debit, credit, amount, 0, 0, time_ns, memo)
        )

    async def hold(
        self,
        transfer_id: int,
        debit: int,
        credit: int,
        amount: int,
        *,
        expires_ns: int = 0,
        time_ns: int = 0,
        memo: str = "",
    ) -> Status:
        """Set an amount aside until it is posted, voided, or expires (0: never)."""
        return await self._one(
            Transfer(transfer_id, Kind.HOLD, debit, credit, amount, 0, expires_ns, time_ns, memo)
        )

    async def post(
        self, transfer_id: int, hold_id: int, amount: int = 0, *, time_ns: int = 0, memo: str = ""
    ) -> Status:
        """Move what was held, or only `amount` of it, and release the rest."""
        return await self._one(Transfer(transfer_id, Kind.POST, 0, 0, amount, hold_id, 0, time_ns, memo))

    async def void(self, transfer_id: int, hold_id: int, *, time_ns: int = 0, memo: str = "") -> Status:
        """Release what was held."""
        return await self._one(Transfer(transfer_id, Kind.VOID, 0, 0, 0, hold_id, 0, time_ns, memo))

    async def available(self, account_id: int) -> int:
        """What the account may spend. Raises KeyError for an unknown account."""

    async def _one(self, transfer: Transfer) -> Status:
        return (await self.submit((transfer,)))[0]

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()


def check_types(transfers: Sequence[Transfer]) -> None:
    """Raise TypeError unless every field has exactly its declared type.

    Structs do not check what they are built from, and one stray float in a group would fail the group of everybody.
    """
    for t in transfers:
        numbers = (t.id, t.debit, t.credit, t.amount, t.pending_id, t.expires_ns, t.time_ns)
        if type(t.kind) is not Kind or type(t.memo) is not str or any(type(it) is not int for it in numbers):
            raise TypeError(f"not the declared types: {t!r}")
