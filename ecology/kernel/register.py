"""Things the kernel keeps by name besides artifacts and agents: listings, rentals, bids, delegations, contract states.

A register is a dictionary of immutable records that knows what changed since the last commit. Subclasses add the
indexes they need, so that no question costs more as the world grows.
"""

from collections.abc import Callable, Iterator
from typing import Generic, Protocol, TypeVar

import msgspec

_encode = msgspec.json.Encoder(order="sorted").encode


class Record(Protocol):
    """An immutable struct with a name."""

    @property
    def id(self) -> str:
        """Unique among the records of its kind, for ever."""


R = TypeVar("R", bound=Record)


class Register(Generic[R]):
    """The living records of one kind. `undo`, while set, is told how to take back each change."""

    def __init__(self, kind: str, record_type: type[R]) -> None:
        self.kind = kind
        self.undo: Callable[[Callable[[], None]], None] | None = None
        self._decode = msgspec.json.Decoder(record_type).decode
        self._records: dict[str, R] = {}
        self._changed: dict[str, R | None] = {}

    def __len__(self) -> int:
        return len(self._records)

    def __iter__(self) -> Iterator[R]:
        """The living records by id: in the same order before and after the store has kept them."""
        return iter([self._records[name] for name in sorted(self._records)])

    def get(self, record_id: str) -> R | None:
        """The living record of that name."""
        return self._records.get(record_id)

    def put(self, record: R) -> None:
        """Add a record, or replace the one of its name."""
        before = self._records.get(record.id)
        self._set(record.id, record)
        if self.undo is not None:
            self.undo(lambda: self._set(record.id, before))

    def drop(self, record_id: str) -> None:
        """Remove a living record."""
        before = self._records[record_id]
        self._set(record_id, None)
        if self.undo is not None:
            self.undo(lambda: self._set(record_id, before))

    def restore(self, body: bytes) -> None:
        """Take in a record that the store kept."""
        record = self._decode(body)
        self._records[record.id] = record
        self.file(record)

    def adopt(self, record_id: str, body: bytes | None) -> None:
        """Take in what another process made durable of a record: its new body, or None if it is gone."""
        self._set(record_id, None if body is None else self._decode(body))
        del self._changed[record_id]

    def take_changes(self) -> list[tuple[str, str, bytes | None]]:
        """Kind, id and body of what changed since the last call; None for what is gone."""
        if not self._changed:
            return []
        changed, self._changed = self._changed, {}
        return [
            (self.kind, name, None if record is None else _encode(record)) for name, record in changed.items()
        ]

    def file(self, record: R) -> None:
        """Enter a record into the indexes of a subclass."""

    def unfile(self, record: R) -> None:
        """Take it out of them."""

    def _set(self, record_id: str, record: R | None) -> None:
        before = self._records.pop(record_id, None)
        if before is not None:
            self.unfile(before)
        if record is not None:
            self._records[record_id] = record
            self.file(record)
        self._changed[record_id] = record
