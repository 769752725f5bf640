"""The pipes of workloads in containers: one connection to the engine each, and how what is behind it ends."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TypeVar

import aiodocker
import aiohttp
from aiodocker.containers import DockerContainer
from aiodocker.execs import Exec
from aiodocker.stream import Stream

from calibrate.docker.containers import Container, inspect, remove
from calibrate.docker.engine import ANSWERS_WITHIN_S, Engine, faults
from calibrate.errors import CalibrationFault
from calibrate.workloads.spoken import to_the_end

ENDS_WITHIN_S = 5.0
"""What ends by itself has ended by then."""
KILLED_WITHIN_S = 5.0
"""What is killed is gone by then."""
MARK = "ECOLOGY_CALIBRATION"
"""In the environment of an exec'ed workload and so of its children: by it they are found inside the container."""
KILL_MARKED = (
    "for e in /proc/[0-9]*/environ; do "
    'if grep -qF "$1" "$e" 2>/dev/null; then p=${e#/proc/}; kill -KILL "${p%/environ}"; fi; done'
)

T = TypeVar("T")


class StreamPipes:
    """The three pipes of something that the engine started, in one connection."""

    def __init__(self, engine: Engine, stream: Stream) -> None:
        self._engine = engine
        self._stream = stream

    async def open(self) -> None:
        """Open the connection, which for an exec also starts it."""
        with faults(self._engine.address):
            async with asyncio.timeout(ANSWERS_WITHIN_S):
                await self._stream.__aenter__()

    async def read(self) -> tuple[bool, bytes] | None:
        """The next piece; a connection that breaks is an end like any other, and `ending` asks what is behind it."""
        try:
            message = await self._stream.read_out()
        except (aiohttp.ClientError, OSError):
            return None
        return None if message is None else (message.stream == 2, message.data)

    async def write(self, data: bytes) -> None:
        """To its stdin. Raises OSError."""
        try:
            await self._stream.write_in(data)
        except (aiohttp.ClientError, RuntimeError, AssertionError) as error:  # closed, in aiodocker's words
            raise BrokenPipeError(str(error)) from error

    async def _hang_up(self) -> None:
        with suppress(
            AssertionError, aiohttp.ClientError, OSError
        ):  # aiodocker asserts that it is connected still
            await self._stream.close()


class ContainerPipes(StreamPipes):
    """Of the one process that a fresh container is for; closing them removes the container."""

    def __init__(self, engine: Engine, made: DockerContainer, stream: Stream) -> None:
        super().__init__(engine, stream)
        self._made = made
        self._closed = False

    async def ending(self) -> str:
        """How the container ended."""

        async def ended() -> str | None:
            now = await inspect(self._engine, self._made.id)
            if now is None:
                return "its container was removed"
            return None if now.running else f"its container {now.ending}"

        return await _before_long(ended, ENDS_WITHIN_S) or "its connection broke, and its container runs on"

    async def close(self) -> None:
        """Remove the container, running or not, and its volume."""
        await to_the_end(self._close())

    async def _close(self) -> None:
        if self._closed:
            return
        await self._hang_up()
        with faults(self._engine.address):
            await remove(self._made)
        self._closed = True


class ExecPipes(StreamPipes):
    """Of a process in a container that is not ours; closing them ends the process."""

    def __init__(self, engine: Engine, container: Container, made: Exec, mark: str) -> None:
        super().__init__(engine, made.start())
        self._container = container
        self._exec = made
        self._mark = mark

    async def exit_code(self) -> int | None:
        """Its exit code; None while it runs, and when its container is gone."""
        try:
            return int((await self._exec.inspect())["ExitCode"])
        except (aiodocker.DockerError, TypeError):
            return None

    async def ending(self) -> str:
        """How the process ended, or its container."""

        async def ended() -> str | None:
            now = await inspect(self._engine, self._container.id)
            if now is None:
                return f"container {self._container.name} was removed"
            if not now.running:
                return f"container {self._container.name} {now.ending}"
            code = await self.exit_code()
            if code is None:
                return None
            return f"exit code {code}" + (", out of memory" if code == 137 and now.oom_killed else "")

        return await _before_long(ended, ENDS_WITHIN_S) or "its connection broke, and it runs on"

    async def close(self) -> None:
        """Close its stdin, which ends it; five seconds later kill it and its children inside the container."""
        await to_the_end(self._close())

    async def _close(self) -> None:
        await self._hang_up()
        over = await _before_long(self._over, ENDS_WITHIN_S)
        with faults(self._engine.address):
            try:
                # Children may outlive it, or it may not have seen that its stdin ended.
                here = self._engine.docker.containers.container(self._container.id)
                killer = await here.exec(("sh", "-c", KILL_MARKED, "sh", self._mark))
                async with asyncio.timeout(ANSWERS_WITHIN_S):
                    await killer.start(detach=True)
            except aiodocker.DockerError as error:
                if error.status == 900:
                    raise  # of any other: the container is gone, or has no shell; what counts is what is left
        if not over and not await _before_long(self._over, KILLED_WITHIN_S):
            raise CalibrationFault(
                f"the workload in container {self._container.name} could not be ended",
                remedy=f"docker restart {self._container.name}",
            )

    async def _over(self) -> bool:
        with faults(self._engine.address):
            try:
                return not (await self._exec.inspect())["Running"]
            except aiodocker.DockerError as error:
                if error.status in (404, 409):  # the container is gone, or does not run any more
                    return True
                raise


async def _before_long(look: Callable[[], Awaitable[T]], within_s: float) -> T | None:
    """What `look` gives as soon as it is something; None if it never is."""
    with suppress(TimeoutError):
        async with asyncio.timeout(within_s):
            while True:
                if seen := await look():
                    return seen
                await asyncio.sleep(0.05)
    return None
