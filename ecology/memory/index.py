"""The protocol of an index: points that can be replaced, deleted and searched by likeness, each within one tenant.

An index is derived from HEAD and may be stale, behind, empty or gone: whoever asks it looks up in HEAD what it found.
"""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from ecology.core.errors import RunFault

Vector = Sequence[float]
"""Components that are whole numbers, see `vectors`."""


class IndexUnavailable(RunFault):
    """The index cannot be asked or told anything now; what it misses it is told later."""


class Point(msgspec.Struct, frozen=True):
    """What an index knows of one memory.

    `tenants` are in whose searches it is found, `born` is the number of the event that created it, `version` names what
    the point was made from: two texts never share it.
    """

    id: str
    tenants: tuple[str, ...]
    born: int
    version: str
    vector: Vector


class Hit(msgspec.Struct, frozen=True):
    """A point that a search found; `score` is the dot product of its vector and the one that was sought."""

    id: str
    born: int
    version: str
    score: int


class MemoryIndex(Protocol):
    """Points of one world. Every method may raise IndexUnavailable, and has then done all, some or nothing."""

    def upsert(self, points: Sequence[Point]) -> None:
        """Add points, or replace those of the same ids."""

    def delete(self, ids: Sequence[str]) -> None:
        """Remove the points of these ids; one that does not exist is no fault."""

    def search(self, tenant: str, vector: Vector, limit: int) -> list[Hit]:
        """The `limit` points of a tenant with the highest scores, best first; exact, in any order where scores tie."""

    def versions(self, ids: Sequence[str] | None = None) -> dict[str, str]:
        """The versions of these points by id, of all points if no ids are given."""

    def cursor(self) -> int | None:
        """The number of the event up to which the index is known to be true; None if that is not known."""

    def put_cursor(self, sequence: int | None) -> None:
        """Keep the cursor with the points."""

    def close(self) -> None:
        """Let go of files and connections; the points stay."""
