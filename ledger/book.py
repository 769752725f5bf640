"""The working set: decides every transfer in memory, and hands what changed to whoever makes it durable.

A `Book` keeps balances, pending holds and what was accepted since the last `take_delta`. Older transfers are not kept:
they are asked of a `History`, or, without one, the caller promises that its ids are fresh (an id used twice across
deltas is then caught only by the database's primary key) and a hold that is no longer pending is HOLD_NOT_FOUND.

Everything here is synchronous and decides in about a microsecond. Nothing is undone when writing a delta fails: throw
the book away and load it again from what is durable.
"""

from collections.abc import Sequence
from heapq import heapify, heappop, heappush

from ledger.account import Account
from ledger.chart import Chart
from ledger.durable import AccountRow, BalanceRow, Delta, History
from ledger.transfer import (
    MAX_AMOUNT,
    HoldState,
    Kind,
    Status,
    Transfer,
    TransferRow,
    fields_valid,
    is_memo,
)

_CREATED = Status.CREATED
_TRANSFER = int(Kind.TRANSFER)
_ALREADY = {
    HoldState.POSTED: Status.HOLD_ALREADY_POSTED,
    HoldState.VOIDED: Status.HOLD_ALREADY_VOIDED,
    HoldState.EXPIRED: Status.HOLD_ALREADY_EXPIRED,
}
_STALE_DUES = 1_024

Savepoint = tuple[int, int]
"""How much a book had done, and how many accounts it had, when it was asked."""


class Book(Chart):
    """A chart of accounts, the pending holds on it, and the delta in the making."""

    def __init__(self, lookup: History | None = None) -> None:
        super().__init__()
        self._lookup = lookup
        self._pending: dict[int, Transfer] = {}
        self._dues: list[
            tuple[int, int]
        ] = []  # heap of (expires_ns, hold id); those no longer pending are skipped
        self._changed: dict[int, Account] = {}
        self._fresh: dict[int, TransferRow] = {}
        self._holds: dict[int, tuple[HoldState, int]] = {}
        self._journal: list[tuple[Transfer | None, Transfer | None]] | None = None

    def restore_hold(self, hold: Transfer) -> None:
        """Take in a pending hold whose amount the restored accounts count as held; for loading only."""
        self._pend(hold)

    def adopt(
        self,
        accounts: Sequence[AccountRow],
        balances: Sequence[BalanceRow],
        pending: Sequence[TransferRow],
        resolved: Sequence[int],
    ) -> None:
        """Take in what another process made durable: new accounts, balances that moved, holds that began or ended.

        Such a book must have nothing of its own that awaits a delta.
        """
        assert not self._fresh and self._journal is None, "what is not durable could contradict it"
        for row in accounts:
            self.restore_account(Account(*row))
        for balance, held, account_id in balances:
            account = self._accounts[account_id]
            account.balance, account.held = balance, held
        for hold_id in resolved:
            self._pending.pop(hold_id, None)
        for hold in map(Transfer.of, pending):
            self._pend(hold)

    def pending(self) -> Sequence[Transfer]:
        """Every pending hold, by id."""
        return [self._pending[hold_id] for hold_id in sorted(self._pending)]

    def transfer(
        self, transfer_id: int, debit: int, credit: int, amount: int, time_ns: int = 0, memo: str = ""
    ) -> Status:
        """Make a plain transfer: `apply` without the envelope, for the hot path."""
        if not 0 < transfer_id <= MAX_AMOUNT:
            return Status.ID_INVALID
        row = (transfer_id, _TRANSFER, debit, credit, amount, 0, 0, time_ns, memo)
        if transfer_id in self._fresh or self._lookup is not None:
            seen = self._seen(row)
            if seen is not None:
                return seen
        if not 0 <= time_ns <= MAX_AMOUNT or (memo and not is_memo(memo)):
            return Status.FIELD_INVALID
        source = self._accounts.get(debit)
        target = self._accounts.get(credit)
        if source is None or target is None:
            return Status.ACCOUNT_NOT_FOUND
        if source is target:
            return Status.SAME_ACCOUNT
        if source.asset != target.asset:
            return Status.ASSET_MISMATCH
        if amount <= 0:
            return Status.AMOUNT_NOT_POSITIVE
        if amount > MAX_AMOUNT:
            return Status.AMOUNT_TOO_LARGE
        left = source.balance - amount
        if left < source.held and not source.issuer:
            return Status.INSUFFICIENT
        if left - source.held < -MAX_AMOUNT or target.balance + amount > MAX_AMOUNT:
            return Status.BALANCE_OVERFLOW
        source.balance = left
        target.balance += amount
        self._changed[debit] = source
        self._changed[credit] = target
        self._fresh[transfer_id] = row
        if self._journal is not None:
            self._journal.append((Transfer.of(row), None))
        return _CREATED

    def apply(self, transfer: Transfer) -> Status:
        """Make a transfer, hold, post or void, or say why not."""
        t = transfer
        if t.kind is Kind.TRANSFER and t.pending_id == t.expires_ns == 0:
            return self.transfer(t.id, t.debit, t.credit, t.amount, t.time_ns, t.memo)
        if not 0 < t.id <= MAX_AMOUNT:
            return Status.ID_INVALID
        row = t.row()
        seen = self._seen(row)
        if seen is not None:
            return seen
        if not fields_valid(t):
            return Status.FIELD_INVALID
        hold = self._pending.get(t.pending_id)
        status = self._hold(t) if t.kind is Kind.HOLD else self._resolve(t)
        if status is _CREATED:
            self._fresh[t.id] = row
            if self._journal is not None:
                self._journal.append((t, hold))
        return status

    def savepoint(self) -> Savepoint:
        """A mark for `roll_back`; from the first one on the book remembers what it does, until `release`."""
        if self._journal is None:
            self._journal = []
        return len(self._journal), self.size

    def roll_back(self, savepoint: Savepoint) -> None:
        """Take back all since the savepoint: transfers, holds, their ends, and accounts that were opened."""
        assert self._journal is not None, "no savepoint was taken"
        done, accounts = savepoint
        while len(self._journal) > done:
            self._undo(*self._journal.pop())
        while self.size > accounts:
            self._changed.pop(self.size, None)
            self._close_last()

    def release(self) -> None:
        """Forget every savepoint: what happened has happened."""
        self._journal = None

    def apply_linked(self, transfers: Sequence[Transfer]) -> list[Status]:
        """Make all of a chain or nothing of it.

        The first that could not be made says why, the others answer LINKED_FAILED. A chain of which every transfer
        exists was made before, and all answer EXISTS; one that exists only in part fails.
        """
        statuses: list[Status] = []
        made: list[tuple[Transfer, Transfer | None]] = []  # each with the hold that it resolved
        for transfer in transfers:
            hold = self._pending.get(transfer.pending_id)
            statuses.append(self.apply(transfer))
            if statuses[-1] is _CREATED:
                made.append((transfer, hold))
            elif statuses[-1] is not Status.EXISTS:
                break
        if len(statuses) == len(transfers) and len(set(statuses)) <= 1:
            return statuses
        for transfer, hold in reversed(made):
            self._undo(transfer, hold)
            if self._journal is not None:
                self._journal.pop()
        failing = next(place for place, status in enumerate(statuses) if status is not _CREATED)
        answer = [Status.LINKED_FAILED] * len(transfers)
        answer[failing] = statuses[failing]
        return answer

    def first_expiry_ns(self) -> int | None:
        """When the next pending hold expires, if nobody resolves it before; None if none ever does."""
        dues = self._dues
        while dues:
            due_ns, hold_id = dues[0]
            hold = self._pending.get(hold_id)
            if hold is not None and hold.expires_ns == due_ns:
                return due_ns
            heappop(dues)
        return None

    def expire(self, now_ns: int) -> list[Transfer]:
        """Release every pending hold whose `expires_ns` is not after `now_ns`; the holds, by (expires_ns, id)."""
        released: list[Transfer] = []
        dues = self._dues
        while dues and dues[0][0] <= now_ns:
            due_ns, hold_id = heappop(dues)
            hold = self._pending.get(hold_id)
            if hold is None or hold.expires_ns != due_ns:
                continue
            self._release(hold, HoldState.EXPIRED, 0)
            if self._journal is not None:
                self._journal.append((None, hold))
            released.append(hold)
        return released

    def hold_state(self, hold_id: int) -> HoldState | None:
        """The state of a hold; None if it is unknown (without a history: if it is not pending)."""
        if hold_id in self._pending:
            return HoldState.PENDING
        if self._lookup is None:
            return None
        if hold_id in self._holds:
            return self._holds[hold_id][0]
        return self._lookup.hold_state(hold_id)

    def take_delta(self) -> Delta:
        """What changed since the last call; from here on it is the caller's to make durable."""
        assert self._journal is None, "what may still be taken back is not handed on"
        opened, changed = self._opened, self._changed
        delta = Delta(
            accounts=[account.row() for account in opened.values()],
            balances=[
                (account.balance, account.held, account.id)
                for account in changed.values()
                if account.id not in opened
            ],
            transfers=list(self._fresh.values()),
            holds=[(hold_id, state, resolved_by) for hold_id, (state, resolved_by) in self._holds.items()],
        )
        self._opened, self._changed, self._fresh, self._holds = {}, {}, {}, {}
        return delta

    # -- what a transfer does

    def _seen(self, row: TransferRow) -> Status | None:
        """EXISTS or EXISTS_DIFFERENT if the id was accepted before."""
        prior = self._fresh.get(row[0])
        if prior is None and self._lookup is not None:
            durable = self._lookup.transfer(row[0])
            prior = None if durable is None else durable.row()
        if prior is None:
            return None
        return Status.EXISTS if prior == row else Status.EXISTS_DIFFERENT

    def _hold(self, t: Transfer) -> Status:
        source, target = self._accounts.get(t.debit), self._accounts.get(t.credit)
        if source is None or target is None:
            return Status.ACCOUNT_NOT_FOUND
        if source is target:
            return Status.SAME_ACCOUNT
        if source.asset != target.asset:
            return Status.ASSET_MISMATCH
        if t.amount <= 0:
            return Status.AMOUNT_NOT_POSITIVE
        if t.amount > MAX_AMOUNT:
            return Status.AMOUNT_TOO_LARGE
        left = source.balance - source.held - t.amount
        if left < 0 and not source.issuer:
            return Status.INSUFFICIENT
        if left < -MAX_AMOUNT or source.held + t.amount > MAX_AMOUNT:
            return Status.BALANCE_OVERFLOW
        source.held += t.amount
        self._changed[source.id] = source
        self._pend(t)
        self._holds[t.id] = (HoldState.PENDING, 0)
        return _CREATED

    def _resolve(self, t: Transfer) -> Status:
        """Post or void."""
        if t.amount < 0:
            return Status.AMOUNT_NOT_POSITIVE
        if t.amount > MAX_AMOUNT:
            return Status.AMOUNT_TOO_LARGE
        hold = self._pending.get(t.pending_id)
        if hold is None:
            state = self.hold_state(t.pending_id)
            return Status.HOLD_NOT_FOUND if state is None else _ALREADY[state]
        if hold.expires_ns and hold.expires_ns <= t.time_ns:
            return Status.HOLD_ALREADY_EXPIRED
        if t.debit not in (0, hold.debit) or t.credit not in (0, hold.credit):
            return Status.HOLD_MISMATCH
        if t.kind is Kind.VOID:
            if t.amount not in (0, hold.amount):
                return Status.HOLD_MISMATCH
            self._release(hold, HoldState.VOIDED, t.id)
            return _CREATED
        amount = t.amount or hold.amount
        if amount > hold.amount:
            return Status.AMOUNT_EXCEEDS_HOLD
        if self._accounts[hold.credit].balance + amount > MAX_AMOUNT:
            return Status.BALANCE_OVERFLOW
        self._release(hold, HoldState.POSTED, t.id)
        self._shift(hold, amount)
        return _CREATED

    def _pend(self, hold: Transfer) -> None:
        self._pending[hold.id] = hold
        if hold.expires_ns:
            if len(self._dues) > 2 * len(self._pending) + _STALE_DUES:
                self._dues = [(it.expires_ns, it.id) for it in self._pending.values() if it.expires_ns]
                heapify(self._dues)
            else:
                heappush(self._dues, (hold.expires_ns, hold.id))

    def _release(self, hold: Transfer, state: HoldState, resolved_by: int) -> None:
        """What was held is available again, and the hold is over."""
        source = self._accounts[hold.debit]
        source.held -= hold.amount
        self._changed[source.id] = source
        del self._pending[hold.id]
        self._holds[hold.id] = (state, resolved_by)

    def _shift(self, between: Transfer, amount: int) -> None:
        """Move an amount along the accounts of a transfer or hold; backwards when negative."""
        source, target = self._accounts[between.debit], self._accounts[between.credit]
        source.balance -= amount
        target.balance += amount
        self._changed[source.id] = source
        self._changed[target.id] = target

    def _undo(self, t: Transfer | None, hold: Transfer | None) -> None:
        """Take back the transfer accepted last; `hold` is what it resolved, or what expired without one."""
        if t is not None:
            del self._fresh[t.id]
        if hold is not None:
            if t is not None and t.kind is Kind.POST:
                self._shift(hold, -(t.amount or hold.amount))
            self._accounts[hold.debit].held += hold.amount
            self._pend(hold)
            if hold.id in self._fresh:
                self._holds[hold.id] = (HoldState.PENDING, 0)
            else:
                del self._holds[hold.id]
        elif t is not None and t.kind is Kind.HOLD:
            self._release(t, HoldState.VOIDED, 0)
            del self._holds[t.id]
        elif t is not None:
            self._shift(t, -t.amount)
