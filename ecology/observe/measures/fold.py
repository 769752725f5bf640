"""One pass over the event log: each projection asks for the families it wants and is handed nothing else."""

from collections.abc import Callable, Iterable
from typing import Self, TypeVar, cast

from ecology.events.records import Event

E = TypeVar("E", bound=Event)


class Fold:
    """Hands events to the handlers of their family, in the order in which the handlers were added.

    `events` counts what went through; `end_ns` is the world time of the last one, which is when the history
    ends.
    """

    def __init__(self) -> None:
        self.events = 0
        self.end_ns = 0
        self._handlers: dict[type[Event], list[Callable[[Event], None]]] = {}

    def on(self, family: type[E], handler: Callable[[E], None]) -> None:
        """Call `handler` with every event of exactly this family."""
        self._handlers.setdefault(family, []).append(cast("Callable[[Event], None]", handler))

    def run(self, events: Iterable[Event]) -> Self:
        """Take in a history, which must be in the order of its sequence. May be called again with what
        follows."""
        handlers = self._handlers
        none: list[Callable[[Event], None]] = []
        count = 0
        event: Event | None = None
        for event in events:
            count += 1
            for handler in handlers.get(type(event), none):
                handler(event)
        self.events += count
        if event is not None:
            self.end_ns = event.time_ns
        return self
