"""The files of one run: made once, owned by one process at a time, readable by anyone."""

import errno
import fcntl
import os
import shutil
from importlib.metadata import version
from pathlib import Path
from typing import IO

from ecology import scenarios
from ecology.core.errors import EcologyError, RunFault, UsageError
from ecology.scenarios import Scenario

LATEST = "latest"
CONFIG = "run.yaml"
LOCK = "lock"


class RunDirectory:
    """Paths of a run, and the lock that says a process is at work on it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.database = path / "ecology.sqlite"
        self.archive = path / "archive.git"
        self.config = path / CONFIG
        self.memory = path / "memory"
        self.export = path / "events.jsonl.zst"
        self.summary = path / "summary.json"
        self.report = path / "report.html"
        self.crashes = path / "crashes.log"
        self._lock: IO[str] | None = None

    @property
    def run_id(self) -> str:
        return self.path.name

    @classmethod
    def create(cls, runs: Path, stamp: str, scenario: Scenario) -> "RunDirectory":
        """A new directory `<utc>-<scenario>-<seed>` and the link `latest` to it; nothing is left of one that failed.

        Raises UsageError for a place where no run can be, RunFault for a full disk.
        """
        base = f"{stamp}-{scenario.name}-{scenario.seed}"
        try:
            runs.mkdir(parents=True, exist_ok=True)
            run = cls(_first_free(runs.resolve(), base))
        except OSError as error:
            raise _unusable(f"cannot make a run directory in {runs}", error) from error
        try:
            run.lock()
            run._configure(scenario)
            run._point_latest()
        except BaseException as error:
            run.remove()
            if isinstance(error, OSError):
                raise _unusable(f"cannot make a run directory in {runs}", error) from error
            raise
        return run

    @classmethod
    def find(cls, named: Path) -> "RunDirectory":
        """An existing run, by its directory (`runs/latest` included). It may not have begun yet: see `begun`."""
        path = named.resolve()
        run = cls(path)
        if not path.is_dir():
            raise UsageError(
                f"{named} is no directory", remedy="give the directory of a run, e.g. runs/latest"
            )
        if not run.config.is_file():
            raise UsageError(
                f"{named} is not a run directory (it has no run.yaml)",
                remedy="give the directory of a run, e.g. runs/latest",
            )
        if not run.begun and (run.archive.exists() or run.export.exists()):
            raise UsageError(
                f"{named} has lost its {run.database.name}",
                remedy="put it back from a backup; events.jsonl.zst and archive.git, where they are there, are whole",
            )
        return run

    @property
    def begun(self) -> bool:
        """Whether there is a database: not if a process was killed while it made the directory."""
        return self.database.is_file()

    @property
    def has_results(self) -> bool:
        """Whether export, summary and report are all there."""
        return all(path.is_file() for path in (self.export, self.summary, self.report))

    def require_begun(self) -> None:
        """Raises UsageError if there is nothing to look at yet."""
        if not self.begun:
            raise UsageError(
                f"{self.path} has not begun", remedy=f"begin it with: ecology run --resume {self.path}"
            )

    def scenario(self) -> Scenario:
        """The resolved configuration of the run."""
        return scenarios.load(self.config)

    def lock(self) -> None:
        """Become the one process at work on this run; the lock dies with the process.

        Raises UsageError if another one is, or if nothing can be written here.
        """
        try:
            handle = (self.path / LOCK).open("a+")
        except OSError as error:
            raise _unusable(f"cannot work in {self.path}", error) from error
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            handle.close()
            raise UsageError(
                f"another process is at work on {self.path}", remedy="wait for it to end, or stop it"
            ) from error
        self._lock = handle

    def unlock(self) -> None:
        """Let others at it."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def remove(self) -> None:
        """Delete the directory of a run that could not even begin."""
        self.unlock()
        shutil.rmtree(self.path)

    def _configure(self, scenario: Scenario) -> None:
        partial = self.config.with_suffix(".partial")
        partial.write_text(_heading(self.run_id) + scenarios.dump(scenario), encoding="utf-8")
        partial.replace(self.config)

    def _point_latest(self) -> None:
        link = self.path.parent / LATEST
        fresh = self.path.parent / f".{LATEST}-{os.getpid()}"
        fresh.unlink(missing_ok=True)
        fresh.symlink_to(self.path.name)
        try:
            fresh.replace(link)
        except OSError:
            fresh.unlink()
            raise


def belongs_to_run(file: Path) -> bool:
    """Whether a scenario's file is what a run keeps: called `run.yaml`, or in the directory of a run."""
    path = file.resolve()
    folder = path.parent
    return path.name == CONFIG or ((folder / CONFIG).is_file() and (folder / LOCK).is_file())


def _unusable(what: str, error: OSError) -> EcologyError:
    """A place that cannot be written: the caller's mistake, unless the disk is full."""
    why = f"{what} ({(error.strerror or str(error)).lower()})"
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return RunFault(why, remedy="free some space")
    return UsageError(why, remedy="name another place with --runs, or change its rights")


def _first_free(runs: Path, base: str) -> Path:
    """Two runs may begin in the same second."""
    for number in range(1, 1000):
        path = runs / (base if number == 1 else f"{base}-{number}")
        try:
            path.mkdir(mode=0o755)
        except FileExistsError:
            continue
        return path
    raise UsageError(f"{runs} already holds a thousand runs of this second", remedy="wait a second")


def _heading(run_id: str) -> str:
    return (
        f"# The whole configuration of run {run_id}, as agent-ecology {version('agent-ecology')} resolved it.\n"
        "# It is a scenario file: `ecology run --scenario run.yaml` repeats the run.\n"
    )
