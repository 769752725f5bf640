"""A run's database as the archive reads it: artifact events, and the contents that wait to be archived.

Reads are short, for a reader that lingers keeps the writer from emptying its write-ahead log.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import resources
from pathlib import Path
from typing import Protocol, cast

import msgspec

from ecology.core.errors import ArchiveFault, StoreFault, UsageError
from ecology.events.registry import decode
from ecology.observe.archive.commits import TYPES, Change
from ecology.store.connection import faults, open_reader

DATABASE = "ecology.sqlite"
BATCH_BYTES = 1024 * 1024
"""Small enough that an order to stop, heard between batches, is obeyed within a second."""
BATCH_EVENTS = 5_000


def _statements() -> dict[str, str]:
    text = resources.files("ecology.observe.archive").joinpath("outbox.sql").read_text(encoding="utf-8")
    parts = (part.partition("\n") for part in text.split("-- name: ")[1:])
    return {name: sql.strip().rstrip(";") for name, _, sql in parts}


_SQL = _statements()
_TYPES = msgspec.json.encode(TYPES).decode()


class Delivery(msgspec.Struct, frozen=True):
    """One artifact event on its way to the archive; `content` is None where no revision came with it."""

    change: Change
    content: bytes | None


class Source(Protocol):
    """Where artifact events come from."""

    def last_sequence(self) -> int:
        """The newest committed event; 0 for none."""

    def changes(self, after: int, last: int) -> Iterator[Delivery]:
        """The artifact events with `after` < sequence <= `last`, oldest first."""


def read(source: Source, after: int) -> tuple[list[Delivery], int]:
    """Artifact events after a sequence, oldest first, and the sequence up to which that is all of them.

    Bounded by BATCH_EVENTS events looked at and about BATCH_BYTES of content, so it may have to be called again.
    """
    last = min(source.last_sequence(), after + BATCH_EVENTS)
    found: list[Delivery] = []
    size = 0
    if last <= after:
        return found, after
    for delivery in source.changes(after, last):
        found.append(delivery)
        size += len(delivery.content or b"")
        if size >= BATCH_BYTES:
            return found, delivery.change.sequence
    return found, last


def is_full(deliveries: Sequence[Delivery], after: int, position: int) -> bool:
    """Whether what `read` returned was bounded, so that there may be more at once."""
    size = sum(len(delivery.content or b"") for delivery in deliveries)
    return position - after >= BATCH_EVENTS or size >= BATCH_BYTES


def delivery_of(sequence: int, body: bytes, content: bytes | None, where: object) -> Delivery:
    """What a row of the database says. Raises StoreFault if it is no event of this program's."""
    try:
        return Delivery(cast(Change, decode(body)), content)
    except msgspec.DecodeError as error:
        raise StoreFault(
            f"event {sequence} in {where} cannot be read ({error})",
            remedy="the database was changed by hand or by another version; restore it from a backup",
        ) from error


class Outbox:
    """A read-only connection to the database of the run in `run_dir`. Faults of SQLite are `StoreFault`."""

    def __init__(self, run_dir: Path) -> None:
        self.path = run_dir / DATABASE
        if not self.path.is_file():
            raise UsageError(f"{self.path} does not exist", remedy="give the directory of a run")
        with faults(self.path):
            self._connection = open_reader(self.path)

    def last_sequence(self) -> int:
        """The newest committed event; 0 for none."""
        with faults(self.path):
            return cast(int, self._connection.execute(_SQL["last_sequence"]).get)

    def changes(self, after: int, last: int) -> Iterator[Delivery]:
        """The artifact events with `after` < sequence <= `last`, oldest first."""
        with faults(self.path):
            for row in self._connection.execute(_SQL["changes"], (after, last, _TYPES)):
                sequence, body, content = cast("tuple[int, bytes, bytes | None]", row)
                yield delivery_of(sequence, body, content, self.path)

    def count_changes(self, last: int) -> tuple[int, int]:
        """How many artifact events there are up to a sequence, and the newest of them (0 for none)."""
        with faults(self.path):
            row = self._connection.execute(_SQL["count_changes"], (last, _TYPES)).fetchone()
        return cast("tuple[int, int]", row)

    def heads(self) -> Iterator[tuple[str, bytes]]:
        """Id and content of every artifact that is not deleted, by id."""
        with faults(self.path):
            for name, content in self._connection.execute(_SQL["heads"]):
                yield cast(str, name), cast(bytes, content)

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Within this context everything is read as of one moment."""
        with self._connection:
            yield

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


def missing_content(change: Change) -> ArchiveFault:
    """The outbox has no content for a revision that the archive lacks."""
    return ArchiveFault(
        f"the archive lacks event {change.sequence} ('{change.artifact_id}' r{change.revision}) "
        "and the database has given up its content",
        remedy="archive.git was replaced or cut short: put it back from a backup",
    )
