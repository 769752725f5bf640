"""What the archive's tests do with git, beside the archive's own code."""

import contextlib
import subprocess
from collections.abc import Iterator
from pathlib import Path

from ecology.observe.archive.outbox import Outbox, read
from ecology.observe.archive.repository import ARCHIVE, Repository, environment
from ecology.observe.archive.writer import ArchiveWriter

TRAILERS = "%(trailers:unfold=true,separator=%x1f)"


def git(run_dir: Path, *arguments: str) -> str:
    """Git's answer about the archive of a run."""
    command = ["git", f"--git-dir={run_dir / ARCHIVE}", *arguments]
    done = subprocess.run(command, check=True, capture_output=True, env=environment())
    return done.stdout.decode("utf-8", "surrogateescape")


def head(run_dir: Path) -> str:
    """The id of the newest commit."""
    return git(run_dir, "rev-parse", "refs/heads/main").strip()


def trailers(run_dir: Path, commit: str = "main") -> list[tuple[str, str]]:
    """The trailers of a commit as git itself parses them."""
    text = git(run_dir, "log", "-1", f"--format={TRAILERS}", commit).rstrip("\n")
    pairs = (line.partition(": ") for line in text.split("\x1f"))
    return [(key, value) for key, _, value in pairs]


def sit(_delay_ms: int) -> None:
    """A pause that nothing interrupts."""


@contextlib.contextmanager
def writing(run_dir: Path) -> Iterator[tuple[ArchiveWriter, Outbox]]:
    """A writer on the archive of a run, and the outbox it is fed from."""
    repository = Repository(run_dir / ARCHIVE)
    outbox = Outbox(run_dir)
    try:
        with repository.taken(sit):
            writer = ArchiveWriter(repository)
            try:
                yield writer, outbox
            finally:
                writer.abandon()
    finally:
        outbox.close()


def catch_up(writer: ArchiveWriter, outbox: Outbox) -> None:
    """Archive all there is, in this process."""
    while writer.confirmed < outbox.last_sequence():
        writer.write(*read(outbox, writer.position))
        writer.confirm()


def archive(run_dir: Path) -> str:
    """Archive all there is and return the id of the newest commit."""
    with writing(run_dir) as (writer, outbox):
        catch_up(writer, outbox)
        writer.close()
    return head(run_dir)
