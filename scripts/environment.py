"""The checkout's own Python environment, made and kept current on demand.

`run.py` and `test.py` beside this file `ensure` it and `become` the command that was asked for. Only the standard
library is used, and the text parses on Python 3.6, so that an old interpreter gets a sentence and not a SyntaxError
(hence the quoted annotations).

What a folder `.venv` means is told by its marker file:

    no folder                 made from nothing
    marker names the lock     current: the command starts at once
    marker names another      brought up to date in place
    marker says "unfinished"  an earlier set-up was interrupted: made again, quickly, from pip's cache
    no marker                 somebody else's environment: added to, never thrown away
"""

import contextlib
import hashlib
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OLDEST_PYTHON = (3, 11)
RUN_LOCK = "requirements.lock"
TEST_LOCK = "requirements-dev.lock"
UNFINISHED = "unfinished"

_PACKAGE = re.compile(
    r"(?:Collecting|Processing|Requirement already satisfied:) (?:\S*/)?([\w.-]+?)(?:==|-\d|\s)"
)
_UNREACHABLE = re.compile(r"ConnectionError|NameResolutionError|Timeout|ProxyError|\(from versions: none\)")


class SetupError(Exception):
    """The environment cannot be made; the text is the one line that the user gets."""


def ensure(lock_name: str, *, root: Path = ROOT) -> "Environment":
    """The environment with all that `lock_name` pins, or the end of this process with one line that says why not.

    Exit codes: 1 when the environment cannot be made, 2 for an unsuitable Python, 130 when interrupted.
    """
    complaint = unsuitable_python()
    if complaint:
        _say(complaint)
        sys.exit(2)
    environment = Environment(root)
    try:
        environment.prepare(lock_name)
    except SetupError as error:
        _say(f"Set-up failed: {error}")
        sys.exit(1)
    except OSError as error:
        _say(f"Set-up failed: {error.strerror}: {error.filename}")
        sys.exit(1)
    except KeyboardInterrupt:
        _say("\nSet-up interrupted; the same command makes it again.")
        sys.exit(130)
    return environment


def unsuitable_python(version: "tuple[int, ...]" = tuple(sys.version_info[:2])) -> str:
    """The sentence for a Python that cannot be used, or an empty one."""
    if version < OLDEST_PYTHON:
        newer = _newer_python()
        remedy = f"run `{newer} {sys.argv[0]}` instead" if newer else "install one and run this with it"
        return f"Agent Ecology needs Python {_dotted(OLDEST_PYTHON)} or newer, this is {_dotted(version)}; {remedy}."
    if importlib.util.find_spec("venv") is None or importlib.util.find_spec("ensurepip") is None:
        return (
            "This Python cannot make virtual environments (no venv or ensurepip); on Debian and Ubuntu "
            "`apt install python3-venv` mends that, elsewhere a Python from python.org does."
        )
    return ""


def _newer_python() -> "str | None":
    for minor in range(15, OLDEST_PYTHON[1] - 1, -1):
        name = f"python3.{minor}"
        if shutil.which(name) and _run([name, "-V"]).returncode == 0:  # may be a version manager's empty shim
            return name
    return None


def _run(command: "list[str]") -> "subprocess.CompletedProcess[str]":
    return subprocess.run(  # `capture_output` and `text` are younger than the Pythons that must get their sentence
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        check=False,
    )


class Environment:
    """`.venv` below `root`; see the module's docstring for its states."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.folder = root / ".venv"
        self.marker = self.folder / "agent-ecology.json"
        self.log = self.folder / "setup.log"

    def program(self, name: str) -> Path:
        """Where the environment keeps the program `name`."""
        return self.folder / "Scripts" / f"{name}.exe" if os.name == "nt" else self.folder / "bin" / name

    def become(self, program: str, arguments: "list[str]") -> None:
        """Replace this process by a program of the environment; never returns."""
        path = str(self.program(program))
        if os.name == "nt":  # exec on Windows detaches from the console before the child has finished
            sys.exit(subprocess.call([path, *arguments]))
        os.execv(path, [path, *arguments])

    def prepare(self, lock_name: str) -> None:
        """Install what `lock_name` pins, and the project itself as an editable install, unless that was done."""
        if self._is_current(lock_name):
            return
        with _only_one(self.root / ".venv.lock") as lock_fd:
            if not self._is_current(lock_name):  # another process may have done it while this one waited
                self._set_up(lock_name, lock_fd)

    def _set_up(self, lock_name: str, lock_fd: int) -> None:
        started = time.monotonic()
        installed = self._installed()
        if UNFINISHED in installed:
            shutil.rmtree(self.folder)
            installed = {}
        if not self.folder.exists():
            _say("Setting up Python packages in .venv (once; a minute or two) ...")
            self._record({UNFINISHED: lock_name})
            self._create()
        elif not self._works():
            raise SetupError(
                f".venv has no Python {_dotted(OLDEST_PYTHON)} or newer; move it away and run again"
            )
        else:
            _say(f"Bringing .venv up to date with {lock_name} ...")
            if installed:
                self._record({UNFINISHED: lock_name})
        lock = self.root / lock_name
        self._pip(["--require-hashes", "--progress-bar", "off", "--requirement", str(lock)], lock, lock_fd)
        # The lock has the build backend, so installing the project itself needs no network and no second room.
        editable = ["--no-index", "--no-deps", "--no-build-isolation", "--editable", str(self.root)]
        self._pip(editable, None, lock_fd)
        # The test lock contains the run lock pin for pin (a test sees to it): either command finds its own.
        done = [RUN_LOCK, TEST_LOCK] if lock_name == TEST_LOCK else [RUN_LOCK]
        self._record({name: self._digest(name) for name in done})
        _say(f"Ready after {time.monotonic() - started:.0f} s.")

    def _is_current(self, lock_name: str) -> bool:
        return self._installed().get(lock_name) == self._digest(lock_name) and self._works()

    def _works(self) -> bool:
        """Whether a suitable interpreter is there: a `.venv` whose base Python was removed is a dangling link."""
        config = self.folder / "pyvenv.cfg"
        if not (self.program("python").exists() and config.exists()):
            return False
        version = re.search(r"^version(?:_info)? *= *(\d+)\.(\d+)", config.read_text("utf-8"), re.MULTILINE)
        return version is not None and (int(version[1]), int(version[2])) >= OLDEST_PYTHON

    def _digest(self, lock_name: str) -> str:
        """Changes with the lock, the project's metadata and the checkout's place, which entry points contain."""
        digest = hashlib.sha256(str(self.root).encode("utf-8"))
        for name in (lock_name, "pyproject.toml"):
            digest.update((self.root / name).read_bytes())
        return digest.hexdigest()

    def _installed(self) -> "dict[str, str]":
        try:
            return dict(json.loads(self.marker.read_text("utf-8")))
        except (FileNotFoundError, NotADirectoryError):
            return {}

    def _record(self, entries: "dict[str, str]") -> None:
        self.folder.mkdir(exist_ok=True)
        fresh = self.marker.with_suffix(".new")  # replaced in one step: a marker is never half written
        fresh.write_text(json.dumps(entries) + "\n", "utf-8")
        fresh.replace(self.marker)

    def _create(self) -> None:
        made = _run([sys.executable, "-m", "venv", str(self.folder)])
        if made.returncode != 0:
            raise SetupError(f"python -m venv: {(made.stdout.strip().splitlines() or ['no output'])[-1]}")

    def _pip(self, arguments: "list[str]", lock: "Path | None", lock_fd: int) -> None:
        """Run the environment's `pip install`, showing how far through `lock` it is; its output goes to the log."""
        python = str(self.program("python"))
        command = [python, "-m", "pip", "--disable-pip-version-check", "--no-input", "install", *arguments]
        pip = subprocess.Popen(
            command,
            cwd=str(self.root),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            # pip inherits the lock: should this process be killed, nobody else starts before its pip is gone.
            pass_fds=() if os.name == "nt" else (lock_fd,),
        )
        assert pip.stdout is not None
        total = _pins(lock) if lock else 0
        output = []
        seen = 0
        with self.log.open("a", encoding="utf-8") as log:
            for line in pip.stdout:
                log.write(line)
                output.append(line)
                package = _PACKAGE.match(line)
                if package and total:
                    seen += 1
                    _progress(f"  {seen}/{total} {package[1]}")
                elif line.startswith("Installing collected packages"):
                    _progress("  installing")
        _progress("")
        if pip.wait() != 0:
            raise SetupError(_diagnosis("".join(output), self.log))


def _pins(lock: Path) -> int:
    return len(re.findall(r"^[A-Za-z0-9]", lock.read_text("utf-8"), re.MULTILINE))


def _diagnosis(output: str, log: Path) -> str:
    """What pip's failure means and what mends it, as one line."""
    if _UNREACHABLE.search(output):
        return "the package index cannot be reached; check network and proxy, then run the same command again"
    if "DO NOT MATCH THE HASHES" in output:
        return f"a downloaded package is not the one that the lock file pins, and was not installed ({log})"
    if "No space left on device" in output:
        return "the disk is full; free about 500 MB and run the same command again"
    errors = [line for line in output.splitlines() if line.startswith("ERROR:")] or output.splitlines()[-1:]
    return f"pip: {errors[-1][:200] if errors else 'no output'} (all it said: {log})"


def _dotted(version: "tuple[int, ...]") -> str:
    return ".".join(map(str, version))


def _say(line: str) -> None:
    """Talk goes to stderr: stdout belongs to the command that is about to run."""
    print(line, file=sys.stderr, flush=True)


def _progress(text: str) -> None:
    """Overwrite the current line of a terminal (an empty text clears it); elsewhere stay silent."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\x1b[K{text[: shutil.get_terminal_size().columns - 1]}")
        sys.stderr.flush()


@contextlib.contextmanager
def _only_one(path: Path) -> "Iterator[int]":
    """Hold the lock file; the operating system lets go of it when its holders are gone, however they went."""
    with path.open("a+b") as file:
        try:
            _take(file.fileno(), wait=False)
        except OSError:
            _say("Another set-up of this checkout is under way; waiting for it ...")
            _take(file.fileno(), wait=True)
        yield file.fileno()


if sys.platform == "win32":
    import msvcrt

    def _take(fd: int, *, wait: bool) -> None:
        while True:
            try:
                msvcrt.locking(fd, msvcrt.LK_NBLCK, 1)
                return
            except OSError:
                if not wait:
                    raise
                time.sleep(0.2)
else:
    import fcntl

    def _take(fd: int, *, wait: bool) -> None:
        fcntl.flock(fd, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)


if __name__ == "__main__":
    ensure(TEST_LOCK)
