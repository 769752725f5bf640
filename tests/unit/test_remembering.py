"""remember and recall: what a memory is, who finds it, and what the index may never decide."""

import asyncio
from collections.abc import Iterator
from typing import Any, cast

import pytest

from ecology.core.outcome import Refused
from ecology.events.records import ActionTaken, ArtifactCreated
from ecology.kernel.actions import (
    Action,
    Configure,
    Delete,
    Edit,
    Invoke,
    Query,
    Read,
    Recall,
    Remember,
    Transfer,
    Write,
)
from ecology.kernel.remembering import foresee
from ecology.memory.index import Hit, IndexUnavailable, Point, Vector
from ecology.memory.memories import Memories
from ecology.resources.assets import SCRIP
from ecology.testing.worlds import MemoryStore, Stage, empty_world, populate

ME, OTHER = "agent-0001", "agent-0002"


@pytest.fixture
def stage() -> Iterator[Stage]:
    stage = Stage.of(3)
    yield stage
    stage.world.memory.abandon()


def recalled(stage: Stage, who: str, action: Recall) -> list[dict[str, Any]]:
    data = stage.do(who, action)
    assert data["available"] is True
    return cast("list[dict[str, Any]]", data["memories"])


def texts(stage: Stage, who: str, query: str, limit: int = 16, of: str | None = None) -> list[str]:
    return [memory["text"] for memory in recalled(stage, who, Recall(query, limit, of))]


def test_a_memory_is_a_private_artifact_of_its_own(stage: Stage) -> None:
    stage.events()
    got = stage.do(ME, Remember("  the miller owes me 20 scrip\n", ["debts", "miller"]))
    name = str(got["artifact"])
    assert name == "agent-0001.memory.0"
    assert stage.do(ME, Read(name))["content"] == "the miller owes me 20 scrip\n#debts #miller"
    assert stage.refused(OTHER, Read(name)) == "not_permitted"
    card = stage.do(OTHER, Query("artifact", {"id": name}))
    assert (card["type"], card["contract"], card["owner"]) == ("memory", "private", ME)
    assert (card["title"], card["metadata"]) == ("", {}), "all may look at these"
    created, acted = stage.events()[:2]
    assert isinstance(created, ArtifactCreated) and created.artifact_id == name
    assert isinstance(acted, ActionTaken) and (acted.action, acted.target) == ("remember", None)


def test_a_memory_occupies_its_makers_disk_until_it_is_deleted(stage: Stage) -> None:
    before = stage.agent(ME).disk_used
    got = stage.do(ME, Remember("x" * 1_000))
    assert stage.agent(ME).disk_used == before + 1_000 + len(str(got["artifact"])) + len("memory")
    stage.do(ME, Delete(str(got["artifact"])))
    assert stage.agent(ME).disk_used == before
    assert texts(stage, ME, "xxxx") == []


def test_a_name_that_others_took_hinders_nobody(stage: Stage) -> None:
    for name in ("agent-0001.memory.0", "agent-0001.memory.0-2"):
        stage.do(OTHER, Write(name, "mine"))
    assert stage.do(ME, Remember("still here"))["artifact"] == "agent-0001.memory.0-3"


def test_the_likest_come_first_and_of_equals_the_newest(stage: Stage) -> None:
    said = ["the bakery opens at nine", "the miller owes me 20 scrip", "the bakery opens at nine"]
    for text in said:
        stage.do(ME, Remember(text))
    found = recalled(stage, ME, Recall("when does the bakery open", 2))
    assert [(it["artifact"], it["text"]) for it in found] == [
        ("agent-0001.memory.2", said[2]),
        ("agent-0001.memory.0", said[0]),
    ]
    (exact,) = recalled(stage, ME, Recall(said[1], 1))
    assert set(exact) == {"artifact", "text", "likeness_per_mille", "written_ms"}
    assert 990 <= exact["likeness_per_mille"] <= 1_000


def test_many_equals_come_newest_first_whatever_the_index_thinks(stage: Stage) -> None:
    """More of them than a search asks for at first: a page must not be cut where the index likes."""
    for _ in range(150):
        stage.do(ME, Remember("the same again"))
    names = [it["artifact"] for it in recalled(stage, ME, Recall("the same", 16))]
    assert names == [f"agent-0001.memory.{number}" for number in range(149, 133, -1)]


def test_what_a_memory_says_now_is_recalled(stage: Stage) -> None:
    name = str(stage.do(ME, Remember("the bakery opens at nine"))["artifact"])
    assert texts(stage, ME, "bakery") == ["the bakery opens at nine"]
    stage.do(ME, Edit(name, "bakery opens at nine", "brewery closes at ten"))
    assert texts(stage, ME, "bakery hours", 1) == ["the brewery closes at ten"]
    stage.do(ME, Write(name, '{"no": "memory"}', type="data", format="json"))
    assert texts(stage, ME, "memory") == []
    stage.do(ME, Write(name, "a memory again", type="memory"))
    assert texts(stage, ME, "memory") == ["a memory again"]


def test_others_memories_are_found_where_their_contract_lets_them_be_read(stage: Stage) -> None:
    name = str(stage.do(ME, Remember("my secret about bread"))["artifact"])
    stage.do(ME, Write("shared", "all may know about bread", type="memory", contract="freeware"))
    stage.do(ME, Write("dear", "pay to know about bread", type="memory", contract="pay_per_use(5)"))
    scrip = stage.world.available(stage.agent(OTHER), SCRIP)
    assert texts(stage, OTHER, "bread") == []
    assert texts(stage, OTHER, "bread", of=ME) == ["all may know about bread"]
    assert stage.world.available(stage.agent(OTHER), SCRIP) == scrip
    assert len(texts(stage, ME, "bread")) == 3
    stage.do(ME, Write(name, "no secret about bread", type="memory", contract="public"))
    assert len(texts(stage, OTHER, "bread", of=ME)) == 2


def test_a_memory_that_is_handed_over_is_its_new_owners(stage: Stage) -> None:
    stage.do(OTHER, Configure(accepts_from=["*"]))
    stage.do(ME, Write("recipe", "bread needs flour", type="memory", contract="transferable_freeware"))
    assert texts(stage, ME, "flour") == ["bread needs flour"]
    stage.do(ME, Transfer(OTHER, artifact="recipe"))
    assert texts(stage, ME, "flour") == []
    assert texts(stage, OTHER, "flour") == ["bread needs flour"]


def test_a_contract_in_code_decides_and_is_not_asked_without_end(stage: Stage) -> None:
    interface: dict[str, object] = {"methods": {"check": {}}}
    code = "def check(caller, action, target, context, state): return {'allowed': caller == 'agent-0002'}"
    stage.do(ME, Write("club", code, interface=interface))
    for number in range(10):
        stage.do(ME, Write(f"club-{number}", f"bread number {number}", type="memory", contract="club"))
    assert len(texts(stage, OTHER, "bread", 4, of=ME)) == 4
    assert texts(stage, "agent-0003", "bread", 4, of=ME) == []


def test_what_a_failed_run_wrote_is_never_found(stage: Stage) -> None:
    deed = "write(artifact='ghost', content='bread of ghosts', type='memory')"
    code = f"def run():\n    {deed}\n    raise ValueError('no')"
    stage.do(ME, Write("tool", code, interface={"methods": {"run": {}}}))
    assert stage.refused(ME, Invoke("tool", allowance=5)) == "code_raised"
    assert texts(stage, ME, "bread of ghosts") == []


def test_memories_of_bytes_are_not_texts(stage: Stage) -> None:
    stage.do(ME, Write("blob", "AAEC", type="memory", format="bytes"))
    assert texts(stage, ME, "AAEC") == []


def test_as_much_as_one_reading_is_recalled_at_once(stage: Stage) -> None:
    for number in range(6):
        stage.do(ME, Remember(f"bread {number} " + "x" * 4_000))
    assert len(texts(stage, ME, "bread")) == 4
    stage.do(ME, Write("long", "cheese " * 1_000, type="memory"))
    (first,) = recalled(stage, ME, Recall("cheese", 1))
    assert len(first["text"]) == 4_096
    assert first["size_bytes"] > 7_000, "there is more to read"


class Broken:
    """An index that is gone, or that tells of what never was."""

    def __init__(self) -> None:
        self.down = True
        self.points: dict[str, Point] = {}
        self.calls = 0

    def _call(self) -> None:
        self.calls += 1
        if self.down:
            raise IndexUnavailable("it is gone")

    def upsert(self, points: list[Point]) -> None:
        self._call()
        self.points.update({point.id: point for point in points})

    def delete(self, ids: list[str]) -> None:
        self._call()
        for name in ids:
            self.points.pop(name, None)

    def search(self, tenant: str, vector: Vector, limit: int) -> list[Hit]:
        self._call()
        return [
            Hit("never", 1, "?", 5),
            *(Hit(it.id, it.born, it.version, 4) for it in self.points.values()),
        ][:limit]

    def versions(self, ids: list[str] | None = None) -> dict[str, str]:
        self._call()
        return {it.id: it.version for it in self.points.values() if ids is None or it.id in ids}

    def cursor(self) -> int | None:
        self._call()
        return None

    def put_cursor(self, sequence: int | None) -> None:
        self._call()

    def close(self) -> None:
        """Nothing is open."""


def broken_stage(index: Broken, say: list[str]) -> Stage:
    world = populate(empty_world(MemoryStore()), 3)
    world.memory = Memories(lambda dimension, embedding: index, say=say.append)  # type: ignore[arg-type, return-value]
    return Stage(world)


def test_without_an_index_nothing_is_found_and_nothing_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    index, said = Broken(), list[str]()
    stage = broken_stage(index, said)
    moment = 0
    monkeypatch.setattr("ecology.memory.memories.host_ns", lambda: moment)
    stage.do(ME, Remember("the bakery opens at nine"))
    for _ in range(5):
        assert stage.do(ME, Recall("bakery")) == {"memories": [], "available": False}
    assert index.calls == 1, "it is left alone for a while"
    assert said == ["recall is empty: it is gone"]
    assert stage.world.memory.outages == 5
    stage.do(ME, Remember("so does the bank"))
    index.down, moment = False, 1 << 40
    assert len(texts(stage, ME, "opens")) == 2
    assert said[1:] == ["recall works again"]


def test_what_was_foreseen_is_not_asked_for_again() -> None:
    """Where a deed may not wait, its index is asked beforehand; what is true is still looked up when it is done."""
    index, said = Broken(), list[str]()
    index.down = False
    stage = broken_stage(index, said)
    names = [str(stage.do(ME, Remember(f"bakery {number}"))["artifact"]) for number in range(600)]
    seen = Recall("bakery", 16)
    asyncio.run(foresee(stage.world, ME, seen))
    assert len(index.points) == 600
    index.down, calls = True, index.calls
    stage.do(ME, Delete(names[599]))
    assert [it["artifact"] for it in recalled(stage, ME, seen)][:2] == [names[598], names[597]]
    assert index.calls == calls
    asyncio.run(foresee(stage.world, ME, seen))
    calls = index.calls
    assert stage.do(ME, seen) == {"memories": [], "available": False}
    assert index.calls == calls
    assert len(said) == 1


def test_an_index_that_lies_finds_nothing_of_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """It answers with what never was and with what is another's, whoever asks."""
    index = Broken()
    index.down = False
    stage = broken_stage(index, [])
    name = stage.do(OTHER, Remember("the bakery of another"))["artifact"]
    mine = stage.do(ME, Remember("my own bakery"))["artifact"]
    assert texts(stage, ME, "bakery") == ["my own bakery"]
    stage.do(ME, Delete(str(mine)))
    monkeypatch.setattr(Broken, "delete", lambda self, ids: None)
    assert texts(stage, ME, "bakery") == []
    assert name in index.points and mine in index.points


@pytest.mark.parametrize("action", [Remember("x"), Recall("x")], ids=str)
def test_either_can_be_done_in_every_turn(stage: Stage, action: Action) -> None:
    for _ in range(3):
        assert not isinstance(stage.act(ME, action), Refused)
