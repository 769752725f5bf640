"""What a model is shown: everything of its agent's, the newest first, in bounds, and nothing that breaks its lines."""

import asyncio
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecology.core.limits import MAX_INBOX_EVENTS
from ecology.core.outcome import Committed, Refused
from ecology.engine.observation import Observation
from ecology.engine.prompt import clip, newest, one_line
from ecology.events.records import MessageSent, TransferPosted
from ecology.kernel.actions import AgentConfig, Configure, Message, Read, Transfer
from ecology.llm.estimate import estimate_tokens
from ecology.llm.model import ModelRequest
from ecology.llm.spelling import spelled
from ecology.testing.scripted_model import ScriptedModel
from ecology.testing.worlds import Stage
from tests.support.thinkers import llm

ME, OTHER = "agent-0001", "agent-0002"


def question(stage: Stage, config: AgentConfig, *, max_input_tokens: int = 6_000) -> ModelRequest:
    """What the model of `ME` is asked."""
    model = ScriptedModel(lambda request: '{"action": "noop"}')
    policy = llm(model, max_input_tokens=max_input_tokens)(config, b"")
    asyncio.run(policy.decide(Observation(stage.world, stage.agent(ME), stage.now_ns)))
    return model.asked[0]


def config(prompt: str = "") -> AgentConfig:
    return AgentConfig(strategy="llm", prompt=prompt)


def section(request: ModelRequest, heading: str) -> list[str]:
    """The lines below a heading."""
    after = request.user.partition(heading)[2].partition("\n")[2]
    return after.partition("\n\n")[0].splitlines()


def news_of(request: ModelRequest) -> list[str]:
    return section(request, "What happened since your last turn")


def test_an_agent_is_shown_what_it_has() -> None:
    stage = Stage.of()
    stage.now_ns = 61_000_000_000
    request = question(stage, config("You love maps."))
    assert "You are `agent-0001`" in request.system
    assert request.system.endswith("You love maps.\n")
    assert "World time: 61 s. Turn 0." in request.user
    assert "You have: 1000 scrip, 5000000 micro-dollars, a compute flow of 10 tokens/s" in request.user
    used = stage.agent(ME).disk_used
    assert f"Disk: {used} of 50000 bytes used. Compute bucket: 100 tokens" in request.user
    assert news_of(request) == ["- nothing"]
    assert section(request, "Your last turns") == ["- none"]


def test_news_are_the_events_themselves_oldest_first() -> None:
    stage = Stage.of()
    stage.do(OTHER, Message(to=ME, text="hello"))
    stage.do("agent-0003", Transfer(to=ME, amount=7, memo="gift"))
    message, gift = [json.loads(line.removeprefix("- ")) for line in news_of(question(stage, config()))]
    assert (message["type"], message["principal_id"], message["text"]) == ("message.sent", OTHER, "hello")
    assert (gift["type"], gift["from_id"], gift["amount"], gift["memo"]) == (
        "transfer.posted",
        "agent-0003",
        7,
        "gift",
    )


def test_the_newest_news_are_shown_and_the_others_counted() -> None:
    stage = Stage.of()
    for number in range(MAX_INBOX_EVENTS + 5):
        stage.do(OTHER, Message(to=ME, text=f"{number} " + "x" * 500))
    request = question(stage, config(), max_input_tokens=3_000)
    shown = news_of(request)
    assert 0 < len(shown) < MAX_INBOX_EVENTS
    newest_number = MAX_INBOX_EVENTS + 4
    for age, line in enumerate(reversed(shown)):
        assert f'"text":"{newest_number - age} ' in line
    assert f"({MAX_INBOX_EVENTS + 5 - len(shown)} older pieces of news were lost)" in request.user


LINE_ENDS = "\n\r\x0b\x0c\x1c\x85\u2028\u2029"
NASTY = st.text(st.sampled_from('{}"\\`- abc:,' + LINE_ENDS + "é😀\x00"), max_size=80) | st.text(max_size=300)


@given(text=NASTY, memo=NASTY, prompt=NASTY)
def test_no_text_of_others_begins_a_line(text: str, memo: str, prompt: str) -> None:
    """Whatever a message or a memo holds, it stays inside its own line of JSON, and one news is one line."""
    stage = Stage.of()
    plain = question(stage, config(prompt))
    agent = stage.agent(ME)
    agent.inbox = [
        MessageSent(sequence=1, time_ns=0, principal_id=OTHER, turn_id=None, to_id=ME, text=text),
        TransferPosted(
            sequence=2,
            time_ns=0,
            principal_id=OTHER,
            turn_id=None,
            transfer_id=1,
            asset="scrip",
            from_id=OTHER,
            to_id=ME,
            amount=1,
            memo=memo,
        ),
    ]
    request = question(stage, config(prompt))
    lines = news_of(request)
    assert len(lines) == 2
    for line, said in zip(lines, (text, memo), strict=True):
        if line.endswith("}"):  # not cut short
            event = json.loads(line.removeprefix("- "))
            assert event.get("text", event.get("memo", "")) == one_line_of(said)
    assert request.system == plain.system
    outside = [line for line in request.user.splitlines() if line not in lines]
    assert outside == [line for line in plain.user.splitlines() if line != "- nothing"]


def one_line_of(said: str) -> str:
    """What JSON does not escape is a blank; the rest comes back as it was."""
    return said.translate(dict.fromkeys([0x7F, 0x85, 0x2028, 0x2029], " "))


@given(name=NASTY)
def test_a_refusal_is_one_line_whatever_was_asked_for(name: str) -> None:
    stage = Stage.of()
    model = ScriptedModel(lambda request: '{"action": "noop"}')
    policy = llm(model)(config(), b"")
    wanted = Read(name)
    policy.learn(wanted, stage.kernel.act(stage.turn(ME), wanted))
    policy.learn(None, Refused("model_unparsable", name))
    asyncio.run(policy.decide(Observation(stage.world, stage.agent(ME), 0)))
    past = section(model.asked[0], "Your last turns")
    assert len(past) == 2
    assert all(line.startswith("- ") and " -> refused, " in line for line in past)


@pytest.mark.parametrize("prompt", ["{agent_id}", "{0} {x!r} {", "}} {{ %s $x", "{own_prompt}"])
def test_braces_are_text(prompt: str) -> None:
    assert question(Stage.of(), config(prompt)).system.endswith(f"{prompt}\n")


class _SpellsOut(ScriptedModel):
    """A model whose server has the schema in the prompt."""

    def estimate_input_tokens(self, request: ModelRequest) -> int:
        return super().estimate_input_tokens(request) + estimate_tokens(spelled(request.schema or {}))


HUGE = st.integers(0, 5_000).flatmap(
    lambda size: st.sampled_from(["a", "\u00e9", "😀", "{", "\n", '"', "\x00"]).map(lambda mark: mark * size)
)
FIXED_TOKENS = 1_800
"""What the fixed texts of a thought with a repair need, at most."""
SPELLED_TOKENS = 4_600
"""The same with the schema spelled out in both calls."""


@given(
    prompt=HUGE | NASTY,
    texts=st.lists(HUGE | NASTY, max_size=MAX_INBOX_EVENTS),
    past=st.lists(st.tuples(HUGE | NASTY, HUGE | NASTY), max_size=8),
    answer=HUGE | NASTY,
    room=st.integers(0, 30_000),
    spelled=st.booleans(),
)
def test_a_thought_never_reads_more_than_was_held_for_it(
    prompt: str, texts: list[str], past: list[tuple[str, str]], answer: str, room: int, spelled: bool
) -> None:
    """By the client's estimate, both calls together, however much there is to say."""
    limit = room + (SPELLED_TOKENS if spelled else FIXED_TOKENS)
    model = (_SpellsOut if spelled else ScriptedModel)(lambda request: answer)
    stage = Stage.of()
    stage.agent(ME).inbox = [
        MessageSent(sequence=n, time_ns=0, principal_id=OTHER, turn_id=None, to_id=ME, text=text)
        for n, text in enumerate(texts, 1)
    ]
    policy = llm(model, max_input_tokens=limit)(config(prompt), b"")
    for did, got in past:
        policy.learn(Message(OTHER, did), Committed({"content": got}))
        policy.learn(None, Refused("malformed", got))
    asyncio.run(policy.decide(Observation(stage.world, stage.agent(ME), 0)))
    assert 1 <= len(model.asked) <= 2
    assert sum(map(model.estimate_input_tokens, model.asked)) <= limit
    assert sum(request.max_output_tokens for request in model.asked) <= 400


def test_an_agent_that_tells_itself_too_much_still_hears_the_world() -> None:
    stage = Stage.of()
    stage.do(ME, Configure(prompt="me " * 10_000))
    stage.do(OTHER, Message(to=ME, text="fire"))
    request = question(stage, stage.agent(ME).config)
    assert '"text":"fire"' in request.user
    assert request.system.endswith("…\n")


@given(text=st.text(st.characters(), max_size=50), limit=st.integers(0, 120))
def test_clip(text: str, limit: int) -> None:
    cut = clip(text, limit)
    assert len(cut.encode()) <= limit
    if len(text.encode("utf-8", "replace")) <= limit:
        assert cut.encode() == text.encode("utf-8", "replace")
    elif limit >= 3:
        assert cut.endswith("…")


@given(lines=st.lists(st.text(max_size=20), max_size=10), room=st.integers(-5, 200))
def test_newest(lines: list[str], room: int) -> None:
    kept = newest(lines, room)
    assert kept == lines[len(lines) - len(kept) :]
    size = sum(len(line.encode()) + 1 for line in kept)
    assert size <= max(0, room)
    if len(kept) < len(lines):
        assert size + len(lines[-len(kept) - 1].encode()) + 1 > room


@given(text=st.text(st.sampled_from("ab" + LINE_ENDS), max_size=20))
def test_one_line(text: str) -> None:
    assert len(f"x{one_line(text)}x".splitlines()) == 1
