"""A workload as a child process of ours: under our own limits, and wherever there is no engine."""

import asyncio
import contextlib
import os
import signal
from collections.abc import Mapping, Sequence

from calibrate.errors import CallFault
from calibrate.workloads.spoken import READY_WITHIN_S, SpokenWorkload, begin, to_the_end

ENDS_WITHIN_S = 5.0
PIECE_BYTES = 65_536


async def start_child(
    command: Sequence[str],
    scenario: str,
    *,
    environment: Mapping[str, str] | None = None,
    ready_within_s: float = READY_WITHIN_S,
) -> SpokenWorkload:
    """Start `command`, which must speak as `calibrate.workloads.lines` has it, in a process group of its own.

    Raises `CallFault` if there is no such command and `WorkloadEnded` if it does not become ready.
    """
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=None if environment is None else dict(environment),
            start_new_session=True,
        )
    except OSError as error:
        raise CallFault(f"the workload {command[0]} cannot be started: {error.strerror or error}") from error
    return await begin(ChildPipes(process), scenario, ready_within_s)


class ChildPipes:
    """The pipes of a child that leads a process group."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._pieces: asyncio.Queue[tuple[bool, bytes] | None] = asyncio.Queue(maxsize=16)
        assert process.stdout is not None and process.stderr is not None
        self._pumps = [
            asyncio.create_task(self._pump(False, process.stdout)),
            asyncio.create_task(self._pump(True, process.stderr)),
        ]
        self._open = len(self._pumps)
        self._closing = False

    async def read(self) -> tuple[bool, bytes] | None:
        """The next piece of either pipe; None when both have ended."""
        while self._open:
            piece = await self._pieces.get()
            if piece is not None:
                return piece
            self._open -= 1
        return None

    async def write(self, data: bytes) -> None:
        """To its stdin. Raises BrokenPipeError or ConnectionResetError."""
        assert self._process.stdin is not None
        self._process.stdin.write(data)
        await self._process.stdin.drain()

    async def ending(self) -> str:
        """The exit code or the signal; also when it only closed its pipes."""
        code = await self._wait(ENDS_WITHIN_S)
        if code is None:
            return "it closed its pipes and lives on"
        if code < 0:
            return f"killed by {signal.Signals(-code).name}"
        return f"exit code {code}"

    async def close(self) -> None:
        """End of input, then, five seconds later, SIGKILL for whoever is left of its group."""
        await to_the_end(self._close())

    async def _close(self) -> None:
        self._closing = True
        while not self._pieces.empty():
            self._pieces.get_nowait()
        if self._process.stdin is not None:
            self._process.stdin.close()
        await self._wait(ENDS_WITHIN_S)
        with contextlib.suppress(ProcessLookupError, PermissionError):  # macOS says the latter of zombies
            os.killpg(self._process.pid, signal.SIGKILL)
        await self._wait(ENDS_WITHIN_S)
        # The leader may have ended before: whoever is killed after it lets go of the pipes when it dies.
        await asyncio.wait(self._pumps, timeout=ENDS_WITHIN_S)
        for pump in self._pumps:
            pump.cancel()
        await asyncio.wait(self._pumps)

    async def _wait(self, seconds: float) -> int | None:
        try:
            async with asyncio.timeout(seconds):
                return await self._process.wait()
        except TimeoutError:
            return None

    async def _pump(self, stderr: bool, pipe: asyncio.StreamReader) -> None:
        # Read on while closing: asyncio knows a child as ended only when its pipes are empty.
        while data := await pipe.read(PIECE_BYTES):
            if not self._closing:
                await self._pieces.put((stderr, data))
        if not self._closing:
            await self._pieces.put(None)
