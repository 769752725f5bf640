"""Code that pulls the ground from under its own call: its contract, what that keeps, its price, itself."""

import pytest

from ecology.core.outcome import Refused
from ecology.kernel import refusals as why
from ecology.kernel.actions import Invoke, Read, Transfer
from ecology.kernel.laws import CodeLaw, Laws
from ecology.resources.assets import DISK, SCRIP
from ecology.sandbox.outcome import Limits
from ecology.testing.worlds import Stage
from tests.support.tools import MAKER, ME, contract, denied, fails, make, result, scrip, thing

REMEMBERS = "return {'allowed': True, 'scrip_cost': 5, 'state_update': (state or 0) + 1}"


def staged(wall_s: float) -> Stage:
    """Where a clock strikes after so long."""
    return Stage.of(3, laws=Laws(code=CodeLaw(limits=Limits(steps=20_000, wall_s=wall_s))))


@pytest.fixture
def stage() -> Stage:
    """No clock strikes, however long a machine stalls in the middle of a run."""
    return staged(600.0)


def kept(stage: Stage, name: str) -> str:
    """What the contract of an artifact remembers about it."""
    artifact = stage.world.shelf.find(name)
    assert artifact is not None
    return artifact.contract_state


def endow(stage: Stage, name: str) -> None:
    """Money and disk for an executable with standing."""
    stage.do(MAKER, Transfer(name, 100, SCRIP))
    stage.do(MAKER, Transfer(name, 5_000, DISK))


def test_a_call_back_is_not_forgotten_by_the_contract_that_let_both_in(stage: Stage) -> None:
    """The outer decision was made not knowing of the inner use: a counter would count two uses as one."""
    contract(stage, REMEMBERS)
    make(
        stage,
        "tool",
        "def run(again):\n    return invoke(self_id, args={'again': False}) if again else 7\n",
        contract="rule",
    )
    outcome = fails(stage, Invoke("tool", args={"again": True}, allowance=100))
    assert isinstance(outcome, Refused) and outcome.reason == why.CONTRACT_FAILED
    assert (kept(stage, "tool"), scrip(stage, ME)) == ("", 1_000)
    assert result(stage, "tool", again=False) == 7
    assert (kept(stage, "tool"), scrip(stage, ME)) == ("1", 995)


def test_a_contract_rewritten_during_the_call_decides_the_next(stage: Stage) -> None:
    source = "def check(caller, action, target, context, state):\n    " + REMEMBERS + "\n"
    make(stage, "rule", source, "check", contract="public")
    rewrites = (
        "def run():\n    write('rule', 'def check(caller, action, target, context, state): return False')\n"
    )
    make(stage, "tool", rewrites, contract="rule", standing=True)
    endow(stage, "tool")
    stage.do(ME, Invoke("tool", max_price=5))
    assert (kept(stage, "tool"), scrip(stage, ME)) == ("1", 995), "what was agreed to before it ran"
    assert denied(stage, Invoke("tool")).reason == why.NOT_PERMITTED


def test_a_contract_put_off_during_the_call_keeps_nothing(stage: Stage) -> None:
    contract(stage, REMEMBERS)
    leaves = "def run():\n    return write(self_id, 'def run(): return 1', contract='freeware')['revision']\n"
    make(stage, "tool", leaves, contract="rule", standing=True)
    endow(stage, "tool")
    before = scrip(stage, MAKER)
    assert result(stage, "tool") == 2
    assert (kept(stage, "tool"), scrip(stage, ME)) == ("", 995), "but it is paid for"
    assert scrip(stage, MAKER) == before + 5 + 5, "for its use, and by the tool for its write"
    assert (result(stage, "tool"), scrip(stage, ME)) == (1, 995)


@pytest.mark.parametrize(("standing", "reason"), [(True, why.SELF_DEALING), (False, why.UNKNOWN_PRINCIPAL)])
def test_code_gives_itself_nothing(stage: Stage, standing: bool, reason: str) -> None:
    make(stage, "tool", "def run():\n    transfer(self_id, 1)\n", standing=standing)
    if standing:
        endow(stage, "tool")
    outcome = fails(stage, Invoke("tool", allowance=10))
    assert isinstance(outcome, Refused) and outcome.reason == why.CODE_RAISED
    assert f": {reason}: " in outcome.detail


def test_a_check_that_only_a_clock_stops_denies_and_costs_all_of_it() -> None:
    stage = staged(0.3)
    contract(stage, "return sum(range(10**12)) > 0")
    thing(stage)
    turn = stage.turn(ME)
    outcome = stage.kernel.act(turn, Read("thing"))
    assert isinstance(outcome, Refused) and outcome.reason == why.CONTRACT_FAILED
    assert why.CODE_TIME in outcome.detail
    assert turn.code_us == 300_000
