"""What moves and what it is answered: transfers, their kinds, the states of a hold, the statuses.

The words are TigerBeetle's. A *transfer* moves an amount from the account it debits to the account it credits. A *hold*
(a pending transfer) sets the amount aside at the debited account until it is posted, voided or expires.
"""

from enum import IntEnum, StrEnum

import msgspec

MAX_AMOUNT = 2**63 - 1
"""The largest amount, id, time and absolute balance: what SQLite's and PostgreSQL's integers hold."""

MAX_MEMO_CHARACTERS = 1_024

TransferRow = tuple[int, int, int, int, int, int, int, int, str]
"""The fields of a `Transfer` in order: how it travels to the database on the hot path."""


class Kind(IntEnum):
    """What a transfer does; the values are stored."""

    TRANSFER = 1
    HOLD = 2
    POST = 3
    VOID = 4


class HoldState(StrEnum):
    """The life of a hold: pending, then exactly one of the others; the values are stored."""

    PENDING = "pending"
    POSTED = "posted"
    VOIDED = "voided"
    EXPIRED = "expired"


class Status(StrEnum):
    """The answer to one transfer. Only `CREATED` moves anything.

    The order here is the order of the checks, so of two reasons the earlier one is given. `T H P V` say for which kinds
    (transfer, hold, post, void) a check is made.
    """

    CREATED = "created"
    """Accepted: it took effect now."""

    ID_INVALID = "id_invalid"
    """T H P V: the id is not in 1..2^63-1."""

    EXISTS = "exists"
    """T H P V: accepted before with the same fields; nothing moved again."""

    EXISTS_DIFFERENT = "exists_different"
    """T H P V: the id was accepted before with other fields."""

    FIELD_INVALID = "field_invalid"
    """T H P V: a field that is out of its range or means nothing for the kind: a time outside 0..2^63-1, a memo that
    is too long, not Unicode or has a NUL in it, an expiry that is not after the time or not on a hold, a `pending_id`
    on a transfer or hold."""

    ACCOUNT_NOT_FOUND = "account_not_found"
    """T H: no account has the id in `debit` or `credit`."""

    SAME_ACCOUNT = "same_account"
    """T H: debit and credit are one account."""

    ASSET_MISMATCH = "asset_mismatch"
    """T H: the two accounts keep different assets."""

    AMOUNT_NOT_POSITIVE = "amount_not_positive"
    """T H: the amount is below 1. P V: it is below 0 (0 means the whole hold)."""

    AMOUNT_TOO_LARGE = "amount_too_large"
    """T H P V: the amount is above 2^63-1."""

    INSUFFICIENT = "insufficient"
    """T H: the debited account has less available than the amount, and is no issuer."""

    HOLD_NOT_FOUND = "hold_not_found"
    """P V: no hold has the id in `pending_id`."""

    HOLD_ALREADY_POSTED = "hold_already_posted"
    """P V: somebody posted it before."""

    HOLD_ALREADY_VOIDED = "hold_already_voided"
    """P V: somebody voided it before."""

    HOLD_ALREADY_EXPIRED = "hold_already_expired"
    """P V: it was expired before, or its `expires_ns` is not after this transfer's `time_ns`."""

    HOLD_MISMATCH = "hold_mismatch"
    """P V: `debit` or `credit` is neither 0 nor the hold's. V: the amount is neither 0 nor the hold's."""

    AMOUNT_EXCEEDS_HOLD = "amount_exceeds_hold"
    """P: more than was held."""

    BALANCE_OVERFLOW = "balance_overflow"
    """T H P: a balance, the held sum or what is available would leave -(2^63-1)..2^63-1."""

    LINKED_FAILED = "linked_failed"
    """T H P V: another transfer of its linked chain failed, so this one was not made either."""


class Transfer(msgspec.Struct, frozen=True, gc=False):
    """One entry of the ledger, made once: its `id` is the caller's, and submitting it again answers `EXISTS`.

    `amount` is in whole units of the accounts' asset. `pending_id` names the hold that a POST or VOID resolves; such a
    transfer leaves `debit` and `credit` 0 (or repeats the hold's), and amount 0 means all that was held: a smaller
    POST gives the rest back. `expires_ns` 0 is never. Times are the caller's, in nanoseconds of any one clock.
    """

    id: int
    kind: Kind
    debit: int
    credit: int
    amount: int
    pending_id: int = 0
    expires_ns: int = 0
    time_ns: int = 0
    memo: str = ""

    def row(self) -> TransferRow:
        """The fields in order."""
        return (
            self.id,
            int(self.kind),
            self.debit,
            self.credit,
            self.amount,
            self.pending_id,
            self.expires_ns,
            self.time_ns,
            self.memo,
        )

    @classmethod
    def of(cls, row: TransferRow) -> "Transfer":
        """The transfer of a row that `row` made."""
        return cls(row[0], Kind(row[1]), *row[2:])


def is_storable(text: str) -> bool:
    """Whether every database can keep the text: it is Unicode, without lone surrogates or NUL (for PostgreSQL)."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return "\0" not in text


def is_memo(text: str) -> bool:
    """Whether the text may be a memo."""
    return len(text) <= MAX_MEMO_CHARACTERS and is_storable(text)


def fields_valid(transfer: Transfer) -> bool:
    """The check behind `FIELD_INVALID`."""
    t = transfer
    if not 0 <= t.time_ns <= MAX_AMOUNT or not is_memo(t.memo):
        return False
    if t.kind is Kind.HOLD:
        return t.pending_id == 0 and (t.expires_ns == 0 or t.time_ns < t.expires_ns <= MAX_AMOUNT)
    return t.expires_ns == 0 and (t.kind is not Kind.TRANSFER or t.pending_id == 0)
