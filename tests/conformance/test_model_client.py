"""What every `ModelClient` does, on each there is: the adapter over a socket and over memory, and the scripted one."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager

import pytest

from ecology.llm import openai_chat
from ecology.llm.errors import ModelUnreachable
from ecology.llm.model import ModelClient, ModelRequest, Turn
from ecology.llm.openai_chat import OpenAIChat
from ecology.llm.rehearsal import rehearsed
from ecology.testing.model_server import Fail, ModelServer, Say, always
from ecology.testing.scripted_model import ScriptedModel

Opened = AbstractAsyncContextManager[ModelClient]
ANSWER = '{"action": "noop"}'
ASK = ModelRequest("You act.", "What now?", {"type": "object"}, 64)


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who asks in vain soon asks again, so that it gives up by the number of its attempts and not by a clock: a call
    that a clock cuts off may have been billed."""
    monkeypatch.setattr(openai_chat, "_FIRST_PAUSE_MS", 2)


@contextlib.asynccontextmanager
async def over_a_socket(answer: str | None) -> AsyncIterator[ModelClient]:
    said = Fail(503, "away") if answer is None else Say(answer, input_tokens=5, output_tokens=5)
    async with ModelServer(always(said)) as server:
        client = OpenAIChat(server.url, "fake", timeout_s=60.0)
        yield client
        await client.close()


@contextlib.asynccontextmanager
async def in_process(answer: str | None) -> AsyncIterator[ModelClient]:
    client = ScriptedModel(lambda request: ModelUnreachable("away") if answer is None else answer)
    yield client
    await client.close()


@contextlib.asynccontextmanager
async def rehearsing(answer: str | None) -> AsyncIterator[ModelClient]:
    client = rehearsed(lambda asked: answer, timeout_s=60.0)
    yield client
    await client.close()


@pytest.fixture(params=[over_a_socket, in_process, rehearsing])
def opened(request: pytest.FixtureRequest) -> Callable[[str | None], Opened]:
    chosen: Callable[[str | None], Opened] = request.param
    return chosen


def using(client: Opened, use: Callable[[ModelClient], Awaitable[None]]) -> None:
    async def session() -> None:
        async with client as each:
            await use(each)

    asyncio.run(session())


def test_it_answers_and_counts(opened: Callable[[str | None], Opened]) -> None:
    async def use(client: ModelClient) -> None:
        await client.probe(60)
        reply = await client.complete(ASK)
        assert reply.text == ANSWER
        assert reply.input_tokens > 0
        assert reply.output_tokens > 0
        assert reply.model
        assert not reply.truncated

    using(opened(ANSWER), use)


def test_it_serves_many_at_once(opened: Callable[[str | None], Opened]) -> None:
    async def use(client: ModelClient) -> None:
        replies = await asyncio.gather(*(client.complete(ASK) for _ in range(200)))
        assert {reply.text for reply in replies} == {ANSWER}

    using(opened(ANSWER), use)


def test_an_empty_answer_is_a_reply(opened: Callable[[str | None], Opened]) -> None:
    async def use(client: ModelClient) -> None:
        assert (await client.complete(ASK)).text == ""

    using(opened(""), use)


def test_a_model_that_is_away_is_unreachable(opened: Callable[[str | None], Opened]) -> None:
    async def use(client: ModelClient) -> None:
        with pytest.raises(ModelUnreachable) as caught:
            await client.complete(ASK)
        assert not caught.value.billed

    using(opened(None), use)


def test_the_estimate_grows_with_the_conversation(opened: Callable[[str | None], Opened]) -> None:
    async def use(client: ModelClient) -> None:
        longer = ModelRequest(
            ASK.system, ASK.user, ASK.schema, 64, (Turn("assistant", "{"), Turn("user", "Not JSON."))
        )
        first = client.estimate_input_tokens(ASK)
        assert first == client.estimate_input_tokens(ASK) == 2 + 3
        assert client.estimate_input_tokens(longer) > first

    using(opened(ANSWER), use)
