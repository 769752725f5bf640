"""Worlds that remember: the same run twice, killed and resumed, by a model's answers, with an index lost on the way."""

import asyncio
import json
import os
import re
import shutil
import signal
import time
from pathlib import Path

import pytest

from ecology.app.memory import MemoryPlace
from ecology.core.seeds import Draw
from ecology.events.records import ActionTaken
from ecology.testing.model_server import Answer, Call, ModelServer, Say
from tests.architecture.source import ROOT
from tests.simulation.test_llm_world import asker, events_of, live, prompt, world_of
from tests.support import plug_in
from tests.support.command import PATIENCE_S, finish, start
from tests.support.mnemonist import mnemonist
from tests.support.small_run import SmallRun, peopled
from tests.support.stored_run import StoredRun, has_ended, last_event, wrongs

SCENARIO = """\
agents: 6
duration: 60s
seed: 5
population:
  - { strategy: mnemonist, share: 6 }
"""
FLOW = "resources:\n  flow: { llm_rate: { rate: 100, capacity: 200 } }\n"


def test_the_same_world_remembers_the_same(tmp_path: Path) -> None:
    """What is recalled goes into what is written, so equal logs mean equal recalls; whatever a commit holds."""
    world = peopled({"mnemonist": 6}, "duration: 60s\nseed: 5\n" + FLOW)
    runs = []
    for group_turns in (1, 7, 100_000):
        run = SmallRun.make(tmp_path / str(group_turns), world, {"mnemonist": mnemonist})
        run.live(group_turns=group_turns)
        assert not run.directory.crashes.exists()
        runs.append(StoredRun.read(run.path))
    done = [it.action for it in run.events() if isinstance(it, ActionTaken) and it.outcome == "committed"]
    assert done.count("remember") > 100 and done.count("recall") > 100
    assert runs[0].difference(runs[1]) == ""
    assert runs[0].difference(runs[2]) == ""
    assert wrongs(run.path) == []


@pytest.fixture
def plugged(tmp_path: Path) -> dict[str, str]:
    """A machine on which the mind is installed."""
    project = tmp_path / "project"
    project.mkdir()
    shutil.copy(ROOT / "tests" / "support" / "mnemonist.py", project)
    (project / "pyproject.toml").write_text(
        '[project]\nname = "mnemonist"\nversion = "1"\n'
        '[project.entry-points."ecology.policies"]\nmnemonist = "mnemonist:mnemonist"\n'
        '[tool.hatch.build.targets.wheel]\nonly-include = ["mnemonist.py"]\n'
    )
    plug_in.install(project, tmp_path / "library")
    (tmp_path / "world.yaml").write_text(SCENARIO + FLOW)
    return {"PYTHONPATH": str(tmp_path / "library")}


def test_killed_again_and_again_it_remembers_the_same(tmp_path: Path, plugged: dict[str, str]) -> None:
    """`kill -9` at drawn moments; once the index is gone afterwards, once it is another run's."""
    arguments = ("run", "--scenario", tmp_path / "world.yaml", "--quiet")
    (tmp_path / "whole").mkdir()
    assert finish(start(*arguments, cwd=tmp_path / "whole", **plugged)).code == 0
    whole = tmp_path / "whole" / "runs" / "latest"
    assert (whole / "memory").is_dir()
    home = tmp_path / "killed"
    home.mkdir()
    path, draw = home / "runs" / "latest", Draw(8)
    for number in range(8):
        begun = (path / "run.yaml").is_file()
        process = start(*(("run", "--resume", path) if begun else arguments), cwd=home, **plugged)
        before, patience = last_event(path / "ecology.sqlite"), time.monotonic() + PATIENCE_S
        while process.poll() is None and last_event(path / "ecology.sqlite") == before:
            assert time.monotonic() < patience, "nothing was committed"
            time.sleep(0.002)
        time.sleep(draw.below(60) / 1000)
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate(timeout=PATIENCE_S)
        if number == 3:
            shutil.rmtree(path / "memory", ignore_errors=True)
        if number == 5:
            shutil.rmtree(path / "memory", ignore_errors=True)
            shutil.copytree(whole / "memory", path / "memory")
    assert finish(start("run", "--resume", path, cwd=home, **plugged)).code == 0
    assert has_ended(path / "ecology.sqlite")
    assert StoredRun.read(path).difference(StoredRun.read(whole)) == ""
    assert wrongs(path) == []


def test_a_folder_that_worlds_share_keeps_them_apart(tmp_path: Path, plugged: dict[str, str]) -> None:
    """The index in a folder of the user's choice: another run of the same world finds the same as with its own."""
    digests = set()
    for chosen in ((), ("--qdrant", tmp_path / "index"), ("--qdrant", tmp_path / "index")):
        arguments = ("run", "--scenario", tmp_path / "world.yaml", *chosen, "--quiet", "--json")
        finished = finish(start(*arguments, cwd=tmp_path, **plugged))
        assert finished.code == 0, finished.err
        digests.add(json.loads(finished.out)["event_log_sha256"])
    assert len(digests) == 1


def test_a_model_remembers_and_recalls(tmp_path: Path) -> None:
    """Through a real server: what it once remembered stands before it when it has recalled it."""
    shown: list[str] = []

    def answer(call: Call) -> Answer:
        turn = re.search(r"Turn (\d+)\.", prompt(call))
        number = int(turn[1]) if turn else 0
        if asker(call) != "agent-0001":
            return Say('{"action": "noop"}')
        if number == 0:
            return Say('{"action": "remember", "text": "the miller owes me 20 scrip", "tags": ["debts"]}')
        if number == 1:
            return Say('{"action": "recall", "query": "who owes me scrip?"}')
        shown.append(prompt(call))
        return Say('{"action": "noop"}')

    async def run() -> list[tuple[str, str]]:
        async with ModelServer(answer) as server:
            world = world_of(server, agents=2, duration="5s", clock="virtual")
            directory = await live(world, tmp_path)
            assert wrongs(directory.path) == []
            return [
                (it.action, it.outcome)
                for it in events_of(directory)
                if isinstance(it, ActionTaken) and it.principal_id == "agent-0001"
            ]

    done = asyncio.run(run())
    assert done[:2] == [("remember", "committed"), ("recall", "committed")]
    assert '"text":"the miller owes me 20 scrip\\\\n#debts"' in shown[0].replace("\\n", "\\\\n")


def test_what_nobody_recalls_loads_no_index(tmp_path: Path) -> None:
    """A run without memories has no index, and remembering alone makes none."""
    made: list[str] = []
    place = MemoryPlace()
    memories = place.memories("w", made.append, tmp_path / "memory")
    memories.note("a")
    memories.close()
    assert not (tmp_path / "memory").exists() and made == []
