"""Models under the virtual clock: how long answers really take changes nothing, and who is killed owes nothing."""

import hashlib
import shutil
from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest

from ecology.app.run_directory import RunDirectory
from ecology.core.clock import SECOND_NS
from ecology.events.records import ActionTaken, HoldClosed, HoldOpened, ModelCalled
from ecology.llm.model import ModelClient, ModelRequest
from ecology.resources.costs import CostModel
from ecology.scenarios import Scenario
from ecology.testing.scripted_model import ScriptedModel
from tests.support.small_run import SmallRun, scenario
from tests.support.stored_run import StoredRun, wrongs
from tests.support.thinkers import LateModel, llm

LONGEST_MS = 12


def thinking(**settings: object) -> Scenario:
    """A dozen agents with models, budgets and compute for some twenty thoughts each."""
    return scenario(
        "container",
        policy="llm",
        clock="virtual",
        **{
            "agents": 12,
            "duration": "40s",
            "model__name": "late",
            "resources__flow__llm_rate__rate": 40,
            "resources__stock__llm_budget__total_usd": 1,
            "prices__input_usd_per_million": 2,
            **settings,
        },
    )


def by_the_prompt(request: ModelRequest) -> str:
    """An answer that is a function of everything the model is shown, and of nothing else."""
    said = [request.system, request.user, *(turn.text for turn in request.follow_up)]
    digest = hashlib.sha256("\0".join(said).encode()).digest()
    other = f"agent-{1 + digest[1] % 12:04d}"
    answers = (
        '{"action": "noop"}',
        f'{{"action": "message", "to": "{other}", "text": "{digest.hex()[:8]}"}}',
        f'{{"action": "transfer", "to": "{other}", "amount": {1 + digest[2] % 5}, "memo": "for you"}}',
        f'```json\n{{"action": "write", "artifact": "note-{digest[3] % 30}", "content": "{digest.hex()}"}}\n```',
        f'{{"action": "read", "artifact": "note-{digest[3] % 30}"}}',
        '{"action": "query", "name": "self"}',
        '{"action": "query", "name": "artifacts", "args": {"limit": 5}}',
        '{"action": "subscribe", "event_type": "artifact.created"}',
        f'{{"action": "sleep", "duration_ms": {1_000 + 10 * digest[4]}}}',
        '{"action": "sleep", "duration_ms": 9000, "event": {"event_type": "transfer.posted"}}',
        "I would rather not say.",
    )
    return answers[digest[0] % len(answers)]


def lived(runs: Path, world: Scenario, client: ModelClient) -> SmallRun:
    costs: CostModel = world.costs()
    mind = llm(client, max_input_tokens=costs.max_input_tokens, max_output_tokens=costs.max_output_tokens)
    run = SmallRun.make(runs, world, {"llm": mind})
    run.live()
    return run


@pytest.mark.parametrize("memory", ["8GiB", "1GiB"], ids=["everybody at once", "two at a time"])
def test_how_long_answers_take_changes_not_a_byte(memory: str, tmp_path: Path) -> None:
    """The same world with answers that take their time in another order each time: equal logs, equal tables."""
    world = thinking(container__memory=memory, container__cpus=2)
    runs: list[StoredRun] = []
    peaks: list[int] = []
    for seed in range(3):
        model = LateModel(by_the_prompt, seed=seed, longest_ms=LONGEST_MS if seed else 0)
        run = lived(tmp_path / str(seed), world, model)
        assert not run.directory.crashes.exists()
        runs.append(StoredRun.read(run.path))
        peaks.append(model.peak)
    kinds = {event.action for event in run.events() if isinstance(event, ActionTaken)}
    answers = {event.answer for event in run.events() if isinstance(event, ModelCalled)}
    assert kinds >= {"message", "transfer", "write", "read", "query", "sleep", "none"}
    assert answers == {"ok", "repaired", "unparsable"}
    assert runs[0].events > 500
    assert runs[0].difference(runs[1]) == ""
    assert runs[0].difference(runs[2]) == ""
    assert runs[0].event_log_sha256 == runs[1].event_log_sha256 == runs[2].event_log_sha256
    assert (max(peaks) <= 2) == (memory == "1GiB")
    assert wrongs(run.path) == []


def test_latencies_are_modelled_where_time_is(tmp_path: Path) -> None:
    model = LateModel(by_the_prompt, seed=1, longest_ms=LONGEST_MS)
    run = lived(tmp_path, thinking(agents=3, duration="20s"), model)
    assert {event.latency_ms for event in run.events() if isinstance(event, ModelCalled)} == {1_000}


class Photographer:
    """A model during whose `at`-th call the run's database is copied, as a process killed just then would leave it."""

    def __init__(self, at: int, copies: Path) -> None:
        self.source: Path | None = None
        self.copy: Path | None = None
        self._left = at
        self._copies = copies

    def answer(self, request: ModelRequest) -> str:
        """As always, and the picture when it is due."""
        self._left -= 1
        if not self._left:
            assert self.source is not None
            self.copy = self._copies / "killed"
            self.copy.mkdir()
            connection = apsw.Connection(str(self.source / "ecology.sqlite"))
            connection.execute("VACUUM INTO ?", (str(self.copy / "ecology.sqlite"),))
            connection.close()
            shutil.copy(self.source / "run.yaml", self.copy)
        return by_the_prompt(request)


def _open_holds(run: SmallRun) -> Iterator[HoldOpened]:
    events = run.events()
    closed = {event.transfer_id for event in events if isinstance(event, HoldClosed)}
    return (event for event in events if isinstance(event, HoldOpened) and event.transfer_id not in closed)


@pytest.mark.parametrize("at", [1, 7, 40])
def test_a_thought_that_died_with_its_process_is_owed_to_nobody(at: int, tmp_path: Path) -> None:
    """The hold of a killed process is voided when the run is taken up, and its agent thinks anew."""
    world = thinking(agents=4)
    photographer = Photographer(at, tmp_path)
    model = ScriptedModel(photographer.answer)
    mind = llm(model, max_output_tokens=world.thought.max_output_tokens)
    run = SmallRun.make(tmp_path / "whole", world, {"llm": mind})
    photographer.source = run.path
    run.live()
    assert photographer.copy is not None
    killed = SmallRun(RunDirectory(photographer.copy), world, {"llm": mind})
    open_holds = list(_open_holds(killed))
    assert open_holds, "somebody was thinking"
    broken_off_ns = killed.events()[-1].time_ns
    killed.live()
    assert list(_open_holds(killed)) == []
    closed = {event.transfer_id: event for event in killed.events() if isinstance(event, HoldClosed)}
    for hold in open_holds:
        assert (closed[hold.transfer_id].how, closed[hold.transfer_id].amount) == ("voided", 0)
        assert closed[hold.transfer_id].time_ns <= broken_off_ns + SECOND_NS
        turns = [event for event in killed.events() if isinstance(event, ActionTaken)]
        assert hold.turn_id not in {turn.turn_id for turn in turns}
        later = [
            turn for turn in turns if turn.principal_id == hold.principal_id and turn.sequence > hold.sequence
        ]
        assert later, "it thought again"
    assert killed.events()[-1].time_ns == 40 * SECOND_NS
    assert wrongs(killed.path) == []
