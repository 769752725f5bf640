"""Whole worlds whose minds are models behind a real server: how many think at once, and whom a bad answer delays."""

import asyncio
import re
from collections import Counter
from contextlib import nullcontext
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple, cast

import pytest

from ecology.app import model_client, running
from ecology.app.run_directory import RunDirectory
from ecology.engine.engine import Engine
from ecology.events.records import ActionTaken, HoldClosed, HoldOpened, ModelCalled
from ecology.events.registry import Record, decode
from ecology.kernel.refusals import UNREACHABLE_MODEL
from ecology.llm.key import KEY_VARIABLE
from ecology.scenarios import Scenario
from ecology.store.reader import EventReader
from ecology.testing.model_server import Answer, Call, Fail, Hang, Meet, ModelServer, Say
from tests.support.ending import AT_MOST, worlds_end_when
from tests.support.small_run import scenario
from tests.support.stored_run import wrongs

AGENTS = 20
ANSWER_MS = 1_000
TOGETHER = AGENTS * 8 // 10
STUCK = "agent-0003"
KEY = "sk-very-secret-0123456789"
NOBODY = running.Watchers(say=lambda line: None, progress=lambda progress: None)


def prompt(call: Call) -> str:
    """Everything that a call says to the model."""
    messages = cast("list[dict[str, str]]", call.body["messages"])
    return "\n".join(message["content"] for message in messages)


def asker(call: Call) -> str:
    """Who asks; empty for the probe."""
    named = re.search(r"You are `(agent-\d+)`", prompt(call))
    return named[1] if named else ""


def world_of(server: ModelServer, **settings: object) -> Scenario:
    """A world on that server in which compute is no obstacle."""
    plenty = {f"resources__flow__llm_rate__{name}": 100_000 for name in ("rate", "capacity")}
    return scenario(
        "container",
        policy="llm",
        model__url=server.url,
        model__name="fake",
        thought__memory="1MiB",
        **{
            "resources__stock__llm_budget__total_usd": 5,
            "prices__input_usd_per_million": 1,
            **plenty,
            **settings,
        },
    )


async def live(world: Scenario, runs: Path, environ: dict[str, str] | None = None) -> RunDirectory:
    """Live it as the command does, summary and report apart."""
    client = await model_client.connect(world, environ or {}, lambda line: None, wait=False)
    directory = RunDirectory.create(runs, "20260101T000000Z", world)
    try:
        assert (await running.begin(directory, world, client, NOBODY)).complete
    finally:
        directory.unlock()
    return directory


def events_of(directory: RunDirectory) -> list[Record]:
    reader = EventReader(directory.database)
    try:
        return [decode(line) for line in reader.lines()]
    finally:
        reader.close()


class Busy(NamedTuple):
    """A world in real time in which each thought takes a second and one agent's first one never ends.

    No thought begins to take it before enough agents think at once; all is over when each has thought and thinks again.
    """

    events: list[Record]
    calls: Counter[str]
    peak_in_flight: int
    wrongs: list[str]


@cache
def busy() -> Busy:
    """Lived once for all tests."""

    calls: Counter[str] = Counter()

    def answer(call: Call) -> Answer:
        calls[asker(call)] += 1
        if not asker(call):
            return Say("here")
        if asker(call) == STUCK:
            return Hang()
        return Meet(TOGETHER, '{"action": "message", "to": "agent-0001", "text": "hello"}', ANSWER_MS)

    def twice(engine: Engine) -> bool:
        return sum(times > 1 for who, times in calls.items() if who) == AGENTS - 1

    async def run(runs: Path) -> Busy:
        async with ModelServer(answer) as server:
            with worlds_end_when(twice):
                directory = await live(world_of(server, agents=AGENTS, duration=AT_MOST), runs)
            return Busy(events_of(directory), calls, server.peak_in_flight, wrongs(directory.path))

    with TemporaryDirectory() as folder:
        return asyncio.run(run(Path(folder)))


def test_agents_think_at_the_same_time() -> None:
    """The server saw at least four of five agents' questions at once."""
    assert busy().peak_in_flight >= TOGETHER


def test_a_thought_that_never_ends_delays_nobody_else() -> None:
    calls = busy().calls
    assert calls[STUCK] == 1
    others = [f"agent-{n:04d}" for n in range(1, AGENTS + 1) if f"agent-{n:04d}" != STUCK]
    assert min(calls[other] for other in others) >= 2
    acted = {event.principal_id for event in busy().events if isinstance(event, ActionTaken)}
    assert acted == set(others)


def test_what_was_being_thought_at_the_end_is_owed_to_nobody() -> None:
    """Every hold has its end, and the whole run passes its audit."""
    events = busy().events
    opened = {event.transfer_id for event in events if isinstance(event, HoldOpened)}
    closed = {event.transfer_id: event.how for event in events if isinstance(event, HoldClosed)}
    assert set(closed) == opened
    assert Counter(closed.values())["posted"] == len([it for it in events if isinstance(it, ModelCalled)])
    stuck = [
        event.transfer_id for event in events if isinstance(event, HoldOpened) and event.principal_id == STUCK
    ]
    assert [closed[hold] for hold in stuck] == ["voided"]
    assert busy().wrongs == []


def test_latencies_are_measured_where_time_is_real() -> None:
    latencies = [event.latency_ms for event in busy().events if isinstance(event, ModelCalled)]
    assert min(latencies) >= ANSWER_MS - 100


def test_a_server_that_goes_away_is_waited_for_and_the_world_goes_on(tmp_path: Path) -> None:
    """What it did not answer costs nothing; when it is back, everybody thinks again."""

    def answer(call: Call) -> Answer:
        if 10 <= call.ordinal < 30:
            return Fail(503, "restarting")
        return Say('{"action": "noop"}', input_tokens=100, output_tokens=5)

    async def run() -> RunDirectory:
        async with ModelServer(answer) as server:
            return await live(world_of(server, agents=3, clock="virtual", duration="60s"), tmp_path)

    directory = asyncio.run(run())
    events = events_of(directory)
    called = [event for event in events if isinstance(event, ModelCalled)]
    away = [event for event in called if event.answer == "unreachable"]
    assert away
    assert {(event.input_tokens, event.usd_micros) for event in away} == {(0, 0)}
    gone_ns = max(event.time_ns for event in away)
    back = {event.principal_id for event in called if event.answer == "ok" and event.time_ns > gone_ns}
    assert len(back) == 3
    waits = [
        event for event in events if isinstance(event, ActionTaken) and event.reason == UNREACHABLE_MODEL
    ]
    assert len(waits) == len(away)
    assert {event.llm_millitokens for event in waits} == {0}
    assert wrongs(directory.path) == []


@pytest.mark.parametrize("clock", ["virtual", "real"])
def test_no_key_gets_into_a_prompt_or_a_file(clock: str, tmp_path: Path) -> None:
    """Not even when the server quotes it in an error that the agent then reads."""

    changing: list[asyncio.Task[None]] = []
    read: list[str] = []

    async def change(server: ModelServer) -> None:
        """From now on the key is wrong, and the server says which one it got; until somebody has been refused."""
        server.api_key = "another"
        while not server.refused:
            await asyncio.sleep(0)
        server.api_key = KEY

    def answer(call: Call) -> Answer:
        if call.ordinal == 4:
            changing.append(asyncio.create_task(change(server_of[0])))
        if "refuses the API key" in prompt(call):
            read.append(asker(call))
        return Say('{"action": "noop"}')

    server_of: list[ModelServer] = []

    async def run() -> list[str]:
        async with ModelServer(answer, api_key=KEY) as server:
            server_of.append(server)
            world = world_of(server, agents=3, clock=clock, duration="60s")
            with worlds_end_when(lambda engine: bool(read)) if clock == "real" else nullcontext():
                await live(world, tmp_path, {KEY_VARIABLE: KEY})
            return [prompt(call) for call in server.calls]

    prompts = asyncio.run(run())
    assert not [text for text in prompts if KEY in text]
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert any(path.name == "ecology.sqlite" for path in files)
    assert not [path for path in files if KEY.encode() in path.read_bytes()]
    assert read, "an agent has read of it"
