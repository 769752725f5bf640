"""What a book has forgotten is read from the database: in batches, and never from before the last write."""

from collections.abc import Iterator

import apsw
import pytest

from ledger import Book, HoldState, Kind, Status, Transfer, sqlite

WORLD, ANN = 1, 2


class Desk:
    """A book over an empty database, with the history that it consults."""

    def __init__(self) -> None:
        self.connection = apsw.Connection(":memory:")
        sqlite.migrate(self.connection)
        self.history = sqlite.SqliteHistory(self.connection)
        self.book: Book = sqlite.load(self.connection, self.history)
        self.book.open_account("world", "scrip", issuer=True)
        self.book.open_account("ann", "scrip")
        assert self.book.transfer(1_000, WORLD, ANN, 50) is Status.CREATED
        self.write()

    def write(self) -> None:
        delta = self.book.take_delta()
        sqlite.write(self.connection, delta)
        self.history.wrote(delta)


@pytest.fixture
def desk() -> Iterator[Desk]:
    desk = Desk()
    yield desk
    desk.connection.close()


def test_an_id_that_was_looked_for_in_vain_is_found_once_it_is_written(desk: Desk) -> None:
    """Its absence was read below the highest id; remembering that would make the transfer a second time."""
    desk.history.prefetch([5])
    assert desk.book.transfer(5, WORLD, ANN, 1) is Status.CREATED
    desk.write()
    assert desk.book.transfer(5, WORLD, ANN, 1) is Status.EXISTS
    assert desk.book.transfer(5, WORLD, ANN, 2) is Status.EXISTS_DIFFERENT
    assert desk.book.balance(ANN) == 51


def test_the_state_of_a_hold_is_never_older_than_the_last_write(desk: Desk) -> None:
    assert desk.book.apply(Transfer(6, Kind.HOLD, ANN, WORLD, 10)) is Status.CREATED
    desk.write()
    desk.history.prefetch([6])
    assert desk.book.apply(Transfer(7, Kind.POST, 0, 0, 0, pending_id=6)) is Status.CREATED
    desk.write()
    assert desk.book.hold_state(6) is HoldState.POSTED
    assert desk.book.apply(Transfer(8, Kind.VOID, 0, 0, 0, pending_id=6)) is Status.HOLD_ALREADY_POSTED


def test_a_batch_is_read_at_once_and_new_ids_not_at_all(desk: Desk) -> None:
    reads: list[str] = []

    def watch(_: apsw.Cursor, statement: str, __: object) -> bool:
        reads.append(statement)
        return True

    desk.connection.exec_trace = watch
    desk.history.prefetch([1_001, 1_002, 2**70, 0, -1])
    assert desk.history.transfer(1_001) is None
    assert reads == []
    desk.history.prefetch([1, 2, 3, 1_000])
    assert [desk.history.transfer(it) is not None for it in (1, 2, 3, 1_000)] == [False, False, False, True]
    assert len(reads) == 1


def test_what_was_not_prefetched_is_read_alone(desk: Desk) -> None:
    desk.history.prefetch([1])
    found = desk.history.transfer(1_000)
    assert found == Transfer(1_000, Kind.TRANSFER, WORLD, ANN, 50)
    assert desk.history.hold_state(1_000) is None
