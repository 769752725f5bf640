"""Looking for artifacts: newest first, page by page, without looking at everything."""

import pytest

from ecology.artifacts.artifact import Artifact, card, is_deep, overhead_bytes
from ecology.artifacts.contents import Contents
from ecology.artifacts.shelf import MAX_WORDS, Shelf, words_of
from ecology.core.limits import MAX_DEPTH


def thing(sequence: int, *, type: str = "text", owner: str = "o", title: str = "") -> Artifact:
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
        size_bytes=0,
        created_ns=0,
        updated_ns=0,
    )


def nothing(name: str) -> bytes:
    raise AssertionError(f"asked the disk for {name}")


def shelf_of(*things: Artifact) -> Shelf:
    shelf = Shelf(Contents(nothing))
    for it in things:
        shelf.add(it, b"content")
    return shelf


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
        shelf.discard(it)
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
    shelf.revise(it, b"2", type="tool", title="new name")
    assert found(shelf, type="text") == found(shelf, words=("old",)) == []
    assert found(shelf, type="tool", owner="a", words=("new", "name")) == [1]
    shelf.move(it, "b")
    assert found(shelf, owner="a") == []
    assert found(shelf, owner="b", type="tool") == [1]


def test_a_deleted_one_is_known_by_name_and_found_no_more() -> None:
    it = thing(1, type="tool", owner="a", title="red hammer")
    shelf = shelf_of(it, thing(2))
    shelf.discard(it)
    assert shelf.find("thing-1") is it
    assert it.deleted
    assert len(shelf) == 2
    assert shelf.contents.get("thing-1") == b""
    assert found(shelf) == [2]
    for search in ({"type": "tool"}, {"owner": "a"}):
        assert found(shelf, **search) == []  # type: ignore[arg-type]
    assert found(shelf, words=("red",)) == []


def test_a_name_is_taken_once() -> None:
    shelf = shelf_of(thing(1))
    with pytest.raises(AssertionError):
        shelf.add(thing(1), b"")


def test_what_changed_is_taken_once_and_each_thing_once() -> None:
    first, second = thing(1), thing(2)
    shelf = shelf_of(first, second)
    shelf.move(first, "b")
    shelf.revise(first, b"2", type="text", title="")
    assert shelf.take_changed() == [first, second]
    assert shelf.take_changed() == []
    shelf.discard(second)
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
    assert overhead_bytes(it) == 2
    it.depends_on = ("abc", "de")
    it.metadata = {"k": "é"}
    it.interface = {}
    assert overhead_bytes(it) == 2 + 5 + len('{"k":"é"}'.encode()) + 2


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
