"""A server that ends, and leaves nothing behind, when the process that wanted it does, however that one ends.

The server is the child of a keeper: this file, run as a program, which needs the standard library only. The keeper's
input comes from its owner; its end is the owner's end. It has a session of its own, so that what ends a whole group of
processes (Ctrl-C) leaves it to the owner to say when.
"""

import ctypes
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

KEEP = b"keep"
PATIENCE_S = 5
"""How long a server may take to end by itself."""
PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
_DELETIONS = 100
_DELETION_S = 0.02


class Account(NamedTuple):
    """The user that a server runs as, where that is not our own."""

    user: int
    group: int


class KeptServer:
    """A running server process; `folder` is its own and is deleted with it."""

    def __init__(
        self, command: list[str], folder: Path, *, end: signal.Signals, account: Account | None = None
    ) -> None:
        """Start `command` in `folder`, where `log` takes what it says. Raises OSError if it does not start."""
        self._folder = folder
        user, group = account or ("", "")
        self._keeper = subprocess.Popen(
            [
                *(sys.executable, "-I", "-S", __file__),
                *(str(int(end)), str(user), str(group), str(folder), *command),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        assert self._keeper.stdout is not None
        told = self._keeper.stdout.readline().decode().strip()
        if not told.isdigit():
            self.end()
            raise OSError(told or "it ended at once")
        self.pid = int(told)
        os.set_blocking(self._keeper.stdout.fileno(), False)

    def running(self) -> bool:
        """Whether the server has not ended by itself."""
        assert self._keeper.stdout is not None
        return self._keeper.stdout.read() is None  # it says nothing more, and closes it at the server's end

    def end(self, *, keep: bool = False) -> None:
        """End the server and delete its folder, unless it is to be kept. Returns when that is done."""
        self._keeper.communicate(KEEP if keep else b"")
        if not keep:
            shutil.rmtree(self._folder, ignore_errors=True)  # should the keeper have been killed


def _keep(end: int, user: str, group: str, folder: Path, command: list[str]) -> None:
    """Run the server until our input ends, then end it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    server: subprocess.Popen[bytes] | None = None
    try:
        server = _started(end, user, group, folder, command)
    except (OSError, subprocess.SubprocessError) as error:
        _tell(str(error))
    else:
        _tell(str(server.pid))
        threading.Thread(target=_report, args=(server,), daemon=True).start()
    kept = sys.stdin.buffer.read() == KEEP
    if server is not None:
        _end(server, end)
    if not kept:
        _delete(folder)


def _end(server: "subprocess.Popen[bytes]", end: int) -> None:
    """End the server, and with it all that it started."""
    with suppress(ProcessLookupError):
        os.killpg(server.pid, end)
    with suppress(subprocess.TimeoutExpired):  # it is stopped, or stuck
        server.wait(PATIENCE_S)
    with suppress(ProcessLookupError):
        os.killpg(server.pid, signal.SIGKILL)
    server.wait()
    # What has a session of its own, as PostgreSQL's processes do, is our child now.
    children = Path(f"/proc/self/task/{os.getpid()}/children")
    while children.exists() and (orphans := children.read_text().split()):
        for orphan in orphans:
            os.kill(int(orphan), signal.SIGKILL)
        os.waitpid(-1, 0)


def _delete(folder: Path) -> None:
    """Delete the folder, also while one of those that were killed still makes its last file."""
    for _ in range(_DELETIONS):
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            return
        time.sleep(_DELETION_S)


def _started(end: int, user: str, group: str, folder: Path, command: list[str]) -> "subprocess.Popen[bytes]":
    keeper = os.getpid()
    system = ctypes.CDLL(None)
    if sys.platform == "linux":
        system.prctl(PR_SET_CHILD_SUBREAPER, 1)

    def die_with_keeper() -> None:
        if sys.platform == "linux":  # elsewhere nothing ends the server should the keeper itself be killed
            system.prctl(PR_SET_PDEATHSIG, end)
            if os.getppid() != keeper:
                os._exit(1)

    with (folder / "log").open("ab") as log:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            user=int(user) if user else None,
            group=int(group) if group else None,
            extra_groups=[] if user else None,
            start_new_session=True,  # a group of its own, to be ended as one
            preexec_fn=die_with_keeper,  # noqa: PLW1509 (the keeper has no other thread yet)
            cwd=folder,
        )


def _tell(line: str) -> None:
    with suppress(BrokenPipeError):  # it is gone already
        os.write(1, f"{line}\n".encode())


def _report(server: "subprocess.Popen[bytes]") -> None:
    """Tell the owner, by closing our output, that the server ended."""
    server.wait()
    os.close(1)


if __name__ == "__main__":
    _keep(int(sys.argv[1]), sys.argv[2], sys.argv[3], Path(sys.argv[4]), sys.argv[5:])
