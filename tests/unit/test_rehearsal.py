"""The rehearsed model: an OpenAI-compatible endpoint under the real client, and the author behind it."""

import asyncio
from collections import Counter

import pytest

from ecology.core.outcome import Refused
from ecology.engine.rehearsal.author import RehearsedAuthor
from ecology.kernel.actions import NAME_OF, Delete, parse
from ecology.llm.model import ModelReply, ModelRequest, Turn
from ecology.llm.openai_chat import OpenAIChat
from ecology.llm.rehearsal import Asked, Author, Message, rehearsed

ASK = ModelRequest("You act.", "What now?", {"type": "object"}, 4)
AGENTS = 5


def asked_of(author: Author, *requests: ModelRequest, latency_s: float = 0.0) -> list[ModelReply]:
    """What the client reads of the answers to these questions, asked one after the other after a probe."""

    async def session() -> list[ModelReply]:
        client = rehearsed(author, latency_s=latency_s)
        try:
            return [await client.complete(request) for request in requests]
        finally:
            await client.close()

    return asyncio.run(session())


def page(name: str = "agent-0002", turn: int = 40, *, again: bool = False) -> Asked:
    """The prompt of an agent's turn, as far as the author looks at it."""
    said = [
        Message("system", f"You are `{name}`, one of many agents."),
        Message("user", f"World time: 7 s. Turn {turn}.\nYour next action, as JSON:"),
    ]
    more = [Message("assistant", "?"), Message("user", "That is not one of the actions.")]
    return Asked(tuple(said + more if again else said))


def test_the_author_sees_what_was_asked() -> None:
    seen: list[Asked] = []

    def author(asked: Asked) -> str:
        seen.append(asked)
        return "{}"

    repair = ModelRequest("You act.", "What now?", None, 9, (Turn("assistant", "?"), Turn("user", "No.")))
    asked_of(author, ASK, repair)
    assert [(it.system, it.user, it.max_tokens, it.again) for it in seen] == [
        ("You act.", "What now?", 4, False),
        ("You act.", "What now?", 9, True),
    ]


def test_an_answer_is_cut_where_a_server_would_cut_it() -> None:
    whole, cut = asked_of(lambda asked: "x" * 16, ASK), asked_of(lambda asked: "x" * 17, ASK)
    assert (whole[0].text, whole[0].truncated) == ("x" * 16, False)
    assert (cut[0].text, cut[0].truncated, cut[0].output_tokens) == ("x" * 16, True, 4)


def test_tokens_are_those_of_all_messages() -> None:
    longer = ModelRequest("You act.", "What now?", None, 4, (Turn("assistant", "abcd"), Turn("user", "efgh")))
    first, second = asked_of(lambda asked: "ok", ASK, longer)
    assert second.input_tokens == first.input_tokens + 2
    assert first.metered


def test_an_answer_takes_as_long_as_it_is_told_to() -> None:
    """By the event loop's own clock, on which nothing ends early; how much later it ends is the machine's affair."""

    async def session() -> float:
        client = rehearsed(lambda asked: "ok", latency_s=0.05)
        began_s = asyncio.get_running_loop().time()
        await client.complete(ASK)
        await client.close()
        return asyncio.get_running_loop().time() - began_s

    assert asyncio.run(session()) >= 0.04


def test_the_probe_finds_the_best_dialect_and_nothing_to_say() -> None:
    notes: list[str] = []

    async def session() -> OpenAIChat:
        client = rehearsed(RehearsedAuthor(AGENTS), note=notes.append)
        await client.probe(5)
        await client.close()
        return client

    assert asyncio.run(session()).dialect.answer_format == "strict_schema"
    assert notes == []


def test_the_same_agent_does_the_same_in_the_same_turn_and_others_do_something_else() -> None:
    author = RehearsedAuthor(AGENTS, malformed_per_mille=0)
    assert author(page()) == RehearsedAuthor(AGENTS, malformed_per_mille=0)(page())
    assert len({author(page(f"agent-000{n}")) for n in range(1, AGENTS + 1)}) == AGENTS
    assert len({author(page(turn=turn)) for turn in range(200)}) > 100


def test_every_answer_is_an_action_and_small_enough_for_a_model() -> None:
    author = RehearsedAuthor(AGENTS, malformed_per_mille=0)
    done: Counter[str] = Counter()
    for turn in range(400):
        said = author(page(turn=turn))
        parsed = parse(said)
        assert not isinstance(parsed, Refused), (said, parsed)
        assert len(said) < 4_000
        done[NAME_OF[type(parsed)]] += 1
    assert set(done) >= {"write", "edit", "read", "invoke", "query", "message", "transfer"}
    assert set(done) >= {"remember", "recall", "delete", "subscribe"}


@pytest.mark.parametrize("per_mille", [0, 30, 1000])
def test_as_many_answers_are_none_as_were_asked_for_and_a_repair_always_is_one(per_mille: int) -> None:
    author = RehearsedAuthor(AGENTS, per_mille)
    turns = range(2_000)
    bad = [turn for turn in turns if isinstance(parse(author(page(turn=turn))), Refused)]
    assert abs(len(bad) - 2 * per_mille) <= 25
    assert not [turn for turn in bad if isinstance(parse(author(page(turn=turn, again=True))), Refused)]


def test_who_was_born_later_and_who_is_alone_have_something_to_do_too() -> None:
    assert not isinstance(parse(RehearsedAuthor(1, 0)(page("agent-0001"))), Refused)
    assert not isinstance(parse(RehearsedAuthor(AGENTS, 0)(page("child-of-2"))), Refused)


def test_a_judge_is_given_a_score() -> None:
    judged = RehearsedAuthor(AGENTS)(Asked((Message("system", "You judge. Score from 0 to 100:"),)))
    assert '"score": 50' in judged


def test_a_memory_is_given_up_by_the_name_that_it_was_given() -> None:
    """As many are made as are given up, and what is given up was made."""
    author = RehearsedAuthor(AGENTS, 0)
    made = [turn for turn in range(2_000) if '"remember"' in author(page(turn=turn))]
    done = [parse(author(page(turn=turn))) for turn in range(2_000)]
    names = [it.artifact for it in done if isinstance(it, Delete)]
    assert names
    assert set(names) <= {f"agent-0002.memory.{turn}" for turn in made}
    assert len(made) - len(names) <= 8
