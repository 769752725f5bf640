"""What code can ask of the kernel, and in whose name."""

import pytest

from ecology.core.outcome import Committed, Refused
from ecology.events.economy import CodeLogged
from ecology.kernel import refusals as why
from ecology.kernel.actions import AgentConfig, Configure, Invoke, Spawn, Transfer, Write
from ecology.kernel.contracts import pay_per_use
from ecology.resources.assets import DISK, LLM_RATE, SCRIP
from ecology.testing.worlds import Stage
from tests.support.tools import MAKER, ME, OTHER, fails, make, result, scrip

TRY = """
def run(what):
    try:
        return {call}
    except RuntimeError as no:
        return str(no).split(":")[0]
"""
"""Makes a call and tells for which reason it was refused."""


@pytest.fixture
def stage() -> Stage:
    stage = Stage.of(3)
    stage.do(OTHER, Write("secret", "of OTHER's", contract="private"))
    stage.do(ME, Write("mine", "x" * 20_000, contract="private", metadata={"colour": "red"}))
    return stage


def ask(stage: Stage, call: str, *, standing: bool = False, allowance: int = 0) -> object:
    """What a call answers a tool of MAKER's that ME invokes, or why it is refused."""
    name = f"tool-{len(stage.world.shelf)}"
    make(stage, name, TRY.replace("{call}", call), standing=standing)
    if standing:
        stage.do(MAKER, Transfer(name, 30, SCRIP))
        stage.do(MAKER, Transfer(name, 1_000, DISK))
    outcome = stage.act(ME, Invoke(name, args={"what": None}, allowance=allowance))
    assert isinstance(outcome, Committed), outcome
    return outcome.data["result"]


def test_who_is_who(stage: Stage) -> None:
    make(stage, "plain", "def run():\n    return [caller, self_id, owner]\n")
    make(stage, "proud", "def run():\n    return [caller, self_id, owner] + invoke('plain')\n", standing=True)
    make(stage, "meek", "def run():\n    return [caller, self_id, owner] + invoke('plain')\n")
    assert result(stage, "meek") == [ME, "meek", MAKER, ME, "plain", MAKER]
    assert result(stage, "proud") == [ME, "proud", MAKER, "proud", "plain", MAKER]


def test_code_reads_in_pieces_what_its_caller_may_read(stage: Stage) -> None:
    first = ask(stage, "read('mine')")
    assert isinstance(first, dict)
    assert (len(first["content"]), first["next_offset"], first["metadata"]) == (
        16_384,
        16_384,
        {"colour": "red"},
    )
    second = ask(stage, "read('mine', 16_384)")
    assert isinstance(second, dict) and len(second["content"]) == 3_616
    assert ask(stage, "read('secret')") == why.NOT_PERMITTED
    assert ask(stage, "read('nothing')") == why.NOT_FOUND
    assert ask(stage, "read('mine')", standing=True) == why.NOT_PERMITTED, "it has a name of its own"


@pytest.mark.parametrize(
    "call",
    [
        "read(5)",
        "read('mine', '0')",
        "read('mine', True)",
        "query('world', ['x'])",
        "invoke('x', 1)",
        "transfer(1, 1)",
    ],
)
def test_arguments_of_the_wrong_type_are_refused(stage: Stage, call: str) -> None:
    assert ask(stage, call, allowance=10) == why.MALFORMED


def test_what_code_writes_is_whose_name_it_acts_in(stage: Stage) -> None:
    ask(stage, "write('note', 'x', title='a note', contract='private', depends_on=['mine'])")
    note = stage.world.shelf.find("note")
    assert note is not None
    assert (note.created_by, note.owner, note.bearer, note.title) == (ME, ME, ME, "a note")
    ask(stage, "write('report', 'x' * 500)", standing=True)
    report = stage.world.shelf.find("report")
    assert report is not None and report.owner == report.bearer == report.created_by
    account = stage.world.principals[report.owner]
    assert account.disk_used == report.size_bytes == len("reporttext") + 500
    assert ask(stage, "write('report', 'mine now')") == why.NOT_PERMITTED
    assert ask(stage, "write('long', 'x' * 2_000)", standing=True) == why.DISK_QUOTA
    assert ask(stage, "write('Bad Name', 'x')") == why.ID_INVALID


def test_code_gives_nobody_standing(stage: Stage) -> None:
    for standing in (False, True):
        assert ask(stage, "write('account', 'x', standing=True)", standing=standing) == why.NOT_PERMITTED


def test_in_its_callers_name_code_changes_no_agent(stage: Stage) -> None:
    """A configuration decides what an agent is: no tool may slip another one in."""
    config = '{"strategy":"trader"}'
    assert ask(stage, f"write(caller, '{config}')") == why.IS_PRINCIPAL
    assert ask(stage, f"write('{OTHER}', '{config}')") == why.IS_PRINCIPAL
    assert ask(stage, f"write('{OTHER}', '{config}')", standing=True) == why.NOT_PERMITTED
    assert stage.agent(ME).config.strategy == "maker"


def test_in_its_callers_name_code_changes_no_code_but_itself(stage: Stage) -> None:
    """Whoever may write an artifact decides what its users run: no tool may slip in code of its own."""
    make(stage, "trusted", "def run():\n    return 1\n", who=ME)
    make(stage, "account", "def run():\n    return 1\n", contract="public", standing=True)
    bad = "'def run(): return 2'"
    methods = "interface={'methods': {'run': {}}}"
    assert ask(stage, f"write('trusted', {bad})") == why.NOT_PERMITTED
    assert ask(stage, f"write('mine', {bad}, {methods})") == why.NOT_PERMITTED, (
        "nor make code of what was none"
    )
    assert ask(stage, f"write('account', {bad})") == why.IS_PRINCIPAL
    assert result(stage, "trusted") == 1
    assert isinstance(ask(stage, f"write('new', {bad}, {methods})"), dict)
    new = stage.world.shelf.find("new")
    assert new is not None and (new.owner, new.executable) == (ME, True)


def test_code_with_standing_changes_an_agent_that_lets_it_and_a_failure_undoes_that(stage: Stage) -> None:
    stage.do(ME, Spawn("ward", AgentConfig("maker"), {DISK: 500}, contract="public"))
    change = "def run(fails):\n    write('ward', '{\"strategy\":\"trader\"}')\n    return 1 // (0 if fails else 1)\n"
    make(stage, "tutor", change, standing=True)
    before = stage.agent("ward").config_revision
    fails(stage, Invoke("tutor", args={"fails": True}))
    assert (stage.agent("ward").config.strategy, stage.agent("ward").config_revision) == ("maker", before)
    stage.do(ME, Invoke("tutor", args={"fails": False}))
    assert stage.agent("ward").config.strategy == "trader"


# -- money


def test_in_its_callers_name_code_moves_what_it_was_allowed(stage: Stage) -> None:
    pay = f"[transfer('{OTHER}', 3), transfer('{OTHER}', 4)]"
    assert ask(stage, pay) == why.ALLOWANCE_SPENT
    assert ask(stage, pay, allowance=6) == why.ALLOWANCE_SPENT, "what it caught did not undo the first"
    assert (scrip(stage, ME), scrip(stage, OTHER)) == (997, 1_003)
    assert isinstance(ask(stage, pay, allowance=7), list)
    assert (scrip(stage, ME), scrip(stage, OTHER)) == (990, 1_010)


def test_in_its_callers_name_code_gives_nothing_but_scrip(stage: Stage) -> None:
    stage.do(ME, Write("gift", "x", contract="transferable_freeware"))
    stage.do(OTHER, Configure(accepts_from=["*"]))
    for call in (f"transfer('{OTHER}', 1, '{LLM_RATE}')", f"transfer('{OTHER}', artifact='gift')"):
        assert ask(stage, call, allowance=1_000) == why.NOT_PERMITTED
    for amount in (0, -5, 2**62):
        expected = why.ALLOWANCE_SPENT if amount > 0 else why.AMOUNT_INVALID
        assert ask(stage, f"transfer('{OTHER}', {amount})", allowance=1_000) == expected
    assert ask(stage, f"transfer('{OTHER}', 1, memo='x' * 300)", allowance=1_000) == why.TOO_LARGE
    assert ask(stage, "transfer(caller, 1)", allowance=1_000) == why.SELF_DEALING


def test_an_allowance_is_not_money(stage: Stage) -> None:
    assert ask(stage, f"transfer('{OTHER}', 1_001)", allowance=2_000) == why.INSUFFICIENT


def test_code_with_standing_spends_its_own(stage: Stage) -> None:
    assert isinstance(ask(stage, f"transfer('{OTHER}', 30)", standing=True), dict)
    assert ask(stage, f"transfer('{OTHER}', 31)", standing=True, allowance=1_000) == why.INSUFFICIENT
    assert isinstance(ask(stage, f"transfer('{OTHER}', 400, '{DISK}')", standing=True), dict)
    assert ask(stage, f"transfer('{OTHER}', 400, '{DISK}') if transfer(caller, 30) and write('w', 'x' * 700) else 0",
               standing=True) == why.QUOTA_IN_USE  # fmt: skip
    assert scrip(stage, ME) == 1_030


def test_what_code_uses_is_paid_from_the_allowance_too(stage: Stage) -> None:
    make(stage, "paid", "def run():\n    return 1\n", contract=pay_per_use(10))
    stage.do(MAKER, Write("paper", "x", contract=pay_per_use(5)))
    both = "[invoke('paid'), read('paper')['content']]"
    assert ask(stage, both, allowance=14) == why.ALLOWANCE_SPENT
    assert scrip(stage, ME) == 990, "the first of the two it had"
    assert ask(stage, both, allowance=15) == [1, "x"]
    assert scrip(stage, ME) == 975
    assert ask(stage, "invoke('paid', max_price=9)", allowance=15) == why.PRICE_ABOVE_LIMIT
    assert ask(stage, "read('paper', max_price=4)", allowance=15) == why.PRICE_ABOVE_LIMIT
    assert ask(stage, "invoke('paid')", standing=True) == 1
    assert (scrip(stage, ME), scrip(stage, MAKER)) == (975, 1_035 - 30), "what has standing pays itself"


def test_a_part_of_an_allowance_can_be_passed_on(stage: Stage) -> None:
    give = f"def run(n):\n    return transfer('{OTHER}', n)['amount']\n"
    make(stage, "giver", give)
    assert ask(stage, "invoke('giver', args={'n': 1})", allowance=50) == why.CODE_RAISED
    assert ask(stage, "invoke('giver', args={'n': 5}, allowance=5)", allowance=50) == 5
    assert ask(stage, "invoke('giver', args={'n': 51}, allowance=99)", allowance=50) == why.CODE_RAISED
    twice = "[invoke('giver', args={'n': 30}, allowance=30), invoke('giver', args={'n': 30}, allowance=30)]"
    assert ask(stage, twice, allowance=50) == why.CODE_RAISED
    assert scrip(stage, OTHER) == 1_035


def test_what_was_undone_was_not_spent(stage: Stage) -> None:
    clumsy = f"def run():\n    transfer('{OTHER}', 8)\n    return 1 // 0\n"
    make(stage, "clumsy", clumsy)
    careful = f"""
def run():
    try:
        invoke('clumsy', allowance=8)
    except RuntimeError:
        pass
    return transfer('{OTHER}', 10)['amount']
"""
    make(stage, "careful", careful)
    assert stage.do(ME, Invoke("careful", allowance=10))["result"] == 10
    assert scrip(stage, OTHER) == 1_010


# -- looking, time, chance, speech


def test_queries_answer_for_whom_the_code_acts(stage: Stage) -> None:
    mine = ask(stage, "query('self')['id']")
    assert mine == ME
    own = ask(stage, "query('self')")
    assert isinstance(own, dict) and own["rights"][SCRIP] == 1_000
    its_own = ask(stage, "query('self')", standing=True)
    assert isinstance(its_own, dict) and its_own["id"].startswith("tool-") and its_own["rights"][SCRIP] == 30
    assert ask(stage, "query('history')") == why.UNKNOWN_QUERY


def test_an_answer_that_is_no_json_to_code_is_refused(stage: Stage) -> None:
    stage.do(OTHER, Write("odd", "x", interface={"what": 2**70}))
    assert ask(stage, "query('interface', {'id': 'odd'})") == why.TOO_LARGE


def test_time_and_chance_are_the_worlds(stage: Stage) -> None:
    stage.pass_time(1_234_567_890)
    assert ask(stage, "now()") == 1_234
    drawn = ask(stage, "[random() for _ in range(50)]")
    assert isinstance(drawn, list)
    assert len(set(drawn)) == 50 and all(0 <= number < 1 for number in drawn)


def test_what_code_logs_is_short_and_rare(stage: Stage) -> None:
    stage.events()
    assert ask(stage, "[log('ä' * 100) for _ in range(10)]") == [None] * 10
    assert len([event for event in stage.events() if isinstance(event, CodeLogged)]) == 10
    assert ask(stage, "[log('x') for _ in range(11)]") == why.TOO_MANY
    assert ask(stage, "log('ä' * 101)") == why.TOO_LARGE
    assert ask(stage, "log(5)") == why.ARGUMENT_INVALID


def test_code_is_handed_nothing_else(stage: Stage) -> None:
    for name in (
        "delete",
        "edit",
        "spawn",
        "configure",
        "sleep",
        "message",
        "bid",
        "list_goods",
        "buy",
        "delegate",
    ):
        make(stage, f"try-{len(name)}-{name[:3]}", f"def run():\n    return {name}('x')\n")
        outcome = fails(stage, Invoke(f"try-{len(name)}-{name[:3]}"))
        assert isinstance(outcome, Refused) and outcome.detail.startswith("NameError"), outcome
