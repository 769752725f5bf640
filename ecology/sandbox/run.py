"""The sandbox: worker processes, and one method of one program run in a fresh session of one of them.

Nothing survives from one run to the next. A run blocks its caller; a host's function may run another program in the
meantime, which takes another worker. One thread at a time uses a sandbox.
"""

import contextlib
import importlib.util
import os
import resource
import signal
import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Self

import msgspec
import pydantic_monty as monty

from ecology.core.clock import SECOND_NS, host_ns
from ecology.core.errors import RunFault
from ecology.core.host import process_cpu_ns
from ecology.sandbox.doors import Doors, Function
from ecology.sandbox.ending import Ending, ending_of
from ecology.sandbox.frame import ARGUMENTS, CALL, MOST, STEPS, Frame
from ecology.sandbox.outcome import CodeFault, Fault, Limits, Ran, Use, one_line
from ecology.sandbox.program import Program
from ecology.sandbox.values import NotJson, json_size, plain

NO_FUNCTIONS: Mapping[str, Function] = MappingProxyType({})
NO_CONSTANTS: Mapping[str, object] = MappingProxyType({})
DEFAULTS = Limits()

SPARE_SUSPENSIONS = 64
"""How often code may look up a name that nobody defined (and catch that): each asks the host."""

GRACE_S = 1.0
"""Seconds past the wall guard after which a worker that does not answer is killed."""

SHORTEST_S = 0.01
"""Wall time that even a run gets which begins when all should have ended."""

PATIENCE_S = 60.0
"""Seconds to wait for a free worker before saying that there are too few."""

WORKER_BYTES = 4 << 30
"""Address space of a worker, whatever its own limits overlook: four times the most that a run may be given."""

_TRACING = "opentelemetry"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


Session = monty.MontySession
"""A worker in the hands of one run."""


class Sandbox:
    """Owns the worker processes; the first run starts them, `close` (or leaving the context) ends them.

    `workers` are kept warm, more are started where programs run one another, up to `max_workers`.
    """

    def __init__(self, *, workers: int = 1, max_workers: int = 16) -> None:
        assert 1 <= workers <= max_workers
        self._workers = workers
        self._max_workers = max_workers
        self.until_ns: int | None = None
        """The host's time at which every run is to have ended, where others wait for the whole deed; None for never."""
        self._pool: monty.Monty | None = None
        self._running = 0
        self._bounded: set[int] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the workers. A later run would start new ones."""
        assert not self._running, "a run is under way"
        pool, self._pool = self._pool, None
        self._bounded.clear()
        if pool is not None:
            pool.__exit__(None, None, None)

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
        """Run the program's top level, then `method(**arguments)`, in a session of its own.

        The code sees `functions` and `constants` (JSON values) as global names, the time `now_ns` (since 1970, as
        far as `datetime` is concerned), and a `random` that starts from `seed`. Equal calls give equal outcomes in
        everything but `Use.cpu_us`, as long as no clock (`Fault.TIME`) has to step in.

        Raises what a function raised that is not a `Refusal`, and `RunFault` if no worker is to be had.
        """
        if method not in program.functions:
            return CodeFault(Fault.NO_METHOD, one_line(f"there is no top-level function {method!r}"))
        if self.until_ns is not None:
            left_s = max(SHORTEST_S, (self.until_ns - host_ns()) / SECOND_NS)
            if left_s < limits.wall_s:
                limits = msgspec.structs.replace(limits, wall_s=round(left_s, 3))
        if self._running == self._max_workers:
            return CodeFault(Fault.RECURSION, f"more than {self._max_workers} programs inside one another")
        try:
            inputs: dict[str, object] = {ARGUMENTS: plain(arguments)}
            bytes_in = json_size(inputs[ARGUMENTS])
        except NotJson as error:
            return CodeFault(Fault.RESULT, one_line(f"the arguments are no JSON: {error}"))
        names = program.names
        inputs |= {name: plain(constants[name]) for name in constants if name in names}
        inputs |= {STEPS: limits.steps, MOST: limits.result_bytes}
        doors = Doors(functions, limits)
        frame = Frame(program, method, [name for name in functions if name in names])
        self._running += 1
        try:
            with self._opened(limits, seed, now_ns) as session:
                found, cpu_us = _feed(session, frame, inputs, doors, limits)
        finally:
            self._running -= 1
        if doors.bug is not None:
            raise doors.bug
        use = Use(bytes_in=bytes_in, cpu_us=cpu_us, source_bytes=program.source_bytes)
        return _outcome(found, doors, limits, use)

    @contextlib.contextmanager
    def _opened(self, limits: Limits, seed: int, now_ns: int) -> Iterator[Session]:
        """A session with a live worker; a worker that died while nobody used it is replaced without a word."""
        if self._pool is None:
            self._pool = self._started()
        for _ in range(self._max_workers + 1):
            with contextlib.ExitStack() as stack:
                try:
                    session = stack.enter_context(self._session(self._pool, limits, seed, now_ns))
                except monty.MontyCrashedError:
                    continue
                except TimeoutError as error:
                    raise RunFault(
                        f"no sandbox worker became free in {PATIENCE_S:g} s", remedy="raise max_workers"
                    ) from error
                self._bound(session)
                yield session
                return
        raise RunFault(
            "the sandbox's workers die as soon as they start", remedy="look at the machine's memory"
        )

    def _bound(self, session: Session) -> None:
        """The kernel's own limit on a worker's memory, the first time that it is met."""
        pid = session.worker_pid
        if pid is not None and pid not in self._bounded:
            with contextlib.suppress(ProcessLookupError):  # it has just died, which its next use will say
                resource.prlimit(pid, resource.RLIMIT_AS, (WORKER_BYTES, WORKER_BYTES))
            self._bounded.add(pid)

    def _session(self, pool: monty.Monty, limits: Limits, seed: int, now_ns: int) -> monty.MontySession:
        return pool.checkout(
            limits={
                "max_feed_duration_secs": limits.wall_s,
                "max_memory": limits.memory_bytes,
                "max_recursion_depth": limits.recursion,
                "max_suspensions": limits.calls + SPARE_SUSPENSIONS,
            },
            os_policy={
                "sleep": "zero",
                "datetime": _EPOCH + timedelta(microseconds=now_ns // 1000),
                "random_start": {"seed": seed},
            },
            assert_message_annotations=False,
        )

    def _started(self) -> monty.Monty:
        _forgo_tracing()
        pool = monty.Monty(
            min_processes=self._workers,
            max_processes=self._max_workers,
            checkout_timeout=PATIENCE_S,
            feed_duration_limit_grace=GRACE_S,
        )
        try:
            pool.__enter__()
        except (monty.MontyError, OSError, RuntimeError) as error:
            raise RunFault(
                f"the sandbox's worker did not start: {error}", remedy="reinstall pydantic-monty-runtime"
            ) from error
        return pool


def _forgo_tracing() -> None:
    """Spare every run a vain walk along the import path, which is a sixth of what a short one costs.

    Monty asks for OpenTelemetry whenever it feeds a session. Python remembers what it has imported, not what it has not
    found, unless it is told so: this process will not find it any more, and where it is installed nothing changes.
    """
    if importlib.util.find_spec(_TRACING) is None:
        sys.modules[_TRACING] = None  # type: ignore[assignment]


Found = tuple[object, int, int | None] | Ending
"""What the frame handed over (the value, its size in characters, the next number on the counter), or how it failed."""


def _feed(
    session: Session, frame: Frame, inputs: dict[str, object], doors: Doors, limits: Limits
) -> tuple[Found, int]:
    """Run the frame; also the worker's CPU time in microseconds, 0 if it died."""
    pid = session.worker_pid
    assert pid is not None, "nobody else uses this session"
    began = process_cpu_ns(pid)
    try:
        found: Found = tuple(
            session.feed_run(
                frame.text,
                inputs=inputs,
                external_lookup={CALL: doors.call},
                print_callback=doors.take_output,
            )
        )
    except (monty.MontyError, ValueError) as error:
        found = ending_of(error, session, frame, limits)
    cpu_us = max(0, process_cpu_ns(pid) - began) // 1000
    if isinstance(found, Ending) and found.fault is Fault.TIME:
        # A clock stops the worker in the middle of whatever it does: its heap is not to be trusted.
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    return found, cpu_us


def _outcome(found: Found, doors: Doors, limits: Limits, use: Use) -> Ran | CodeFault:
    """The verdict, worst first: what code did to the host counts before what it says it returned."""
    steps = found.steps if isinstance(found, Ending) else limits.steps if found[2] is None else found[2] - 1
    use = Use(
        steps, use.bytes_in + doors.bytes_in, doors.bytes_out, doors.calls, use.cpu_us, use.source_bytes
    )
    if doors.too_much_output:
        return CodeFault(Fault.OUTPUT, f"printed more than {limits.output_bytes} bytes", use)
    if doors.too_many_calls:
        return CodeFault(Fault.CALLS, f"made more than {limits.calls} calls", use)
    if isinstance(found, Ending):
        return CodeFault(found.fault, found.detail, use)
    value, characters, left = found
    if left is None:
        return CodeFault(Fault.STEPS, f"took more than {limits.steps} steps", use)
    try:
        result = plain(value)
        size = json_size(result)
    except NotJson as error:
        return CodeFault(Fault.RESULT, one_line(f"the result is no JSON: {error}"), use)
    if max(size, characters) > limits.result_bytes:  # by characters, the frame has held it back
        return CodeFault(Fault.RESULT, f"the result is more than {limits.result_bytes} bytes of JSON", use)
    use = Use(steps, use.bytes_in, use.bytes_out + size, use.calls, use.cpu_us, use.source_bytes)
    return Ran(result, doors.printed, use)
