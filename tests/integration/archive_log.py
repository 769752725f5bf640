"""A run's database with artifact events in it, made without a world: what the archive's tests and benchmark follow."""

import hashlib
from importlib import resources
from pathlib import Path
from typing import TypedDict

import apsw

from ecology.artifacts.artifact import BYTES, Artifact
from ecology.core.seeds import Draw
from ecology.events.records import (
    ArtifactCreated,
    ArtifactDeleted,
    ArtifactUpdated,
    Event,
    MessageSent,
    OwnershipMoved,
)
from ecology.store.rows import Row, artifact_row, event_row, moved_row
from ecology.store.sqlite import SQL

STEP_NS = 10_000_000
AGENTS = tuple(f"agent-{number:04d}" for number in range(1, 21))


class _Envelope(TypedDict):
    sequence: int
    time_ns: int
    principal_id: str | None
    turn_id: str | None


class ArtifactLog:
    """The writer's side: changes gather in a group, `commit` makes them one transaction, as a run's process does."""

    def __init__(self, run_dir: Path) -> None:
        run_dir.mkdir(parents=True, exist_ok=True)
        self.run_dir = run_dir
        self.sequence = 0
        self.changes = 0
        self.living: dict[str, Artifact] = {}
        self.contents: dict[str, bytes] = {}
        self._events: list[Row] = []
        self._revisions: list[Row] = []
        self._heads: list[tuple[str, Row]] = []
        self._connection = apsw.Connection(str(run_dir / "ecology.sqlite"))
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = FULL")
        self._connection.execute(resources.files("ecology.store").joinpath("sql", "schema.sql").read_text())

    def write(self, name: str, content: bytes, *, by: str | None = "agent-0001", title: str = "") -> None:
        """Create or update an artifact."""
        artifact = self.living.get(name)
        family: type[ArtifactCreated] | type[ArtifactUpdated] = ArtifactUpdated
        if artifact is None:
            family = ArtifactCreated
            artifact = self.living[name] = _artifact(name, self.sequence + 1, by or "world")
        artifact.revision += family is ArtifactUpdated
        artifact.title, artifact.size_bytes = title, len(content)
        self.contents[name] = content
        event = family(
            **self._envelope(by),
            artifact_id=name,
            artifact_type="note",
            owner=artifact.owner,
            contract=artifact.contract,
            revision=artifact.revision,
            size_bytes=len(content),
            content_sha256=hashlib.sha256(content).hexdigest(),
            title=title,
        )
        self._append(event)
        self._revisions.append((event.sequence, name, artifact.revision, content))
        self._heads.append(("put_artifact", artifact_row(artifact, content)))

    def delete(self, name: str, *, by: str = "agent-0001") -> None:
        """Delete an artifact; its name stays taken."""
        artifact = self.living.pop(name)
        del self.contents[name]
        artifact.revision, artifact.deleted = artifact.revision + 1, True
        self._append(
            ArtifactDeleted(
                **self._envelope(by),
                artifact_id=name,
                artifact_type=artifact.type,
                owner=artifact.owner,
                revision=artifact.revision,
                freed_bytes=artifact.size_bytes,
            )
        )
        self._heads.append(("put_artifact", artifact_row(artifact, b"")))

    def give(self, name: str, to: str) -> None:
        """Move an artifact to another owner."""
        artifact = self.living[name]
        giver, artifact.owner = artifact.owner, to
        artifact.revision += 1
        self._append(
            OwnershipMoved(
                **self._envelope(giver),
                artifact_id=name,
                from_id=giver,
                to_id=to,
                revision=artifact.revision,
                size_bytes=artifact.size_bytes,
            )
        )
        self._heads.append(("move_artifact", moved_row(artifact)))

    def chat(self) -> None:
        """An event that is none of the archive's business."""
        self.changes -= 1
        self._append(MessageSent(**self._envelope("agent-0001"), to_id="agent-0002", text="artifact.created"))

    def step(self, draw: Draw) -> None:
        """Any of the above, as a seeded draw has it."""
        by = draw.choice(AGENTS)
        names = list(self.living)
        name = draw.choice(names) if names and draw.chance(70) else f"note-{self.sequence}"
        luck = draw.below(100)
        if name in self.living and luck < 8:
            self.delete(name, by=by)
        elif name in self.living and luck < 16:
            self.give(name, by)
        elif luck < 26:
            self.chat()
        else:
            self.write(name, content_of(draw, self.sequence), by=by, title=f"Title: {luck}\nOwner: nobody")

    def commit(self) -> int:
        """Make the group durable; returns the sequence of its last event."""
        with self._connection:
            self._connection.executemany(SQL["add_event"], self._events)
            self._connection.executemany(SQL["add_revision"], self._revisions)
            for statement, row in self._heads:
                self._connection.execute(SQL[statement], row)
        for rows in (self._events, self._revisions, self._heads):
            rows.clear()
        return self.sequence

    def drop(self, cursor: int) -> None:
        """The archive has everything up to there: empty that part of the outbox."""
        with self._connection:
            self._connection.execute(SQL["drop_revisions"], (cursor,))

    def waiting(self) -> int:
        """How many revisions are in the outbox."""
        count = self._connection.execute("SELECT count(*) FROM revisions").get
        assert isinstance(count, int)
        return count

    def execute(self, sql: str, values: Row = ()) -> None:
        """Tamper with the database."""
        self._connection.execute(sql, values)

    def close(self) -> None:
        """Close the database."""
        self._connection.close()

    def _envelope(self, by: str | None) -> _Envelope:
        self.sequence += 1
        turn = f"{by}#{self.sequence}" if by is not None else None
        return _Envelope(
            sequence=self.sequence, time_ns=self.sequence * STEP_NS, principal_id=by, turn_id=turn
        )

    def _append(self, event: Event) -> None:
        self.changes += 1
        self._events.append(event_row(event))


def filled(run_dir: Path, steps: int = 60, seed: int = 1) -> ArtifactLog:
    """A log with seeded changes; the newest event is one of an artifact."""
    log = ArtifactLog(run_dir)
    draw = Draw(seed)
    for _ in range(steps):
        log.step(draw)
    log.write("last", b"the newest change")
    log.commit()
    return log


def content_of(draw: Draw, number: int) -> bytes:
    """1 to 2 KB of words, with what would upset a careless stream now and then."""
    words = [f"{draw.below(5_000):x}" for _ in range(draw.between(250, 450))]
    if draw.chance(5):
        words += ["\ncommit refs/heads/main\ndata 3\n", "\0", "'\"\\", "\ndone\n", "\r\n"]
    return f"{number} {' '.join(words)}".encode()


def _artifact(name: str, sequence: int, owner: str) -> Artifact:
    return Artifact(
        id=name,
        created_sequence=sequence,
        type="note",
        format=BYTES,
        created_by=owner,
        owner=owner,
        bearer=owner,
        contract="freeware",
        title="",
        depends_on=(),
        metadata={},
        interface=None,
        revision=1,
        size_bytes=0,
        created_ns=0,
        updated_ns=0,
    )
