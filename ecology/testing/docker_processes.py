"""The containers of `docker_stand_in`: processes of this machine, with what an engine knows of them."""

import asyncio
import os
import signal
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any


class ContainerProcess:
    """A command with three pipes, which may be attached to before it is started."""

    def __init__(self, command: Sequence[str], environment: Sequence[str] = ()) -> None:
        self.command = command
        self.environment = dict(line.split("=", 1) for line in environment)
        self.started = asyncio.Event()
        self.process: asyncio.subprocess.Process | None = None
        self._early = b""
        self._ended = False

    async def start(self) -> None:
        """Raises FileNotFoundError."""
        self.process = await asyncio.create_subprocess_exec(
            *self.command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=os.environ | self.environment,
            start_new_session=True,
        )
        self.started.set()
        self.feed_data(b"")

    def feed_data(self, data: bytes) -> tuple[bool, bytes]:
        """Its stdin; a parser to aiohttp, which hands over what follows the upgrade."""
        self._early += data
        stdin = self.process.stdin if self.process is not None else None
        if stdin is not None and not stdin.is_closing():
            stdin.write(self._early)
            self._early = b""
            if self._ended:
                stdin.close()
        return False, b""

    def feed_eof(self) -> None:
        """No more of its stdin."""
        self._ended = True
        self.feed_data(b"")

    def kill(self) -> None:
        """It and its children, as a container ends with its first process."""
        if self.process is not None and self.exit_code is None:
            with suppress(ProcessLookupError):  # it has just ended, and nobody has waited for it yet
                os.killpg(self.process.pid, signal.SIGKILL)

    async def end(self) -> None:
        """Kill it and wait until it is gone."""
        self.kill()
        if self.process is not None:
            await self.process.wait()

    @property
    def exit_code(self) -> int | None:
        """As an engine has it: 128 + the signal for one that was killed."""
        code = None if self.process is None else self.process.returncode
        return 128 - code if code is not None and code < 0 else code


class StandInContainer:
    """A container, made but perhaps not started."""

    def __init__(self, number: int, name: str, config: Mapping[str, Any]) -> None:
        self.id = f"{number:064x}"
        self.name = name
        self.config = config
        self.main = ContainerProcess(config["Cmd"])
        self.oom_killed = False
        self.execs: list[ContainerProcess] = []

    @property
    def running(self) -> bool:
        return self.main.process is not None and self.main.exit_code is None

    def kill(self) -> None:
        for process in (self.main, *self.execs):
            process.kill()

    async def end(self) -> None:
        for process in (self.main, *self.execs):
            await process.end()

    def described(self) -> dict[str, Any]:
        """As `/containers/{id}/json` has it."""
        return {
            "Id": self.id,
            "Name": f"/{self.name}",
            "Image": "sha256:" + "5" * 64,
            "Config": {"Image": self.config["Image"], "Labels": self.config.get("Labels", {}), "Tty": False},
            "HostConfig": self.config.get("HostConfig", {}),
            "State": {
                "Running": self.running,
                "ExitCode": self.main.exit_code or 0,
                "OOMKilled": self.oom_killed,
            },
        }
