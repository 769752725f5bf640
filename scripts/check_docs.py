"""Runs every command that the documents show, in the order in which a reader meets them.

Each document gets a fresh folder, so that its commands share `runs/` as they would on a reader's disk. In fenced blocks
marked `console` (lines after `$ `) or `bash` (every line), what happens to a command depends on its first word:

    ecology ...               runs here, and must exit 0 or with the code that ends its line as `# exit 1`
    python3 scripts/run.py    the same as `ecology run`: the environment is there already
    python3 scripts/...       other scripts must exist; suites and benchmarks are not started from here
    make TARGET ...           the targets must be in the Makefile
    export NAME=VALUE         holds for the rest of the document
    cd, git clone             set the stage and are passed over
    anything else             an error, unless the block says that it is not run, and why

A comment on the line before a block says what it needs:

    <!-- needs: model-server -->    a scripted model stands in for the one at the block's `--llm-url`
    <!-- not-run: REASON -->        for a reader's machine only; counted, never silently skipped
    <!-- file: NAME -->             the block is the text of a file that later commands use
"""

import argparse
import contextlib
import os
import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TIME_LIMIT_S = 300
STAGE = ("cd ", "git clone ")

_FENCE = re.compile(r"(?P<indent> *)```(?P<language>\w*)")
_COMMENT = re.compile(r"\s*<!-- *(?P<key>needs|not-run|file): *(?P<value>.+?) *-->\s*")
_EXIT_CODE = re.compile(r"#.*\bexit (\d+)\b.*$")


class DocsError(Exception):
    """A document is wrong; the text starts with file and line."""


@dataclass(frozen=True)
class Block:
    """One fenced block: the line of its fence, its language, its note (key, value) and its text."""

    document: str
    line: int
    language: str
    note: tuple[str, str]
    lines: tuple[str, ...]

    def commands(self) -> list[tuple[int, str]]:
        """The commands with their line numbers; continuation lines are joined, output and comments left out."""
        found: list[tuple[int, str]] = []
        open_command = False
        for number, raw in enumerate(self.lines, self.line + 1):
            text = raw.strip()
            if open_command:
                start, so_far = found.pop()
                text = f"{so_far} {text.removeprefix('> ')}"
            elif self.language == "console" and text.startswith("$ "):
                start, text = number, text.removeprefix("$ ")
            elif self.language in ("bash", "sh") and text and not text.startswith("#"):
                start = number
            else:
                continue
            open_command = text.endswith("\\")
            found.append((start, text.removesuffix("\\").rstrip()))
        return found


@dataclass
class Tally:
    """What happened to a document's commands."""

    ran: int = 0
    present: int = 0
    not_run: list[str] = field(default_factory=list)


def blocks(document: str, text: str) -> Iterator[Block]:
    """The fenced blocks of a Markdown text; an unclosed one is an error."""
    note = ("", "")
    opened: tuple[int, str, str] | None = None
    body: list[str] = []
    for number, line in enumerate(text.splitlines(), 1):
        fence = _FENCE.match(line)
        if opened is not None:
            if line.strip() == "```":
                yield Block(document, opened[0], opened[1], note, tuple(body))
                opened, note, body = None, ("", ""), []
            else:
                body.append(line.removeprefix(opened[2]))
        elif fence:
            opened = (number, fence["language"], fence["indent"])
        elif comment := _COMMENT.fullmatch(line):
            note = (comment["key"], comment["value"])
        elif line.strip():
            note = ("", "")
    if opened is not None:
        raise DocsError(f"{document}:{opened[0]}: this block is never closed")


class Reader:
    """Does what one document says, in a folder of its own."""

    def __init__(self, folder: Path, *, root: Path = ROOT, echo: bool = False) -> None:
        self.folder = folder
        self.root = root
        self.echo = echo
        self.tally = Tally()
        self.addresses: dict[str, str] = {}  # documented URL: where its stand-in listens
        tools = str(Path(sys.executable).parent)
        self.environment = {
            **os.environ,
            "PATH": tools + os.pathsep + os.environ.get("PATH", ""),
            "NO_COLOR": "1",
            "COLUMNS": "80",
        }

    def follow(self, block: Block) -> None:
        """Run or look at the block's commands."""
        key, value = block.note
        if key == "file":
            (self.folder / value).write_text("\n".join(block.lines) + "\n", "utf-8")
            return
        commands = block.commands()
        if key == "not-run":
            self.tally.not_run += [f"{command} ({value})" for _, command in commands]
            return
        with self._service(block, value) if key == "needs" else contextlib.nullcontext():
            for line, command in commands:
                self._do(f"{block.document}:{line}", command)

    def _do(self, place: str, command: str) -> None:
        words = shlex.split(command, comments=True)
        program = Path(words[0]).name if words else ""
        if command.startswith(STAGE):
            self.tally.not_run.append(f"{command} (sets the stage)")
        elif program == "export" and len(words) == 2:
            name, _, value = words[1].partition("=")
            self.environment[name] = value
        elif program == "ecology":
            self._run(place, command, command.replace(words[0], "ecology", 1))
        elif program == "python3" and words[1:2] == ["scripts/run.py"]:
            self._run(place, command, re.sub(r"^\S+\s+\S+", "ecology run", command))
        elif program == "python3" and words[1:2] and words[1].startswith("scripts/"):
            self._present(place, command, (self.root / words[1]).is_file(), "there is no such script")
        elif program == "make":
            targets = {word for word in words[1:] if "=" not in word}
            missing = " ".join(targets - make_targets(self.root))
            self._present(place, command, not missing, f"the Makefile has no target {missing}")
        else:
            raise DocsError(f"{place}: `{command}` cannot be checked; mark the block <!-- not-run: why -->")

    def _present(self, place: str, command: str, present: bool, complaint: str) -> None:
        if not present:
            raise DocsError(f"{place}: `{command}`: {complaint}")
        self.tally.present += 1

    def _run(self, place: str, command: str, runnable: str) -> None:
        for documented, stand_in in self.addresses.items():
            runnable = runnable.replace(documented, stand_in)
        announced = _EXIT_CODE.search(command)
        expected = int(announced[1]) if announced else 0
        if self.echo:
            print(f"{place}: {command}", flush=True)
        try:
            done = subprocess.run(
                ["bash", "-c", f"set -o pipefail; {runnable}"],
                cwd=self.folder,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                encoding="utf-8",
                errors="replace",
                timeout=TIME_LIMIT_S,
                check=False,
            )
        except subprocess.TimeoutExpired as late:
            raise DocsError(f"{place}: `{command}` still ran after {TIME_LIMIT_S} s") from late
        if done.returncode != expected:
            tail = "\n    ".join(done.stdout.splitlines()[-12:])
            raise DocsError(f"{place}: `{command}` exits {done.returncode}, not {expected}:\n    {tail}")
        self.tally.ran += 1

    @contextlib.contextmanager
    def _service(self, block: Block, name: str) -> Iterator[None]:
        """Stand in for the service that a block needs while its commands run."""
        place = f"{block.document}:{block.line}"
        if name != "model-server":
            raise DocsError(f"{place}: nobody knows how to start the service {name!r}")
        text = " ".join(command for _, command in block.commands())
        url, model = re.search(r"--llm-url[ =](\S+)", text), re.search(r"--model[ =](\S+)", text)
        if url is None or model is None:
            raise DocsError(f"{place}: a block that needs a model server says --llm-url and --model")
        server = subprocess.Popen(
            [sys.executable, "-m", "ecology.testing.model_server", "--model", model[1]],
            stdout=subprocess.PIPE,
            encoding="utf-8",
        )
        try:
            assert server.stdout is not None
            stand_in = server.stdout.readline().strip()  # it prints its URL once it listens
            if not stand_in:
                raise DocsError(f"{place}: the scripted model server did not start")
            self.addresses[url[1]] = stand_in
            yield
        finally:
            self.addresses.clear()
            server.terminate()
            server.communicate()


def make_targets(root: Path = ROOT) -> set[str]:
    """The targets that the Makefile documents; read, not asked of make, which a reader may not have."""
    return set(re.findall(r"^([a-z-]+):(?!=)", (root / "Makefile").read_text("utf-8"), re.MULTILINE))


def documents(root: Path = ROOT) -> list[Path]:
    """The documents whose commands are held to their word."""
    fixed = [root / "README.md", root / "CONTRIBUTING.md"]
    return [path for path in fixed if path.exists()] + sorted((root / "docs").rglob("*.md"))


def check(path: Path, *, root: Path = ROOT, echo: bool = False) -> Tally:
    """Follow one document to its end; raises `DocsError` at the first thing that is not as it says."""
    name = str(path.relative_to(root)) if path.is_relative_to(root) else str(path)
    with tempfile.TemporaryDirectory(prefix="docs-") as folder:
        reader = Reader(Path(folder), root=root, echo=echo)
        for block in blocks(name, path.read_text("utf-8")):
            reader.follow(block)
        return reader.tally


def main() -> int:
    """Check the documents named, or all; exit 1 when one of them is wrong."""
    parser = argparse.ArgumentParser(description="run every command that the documents show")
    parser.add_argument("document", nargs="*", type=Path, help="default: README, CONTRIBUTING and docs/**")
    parser.add_argument("--verbose", action="store_true", help="name each command before it runs")
    options = parser.parse_args()
    wrong = 0
    for path in [given.resolve() for given in options.document] or documents():
        try:
            tally = check(path, echo=options.verbose)
        except DocsError as error:
            wrong += 1
            print(error, file=sys.stderr)
            continue
        shown = path.relative_to(ROOT) if path.is_relative_to(ROOT) else path
        print(f"{shown}: {tally.ran} ran, {tally.present} present, {len(tally.not_run)} not run")
        for command in tally.not_run:
            print(f"    not run: {command}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
