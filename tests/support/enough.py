"""Worlds in real time that last as long as it takes: for their duration, and then on until enough has happened.

A world of a few seconds on a machine that stalls may be over before anybody has done anything, with everything right.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

from ecology.app import assembly
from ecology.core.clock import SECOND_NS, RealClock
from ecology.events.registry import Record, decode
from ecology.store.reader import EventReader

PATIENCE_NS = 60 * SECOND_NS
LOOK_NS = SECOND_NS // 20


@contextmanager
def lasting(enough: Callable[[], bool]) -> Iterator[None]:
    """Runs that begin in this process meanwhile, under the real clock, do not end before it is enough."""

    class Lasting(RealClock):
        async def run(self, until_ns: int) -> None:
            await super().run(until_ns)
            give_up_ns = until_ns + PATIENCE_NS
            while not self._stopped and self.now_ns() < give_up_ns and not enough():
                await super().run(self.now_ns() + LOOK_NS)

    with mock.patch.object(assembly, "RealClock", Lasting):
        yield


def committed(home: Path) -> list[Record]:
    """What the newest run below that folder has on disk of its world's history."""
    reader = EventReader(home / "runs" / "latest" / "ecology.sqlite")
    try:
        return [decode(line) for line in reader.lines()]
    finally:
        reader.close()
