"""What every `Ledger` does with chains, crowds, wrong types, and after its end."""

import asyncio

import pytest

from ledger import HoldState, Kind, Status, Transfer
from ledger.errors import LedgerClosed
from tests.conformance import ledger_bank
from tests.conformance.ledger_bank import Bank, Open, Tell

opened, tell = ledger_bank.opened, ledger_bank.tell


def test_a_chain_is_made_whole_or_not_at_all(tell: Tell) -> None:
    async def story(bank: Bank) -> None:
        chain = [
            Transfer(10, Kind.TRANSFER, bank.world, bank.ann, 50),
            Transfer(11, Kind.HOLD, bank.ann, bank.ben, 150),
            Transfer(12, Kind.POST, 0, 0, 20, pending_id=11),
        ]
        poor = Transfer(13, Kind.TRANSFER, bank.ann, bank.ben, 131)
        failed = [Status.LINKED_FAILED] * 3
        assert await bank.ledger.submit_linked([*chain, poor]) == [*failed, Status.INSUFFICIENT]
        assert await bank.stands(bank.ann) == (100, 0, 100)
        assert await bank.ledger.hold_state(11) is None
        assert await bank.ledger.submit_linked([poor, *chain]) == [Status.INSUFFICIENT, *failed]
        assert await bank.ledger.submit_linked(chain) == [Status.CREATED] * 3
        assert await bank.stands(bank.ann) == (130, 0, 130)
        assert await bank.ledger.submit_linked([]) == []

    tell(story)


def test_a_failing_chain_gives_a_hold_back_its_life(tell: Tell) -> None:
    async def story(bank: Bank) -> None:
        ledger = bank.ledger
        await ledger.hold(10, bank.ann, bank.ben, 60, expires_ns=90)
        ends = Transfer(11, Kind.POST, 0, 0, 10, pending_id=10)
        impossible = Transfer(12, Kind.VOID, 0, 0, 0, pending_id=10)
        assert await ledger.submit_linked([ends, impossible]) == [
            Status.LINKED_FAILED,
            Status.HOLD_ALREADY_POSTED,
        ]
        assert await ledger.hold_state(10) is HoldState.PENDING
        assert await bank.stands(bank.ann) == (100, 60, 40)
        assert [hold.id for hold in await ledger.expire(90)] == [10]

    tell(story)


def test_a_hold_that_was_undone_does_not_bring_its_expiry_back(tell: Tell) -> None:
    async def story(bank: Bank) -> None:
        ledger = bank.ledger
        undone = Transfer(10, Kind.HOLD, bank.ann, bank.ben, 60, expires_ns=40)
        poor = Transfer(11, Kind.TRANSFER, bank.ann, bank.ben, 1_000)
        assert await ledger.submit_linked([undone, poor]) == [Status.LINKED_FAILED, Status.INSUFFICIENT]
        assert await ledger.hold(10, bank.ann, bank.ben, 60, expires_ns=50) is Status.CREATED
        assert await ledger.expire(45) == []
        assert await ledger.hold_state(10) is HoldState.PENDING
        assert [hold.id for hold in await ledger.expire(50)] == [10]

    tell(story)


def test_a_chain_that_was_made_exists_and_one_made_in_part_fails(tell: Tell) -> None:
    async def story(bank: Bank) -> None:
        first = Transfer(10, Kind.TRANSFER, bank.ann, bank.ben, 1)
        second = Transfer(11, Kind.TRANSFER, bank.ann, bank.ben, 2)
        third = Transfer(12, Kind.TRANSFER, bank.ann, bank.ben, 3)
        submit = bank.ledger.submit_linked
        assert await submit([first, second]) == [Status.CREATED] * 2
        assert await submit([first, second]) == [Status.EXISTS] * 2
        assert await submit([first, third]) == [Status.EXISTS, Status.LINKED_FAILED]
        assert await submit([third, second]) == [Status.LINKED_FAILED, Status.EXISTS]
        assert await submit([third, third]) == [Status.LINKED_FAILED, Status.EXISTS]
        assert await bank.stands(bank.ann) == (97, 0, 97)

    tell(story)


def test_fifty_at_once_end_one_hold_and_one_succeeds(tell: Tell) -> None:
    async def story(bank: Bank) -> None:
        await bank.ledger.hold(10, bank.ann, bank.ben, 60)
        answers = await asyncio.gather(*(bank.ledger.post(100 + it, 10) for it in range(50)))
        assert sorted(answers) == [Status.CREATED] + [Status.HOLD_ALREADY_POSTED] * 49
        assert await bank.stands(bank.ben) == (160, 0, 160)

    tell(story)


def test_a_crowd_cannot_spend_more_than_there_is(tell: Tell) -> None:
    async def story(bank: Bank) -> None:
        answers = await asyncio.gather(
            *(bank.ledger.transfer(100 + it, bank.ann, bank.ben, 3) for it in range(50))
        )
        assert answers == [Status.CREATED] * 33 + [Status.INSUFFICIENT] * 17
        assert await bank.stands(bank.ann) == (1, 0, 1)

    tell(story)


@pytest.mark.parametrize(
    "wrong",
    [
        Transfer(10, Kind.TRANSFER, 2, 3, 1.5),  # type: ignore[arg-type]
        Transfer("10", Kind.TRANSFER, 2, 3, 1),  # type: ignore[arg-type]
        Transfer(10, 1, 2, 3, 1),  # type: ignore[arg-type]
        Transfer(10, Kind.TRANSFER, True, 3, 1),
        Transfer(10, Kind.TRANSFER, 2, 3, 1, memo=b"rent"),  # type: ignore[arg-type]
        Transfer(10, Kind.TRANSFER, 2, 3, 1, time_ns=None),  # type: ignore[arg-type]
    ],
)
def test_a_field_of_another_type_is_a_bug_of_the_caller_alone(tell: Tell, wrong: Transfer) -> None:
    async def story(bank: Bank) -> None:
        ledger = bank.ledger
        calls = (
            ledger.submit([wrong]),
            ledger.submit_linked([wrong]),
            ledger.transfer(11, bank.ann, bank.ben, 1),
        )
        first, second, good = await asyncio.gather(*calls, return_exceptions=True)
        assert isinstance(first, TypeError) and isinstance(second, TypeError)
        assert good is Status.CREATED

    tell(story)


def test_a_plain_transfer_checks_its_types_too(tell: Tell) -> None:
    async def story(bank: Bank) -> None:
        with pytest.raises(TypeError):
            await bank.ledger.transfer(10, bank.ann, bank.ben, 1.0)  # type: ignore[arg-type]
        with pytest.raises(TypeError):
            await bank.ledger.transfer(10, bank.ann, bank.ben, 1, memo=7)  # type: ignore[arg-type]

    tell(story)


def test_after_close_everything_says_so(opened: Open) -> None:
    async def life() -> None:
        async with opened() as ledger:
            bank = await Bank(ledger).found()
            await ledger.close()
            await ledger.close()
            for call in (
                ledger.open_account("ann", "scrip"),
                ledger.accounts_of("ann"),
                ledger.balance(bank.ann),
                ledger.hold_state(1),
                ledger.transfer(10, bank.ann, bank.ben, 1),
                ledger.submit([]),
                ledger.submit_linked([]),
                ledger.expire(1),
                ledger.audit(),
            ):
                with pytest.raises(LedgerClosed, match="open it again"):
                    await call

    asyncio.run(life())
