"""The git directory of the archive: made, taken over after a crash, packed. All calls of git go through here.

Plain `git` rather than a library: see docs/adr/0006-archive.md.
"""

import fcntl
import os
import re
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from ecology.core.clock import MILLISECOND_NS, host_ns
from ecology.core.errors import ArchiveFault
from ecology.observe.archive.commits import BRANCH, cursor_of

ARCHIVE = "archive.git"
OLDEST_GIT = (2, 32)
LOCK_WAIT_MS = 30_000
_LOCK_NAME = "archivist"
_LOOK_MS = 20

# Nothing of the user's or the system's settings may reach the archive: not their hooks, filters, hashes or tidying.
# All that is written is flushed before the next thing that refers to it (git >= 2.36; older ones flush packs only).
_SETTINGS = {
    "core.fsync": "all",
    "core.logAllRefUpdates": "false",
    "fastimport.unpackLimit": "1",  # always a pack: thousands of loose files per checkpoint are slower
    "gc.auto": "0",
    "init.defaultBranch": BRANCH.removeprefix("refs/heads/"),
    "repack.writeBitmaps": "false",
}

Pause = Callable[[int], None]
"""Waits so many milliseconds, attending to whatever the process has to attend to; may raise to give up the work."""


class Head(msgspec.Struct, frozen=True):
    """The newest commit: its id, its text as `git cat-file commit` prints it, and the event whose change it is."""

    commit: str
    text: bytes
    sequence: int


def environment() -> dict[str, str]:
    """What git gets to see of the environment: where programs are, and nothing of git's own variables."""
    kept = {
        name: value for name, value in os.environ.items() if name in ("PATH", "TMPDIR", "LD_LIBRARY_PATH")
    }
    return kept | {
        "LC_ALL": "C",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_SYSTEM": os.devnull,
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_DEFAULT_HASH": "sha1",
        "GIT_DEFAULT_REF_FORMAT": "files",
    }


class Repository:
    """`archive.git`. Reading needs nothing; whoever writes holds `taken`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock: int | None = None
        self._flushed: set[str] = set()

    def spawn(
        self,
        arguments: list[str],
        *,
        stdin: int = subprocess.DEVNULL,
        stdout: int = subprocess.PIPE,
        stderr: int = subprocess.PIPE,
        bufsize: int = -1,
    ) -> "subprocess.Popen[bytes]":
        """Start git on this repository. It inherits the lock, which so outlives this process if need be."""
        settings = [word for name, value in _SETTINGS.items() for word in ("-c", f"{name}={value}")]
        try:
            return subprocess.Popen(
                ["git", f"--git-dir={self.path}", *settings, *arguments],
                stdin=stdin,
                stdout=stdout,
                stderr=stderr,
                bufsize=bufsize,
                env=environment(),
                pass_fds=() if self._lock is None else (self._lock,),
            )
        except FileNotFoundError:
            raise ArchiveFault("git is not installed", remedy="install git and start again") from None

    def git(self, *arguments: str) -> bytes:
        """The output of a git command. Raises `ArchiveFault` if it fails or complains."""
        process = self.spawn(list(arguments))
        output, complaint = process.communicate()
        if process.returncode != 0 or complaint:
            raise self.damaged(complaint.decode("utf-8", "replace"))
        return output

    def require_git(self) -> str:
        """The version of git. Raises `ArchiveFault` if there is none, or one that is too old for the archive."""
        said = self.git("version").decode().strip()
        found = re.search(r"(\d+)\.(\d+)\S*", said)
        if found is None or (int(found[1]), int(found[2])) < OLDEST_GIT:
            wanted = ".".join(map(str, OLDEST_GIT))
            raise ArchiveFault(f"{said} is too old for the archive", remedy=f"install git {wanted} or newer")
        return found[0]

    def damaged(self, complaint: str) -> ArchiveFault:
        """The fault for what git said about the repository."""
        lines = [line for line in complaint.strip().splitlines() if not line.startswith("hint:")]
        return ArchiveFault(
            f"{self.path} cannot be used ({lines[-1] if lines else 'git gave no reason'})",
            remedy="free the disk if it is full, otherwise put the archive back from a backup",
        )

    def head(self) -> Head | None:
        """The newest commit; None for an empty archive, or one that a killed process had only begun to make."""
        if self.path.exists() and not self.path.is_dir():
            raise self.damaged("it is not a directory")
        if not (self.path / "objects" / "pack").is_dir():  # `git init` makes it last
            return None
        commit = self.git("for-each-ref", "--format=%(objectname)", BRANCH).decode().strip()
        if not commit:
            return None
        text = self.git("cat-file", "commit", commit)
        sequence = cursor_of(text)
        if sequence is None:
            raise self.damaged("its newest commit was not made by the archivist")
        return Head(commit, text, sequence)

    @contextmanager
    def taken(self, pause: Pause) -> Iterator[None]:
        """Hold the repository for writing: made if it is missing, and swept clean of what a killed writer left.

        A predecessor's last git process may still be writing what it got; we wait for it.
        """
        try:
            self.path.mkdir(mode=0o700, exist_ok=True)
            lock = os.open(self.path / _LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise self.damaged(str(error)) from error
        try:
            self._wait_for(lock, pause)
            self._lock = lock
            self.require_git()
            self.sweep()
            self.git("init", "--quiet", "--bare", "--template=")
            self.git("config", "gc.auto", "0")  # for the person who works in it
            self._flushed = {path.name for path in self._packs()}
            yield
        finally:
            self._lock = None
            os.close(lock)

    def sweep(self) -> None:
        """Remove what a killed git leaves: lock files, half-written packs, its own marks on packs, crash reports.

        Only the holder of the lock may, and only while no git of its own is running.
        """
        for path in list(self.path.rglob("*")):
            name = path.name
            if path.is_file() and (
                name.endswith(".lock")
                or name.startswith(("tmp_", ".tmp-", "fast_import_crash_"))
                or (name.endswith(".keep") and path.read_bytes().startswith(b"fast-import"))
            ):
                path.unlink()

    def flush(self, commit: str) -> None:
        """Make a confirmed checkpoint survive a power failure. The branch must be at `commit`, or `ArchiveFault`."""
        branch = self.path / BRANCH
        try:
            now_at = branch.read_text().strip()
        except OSError as error:
            raise self.damaged(str(error)) from error
        if now_at != commit:
            raise self.damaged(f"{BRANCH} is at {now_at}, not at {commit}")
        fresh = [path for path in self._packs() if path.name not in self._flushed]
        for path in (*fresh, self.path / "objects" / "pack", branch, branch.parent):
            _flush(path)
        self._flushed.update(path.name for path in fresh)

    def pack_count(self) -> int:
        """How many packs there are."""
        return sum(path.suffix == ".pack" for path in self._packs())

    def consolidate(self, pause: Pause) -> None:
        """Put small packs together, cheaply: each object is copied a logarithmic number of times over a run."""
        self._work(
            pause, "-c", "pack.threads=1", "-c", "pack.window=0", "repack", "--geometric=2", "-d", "-q"
        )

    def finalise(self, pause: Pause) -> None:
        """One pack, and a graph with the changed paths of each commit: `git log -- path` is quick from now on.

        Git's own window of 10 takes twice as long for 3 % less: revisions of one path stand next to each other.
        """
        self._work(pause, "-c", "pack.window=4", "repack", "-a", "-d", "-q")
        self._work(pause, "commit-graph", "write", "--reachable", "--changed-paths", "--no-progress")

    def _work(self, pause: Pause, *arguments: str) -> None:
        """A long command, ended early if `pause` raises."""
        with self.spawn(list(arguments), stdout=subprocess.DEVNULL) as process:
            try:
                pause(0)  # heard even when the command is over before the first look
                while process.poll() is None:
                    pause(_LOOK_MS)
            except BaseException:
                process.kill()
                raise
            assert process.stderr is not None, "started with a pipe"
            complaint = process.stderr.read().decode("utf-8", "replace")
        if process.returncode != 0:
            raise self.damaged(complaint)

    def _packs(self) -> list[Path]:
        return sorted((self.path / "objects" / "pack").glob("pack-*"))

    def _wait_for(self, lock: int, pause: Pause) -> None:
        deadline_ns = host_ns() + LOCK_WAIT_MS * MILLISECOND_NS
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except BlockingIOError:
                if host_ns() >= deadline_ns:
                    raise ArchiveFault(
                        f"{self.path} is being written by another process", remedy="end that run first"
                    ) from None
            pause(_LOOK_MS)


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
