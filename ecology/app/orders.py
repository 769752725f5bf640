"""What a workload is told and says: lines of JSON over standard input and output.

In:  first `{"scenario": "<YAML>"}`, then any number of `{"rate_millitokens_per_s": 12000}`; its end ends the work.
Out: `{"ready": {…}}` once the world lives, then every half second `{"figures": {…}}`.
"""

import asyncio
import os
import select
import threading
from contextlib import suppress
from typing import TypeVar

import msgspec

from calibrate.workload import Figures
from ecology.core.errors import UsageError

MAX_LINE_BYTES = 2 << 20
_PIECE_BYTES = 1 << 16
_Line = TypeVar("_Line")


class Begin(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The first line: which world, as resolved YAML."""

    scenario: str


class Pace(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Any later line: what an average agent's bucket is given from now on."""

    rate_millitokens_per_s: int


class Ready(msgspec.Struct, frozen=True):
    """That the world lives: whose software it is, how many agents there are, how many may think at once."""

    software: str
    agents: int
    slots: int


class ListenerGone(Exception):
    """Nobody reads our output any more."""


class Orders:
    """The lines that come in, read by a thread of its own: any kind of input will do, and none holds up the world."""

    def __init__(self, descriptor: int) -> None:
        """To be made inside a running loop."""
        self._descriptor = descriptor
        self._loop = asyncio.get_running_loop()
        self._lines: asyncio.Queue[bytes | None] = asyncio.Queue()
        # A daemon, as a read cannot be broken off; it holds nothing that the end of the process would miss.
        threading.Thread(target=self._read, name="orders", daemon=True).start()

    async def begin(self) -> Begin | None:
        """The first line; None if there is none. Raises UsageError for one that is something else."""
        line = await self._lines.get()
        return None if line is None else _decoded(line, Begin, 'expected {"scenario": "<YAML>"}')

    async def pace(self) -> Pace | None:
        """The next line; None at the end. Raises UsageError for one that is something else."""
        line = await self._lines.get()
        if line is None:
            return None
        pace = _decoded(line, Pace, 'expected {"rate_millitokens_per_s": NUMBER}')
        if pace.rate_millitokens_per_s < 1:
            raise UsageError(f"a rate of {pace.rate_millitokens_per_s} millitokens/s is none")
        return pace

    def _read(self) -> None:
        held = bytearray()
        while piece := self._piece():
            *lines, rest = (held + piece).split(b"\n")
            for line in lines:
                self._deliver(bytes(line))
            held = bytearray(rest)
            if len(held) > MAX_LINE_BYTES:
                self._deliver(bytes(held))  # which is no JSON, and ends the work
                return
        if held:
            self._deliver(bytes(held))
        self._deliver(None)

    def _piece(self) -> bytes:
        try:
            return os.read(self._descriptor, _PIECE_BYTES)
        except OSError:  # closed before we began, or a terminal that was hung up
            return b""

    def _deliver(self, line: bytes | None) -> None:
        with suppress(RuntimeError):  # the loop is closed: the work has ended
            self._loop.call_soon_threadsafe(self._lines.put_nowait, line)


class Account:
    """The lines that go out. Nobody who is slow to read them holds up the world: what finds no room goes unsaid."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def ready(self, ready: Ready) -> None:
        """Raises ListenerGone."""
        self._write({"ready": ready})

    def figures(self, figures: Figures) -> None:
        """Say how it stands, if there is room; they are counters, so the next ones say it too. Raises ListenerGone."""
        _, free, _ = select.select([], [self._descriptor], [], 0)
        if free:  # which means room for more than such a line, so that it is written whole
            self._write({"figures": figures})

    def _write(self, said: dict[str, object]) -> None:
        line = msgspec.json.encode(said) + b"\n"
        try:
            os.write(self._descriptor, line)
        except BrokenPipeError:
            raise ListenerGone from None


def _decoded(line: bytes, kind: type[_Line], remedy: str) -> _Line:
    try:
        return msgspec.json.decode(line, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        shown = line[:60].decode("utf-8", "replace")
        raise UsageError(f"a line that is no order: {shown!r} ({error})", remedy=remedy) from None
