"""Contracts in code: what they are told, what they may answer, and what an answer brings about."""

from typing import get_args

import msgspec
import pytest

from ecology.artifacts.artifact import Artifact
from ecology.core.outcome import Committed, Refused
from ecology.events.records import ContractStateChanged, TransferPosted
from ecology.kernel import refusals as why
from ecology.kernel.actions import (
    Action,
    AgentConfig,
    Configure,
    Delegate,
    Delete,
    Edit,
    Invoke,
    Query,
    Read,
    Revoke,
    Spawn,
    Transfer,
    Write,
)
from ecology.kernel.contracts import Access, pay_per_use
from ecology.kernel.laws import CodeLaw, Laws
from ecology.resources.assets import CPU_CAPACITY, CPU_RATE, DISK
from ecology.testing.worlds import GRANTS, Stage
from tests.support.tools import MAKER, ME, OTHER, interface, make, result, runs, scrip, state_of


@pytest.fixture
def stage() -> Stage:
    return Stage.of(3)


def contract(stage: Stage, body: str, name: str = "rule", *, standing: bool = False) -> None:
    """Write a contract whose check has this body."""
    lines = "\n".join(f"    {line}" for line in body.splitlines())
    make(
        stage,
        name,
        f"def check(caller, action, target, context, state):\n{lines}\n",
        "check",
        standing=standing,
    )


def thing(stage: Stage, rule: str = "rule", name: str = "thing", who: str = MAKER) -> Artifact:
    """An artifact of somebody's under a contract."""
    stage.do(who, Write(name, "content", contract=rule, metadata={"colour": "red"}, title="a thing"))
    artifact = stage.world.shelf.find(name)
    assert artifact is not None
    return artifact


def denied(stage: Stage, action: Action, who: str = ME) -> Refused:
    """An action that is refused and leaves nothing behind but the turn and what code cost."""
    before = state_of(stage.world, stage.now_ns)
    outcome = stage.act(who, action)
    assert isinstance(outcome, Refused), outcome
    assert outcome.detail and len(outcome.detail) < 400
    assert state_of(stage.world, stage.now_ns) == before
    return outcome


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
    for fails in (True, False):
        stage.act(ME, Invoke("loop", args={"fails": fails}))
        borne = sum(run.cpu_us for run in runs(stage.events()) if run.bearer_id == OTHER)
        (delegation,) = stage.world.delegations.of_payer(OTHER)
        if fails:
            assert 100 < borne <= 700
            assert delegation.spent == borne == 5_000 - stage.agent(OTHER).cpu.refill(0)
        else:
            assert borne <= 700 - delegation.spent + borne <= 700


# -- state

COUNTER = "return {'allowed': (state or 0) < 3, 'state_update': (state or 0) + 1}"


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
    poor = Stage.of(3, {**GRANTS, CPU_CAPACITY: 100, CPU_RATE: 0})
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
