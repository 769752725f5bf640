"""Keeps an index true to what memories hold, and ranks what it finds.

What changed is only noted. Before a search everything noted is looked up and told to the index, in batches; so
remembering costs a set's entry, a run that never recalls never loads an index, and a search sees all that happened
before it, the open group included. An index that cannot be told anything keeps nobody waiting and loses nothing: what
it misses stays noted.
"""

import shutil
import tempfile
import weakref
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

import msgspec

from ecology.core.clock import SECOND_NS, host_ns
from ecology.core.errors import EcologyError, ModelFault
from ecology.memory.embedding import Embedding
from ecology.memory.index import Hit, IndexUnavailable, MemoryIndex, Point, Vector

BATCH = 256
"""How many points an index is told of at a time."""

_SHORTEST_PAUSE_NS = SECOND_NS // 2
_PATIENCE = 10
"""After a failure nobody asks for so many times as long as it took."""

_PAGE = 32
_WIDER = 4


class Held(msgspec.Struct, frozen=True):
    """What a memory holds now, and who finds it; see `Point`."""

    tenants: tuple[str, ...]
    born: int
    version: str
    text: str


class Source(Protocol):
    """Where the truth about memories is."""

    def position(self) -> int:
        """The number of the last event."""

    def living(self) -> Iterator[str]:
        """The ids of all memories there are."""

    def version(self, memory_id: str) -> str | None:
        """The version of a living memory; None if there is none of that id."""

    def look(self, memory_id: str) -> Held | None:
        """What a living memory holds now; None if there is none of that id."""


IndexFactory = Callable[[int, str], MemoryIndex]
"""Opens an index for vectors of a dimension, made by an embedding of a name."""


class Memories:
    """An index and an embedding, made when somebody first recalls something.

    `say` hears, in one line, when the index becomes unavailable and when it is back; `outages` counts the searches that
    it could not answer.
    """

    def __init__(
        self,
        open_index: IndexFactory | None = None,
        embedding: Callable[[], Embedding] | None = None,
        say: Callable[[str], None] = lambda line: None,
    ) -> None:
        self.outages = 0
        self._open_index = open_index or self._open_temporary
        self._make_embedding = embedding or _lexical
        self._say = say
        self._embedding: Embedding | None = None
        self._index: MemoryIndex | None = None
        self._source: Source | None = None
        self._known_at = 0
        self._changed: dict[str, None] = {}
        self._down = False
        self._away_until_ns = 0

    def follow(self, source: Source) -> None:
        """Begin with the truth as it is now. From here on every change must be noted."""
        self._source = source
        self._known_at = source.position()

    def note(self, memory_id: str) -> None:
        """A memory was written, deleted or handed over: look at it before the next search."""
        self._changed[memory_id] = None

    def ranked(self, tenant: str, query: str) -> Iterator[Hit]:
        """A tenant's memories in the order of likeness, of equal ones the newest first.

        An index orders ties as it likes and cuts them off where its limit is; so the searches become ever wider, and of
        one that may have left some out only what is better than its last score is sure.
        Raises IndexUnavailable, at once or on the way, if index or embedding cannot be had.
        """
        wanted, given = _PAGE, 0
        vector: Vector | None = None
        while True:
            began_ns = host_ns()
            try:
                if began_ns < self._away_until_ns:
                    raise IndexUnavailable("the index is left alone for a while, as it did not answer")
                index, embedding = self._opened()
                if vector is None:
                    self._catch_up(index, embedding)
                    vector = _vectors(embedding, [query])[0]
                hits = index.search(tenant, vector, wanted)
            except (IndexUnavailable, ModelFault) as fault:
                self._lost(fault, began_ns)
                raise IndexUnavailable(fault.what, remedy=fault.remedy) from fault
            self._found()
            complete = len(hits) < wanted
            sure = hits if complete else [hit for hit in hits if hit.score > hits[-1].score]
            sure.sort(key=lambda hit: (-hit.score, -hit.born))
            yield from sure[given:]
            if complete:
                return
            given = len(sure)
            wanted *= _WIDER

    def _lost(self, fault: EcologyError, began_ns: int) -> None:
        self.outages += 1
        now_ns = host_ns()
        if now_ns >= self._away_until_ns:
            # The world stands still while it waits for an index: for a small part of the time at the most.
            self._away_until_ns = now_ns + max(_SHORTEST_PAUSE_NS, _PATIENCE * (now_ns - began_ns))
        if not self._down:
            self._down = True
            self._say(f"recall is empty: {fault}")

    def _found(self) -> None:
        if self._down:
            self._down = False
            self._say("recall works again")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close; after an exception nobody knows which of the last events are kept, so the index is only let go."""
        if error is None:
            self.close()
        else:
            self.abandon()

    def close(self) -> None:
        """Let the index catch up and say how far it is true. The source's last event must be kept for ever by now."""
        if self._index is None:
            return
        assert self._source is not None, "an index is opened to follow something"
        try:
            self._catch_up(*self._opened())
            self._index.put_cursor(self._source.position())
        except (IndexUnavailable, ModelFault) as fault:
            self._say(f"the index of memories is left behind: {fault.what}")
        self.abandon()

    def abandon(self) -> None:
        """Let go of the index as it is; whoever opens it next compares it with the truth."""
        index, self._index = self._index, None
        if index is not None:
            index.close()

    def _opened(self) -> tuple[MemoryIndex, Embedding]:
        if self._embedding is None:
            self._embedding = self._make_embedding()
        if self._index is None:
            index = self._open_index(self._embedding.dimension, self._embedding.name)
            try:
                self._compare(index)
            except BaseException:
                index.close()
                raise
            self._index = index
        return self._index, self._embedding

    def _compare(self, index: MemoryIndex) -> None:
        """Note all in which an index, as an earlier process left it, differs from the truth."""
        source = self._source
        assert source is not None, "memories follow a world before anybody recalls"
        cursor = index.cursor()
        if cursor is not None and cursor == self._known_at:
            # All that has happened since was noted. From here on the points are ahead of what the cursor says.
            index.put_cursor(None)
            return
        if cursor is not None:
            index.put_cursor(None)
        known = index.versions()
        for memory_id in source.living():
            if known.pop(memory_id, None) != source.version(memory_id):
                self.note(memory_id)
        for memory_id in known:
            self.note(memory_id)

    def _catch_up(self, index: MemoryIndex, embedding: Embedding) -> None:
        """Tell the index what was noted; what it was told is noted no longer."""
        while batch := list(islice(self._changed, BATCH)):
            self._tell(index, embedding, batch)
            for memory_id in batch:
                del self._changed[memory_id]

    def _tell(self, index: MemoryIndex, embedding: Embedding, batch: list[str]) -> None:
        source = self._source
        assert source is not None, "memories follow a world before anybody recalls"
        known = index.versions(batch)
        gone: list[str] = []
        fresh: list[tuple[str, Held]] = []
        for memory_id in batch:
            held = source.look(memory_id)
            if held is None:
                gone.append(memory_id)
            elif known.get(memory_id) != held.version:  # else another node of the same world was faster
                fresh.append((memory_id, held))
        if fresh:
            vectors = _vectors(embedding, [held.text for _, held in fresh])
            index.upsert(
                [
                    Point(memory_id, held.tenants, held.born, held.version, vector)
                    for (memory_id, held), vector in zip(fresh, vectors, strict=True)
                ]
            )
        if gone:
            index.delete(gone)

    def _open_temporary(self, dimension: int, embedding: str) -> MemoryIndex:
        """The index of a world that is kept nowhere."""
        from ecology.memory.qdrant_edge import QdrantEdge  # noqa: PLC0415 - only who recalls needs it

        folder = tempfile.mkdtemp(prefix="ecology-memory-")
        weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        return QdrantEdge.open(Path(folder) / "index", dimension, embedding)


def _vectors(embedding: Embedding, texts: list[str]) -> list[list[float]]:
    from ecology.memory.vectors import quantised  # noqa: PLC0415 - only who recalls needs numpy

    return quantised(embedding.embed(texts))


def _lexical() -> Embedding:
    from ecology.memory.lexical import Lexical  # noqa: PLC0415 - only who recalls needs numpy

    return Lexical()
