"""The adapter against a real socket whose other end says what each test needs."""

import asyncio
import socket
from collections.abc import Awaitable, Callable

import pytest

from ecology.llm.dialect import Dialect
from ecology.llm.errors import ModelError, ModelNonsense, ModelRefused, ModelUnreachable, PromptTooLong
from ecology.llm.key import ApiKey
from ecology.llm.model import ModelReply, ModelRequest
from ecology.llm.openai_chat import OpenAIChat
from ecology.testing.model_server import (
    Answer,
    Call,
    Cut,
    Endless,
    Fail,
    Hang,
    Meet,
    ModelServer,
    Noise,
    Page,
    Reset,
    Say,
    always,
    in_turn,
)
from tests.support import patient

ASK = ModelRequest("You act.", "What now?", {"type": "object", "properties": {}}, 32)
NOOP = Say('{"type": "noop"}', input_tokens=21, output_tokens=5)


def within(
    server: ModelServer, use: Callable[[OpenAIChat], Awaitable[None]], timeout_s: float = 60.0
) -> None:
    """Run `use` with a client of `server`, both opened and closed around it."""

    async def session() -> None:
        async with server:
            client = OpenAIChat(server.url, "fake", timeout_s=timeout_s)
            try:
                await use(client)
            finally:
                await client.close()

    asyncio.run(session())


def failure(answer: Answer, timeout_s: float = 60.0) -> tuple[ModelError, int]:
    """How a call fails that gets `answer` each time, and how often it was made."""
    server = ModelServer(always(answer))
    caught: list[ModelError] = []

    async def use(client: OpenAIChat) -> None:
        with pytest.raises(ModelError) as info:
            await client.complete(ASK)
        caught.append(info.value)

    within(server, use, timeout_s)
    assert str(caught[0]).isprintable()
    assert server.url in str(caught[0])
    return caught[0], len(server.calls)


def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    assert isinstance(port, int)
    return port


def test_a_reply() -> None:
    server = ModelServer(always(NOOP))

    async def use(client: OpenAIChat) -> None:
        assert await client.complete(ASK) == ModelReply('{"type": "noop"}', 21, 5, "fake")

    within(server, use)
    body = server.calls[0].body
    assert (body["model"], body["max_tokens"]) == ("fake", 32)


def test_everyone_thinks_at_once() -> None:
    # Nobody is answered before all hundred have asked: a client that serialises calls would wait for ever.
    server = ModelServer(always(Meet(100)))

    async def use(client: OpenAIChat) -> None:
        replies = await asyncio.gather(*(client.complete(ASK) for _ in range(100)))
        assert len(replies) == 100

    within(server, use)
    assert server.peak_in_flight == 100


def test_one_slow_answer_delays_nobody() -> None:
    arrived = asyncio.Event()

    def hang_first(call: Call) -> Answer:
        arrived.set()
        return NOOP if call.ordinal else Hang()

    async def use(client: OpenAIChat) -> None:
        slow = asyncio.create_task(client.complete(ASK))
        await arrived.wait()
        for _ in range(20):
            await client.complete(ASK)
        assert not slow.done()
        slow.cancel()
        with pytest.raises(asyncio.CancelledError):
            await slow

    within(ModelServer(hang_first), use)


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 529])
def test_not_now_is_asked_again(status: int) -> None:
    server = ModelServer(in_turn(Fail(status, "busy"), Fail(status, "busy", retry_after_s=0), NOOP))

    async def use(client: OpenAIChat) -> None:
        assert (await client.complete(ASK)).output_tokens == 5

    within(server, use)
    assert len(server.calls) == 3


def test_patience_ends() -> None:
    fault, calls = failure(Fail(503, "overloaded"))
    assert isinstance(fault, ModelUnreachable)
    assert (fault.billed, calls) == (False, 4)
    assert "503: overloaded" in str(fault)


def test_a_server_that_wants_more_time_than_there_is_is_not_waited_for() -> None:
    fault, calls = failure(Fail(429, "slow down", retry_after_s=3_600))
    assert isinstance(fault, ModelUnreachable)
    assert (fault.retry_after_ms, calls) == (3_600_000, 1)


@pytest.mark.parametrize("answer", [Reset(), Cut()])
def test_what_may_have_been_billed_is_not_repeated(answer: Answer) -> None:
    fault, calls = failure(answer)
    assert isinstance(fault, ModelUnreachable)
    assert (fault.billed, calls) == (True, 1)
    assert "broke off" in str(fault)


def test_no_answer_in_time() -> None:
    fault, calls = failure(Hang(), timeout_s=0.3)
    assert isinstance(fault, ModelUnreachable)
    assert fault.billed and calls <= 1  # on a slow machine the time is up before the question arrives
    assert "no answer within 0.3 s" in str(fault)


@pytest.mark.parametrize(
    "answer",
    [
        Page(b"<html><title>Router login</title></html>"),
        Page(b'{"status": "ok"}', "application/json"),
        Page(b"\x00\xff\xfe\x80" * 100, "application/octet-stream"),
        Page(b""),
        Page(b"moved", status=302, location="http://127.0.0.1:1/login"),
        Page(b"<html>no POST here</html>", status=405),
        Page(b"<html>Unsupported method</html>", status=501),
        Noise(b"SSH-2.0-OpenSSH_9.2\r\n\r\n"),
        Noise(b"\x15\x03\x01\x00\x02\x02\x50"),
        Endless(),
    ],
)
def test_nonsense(answer: Answer) -> None:
    fault, calls = failure(answer)
    assert isinstance(fault, ModelNonsense)
    assert calls == 1
    assert "check the URL" in str(fault)


@pytest.mark.parametrize(
    "message", ["This model's maximum context length is 8192 tokens.", "context_length_exceeded"]
)
def test_a_prompt_that_does_not_fit(message: str) -> None:
    fault, calls = failure(Fail(400, message))
    assert isinstance(fault, PromptTooLong)
    assert (fault.billed, calls) == (False, 1)


def test_a_bad_request_is_not_repeated() -> None:
    fault, calls = failure(Fail(400, "temperature must be positive"))
    assert type(fault) is ModelRefused
    assert calls == 1


@pytest.mark.parametrize("api_key", [None, ApiKey("sk-wrong-but-secret")])
def test_a_refused_key_is_not_told(api_key: ApiKey | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-for-somebody-else")

    async def session() -> None:
        async with ModelServer(always(NOOP), api_key="sk-right") as server:
            client = OpenAIChat(server.url, "fake", api_key=api_key)
            with pytest.raises(ModelRefused, match="ECOLOGY_LLM_API_KEY") as caught:
                await client.complete(ASK)
            await client.close()
            assert "sk-" not in f"{caught.value} {client!r} {caught.value.__cause__}"
            assert not server.calls

    asyncio.run(session())


def test_the_right_key() -> None:
    async def session() -> None:
        async with ModelServer(always(NOOP), api_key="sk-right") as server:
            client = OpenAIChat(server.url, "fake", api_key=ApiKey("sk-right"))
            await client.complete(ASK)
            await client.close()

    asyncio.run(session())


def test_an_unknown_model_comes_with_the_names_of_the_known(monkeypatch: pytest.MonkeyPatch) -> None:
    patient.with_lists_of_models(monkeypatch)

    async def session() -> None:
        async with ModelServer(always(NOOP), models=("small", "large")) as server:
            client = OpenAIChat(server.url, "huge")
            with pytest.raises(ModelRefused, match="no model 'huge'; name one that it serves: small, large"):
                await client.probe(60)
            await client.close()

    asyncio.run(session())


@pytest.mark.parametrize("path", ["", "/", "/v2", "/v1/chat/completions"])
def test_a_wrong_path(path: str) -> None:
    async def session() -> None:
        async with ModelServer(always(NOOP)) as server:
            client = OpenAIChat(f"http://127.0.0.1:{server.port}{path}", "fake")
            with pytest.raises(ModelNonsense, match=r"has no chat completions \(404: .*usually ends in /v1"):
                await client.complete(ASK)
            await client.close()

    asyncio.run(session())


def test_the_environments_proxy_is_not_for_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{closed_port()}")

    async def use(client: OpenAIChat) -> None:
        await client.complete(ASK)

    within(ModelServer(always(NOOP)), use)


@pytest.mark.parametrize(
    ("formats", "learned", "asked"),
    [
        (("json_object", "text"), "json_object_schema", 3),
        (("text",), "prompt", 5),
    ],
)
def test_the_dialect_is_learned_once_and_noted_once(
    formats: tuple[str, ...], learned: str, asked: int
) -> None:
    notes: list[str] = []

    async def session() -> None:
        async with ModelServer(always(NOOP), formats=formats) as server:
            client = OpenAIChat(server.url, "fake", note=notes.append)
            await client.complete(ASK)
            assert (client.dialect.answer_format, len(server.calls)) == (learned, asked)
            await asyncio.gather(*(client.complete(ASK) for _ in range(10)))
            assert len(server.calls) == asked + 10
            await client.close()

    asyncio.run(session())
    assert len(notes) == 1
    assert learned in notes[0]


def test_many_learn_at_once() -> None:
    async def session() -> None:
        async with ModelServer(always(NOOP), formats=("text",)) as server:
            client = OpenAIChat(server.url, "fake")
            await asyncio.gather(*(client.complete(ASK) for _ in range(20)))
            assert client.dialect == Dialect(answer_format="prompt")
            await client.close()

    asyncio.run(session())


def test_the_estimate_counts_the_schema_where_it_is_spelled_out() -> None:
    async def session() -> None:
        async with ModelServer(always(NOOP), formats=("text",)) as server:
            client = OpenAIChat(server.url, "fake")
            before = client.estimate_input_tokens(ASK)
            await client.complete(ASK)
            assert client.estimate_input_tokens(ASK) > before == 2 + 3
            await client.close()

    asyncio.run(session())


def test_a_server_that_went_away_and_came_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ecology.llm.openai_chat._FIRST_PAUSE_MS", 1)

    async def session() -> None:
        first = ModelServer(always(NOOP))
        async with first:
            client = OpenAIChat(first.url, "fake")
            await client.complete(ASK)
        with pytest.raises(ModelUnreachable, match="Connection refused"):
            await client.complete(ASK)
        async with ModelServer(always(NOOP), port=first.port):
            await client.complete(ASK)
        await client.close()

    asyncio.run(session())
