"""What contracts in code ask for and keep: prices, whose CPU, and state that changes with what it allowed."""

import msgspec
import pytest

from ecology.core.outcome import Committed, Refused
from ecology.events.economy import ContractStateChanged
from ecology.events.records import TransferPosted
from ecology.kernel import refusals as why
from ecology.kernel.actions import (
    Delegate,
    Delete,
    Edit,
    Invoke,
    Read,
    Revoke,
    Transfer,
    Write,
)
from ecology.resources.assets import CPU_CAPACITY, CPU_RATE
from ecology.testing.worlds import GRANTS, Stage
from tests.support.tools import (
    COUNTER,
    MAKER,
    ME,
    OTHER,
    contract,
    denied,
    interface,
    make,
    runs,
    scrip,
    thing,
)


@pytest.fixture
def stage() -> Stage:
    return Stage.of(3)


# -- price


def test_a_price_goes_from_payer_to_recipient_with_the_deed(stage: Stage) -> None:
    contract(stage, f"return {{'allowed': True, 'scrip_cost': 30, 'recipient': '{OTHER}'}}")
    thing(stage)
    stage.events()
    assert stage.do(ME, Read("thing", max_price=30))["content"] == "content"
    paid = [event for event in stage.events() if isinstance(event, TransferPosted)]
    assert [(it.from_id, it.to_id, it.amount, it.memo) for it in paid] == [(ME, OTHER, 30, "read thing")]
    assert denied(stage, Read("thing", max_price=29)).reason == why.PRICE_ABOVE_LIMIT
    assert denied(stage, Read("thing", -1)).reason == why.ARGUMENT_INVALID
    assert denied(stage, Edit("thing", "missing", "x")).reason == why.NO_MATCH
    assert scrip(stage, ME) == 970, "a deed that is refused costs nothing"
    stage.do(ME, Edit("thing", "content", "x", max_price=30))
    stage.do(ME, Write("thing", "x", max_price=30))
    stage.do(ME, Delete("thing", max_price=30))
    assert (scrip(stage, ME), scrip(stage, OTHER), scrip(stage, MAKER)) == (880, 1_120, 1_000)


def test_nobody_pays_what_he_does_not_have(stage: Stage) -> None:
    contract(stage, "return {'allowed': True, 'scrip_cost': 1_001}")
    thing(stage)
    assert denied(stage, Read("thing")).reason == why.INSUFFICIENT
    for limit in (-1, 2**63):
        assert denied(stage, Read("thing", max_price=limit)).reason == why.ARGUMENT_INVALID
    turn = stage.turn(ME)
    contract(stage, "return {'allowed': True, 'scrip_cost': 1}", name="cheap")
    thing(stage, "cheap", "many")
    turn.step = 248
    outcome = stage.kernel.act(turn, Read("many"))
    assert isinstance(outcome, Refused) and outcome.reason == why.TOO_MANY


def test_the_owner_pays_itself_nothing(stage: Stage) -> None:
    contract(stage, "return {'allowed': True, 'scrip_cost': 5_000}")
    thing(stage)
    stage.do(MAKER, Read("thing"))
    assert scrip(stage, MAKER) == 1_000


SPONSORED = f"return {{'allowed': True, 'scrip_cost': 30, 'payer': '{OTHER}'}}"


def test_another_pays_only_as_far_as_it_agreed(stage: Stage) -> None:
    contract(stage, SPONSORED)
    thing(stage)
    make(stage, "tool", "def run(x): return 1 // x", contract="rule")
    assert denied(stage, Read("thing")).reason == why.NOT_DELEGATED
    stage.do(OTHER, Delegate("rule", 29, 100, 60_000))
    assert denied(stage, Read("thing")).reason == why.NOT_DELEGATED
    stage.do(OTHER, Delegate("rule", 30, 60, 60_000))
    stage.do(ME, Read("thing"))
    assert denied(stage, Invoke("tool", args={"x": 0})).reason == why.CODE_RAISED
    assert stage.do(ME, Invoke("tool", args={"x": 1}))["price"] == 30
    assert denied(stage, Read("thing")).reason == why.NOT_DELEGATED, (
        "the window is spent; the failure did not count"
    )
    assert (scrip(stage, ME), scrip(stage, OTHER), scrip(stage, MAKER)) == (1_000, 940, 1_060)
    stage.pass_time(60 * 10**9)
    stage.do(ME, Read("thing"))
    stage.do(OTHER, Revoke("rule"))
    assert denied(stage, Read("thing")).reason == why.NOT_DELEGATED
    stage.do(OTHER, Read("thing"))
    assert scrip(stage, OTHER) == 880, "its own access it pays like anybody"


def test_a_sponsor_without_money_pays_nothing(stage: Stage) -> None:
    contract(stage, SPONSORED)
    thing(stage)
    stage.do(OTHER, Delegate("rule", 30, 60, 60_000))
    stage.do(OTHER, Transfer(MAKER, 990))
    assert denied(stage, Read("thing")).reason == why.INSUFFICIENT


# -- CPU


def sponsored_cpu() -> Stage:
    stage = Stage.of(3, {**GRANTS, CPU_CAPACITY: 5_000, CPU_RATE: 0})
    contract(stage, f"return {{'allowed': True, 'resource_payer': '{OTHER}'}}")
    count = (
        "def run(n):\n    total = 0\n    for i in range(n):\n        total += i\n    return 1 // (n < 6)\n"
    )
    make(stage, "tool", count, contract="rule")
    return stage


def test_another_bears_the_cpu_only_as_far_as_it_agreed() -> None:
    stage = sponsored_cpu()
    assert denied(stage, Invoke("tool", args={"n": 1})).reason == why.NOT_DELEGATED
    stage.do(OTHER, Delegate("rule", 400, 700, 60_000, "cpu"))
    stage.events()
    turn = stage.turn(ME)
    assert isinstance(stage.kernel.act(turn, Invoke("tool", args={"n": 1})), Committed)
    check, ran = runs(stage.events())
    assert (check.bearer_id, ran.bearer_id) == (ME, OTHER)
    assert turn.code_us == check.cpu_us
    assert stage.agent(OTHER).cpu.refill(0) == 5_000 - ran.cpu_us
    spent = ran.cpu_us
    assert stage.refused(ME, Invoke("tool", args={"n": 5_000})) == why.CPU_EXHAUSTED
    _, ran = runs(stage.events())
    assert 390 <= ran.cpu_us <= 400, "as much as a call may cost it"
    spent += ran.cpu_us
    stage.act(ME, Invoke("tool", args={"n": 5_000}))
    stage.act(ME, Invoke("tool", args={"n": 5_000}))
    assert stage.agent(OTHER).cpu.refill(0) >= 5_000 - 700, "and no more than a window may"


def test_who_undoes_a_run_does_not_undo_what_it_cost_its_sponsor() -> None:
    """A tool that calls the sponsored one and fails, again and again: the window counts every run of it."""
    stage = sponsored_cpu()
    stage.do(OTHER, Delegate("rule", 400, 700, 60_000, "cpu"))
    loop = """
def run(fails):
    for _ in range(12):
        try:
            invoke('waste')
        except RuntimeError:
            pass
    return 1 // (0 if fails else 1)
"""
    make(stage, "waste", "def run():\n    invoke('tool', args={'n': 1})\n    return 1 // 0\n")
    make(stage, "loop", loop)
    stage.events()
    assert stage.refused(ME, Invoke("loop", args={"fails": True})) == why.CODE_RAISED
    borne = sum(run.cpu_us for run in runs(stage.events()) if run.bearer_id == OTHER)
    (delegation,) = stage.world.delegations.of_payer(OTHER)
    assert 100 < borne <= 700
    assert delegation.spent == borne == 5_000 - stage.agent(OTHER).cpu.refill(0)
    stage.do(ME, Invoke("loop", args={"fails": False}))
    assert stage.agent(OTHER).cpu.refill(0) >= 5_000 - 700


# -- state


def test_state_changes_with_what_it_allowed(stage: Stage) -> None:
    contract(stage, COUNTER)
    counted = thing(stage)
    other = thing(stage, name="other")
    size = counted.size_bytes
    stage.events()
    for number in (1, 2, 3):
        stage.do(ME, Read("thing"))
        assert counted.contract_state == str(number)
    assert denied(stage, Read("thing")).reason == why.NOT_PERMITTED
    changes = [event for event in stage.events() if isinstance(event, ContractStateChanged)]
    assert [(it.contract_id, it.artifact_id, it.state_bytes) for it in changes] == [("rule", "thing", 1)] * 3
    assert counted.size_bytes == size + 1 and counted.revision == 1
    assert stage.agent(MAKER).disk_used == sum(
        it.size_bytes for it in stage.world.shelf.everything() if it.bearer == MAKER
    )
    assert other.contract_state == "", "what it keeps of one artifact is not what it keeps of another"


def test_state_is_none_the_wiser_for_what_was_refused(stage: Stage) -> None:
    contract(stage, COUNTER)
    thing(stage)
    make(stage, "tool", "def run(x): return 1 // x", contract="rule")
    denied(stage, Read("thing", -1))
    denied(stage, Invoke("tool", args={"x": 0}))
    for name in ("thing", "tool"):
        artifact = stage.world.shelf.find(name)
        assert artifact is not None and artifact.contract_state == ""
    stage.do(ME, Invoke("tool", args={"x": 1}))
    tool = stage.world.shelf.find("tool")
    assert tool is not None and tool.contract_state == "1"


def test_another_contract_begins_anew_and_a_deletion_forgets(stage: Stage) -> None:
    contract(stage, "return {'allowed': True, 'state_update': {'seen': [caller]}}")
    contract(stage, "return True", name="second")
    counted = thing(stage)
    stage.do(ME, Read("thing"))
    assert counted.contract_state == f'{{"seen":["{ME}"]}}'
    stage.do(MAKER, Write("thing", "content", contract="second"))
    assert counted.contract_state == "", "nor what the first contract thought of this write"
    stage.do(MAKER, Write("thing", "content", contract="rule"))
    assert counted.contract_state == ""
    stage.do(MAKER, Write("thing", "content"))
    assert counted.contract_state != ""
    stage.do(ME, Delete("thing"))
    assert (counted.contract_state, counted.size_bytes) == ("", 0)
    assert stage.agent(MAKER).disk_used + stage.agent(ME).disk_used == sum(
        it.size_bytes for it in stage.world.shelf.everything() if it.bearer in (ME, MAKER)
    )


def test_state_can_be_taken_back_by_its_contract(stage: Stage) -> None:
    contract(stage, "return {'allowed': True, 'state_update': None if state else 'kept'}")
    counted = thing(stage)
    for expected in ('"kept"', "", '"kept"'):
        stage.do(ME, Read("thing"))
        assert counted.contract_state == expected


def test_state_has_its_bounds(stage: Stage) -> None:
    contract(stage, "return {'allowed': True, 'state_update': 'x' * int(target['metadata']['size'])}")
    for size, reason in ((4_094, None), (4_095, why.STATE_TOO_LARGE)):
        stage.do(MAKER, Write(f"of-{size}", "x", contract="rule", metadata={"size": str(size)}))
        if reason is None:
            stage.do(ME, Read(f"of-{size}"))
        else:
            assert denied(stage, Read(f"of-{size}")).reason == reason
    stage.do(MAKER, Write("small", "x", contract="rule", metadata={"size": "2000"}))
    tool = Write("tool", "def run(): return 1", "tool", contract="rule", interface=interface("run"))
    stage.do(MAKER, msgspec.structs.replace(tool, metadata={"size": "2000"}))
    stage.do(MAKER, Write("ballast", "x" * (stage.world.disk_free(stage.agent(MAKER)) - 1_000)))
    assert denied(stage, Read("small")).reason == why.DISK_QUOTA
    stage.events()
    assert denied(stage, Invoke("tool")).reason == why.DISK_QUOTA
    assert [run.fault for run in runs(stage.events())] == [None, why.DISK_QUOTA], "it ran in vain"
