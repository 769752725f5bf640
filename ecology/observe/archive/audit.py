"""Does the archive agree with the event log and with HEAD? For `ecology admin audit`."""

from pathlib import Path

import msgspec

from ecology.events.records import ArtifactCreated, ArtifactUpdated
from ecology.observe.archive.blobs import Blobs
from ecology.observe.archive.commits import Change
from ecology.observe.archive.names import path_of
from ecology.observe.archive.outbox import Outbox, missing_content
from ecology.observe.archive.repository import ARCHIVE, Head, Repository

SHOWN_PROBLEMS = 10
_ATTEMPTS = 5


class ArchiveAudit(msgspec.Struct, frozen=True):
    """What `verify` found. Sequences are event sequences; `lag` counts artifact events that await archiving."""

    cursor: int
    commits: int
    lag: int
    compared: int
    problems: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Whether history is whole: what lags behind lies ready in the outbox."""
        return not self.problems


def verify(run_dir: Path) -> ArchiveAudit:
    """Compare the archive of a run with its database; the run may be going on.

    Checked: history ends with the event log's newest artifact event, or what follows is in the outbox; there are as
    many commits as artifact events; the tree of the newest commit holds every artifact's content, byte for byte, and
    nothing else. Disagreements are `problems`; raises `ArchiveFault` or `StoreFault` for what cannot be read at all.
    """
    repository = Repository(run_dir / ARCHIVE)
    outbox = Outbox(run_dir)
    try:
        for _ in range(_ATTEMPTS - 1):
            head = repository.head()
            found = _compare(repository, head, outbox)
            if found.ok or repository.head() == head:
                return found
            # The archivist moved on between our two looks, so the two halves do not belong to one moment.
        return _compare(repository, repository.head(), outbox)
    finally:
        outbox.close()


def verify_as_of(repository: Repository, head: Head | None, run_dir: Path) -> ArchiveAudit:
    """The same for an archive elsewhere, by a copy of its database in `run_dir`, made after `head` was read.

    The archive may have moved on meanwhile, and the database have given up what has arrived there.
    """
    outbox = Outbox(run_dir)
    try:
        return _compare(repository, head, outbox)
    finally:
        outbox.close()


def _compare(repository: Repository, head: Head | None, outbox: Outbox) -> ArchiveAudit:
    cursor = head.sequence if head is not None else 0
    commits = int(repository.git("rev-list", "--count", head.commit)) if head is not None else 0
    problems: list[str] = []
    with outbox.snapshot():
        events, newest = outbox.count_changes(cursor)
        if newest != cursor:
            problems.append(
                f"the archive ends with event {cursor}, which is no change of an artifact in the log"
            )
        if commits != events:
            problems.append(f"the archive has {commits} commits for {events} artifact events")
        waiting: set[str] = set()
        lag = 0
        missing: list[Change] = []
        for delivery in outbox.changes(cursor, outbox.last_sequence()):
            change = delivery.change
            lag += 1
            waiting.add(change.artifact_id)
            if delivery.content is None and isinstance(change, ArtifactCreated | ArtifactUpdated):
                missing.append(change)
        by_now = repository.head() if missing else None
        arrived = by_now.sequence if by_now is not None else 0
        problems += [str(missing_content(change)) for change in missing if change.sequence > arrived]
        compared = _compare_heads(repository, head, outbox, waiting, problems)
    if len(problems) > SHOWN_PROBLEMS:
        problems[SHOWN_PROBLEMS:] = [f"… and {len(problems) - SHOWN_PROBLEMS} more"]
    return ArchiveAudit(cursor, commits, lag, compared, tuple(problems))


def _compare_heads(
    repository: Repository, head: Head | None, outbox: Outbox, waiting: set[str], problems: list[str]
) -> int:
    """Compare all artifacts but those whose newest change is still `waiting`; returns how many were alike."""
    blobs = _blobs(repository, head)
    for artifact_id in waiting:
        blobs.pop(path_of(artifact_id), None)
    alike = 0
    with Blobs(repository) as archive:
        for artifact_id, content in outbox.heads():
            if artifact_id in waiting:
                continue
            blob = blobs.pop(path_of(artifact_id), None)
            if blob is None:
                problems.append(f"the archive has no '{artifact_id}'")
            elif archive.read(blob) != content:
                problems.append(f"the archive's '{artifact_id}' differs from HEAD")
            else:
                alike += 1
    problems += [f"the archive has {path}, which is no living artifact" for path in blobs]
    return alike


def _blobs(repository: Repository, head: Head | None) -> dict[str, str]:
    """Blob ids of the newest commit, by path."""
    if head is None:
        return {}
    lines = repository.git("ls-tree", "-r", "-z", head.commit).decode().split("\0")
    entries = (line.partition("\t") for line in lines if line)
    return {path: about.split()[2] for about, _, path in entries}
