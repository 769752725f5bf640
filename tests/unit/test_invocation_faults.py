"""Every way in which code fails: a reason of its own, no money moved, no effect, and the next call works."""

import pytest

from ecology.core.outcome import Refused
from ecology.events.records import HoldClosed, HoldOpened
from ecology.kernel import refusals as why
from ecology.kernel.actions import Invoke, Write
from ecology.kernel.contracts import pay_per_use
from ecology.kernel.laws import CodeLaw, Laws
from ecology.sandbox.outcome import Fault, Limits
from ecology.testing.faulty_sandbox import FaultySandbox
from ecology.testing.worlds import Stage
from tests.support.tools import ME, fails, interface, make, result, runs, scrip

_TRACE = "def run():\n    write('trace', 'x')\n    log('here')\n"
FAILING: dict[str, list[str]] = {
    why.CODE_SYNTAX: ["def run(:\n", "import os\ndef run(): pass", "async def run(): pass", "def run(): exec('1')"],
    why.CODE_NO_METHOD: ["", "def walk(): return 1\n", "run = 5\n", "class run: pass\n"],
    why.CODE_RAISED: [
        _TRACE + "    raise ValueError('no')\n",
        _TRACE + "    return undefined\n",
        _TRACE + "    return read('nothing')\n",
        _TRACE + "    return read()\n",
        _TRACE + "    return write(1, 2)\n",
        _TRACE + "    return transfer(caller, -1)\n",
        "1 // 0\ndef run(): return 1\n",
        "def run(needed): return needed\n",
    ],
    why.CODE_STEPS: [_TRACE + "    while True: pass\n", _TRACE + "    return sum([1 for _ in range(10**6)])\n"],
    why.CODE_TIME: [_TRACE + "    return sum(range(10**12))\n"],
    why.CODE_MEMORY: [_TRACE + "    return 'x' * 10**9\n", _TRACE + "    return [0] * 10**9\n"],
    why.CODE_RECURSION: [_TRACE + "    return deeper(1)\ndef deeper(n): return deeper(n + 1)\n"],
    why.CODE_OUTPUT: [_TRACE + "    for _ in range(999): print('x' * 99)\n"],
    why.CODE_RESULT: [
        _TRACE + "    return run\n",
        _TRACE + "    return {1: 2}\n",
        _TRACE + "    return 2**63\n",
        _TRACE + "    return float('nan')\n",
        _TRACE + "    return 'x' * 70_000\n",
        _TRACE + "    x = []\n    x.append(x)\n    return x\n",
    ],
    why.CODE_CALLS: [
        _TRACE + "    for _ in range(200):\n        try: now()\n        except Exception: pass\n",
    ],
}  # fmt: skip
CASES = [
    pytest.param(source, reason, id=f"{reason}-{number}")
    for reason, sources in FAILING.items()
    for number, source in enumerate(sources)
]


def test_the_table_has_every_fault_but_a_crash_of_the_worker() -> None:
    assert set(FAILING) == {str(fault) for fault in Fault} - {why.CODE_CRASHED}


def hurry(stage: Stage, wall_s: float) -> None:
    """From now on the clock strikes after so long."""
    stage.world.laws = Laws(code=CodeLaw(limits=Limits(steps=20_000, wall_s=wall_s)))


@pytest.fixture
def stage() -> Stage:
    """The clock strikes only where it is meant to: a machine may stall for as long as it likes in any other run."""
    stage = Stage.of(3)
    hurry(stage, 600.0)
    return stage


@pytest.mark.parametrize(("source", "reason"), CASES)
def test_nothing_is_left_of_what_failed(stage: Stage, source: str, reason: str) -> None:
    make(stage, "tool", source, contract=pay_per_use(11))
    stage.events()
    if reason == why.CODE_TIME:
        hurry(stage, 0.3)
    outcome = fails(stage, Invoke("tool"))
    hurry(stage, 600.0)
    assert isinstance(outcome, Refused), outcome
    assert outcome.reason == reason, outcome
    assert outcome.detail and len(outcome.detail) <= 300
    events = stage.events()
    held, closed = events[:2]
    assert isinstance(held, HoldOpened) and isinstance(closed, HoldClosed) and closed.how == "voided"
    (ran,) = runs(events)
    assert (ran.fault, ran.price, ran.bearer_id) == (reason, 0, ME)
    assert ran.cpu_us > 0
    assert len(events) == 4, "and the record of the turn"
    assert scrip(stage, ME) == 1_000
    stage.do(ME, Write("fine", "def run(): return 'fine'", interface=interface("run")))
    assert result(stage, "fine") == "fine"


def test_code_that_hides_its_faults_does_not_pass(stage: Stage) -> None:
    for number, body in enumerate(("while True: pass", "for _ in range(200): now()")):
        source = f"def run():\n    try:\n        {body}\n    except BaseException:\n        pass\n    return 'well'\n"
        make(stage, f"sly-{number}", source, contract=pay_per_use(11))
        outcome = fails(stage, Invoke(f"sly-{number}"))
        assert isinstance(outcome, Refused)
        assert outcome.reason == (why.CODE_STEPS, why.CODE_CALLS)[number]


def test_what_only_a_clock_stops_costs_all_that_its_bearer_has(stage: Stage) -> None:
    """Steps do not see it, so steps are no price for it: nobody stops the world cheaply."""
    make(stage, "stone", "def run():\n    return sum(range(10**12))\n")
    hurry(stage, 0.3)
    turn = stage.turn(ME)
    outcome = stage.kernel.act(turn, Invoke("stone"))
    assert isinstance(outcome, Refused) and outcome.reason == why.CODE_TIME
    assert turn.code_us == 300_000


@pytest.mark.parametrize("call", [0, 1, 2])
def test_a_worker_that_dies_takes_nothing_with_it(stage: Stage, call: int) -> None:
    source = "def run():\n    write('trace', 'x')\n    log('here')\n    return 1\n"
    make(stage, "tool", source, contract=pay_per_use(11))
    with FaultySandbox() as sandbox:
        stage.world.sandbox = sandbox
        sandbox.doom(0, call)
        outcome = fails(stage, Invoke("tool"))
        assert isinstance(outcome, Refused) and outcome.reason == why.CODE_CRASHED
        assert sandbox.killed == 1
        assert result(stage, "tool") == 1


def test_bytes_are_no_code(stage: Stage) -> None:
    stage.do(ME, Write("tool", "AAEC", format="bytes", interface=interface("run")))
    outcome = fails(stage, Invoke("tool"))
    assert isinstance(outcome, Refused) and outcome.reason == why.CODE_SYNTAX
    stage.do(ME, Write("data", '"run"', format="json", interface=interface("run")))
    outcome = fails(stage, Invoke("data"))
    assert isinstance(outcome, Refused) and outcome.reason == why.CODE_NO_METHOD
