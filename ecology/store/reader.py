"""Read-only access to a run's event log for observers: reports, exports, summaries."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import zstandard

from ecology.store.connection import faults, open_reader
from ecology.store.sqlite import SQL

EXPORT_LEVEL = 3
_FRAME_LINES = 20_000


class EventReader:
    """The committed events of a run, as lines of JSON, in order."""

    def __init__(self, database: Path) -> None:
        self._path = database
        with faults(database):
            self._connection = open_reader(database)

    def lines(self, after: int = 0) -> Iterator[bytes]:
        """The bodies of the events after a sequence."""
        with faults(self._path):
            for row in self._connection.execute(SQL["bodies_after"], (after,)):
                yield cast(bytes, row[1])

    def last_sequence(self) -> int:
        """The number of the last committed event; 0 for none."""
        with faults(self._path):
            return cast(int, self._connection.execute(SQL["last_sequence"]).get)

    def meta(self, name: str) -> str | None:
        """A fact about the run."""
        with faults(self._path):
            return cast("str | None", self._connection.execute(SQL["get_meta"], (name,)).get)

    def close(self) -> None:
        self._connection.close()


def export(reader: EventReader, target: Path) -> tuple[int, str]:
    """Write `events.jsonl.zst`; returns the number of events and the SHA-256 over their lines (newlines included).

    The file appears whole or not at all.
    """
    digest = hashlib.sha256()
    count = 0
    partial = target.with_suffix(".partial")
    with (
        partial.open("wb") as file,
        zstandard.ZstdCompressor(level=EXPORT_LEVEL).stream_writer(file) as writer,
    ):
        lines: list[bytes] = []
        for line in reader.lines():
            lines.append(line)
            if len(lines) == _FRAME_LINES:
                count += _flush(lines, writer, digest)
        count += _flush(lines, writer, digest)
    partial.replace(target)
    return count, digest.hexdigest()


def _flush(lines: list[bytes], writer: zstandard.ZstdCompressionWriter, digest: "hashlib._Hash") -> int:
    count = len(lines)
    if count:
        chunk = b"\n".join(lines) + b"\n"
        digest.update(chunk)
        writer.write(chunk)
        lines.clear()
    return count
