"""Commits into the repository, checkpoint by checkpoint.

`position` is the event up to which everything was handed to git, `confirmed` the one up to which it is on disk.
"""

from collections.abc import Iterable

from ecology.core.clock import MILLISECOND_NS, host_ns
from ecology.events.records import ArtifactCreated, ArtifactUpdated
from ecology.observe.archive.commits import command
from ecology.observe.archive.importer import Importer, StreamBroken
from ecology.observe.archive.outbox import Delivery, missing_content
from ecology.observe.archive.repository import Pause, Repository

CHECKPOINT_COMMITS = 1_000
CHECKPOINT_AGE_MS = 500
STREAM_COMMITS = 50_000
PACKS_BEFORE_CONSOLIDATION = 50
PATIENCE = 3
"""How often in a row git may break off without getting anything done before it is a fault."""


class ArchiveWriter:
    """Writes deliveries to a repository that the caller holds (`Repository.taken`)."""

    def __init__(self, repository: Repository) -> None:
        self._repository = repository
        self._importer: Importer | None = None
        self._unconfirmed = 0
        self._oldest_ns = 0
        self._in_stream = 0
        self._breaks = 0
        self._packs = repository.pack_count()
        self._has_history = False
        self.confirmed = self.position = self._cursor()

    def write(self, deliveries: Iterable[Delivery], position: int) -> None:
        """Hand over the events up to `position`. If git breaks off, both cursors fall back to where history ends."""
        commands: list[bytes] = []
        onwards = self._importer is None and self._has_history
        for change, content in ((each.change, each.content) for each in deliveries):
            if content is None and isinstance(change, ArtifactCreated | ArtifactUpdated):
                raise missing_content(change)
            commands.append(command(change, content, onwards=onwards))
            onwards = False
        if commands:
            if not self._unconfirmed:
                self._oldest_ns = host_ns()
            try:
                self._stream().send(b"".join(commands))
            except StreamBroken as broken:
                self._recover(broken)
                return
            self._has_history = True
            self._unconfirmed += len(commands)
            self._in_stream += len(commands)
        self.position = position
        if not self._unconfirmed:
            self.confirmed = position

    def is_due(self) -> bool:
        """Whether what was written should be confirmed now: there is much of it, or it has waited long."""
        if not self._unconfirmed:
            return False
        old = host_ns() - self._oldest_ns >= CHECKPOINT_AGE_MS * MILLISECOND_NS
        return old or self._unconfirmed >= CHECKPOINT_COMMITS

    def confirm(self) -> None:
        """Checkpoint: everything up to `position` is on disk, or git broke off and both cursors fell back."""
        if self._importer is None or not self._unconfirmed:
            return
        try:
            commit = self._importer.checkpoint()
        except StreamBroken as broken:
            self._recover(broken)
            return
        self._repository.flush(commit)
        self._packs += 1
        self._unconfirmed = self._breaks = 0
        self.confirmed = self.position

    def is_crowded(self) -> bool:
        """Whether it is time to tidy: everything is confirmed, and git's process or the number of packs has grown."""
        return not self._unconfirmed and (
            self._in_stream >= STREAM_COMMITS or self._packs >= PACKS_BEFORE_CONSOLIDATION
        )

    def tidy(self, pause: Pause) -> None:
        """A new process for the old one that has grown large, and few packs for many."""
        self.close()
        if self._packs >= PACKS_BEFORE_CONSOLIDATION:
            self._repository.consolidate(pause)
            self._packs = self._repository.pack_count()

    def close(self) -> None:
        """End the stream; what was not confirmed is written nevertheless, as far as git lives."""
        importer, self._importer = self._importer, None
        self._in_stream = 0
        if importer is not None:
            try:
                importer.close()
            except StreamBroken as broken:
                self._recover(broken)

    def abandon(self) -> None:
        """End the stream at once, without caring for what was not confirmed."""
        if self._importer is not None:
            self._importer.discard()
            self._importer = None

    def _stream(self) -> Importer:
        if self._importer is None:
            self._importer = Importer(self._repository)
        return self._importer

    def _recover(self, broken: StreamBroken) -> None:
        self._breaks += 1
        if self._breaks >= PATIENCE:
            raise self._repository.damaged(str(broken))
        self.abandon()
        self._repository.sweep()
        self._unconfirmed = self._in_stream = 0
        self.confirmed = self.position = self._cursor()

    def _cursor(self) -> int:
        head = self._repository.head()
        self._has_history = head is not None
        return head.sequence if head is not None else 0
