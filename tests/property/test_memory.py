"""Memories under arbitrary deeds: recall against the obviously correct one, and an index that is made anew."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import hypothesis.strategies as st
from hypothesis import given, settings

from ecology.artifacts.artifact import BYTES
from ecology.core.outcome import Committed
from ecology.kernel.actions import Action, Configure, Delete, Recall, Remember, Transfer, Write
from ecology.memory.lexical import Lexical
from ecology.memory.memories import Memories
from ecology.memory.qdrant_edge import QdrantEdge
from ecology.memory.vectors import per_mille, quantised
from ecology.testing.worlds import MemoryStore, Stage, empty_world, populate

AGENTS = ("agent-0001", "agent-0002", "agent-0003")
WORDS = ("bread", "bakery", "mill", "miller", "flour", "ember", "december", "red")
CONTRACTS = ("private", "freeware", "public", "transferable_freeware", "pay_per_use(3)")
NAMES = tuple(f"thing-{number}" for number in range(5))

sentences = st.lists(st.sampled_from(WORDS), min_size=1, max_size=4).map(" ".join)
names = st.sampled_from(NAMES)
deeds = st.one_of(
    st.builds(Remember, sentences),
    st.builds(
        Write,
        artifact=names,
        content=sentences,
        type=st.sampled_from(["memory", "memory", "note"]),
        contract=st.sampled_from(CONTRACTS),
    ),
    st.builds(Delete, names),
    st.builds(Transfer, st.sampled_from(AGENTS), artifact=names),
)
recalls = st.builds(Recall, sentences, st.integers(1, 6), st.sampled_from([None, *AGENTS]))
histories = st.lists(st.tuples(st.sampled_from(AGENTS), st.one_of(deeds, deeds, recalls)), max_size=40)


def make(folder: Path) -> Memories:
    return Memories(lambda dimension, embedding: QdrantEdge.open(folder, dimension, embedding))


def begin(memories: Memories) -> Stage:
    world = populate(empty_world(MemoryStore()), len(AGENTS))
    world.memory = memories
    stage = Stage(world)
    for name in AGENTS:
        stage.do(name, Configure(accepts_from=["*"]))
    return stage


def expected(stage: Stage, who: str, action: Recall) -> list[tuple[str, str, int]]:
    """Every memory that the caller may read for nothing, compared one by one, in the promised order."""
    owner = action.of or who
    mine = [
        it
        for it in stage.world.shelf.everything()
        if it.type == "memory" and it.owner == owner and not it.deleted and it.format != BYTES
    ]
    sought, *vectors = quantised(
        Lexical().embed([action.query, *(stage.world.shelf.contents.get(it.id).decode() for it in mine)])
    )
    ranked: list[tuple[int, int, str, str]] = []
    for it, vector in zip(mine, vectors, strict=True):
        if who == it.owner or it.contract in ("freeware", "public", "transferable_freeware"):
            score = int(sum(a * b for a, b in zip(sought, vector, strict=True)))
            text = stage.world.shelf.contents.get(it.id).decode()
            ranked.append((-score, -it.created_sequence, it.id, text))
    return [(name, text, per_mille(-score)) for score, _, name, text in sorted(ranked)[: action.limit]]


def check(stage: Stage, who: str, action: Recall) -> None:
    outcome = stage.act(who, action)
    assert isinstance(outcome, Committed) and outcome.data["available"] is True
    memories = outcome.data["memories"]
    assert isinstance(memories, list)
    found = [(it["artifact"], it["text"], it["likeness_per_mille"]) for it in memories]
    assert found == expected(stage, who, action)


def play(stage: Stage, history: list[tuple[str, Action]]) -> Iterator[Stage]:
    for who, action in history:
        if isinstance(action, Recall):
            check(stage, who, action)
        else:
            stage.act(who, action)
        stage.now_ns += 1_000
        yield stage


@settings(max_examples=25, deadline=None)
@given(histories, recalls)
def test_recall_finds_what_is_ones_own_or_free_to_read(
    history: list[tuple[str, Action]], last: Recall
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        stage = begin(make(Path(folder)))
        for _ in play(stage, history):
            pass
        for who in AGENTS:
            check(stage, who, last)
        stage.world.memory.abandon()


@settings(max_examples=15, deadline=None)
@given(histories, recalls, st.integers(0, 40), st.booleans(), st.booleans())
def test_an_index_made_anew_finds_the_same(
    history: list[tuple[str, Action]], last: Recall, at: int, clean: bool, forgetful: bool
) -> None:
    """A process ends somewhere, cleanly or not; the next one has its index, or none, and follows from there."""
    with tempfile.TemporaryDirectory() as first, tempfile.TemporaryDirectory() as second:
        stage = begin(make(Path(first)))
        for number, _ in enumerate(play(stage, history)):
            if number == at:
                stage.do(AGENTS[0], Recall("bread"))
                if clean:
                    stage.world.memory.close()
                else:
                    stage.world.memory.abandon()
                stage.world.memory = make(Path(second if forgetful else first))
                stage = Stage(stage.world, stage.now_ns)
        for who in AGENTS:
            check(stage, who, last)
        stage.world.memory.abandon()
