"""All artifacts at HEAD, and the indexes that make looking for them cheap.

The indexes of a search are ordered by creation, each bearer's pile by the last write: both are kept by the store, so a
reloaded shelf answers exactly as before. A page costs its own length, whatever the number of artifacts.
"""

import re
from collections.abc import Iterator
from functools import lru_cache

from sortedcontainers import SortedList

from ecology.artifacts.artifact import Artifact
from ecology.artifacts.contents import Contents
from ecology.artifacts.piles import Piles

MAX_WORDS = 8
_SCAN_PER_RESULT = 8
_WORD = re.compile(r"[a-z][a-z0-9]{1,31}")  # numbers change too often to be looked for

Drawer = SortedList[int]
"""The living artifacts that have something in common, by the sequence of their creation."""
Index = dict[str, Drawer]


def words_of(text: str) -> tuple[str, ...]:
    """The distinct index words of a title, in order, at most MAX_WORDS."""
    return tuple(dict.fromkeys(_WORD.findall(text.lower())))[:MAX_WORDS]


_title_words = lru_cache(maxsize=4096)(words_of)
"""The same for titles, which are short and repeat themselves; what is searched for may be long and is not kept."""


class Shelf:
    """Artifacts by id, with indexes by type, owner and title words, and by bearer.

    What the indexes are ordered by is changed here and nowhere else: type, title, owner, bearer, size, last write.
    """

    def __init__(self, contents: Contents) -> None:
        self.contents = contents
        self._things: dict[str, Artifact] = {}
        self._living: dict[int, Artifact] = {}
        self._by_type: Index = {}
        self._by_owner: Index = {}
        self._by_word: Index = {}
        self._piles = Piles(self._living)
        self._changed: dict[str, Artifact] = {}

    def __len__(self) -> int:
        return len(self._things)

    def find(self, artifact_id: str) -> Artifact | None:
        """The artifact of that name, deleted ones included, or None."""
        return self._things.get(artifact_id)

    def everything(self) -> Iterator[Artifact]:
        """All artifacts in the order of their creation, deleted ones included."""
        return iter(self._things.values())

    def restore(self, artifact: Artifact) -> None:
        """Put back what the store holds."""
        self._things[artifact.id] = artifact
        if not artifact.deleted:
            self._file(artifact)

    def adopt(self, artifact: Artifact, *, rewritten: bool) -> None:
        """Make it what another process committed, with another content if it was `rewritten`."""
        mine = self._things.get(artifact.id)
        if mine is None:
            self.restore(artifact)
            return
        if not mine.deleted:
            self._unfile(mine)
        _become(mine, artifact)
        if not mine.deleted:
            self._file(mine)
        if rewritten:
            self.contents.forget(mine.id)

    def add(self, artifact: Artifact, content: bytes) -> None:
        """A new artifact; its name must be free."""
        assert artifact.id not in self._things, "first writer wins"
        self._things[artifact.id] = artifact
        self._file(artifact)
        self.contents.put(artifact.id, content)
        self._changed[artifact.id] = artifact

    def resize(self, artifact: Artifact, size_bytes: int) -> None:
        """It occupies more bytes or fewer; what it is has not changed."""
        artifact.size_bytes = size_bytes
        self._piles.put(artifact)
        self._changed[artifact.id] = artifact

    def revise(
        self,
        artifact: Artifact,
        content: bytes,
        *,
        type: str,
        title: str,
        bearer: str,
        size_bytes: int,
        now_ns: int,
    ) -> None:
        """A new revision is written; what no index knows the caller has set already."""
        if artifact.type != type:
            _remove(self._by_type, artifact.type, artifact.created_sequence)
            artifact.type = type
            _insert(self._by_type, type, artifact)
        if artifact.title != title:
            before, after = _title_words(artifact.title), _title_words(title)
            artifact.title = title
            if before != after:
                self._reword(artifact, before, after)
        artifact.bearer, artifact.size_bytes, artifact.updated_ns = bearer, size_bytes, now_ns
        self._piles.put(artifact)
        self.contents.put(artifact.id, content)
        self._changed[artifact.id] = artifact

    def move(self, artifact: Artifact, owner: str, now_ns: int) -> None:
        """Another principal owns and bears it from now on."""
        _remove(self._by_owner, artifact.owner, artifact.created_sequence)
        artifact.owner = artifact.bearer = owner
        artifact.updated_ns = now_ns
        _insert(self._by_owner, owner, artifact)
        self._piles.put(artifact)
        self._changed[artifact.id] = artifact

    def discard(self, artifact: Artifact, now_ns: int) -> None:
        """Deleted: content and index entries go, the name stays taken."""
        self._unfile(artifact)
        artifact.deleted = True
        artifact.size_bytes, artifact.updated_ns = 0, now_ns
        self.contents.put(artifact.id, b"")
        self._changed[artifact.id] = artifact

    def reinstate(self, artifact: Artifact, before: Artifact, content: bytes | None) -> None:
        """Make an artifact again what it was; `content` is its uncommitted content then, if it had one."""
        if not artifact.deleted:
            self._unfile(artifact)
        _become(artifact, before)
        if not artifact.deleted:
            self._file(artifact)
        self.contents.take_back(artifact.id, content)

    def forget(self, artifact: Artifact) -> None:
        """Undo an `add`: there never was such an artifact, and its name is free."""
        self._unfile(artifact)
        del self._things[artifact.id]
        self._changed.pop(artifact.id, None)
        self.contents.take_back(artifact.id, None)

    def take_changed(self) -> list[Artifact]:
        """The artifacts changed since the last call, which the caller now commits."""
        changed, self._changed = self._changed, {}
        return list(changed.values())

    def written_last(self, bearer: str) -> Artifact | None:
        """What a bearer wrote or took over last, of all that occupies its disk and may be deleted.

        Of what has the same time the one created last.
        """
        return self._piles.top(bearer)

    def pile(self, bearer: str) -> list[Artifact]:
        """All of that, what was written last first; for audits, which may look at everything."""
        return self._piles.of(bearer)

    def page(
        self, *, type: str | None, owner: str | None, words: tuple[str, ...], before: int | None, limit: int
    ) -> tuple[list[Artifact], int | None]:
        """Newest first: up to `limit` artifacts created before sequence `before`, and the cursor to go on with.

        One index is walked and the other conditions are checked; the walk is bounded, so a page may come back short
        (even empty) with a cursor.
        """
        found: list[Artifact] = []
        index = self._narrowest(type, owner, words)
        if index is None:
            return found, None
        cursor = None
        newest_first = index.irange(maximum=before, inclusive=(True, False), reverse=True)
        for scanned, sequence in enumerate(newest_first, start=1):
            artifact = self._living[sequence]
            if _fits(artifact, type, owner, words):
                found.append(artifact)
            if len(found) == limit or scanned == limit * _SCAN_PER_RESULT:
                cursor = sequence
                break
        return found, cursor

    def _narrowest(self, type: str | None, owner: str | None, words: tuple[str, ...]) -> Drawer | None:
        candidates = [self._by_word.get(word) for word in words]
        if owner is not None:
            candidates.append(self._by_owner.get(owner))
        if type is not None or not candidates:
            candidates.append(self._by_type.get(type or ""))
        shortest = None
        for candidate in candidates:
            if candidate is None:
                return None
            if shortest is None or len(candidate) < len(shortest):
                shortest = candidate
        return shortest

    def _drawers(self, artifact: Artifact) -> Iterator[tuple[Index, str]]:
        yield self._by_type, artifact.type
        yield self._by_type, ""  # every artifact, for pages without a condition
        yield self._by_owner, artifact.owner
        for word in _title_words(artifact.title):
            yield self._by_word, word

    def _reword(self, artifact: Artifact, before: tuple[str, ...], after: tuple[str, ...]) -> None:
        for word in before:
            if word not in after:
                _remove(self._by_word, word, artifact.created_sequence)
        for word in after:
            if word not in before:
                _insert(self._by_word, word, artifact)

    def _file(self, artifact: Artifact) -> None:
        self._living[artifact.created_sequence] = artifact
        for index, key in self._drawers(artifact):
            _insert(index, key, artifact)
        self._piles.put(artifact)

    def _unfile(self, artifact: Artifact) -> None:
        for index, key in self._drawers(artifact):
            _remove(index, key, artifact.created_sequence)
        del self._living[artifact.created_sequence]


def _become(artifact: Artifact, other: Artifact) -> None:
    for field in artifact.__struct_fields__:
        setattr(artifact, field, getattr(other, field))


def _fits(artifact: Artifact, type: str | None, owner: str | None, words: tuple[str, ...]) -> bool:
    if type is not None and artifact.type != type:
        return False
    if owner is not None and artifact.owner != owner:
        return False
    return not words or set(words) <= set(_title_words(artifact.title))


def _insert(index: Index, key: str, artifact: Artifact) -> None:
    drawer = index.get(key)
    if drawer is None:
        drawer = index[key] = SortedList()
    drawer.add(artifact.created_sequence)


def _remove(index: Index, key: str, sequence: int) -> None:
    drawer = index[key]
    drawer.remove(sequence)
    if not drawer:
        del index[key]
