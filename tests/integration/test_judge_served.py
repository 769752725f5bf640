"""A judge that asks a model over HTTP: the whole way to a score, and servers that are none."""

import asyncio

import pytest

from ecology.artifacts.artifact import TEXT
from ecology.engine.judge import LlmJudge
from ecology.engine.judging import Judgement
from ecology.kernel.economy.scoring import Score, Submission, Unscored
from ecology.llm.openai_chat import OpenAIChat
from ecology.testing.model_server import (
    Answer,
    Cut,
    Endless,
    Fail,
    Hang,
    ModelServer,
    Noise,
    Page,
    Reset,
    Say,
    always,
    in_turn,
)

MAX_INPUT, MAX_OUTPUT = 6_000, 400
WORK = Submission(
    "tool-1", 3, "agent-0001", "tool", TEXT, "A tool", (), {}, None, b"def run(): return 1", 4, 17, ""
)


def through(server: ModelServer, times: int = 1, timeout_s: float = 60.0) -> list[Judgement]:
    """What a judge answers by way of a server, asked some times one after the other."""

    async def ask() -> list[Judgement]:
        async with server:
            client = OpenAIChat(server.url, "fake", api_key=None, timeout_s=timeout_s)
            model = LlmJudge(client, model="fake", max_input_tokens=MAX_INPUT, max_output_tokens=MAX_OUTPUT)
            try:
                return [await model.score(WORK) for _ in range(times)]
            finally:
                await client.close()

    return asyncio.run(ask())


def test_through_a_server() -> None:
    """The whole way, with a model that is away first, talks next, and scores at last."""
    answers = in_turn(
        Fail(401, "who are you"),
        Say("A fine work!"),
        Say('{"reason": "fine", "score": 88}'),
        Say('{"reason": "poor", "score": 8}'),
    )
    away, repaired, plain = through(ModelServer(answers), 3)
    assert isinstance(away.verdict, Unscored) and away.use is not None and away.use.answer == "refused"
    assert repaired.verdict == Score(88, "fine") and repaired.use is not None
    assert repaired.use.answer == "repaired" and repaired.use.input_tokens > 0
    assert plain.verdict == Score(8, "poor")


@pytest.mark.parametrize("formats", [("json_schema",), ("json_object",), ()])
def test_through_a_server_that_knows_no_schemas(formats: tuple[str, ...]) -> None:
    server = ModelServer(always(Say('{"reason": "", "score": 12}')), formats=(*formats, "text"))
    (judgement,) = through(server)
    assert judgement.verdict == Score(12)


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (Hang(), "unreachable"),
        (Reset(), "unreachable"),
        (Cut(), "unreachable"),
        (Fail(400, "context_length_exceeded"), "refused"),
        (Endless(), "refused"),
        (Noise(b"SSH-2.0-OpenSSH_9.2\r\n\r\n"), "refused"),
        (Page(b"<html><title>Router login</title></html>"), "refused"),
        (Page(b"\x00\xff\xfe\x80" * 100, "application/octet-stream"), "refused"),
    ],
)
def test_through_a_server_that_is_none(answer: Answer, told: str) -> None:
    """No score, and nothing of what the server said in what everybody may read."""
    (judgement,) = through(ModelServer(always(answer)), timeout_s=0.5 if isinstance(answer, Hang) else 60)
    assert isinstance(judgement.verdict, Unscored)
    assert judgement.verdict.why in ("the judge's model did not answer", "the judge's model refused")
    assert judgement.use is not None and judgement.use.answer == told


def test_a_server_that_fails_at_the_repair() -> None:
    (judgement,) = through(ModelServer(in_turn(Say("Hm."), Fail(400, "too long"))))
    assert isinstance(judgement.verdict, Unscored)
    assert judgement.use is not None and judgement.use.answer == "refused"
    assert judgement.use.output_tokens > 0  # the first answer was billed
