"""invoke: a method runs, its price and its effects are one, and what fails leaves nothing."""

import pytest

from ecology.core.outcome import Refused
from ecology.events.economy import CodeLogged, CodeRan
from ecology.events.records import ActionTaken, HoldClosed, HoldOpened, TransferPosted
from ecology.kernel import refusals as why
from ecology.kernel.actions import Delete, Edit, Invoke, Transfer, Write
from ecology.kernel.contracts import pay_per_use
from ecology.resources.assets import DISK, SCRIP
from ecology.testing.worlds import Stage
from tests.support.tools import MAKER, ME, OTHER, fails, interface, make, result, runs, scrip

ECHO = "def run(**given):\n    return given\n"


@pytest.fixture
def stage() -> Stage:
    return Stage.of(3)


def reason_of(outcome: object) -> str:
    assert isinstance(outcome, Refused), outcome
    assert outcome.detail
    return outcome.reason


# -- what is invoked


def test_the_caller_learns_what_it_returns_and_prints(stage: Stage) -> None:
    make(stage, "tool", "def run(x):\n    print('doubling', x)\n    return {'double': [x, x]}\n")
    assert stage.do(ME, Invoke("tool", args={"x": 3})) == {
        "artifact": "tool",
        "method": "run",
        "result": {"double": [3, 3]},
        "printed": "doubling 3\n",
        "price": 0,
    }


def test_only_what_has_methods_can_be_invoked(stage: Stage) -> None:
    stage.do(MAKER, Write("note", "def run(): return 1"))
    stage.do(MAKER, Write("described", "def run(): return 1", interface={"what": "a description"}))
    stage.do(MAKER, Write("gone", ECHO, interface=interface("run")))
    stage.do(MAKER, Delete("gone"))
    assert stage.refused(ME, Invoke("nothing")) == why.NOT_FOUND
    assert stage.refused(ME, Invoke("gone")) == why.DELETED
    for name in ("note", "described", ME):
        assert stage.refused(ME, Invoke(name)) == why.NOT_EXECUTABLE


@pytest.mark.parametrize(
    "bad",
    [
        {"methods": {}},
        {"methods": []},
        {"methods": {"_x": {}}},
        {"methods": {"run": {"args": {"$ref": "#"}}}},
    ],
)
def test_an_interface_is_looked_at_when_it_is_published(stage: Stage, bad: dict[str, object]) -> None:
    assert stage.refused(MAKER, Write("tool", ECHO, interface=bad)) == why.ARGUMENT_INVALID
    assert stage.world.shelf.find("tool") is None


def test_arguments_are_held_against_the_published_schema(stage: Stage) -> None:
    schema: dict[str, object] = {
        "type": "object",
        "properties": {"n": {"type": "integer", "maximum": 9}},
        "required": ["n"],
        "additionalProperties": False,
    }
    stage.do(MAKER, Write("tool", ECHO, interface=interface(run=schema), contract=pay_per_use(5)))
    assert result(stage, "tool", n=9) == {"n": 9}
    stage.events()
    bad_arguments: list[dict[str, object]] = [{}, {"n": "9"}, {"n": 10}, {"n": 1, "m": 1}, {"n": 2**70}]
    for args in bad_arguments:
        outcome = fails(stage, Invoke("tool", args=args))
        assert reason_of(outcome) == why.ARGUMENT_INVALID
    assert reason_of(fails(stage, Invoke("tool", "walk"))) == why.ARGUMENT_INVALID
    assert {type(event) for event in stage.events()} == {ActionTaken}, "nothing ran and nothing was held"


@pytest.mark.parametrize(
    "args", [{"x": float("nan")}, {"x": "\ud800"}, {"x": object()}, {"x": "x" * 70_000}, {"x": 2**63}]
)
def test_arguments_are_json_whatever_the_schema(stage: Stage, args: dict[str, object]) -> None:
    make(stage, "tool", ECHO)
    assert reason_of(fails(stage, Invoke("tool", args=args))) == why.ARGUMENT_INVALID


def test_arguments_are_the_codes_own_copy(stage: Stage) -> None:
    make(stage, "tool", "def run(given):\n    given.append(1)\n    return len(given)\n")
    given: list[object] = []
    assert result(stage, "tool", given=given) == 1
    assert given == []


def test_an_edit_runs_from_the_next_call_on(stage: Stage) -> None:
    make(stage, "tool", "def run():\n    return 1\n")
    assert result(stage, "tool") == 1
    stage.do(MAKER, Edit("tool", "return 1", "return 2"))
    assert result(stage, "tool") == 2


def test_a_revision_that_was_undone_is_not_what_runs(stage: Stage) -> None:
    """Two contents can have had the same number of a revision; the compiled program must be the later one's."""
    make(stage, "tool", "def run():\n    return 1\n", contract="public")
    rewrite = "def run():\n    write('tool', 'def run(): return 2')\n    assert invoke('tool') != 2\n"
    make(stage, "rewriter", rewrite)
    assert reason_of(fails(stage, Invoke("rewriter"))) == why.CODE_RAISED
    stage.do(MAKER, Edit("tool", "return 1", "return 3"))
    assert result(stage, "tool") == 3


# -- what it costs


def test_price_and_service_are_one(stage: Stage) -> None:
    make(stage, "tool", "def run():\n    log('at work')\n    return 7\n", contract=pay_per_use(40))
    stage.events()
    assert stage.do(ME, Invoke("tool", max_price=40))["price"] == 40
    held, logged, closed, paid, ran, taken = stage.events()
    assert isinstance(held, HoldOpened) and (held.from_id, held.to_id, held.amount) == (ME, MAKER, 40)
    assert isinstance(logged, CodeLogged) and (logged.principal_id, logged.text) == (ME, "at work")
    assert isinstance(closed, HoldClosed) and (closed.transfer_id, closed.how) == (held.transfer_id, "posted")
    assert isinstance(paid, TransferPosted) and (paid.from_id, paid.to_id, paid.amount) == (ME, MAKER, 40)
    assert isinstance(ran, CodeRan)
    assert (ran.artifact_id, ran.method, ran.depth, ran.fault) == ("tool", "run", 1, None)
    assert (ran.principal_id, ran.payer_id, ran.recipient_id, ran.price) == (ME, ME, MAKER, 40)
    assert ran.bearer_id == ME and ran.cpu_us == ran.cpu_estimate_us > 0 and ran.steps > 0 and ran.calls == 1
    assert isinstance(taken, ActionTaken) and (taken.action, taken.target) == ("invoke", "tool")
    assert (scrip(stage, ME), scrip(stage, MAKER)) == (960, 1_040)
    assert stage.news(MAKER) == [paid]
    assert not stage.world.book.pending()


def test_who_fails_is_not_paid(stage: Stage) -> None:
    make(
        stage,
        "tool",
        "def run():\n    write('trace', 'x')\n    log('so far')\n    return 1 // 0\n",
        contract=pay_per_use(40),
    )
    stage.events()
    outcome = fails(stage, Invoke("tool"))
    assert outcome == Refused(why.CODE_RAISED, "ZeroDivisionError: division by zero (line 4)")
    held, closed, ran, taken = stage.events()
    assert isinstance(held, HoldOpened)
    assert isinstance(closed, HoldClosed) and (closed.how, closed.amount) == ("voided", 0)
    assert isinstance(ran, CodeRan)
    assert (ran.fault, ran.price, ran.payer_id) == (why.CODE_RAISED, 0, None)
    assert ran.cpu_us > 0, "it ran, and that is paid for"
    assert isinstance(taken, ActionTaken) and taken.reason == why.CODE_RAISED
    assert stage.world.shelf.find("trace") is None


def test_a_price_is_agreed_to_before_anything_runs(stage: Stage) -> None:
    make(stage, "tool", "def run():\n    return 7\n", contract=pay_per_use(40))
    make(stage, "dear", "def run():\n    return 7\n", contract=pay_per_use(2**63 - 1))
    stage.events()
    assert reason_of(fails(stage, Invoke("tool", max_price=39))) == why.PRICE_ABOVE_LIMIT
    assert reason_of(fails(stage, Invoke("dear"))) == why.INSUFFICIENT
    for limit in (-1, 2**63):
        assert reason_of(fails(stage, Invoke("tool", max_price=limit))) == why.ARGUMENT_INVALID
        assert reason_of(fails(stage, Invoke("tool", allowance=limit))) == why.ARGUMENT_INVALID
    assert not runs(stage.events())


def test_its_owner_uses_it_free(stage: Stage) -> None:
    make(stage, "tool", "def run():\n    return 7\n", contract=pay_per_use(40))
    assert stage.do(MAKER, Invoke("tool"))["price"] == 0


def test_what_is_held_cannot_be_spent_during_the_call(stage: Stage) -> None:
    """The trick that gets a service free: let it spend the money it is to be paid with."""
    spend = f"def run(amount):\n    return transfer('{OTHER}', amount)\n"
    make(stage, "tool", spend, contract=pay_per_use(600))
    outcome = fails(stage, Invoke("tool", args={"amount": 401}, allowance=1_000))
    assert reason_of(outcome) == why.CODE_RAISED
    assert "insufficient" in str(outcome)
    assert stage.do(ME, Invoke("tool", args={"amount": 400}, allowance=1_000))["price"] == 600
    assert (scrip(stage, ME), scrip(stage, MAKER), scrip(stage, OTHER)) == (0, 1_600, 1_400)


def test_a_turn_has_only_so_many_transfers(stage: Stage) -> None:
    make(stage, "tool", "def run():\n    return 7\n", contract=pay_per_use(1))
    turn = stage.turn(ME)
    turn.step = 248
    assert reason_of(stage.kernel.act(turn, Invoke("tool"))) == why.TOO_MANY
    make(stage, "giver", f"def run(n):\n    for i in range(n):\n        transfer('{OTHER}', 1)\n")
    stage.do(ME, Invoke("giver", args={"n": 90}, allowance=90))
    assert scrip(stage, OTHER) == 1_090


# -- runs inside runs

FORWARD = "def run(path):\n    return invoke(path[0], args={'path': path[1:]}) + 1 if path else 0\n"


def test_six_runs_inside_one_another(stage: Stage) -> None:
    for name in "abcdefg":
        make(stage, name, FORWARD)
    stage.events()
    assert result(stage, "a", path=list("bcdef")) == 5
    assert [(run.artifact_id, run.depth, run.principal_id) for run in runs(stage.events())] == [
        (name, depth, ME) for name, depth in zip("fedcba", range(6, 0, -1), strict=True)
    ]
    outcome = fails(stage, Invoke("a", args={"path": list("bcdefg")}))
    assert reason_of(outcome) == why.CODE_RAISED and why.TOO_DEEP in str(outcome)
    assert all(run.fault == why.CODE_RAISED for run in runs(stage.events()))


def test_cycles_end_at_the_same_depth(stage: Stage) -> None:
    make(stage, "a", FORWARD)
    make(stage, "b", FORWARD)
    assert result(stage, "a", path=list("ababa")) == 5
    assert why.TOO_DEEP in str(fails(stage, Invoke("a", args={"path": list("aaaaaa")})))
    again = "try:\n        return invoke('me')\n    except RuntimeError as no:\n        return str(no)\n"
    make(stage, "me", f"def run():\n    {again}")
    assert str(result(stage, "me")).startswith(why.TOO_DEEP)


def test_a_nested_failure_undoes_its_own_effects_only(stage: Stage) -> None:
    make(
        stage,
        "clumsy",
        "def run():\n    write('half', 'x')\n    raise ValueError('sorry')\n",
        contract=pay_per_use(9),
    )
    careful = """
def run():
    write('before', 'x')
    try:
        invoke('clumsy')
    except RuntimeError as no:
        write('after', str(no))
    return query('artifacts', {'owner': caller})['artifacts']
"""
    make(stage, "careful", careful)
    stage.events()
    cards = result(stage, "careful")
    assert isinstance(cards, list)
    assert {card["id"] for card in cards} == {ME, "before", "after"}
    assert stage.world.shelf.contents.get("after") == b"code_raised: ValueError: sorry (line 3)"
    assert scrip(stage, ME) == 1_000
    clumsy, whole = runs(stage.events())
    assert (clumsy.fault, clumsy.price, whole.fault) == (why.CODE_RAISED, 0, None)


def test_what_succeeds_inside_of_what_fails_is_undone_and_paid_for(stage: Stage) -> None:
    make(stage, "fine", "def run():\n    write('fruit', 'x')\n    return 1\n", contract=pay_per_use(9))
    make(stage, "fails", "def run():\n    invoke('fine')\n    raise ValueError('no')\n")
    stage.events()
    fails(stage, Invoke("fails", allowance=100))
    fine, whole = runs(stage.events())
    assert (fine.fault, fine.price, fine.payer_id) == (why.CODE_RAISED, 0, None)
    assert whole.fault == why.CODE_RAISED
    turn = stage.turn(ME)
    stage.kernel.act(turn, Invoke("fails", allowance=100))
    assert turn.code_us == sum(run.cpu_us for run in runs(stage.events())) > fine.cpu_us > 0


# -- hostile code


def test_code_may_rewrite_itself_while_it_runs(stage: Stage) -> None:
    source = "def run():\n    write(self_id, 'def run(): return 2')\n    return 1\n"
    make(stage, "tool", source, contract="public")
    assert [result(stage, "tool"), result(stage, "tool")] == [1, 2]


def test_the_price_is_the_one_agreed_to(stage: Stage) -> None:
    """Code with standing that owns itself raises its price during the call: the next caller pays it."""
    make(stage, "tool", "def run():\n    return 1\n", contract="transferable_freeware", standing=True)
    raises = (
        "def run():\n    write(self_id, 'def run(): return 1', contract='pay_per_use(900)')\n    return 1\n"
    )
    stage.do(MAKER, Write("tool", raises, contract=pay_per_use(3), interface=interface("run")))
    stage.do(MAKER, Transfer("tool", 50, SCRIP))
    stage.do(MAKER, Transfer("tool", 5_000, DISK))
    tool = stage.world.shelf.find("tool")
    assert tool is not None
    stage.world.charge_disk(stage.agent(MAKER), -tool.size_bytes)
    stage.world.charge_disk(stage.world.principals["tool"], tool.size_bytes)
    stage.world.shelf.move(tool, "tool", stage.now_ns)
    assert stage.do(ME, Invoke("tool"))["price"] == 3
    assert reason_of(fails(stage, Invoke("tool", max_price=3))) == why.PRICE_ABOVE_LIMIT
    assert scrip(stage, "tool") == 53


def test_paying_oneself_moves_nothing(stage: Stage) -> None:
    make(stage, "tool", "def run():\n    return 1\n", contract="pay_per_use(5)", standing=True, who=ME)
    make(stage, "again", "def run():\n    return invoke('tool')\n", who=ME, standing=True)
    stage.do(ME, Transfer("again", 10))
    assert result(stage, "again") == 1
    assert (scrip(stage, ME), scrip(stage, "again")) == (995, 5)
    assert stage.do(ME, Invoke("tool"))["price"] == 0


def test_the_same_seed_gives_the_same_log() -> None:
    logs = []
    for _ in range(2):
        stage = Stage.of(3, seed=7)
        source = "import random as dice\ndef run():\n    return [random(), dice.random(), now(), list({'b', 'a'})]\n"
        make(stage, "tool", source, contract=pay_per_use(2))
        answers = [result(stage, "tool"), result(stage, "tool"), result(stage, "tool", OTHER)]
        assert len({str(answer) for answer in answers}) == 3, "another turn or another agent, other numbers"
        logs.append((answers, stage.events()))
    assert logs[0] == logs[1]
    other = Stage.of(3, seed=8)
    make(other, "tool", source, contract=pay_per_use(2))
    assert result(other, "tool") != logs[0][0][0]
