"""Keeps an index true to what memories hold, and ranks what it finds.

What changed is only noted. Before a search everything noted is looked up and told to the index, in batches; so
remembering costs a set's entry, a run that never recalls never loads an index, and a search sees all that happened
before it, the open group included. An index that cannot be told anything keeps nobody waiting and loses nothing: what
it misses stays noted.
"""

import asyncio
import shutil
import tempfile
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
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

_FORESEEN = 1_024
_FORESEEN_HITS = 256
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
        self._foreseen: dict[tuple[str, str, str], list[Hit] | IndexUnavailable] = {}
        self._asking = asyncio.Lock()

    def follow(self, source: Source) -> None:
        """Begin with the truth as it is now. From here on every change must be noted."""
        self._source = source
        self._known_at = source.position()

    def note(self, memory_id: str) -> None:
        """A memory was written, deleted or handed over: look at it before the next search."""
        self._changed[memory_id] = None

    def ranked(self, tenant: str, query: str, asker: str = "") -> Iterator[Hit]:
        """A tenant's memories in the order of likeness, of equal ones the newest first.

        What was foreseen for this asker is not asked again. Otherwise searches become ever wider until all is found.
        Raises IndexUnavailable, at once or on the way, if index or embedding cannot be had.
        """
        if (asker, tenant, query) in self._foreseen:
            foreseen = self._foreseen.pop((asker, tenant, query))
            if isinstance(foreseen, IndexUnavailable):
                raise foreseen
            yield from foreseen
            return
        wanted, given = _PAGE, 0
        vector: Vector | None = None
        while True:
            with self._watched():
                index, embedding = self._opened()
                if vector is None:
                    self._catch_up(index, embedding)
                    vector = _vectors(embedding, [query])[0]
                hits = index.search(tenant, vector, wanted)
            complete = len(hits) < wanted
            sure = _in_order(hits, complete=complete)
            yield from sure[given:]
            if complete:
                return
            given = len(sure)
            wanted *= _WIDER

    async def foresee(self, tenant: str, query: str, asker: str) -> None:
        """Ask for what `ranked` will be asked for, beside all that goes on: where it is asked nobody may wait.

        Only what waits for others, for an index, an embedding or a model, is done in a thread; the truth is looked at
        in this one. Whether the index can be had `ranked` will tell.
        """
        async with self._asking:
            try:
                with self._watched():
                    if self._index is None or self._embedding is None:
                        self._take_up(*await asyncio.to_thread(self._connect))
                    index, embedding = self._opened()
                    while batch := self._take_noted():
                        with self._returned_if_lost(batch):
                            looked = self._looked_up(batch)
                            await asyncio.to_thread(_tell, index, embedding, looked)
                    vectors = await asyncio.to_thread(_vectors, embedding, [query])
                    answer: list[Hit] | IndexUnavailable = await asyncio.to_thread(
                        _likest, index, tenant, vectors[0]
                    )
            except IndexUnavailable as fault:
                answer = fault
        self._foreseen[asker, tenant, query] = answer
        while len(self._foreseen) > _FORESEEN:  # turns that were given up
            del self._foreseen[next(iter(self._foreseen))]

    @contextmanager
    def _watched(self) -> Iterator[None]:
        """Something that index and embedding are asked for; their faults as IndexUnavailable."""
        began_ns = host_ns()
        try:
            if began_ns < self._away_until_ns:
                raise IndexUnavailable("the index is left alone for a while, as it did not answer")
            yield
        except (IndexUnavailable, ModelFault) as fault:
            self._lost(fault, began_ns)
            raise IndexUnavailable(fault.what, remedy=fault.remedy) from fault
        if self._down:
            self._down = False
            self._say("recall works again")

    def _lost(self, fault: EcologyError, began_ns: int) -> None:
        self.outages += 1
        now_ns = host_ns()
        if now_ns >= self._away_until_ns:
            # The world stands still while it waits for an index: for a small part of the time at the most.
            self._away_until_ns = now_ns + max(_SHORTEST_PAUSE_NS, _PATIENCE * (now_ns - began_ns))
        if not self._down:
            self._down = True
            self._say(f"recall is empty: {fault}")

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
            try:
                index.close()
            except IndexUnavailable as fault:
                self._say(str(fault))

    # -- opening

    def _opened(self) -> tuple[MemoryIndex, Embedding]:
        if self._index is None or self._embedding is None:
            self._take_up(*self._connect())
        assert self._index is not None and self._embedding is not None
        return self._index, self._embedding

    def _connect(self) -> tuple[MemoryIndex, Embedding, dict[str, str] | None]:
        """The index as an earlier process left it, and the versions of its points unless it is known to be true."""
        embedding = self._make_embedding() if self._embedding is None else self._embedding
        index = self._open_index(embedding.dimension, embedding.name)
        try:
            cursor = index.cursor()
            if cursor is not None:
                index.put_cursor(None)  # from here on the points are ahead of what it says
            return index, embedding, None if cursor == self._known_at else index.versions()
        except BaseException:
            index.close()
            raise

    def _take_up(self, index: MemoryIndex, embedding: Embedding, known: dict[str, str] | None) -> None:
        """Note all in which the index differs from the truth; what happened since the beginning is noted already."""
        self._index, self._embedding = index, embedding
        if known is None:
            return
        for memory_id in self._truth.living():
            if known.pop(memory_id, None) != self._truth.version(memory_id):
                self.note(memory_id)
        for memory_id in known:
            self.note(memory_id)

    # -- catching up

    @property
    def _truth(self) -> Source:
        assert self._source is not None, "memories follow a world before anybody recalls"
        return self._source

    def _catch_up(self, index: MemoryIndex, embedding: Embedding) -> None:
        while batch := self._take_noted():
            with self._returned_if_lost(batch):
                _tell(index, embedding, self._looked_up(batch))

    def _take_noted(self) -> list[str]:
        """Some of what was noted, noted no longer: what changes again meanwhile is noted anew."""
        batch = list(islice(self._changed, BATCH))
        for memory_id in batch:
            del self._changed[memory_id]
        return batch

    @contextmanager
    def _returned_if_lost(self, batch: list[str]) -> Iterator[None]:
        try:
            yield
        except BaseException:
            self._changed.update(dict.fromkeys(batch))
            raise

    def _looked_up(self, batch: list[str]) -> dict[str, Held | None]:
        return {memory_id: self._truth.look(memory_id) for memory_id in batch}

    def _open_temporary(self, dimension: int, embedding: str) -> MemoryIndex:
        """The index of a world that is kept nowhere."""
        from ecology.memory.qdrant_edge import QdrantEdge  # noqa: PLC0415 - only who recalls needs it

        folder = tempfile.mkdtemp(prefix="ecology-memory-")
        weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        return QdrantEdge.open(Path(folder) / "index", dimension, embedding)


def _tell(index: MemoryIndex, embedding: Embedding, looked: dict[str, Held | None]) -> None:
    """Make an index true of these memories."""
    known = index.versions(list(looked))
    # What it has in this version another node of the same world was faster to tell.
    fresh = {
        name: held for name, held in looked.items() if held is not None and known.get(name) != held.version
    }
    if fresh:
        vectors = _vectors(embedding, [held.text for held in fresh.values()])
        index.upsert(
            [
                Point(name, held.tenants, held.born, held.version, vector)
                for (name, held), vector in zip(fresh.items(), vectors, strict=True)
            ]
        )
    if gone := [name for name, held in looked.items() if held is None]:
        index.delete(gone)


def _likest(index: MemoryIndex, tenant: str, vector: Vector) -> list[Hit]:
    """More hits than anybody recalls at once, in order; all of them if there are fewer."""
    wanted = _FORESEEN_HITS
    while True:
        hits = index.search(tenant, vector, wanted)
        complete = len(hits) < wanted
        sure = _in_order(hits, complete=complete)
        if complete or len(sure) >= _PAGE:
            return sure
        wanted *= _WIDER


def _in_order(hits: list[Hit], *, complete: bool) -> list[Hit]:
    """The hits of a search in the one order that is promised.

    An index orders ties as it likes and cuts them off where its limit is: of a search that may have left some out only
    what is better than its last score is sure.
    """
    sure = hits if complete else [hit for hit in hits if hit.score > hits[-1].score]
    return sorted(sure, key=lambda hit: (-hit.score, -hit.born))


def _vectors(embedding: Embedding, texts: list[str]) -> list[list[float]]:
    from ecology.memory.vectors import quantised  # noqa: PLC0415 - only who recalls needs numpy

    return quantised(embedding.embed(texts))


def _lexical() -> Embedding:
    from ecology.memory.lexical import Lexical  # noqa: PLC0415 - only who recalls needs numpy

    return Lexical()
