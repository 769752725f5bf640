"""The shelf's indexes against looking at everything."""

import msgspec
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from ecology.artifacts.artifact import Artifact
from ecology.artifacts.contents import Contents
from ecology.artifacts.shelf import Shelf, words_of

TYPES = st.sampled_from(["text", "tool", "agent"])
OWNERS = st.sampled_from(["a", "b", "c"])
TITLES = st.lists(st.sampled_from(["red", "blue", "hammer", "saw", "x", "É", "red-saw"]), max_size=5).map(
    " ".join
)
SIZES = st.sampled_from([0, 1, 40])
MAYBE_TYPES = st.none() | TYPES | st.sampled_from(["nothing", ""])
MAYBE_OWNERS = st.none() | OWNERS | st.just("nobody")


def nothing(name: str) -> bytes:
    raise AssertionError(f"asked the disk for {name}")


class ShelfMachine(RuleBasedStateMachine):
    """A shelf, and beside it the plain list of what is on it."""

    def __init__(self) -> None:
        super().__init__()
        self.shelf = Shelf(Contents(nothing))
        self.things: list[Artifact] = []
        self.sequence = 0
        self.now_ns = 0

    @property
    def living(self) -> list[Artifact]:
        return [it for it in self.things if not it.deleted]

    def one(self, place: int) -> Artifact | None:
        """One of the living, if there are any."""
        return self.living[place % len(self.living)] if self.living else None

    @rule(span_ns=st.integers(1, 3))
    def pass_time(self, span_ns: int) -> None:
        self.now_ns += span_ns

    @rule(type=TYPES, owner=OWNERS, title=TITLES, gap=st.integers(1, 5), size=SIZES, standing=st.booleans())
    def add(self, type: str, owner: str, title: str, gap: int, size: int, standing: bool) -> None:
        artifact = self._new(type, owner, title, gap, size, standing)
        self.shelf.add(artifact, b"x")
        self.things.append(artifact)

    @rule(type=TYPES, owner=OWNERS, title=TITLES, gap=st.integers(1, 5), size=SIZES)
    def add_and_undo(self, type: str, owner: str, title: str, gap: int, size: int) -> None:
        artifact = self._new(type, owner, title, gap, size, False)
        self.shelf.add(artifact, b"x")
        self.shelf.forget(artifact)

    def _new(self, type: str, owner: str, title: str, gap: int, size: int, standing: bool) -> Artifact:
        self.sequence += gap
        return Artifact(
            id=f"t{self.sequence}",
            created_sequence=self.sequence,
            type=type,
            format="text",
            created_by=owner,
            owner=owner,
            bearer=owner,
            contract="public",
            title=title,
            depends_on=(),
            metadata={},
            interface=None,
            revision=1,
            size_bytes=size,
            created_ns=self.now_ns,
            updated_ns=self.now_ns,
            standing=standing,
        )

    @rule(place=st.integers(0), type=TYPES, title=TITLES, bearer=OWNERS, size=SIZES, undo=st.booleans())
    def revise(self, place: int, type: str, title: str, bearer: str, size: int, undo: bool) -> None:
        if (it := self.one(place)) is None:
            return
        before, content = msgspec.structs.replace(it), self.shelf.contents.uncommitted(it.id)
        self.shelf.revise(
            it, b"y", type=type, title=title, bearer=bearer, size_bytes=size, now_ns=self.now_ns
        )
        assert (it.type, it.title, it.bearer, it.size_bytes) == (type, title, bearer, size)
        assert it.updated_ns == self.now_ns
        if undo:
            self.shelf.reinstate(it, before, content)
            assert it == before

    @rule(place=st.integers(0), size=SIZES)
    def resize(self, place: int, size: int) -> None:
        if (it := self.one(place)) is not None:
            self.shelf.resize(it, size)
            assert it.size_bytes == size

    @rule(place=st.integers(0), owner=OWNERS)
    def move(self, place: int, owner: str) -> None:
        if (it := self.one(place)) is not None:
            self.shelf.move(it, owner, self.now_ns)
            assert (it.owner, it.bearer, it.updated_ns) == (owner, owner, self.now_ns)

    @rule(place=st.integers(0), undo=st.booleans())
    def discard(self, place: int, undo: bool) -> None:
        if (it := self.one(place)) is None:
            return
        before, content = msgspec.structs.replace(it), self.shelf.contents.uncommitted(it.id)
        self.shelf.discard(it, self.now_ns)
        if undo:
            self.shelf.reinstate(it, before, content)
            assert it == before

    @rule(bearer=OWNERS, many=st.integers(1, 3))
    def clear(self, bearer: str, many: int) -> None:
        """What is written last goes first, as the list says beforehand."""
        wanted = self._pile(bearer)[::-1][:many]
        gone: list[Artifact] = []
        while len(gone) < many and (it := self.shelf.written_last(bearer)) is not None:
            gone.append(it)
            self.shelf.discard(it, self.now_ns)
        assert gone == wanted

    def _pile(self, bearer: str) -> list[Artifact]:
        borne = [it for it in self.living if it.bearer == bearer and it.size_bytes and not it.permanent]
        return sorted(borne, key=lambda it: (it.updated_ns, it.created_sequence))

    @rule()
    def reload(self) -> None:
        """As the store gives it back: copies of all there is, by creation."""
        before = self.shelf
        self.things = [msgspec.structs.replace(it) for it in self.things]
        self.shelf = Shelf(Contents(lambda name: b"x"))
        for artifact in self.things:
            self.shelf.restore(artifact)
        for bearer in ("a", "b", "c"):
            assert self.shelf.written_last(bearer) == before.written_last(bearer)

    @rule(type=MAYBE_TYPES, owner=MAYBE_OWNERS, query=TITLES, limit=st.integers(1, 4))
    def search(self, type: str | None, owner: str | None, query: str, limit: int) -> None:
        """All pages together are exactly what looking at everything finds, newest first."""
        words = words_of(query)
        wanted = [
            it.id
            for it in reversed(self.living)
            if (type is None or it.type == type)
            and (owner is None or it.owner == owner)
            and set(words) <= set(words_of(it.title))
        ]
        found: list[str] = []
        before = None
        for _ in range(len(self.things) + 2):
            page, before = self.shelf.page(type=type, owner=owner, words=words, before=before, limit=limit)
            assert len(page) <= limit
            found += [it.id for it in page]
            if before is None:
                break
        assert before is None, "a search comes to its end"
        assert found == wanted

    @invariant()
    def every_bearer_is_told_what_it_wrote_last(self) -> None:
        for bearer in ("a", "b", "c"):
            pile = self._pile(bearer)
            assert self.shelf.written_last(bearer) is (pile[-1] if pile else None)

    @invariant()
    def every_name_is_known(self) -> None:
        assert len(self.shelf) == len(self.things)
        assert all(self.shelf.find(it.id) is it for it in self.things)


ShelfMachine.TestCase.settings = settings(max_examples=60, stateful_step_count=40)
TestShelf = ShelfMachine.TestCase
