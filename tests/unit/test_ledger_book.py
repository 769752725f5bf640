"""The book alone: what it hands over, what it forgets, and how it behaves without a history."""

import pytest

from ledger import Book, HoldState, Kind, Status, Transfer
from ledger.errors import DiskFull
from ledger.transfer import MAX_MEMO_CHARACTERS

WORLD, ANN, BEN = 1, 2, 3


@pytest.fixture
def book() -> Book:
    """Three accounts, ann having 100, and nothing left to make durable."""
    book = Book()
    book.open_account("world", "scrip", issuer=True)
    book.open_account("ann", "scrip")
    book.open_account("ben", "scrip")
    assert book.transfer(1, WORLD, ANN, 100) is Status.CREATED
    book.take_delta()
    return book


def test_a_delta_is_what_changed_since_the_last(book: Book) -> None:
    book.open_account("cy", "scrip")
    book.transfer(2, ANN, 4, 10, 7, "rent")
    book.apply(Transfer(3, Kind.HOLD, ANN, BEN, 20, expires_ns=9))
    book.apply(Transfer(4, Kind.HOLD, ANN, BEN, 30))
    book.apply(Transfer(5, Kind.POST, 0, 0, 25, pending_id=4))
    delta = book.take_delta()
    assert delta.accounts == [(4, "cy", "scrip", False, 10, 0)]
    assert sorted(delta.balances) == [(25, 0, BEN), (65, 20, ANN)]
    assert delta.transfers == [
        (2, 1, ANN, 4, 10, 0, 0, 7, "rent"),
        (3, 2, ANN, BEN, 20, 0, 9, 0, ""),
        (4, 2, ANN, BEN, 30, 0, 0, 0, ""),
        (5, 3, 0, 0, 25, 4, 0, 0, ""),
    ]
    assert sorted(delta.holds) == [(3, HoldState.PENDING, 0), (4, HoldState.POSTED, 5)]
    assert delta
    assert not book.take_delta()


def test_a_delta_does_not_move_with_the_book(book: Book) -> None:
    book.transfer(2, ANN, BEN, 10)
    delta = book.take_delta()
    before = (list(delta.balances), list(delta.transfers))
    book.transfer(3, ANN, BEN, 10)
    assert (delta.balances, delta.transfers) == before


def test_refusals_leave_nothing_to_make_durable(book: Book) -> None:
    assert book.transfer(2, ANN, BEN, 101) is Status.INSUFFICIENT
    assert book.apply(Transfer(3, Kind.POST, 0, 0, 0, pending_id=2)) is Status.HOLD_NOT_FOUND
    chain = [Transfer(4, Kind.HOLD, ANN, BEN, 5), Transfer(5, Kind.TRANSFER, ANN, BEN, 96)]
    assert book.apply_linked(chain) == [Status.LINKED_FAILED, Status.INSUFFICIENT]
    assert not book.take_delta()


def test_without_a_history_a_hold_is_known_while_it_is_pending(book: Book) -> None:
    """Also within one delta, so that an answer does not depend on when the delta was taken."""
    book.apply(Transfer(2, Kind.HOLD, ANN, BEN, 5))
    book.apply(Transfer(3, Kind.HOLD, ANN, BEN, 5))
    assert book.hold_state(2) is HoldState.PENDING
    assert book.apply(Transfer(4, Kind.VOID, 0, 0, 0, pending_id=2)) is Status.CREATED
    assert book.apply(Transfer(5, Kind.POST, 0, 0, 0, pending_id=2)) is Status.HOLD_NOT_FOUND
    book.take_delta()
    assert book.apply(Transfer(6, Kind.POST, 0, 0, 0, pending_id=2)) is Status.HOLD_NOT_FOUND
    assert book.apply(Transfer(7, Kind.POST, 0, 0, 0, pending_id=3)) is Status.CREATED


def test_an_id_used_twice_in_one_delta_is_seen(book: Book) -> None:
    assert book.transfer(2, ANN, BEN, 5) is Status.CREATED
    assert book.transfer(2, ANN, BEN, 5) is Status.EXISTS
    assert book.transfer(2, ANN, BEN, 6) is Status.EXISTS_DIFFERENT
    assert book.apply(Transfer(2, Kind.HOLD, ANN, BEN, 5)) is Status.EXISTS_DIFFERENT


def test_holds_that_ended_long_before_they_were_due_are_forgotten(book: Book) -> None:
    for number in range(10_000):
        assert (
            book.apply(Transfer(10 + 2 * number, Kind.HOLD, ANN, BEN, 1, expires_ns=10**9)) is Status.CREATED
        )
        assert (
            book.apply(Transfer(11 + 2 * number, Kind.VOID, 0, 0, 0, pending_id=10 + 2 * number))
            is Status.CREATED
        )
        book.take_delta()
    assert len(book._dues) < 2_000
    assert book.apply(Transfer(9, Kind.HOLD, ANN, BEN, 1, expires_ns=10**9)) is Status.CREATED
    assert [hold.id for hold in book.expire(10**9)] == [9]


def test_forgetting_ended_holds_keeps_those_that_live(book: Book) -> None:
    living = [Transfer(10 + place, Kind.HOLD, ANN, BEN, 1, expires_ns=10**9 - place) for place in range(50)]
    for hold in living:
        assert book.apply(hold) is Status.CREATED
    for number in range(3_000):
        book.apply(Transfer(100 + 2 * number, Kind.HOLD, ANN, BEN, 1, expires_ns=2 * 10**9))
        book.apply(Transfer(101 + 2 * number, Kind.VOID, 0, 0, 0, pending_id=100 + 2 * number))
    assert book.expire(10**9 - 50) == []
    assert book.expire(10**9) == living[::-1]
    assert book.available(ANN) == 100


def test_the_first_expiry_is_that_of_a_hold_that_is_pending(book: Book) -> None:
    assert book.first_expiry_ns() is None
    for number, expires_ns in ((10, 30), (11, 20), (12, 10), (13, 0)):
        assert book.apply(Transfer(number, Kind.HOLD, ANN, BEN, 1, expires_ns=expires_ns)) is Status.CREATED
    assert book.first_expiry_ns() == 10
    savepoint = book.savepoint()
    assert book.apply(Transfer(20, Kind.VOID, 0, 0, 0, pending_id=12)) is Status.CREATED
    assert book.first_expiry_ns() == 20
    book.roll_back(savepoint)
    book.release()
    assert book.first_expiry_ns() == 10
    assert [hold.id for hold in book.expire(25)] == [12, 11]
    assert book.first_expiry_ns() == 30
    assert book.apply(Transfer(21, Kind.POST, 0, 0, 0, pending_id=10)) is Status.CREATED
    assert book.first_expiry_ns() is None


def test_an_account_says_whose_it_is(book: Book) -> None:
    assert book.holder(ANN) == ("ann", "scrip")
    with pytest.raises(KeyError):
        book.holder(99)


def test_a_memo_may_be_as_long_as_it_says(book: Book) -> None:
    assert book.transfer(2, ANN, BEN, 1, 0, "x" * MAX_MEMO_CHARACTERS) is Status.CREATED
    assert book.transfer(3, ANN, BEN, 1, 0, "\u00fc" * MAX_MEMO_CHARACTERS) is Status.CREATED
    assert book.transfer(4, ANN, BEN, 1, 0, "x" * (MAX_MEMO_CHARACTERS + 1)) is Status.FIELD_INVALID


def test_an_unknown_owner_has_nothing(book: Book) -> None:
    assert book.available_of("nobody", "scrip") == book.available_of("ann", "gold") == 0
    assert book.account_id("nobody", "scrip") is book.account_id("ann", "gold") is None
    assert book.size == 3


def test_a_fault_can_be_told_to_many() -> None:
    first = DiskFull("no room", remedy="make some")
    second = first.again()
    assert type(second) is DiskFull
    assert second is not first
    assert str(second) == "no room; make some"
