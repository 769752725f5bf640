"""An artifact event as a commit, in the language of `git fast-import`.

Everything in a commit follows from the event and its content: the same run gives the same commit ids everywhere.
"""

import re

from ecology.core.clock import SECOND_NS
from ecology.core.ids import WORLD
from ecology.events.records import ArtifactCreated, ArtifactDeleted, ArtifactUpdated, Event, OwnershipMoved
from ecology.events.registry import TYPE_OF
from ecology.observe.archive.names import one_line, path_of, quote

BRANCH = "refs/heads/main"
MARK = b":1"
"""The mark of the newest commit of a stream; every commit takes it over."""

Change = ArtifactCreated | ArtifactUpdated | ArtifactDeleted | OwnershipMoved
FAMILIES: tuple[type[Event], ...] = (ArtifactCreated, ArtifactUpdated, ArtifactDeleted, OwnershipMoved)
TYPES = tuple(TYPE_OF[family] for family in FAMILIES)
"""The event types that become commits."""

_CURSOR = re.compile(rb"^Event-Sequence: ([0-9]+)$", re.MULTILINE)
_OPENING = f"commit {BRANCH}\nmark {MARK.decode()}\n"
_ONWARDS = f"from {BRANCH}^0\n"
_COMMITTER = "committer ecology archivist <archivist@ecology.invalid>"


def command(change: Change, content: bytes | None, *, onwards: bool) -> bytes:
    """The commit of one event. `content` is the revision's bytes (None: this kind of event has none).

    `onwards` is for the first commit of a stream on a branch that has history: git has to be told to build on it.
    """
    message = message_of(change).encode()
    when = f"{change.time_ns // SECOND_NS} +0000\n"
    author = quote(change.principal_id or WORLD)
    head = (
        f"{_OPENING}author {author} <{author}@ecology.invalid> {when}{_COMMITTER} {when}data {len(message)}\n"
    ).encode()
    tail = _ONWARDS if onwards else ""
    if isinstance(change, ArtifactCreated | ArtifactUpdated):
        assert content is not None, "a revision has a content"
        file = f"{tail}M 100644 inline {path_of(change.artifact_id)}\ndata {len(content)}\n".encode()
        return b"".join((head, message, file, content, b"\n"))
    if isinstance(change, ArtifactDeleted):
        tail += f"D {path_of(change.artifact_id)}\n"
    return b"".join((head, message, tail.encode(), b"\n"))


def message_of(change: Change) -> str:
    """Subject and trailers. Words that agents chose are escaped: they fill one line each and end no paragraph."""
    name = one_line(change.artifact_id)
    trailers = [("Artifact", name), ("Revision", str(change.revision))]
    match change:
        case ArtifactCreated() | ArtifactUpdated():
            verb = "create" if isinstance(change, ArtifactCreated) else "write"
            trailers += [
                ("Type", change.artifact_type),
                ("Contract", change.contract),
                ("Owner", change.owner),
            ]
            trailers.append(("Title", change.title))
        case ArtifactDeleted():
            verb = "delete"
            trailers += [("Type", change.artifact_type), ("Owner", change.owner)]
        case OwnershipMoved():
            verb = "give"
            trailers += [("Owner", change.to_id), ("Former-Owner", change.from_id)]
    trailers += [("Turn", change.turn_id or ""), ("Event-Sequence", str(change.sequence))]
    lines = [f"{key}: {one_line(value)}\n" for key, value in trailers if value]
    return f"{verb} {name} r{change.revision}\n\n{''.join(lines)}"


def is_commit_of(commit: bytes, change: Change) -> bool:
    """Whether a commit, as `git cat-file commit` prints it, is that of `change`."""
    same = f"\n\nArtifact: {one_line(change.artifact_id)}\nRevision: {change.revision}\n"
    return same.encode() in commit and cursor_of(commit) == change.sequence


def cursor_of(commit: bytes) -> int | None:
    """The event sequence that a commit (as `git cat-file commit` prints it) states; None if it is not one of ours."""
    found = _CURSOR.findall(commit)
    return int(found[-1]) if found else None
