"""What runs cost who bears them: bounded by a bucket before, counted after, and no debt."""

import pytest

from ecology.core.outcome import Refused
from ecology.events.records import ActionTaken
from ecology.kernel import refusals as why
from ecology.kernel.actions import Invoke
from ecology.kernel.contracts import pay_per_use
from ecology.resources.assets import CPU_CAPACITY, CPU_RATE
from ecology.testing.worlds import GRANTS, Stage
from tests.support.tools import ME, fails, make, result, runs


@pytest.fixture
def stage() -> Stage:
    return Stage.of(3)


def reason_of(outcome: object) -> str:
    assert isinstance(outcome, Refused), outcome
    assert outcome.detail
    return outcome.reason


def broke(cpu_us: int) -> Stage:
    """A world in which nobody has more CPU than that, ever."""
    return Stage.of(3, {**GRANTS, CPU_CAPACITY: cpu_us, CPU_RATE: 0})


COUNT = "def run(n):\n    total = 0\n    for i in range(n):\n        total += i\n    return total\n"


def test_code_is_bounded_by_the_cpu_of_who_bears_it() -> None:
    stage = broke(1_000)
    make(stage, "tool", COUNT, contract=pay_per_use(1))
    stage.events()
    assert result(stage, "tool", n=1_000) == 499_500
    assert reason_of(fails(stage, Invoke("tool", args={"n": 10_000}))) == why.CPU_EXHAUSTED
    done, cut = runs(stage.events())
    assert done.cpu_us < 1_000
    assert cut.fault == why.CPU_EXHAUSTED
    assert 990 <= cut.cpu_us <= 1_000, "who goes over it pays what there is"


def test_without_cpu_for_the_first_step_nothing_is_held() -> None:
    stage = broke(80)
    make(stage, "tool", COUNT, contract=pay_per_use(1))
    stage.events()
    assert reason_of(fails(stage, Invoke("tool", args={"n": 1}))) == why.CPU_EXHAUSTED
    assert {type(event) for event in stage.events()} == {ActionTaken}


def test_nested_runs_draw_on_the_same_cpu() -> None:
    stage = broke(2_000)
    make(stage, "inner", COUNT)
    outer = "def run(n):\n    for i in range(9):\n        invoke('inner', args={'n': n})\n    return 'done'\n"
    make(stage, "outer", outer)
    assert result(stage, "outer", n=1) == "done"
    stage.events()
    turn = stage.turn(ME)
    outcome = stage.kernel.act(turn, Invoke("outer", args={"n": 2_000}))
    assert isinstance(outcome, Refused)
    assert why.CPU_EXHAUSTED in (outcome.reason, outcome.detail.partition(": ")[2][: len(why.CPU_EXHAUSTED)])
    assert 1_900 <= turn.code_us <= 2_000
    assert sum(run.cpu_us for run in runs(stage.events())) == turn.code_us, (
        "every run is on record, undone or not"
    )


def test_what_calls_and_bytes_cost_must_be_there_too() -> None:
    """Steps are bounded before the run; what else it cost is seen after it, and no debt is left."""
    stage = broke(1_000)
    make(stage, "talker", "def run():\n    for i in range(90):\n        now()\n")
    turn = stage.turn(ME)
    assert reason_of(stage.kernel.act(turn, Invoke("talker"))) == why.CPU_EXHAUSTED
    assert turn.code_us == 1_000


def test_measured_cpu_is_what_is_charged_in_a_measured_world(stage: Stage) -> None:
    stage.world.measured = True
    make(stage, "tool", COUNT)
    stage.events()
    turn = stage.turn(ME)
    stage.kernel.act(turn, Invoke("tool", args={"n": 1_000}))
    (ran,) = runs(stage.events())
    assert ran.cpu_us == turn.code_measured_us > 0
    assert ran.cpu_estimate_us == turn.code_us > 0
    assert (stage.world.meter.runs, stage.world.meter.measured_us) == (1, ran.cpu_us)
    assert stage.world.meter.modelled_us == ran.cpu_estimate_us
