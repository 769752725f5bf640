"""A sandbox whose workers die when they are told to: in the middle of a run, with everything it had done half done."""

import contextlib
import os
import signal
from collections.abc import Iterator, Mapping
from functools import wraps

from ecology.sandbox.doors import Function
from ecology.sandbox.outcome import CodeFault, Limits, Ran
from ecology.sandbox.program import Program
from ecology.sandbox.run import DEFAULTS, NO_CONSTANTS, NO_FUNCTIONS, Sandbox, Session


class FaultySandbox(Sandbox):
    """Does as a sandbox does until the run that `doom` has chosen, whose worker is killed."""

    def __init__(self, *, workers: int = 1, max_workers: int = 16) -> None:
        super().__init__(workers=workers, max_workers=max_workers)
        self._runs_left = self._calls_left = -1
        self._dies_at_once = False
        self._pids: list[int] = []
        self.killed = 0

    def doom(self, run: int, call: int) -> None:
        """Kill the worker of the `run`-th run from now (from 0) at its `call`-th request; at 0 before it begins.

        A run that makes fewer requests lives. A negative `run` spares all.
        """
        self._runs_left, self._calls_left = run, call

    def run(
        self,
        program: Program,
        method: str,
        arguments: dict[str, object],
        *,
        functions: Mapping[str, Function] = NO_FUNCTIONS,
        constants: Mapping[str, object] = NO_CONSTANTS,
        limits: Limits = DEFAULTS,
        seed: int = 0,
        now_ns: int = 0,
    ) -> Ran | CodeFault:
        """As a sandbox does, but for the worker."""
        doomed = self._runs_left == 0
        self._runs_left -= self._runs_left >= 0
        if doomed and self._calls_left:
            functions = {name: self._fatal(function) for name, function in functions.items()}
        self._dies_at_once = doomed and not self._calls_left
        return super().run(
            program,
            method,
            arguments,
            functions=functions,
            constants=constants,
            limits=limits,
            seed=seed,
            now_ns=now_ns,
        )

    @contextlib.contextmanager
    def _opened(self, limits: Limits, seed: int, now_ns: int) -> Iterator[Session]:
        with super()._opened(limits, seed, now_ns) as session:
            assert session.worker_pid is not None
            if self._dies_at_once:
                self._dies_at_once = False
                self._kill(session.worker_pid)
            self._pids.append(session.worker_pid)
            try:
                yield session
            finally:
                self._pids.pop()

    def _fatal(self, function: Function) -> Function:
        """The function, whose answer comes too late when the time has come."""

        @wraps(function)  # by its signature the sandbox checks arguments
        def answer(*arguments: object, **named: object) -> object:
            pid = self._pids[-1]
            self._calls_left -= 1
            if self._calls_left == 0:
                self._kill(pid)
            return function(*arguments, **named)

        return answer

    def _kill(self, pid: int) -> None:
        os.kill(pid, signal.SIGKILL)
        self.killed += 1
