"""One process of `git fast-import`: commits in, a commit id out at each checkpoint.

It runs without `--done`, so that the end of its input, whoever causes it, keeps everything that arrived whole. What
came after the last checkpoint dies with the process if that is killed; the caller replays it from the event log.
"""

import subprocess
from typing import IO, cast

from ecology.observe.archive.commits import MARK
from ecology.observe.archive.repository import Repository

_CHECKPOINT = b"checkpoint\nget-mark %b\n" % MARK
_PIPE_BYTES = 256 * 1024


class StreamBroken(Exception):
    """The process ended by itself; the text is git's last word."""


class Importer:
    """A running `git fast-import`. Every method raises `StreamBroken` once the process is gone."""

    def __init__(self, repository: Repository) -> None:
        self._process = repository.spawn(
            ["fast-import", "--quiet", "--date-format=raw"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=_PIPE_BYTES,
        )
        self._input = cast(IO[bytes], self._process.stdin)
        self._output = cast(IO[bytes], self._process.stdout)
        # Read only once git has died: until then it is silent, and its last words fit into the pipe.
        self._complaints = cast(IO[bytes], self._process.stderr)

    def send(self, commits: bytes) -> None:
        """Hand over whole commands; returns once git has taken all but a pipe's worth of them."""
        try:
            self._input.write(commits)
        except BrokenPipeError:
            raise self._broken() from None

    def checkpoint(self) -> str:
        """Make git write its pack and move the branch; returns the id of the newest commit.

        The answer to `get-mark` comes after the checkpoint before it is done, so it is the confirmation, too.
        """
        try:
            self._input.write(_CHECKPOINT)
            self._input.flush()
        except BrokenPipeError:
            raise self._broken() from None
        answer = self._output.readline()
        if not answer.endswith(b"\n"):
            raise self._broken()
        return answer.decode().strip()

    def close(self) -> None:
        """End the input and wait for the process; everything sent is in the repository then."""
        try:
            self._input.close()
        except BrokenPipeError:
            raise self._broken() from None
        if self._process.wait() != 0:
            raise self._broken()
        self.discard()

    def discard(self) -> None:
        """End the process without caring for what it has not written. Safe to call twice."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        self._output.close()
        self._complaints.close()
        try:
            self._input.close()  # flushes into a pipe that nobody reads
        except BrokenPipeError:
            return

    def _broken(self) -> StreamBroken:
        code = self._process.wait()
        lines = self._complaints.read().decode("utf-8", "replace").strip().splitlines()
        word = next(
            (line for line in reversed(lines) if line.startswith("fatal:")), lines[-1] if lines else ""
        )
        self.discard()
        return StreamBroken(word or f"git fast-import ended with code {code}")
