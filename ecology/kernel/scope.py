"""Deeds that happen together or not at all: what must be undone if they do not, and what waits until they have.

A handler refuses before it changes anything, so most actions need no scope. What does several deeds in one (code that
reads, writes and pays; a price held for a service) opens one: `roll_back` leaves the world as it was when the scope
began, and an exception that passes through one does so too. While any scope is open nobody is told of anything, no
sleeper awakes and no bucket changes its rights: that all follows, in order, when the outermost one ends.

What attends to an agent (sleep, subscriptions, birth) has no undo, because nothing that may fail does it: it must not
happen inside a scope.
"""

from collections import deque
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from ecology.kernel.world import World

Thunk = tuple[Callable[..., None], tuple[object, ...]]


class Journal:
    """The undo log and the postponed consequences of a world's open scopes; empty while none is open."""

    __slots__ = ("active", "later", "open_scopes", "undo")

    def __init__(self) -> None:
        self.open_scopes = 0
        self.active = False
        """Whether what is done now may still be undone."""
        self.undo: list[Callable[[], None]] = []
        self.later: deque[Thunk] = deque()

    def postpone(self, consequence: Callable[..., None], *arguments: object) -> None:
        """Call it when the outermost scope ends, unless it is rolled back before."""
        self.later.append((consequence, arguments))


class Scope:
    """A stretch of deeds, used as a context manager; scopes nest. What is not rolled back happens."""

    __slots__ = ("_book_mark", "_later_mark", "_revisions_mark", "_sequence", "_undo_mark", "_world")

    def __init__(self, world: "World") -> None:
        self._world = world

    def __enter__(self) -> Self:
        world = self._world
        journal = world.journal
        journal.open_scopes += 1
        if not journal.active:
            journal.active = True
            assert world.log.later is None, "a consequence of deeds opens no scope"
            world.log.later = journal.postpone
            for register in world.registers:
                register.undo = journal.undo.append
        self._undo_mark = len(journal.undo)
        self._later_mark = len(journal.later)
        self._sequence = world.log.next_sequence
        self._revisions_mark = len(world.revisions)
        self._book_mark = world.book.savepoint()
        return self

    def roll_back(self) -> None:
        """Undo everything since the scope began, later deeds first. The scope stays open for what follows."""
        world = self._world
        journal = world.journal
        world.book.roll_back(self._book_mark)
        while len(journal.undo) > self._undo_mark:
            journal.undo.pop()()
        while len(journal.later) > self._later_mark:
            journal.later.pop()
        del world.revisions[self._revisions_mark :]
        world.log.take_back(self._sequence)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            self.roll_back()
        world = self._world
        journal = world.journal
        journal.open_scopes -= 1
        if journal.open_scopes:
            return
        journal.active = False
        for register in world.registers:
            register.undo = None
        world.book.release()
        journal.undo.clear()
        # The log still postpones: an event that follows from these is told after them, as its number says.
        while journal.later:
            consequence, arguments = journal.later.popleft()
            consequence(*arguments)
        world.log.later = None
