"""The append-only log of a process: numbers events, keeps those not yet committed, tells listeners at once.

Listeners (wake-ups) act on events of the open group; that is allowed inside one process because a crash loses the whole
tail, listeners' effects included. Whatever leaves the process waits for the commit.
"""

from collections.abc import Callable

from ecology.events.records import Event


class EventLog:
    """Numbering and the uncommitted tail. `next_sequence` continues after the last committed event."""

    def __init__(self, next_sequence: int = 1) -> None:
        self._next = next_sequence
        self._tail: list[Event] = []
        self._listeners: dict[type[Event], list[Callable[[Event], None]]] = {}
        self.later: Callable[[Callable[[Event], None], Event], None] | None = None
        """Where listeners wait while it is not yet sure that an event happened; None while it is."""

    @property
    def next_sequence(self) -> int:
        """The number that the next event will carry."""
        return self._next

    @property
    def uncommitted(self) -> int:
        """How many events await their commit."""
        return len(self._tail)

    def listen(self, families: tuple[type[Event], ...], listener: Callable[[Event], None]) -> None:
        """Call `listener` with each appended event of these families, in order, at once."""
        for family in families:
            self._listeners.setdefault(family, []).append(listener)

    def follow(self, sequence: int) -> None:
        """Another process committed events up to `sequence`: the next one here comes after them."""
        assert not self._tail and sequence >= self._next - 1, "a log follows only from where it is"
        self._next = sequence + 1

    def append(self, event: Event) -> None:
        """Add the next event; it must carry `next_sequence`."""
        assert event.sequence == self._next, "events are numbered in the order they are appended"
        self._next += 1
        self._tail.append(event)
        listeners = self._listeners.get(type(event))
        if listeners is not None:
            for listener in listeners:
                if self.later is None:
                    listener(event)
                else:
                    self.later(listener, event)

    def take_back(self, next_sequence: int) -> None:
        """Forget the uncommitted events from `next_sequence` on: they did not happen, and nobody was told."""
        taken = self._next - next_sequence
        assert 0 <= taken <= len(self._tail), "what is committed stays"
        if taken:
            del self._tail[-taken:]
            self._next = next_sequence

    def take_tail(self) -> list[Event]:
        """The uncommitted events, which the caller now commits."""
        tail, self._tail = self._tail, []
        return tail
