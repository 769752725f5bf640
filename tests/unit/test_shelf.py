"""Looking for artifacts: newest first, page by page, without looking at everything."""

import msgspec
import pytest

from ecology.artifacts.artifact import Artifact, card, is_deep, overhead_bytes
from ecology.artifacts.contents import Contents
from ecology.artifacts.shelf import MAX_WORDS, Shelf, words_of
from ecology.core.limits import MAX_DEPTH


def thing(
    sequence: int,
    *,
    type: str = "text",
    owner: str = "o",
    title: str = "",
    size_bytes: int = 1,
    written_ns: int = 0,
    standing: bool = False,
) -> Artifact:
    return Artifact(
        id=f"thing-{sequence}",
        created_sequence=sequence,
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
        size_bytes=size_bytes,
        created_ns=0,
        updated_ns=written_ns,
        standing=standing,
    )


def nothing(name: str) -> bytes:
    raise AssertionError(f"asked the disk for {name}")


def shelf_of(*things: Artifact) -> Shelf:
    shelf = Shelf(Contents(nothing))
    for it in things:
        shelf.add(it, b"content")
    return shelf


def rewrite(
    shelf: Shelf,
    it: Artifact,
    *,
    type: str = "text",
    title: str = "",
    bearer: str = "o",
    size_bytes: int = 1,
    now_ns: int = 0,
) -> None:
    """A revision whose content nobody looks at."""
    shelf.revise(it, b"2", type=type, title=title, bearer=bearer, size_bytes=size_bytes, now_ns=now_ns)


def cleared(shelf: Shelf, bearer: str = "o") -> list[int]:
    """In which order a bearer's things would go; they are gone then."""
    order = []
    while (it := shelf.written_last(bearer)) is not None:
        order.append(it.created_sequence)
        shelf.discard(it, 99)
    return order


def found(
    shelf: Shelf,
    *,
    type: str | None = None,
    owner: str | None = None,
    words: tuple[str, ...] = (),
    before: int | None = None,
    limit: int = 10,
) -> list[int]:
    page, _ = shelf.page(type=type, owner=owner, words=words, before=before, limit=limit)
    return [artifact.created_sequence for artifact in page]


def test_the_newest_come_first_and_the_cursor_goes_on() -> None:
    shelf = shelf_of(*map(thing, range(1, 8)))
    first, cursor = shelf.page(type=None, owner=None, words=(), before=None, limit=3)
    assert [it.created_sequence for it in first] == [7, 6, 5]
    assert cursor == 5
    assert found(shelf, before=cursor, limit=3) == [4, 3, 2]
    last, cursor = shelf.page(type=None, owner=None, words=(), before=2, limit=3)
    assert [it.created_sequence for it in last] == [1]
    assert cursor is None


def test_a_cursor_stays_where_it_is_while_the_shelf_changes() -> None:
    shelf = shelf_of(*map(thing, range(1, 8)))
    _, cursor = shelf.page(type=None, owner=None, words=(), before=None, limit=3)
    shelf.add(thing(8), b"newer")
    for gone in (5, 6, 3):
        it = shelf.find(f"thing-{gone}")
        assert it is not None
        shelf.discard(it, 1)
    assert found(shelf, before=cursor, limit=3) == [4, 2, 1], "nothing twice, nothing left out"


@pytest.mark.parametrize("before", [0, 1, -5, -(2**70)])
def test_before_the_first_there_is_nothing(before: int) -> None:
    assert found(shelf_of(thing(1)), before=before) == []


def test_a_cursor_beyond_the_newest_starts_at_the_top() -> None:
    assert found(shelf_of(thing(1), thing(2)), before=2**70) == [2, 1]


def test_conditions_are_anded() -> None:
    shelf = shelf_of(
        thing(1, type="tool", owner="a", title="red hammer"),
        thing(2, type="tool", owner="b", title="red saw"),
        thing(3, type="text", owner="a", title="red hammer"),
        thing(4, type="tool", owner="a", title="blue hammer"),
    )
    assert found(shelf, type="tool") == [4, 2, 1]
    assert found(shelf, owner="a") == [4, 3, 1]
    assert found(shelf, words=("hammer",)) == [4, 3, 1]
    assert found(shelf, words=("red", "hammer")) == [3, 1]
    assert found(shelf, type="tool", owner="a", words=("red", "hammer")) == [1]
    assert (
        found(shelf, type="nothing")
        == found(shelf, owner="nobody")
        == found(shelf, words=("red", "no"))
        == []
    )
    assert found(shelf, type="") == []


def test_a_search_walks_a_bounded_way_and_says_where_it_stopped() -> None:
    """The rarest index is walked; where even that one is long, a page comes back short, with a cursor."""
    shelf = shelf_of(
        *(thing(n, type="tool" if n == 1 else "text", owner="b" if n == 1 else "a") for n in range(1, 101)),
        *(thing(n, type="tool", owner="a") for n in range(101, 201)),
    )
    page, cursor = shelf.page(type="text", owner="a", words=(), before=None, limit=2)
    steps = 0
    while not page:
        assert cursor is not None
        page, cursor = shelf.page(type="text", owner="a", words=(), before=cursor, limit=2)
        steps += 1
    assert [it.created_sequence for it in page] == [100, 99]
    assert steps <= 7, "a hundred in steps of sixteen"
    assert found(shelf, type="tool", owner="b") == [1], "one that is alone in its index is found at once"


def test_what_changes_is_found_where_it_belongs_now() -> None:
    it = thing(1, type="text", owner="a", title="old name")
    shelf = shelf_of(it)
    rewrite(shelf, it, type="tool", title="new name")
    assert found(shelf, type="text") == found(shelf, words=("old",)) == []
    assert found(shelf, type="tool", owner="a", words=("new", "name")) == [1]
    shelf.move(it, "b", 1)
    assert found(shelf, owner="a") == []
    assert found(shelf, owner="b", type="tool") == [1]


def test_a_deleted_one_is_known_by_name_and_found_no_more() -> None:
    it = thing(1, type="tool", owner="a", title="red hammer")
    shelf = shelf_of(it, thing(2))
    shelf.discard(it, 1)
    assert shelf.find("thing-1") is it
    assert it.deleted
    assert len(shelf) == 2
    assert shelf.contents.get("thing-1") == b""
    assert found(shelf) == [2]
    for search in ({"type": "tool"}, {"owner": "a"}):
        assert found(shelf, **search) == []  # type: ignore[arg-type]
    assert found(shelf, words=("red",)) == []


def test_a_pile_is_cleared_from_what_was_written_last() -> None:
    """Of one time what was created last; others' piles stay."""
    shelf = shelf_of(*(thing(n, written_ns=n // 3) for n in range(1, 7)), thing(7, owner="b", written_ns=9))
    first = shelf.find("thing-1")
    assert first is not None
    rewrite(shelf, first, now_ns=2)
    assert cleared(shelf) == [6, 1, 5, 4, 3, 2]
    assert cleared(shelf, "b") == [7]
    assert cleared(shelf, "nobody") == []


def test_a_pile_holds_what_its_bearer_can_be_relieved_of_and_nothing_else() -> None:
    shelf = shelf_of(
        thing(1, type="agent"), thing(2, standing=True), thing(3, size_bytes=0), thing(4), thing(5, owner="b")
    )
    empty, borne = shelf.find("thing-3"), shelf.find("thing-4")
    assert empty is not None
    assert borne is not None
    assert shelf.written_last("o") is borne
    shelf.resize(borne, 0)
    assert shelf.written_last("o") is None, "what occupies nothing would free nothing"
    rewrite(shelf, empty, size_bytes=5)
    assert shelf.written_last("o") is empty
    rewrite(shelf, empty, bearer="b", size_bytes=5, now_ns=1)
    assert (empty.owner, empty.bearer) == ("o", "b")
    assert shelf.written_last("o") is None
    assert cleared(shelf, "b") == [3, 5]


def test_who_takes_a_thing_over_has_it_on_top_of_its_pile() -> None:
    old, new = thing(1), thing(2, owner="b", written_ns=5)
    shelf = shelf_of(old, new)
    shelf.move(old, "b", 6)
    assert shelf.written_last("o") is None
    assert cleared(shelf, "b") == [1, 2]


def test_a_pile_is_again_what_it_was_when_a_deed_is_undone() -> None:
    shelf = shelf_of(thing(1, written_ns=1), thing(2, written_ns=2))
    first, second = shelf.find("thing-1"), shelf.find("thing-2")
    assert first is not None
    assert second is not None
    before, content = msgspec.structs.replace(first), shelf.contents.uncommitted("thing-1")
    rewrite(shelf, first, bearer="b", size_bytes=7, now_ns=3)
    shelf.reinstate(first, before, content)
    assert shelf.written_last("b") is None
    shelf.add(third := thing(3, written_ns=4), b"")
    shelf.forget(third)
    assert shelf.written_last("o") is second
    before, content = msgspec.structs.replace(second), shelf.contents.uncommitted("thing-2")
    shelf.discard(second, 5)
    assert shelf.written_last("o") is first
    shelf.reinstate(second, before, content)
    assert cleared(shelf) == [2, 1]


def test_a_name_is_taken_once() -> None:
    shelf = shelf_of(thing(1))
    with pytest.raises(AssertionError):
        shelf.add(thing(1), b"")


def test_what_changed_is_taken_once_and_each_thing_once() -> None:
    first, second = thing(1), thing(2)
    shelf = shelf_of(first, second)
    shelf.move(first, "b", 1)
    rewrite(shelf, first)
    assert shelf.take_changed() == [first, second]
    assert shelf.take_changed() == []
    shelf.discard(second, 1)
    assert shelf.take_changed() == [second]


def test_what_is_restored_is_found_and_not_changed() -> None:
    shelf = Shelf(Contents(nothing))
    gone = thing(2)
    gone.deleted = True
    shelf.restore(thing(1))
    shelf.restore(gone)
    assert found(shelf) == [1]
    assert shelf.find("thing-2") is gone
    assert shelf.take_changed() == []


@pytest.mark.parametrize(
    ("title", "words"),
    [
        ("", ()),
        ("A red, RED hammer-2!", ("red", "hammer")),
        ("x y z", ()),
        ("état über", ("tat", "ber")),
        ("word" * 16, ("word" * 8,)),
        (" ".join(f"w{n}" for n in range(20)), tuple(f"w{n}" for n in range(MAX_WORDS))),
        ("snake_case", ("snake", "case")),
    ],
)
def test_words_of_a_title(title: str, words: tuple[str, ...]) -> None:
    assert words_of(title) == words


def test_the_metadata_layer_shows_no_content() -> None:
    shown = card(thing(3, title="t"))
    assert set(shown) == {
        "id",
        "type",
        "title",
        "owner",
        "created_by",
        "contract",
        "executable",
        "revision",
        "size_bytes",
    }


def test_nothing_is_stored_for_free() -> None:
    it = thing(1, title="é")
    named = len("thing-1text") + len("é".encode())
    assert overhead_bytes(it) == named
    it.depends_on = ("abc", "de")
    it.metadata = {"k": "é"}
    it.interface = {}
    assert overhead_bytes(it) == named + 5 + len('{"k":"é"}'.encode()) + 2


def nested(levels: int, *, as_object: bool = False) -> object:
    value: object = 1
    for _ in range(levels):
        value = {"k": value} if as_object else [value]
    return value


@pytest.mark.parametrize("as_object", [True, False])
def test_depth_is_bounded_and_counted_without_recursion(as_object: bool) -> None:
    assert not is_deep(nested(0))
    assert not is_deep(nested(MAX_DEPTH, as_object=as_object))
    assert is_deep(nested(MAX_DEPTH + 1, as_object=as_object))
    assert is_deep(nested(100_000, as_object=as_object))
    assert is_deep({"a": 1, "b": [nested(MAX_DEPTH, as_object=as_object)], "c": []})
    assert not is_deep([[]] * 1_000)
