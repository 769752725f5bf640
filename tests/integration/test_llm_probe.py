"""The question at the start of a run: is there a usable model at that URL, and if not, why not."""

import asyncio
import socket

import pytest

from ecology.llm.errors import ModelError, ModelNonsense, ModelRefused, ModelUnreachable
from ecology.llm.openai_chat import OpenAIChat
from ecology.testing.model_server import Answer, Fail, Hang, ModelServer, Page, Say, always, in_turn
from tests.support import patient

OK = Say('{"ok": true}')


def probe(server: ModelServer, timeout_s: float | None = 60.0, model: str = "fake") -> list[str]:
    """Probe `server` and return what was noted."""
    notes: list[str] = []

    async def session() -> None:
        async with server:
            client = OpenAIChat(server.url, model, note=notes.append)
            try:
                await client.probe(timeout_s)
            finally:
                await client.close()

    asyncio.run(session())
    return notes


def test_a_model_that_answers() -> None:
    server = ModelServer(always(OK))
    assert probe(server) == []
    assert len(server.calls) == 1
    assert server.calls[0].body["max_tokens"] == 16


@pytest.mark.parametrize("timeout_s", [60.0, None])
def test_a_model_that_is_still_loading_is_waited_for(timeout_s: float | None) -> None:
    server = ModelServer(in_turn(Fail(503, "Loading model"), Fail(503, "Loading model"), OK))
    assert probe(server, timeout_s) == []


def test_a_server_that_starts_later() -> None:
    async def session() -> None:
        with socket.socket() as reserved:
            reserved.bind(("127.0.0.1", 0))
            port = reserved.getsockname()[1]
        client = OpenAIChat(f"http://127.0.0.1:{port}/v1", "fake")
        waiting = asyncio.create_task(client.probe(None))
        await asyncio.sleep(0.2)
        assert not waiting.done()
        async with ModelServer(always(OK), port=port):
            await waiting
            await client.close()

    asyncio.run(session())


def test_nobody_there(monkeypatch: pytest.MonkeyPatch) -> None:
    patient.asked_once(monkeypatch)

    async def session() -> None:
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            port = unused.getsockname()[1]
        client = OpenAIChat(f"http://127.0.0.1:{port}/v1", "fake")
        with pytest.raises(
            ModelUnreachable, match=r"no model server at .*Connection refused.*start it"
        ) as caught:
            await client.probe(60)
        await client.close()
        assert caught.value.exit_code == 1

    asyncio.run(session())


@pytest.mark.parametrize(
    ("answer", "timeout_s", "kind", "words"),
    [
        (Hang(), 0.5, ModelUnreachable, "gave no answer within 0.5 s"),
        (Fail(503, "Loading model"), 60, ModelUnreachable, "503: Loading model"),
        (Fail(401, "bad key"), 60, ModelRefused, "refuses the API key"),
        (Page(b"<html>hello</html>"), 60, ModelNonsense, "not with a chat completion: <html>hello</html>"),
        (Page(b"\xde\xad\xbe\xef"), 60, ModelNonsense, "not with a chat completion"),
    ],
)
def test_one_line_says_why_not(
    answer: Answer, timeout_s: float, kind: type[ModelError], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    patient.asked_once(monkeypatch)
    server = ModelServer(always(answer))
    with pytest.raises(kind) as caught:
        probe(server, timeout_s)
    line = str(caught.value)
    assert words in line
    assert server.url in line
    assert line.isprintable()


def test_a_server_that_accepts_and_never_reads() -> None:
    async def session() -> None:
        with socket.create_server(("127.0.0.1", 0)) as deaf:
            client = OpenAIChat(f"http://127.0.0.1:{deaf.getsockname()[1]}/v1", "fake")
            with pytest.raises(ModelUnreachable, match=r"gave no answer within 0\.4 s"):
                await client.probe(0.4)
            await client.close()

    asyncio.run(session())


def test_a_server_that_answers_for_any_name_is_noted(monkeypatch: pytest.MonkeyPatch) -> None:
    patient.with_lists_of_models(monkeypatch)

    class Careless(ModelServer):
        """Like llama-cpp-python with a single model: the name in the request does not matter."""

        def _think(self, body: dict[str, object]) -> Answer:
            return super()._think(body | {"model": self.models[0]})

    notes = probe(Careless(always(OK), models=("tiny", "other")), model="gpt-9")
    assert len(notes) == 1
    assert "answers for 'gpt-9', though it serves tiny, other" in notes[0]


def test_a_tag_is_not_another_model() -> None:
    class Tagging(ModelServer):
        """Like Ollama, where `llama3` is `llama3:latest`."""

        def _think(self, body: dict[str, object]) -> Answer:
            return super()._think(body | {"model": f"{body['model']}:latest"})

    assert probe(Tagging(always(OK), models=("llama3:latest",)), model="llama3") == []


def test_a_server_that_ignores_the_format_gets_it_in_the_prompt() -> None:
    notes = probe(ModelServer(always(Say("Sure! Here you go."))))
    assert len(notes) == 1
    assert "is asked with prompt" in notes[0]


def test_a_format_that_is_refused_is_learned_before_the_run() -> None:
    # llama-cpp-python refuses json_schema with a 500, which is no overload.
    complaint = (
        "{'loc': ('body', 'response_format', 'type'), 'msg': \"Input should be 'text' or 'json_object'\"}"
    )
    server = ModelServer(in_turn(Fail(500, complaint), Fail(500, complaint), OK))
    notes = probe(server)
    assert [call.body["response_format"] for call in server.calls][2] == {
        "type": "json_object",
        "schema": {
            "type": "object",
            "properties": {"ok": {"type": "boolean"}},
            "required": ["ok"],
            "additionalProperties": False,
        },
    }
    assert len(notes) == 1
