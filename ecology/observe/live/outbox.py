"""A shared world's database as the archive reads it, from a thread beside the event loop that has the connections."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from typing import Any, TypeVar

from ecology.observe.archive.commits import TYPES
from ecology.observe.archive.outbox import BATCH_BYTES, Delivery, delivery_of
from ecology.store.postgres_watch import Watch

T = TypeVar("T")


class LeaseLost(Exception):
    """Somebody else may be writing the archive by now."""


class WorldOutbox:
    """An `archive.outbox.Source` for one thread, which waits while the event loop asks the server.

    Every method raises StoreFault if that does not answer, and LeaseLost once the lease is not held.
    """

    def __init__(self, watch: Watch, loop: asyncio.AbstractEventLoop, held: Callable[[], bool]) -> None:
        """`held` is whether the caller may still write the archive, as far as this process can know."""
        self._watch = watch
        self._loop = loop
        self._held = held

    def last_sequence(self) -> int:
        return self._ask(self._watch.last_sequence())

    def changes(self, after: int, last: int) -> Iterator[Delivery]:
        """The artifact events with `after` < sequence <= `last`, oldest first; about BATCH_BYTES of them in memory."""
        while after < last:
            rows = self._ask(self._watch.changes(after, last, TYPES, BATCH_BYTES))
            for sequence, body, content in rows:
                yield delivery_of(sequence, body, content, self._watch.store.where)
            if sum(len(content or b"") for _, _, content in rows) < BATCH_BYTES:
                return
            after = rows[-1][0]

    def give_up(self, lease: str, holder: str, generation: int, *, after: int, last: int) -> None:
        """The archive has everything with `after` < sequence <= `last`: let the database drop the contents."""
        if not self._ask(self._watch.give_up_revisions(lease, holder, generation, after=after, last=last)):
            raise LeaseLost

    def _ask(self, question: Coroutine[Any, Any, T]) -> T:
        if not self._held():
            question.close()
            raise LeaseLost
        return asyncio.run_coroutine_threadsafe(question, self._loop).result()
