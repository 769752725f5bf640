"""A store that fails at a chosen commit, in each of the ways in which a process or its disk can."""

from collections.abc import Iterator
from typing import Literal

import msgspec

from ecology.core.errors import StoreFault
from ecology.kernel.agent import Agent
from ecology.kernel.batch import Batch
from ecology.store.sqlite import SqliteStore

Moment = Literal["before", "mid-write", "written", "committed"]
MOMENTS: tuple[Moment, ...] = ("before", "mid-write", "written", "committed")


class PowerCut(StoreFault):
    """The process ends here."""


class FaultyStore:
    """Passes everything on until commit number `at` (from 1), and fails there for ever.

    `before` any row is written; in the middle of the rows; with all rows `written` and the commit outstanding; or after
    the commit, so that the group is on disk and nobody heard of it.
    """

    def __init__(self, store: SqliteStore, at: int, moment: Moment) -> None:
        self._store = store
        self._at = at
        self._moment = moment
        self.commits = 0

    def write(self, batch: Batch, now_ns: int) -> None:
        """As a store does."""
        self.commits += 1
        if self.commits < self._at:
            self._store.write(batch, now_ns)
        elif self._moment == "before":
            raise PowerCut("before the group was written")
        elif self._moment == "mid-write":
            cut = msgspec.structs.replace(batch, agents=_Broken(batch.agents))
            self._store.write(cut, now_ns)
        else:
            self._store.write(batch, now_ns)

    def commit(self) -> None:
        """As a store does."""
        if self.commits < self._at:
            self._store.commit()
        elif self._moment == "written":
            self._store.roll_back()  # what a journal does when the power is back
            raise PowerCut("between the group and its commit")
        else:
            self._store.commit()
            raise PowerCut("just after the commit")


class _Broken(list[Agent]):
    """Agents of which only the first half can be written."""

    def __iter__(self) -> Iterator[Agent]:
        yield from self[: len(self) // 2]
        raise PowerCut("in the middle of the group")
