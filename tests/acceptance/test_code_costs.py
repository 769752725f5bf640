"""What code costs, modelled and measured: a run keeps both under either clock, and says how far apart they are."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
import pytest

from ecology import FinishedRun, run
from ecology.app.finishing import CODE_METER, code_meter
from ecology.app.run_directory import RunDirectory
from ecology.core.outcome import Outcome
from ecology.engine.observation import Observation
from ecology.engine.policy import Thought
from ecology.events.economy import CodeRan
from ecology.kernel.actions import Action, AgentConfig, Invoke, Sleep, Write
from ecology.sandbox.cost import Meter
from ecology.store.reader import EventReader
from ecology.store.sqlite import SqliteStore
from ecology.testing.worlds import populate
from tests.support.enough import lasting

COUNT = "def run(n):\n    total = 0\n    for i in range(n):\n        total += i\n    return total\n"


class Worker:
    """Writes a tool, uses it twice, and sleeps from then on."""

    slow = False
    done = 0

    def __init__(self, config: AgentConfig, dumped: bytes) -> None:
        pass

    async def decide(self, view: Observation) -> Thought:
        """One action and the tokens it took."""
        use = Invoke("tool", args={"n": 2_000})
        deeds: list[Action] = [Write("tool", COUNT, interface={"methods": {"run": {}}}), use, use]
        return Thought(deeds[view.turn] if view.turn < 3 else Sleep(3_600_000), 10, 1)

    def learn(self, action: Action | None, outcome: Outcome) -> None:
        Worker.done += 1

    def dump(self) -> bytes:
        return b""


@pytest.fixture(scope="module", params=["virtual", "real"])
def finished(request: pytest.FixtureRequest) -> Iterator[FinishedRun]:
    """A run of one agent who runs code, under either clock."""
    Worker.done = 0
    with TemporaryDirectory() as folder, lasting(lambda: Worker.done >= 3):
        yield run(
            "container",
            runs=folder,
            policies={"worker": Worker},
            agents=1,
            duration="3s",
            seed=3,
            clock=request.param,
            population=[{"strategy": "worker", "share": 1}],
        )


def meter_of(finished: FinishedRun) -> Meter:
    """What the run's database keeps of it."""
    reader = EventReader(RunDirectory(finished.directory).database)
    try:
        return code_meter(reader.meta(CODE_METER))
    finally:
        reader.close()


def test_facts_of_the_host_are_kept_with_each_group_and_lost_with_it(tmp_path: Path) -> None:
    """So a run that is killed still knows what the code of its committed turns took."""
    store = SqliteStore.create(tmp_path / "ecology.sqlite")
    batch = populate(store.new_world(seed=1, default_contract="freeware"), 1).take_batch()
    store.facts = lambda: {CODE_METER: "of the first group"}
    store.write(batch, 0)
    store.roll_back()
    assert store.meta(CODE_METER) is None
    store.write(batch, 0)
    store.commit()
    store.close()
    again = SqliteStore.open(store.path)
    assert again.meta(CODE_METER) == "of the first group"
    again.close()


def test_a_run_keeps_what_was_modelled_and_what_was_measured(finished: FinishedRun) -> None:
    meter = meter_of(finished)
    ran = [event for event in finished.events() if isinstance(event, CodeRan)]
    assert len(ran) == meter.runs == 2
    charged_us = sum(event.cpu_us for event in ran)
    assert sum(event.cpu_estimate_us for event in ran) == meter.modelled_us > 1_000
    if finished.summary.clock == "virtual":
        assert (finished.summary.costs, charged_us) == ("modelled", meter.modelled_us)
    else:
        assert (finished.summary.costs, charged_us) == ("measured", meter.measured_us)


def test_the_summary_states_both_and_the_models_error(finished: FinishedRun) -> None:
    meter, code = meter_of(finished), finished.summary.code
    assert (code.runs, code.modelled_us, code.measured_us) == (2, meter.modelled_us, meter.measured_us)
    assert meter.measured_us > 0
    assert code.estimate_error == meter.abs_error_us / meter.measured_us > 0


def test_the_report_states_both_and_the_models_error(finished: FinishedRun) -> None:
    report = (finished.directory / "report.html").read_text()
    for row in ("CPU by the cost model", "CPU measured in workers", "error of the cost model"):
        assert row in report
    assert msgspec.json.decode((finished.directory / "summary.json").read_bytes())["code"]["measured_us"]
