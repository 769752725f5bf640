"""Each status has a transfer that meets it, and of two reasons the one that stands earlier in the table is given."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import combinations
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ledger import MAX_AMOUNT, Kind, Ledger, Status, Transfer, transfer
from tests.conformance.ledger_bank import LEDGERS

WORLD, ANN, BEN, DISK, RICH, OTHER_WORLD, PLEDGED, HELD_FULL, DEEP = range(1, 10)
NEVER, POSTED, VOIDED, EXPIRED, PENDING, FULL, SPENT = 999, 20, 21, 22, 23, 24, 10
PLAIN = Transfer(100, Kind.TRANSFER, ANN, BEN, 1)
HOLD = Transfer(100, Kind.HOLD, ANN, BEN, 1)
POST = Transfer(100, Kind.POST, 0, 0, 0, pending_id=PENDING)
VOID = Transfer(100, Kind.VOID, 0, 0, 0, pending_id=PENDING)
BOTH, ENDS = (PLAIN, HOLD), (POST, VOID)

FAULTS: list[tuple[Status, tuple[Transfer, ...], dict[str, Any]]] = [
    (Status.ID_INVALID, BOTH + ENDS, {"id": 0}),
    (Status.ID_INVALID, BOTH + ENDS, {"id": -1}),
    (Status.ID_INVALID, BOTH + ENDS, {"id": MAX_AMOUNT + 1}),
    (Status.EXISTS_DIFFERENT, BOTH + ENDS, {"id": SPENT}),
    (Status.FIELD_INVALID, BOTH + ENDS, {"time_ns": -1}),
    (Status.FIELD_INVALID, BOTH + ENDS, {"time_ns": MAX_AMOUNT + 1}),
    (Status.FIELD_INVALID, BOTH + ENDS, {"memo": "\ud800"}),
    (Status.FIELD_INVALID, BOTH + ENDS, {"memo": "\0"}),
    (Status.FIELD_INVALID, BOTH + ENDS, {"memo": "x" * 1025}),
    (Status.FIELD_INVALID, BOTH, {"pending_id": PENDING}),
    (Status.FIELD_INVALID, (PLAIN, *ENDS), {"expires_ns": 7}),
    (Status.FIELD_INVALID, (HOLD,), {"expires_ns": -1}),
    (Status.FIELD_INVALID, (HOLD,), {"expires_ns": 5, "time_ns": 5}),
    (Status.FIELD_INVALID, (HOLD,), {"expires_ns": MAX_AMOUNT + 1}),
    (Status.ACCOUNT_NOT_FOUND, BOTH, {"debit": 0}),
    (Status.ACCOUNT_NOT_FOUND, BOTH, {"debit": 77}),
    (Status.ACCOUNT_NOT_FOUND, BOTH, {"credit": 2**70}),
    (Status.SAME_ACCOUNT, BOTH, {"debit": BEN}),
    (Status.ASSET_MISMATCH, BOTH, {"credit": DISK}),
    (Status.AMOUNT_NOT_POSITIVE, BOTH, {"amount": 0}),
    (Status.AMOUNT_NOT_POSITIVE, BOTH + ENDS, {"amount": -1}),
    (Status.AMOUNT_TOO_LARGE, BOTH + ENDS, {"amount": MAX_AMOUNT + 1}),
    (Status.INSUFFICIENT, BOTH, {"amount": 91}),
    (Status.INSUFFICIENT, BOTH, {"amount": MAX_AMOUNT}),
    (Status.HOLD_NOT_FOUND, ENDS, {"pending_id": NEVER}),
    (Status.HOLD_NOT_FOUND, ENDS, {"pending_id": 0}),
    (Status.HOLD_NOT_FOUND, ENDS, {"pending_id": -1}),
    (Status.HOLD_NOT_FOUND, ENDS, {"pending_id": 2**70}),
    (Status.HOLD_NOT_FOUND, ENDS, {"pending_id": SPENT}),
    (Status.HOLD_ALREADY_POSTED, ENDS, {"pending_id": POSTED}),
    (Status.HOLD_ALREADY_VOIDED, ENDS, {"pending_id": VOIDED}),
    (Status.HOLD_ALREADY_EXPIRED, ENDS, {"pending_id": EXPIRED}),
    (Status.HOLD_ALREADY_EXPIRED, ENDS, {"time_ns": 500}),
    (Status.HOLD_MISMATCH, ENDS, {"debit": BEN}),
    (Status.HOLD_MISMATCH, ENDS, {"credit": ANN}),
    (Status.HOLD_MISMATCH, (VOID,), {"amount": 9}),
    (Status.HOLD_MISMATCH, (VOID,), {"amount": 11}),
    (Status.AMOUNT_EXCEEDS_HOLD, (POST,), {"amount": 11}),
    (Status.BALANCE_OVERFLOW, (PLAIN,), {"debit": OTHER_WORLD, "credit": RICH}),
    (Status.BALANCE_OVERFLOW, BOTH, {"debit": WORLD, "amount": MAX_AMOUNT}),
    (Status.BALANCE_OVERFLOW, BOTH, {"debit": PLEDGED}),  # balance 0, all that it may owe is held
    (Status.BALANCE_OVERFLOW, (HOLD,), {"debit": HELD_FULL}),  # available 0, the held sum at its limit
    (Status.BALANCE_OVERFLOW, (POST,), {"pending_id": FULL}),
]
UNDONE = {
    (Status.SAME_ACCOUNT, Status.ASSET_MISMATCH),  # by another credit
    (Status.INSUFFICIENT, Status.BALANCE_OVERFLOW),  # by a debit that is an issuer
    (Status.HOLD_ALREADY_EXPIRED, Status.BALANCE_OVERFLOW),  # by another hold, which never expires
}
"""Pairs in which the second change takes the first fault away."""

CASES = [(status, base, change) for status, bases, change in FAULTS for base in bases]


async def furnish(ledger: Ledger) -> None:
    """Accounts and holds in every state, as the constants above name them; ann has 90 available."""
    for owner, asset, issuer in (
        ("world", "scrip", True),
        ("ann", "scrip", False),
        ("ben", "scrip", False),
        ("ann", "disk", False),
        ("rich", "scrip", False),
        ("other", "scrip", True),
        ("pledged", "scrip", True),
        ("held-full", "scrip", True),
        ("deep", "scrip", True),
    ):
        await ledger.open_account(owner, asset, issuer=issuer)
    statuses = [
        await ledger.transfer(SPENT, WORLD, ANN, 100),
        await ledger.transfer(11, OTHER_WORLD, RICH, MAX_AMOUNT - 1),
        await ledger.hold(FULL, WORLD, RICH, 1),
        await ledger.hold(16, PLEDGED, ANN, MAX_AMOUNT),
        await ledger.transfer(17, DEEP, HELD_FULL, MAX_AMOUNT),
        await ledger.hold(18, HELD_FULL, ANN, MAX_AMOUNT),
        await ledger.transfer(12, WORLD, RICH, 1),
        *[
            await ledger.hold(it, ANN, BEN, 10, expires_ns=0 if it != EXPIRED else 1)
            for it in (POSTED, VOIDED, EXPIRED)
        ],
        await ledger.hold(PENDING, ANN, BEN, 10, expires_ns=500),
        await ledger.post(13, POSTED, 5),
        await ledger.void(14, VOIDED),
    ]
    assert set(statuses) == {Status.CREATED}
    assert [it.id for it in await ledger.expire(1)] == [EXPIRED]
    assert await ledger.transfer(15, WORLD, ANN, 5) is Status.CREATED
    assert await ledger.available(ANN) == 90


@asynccontextmanager
async def furnished(kind: str, folder: Path) -> AsyncIterator[Ledger]:
    """The stage, in a ledger of that kind; what is stored is closed and opened again, so that nothing is remembered."""
    async with LEDGERS[kind](folder) as ledger:
        await furnish(ledger)
        if kind == "memory":
            yield ledger
            return
    async with LEDGERS[kind](folder) as ledger:
        yield ledger


async def answer(ledger: Ledger, asked: Transfer) -> Status:
    """The status of a transfer that must be refused, and of one in a chain."""
    (alone,) = await ledger.submit([asked])
    (linked,) = await ledger.submit_linked([asked])
    assert alone is linked
    return alone


@pytest.mark.parametrize("kind", LEDGERS)
def test_each_fault_has_its_status(kind: str, tmp_path: Path) -> None:
    async def life() -> None:
        async with furnished(kind, tmp_path) as ledger:
            for status, base, change in CASES:
                assert await answer(ledger, msgspec.structs.replace(base, **change)) is status, (base, change)
            for base in (PLAIN, HOLD, POST):
                assert await ledger.submit_linked([base, base]) == [Status.LINKED_FAILED, Status.EXISTS]
            assert (await ledger.audit()).ok

    asyncio.run(life())


@pytest.mark.parametrize("kind", LEDGERS)
def test_of_two_faults_the_earlier_in_the_table_is_told(kind: str, tmp_path: Path) -> None:
    """Every pair of faults that one transfer can have at once."""
    table = list(Status)

    async def life() -> None:
        async with furnished(kind, tmp_path) as ledger:
            for (one, base, change), (two, other_base, other) in combinations(CASES, 2):
                if base != other_base or change.keys() & other.keys():
                    continue
                told = await answer(ledger, msgspec.structs.replace(base, **change, **other))
                expected = two if (one, two) in UNDONE else min(one, two, key=table.index)
                assert told is expected, (base, change, other, told)

    asyncio.run(life())


def test_all_statuses_are_met_here_and_told_in_words() -> None:
    met = {status for status, _, _ in CASES}
    assert set(Status) - met == {Status.CREATED, Status.EXISTS, Status.LINKED_FAILED}
    source = Path(str(transfer.__file__)).read_text(encoding="utf-8")
    told = re.findall(r'^    ([A-Z_]+) = "[a-z_]+"\n    """', source, re.MULTILINE)
    assert told == [status.name for status in Status]
