"""`from ecology import ...`: runs from Python, as the command makes them, with minds and tables of one's own."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import get_args

import msgspec
import pytest

import ecology
from ecology import FinishedRun, Scenario, World, run, scenarios
from ecology.app.run_directory import RunDirectory
from ecology.core.errors import EcologyError, RunFault, ScenarioError, UsageError
from ecology.core.outcome import Committed, Outcome
from ecology.engine.observation import Observation
from ecology.engine.policy import Thought
from ecology.events.records import ActionTaken, RunEnded, RunStarted, TransferPosted
from ecology.events.registry import FAMILY_OF, Record
from ecology.kernel.actions import Action, AgentConfig, Noop, Sleep, Transfer
from tests.support.command import PATIENCE_S, environment
from tests.support.command import ecology as command


class Generous:
    """Gives a scrip at every third turn and sleeps otherwise; counts its gifts in its memory."""

    slow = False

    def __init__(self, config: AgentConfig, dumped: bytes) -> None:
        self.given = msgspec.msgpack.decode(dumped, type=int) if dumped else 0
        self.to = f"agent-{config.traits['to']:04d}"

    async def decide(self, view: Observation) -> Thought:
        """One action and the tokens it took."""
        if view.agent_id == self.to:
            return Thought(Sleep(duration_ms=60_000), 100, 10)
        action: Action = (
            Transfer(to=self.to, amount=1, memo=f"gift {self.given}") if view.turn % 3 == 0 else Noop()
        )
        return Thought(action, 100, 10)

    def learn(self, action: Action | None, outcome: Outcome) -> None:
        self.given += isinstance(action, Transfer) and isinstance(outcome, Committed)

    def dump(self) -> bytes:
        return msgspec.msgpack.encode(self.given)


GENEROUS = [{"strategy": "generous", "share": 3, "traits": {"to": 1}}, {"strategy": "maker", "share": 1}]


@pytest.fixture(scope="module")
def finished() -> Iterator[FinishedRun]:
    """A run with a mind of one's own; its directory goes with the module."""
    with TemporaryDirectory() as folder:
        yield run(
            "container",
            runs=folder,
            policies={"generous": Generous},
            agents=4,
            duration="90s",
            seed=3,
            population=GENEROUS,
        )


def test_what_the_package_offers() -> None:
    assert set(ecology.__all__) == {"FinishedRun", "Scenario", "World", "run"}
    assert scenarios.Scenario is Scenario
    assert World.__module__ == "ecology.kernel.world"
    with pytest.raises(AttributeError, match="module 'ecology' has no attribute 'walk'"):
        _ = ecology.walk


def test_the_run_directory_is_that_of_the_command(finished: FinishedRun) -> None:
    names = {path.name for path in finished.directory.iterdir()}
    assert names >= {
        "run.yaml",
        "ecology.sqlite",
        "archive.git",
        "events.jsonl.zst",
        "summary.json",
        "report.html",
    }
    assert finished.directory.name.endswith("-container-3")
    summary = json.loads((finished.directory / "summary.json").read_text())
    assert summary == json.loads(msgspec.json.encode(finished.summary))
    assert finished.summary.outcome == "duration reached"
    assert finished.summary.audit.ok


def test_own_minds_live_with_the_others_and_keep_their_memory(finished: FinishedRun) -> None:
    strategies = {row.strategy: row.agents for row in finished.summary.measures.strategies}
    assert strategies == {"generous": 3, "maker": 1}
    for giver in ("agent-0002", "agent-0003"):
        memos = [
            event.memo
            for event in finished.events()
            if isinstance(event, TransferPosted) and event.principal_id == giver
        ]
        assert memos[:3] == ["gift 0", "gift 1", "gift 2"]
        assert memos == [f"gift {number}" for number in range(len(memos))]


def test_events_are_typed_and_in_order(finished: FinishedRun) -> None:
    events = list(finished.events())
    assert isinstance(events[0], RunStarted) and isinstance(events[-1], RunEnded)
    assert [event.sequence for event in events] == list(range(1, finished.summary.events + 1))
    assert {type(event) for event in events} <= set(get_args(Record))


def test_tables_are_columns(finished: FinishedRun) -> None:
    """What `pandas.DataFrame` and `polars.DataFrame` take: a list of equal length for each field."""
    actions = finished.table("action")
    assert set(actions) == set(ActionTaken.__struct_fields__)
    assert {len(column) for column in actions.values()} == {finished.summary.actions}
    numbers = [int(str(number)) for number in actions["sequence"]]
    assert numbers == sorted(numbers)
    assert set(actions["outcome"]) <= {"committed", "refused"}
    transfers = finished.table("transfer.posted")
    gifts = [
        amount
        for amount, memo in zip(transfers["amount"], transfers["memo"], strict=True)
        if "gift" in str(memo)
    ]
    assert gifts and set(gifts) == {1}


@pytest.mark.parametrize("event_type", FAMILY_OF)
def test_every_event_type_has_its_table_be_it_empty(finished: FinishedRun, event_type: str) -> None:
    table = finished.table(event_type)
    assert set(table) == set(FAMILY_OF[event_type].__struct_fields__)
    assert len({len(column) for column in table.values()}) == 1


def test_a_table_that_does_not_exist_is_named(finished: FinishedRun) -> None:
    with pytest.raises(UsageError, match=r"no event type 'transfers'; there are action, agent\.failed, "):
        finished.table("transfers")


def test_the_directory_is_free_again(finished: FinishedRun) -> None:
    directory = RunDirectory.find(finished.directory)
    directory.lock()
    directory.unlock()


def test_python_and_command_make_the_same_world(tmp_path: Path) -> None:
    """By name, by file, as an object, and by the command: one log."""
    settings: dict[str, object] = {"agents": 3, "duration": "30s", "seed": 9}
    by_name = run("market", runs=tmp_path / "a", policies=None, **settings)
    again = scenarios.load(by_name.directory / "run.yaml")
    by_object = run(again, runs=str(tmp_path / "b"))
    flags = ("--agents", "3", "--duration", "30s", "--seed", "9", "--quiet", "--json")
    by_command = command("run", "--scenario", "market", *flags, cwd=tmp_path)
    digests = {
        by_name.summary.event_log_sha256,
        by_object.summary.event_log_sha256,
        json.loads(by_command.out)["event_log_sha256"],
    }
    assert len(digests) == 1


@pytest.mark.parametrize(
    ("scenario", "settings", "error", "words"),
    [
        ("market", {"agent": 3}, ScenarioError, "agents"),
        ("market", {"agents": 0}, ScenarioError, "agents"),
        ("market", {"agents": "many"}, ScenarioError, "agents"),
        ("markt", {}, ScenarioError, "did you mean 'market'"),
        ("no/such/file.yaml", {}, ScenarioError, "no such file"),
        ("market", {"population": [{"strategy": "generous"}]}, UsageError, "generous"),
        ("market", {"population": [{"strategy": "llm"}]}, UsageError, "llm"),
        ("market", {"policy": "llm"}, UsageError, "needs a model"),
        (Scenario(), {"agents": 3}, UsageError, "change the Scenario object instead"),
        (
            Scenario.model_validate({"population": [{"strategy": "generous"}]}),
            {},
            UsageError,
            "no strategy 'generous'",
        ),
    ],
    ids=str,
)
def test_a_wrong_call_is_one_line_and_leaves_nothing(
    scenario: str | Scenario,
    settings: dict[str, object],
    error: type[EcologyError],
    words: str,
    tmp_path: Path,
) -> None:
    with pytest.raises(error, match=words) as caught:
        run(scenario, runs=tmp_path / "runs", policies=None, **settings)
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.rglob("ecology.sqlite"))


def test_settings_reach_any_key(tmp_path: Path) -> None:
    """Keys with dots go in as a mapping does."""
    keys: dict[str, object] = {"resources.flow.llm_rate.rate": 2, "economy": {"price": 3}}
    done = run("container", runs=tmp_path, policies=None, **{"agents": 2, "duration": "10s", **keys})
    resolved = scenarios.load(done.directory / "run.yaml")
    assert resolved.resources.flow.llm_rate.rate_millitokens_per_s == 2_000
    assert resolved.economy.price == 3


def test_a_mind_that_crashes_harms_only_itself(tmp_path: Path) -> None:
    class Broken(Generous):
        async def decide(self, view: Observation) -> Thought:
            raise ValueError("not today")

    done = run(
        "container",
        runs=tmp_path,
        policies={"generous": Broken},
        agents=4,
        duration="60s",
        population=GENEROUS,
    )
    assert set(done.table("agent.failed")["error"]) == {"ValueError"}
    assert "not today" in (done.directory / "crashes.log").read_text()
    acted = set(done.table("action")["principal_id"])
    assert acted == {"agent-0004"}
    assert done.summary.audit.ok


STOPPED = """
import os, signal, threading, time
from pathlib import Path
import apsw
from ecology import run

def acted():
    for database in Path("runs").glob("*/ecology.sqlite"):
        connection = apsw.Connection(str(database), flags=apsw.SQLITE_OPEN_READONLY)
        connection.set_busy_timeout(5_000)
        return connection.execute("SELECT count(*) FROM events WHERE type = 'action'").get
    return 0

def stop():
    while not acted():
        time.sleep(0.05)
    os.kill(os.getpid(), signal.SIGINT)

threading.Thread(target=stop, daemon=True).start()
run("container", agents=3, duration="10m", clock="real")
"""


def test_a_full_stop_says_how_to_go_on(tmp_path: Path) -> None:
    """Ctrl-C in a script: a fault with the command that resumes, everything until then on disk."""
    script = tmp_path / "script.py"
    script.write_text(STOPPED)
    done = subprocess.run(
        [sys.executable, script],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    assert last.startswith(
        f"{RunFault.__module__}.{RunFault.__name__}: the run was interrupted; go on with: "
    )
    run_dir = last.rpartition(" ")[2]
    assert os.path.lexists(tmp_path / run_dir / "ecology.sqlite")
    assert not (tmp_path / run_dir / "summary.json").exists()
