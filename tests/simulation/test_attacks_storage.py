"""Attacks on storage: whatever an agent leaves behind is charged to somebody, bounded, or gone when it is deleted."""

import pytest

from ecology.artifacts.artifact import STANDING_BYTES
from ecology.core.clock import SECOND_NS
from ecology.core.limits import MAX_ID_BYTES, MAX_INBOX_EVENTS, MAX_SUBSCRIPTIONS
from ecology.core.outcome import Committed, Refused
from ecology.events.economy import CodeLogged
from ecology.kernel import refusals as why
from ecology.kernel.actions import (
    Action,
    Bid,
    Delegate,
    Delete,
    Invoke,
    List,
    Message,
    Read,
    Subscribe,
    Write,
)
from ecology.kernel.economy.delegation import MAX_DELEGATIONS
from ecology.kernel.economy.escrow import MAX_LISTINGS
from ecology.kernel.economy.mint import MAX_BIDS
from ecology.kernel.laws import Laws, MintLaw
from ecology.resources.assets import DISK, SCRIP
from ecology.testing.laws import broken_laws
from ecology.testing.worlds import GRANTS, Stage
from tests.support.market import FREE
from tests.support.tools import contract, interface, make

HOARDER, OTHER = "agent-0001", "agent-0002"
MANY = 80


@pytest.fixture
def stage() -> Stage:
    return Stage.of(2, {**GRANTS, SCRIP: 100_000}, laws=Laws(mint=MintLaw(slots=1)))


def test_of_what_is_deleted_nothing_is_left_but_the_name(stage: Stage) -> None:
    """Else who writes 4 kB of metadata and deletes them, turn after turn, fills the host's memory for nothing."""
    said = interface("run") | {"description": "d" * 900}
    stage.do(HOARDER, Write("note", "x", interface=said, metadata={"k": "v" * 2_900}))
    stage.do(OTHER, Read("note"))
    assert stage.world.uses.get("note")
    stage.do(HOARDER, Delete("note"))
    note = stage.world.shelf.find("note")
    assert note is not None and note.deleted
    assert (note.metadata, note.interface, note.contract_state, note.size_bytes) == ({}, None, "", 0)
    stage.do(OTHER, Write("heir", "x", depends_on=["note"]))
    assert stage.world.uses.get("note") is None
    assert broken_laws(stage.world) == []


def test_a_deletion_that_is_undone_has_lost_nothing(stage: Stage) -> None:
    """What a failed deed deleted is there again with all that was known of it."""
    stage.do(HOARDER, Write("note", "x", interface=interface("run"), metadata={"k": "v"}))
    stage.do(OTHER, Read("note"))
    note = stage.world.shelf.find("note")
    assert note is not None
    turn = stage.turn(HOARDER)
    with stage.world.scope() as scope:
        assert isinstance(stage.kernel.act(turn, Delete("note")), Committed)
        assert note.deleted
        scope.roll_back()
    assert (note.metadata, note.interface) == ({"k": "v"}, interface("run"))
    assert stage.world.uses.others("note", HOARDER) == 1
    assert broken_laws(stage.world) == []


def test_accounts_are_not_free(stage: Stage) -> None:
    """Each opens an account for every asset, for ever: as many as there is disk for, and not one more."""
    free = stage.world.disk_free(stage.agent(HOARDER))
    each = STANDING_BYTES + len("account-000text")
    for n in range(free // each):
        stage.do(HOARDER, Write(f"account-{n:03}", "", standing=True))
    assert stage.refused(HOARDER, Write("one-more-000", "", standing=True)) == why.DISK_QUOTA
    assert stage.world.disk_free(stage.agent(HOARDER)) == free % each


def test_names_are_not_free(stage: Stage) -> None:
    """What is kept in ids and types counts like any content, and there is no end of empty things."""
    free = stage.world.disk_free(stage.agent(HOARDER))
    each = 2 * MAX_ID_BYTES
    for n in range(free // each):
        stage.do(HOARDER, Write(f"{n:0{MAX_ID_BYTES}}", "", type="t" * MAX_ID_BYTES))
    assert stage.refused(HOARDER, Write("x" * MAX_ID_BYTES, "", type="t" * MAX_ID_BYTES)) == why.DISK_QUOTA
    assert broken_laws(stage.world) == []


def _piled_up(kind: str, number: int) -> Action:
    name = f"thing-{number}"
    actions: dict[str, Action] = {
        "listing": List(1, asset=DISK, amount=1),
        "listing of an artifact": List(1, artifact=name),
        "bid": Bid(name, 1),
        "delegation": Delegate(name, 1, 1, 1_000),
        "subscription": Subscribe("transfer.posted"),
    }
    return actions[kind]


@pytest.mark.parametrize(
    ("kind", "most"),
    [
        ("listing", MAX_LISTINGS),
        ("listing of an artifact", MAX_LISTINGS),
        ("bid", MAX_BIDS),
        ("delegation", MAX_DELEGATIONS),
        ("subscription", MAX_SUBSCRIPTIONS),
    ],
)
def test_of_each_kind_of_record_one_has_so_many(stage: Stage, kind: str, most: int) -> None:
    for number in range(MANY):
        stage.do(HOARDER, Write(f"thing-{number}", "x", contract=FREE))
    outcomes = [stage.act(HOARDER, _piled_up(kind, number)) for number in range(MANY)]
    assert sum(isinstance(it, Committed) for it in outcomes) == most
    assert {it.reason for it in outcomes if isinstance(it, Refused)} == {why.TOO_MANY}


def test_what_goes_stale_does_not_pile_up(stage: Stage) -> None:
    """Listing and changing, again and again."""
    for turn in range(2 * MAX_LISTINGS):
        stage.do(HOARDER, Write("thing", str(turn), contract=FREE))
        stage.do(HOARDER, List(1, artifact="thing"))
    assert len(stage.world.listings) == MAX_LISTINGS
    assert broken_laws(stage.world) == []


def test_what_resolves_leaves_nothing(stage: Stage) -> None:
    for turn in range(4):
        stage.do(HOARDER, Write("thing", f"word {turn}", contract=FREE))
        stage.do(HOARDER, Bid("thing", 1))
        stage.do(HOARDER, Write("thing", "changed", contract=FREE))
        stage.pass_time(60 * SECOND_NS)
    assert not len(stage.world.bids) and not len(stage.world.sketches) and not len(stage.world.docket)


def test_messages_are_no_storage(stage: Stage) -> None:
    for _ in range(2 * MAX_INBOX_EVENTS):
        stage.do(HOARDER, Message(OTHER, "x" * 2_000))
    assert len(stage.agent(OTHER).inbox) == MAX_INBOX_EVENTS


def test_a_contracts_memory_is_borne_by_whose_thing_it_remembers(stage: Stage) -> None:
    contract(stage, "return {'allowed': True, 'state_update': 'x' * 4000}", "memory")
    used = stage.agent(HOARDER).disk_used
    names = [f"thing-{n}" for n in range(20)]
    kept = 0
    for name in names:
        stage.do(HOARDER, Write(name, "x", contract="memory"))
        stage.pass_time(10 * SECOND_NS)
        outcome = stage.act(OTHER, Read(name))
        kept += isinstance(outcome, Committed)
        assert isinstance(outcome, Committed) or outcome.reason == why.DISK_QUOTA
    assert kept == (GRANTS[DISK] - used - len(names)) // 4_002
    assert stage.world.disk_free(stage.agent(HOARDER)) >= 0
    assert broken_laws(stage.world) == []


def test_code_says_and_writes_only_so_much(stage: Stage) -> None:
    """Ten lines a run and a hundred calls; what it writes needs the disk of whom it acts for."""
    chat = "        try:\n            log('x' * 200)\n        except RuntimeError:\n            pass\n"
    make(stage, "chat", f"def run():\n    for i in range(50):\n{chat}    return 1\n")
    stage.events()
    stage.do(HOARDER, Invoke("chat"))
    assert sum(isinstance(event, CodeLogged) for event in stage.events()) == 10
    fill = "def run():\n    for i in range(99):\n        write('f' + str(i), 'x' * 1000)\n"
    make(stage, "fill", fill)
    before = stage.agent(HOARDER).disk_used
    assert stage.refused(HOARDER, Invoke("fill")) == why.CODE_RAISED
    assert stage.agent(HOARDER).disk_used == before
    assert stage.world.shelf.find("f0") is None, "not even its name is taken"
    assert broken_laws(stage.world) == []
