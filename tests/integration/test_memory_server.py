"""Memories on a server that comes and goes, over real sockets; the server is a stand-in, see `qdrant_stand_in`."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from ecology.app.memory import MemoryPlace
from ecology.core.errors import UsageError
from ecology.kernel.actions import Delete, Recall, Remember
from ecology.memory import memories as memories_module
from ecology.testing.worlds import MemoryStore, Stage, empty_world, populate
from tests.support import patient
from tests.support.command import called
from tests.support.qdrant_stand_in import QdrantStandIn

ME = "agent-0001"
KEY = "qdrant-secret-0123456789"
EMPTY = {"memories": [], "available": False}


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask again at once: how long a lost server is left alone is shown elsewhere."""
    monkeypatch.setattr(memories_module, "_SHORTEST_PAUSE_NS", 0)
    monkeypatch.setattr(memories_module, "_PATIENCE", 0)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[QdrantStandIn]:
    patient.with_qdrant(monkeypatch)
    with QdrantStandIn(api_key=KEY) as server:
        yield server


def place_of(server: QdrantStandIn, key: str = KEY) -> MemoryPlace:
    return MemoryPlace.named(server.url, {"QDRANT_API_KEY": key})


def stage_on(place: MemoryPlace, world_name: str, said: list[str]) -> Stage:
    world = populate(empty_world(MemoryStore()), 2)
    world.memory = place.memories(world_name, said.append)
    return Stage(world)


def recalled(stage: Stage, query: str) -> list[str]:
    data = stage.do(ME, Recall(query))
    assert data["available"] is True
    assert isinstance(data["memories"], list)
    return [memory["text"] for memory in data["memories"]]


def test_worlds_share_one_collection_with_an_indexed_tenant(server: QdrantStandIn) -> None:
    for name, text in (("w1", "bread of one"), ("w2", "bread of the other")):
        stage = stage_on(place_of(server), name, [])
        stage.do(ME, Remember(text))
        assert recalled(stage, "bread") == [text]
        stage.world.memory.close()
    assert list(server.collections) == ["ecology-memory-lexical-384"]
    (created,) = server.created
    assert created["vectors"] == {"size": 384, "distance": "Dot"}
    (tenant, world) = server.indexed["ecology-memory-lexical-384"]
    assert tenant["field_name"] == "tenant" and tenant["field_schema"]["is_tenant"] is True
    assert world["field_name"] == "world"


def test_a_server_that_is_away_loses_nothing(server: QdrantStandIn) -> None:
    said: list[str] = []
    stage = stage_on(place_of(server), "w", said)
    kept = stage.do(ME, Remember("the bakery opens at nine"))["artifact"]
    assert recalled(stage, "bakery") == ["the bakery opens at nine"]
    server.stop()
    stage.do(ME, Remember("the bakery closes at ten"))
    stage.do(ME, Delete(str(kept)))
    for _ in range(2):
        assert stage.do(ME, Recall("bakery")) == EMPTY
    server.start()
    assert recalled(stage, "bakery") == ["the bakery closes at ten"]
    assert len(said) == 2 and said[0].startswith(
        "recall is empty: the index of memories at http://127.0.0.1:"
    )
    assert said[1] == "recall works again"
    assert stage.world.memory.outages == 2
    stage.world.memory.close()


def test_a_server_that_was_never_there_is_waited_for(server: QdrantStandIn) -> None:
    server.stop()
    stage = stage_on(place_of(server), "w", [])
    stage.do(ME, Remember("the bakery opens at nine"))
    assert stage.do(ME, Recall("bakery")) == EMPTY
    server.start()
    assert recalled(stage, "bakery") == ["the bakery opens at nine"]
    stage.world.memory.close()


def test_a_server_that_answers_nothing_costs_its_deadline() -> None:
    """It takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        place = MemoryPlace.named(f"http://127.0.0.1:{deaf.getsockname()[1]}", {})
        stage = stage_on(place, "w", [])
        assert stage.do(ME, Recall("bakery")) == EMPTY
        stage.world.memory.close()


def test_no_grpc_server_is_no_index(server: QdrantStandIn) -> None:
    """What speaks HTTP does not speak gRPC: unavailable, and one line that says so."""
    said: list[str] = []
    place = MemoryPlace.named(server.url.replace("http", "grpc"), {})
    stage = stage_on(place, "w", said)
    assert stage.do(ME, Recall("bakery")) == EMPTY
    (line,) = said
    assert "grpc://127.0.0.1:" in line and "\n" not in line
    stage.world.memory.close()


def test_a_wrong_key_is_told_without_the_key(server: QdrantStandIn) -> None:
    said: list[str] = []
    stage = stage_on(place_of(server, "wrong-key-42"), "w", said)
    assert stage.do(ME, Recall("bakery")) == EMPTY
    (line,) = said
    assert "QDRANT_API_KEY" in line
    assert "wrong-key-42" not in line and KEY not in line
    stage.world.memory.close()


def test_who_comes_later_tells_the_index_only_what_it_misses(server: QdrantStandIn) -> None:
    """The next process of a world: after a clean end nothing is compared, after another end only that is."""
    stage = stage_on(place_of(server), "w", [])
    for number in range(5):
        stage.do(ME, Remember(f"bread number {number}"))
    assert len(recalled(stage, "bread")) == 5
    for clean in (True, False):
        if clean:
            stage.world.memory.close()
        else:
            stage.world.memory.abandon()
        server.calls.clear()
        stage.world.memory = place_of(server).memories("w", print)
        stage = Stage(stage.world)
        assert len(recalled(stage, "bread")) == 5
        assert ("POST points/scroll" in server.calls) is not clean
        assert "PUT points" not in server.calls
    stage.world.memory.close()


@pytest.mark.parametrize(
    "url",
    [
        "http://",
        "redis://127.0.0.1:6379",
        "http://127.0.0.1:99999",
        "http://127.0.0.1:6333/collections",
        "http://me:hush@127.0.0.1:6333",
    ],
)
def test_a_url_that_is_none_is_told_before_anything_begins(url: str, tmp_path: Path) -> None:
    finished = called("run", "--agents", "2", "--duration", "1s", "--qdrant", url, cwd=tmp_path)
    assert finished.code == 2
    assert "grpc://127.0.0.1:6334" in finished.complaint
    assert "hush" not in finished.err
    assert not (tmp_path / "runs").exists()


def test_a_key_is_read_from_its_file(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(f"{KEY}\n")
    environment = {"QDRANT_API_KEY_FILE": str(tmp_path / "key")}
    place = MemoryPlace.named("http://127.0.0.1:6333", environment)
    assert place.api_key is not None and place.api_key.reveal() == KEY
    assert KEY not in repr(place)
    with pytest.raises(UsageError, match="QDRANT_API_KEY_FILE"):
        MemoryPlace.named("http://127.0.0.1:6333", {"QDRANT_API_KEY_FILE": str(tmp_path / "none")})


def test_a_folder_with_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "cat.png").write_bytes(b"cat")
    finished = called(
        "run", "--agents", "2", "--duration", "1s", "--qdrant", str(tmp_path / "photos"), cwd=tmp_path
    )
    assert finished.code == 2
    assert "something else than an index of memories" in finished.complaint
    assert [it.name for it in (tmp_path / "photos").iterdir()] == ["cat.png"]
