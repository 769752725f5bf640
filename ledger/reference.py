"""The oracle: a book so simple that it is obviously right, and far too slow for anything but tests.

It keeps the accepted transfers and which holds were expired, nothing else. Every balance is added up anew whenever it
is asked for, and a transfer is judged by running down the table of `Status` in order. It shares no code with `Book`.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import ClassVar

from ledger.durable import AccountRow
from ledger.errors import account_conflict
from ledger.transfer import MAX_AMOUNT, MAX_MEMO_CHARACTERS, HoldState, Kind, Status, Transfer

_BETWEEN_ACCOUNTS = (Kind.TRANSFER, Kind.HOLD)
_ENDS_A_HOLD = (Kind.POST, Kind.VOID)


class ReferenceBook:
    """The same decisions as `Book`, by summing up."""

    def __init__(self) -> None:
        self._accounts: list[tuple[str, str, bool]] = []  # owner, asset, issuer; the id is the place, from 1
        self._accepted: list[Transfer] = []
        self._expired: set[int] = set()

    def open_account(self, owner: str, asset: str, *, issuer: bool = False) -> int:
        """The id of the owner's account of the asset, made if there is none. Raises ValueError, AccountConflict."""
        for place, account in enumerate(self._accounts):
            if account[:2] == (owner, asset):
                if account[2] is not issuer:
                    raise account_conflict(owner, asset, issuer=account[2])
                return place + 1
        if not owner or not asset or not _is_kept(owner + asset):
            raise ValueError("an account needs an owner and an asset")
        self._accounts.append((owner, asset, issuer))
        return len(self._accounts)

    def account_id(self, owner: str, asset: str) -> int | None:
        """The id of the owner's account of the asset."""
        return self.accounts_of(owner).get(asset)

    def accounts_of(self, owner: str) -> dict[str, int]:
        """The ids of the owner's accounts by asset."""
        return {asset: place + 1 for place, (name, asset, _) in enumerate(self._accounts) if name == owner}

    def balance(self, account_id: int) -> int:
        """Credits less debits. Raises KeyError for an unknown account, as do the next two."""
        self._known(account_id)
        moves = list(self._moves())
        credits = sum(amount for _, credit, amount in moves if credit == account_id)
        debits = sum(amount for debit, _, amount in moves if debit == account_id)
        return credits - debits

    def held(self, account_id: int) -> int:
        """The sum of the account's pending holds."""
        self._known(account_id)
        return sum(hold.amount for hold in self.pending() if hold.debit == account_id)

    def available(self, account_id: int) -> int:
        """The balance less what is held."""
        return self.balance(account_id) - self.held(account_id)

    def totals(self) -> dict[str, int]:
        """The sum of all balances by asset."""
        sums = {asset: 0 for _, asset, _ in self._accounts}
        for place, (_, asset, _) in enumerate(self._accounts):
            sums[asset] += self.balance(place + 1)
        return sums

    def accounts(self) -> list[AccountRow]:
        """Every account as it stands."""
        return [
            (place + 1, owner, asset, issuer, self.balance(place + 1), self.held(place + 1))
            for place, (owner, asset, issuer) in enumerate(self._accounts)
        ]

    def pending(self) -> list[Transfer]:
        """Every pending hold, by id."""
        holds = (
            t for t in self._accepted if t.kind == Kind.HOLD and self.hold_state(t.id) == HoldState.PENDING
        )
        return sorted(holds, key=lambda hold: hold.id)

    def hold_state(self, hold_id: int) -> HoldState | None:
        """The state of a hold; None if no hold has the id."""
        if self._hold(hold_id) is None:
            return None
        for transfer in self._accepted:
            if transfer.pending_id == hold_id:
                return HoldState.POSTED if transfer.kind == Kind.POST else HoldState.VOIDED
        return HoldState.EXPIRED if hold_id in self._expired else HoldState.PENDING

    def apply(self, transfer: Transfer) -> Status:
        """Accept the transfer unless one of the statuses after CREATED applies, the first of which is the answer."""
        for status in Status:
            refuses = self._refusals.get(status)
            if refuses is not None and refuses(self, transfer):
                return status
        self._accepted.append(transfer)
        return Status.CREATED

    def apply_linked(self, transfers: Sequence[Transfer]) -> list[Status]:
        """All of the chain or nothing; a chain that exists as a whole answers EXISTS."""
        before = list(self._accepted)
        statuses = [self.apply(transfer) for transfer in transfers]
        if all(it == Status.CREATED for it in statuses) or all(it == Status.EXISTS for it in statuses):
            return statuses
        self._accepted = before
        failing = [it == Status.CREATED for it in statuses].index(False)
        return [it if place == failing else Status.LINKED_FAILED for place, it in enumerate(statuses)]

    def expire(self, now_ns: int) -> list[Transfer]:
        """Release the pending holds that are due; by (expires_ns, id)."""
        due = [hold for hold in self.pending() if 0 < hold.expires_ns <= now_ns]
        self._expired.update(hold.id for hold in due)
        return sorted(due, key=lambda hold: (hold.expires_ns, hold.id))

    def _moves(self) -> Iterator[tuple[int, int, int]]:
        """Debit, credit and amount of everything that was ever moved."""
        for transfer in self._accepted:
            if transfer.kind == Kind.TRANSFER:
                yield transfer.debit, transfer.credit, transfer.amount
            elif transfer.kind == Kind.POST:
                hold = self._hold(transfer.pending_id)
                assert hold is not None, "a post was accepted without its hold"
                yield hold.debit, hold.credit, transfer.amount or hold.amount

    def _find(self, transfer_id: int) -> Transfer | None:
        return next((it for it in self._accepted if it.id == transfer_id), None)

    def _hold(self, hold_id: int) -> Transfer | None:
        found = self._find(hold_id)
        return found if found is not None and found.kind == Kind.HOLD else None

    def _known(self, account_id: int) -> tuple[str, str, bool]:
        if not 1 <= account_id <= len(self._accounts):
            raise KeyError(account_id)
        return self._accounts[account_id - 1]

    # -- the table: what each status means

    def _field_invalid(self, t: Transfer) -> bool:
        memo_fits = len(t.memo) <= MAX_MEMO_CHARACTERS and _is_kept(t.memo)
        if not memo_fits or t.time_ns < 0 or t.time_ns > MAX_AMOUNT:
            return True
        if t.kind in _BETWEEN_ACCOUNTS and t.pending_id != 0:
            return True
        if t.expires_ns == 0:
            return False
        return t.kind != Kind.HOLD or t.expires_ns <= t.time_ns or t.expires_ns > MAX_AMOUNT

    def _no_account(self, t: Transfer) -> bool:
        ids = range(1, len(self._accounts) + 1)
        return t.kind in _BETWEEN_ACCOUNTS and (t.debit not in ids or t.credit not in ids)

    def _two_assets(self, t: Transfer) -> bool:
        return t.kind in _BETWEEN_ACCOUNTS and self._known(t.debit)[1] != self._known(t.credit)[1]

    def _insufficient(self, t: Transfer) -> bool:
        return (
            t.kind in _BETWEEN_ACCOUNTS and not self._known(t.debit)[2] and self.available(t.debit) < t.amount
        )

    def _hold_is(self, t: Transfer, state: HoldState | None) -> bool:
        return t.kind in _ENDS_A_HOLD and self.hold_state(t.pending_id) == state

    def _hold_expired(self, t: Transfer) -> bool:
        hold = self._hold(t.pending_id)
        due = hold is not None and 0 < hold.expires_ns <= t.time_ns
        return self._hold_is(t, HoldState.EXPIRED) or (t.kind in _ENDS_A_HOLD and due)

    def _mismatch(self, t: Transfer) -> bool:
        hold = self._hold(t.pending_id)
        if t.kind not in _ENDS_A_HOLD or hold is None:
            return False
        other_accounts = t.debit not in (0, hold.debit) or t.credit not in (0, hold.credit)
        return other_accounts or (t.kind == Kind.VOID and t.amount not in (0, hold.amount))

    def _exceeds(self, t: Transfer) -> bool:
        hold = self._hold(t.pending_id)
        return t.kind == Kind.POST and hold is not None and t.amount > hold.amount

    def _overflows(self, t: Transfer) -> bool:
        if t.kind == Kind.TRANSFER:
            too_low = self.available(t.debit) - t.amount < -MAX_AMOUNT
            return too_low or self.balance(t.credit) + t.amount > MAX_AMOUNT
        if t.kind == Kind.HOLD:
            too_low = self.available(t.debit) - t.amount < -MAX_AMOUNT
            return too_low or self.held(t.debit) + t.amount > MAX_AMOUNT
        hold = self._hold(t.pending_id)
        if t.kind == Kind.VOID or hold is None:
            return False
        return self.balance(hold.credit) + (t.amount or hold.amount) > MAX_AMOUNT

    _refusals: ClassVar[dict[Status, Callable[["ReferenceBook", Transfer], bool]]] = {
        Status.ID_INVALID: lambda book, t: not 1 <= t.id <= MAX_AMOUNT,
        Status.EXISTS: lambda book, t: book._find(t.id) == t,
        Status.EXISTS_DIFFERENT: lambda book, t: book._find(t.id) is not None,
        Status.FIELD_INVALID: _field_invalid,
        Status.ACCOUNT_NOT_FOUND: _no_account,
        Status.SAME_ACCOUNT: lambda book, t: t.kind in _BETWEEN_ACCOUNTS and t.debit == t.credit,
        Status.ASSET_MISMATCH: _two_assets,
        Status.AMOUNT_NOT_POSITIVE: lambda book, t: t.amount < (1 if t.kind in _BETWEEN_ACCOUNTS else 0),
        Status.AMOUNT_TOO_LARGE: lambda book, t: t.amount > MAX_AMOUNT,
        Status.INSUFFICIENT: _insufficient,
        Status.HOLD_NOT_FOUND: lambda book, t: book._hold_is(t, None),
        Status.HOLD_ALREADY_POSTED: lambda book, t: book._hold_is(t, HoldState.POSTED),
        Status.HOLD_ALREADY_VOIDED: lambda book, t: book._hold_is(t, HoldState.VOIDED),
        Status.HOLD_ALREADY_EXPIRED: _hold_expired,
        Status.HOLD_MISMATCH: _mismatch,
        Status.AMOUNT_EXCEEDS_HOLD: _exceeds,
        Status.BALANCE_OVERFLOW: _overflows,
    }


def _is_kept(text: str) -> bool:
    return not any(character == "\0" or "\ud800" <= character <= "\udfff" for character in text)
