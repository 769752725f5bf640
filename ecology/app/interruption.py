"""Ctrl-C, SIGTERM and a closed terminal while a run is worked on: the work ends cleanly and can be taken up again."""

import asyncio
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interruption:
    """Listens for the signals while its context is open, around the work of the current task.

    A signal cancels that task, unless the work has said with `ends` how it wants to be ended. `requested` says whether
    there was one. Signals that are ignored stay so, and outside the main thread, where none arrive, nothing is heard.
    """

    def __init__(self) -> None:
        task = asyncio.current_task()
        assert task is not None, "used inside a task"
        self.requested = False
        self._end: Callable[[], object] = task.cancel
        self._before: dict[signal.Signals, object] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            loop = asyncio.get_running_loop()
            for number in SIGNALS:
                before = signal.getsignal(number)
                if before is not signal.SIG_IGN:
                    self._before[number] = before
                    loop.add_signal_handler(number, self._hear)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        loop = asyncio.get_running_loop()
        for number, before in self._before.items():
            loop.remove_signal_handler(number)
            if callable(before):
                signal.signal(number, before)

    async def listen(self) -> None:
        """Hear a signal that came while nothing was awaited; it takes the event loop a few rounds to its handler."""
        for _ in range(3):
            await asyncio.sleep(0)

    @contextmanager
    def ends(self, end: Callable[[], object]) -> Iterator[None]:
        """While this lasts, a signal calls `end` and cancels nothing."""
        before, self._end = self._end, end
        try:
            yield
        finally:
            self._end = before

    def _hear(self) -> None:
        self.requested = True
        self._end()
