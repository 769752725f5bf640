"""The standard load of a calibration: everything in it is really done, and nothing in it grows."""

import asyncio
from collections import Counter
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from ecology.app import running
from ecology.app.run_directory import RunDirectory
from ecology.core.clock import SECOND_NS
from ecology.engine.rehearsal.author import RehearsedAuthor
from ecology.events.economy import CodeRan
from ecology.events.records import (
    ActionTaken,
    ArtifactCreated,
    ArtifactDeleted,
    ArtifactUpdated,
    ModelCalled,
)
from ecology.events.registry import Record, decode
from ecology.llm.rehearsal import rehearsed
from ecology.store.reader import EventReader
from tests.support.small_run import scenario
from tests.support.stored_run import StoredRun, wrongs

NOBODY = running.Watchers(say=lambda line: None, progress=lambda progress: None)
MINUTES = 15
SETTLED_NS = 10 * 60 * SECOND_NS
"""By then everybody has gone round often enough to give up as many memories as it makes."""


class Lived(NamedTuple):
    """A world under the virtual clock."""

    events: list[Record]
    stored: StoredRun
    wrongs: list[str]


def live(runs: Path, **settings: object) -> RunDirectory:
    """Live the scenario under the virtual clock as the command does, with the rehearsed model."""
    world = scenario("stress", clock="virtual", **settings)

    async def session(directory: RunDirectory) -> None:
        client = rehearsed(RehearsedAuthor(world.agents))
        assert (await running.begin(directory, world, client, NOBODY)).complete

    directory = RunDirectory.create(runs, "20260101T000000Z", world)
    try:
        asyncio.run(session(directory))
    finally:
        directory.unlock()
    return directory


@cache
def lived() -> Lived:
    """A quarter of an hour, lived once for all tests."""
    with TemporaryDirectory() as folder:
        directory = live(Path(folder), duration=f"{MINUTES}m")
        reader = EventReader(directory.database)
        try:
            events = [decode(line) for line in reader.lines()]
        finally:
            reader.close()
        return Lived(events, StoredRun.read(directory.path), wrongs(directory.path))


def turns() -> list[ActionTaken]:
    return [event for event in lived().events if isinstance(event, ActionTaken)]


def test_everything_that_costs_cpu_is_really_done() -> None:
    done = Counter(turn.action for turn in turns() if turn.outcome == "committed")
    assert sum(done.values()) >= 0.9 * len(turns())
    for kind in ("write", "edit", "read", "invoke", "query", "recall", "message", "transfer"):
        assert done[kind] >= 0.02 * len(turns()), f"{kind}: {done[kind]} of {len(turns())}"
    assert done["remember"] > 30
    assert done["delete"] > 10
    code = [event for event in lived().events if isinstance(event, CodeRan)]
    assert len(code) > done["invoke"], "contracts in code are asked too"
    assert lived().wrongs == []


def test_answers_are_repaired_as_with_a_real_model() -> None:
    answers = Counter(event.answer for event in lived().events if isinstance(event, ModelCalled))
    assert set(answers) == {"ok", "repaired"}
    assert 0.01 < answers["repaired"] / answers.total() < 0.06


def test_thoughts_cost_what_a_calibration_is_told_they_do() -> None:
    spent = [turn.llm_millitokens for turn in turns()]
    assert 17_000 < sum(spent) / len(spent) < 20_000
    waits = Counter(turn.waited_on for turn in turns())
    assert waits["llm_rate"] > 0.9 * len(turns()), "tokens bind, and nothing else"


def test_what_there_is_and_what_a_turn_does_stay_the_same() -> None:
    """Artifacts, memories and bytes are as many in the end as they were when everybody had settled."""
    sizes: dict[str, int] = {}
    before: tuple[int, int] | None = None
    for event in lived().events:
        if before is None and event.time_ns > SETTLED_NS:
            before = len(sizes), sum(sizes.values())
        if isinstance(event, ArtifactCreated | ArtifactUpdated):
            sizes[event.artifact_id] = event.size_bytes
        elif isinstance(event, ArtifactDeleted):
            del sizes[event.artifact_id]
    assert before is not None
    artifacts, held_bytes = before
    assert abs(len(sizes) - artifacts) <= 5
    assert abs(sum(sizes.values()) - held_bytes) < 0.05 * held_bytes
    assert held_bytes < 5 * 50_000


def test_the_same_world_twice(tmp_path: Path) -> None:
    settings = {"duration": "1m", "resources__flow__llm_rate__rate": 40}
    one, other = (StoredRun.read(live(tmp_path / name, **settings).path) for name in ("a", "b"))
    assert one.events > 1_000
    assert one.difference(other) == ""
