"""Contracts in code: what they are told, what they may answer, and what an answer brings about."""

from typing import get_args

import pytest

from ecology.core.outcome import Committed
from ecology.kernel import refusals as why
from ecology.kernel.actions import (
    AgentConfig,
    Configure,
    Delete,
    Edit,
    Invoke,
    Query,
    Read,
    Spawn,
    Transfer,
    Write,
)
from ecology.kernel.contracts import Access, pay_per_use
from ecology.kernel.laws import CodeLaw, Laws
from ecology.resources.assets import CPU_CAPACITY, CPU_RATE, DISK
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
    result,
    runs,
    thing,
)


@pytest.fixture
def stage() -> Stage:
    return Stage.of(3)


# -- who is asked, and what it is told


def test_it_decides_every_access_of_everybody(stage: Stage) -> None:
    contract(stage, f"return caller == '{ME}' and action in ('read', 'invoke')")
    thing(stage)
    assert stage.do(ME, Read("thing"))["content"] == "content"
    for who in (MAKER, OTHER):
        assert denied(stage, Read("thing"), who).reason == why.NOT_PERMITTED, "not even its owner"
    for action in (
        Write("thing", "x"),
        Edit("thing", "c", "x"),
        Delete("thing"),
        Transfer(OTHER, artifact="thing"),
    ):
        assert denied(stage, action).reason == why.NOT_PERMITTED


def test_what_it_is_told(stage: Stage) -> None:
    told = """
told = [caller, action, sorted(target), target['owner'], target['metadata']]
told += [sorted(context), context['now_ms'], state]
return {'allowed': False, 'reason': str(told)}
"""
    contract(stage, told)
    thing(stage)
    stage.now_ns = 5_000_000
    card = str(
        [
            *("contract", "created_by", "executable", "id", "metadata"),
            *("owner", "revision", "size_bytes", "title", "type"),
        ]
    )
    for action, access, context in (
        (Read("thing"), "read", "['now_ms']"),
        (Write("thing", "x"), "write", "['alters', 'content_bytes', 'content_sha256', 'contract', 'now_ms']"),
        (Edit("thing", "c", "x"), "write", "['now_ms']"),
        (Delete("thing"), "delete", "['now_ms']"),
        (Transfer(OTHER, artifact="thing"), "transfer", "['now_ms', 'to']"),
    ):
        said = denied(stage, action).detail
        assert said == f"['{ME}', '{access}', {card}, '{MAKER}', {{'colour': 'red'}}, {context}, 5, None]"
    assert get_args(Access) == ("read", "write", "delete", "invoke", "transfer")
    stage.do(MAKER, Write("tool", "def run(x): return x", interface=interface("run"), contract="rule"))
    contract_2 = "return {'allowed': False, 'reason': str([action, context['method'], context['args']])}"
    stage.do(MAKER, Write("rule", f"def check(caller, action, target, context, state):\n    {contract_2}"))
    assert denied(stage, Invoke("tool", args={"x": [1]})).detail == "['invoke', 'run', {'x': [1]}]"


def test_its_runs_are_on_record_and_paid_by_who_wants_access(stage: Stage) -> None:
    contract(stage, "return True")
    thing(stage)
    stage.events()
    turn = stage.turn(ME)
    assert isinstance(stage.kernel.act(turn, Read("thing")), Committed)
    (ran,) = runs(stage.events())
    assert (ran.artifact_id, ran.method, ran.principal_id, ran.bearer_id) == ("rule", "check", ME, ME)
    assert turn.code_us == ran.cpu_us > 0


def test_an_artifact_may_govern_itself(stage: Stage) -> None:
    source = f"def check(caller, action, target, context, state):\n    return caller == '{ME}' or action == 'read'\n"
    self_named = Write("king", source, contract="king", interface=interface("check"))
    assert stage.refused(MAKER, Write("king", source, contract="king")) == why.UNKNOWN_CONTRACT
    stage.do(MAKER, self_named)
    assert denied(stage, Write("king", "def check(*a): return True"), MAKER).reason == why.NOT_PERMITTED
    assert stage.do(OTHER, Read("king"))["content"] == source
    stage.do(ME, Edit("king", " or action == 'read'", ""))
    assert denied(stage, Read("king"), OTHER).reason == why.NOT_PERMITTED


def test_only_what_can_judge_is_a_contract(stage: Stage) -> None:
    make(stage, "tool", "def run(): return 1")
    stage.do(MAKER, Write("note", "x"))
    for name in ("tool", "note", ME, "nothing"):
        assert stage.refused(ME, Write("new", "x", contract=name)) == why.UNKNOWN_CONTRACT
        assert (
            stage.refused(ME, Spawn("new", AgentConfig("maker"), {DISK: 100}, name)) == why.UNKNOWN_CONTRACT
        )


def test_a_contract_that_is_none_any_more_leaves_the_worlds_default(stage: Stage) -> None:
    contract(stage, "return False")
    thing(stage)
    assert denied(stage, Read("thing")).reason == why.NOT_PERMITTED
    stage.do(MAKER, Write("rule", "x", interface=interface("walk")))
    assert stage.do(ME, Read("thing"))["contract"] == "rule"
    stage.do(MAKER, Delete("rule"))
    stage.do(ME, Read("thing"))
    stage.do(MAKER, Write("thing", "mine"))
    assert denied(stage, Write("thing", "mine")).reason == why.NOT_PERMITTED


def test_an_agent_can_be_under_one(stage: Stage) -> None:
    contract(stage, "return {'allowed': action == 'read' or caller == target['id'], 'state_update': caller}")
    endowment = {DISK: 500, CPU_CAPACITY: 10_000, CPU_RATE: 10_000}
    stage.do(ME, Spawn("child", AgentConfig("maker"), endowment, contract="rule"))
    child = stage.agent("child")
    stage.pass_time(10**9)
    assert denied(stage, Write("child", '{"strategy":"trader"}')).reason == why.NOT_PERMITTED
    stage.do("child", Configure("trader"))
    artifact = stage.world.shelf.find("child")
    assert artifact is not None and artifact.contract_state == '"child"'
    assert child.disk_used == artifact.size_bytes == len(stage.world.shelf.contents.get("child")) + 7
    stage.do("child", Configure("maker", prompt="longer"))
    assert child.disk_used == artifact.size_bytes == len(stage.world.shelf.contents.get("child")) + 7


# -- what it may answer

NO_DECISION = [
    "None",
    "1",
    "'yes'",
    "[]",
    "{}",
    "{'allowed': 1}",
    "{'allowed': None}",
    "{'allow': True}",
    "{'allowed': True, 'price': 5}",
    "{'allowed': True, 'reason': 5}",
    "{'allowed': True, 'scrip_cost': -1}",
    "{'allowed': True, 'scrip_cost': 1.0}",
    "{'allowed': True, 'scrip_cost': True}",
    "{'allowed': True, 'scrip_cost': '5'}",
    "{'allowed': True, 'scrip_cost': 2**63}",
    "{'allowed': True, 'payer': 5}",
    "{'allowed': True, 'payer': 'nobody'}",
    "{'allowed': True, 'recipient': 'thing'}",
    "{'allowed': True, 'recipient': 'world'}",
    "{'allowed': True, 'recipient': ['agent-0001']}",
    "{'allowed': True, 'resource_payer': 'nobody'}",
    "{'allowed': True, 'resource_payer': 'account'}",
    "{'allowed': False, 'payer': 'nobody'}",
    "{1: 2}",
    "check",
    "1 // 0",
    "read('nothing')",
    "[x for x in range(10**6)]",
    "write('x', 'y')",
    "invoke('account')",
    "transfer(caller, 1)",
    "log('x')",
    "read('paper')",
    "query('self')",
]


@pytest.mark.parametrize("answer", NO_DECISION)
def test_what_is_no_decision_denies(stage: Stage, answer: str) -> None:
    make(stage, "account", "def run(): return 1", standing=True)
    stage.do(MAKER, Write("paper", "x", contract=pay_per_use(1)))
    contract(stage, f"return {answer}")
    thing(stage)
    outcome = denied(stage, Read("thing"))
    assert outcome.reason == why.CONTRACT_FAILED
    assert outcome.detail.startswith("'rule' did not decide: ")


def test_a_contract_that_is_no_python_denies(stage: Stage) -> None:
    contract(stage, "return True")
    thing(stage)
    stage.do(MAKER, Write("rule", "def check(:"))
    assert denied(stage, Read("thing")).reason == why.CONTRACT_FAILED


def test_the_plain_answers(stage: Stage) -> None:
    contract(stage, "return {'allowed': action == 'read', 'reason': ' only\\n to be read '}")
    thing(stage)
    stage.do(ME, Read("thing"))
    assert denied(stage, Delete("thing")).detail == "only to be read"


# -- a check only looks


def test_a_check_reads_in_its_own_name(stage: Stage) -> None:
    """Whoever is made to ask for access lends the contract nothing of what it may see."""
    stage.do(ME, Write("diary", "secrets", contract="private"))
    stage.do(OTHER, Write("public-note", "known"))
    contract(stage, "return read('public-note')['content'] == 'known'")
    thing(stage)
    stage.do(ME, Read("thing"))
    contract(stage, "return {'allowed': False, 'reason': read('diary')['content']}", name="spy")
    thing(stage, "spy", "bait")
    outcome = denied(stage, Read("bait"))
    assert outcome.reason == why.CONTRACT_FAILED and "secrets" not in outcome.detail
    contract(
        stage, "return {'allowed': True, 'reason': read('ledger')['content']}", name="clerk", standing=True
    )
    stage.do(MAKER, Transfer("clerk", 500, DISK))
    thing(stage, "clerk", "office")
    assert denied(stage, Read("office")).reason == why.CONTRACT_FAILED
    stage.do(ME, Write("ledger", "open to all"))
    stage.do(ME, Read("office"))


def test_a_check_leaves_no_trace_in_other_contracts(stage: Stage) -> None:
    contract(stage, COUNTER, name="counter")
    counted = thing(stage, "counter", "counted")
    contract(stage, "return read('counted')['content'] == 'content'")
    thing(stage)
    outcome = denied(stage, Read("thing"))
    assert outcome.reason == why.CONTRACT_FAILED and why.NOT_PERMITTED in outcome.detail
    assert counted.contract_state == ""


def test_a_look_of_a_check_is_no_use_to_the_mint(stage: Stage) -> None:
    stage.do(MAKER, Write("looked-at", "x"))
    contract(stage, "read('looked-at')\nreturn True")
    thing(stage)
    stage.do(ME, Read("thing"))
    assert stage.world.uses.others("looked-at", OTHER) == 0
    assert stage.world.uses.others("thing", OTHER) == 1
    make(stage, "tool", "def run(): return 1")
    result(stage, "tool")
    assert stage.world.uses.others("tool", OTHER) == 1


def test_checks_inside_checks_end(stage: Stage) -> None:
    contract(stage, "return read('thing')['content'] == 'content'")
    thing(stage)
    outcome = denied(stage, Read("thing"))
    assert outcome.reason == why.CONTRACT_FAILED
    assert [run.depth for run in runs(stage.events())] == [6, 5, 4, 3, 2, 1]
    law = Laws(code=CodeLaw(max_depth=1))
    shallow = Stage.of(3, laws=law)
    contract(shallow, "return True")
    thing(shallow)
    make(shallow, "tool", "def run(): return read('thing')['content']")
    assert why.TOO_DEEP in denied(shallow, Invoke("tool")).detail
    shallow.do(ME, Read("thing"))


def test_a_check_needs_cpu(stage: Stage) -> None:
    poor = Stage.of(3, {**GRANTS, CPU_CAPACITY: 80, CPU_RATE: 0})
    contract(poor, "return True")
    thing(poor)
    assert denied(poor, Read("thing")).reason == why.CPU_EXHAUSTED


# -- with the rest of the economy


def test_ownership_moves_as_it_says(stage: Stage) -> None:
    stage.do(OTHER, Configure(accepts_from=["*"]))
    contract(stage, f"return action != 'transfer' or context['to'] == '{OTHER}'")
    owned = thing(stage)
    assert denied(stage, Transfer(ME, artifact="thing"), OTHER).reason == why.NOT_PERMITTED
    stage.do(ME, Transfer(OTHER, artifact="thing"))
    assert (owned.owner, owned.bearer) == (OTHER, OTHER)


def test_its_state_can_be_looked_up(stage: Stage) -> None:
    contract(stage, COUNTER)
    thing(stage)
    stage.do(ME, Read("thing"))
    assert stage.do(OTHER, Query("artifact", {"id": "thing"}))["contract_state"] == 1
