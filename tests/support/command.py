"""The command: as a process of its own, or called inside this one where only its words and its code matter."""

import contextlib
import io
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from unittest import mock

from ecology.cli.commands import exit_code

PATIENCE_S = 120
"""Longer than any of these commands takes; a hang fails instead of blocking."""


class Finished(NamedTuple):
    """How a command ended. `seconds` is for people to read, never to assert on closely."""

    code: int
    out: str
    err: str
    seconds: float

    @property
    def complaint(self) -> str:
        """What a failed command said: exactly one line, and no traceback."""
        lines = self.err.splitlines()
        assert len(lines) == 1, f"exit {self.code}, stderr is not one line:\n{self.err}"
        assert lines[0].startswith("ecology: "), lines[0]
        return lines[0].removeprefix("ecology: ")


def environment(**variables: str) -> dict[str, str]:
    """This process's environment without what would change the command's behaviour, and `variables`."""
    noise = ("ECOLOGY_", "NO_COLOR", "FORCE_COLOR", "CLICOLOR", "COLUMNS", "PYTHONHASHSEED", "TERM")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(noise)}
    return kept | variables


def start(*arguments: str | Path, cwd: Path, **variables: str) -> subprocess.Popen[str]:
    """Start `ecology` with those arguments in a process group of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "ecology", *map(str, arguments)],
        cwd=cwd,
        env=environment(**variables),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def finish(process: subprocess.Popen[str], patience_s: float = PATIENCE_S) -> Finished:
    """Wait for a started command."""
    began = time.monotonic()
    try:
        out, err = process.communicate(timeout=patience_s)
    except subprocess.TimeoutExpired:
        process.kill()
        raise
    return Finished(process.returncode, out, err, time.monotonic() - began)


def ecology(*arguments: str | Path, cwd: Path, **variables: str) -> Finished:
    """Run `ecology` with those arguments to its end."""
    return finish(start(*arguments, cwd=cwd, **variables))


def called(*arguments: str | Path, cwd: Path) -> Finished:
    """The same inside this process: no start of an interpreter to wait for."""
    out, err = io.StringIO(), io.StringIO()
    began = time.monotonic()
    with (
        mock.patch.object(sys, "argv", ["ecology", *map(str, arguments)]),
        mock.patch.dict(os.environ, environment(), clear=True),
        contextlib.chdir(cwd),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        code = exit_code()
    return Finished(code, out.getvalue(), err.getvalue(), time.monotonic() - began)


@contextlib.contextmanager
def started(*arguments: str | Path, cwd: Path, **variables: str) -> Iterator[subprocess.Popen[str]]:
    """A started command that does not outlive the test."""
    process = start(*arguments, cwd=cwd, **variables)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate(timeout=PATIENCE_S)
