"""Where events come from: lines of JSON, out of an export, or from whoever reads the run's database."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec
import zstandard

from ecology.core.errors import RunFault
from ecology.events.registry import Record, decode

EXPORT_NAME = "events.jsonl.zst"
_CHUNK_BYTES = 1 << 16  # of the file; some twenty times that of lines
_EXPORT_AGAIN = "export the run's events again"


def read_export(path: Path) -> Iterator[bytes]:
    """The lines of an `events.jsonl.zst`, without newlines, one chunk in memory at a time.

    Raises `RunFault` if the file cannot be read or is cut short.
    """
    rest = b""
    try:
        for chunk in _decompressed(path):
            lines = (rest + chunk).split(b"\n")
            rest = lines.pop()
            yield from lines
    except (OSError, zstandard.ZstdError) as error:
        raise RunFault(f"cannot read {path.name}: {error}", remedy=_EXPORT_AGAIN) from error
    if rest:
        raise RunFault(f"{path.name} ends in the middle of an event", remedy=_EXPORT_AGAIN)


def _decompressed(path: Path) -> Iterator[bytes]:
    """Frame after frame; a stream reader would take the end of a file for the end of a frame that is not over."""
    decompressor = zstandard.ZstdDecompressor()
    frame = decompressor.decompressobj()
    within = False
    with path.open("rb") as file:
        while packed := file.read(_CHUNK_BYTES):
            while packed:
                yield frame.decompress(packed)
                packed, within = frame.unused_data, not frame.eof
                if frame.eof:
                    frame = decompressor.decompressobj()
    if within:
        raise RunFault(f"{path.name} is cut short", remedy=_EXPORT_AGAIN)


def records(lines: Iterable[bytes]) -> Iterator[Record]:
    """The typed events of those lines; raises `RunFault` naming the first line that is none."""
    number = 0
    try:
        for line in lines:
            number += 1
            yield decode(line)
    except msgspec.DecodeError as error:
        raise RunFault(
            f"line {number} of the event log is no event: {error}",
            remedy="read it with the version that wrote it",
        ) from error
