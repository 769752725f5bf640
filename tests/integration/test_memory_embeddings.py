"""Embeddings from a server, over real sockets; the server is a page of this file."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

import pytest

from ecology.app.memory import MemoryPlace
from ecology.core.errors import ModelFault, UsageError
from ecology.kernel.actions import Recall, Remember
from ecology.llm.key import ApiKey
from ecology.llm.openai_embeddings import OpenAIEmbeddings
from ecology.memory import memories as memories_module
from ecology.testing.worlds import MemoryStore, Stage, empty_world, populate

ME = "agent-0001"
KEY = "sk-very-secret-0123456789"
MEANINGS = {"bread": 0, "loaf": 0, "dog": 1, "hound": 1}


class Embedder(BaseHTTPRequestHandler):
    """Knows that a loaf is bread; answers in the reverse order, as the protocol allows."""

    asked: ClassVar[list[Any]] = []
    answer: bytes | None = None
    status = 200

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.asked.append((self.path, self.headers["authorization"], body))
        raw = (
            self.answer
            if self.answer is not None
            else json.dumps({"data": _embedded(body["input"])}).encode()
        )
        self.send_response(self.status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


def _embedded(texts: list[str]) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    for number, text in enumerate(texts):
        vector = [0.01, 0.01, 0.01]
        for word in text.split():
            if word in MEANINGS:
                vector[MEANINGS[word]] += 1
        rows.append({"index": number, "embedding": vector})
    return rows[::-1]


@pytest.fixture
def url(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setattr("ecology.llm.openai_embeddings.TIMEOUT_S", 60.0)  # it does answer
    Embedder.asked, Embedder.answer, Embedder.status = [], None, 200
    server = ThreadingHTTPServer(("127.0.0.1", 0), Embedder)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/v1"
    server.shutdown()
    server.server_close()


def test_texts_become_rows_in_their_order(url: str) -> None:
    embedding = OpenAIEmbeddings(url, "Big/Model:7b", ApiKey(KEY))
    assert embedding.dimension == 3
    assert embedding.name == "big-model-7b-3"
    texts = ["dog", *["nothing"] * 100, "bread loaf"]
    rows = embedding.embed(texts)
    assert rows.shape == (102, 3)
    assert rows[0].argmax() == 1 and rows[101].argmax() == 0
    paths, keys, bodies = zip(*Embedder.asked, strict=True)
    assert set(paths) == {"/v1/embeddings"} and set(keys) == {f"Bearer {KEY}"}
    assert {body["model"] for body in bodies} == {"Big/Model:7b"}
    assert max(len(body["input"]) for body in bodies) <= 64


@pytest.mark.parametrize(
    ("status", "answer", "told"),
    [
        (401, f'{{"error": {{"message": "wrong key {KEY}"}}}}'.encode(), "401: wrong key ***"),
        (404, b'{"error": {"message": "no such model"}}', "404"),
        (500, b"<html>", "500"),
        (200, b"<html>", "answers no embeddings"),
        (200, b'{"data": []}', "0 vectors for 1 texts"),
        (200, b'{"data": [{"index": 0, "embedding": []}]}', "1 vectors for 1 texts"),
        (200, b"\xff", "answers no embeddings"),
    ],
)
def test_no_embedding_is_one_line(url: str, status: int, answer: bytes, told: str) -> None:
    Embedder.status, Embedder.answer = status, answer
    with pytest.raises(ModelFault, match=".") as caught:
        OpenAIEmbeddings(url, "m", ApiKey(KEY)).embed(["bread"])
    assert told in caught.value.what
    assert "\n" not in str(caught.value) and KEY not in str(caught.value)


def test_nobody_there_is_one_line() -> None:
    with pytest.raises(ModelFault, match="no model server"):
        OpenAIEmbeddings("http://127.0.0.1:9/v1", "m").embed(["bread"])


def test_a_world_recalls_by_meaning_and_bears_its_loss(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memories_module, "_SHORTEST_PAUSE_NS", 0)
    monkeypatch.setattr(memories_module, "_PATIENCE", 0)
    said: list[str] = []
    place = MemoryPlace.named(
        None, {"EMBEDDINGS_URL": url, "EMBEDDINGS_MODEL": "m", "EMBEDDINGS_API_KEY": KEY}
    )
    world = populate(empty_world(MemoryStore()), 1)
    world.memory = place.memories("w", said.append)
    stage = Stage(world)
    Embedder.status = 503
    stage.do(ME, Remember("the dog barks"))
    stage.do(ME, Remember("a loaf for two"))
    assert stage.do(ME, Recall("bread")) == {"memories": [], "available": False}
    Embedder.status = 200
    memories = stage.do(ME, Recall("bread", 1))["memories"]
    assert isinstance(memories, list)
    assert [it["text"] for it in memories] == ["a loaf for two"]
    assert len(said) == 2 and "503" in said[0]
    world.memory.abandon()


@pytest.mark.parametrize(
    "environment",
    [
        {"EMBEDDINGS_URL": "http://127.0.0.1:9/v1"},
        {"EMBEDDINGS_MODEL": "m"},
        {"EMBEDDINGS_URL": "ftp://x", "EMBEDDINGS_MODEL": "m"},
    ],
    ids=str,
)
def test_half_a_server_is_refused(environment: dict[str, str]) -> None:
    with pytest.raises(UsageError):
        MemoryPlace.named(None, environment)
