"""What every `Ledger` does with accounts, transfers and holds, whatever it is made of."""

import pytest

from ledger import MAX_AMOUNT, HoldState, Kind, Status, Transfer
from ledger.errors import AccountConflict
from tests.conformance import ledger_bank
from tests.conformance.ledger_bank import Bank, Tell

opened, tell = ledger_bank.opened, ledger_bank.tell


def test_an_account_is_opened_once(tell: Tell) -> None:
    async def story(bank: Bank) -> None:
        assert await bank.ledger.open_account("ann", "scrip") == bank.ann
        assert await bank.ledger.accounts_of("ann") == {"scrip": bank.ann, "disk": bank.disk}
        assert await bank.ledger.accounts_of("nobody") == {}
        assert len({bank.world, bank.ann, bank.ben, bank.disk}) == 4

    tell(story)


@pytest.mark.parametrize(
    ("owner", "asset"), [("", "scrip"), ("ann", ""), ("\ud800", "scrip"), ("ann", "\udfff"), ("a\0", "scrip")]
)
def test_an_account_needs_names_that_can_be_kept(tell: Tell, owner: str, asset: str) -> None:
    async def story(bank: Bank) -> None:
        with pytest.raises(ValueError):
            await bank.ledger.open_account(owner, asset)

    tell(story)


def test_an_account_stays_of_its_kind(tell: Tell) -> None:
    async def story(bank: Bank) -> None:
        with pytest.raises(AccountConflict, match="open it as what it is"):
            await bank.ledger.open_account("ann", "scrip", issuer=True)
        with pytest.raises(AccountConflict):
            await bank.ledger.open_account("world", "scrip")

    tell(story)


def test_an_unknown_account_is_the_asker_s_mistake(tell: Tell) -> None:
    async def story(bank: Bank) -> None:
        for question in (bank.ledger.balance, bank.ledger.held, bank.ledger.available):
            with pytest.raises(KeyError):
                await question(99)

    tell(story)


def test_a_transfer_moves_once(tell: Tell) -> None:
    async def story(bank: Bank) -> None:
        for expected in (Status.CREATED, Status.EXISTS, Status.EXISTS):
            assert await bank.ledger.transfer(10, bank.ann, bank.ben, 30, time_ns=5, memo="rent") is expected
        assert (
            await bank.ledger.transfer(10, bank.ann, bank.ben, 31, time_ns=5, memo="rent")
            is Status.EXISTS_DIFFERENT
        )
        assert await bank.stands(bank.ann) == (70, 0, 70)
        assert await bank.stands(bank.ben) == (130, 0, 130)
        assert await bank.stands(bank.world) == (-200, 0, -200)

    tell(story)


def test_a_refused_id_may_be_used_again(tell: Tell) -> None:
    async def story(bank: Bank) -> None:
        assert await bank.ledger.transfer(10, bank.ann, bank.ben, 101) is Status.INSUFFICIENT
        assert await bank.ledger.transfer(10, bank.ann, bank.ben, 100) is Status.CREATED

    tell(story)


def test_a_batch_is_judged_in_order_each_for_itself(tell: Tell) -> None:
    async def story(bank: Bank) -> None:
        batch = [
            Transfer(10, Kind.TRANSFER, bank.ann, bank.ben, 100),
            Transfer(11, Kind.TRANSFER, bank.ann, bank.ben, 1),
            Transfer(12, Kind.TRANSFER, bank.ben, bank.ann, 200),
            Transfer(10, Kind.TRANSFER, bank.ann, bank.ben, 100),
        ]
        assert await bank.ledger.submit(batch) == [
            Status.CREATED,
            Status.INSUFFICIENT,
            Status.CREATED,
            Status.EXISTS,
        ]
        assert await bank.stands(bank.ann) == (200, 0, 200)
        assert await bank.ledger.submit([]) == []

    tell(story)


def test_a_hold_sets_aside_and_a_post_moves(tell: Tell) -> None:
    async def story(bank: Bank) -> None:
        ledger = bank.ledger
        assert await ledger.hold(10, bank.ann, bank.ben, 60, memo="escrow") is Status.CREATED
        assert await bank.stands(bank.ann) == (100, 60, 40)
        assert await bank.stands(bank.ben) == (100, 0, 100)
        assert await ledger.transfer(11, bank.ann, bank.ben, 41) is Status.INSUFFICIENT
        assert await ledger.hold_state(10) is HoldState.PENDING
        assert await ledger.post(12, 10) is Status.CREATED
        assert await ledger.post(12, 10) is Status.EXISTS
        assert await ledger.hold_state(10) is HoldState.POSTED
        assert await bank.stands(bank.ann) == (40, 0, 40)
        assert await bank.stands(bank.ben) == (160, 0, 160)
        assert await ledger.hold(10, bank.ann, bank.ben, 60, memo="escrow") is Status.EXISTS

    tell(story)


def test_a_smaller_post_gives_the_rest_back(tell: Tell) -> None:
    async def story(bank: Bank) -> None:
        ledger = bank.ledger
        await ledger.hold(10, bank.ann, bank.ben, 60)
        assert await ledger.post(11, 10, 61) is Status.AMOUNT_EXCEEDS_HOLD
        assert await ledger.post(12, 10, 25) is Status.CREATED
        assert await bank.stands(bank.ann) == (75, 0, 75)
        assert await ledger.post(13, 10, 1) is Status.HOLD_ALREADY_POSTED
        assert await ledger.void(14, 10) is Status.HOLD_ALREADY_POSTED

    tell(story)


def test_a_void_releases(tell: Tell) -> None:
    async def story(bank: Bank) -> None:
        ledger = bank.ledger
        await ledger.hold(10, bank.ann, bank.ben, 60)
        assert await ledger.void(11, 10) is Status.CREATED
        assert await bank.stands(bank.ann) == (100, 0, 100)
        assert await ledger.hold_state(10) is HoldState.VOIDED
        assert await ledger.post(12, 10) is Status.HOLD_ALREADY_VOIDED
        assert await ledger.void(11, 10) is Status.EXISTS

    tell(story)


def test_an_issuer_may_hold_what_it_has_not(tell: Tell) -> None:
    async def story(bank: Bank) -> None:
        assert await bank.ledger.hold(10, bank.world, bank.ann, 1_000) is Status.CREATED
        assert await bank.stands(bank.world) == (-200, 1_000, -1_200)
        assert await bank.ledger.post(11, 10, 7) is Status.CREATED
        assert await bank.stands(bank.world) == (-207, 0, -207)

    tell(story)


def test_holds_expire_in_order_and_only_when_due(tell: Tell) -> None:
    async def story(bank: Bank) -> None:
        ledger = bank.ledger
        for transfer_id, expires_ns in ((13, 50), (12, 50), (11, 40), (10, 0), (14, 51)):
            assert (
                await ledger.hold(transfer_id, bank.ann, bank.ben, 10, expires_ns=expires_ns)
                is Status.CREATED
            )
        assert await ledger.void(15, 11) is Status.CREATED
        assert await ledger.expire(39) == []
        assert [hold.id for hold in await ledger.expire(50)] == [12, 13]
        assert await ledger.expire(50) == []
        assert await bank.stands(bank.ann) == (100, 20, 80)
        assert [await ledger.hold_state(it) for it in (10, 11, 12, 14)] == [
            "pending",
            "voided",
            "expired",
            "pending",
        ]
        assert await ledger.post(16, 12) is Status.HOLD_ALREADY_EXPIRED
        assert [hold.amount for hold in await ledger.expire(MAX_AMOUNT)] == [10]

    tell(story)


def test_a_hold_cannot_be_ended_after_its_time_even_before_anybody_looked(tell: Tell) -> None:
    async def story(bank: Bank) -> None:
        ledger = bank.ledger
        await ledger.hold(10, bank.ann, bank.ben, 10, expires_ns=50, time_ns=1)
        assert await ledger.post(11, 10, time_ns=50) is Status.HOLD_ALREADY_EXPIRED
        assert await ledger.void(12, 10, time_ns=51) is Status.HOLD_ALREADY_EXPIRED
        assert await bank.stands(bank.ann) == (100, 10, 90)
        assert await ledger.post(13, 10, time_ns=49) is Status.CREATED

    tell(story)
