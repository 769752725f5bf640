"""Minds that crash: their own affair. The others live on, and what happened is on record."""

import asyncio
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from ecology.core.clock import SECOND_NS
from ecology.core.seeds import Draw
from ecology.engine.observation import Observation
from ecology.engine.policy import Policy, PolicyFactory, Thought
from ecology.events.records import ActionTaken, AgentFailed, AgentStateChanged
from ecology.events.registry import Record
from ecology.kernel.actions import AgentConfig, Noop, Write
from tests.support.faulty_store import MOMENTS, FaultyStore, PowerCut
from tests.support.minds import Calm, Fragile, book
from tests.support.small_run import SmallRun, peopled
from tests.support.stored_run import StoredRun, wrongs_of_database

BROKEN = "agent-0001"
HALF_AN_HOUR = "30m"


def _fragile(breaks: Callable[[str, int], str]) -> PolicyFactory:
    return lambda config, dumped: Fragile(config, dumped, breaks)


def _live(path: Path, mind: PolicyFactory, *, duration: str, text: str = "") -> SmallRun:
    """One agent with that mind and three calm ones."""
    world = peopled({"odd": 1, "calm": 3}, f"duration: {duration}\n{text}")
    run = SmallRun.make(path, world, book(odd=mind))
    run.live()
    return run


def _failures(events: list[Record]) -> list[AgentFailed]:
    return [event for event in events if isinstance(event, AgentFailed)]


def _turns(events: list[Record], agent: str) -> list[int]:
    """When the agent's turns ended, in world time."""
    return [
        event.time_ns for event in events if isinstance(event, ActionTaken) and event.principal_id == agent
    ]


def test_back_off_doubles_to_its_longest_and_then_the_mind_is_frozen(tmp_path: Path) -> None:
    run = _live(
        tmp_path,
        _fragile(lambda agent, turn: "decide"),
        duration="2h",
        text="supervisor: { freeze_after: 11 }",
    )
    failures = _failures(run.events())
    assert [it.retry_ns // SECOND_NS for it in failures] == [5, 10, 20, 40, 80, 160, 300, 300, 300, 300, 300]
    assert [it.failures for it in failures] == list(range(1, 12))
    assert all(it.agent_id == BROKEN and it.error == "ValueError" for it in failures)
    gaps = [later.time_ns - earlier.time_ns for earlier, later in pairwise(failures)]
    assert gaps == [it.retry_ns for it in failures[:-1]], "it tries again exactly when its pause is over"
    frozen = [it for it in run.events() if isinstance(it, AgentStateChanged) and it.state == "frozen"]
    assert [(it.agent_id, it.reason) for it in frozen] == [(BROKEN, "11 crashes in a row (ValueError)")]
    assert frozen[0].time_ns == failures[-1].time_ns
    assert not _turns(run.events(), BROKEN)


def test_the_others_do_not_notice(tmp_path: Path) -> None:
    """They live as they do beside a mind that only stands by."""

    class Idle(Calm):
        async def decide(self, view: Observation) -> Thought:
            return Thought(Noop(), 300, 60)

    def lives(run: SmallRun) -> dict[str, list[int]]:
        return {name: _turns(run.events(), name) for name in ("agent-0002", "agent-0003", "agent-0004")}

    broken = _live(tmp_path / "broken", _fragile(lambda agent, turn: "decide"), duration=HALF_AN_HOUR)
    idle = _live(tmp_path / "idle", Idle, duration=HALF_AN_HOUR)
    assert lives(broken) == lives(idle)
    assert min(map(len, lives(broken).values())) > 100


def test_the_traceback_is_the_observers_alone(tmp_path: Path) -> None:
    run = _live(tmp_path, _fragile(lambda agent, turn: "decide"), duration="2m")
    log = run.directory.crashes.read_text()
    assert log.startswith(f"{BROKEN}:\nTraceback (most recent call last):")
    assert log.count("ValueError: broken in decide") == len(_failures(run.events()))
    for name, rows in StoredRun.read(run.path).tables.items():
        assert "broken in" not in repr(rows), f"agents could read it in {name}"


@pytest.mark.parametrize("place", ["decide", "learn", "dump"])
def test_a_mind_recovers_and_remembers(place: str, tmp_path: Path) -> None:
    """Three crashes, then peace: the count of crashes starts anew, the memory is what it was before them."""
    run = _live(
        tmp_path, _fragile(lambda agent, turn: place if turn in (3, 4, 5, 9) else ""), duration=HALF_AN_HOUR
    )
    assert [it.failures for it in _failures(run.events())] == [1, 2, 3, 1]
    turns = len(_turns(run.events(), BROKEN))
    # A deed whose mind crashed while learning is done and recorded, and not remembered.
    forgotten = 0 if place == "decide" else 4
    agents = StoredRun.read(run.path).tables["agents"]
    memory = agents[0][-1].partition(b"\0")[2]  # behind the name of its strategy
    assert Calm(_nobody(), memory).turns == turns - forgotten > 50


def _nobody() -> AgentConfig:
    return AgentConfig(strategy="calm")


class _Nonsense(Calm):
    """Returns what is no thought."""

    async def decide(self, view: Observation) -> Thought:
        return "thought"  # type: ignore[return-value]


class _Shapeless(Calm):
    """Acts with what is no action."""

    async def decide(self, view: Observation) -> Thought:
        return Thought(object(), 1, 1)  # type: ignore[arg-type]


class _Indebted(Calm):
    """Claims to have used less than nothing."""

    async def decide(self, view: Observation) -> Thought:
        return Thought(Noop(), -5, 1)


class _Forgetful(Calm):
    """Dumps what cannot be stored."""

    def dump(self) -> bytes:
        return "memory"  # type: ignore[return-value]


class _Suicidal(Calm):
    """Cancels itself, as a client library with a bug might."""

    async def decide(self, view: Observation) -> Thought:
        raise asyncio.CancelledError


class _Exiting(Calm):
    """Wants to end the program."""

    async def decide(self, view: Observation) -> Thought:
        raise SystemExit(3)


class _Bottomless(Calm):
    """Calls itself until there is no stack left."""

    async def decide(self, view: Observation) -> Thought:
        return await self.decide(view)


class _Endless(Exception):
    """An error that cannot even be shown."""

    def __str__(self) -> str:
        raise RuntimeError("no words")


class _Unspeakable(Calm):
    """Raises what cannot be shown."""

    async def decide(self, view: Observation) -> Thought:
        raise _Endless


def _stillborn(config: AgentConfig, dumped: bytes) -> Policy:
    raise ImportError("the plug-in is broken")


@pytest.mark.parametrize(
    "mind",
    [
        _Nonsense, _Shapeless, _Indebted, _Forgetful, _Suicidal, _Exiting, _Bottomless, _Unspeakable, _stillborn
    ],
)  # fmt: skip
def test_whatever_a_mind_gets_wrong_is_a_crash_of_its_own(mind: PolicyFactory, tmp_path: Path) -> None:
    run = _live(tmp_path, mind, duration=HALF_AN_HOUR)
    events = run.events()
    assert [it.failures for it in _failures(events)] == [1, 2, 3, 4, 5, 6, 7, 8]
    assert {it.agent_id for it in _failures(events)} == {BROKEN}
    assert len(_turns(events, "agent-0002")) > 100
    assert wrongs_of_database(run.path) == []


def test_a_malformed_action_is_a_refusal_that_its_author_reads(tmp_path: Path) -> None:
    class Careless(Calm):
        async def decide(self, view: Observation) -> Thought:
            deeds = (Write(artifact="thing", content=5), Write(artifact="thing", content="\ud800"))  # type: ignore[arg-type]
            return Thought(deeds[view.turn % 2], 300, 60)

    run = _live(tmp_path, Careless, duration="5m")
    taken = [it for it in run.events() if isinstance(it, ActionTaken) and it.principal_id == BROKEN]
    assert len(taken) > 10
    assert {(it.outcome, it.reason) for it in taken} == {("refused", "malformed")}
    assert not _failures(run.events())


@pytest.mark.parametrize("seed", range(30))
def test_crashes_at_random_times_are_as_repeatable_as_the_rest(seed: int, tmp_path: Path) -> None:
    """Minds that break anywhere at any time, in a process that dies as well: the run ends as an undisturbed one."""

    def breaks(agent: str, turn: int) -> str:
        draw = Draw(seed, int(agent[-4:]), turn)
        return draw.choice(("decide", "learn", "dump")) if draw.chance(25) else ""

    world = peopled({"odd": 4, "calm": 2}, f"duration: 3m\nseed: {seed}\nsupervisor: {{ freeze_after: 3 }}")
    minds = book(odd=_fragile(breaks))
    whole = SmallRun.make(tmp_path / "whole", world, minds)
    whole.live()
    assert len(_failures(whole.events())) > 5
    cut = SmallRun.make(tmp_path / "cut", world, minds)
    draw = Draw(seed, 99)
    at, moment = draw.between(2, 10), draw.choice(MOMENTS)
    with pytest.raises(PowerCut):
        cut.live(group_turns=draw.between(1, 6), wrap=lambda store: FaultyStore(store, at, moment))
    cut.live(group_turns=draw.between(1, 20))
    assert StoredRun.read(cut.path).difference(StoredRun.read(whole.path)) == "", f"seed {seed}"
    assert wrongs_of_database(cut.path) == []
