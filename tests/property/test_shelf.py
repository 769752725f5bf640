"""The shelf's indexes against looking at everything."""

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

    @property
    def living(self) -> list[Artifact]:
        return [it for it in self.things if not it.deleted]

    @rule(type=TYPES, owner=OWNERS, title=TITLES, gap=st.integers(1, 5))
    def add(self, type: str, owner: str, title: str, gap: int) -> None:
        self.sequence += gap
        artifact = Artifact(
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
            size_bytes=0,
            created_ns=0,
            updated_ns=0,
        )
        self.shelf.add(artifact, b"x")
        self.things.append(artifact)

    @rule(place=st.integers(0), type=TYPES, title=TITLES)
    def revise(self, place: int, type: str, title: str) -> None:
        if self.living:
            self.shelf.revise(self.living[place % len(self.living)], b"y", type=type, title=title)

    @rule(place=st.integers(0), owner=OWNERS)
    def move(self, place: int, owner: str) -> None:
        if self.living:
            self.shelf.move(self.living[place % len(self.living)], owner)

    @rule(place=st.integers(0))
    def discard(self, place: int) -> None:
        if self.living:
            self.shelf.discard(self.living[place % len(self.living)])

    @rule()
    def reload(self) -> None:
        """As after a crash: the shelf is built anew from what there is, by creation."""
        self.shelf = Shelf(Contents(lambda name: b"x"))
        for artifact in self.things:
            self.shelf.restore(artifact)

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
    def every_name_is_known(self) -> None:
        assert len(self.shelf) == len(self.things)
        assert all(self.shelf.find(it.id) is it for it in self.things)


ShelfMachine.TestCase.settings = settings(max_examples=60, stateful_step_count=40)
TestShelf = ShelfMachine.TestCase
