"""Sketches against the sets they stand for, and the registers behind novelty and use."""

import pytest

from ecology.artifacts.artifact import BYTES, JSON, TEXT, Artifact
from ecology.core.seeds import Draw
from ecology.kernel.actions import AgentConfig, Read, Spawn, Write
from ecology.kernel.economy.novelty import (
    LOOKED_AT_BYTES,
    REMEMBERED,
    SKETCH_HASHES,
    Sketch,
    Sketches,
    similarity,
    sketch_of,
)
from ecology.kernel.economy.uses import MOST_USERS, Uses
from ecology.resources.assets import DISK
from ecology.testing.worlds import Stage


def words(seed: int, count: int) -> list[str]:
    draw = Draw(seed)
    return [f"w{draw.below(5_000)}" for _ in range(count)]


def sketched(text: list[str]) -> tuple[int, ...]:
    return sketch_of(TEXT, " ".join(text).encode())


def alike(one: list[str], other: list[str]) -> int:
    return similarity(frozenset(sketched(one)), sketched(other))


def jaccard(one: list[str], other: list[str]) -> float:
    """Of the sets of five words in a row, by definition."""
    first, second = ({tuple(text[at : at + 5]) for at in range(len(text) - 4)} for text in (one, other))
    return 100 * len(first & second) / len(first | second)


def test_the_same_work_is_alike_whatever_case_space_and_points() -> None:
    text = words(1, 400)
    shown = "  ".join(text).upper().replace(" ", " -\n", 7).encode()
    assert similarity(frozenset(sketched(text)), sketch_of(TEXT, shown)) == 100


def test_works_that_share_nothing_are_not_alike() -> None:
    assert alike(words(1, 2_000), words(2, 2_000)) == 0


@pytest.mark.parametrize("kept", range(0, 1_001, 125))
@pytest.mark.parametrize("count", [60, 1_000])
def test_the_estimate_is_near_the_index_and_exact_for_small_works(kept: int, count: int) -> None:
    """Three standard errors: 13 percentage points."""
    one, other = words(1, count), words(2, count)
    mixed = one[: count * kept // 1_000] + other[count * kept // 1_000 :]
    if count < SKETCH_HASHES // 2:
        assert alike(one, mixed) == int(jaccard(one, mixed))
    assert abs(alike(one, mixed) - jaccard(one, mixed)) <= 13


def test_similarity_is_symmetric() -> None:
    one, other = words(1, 900), words(1, 500) + words(3, 900)
    assert alike(one, other) == alike(other, one) > 0


@pytest.mark.parametrize(
    ("form", "content", "hashes"),
    [
        (TEXT, b"", 0),
        (TEXT, b"!!", 1),
        (TEXT, b" \n .,; !?", 2),
        (TEXT, b"one two", 1),
        (TEXT, b"one two three four five", 1),
        (TEXT, b"one two three four five six", 2),
        (JSON, b'{"a": [1, 2]}', 1),
        (BYTES, b"", 0),
        (BYTES, b"\x00", 1),
        (BYTES, b"12345678", 1),
        (BYTES, b"123456789", 2),
        (TEXT, b"\xff\xfe five words in a row", 1),
    ],
)
def test_a_sketch_has_a_hash_for_each_shingle(form: str, content: bytes, hashes: int) -> None:
    assert len(sketch_of(form, content)) == hashes


def test_a_sketch_is_small_sorted_and_always_the_same() -> None:
    sketch = sketched(words(1, 5_000))
    assert len(sketch) == SKETCH_HASHES and list(sketch) == sorted(set(sketch))
    assert all(0 <= value < 2**32 for value in sketch)
    assert sketch_of(TEXT, b"one two three four five") == (1_832_028_233,)


def test_only_the_beginning_of_a_long_work_counts() -> None:
    long = " ".join(words(1, 12_000)).encode()[:LOOKED_AT_BYTES]
    assert len(long) == LOOKED_AT_BYTES
    assert sketch_of(TEXT, long + b"more and more and more and more") == sketch_of(TEXT, long)
    assert sketch_of(BYTES, long + b"more") == sketch_of(BYTES, long)


def sketch(number: int, hashes: tuple[int, ...]) -> Sketch:
    return Sketch(f"bid-{number}", number, f"work-{number}", hashes)


def test_the_nearest_is_the_earliest_of_the_most_alike() -> None:
    works = Sketches()
    assert works.nearest((1, 2)) == (0, "")
    for number, hashes in ((30, (1, 2, 3, 4)), (7, (1, 2, 3, 4)), (11, (1, 9, 10, 11)), (5, ())):
        works.remember(sketch(number, hashes))
    assert works.nearest((1, 2, 3, 4)) == (100, "work-7")
    assert works.nearest((1, 2)) == (50, "work-7")
    assert works.nearest((9, 10, 11)) == (75, "work-11")
    assert works.nearest(()) == (0, "")


def test_the_oldest_work_is_forgotten_also_after_loading() -> None:
    works = Sketches()
    for number in range(1, REMEMBERED + 1):
        works.remember(sketch(number, (number,)))
    loaded = Sketches()
    for _, _, body in sorted(works.take_changes()):  # in the order of names, as the store has them
        assert body is not None
        loaded.restore(body)
    for register in (works, loaded):
        register.remember(sketch(9_999, (9_999,)))
        assert len(register) == REMEMBERED
        assert register.nearest((1,)) == (0, "")
        assert register.nearest((2,)) == (100, "work-2")


# -- use


def artifact(stage: Stage) -> Artifact:
    found = stage.world.shelf.find("thing")
    assert found is not None
    return found


@pytest.fixture
def stage() -> Stage:
    stage = Stage.of(2)
    stage.do("agent-0001", Write("thing", "x"))
    return stage


def test_users_are_counted_once_and_its_own_people_never() -> None:
    stage = Stage.of(5)
    me, owner, third, fourth, fifth = stage.world.roster
    stage.do(me.id, Write("thing", "x"))
    thing = artifact(stage)
    thing.owner = owner.id
    for user in (third, fourth, third, me, owner, fourth, fifth):
        stage.world.note_use(thing, user)
    assert stage.world.uses.others("thing", owner.id) == 3
    assert stage.world.uses.others("thing", third.id) == 2


def test_a_family_is_one_user_and_does_not_applaud_itself() -> None:
    stage = Stage.of(3)
    me, other, third = (agent.id for agent in stage.world.roster)
    stage.do(me, Write("thing", "x"))
    for parent, child, disk in (
        (me, "mine", 1_000),
        (other, "theirs", 2_000),
        ("theirs", "grandchild", 1_000),
    ):
        stage.do(parent, Spawn(child, AgentConfig("maker"), {DISK: disk}))
    for reader in ("mine", "theirs", "grandchild", other):
        stage.do(reader, Read("thing"))
    assert stage.world.uses.others("thing", me) == 1
    stage.do(third, Read("thing"))
    assert stage.world.uses.others("thing", me) == 2


def test_a_bidder_is_no_user_of_its_own() -> None:
    uses = Uses()
    assert uses.others("thing", "a") == 0
    uses.note("thing", "a")
    assert (uses.others("thing", "a"), uses.others("thing", "b")) == (0, 1)


def test_only_so_many_users_are_kept() -> None:
    uses = Uses()
    for number in range(MOST_USERS + 5):
        uses.note("thing", f"user-{number}")
    assert uses.others("thing", "x") == MOST_USERS
    uses.take_changes()
    uses.note("thing", "one-more")
    assert uses.take_changes() == []


def test_a_use_that_is_taken_back_did_not_happen(stage: Stage) -> None:
    world = stage.world
    with world.scope() as scope:
        world.uses.note("thing", "agent-0002")
        assert world.uses.others("thing", "agent-0001") == 1
        scope.roll_back()
    assert world.uses.others("thing", "agent-0001") == 0
