"""The record that closes a turn."""

import pytest

from ecology.core.outcome import NOTHING, Refused
from ecology.events.records import ActionTaken
from ecology.kernel import refusals
from ecology.kernel.actions import (
    Action,
    Configure,
    Delete,
    Edit,
    Message,
    Noop,
    Query,
    Read,
    Sleep,
    Transfer,
    Write,
)
from ecology.resources.costs import Charge
from ecology.testing.worlds import Stage

ME, OTHER = "agent-0001", "agent-0002"


@pytest.fixture
def stage() -> Stage:
    stage = Stage.of(2)
    stage.events()
    return stage


def test_doing_nothing_is_an_action() -> None:
    stage = Stage.of(1)
    assert stage.act(ME, Noop()) == NOTHING
    assert NOTHING.data == {}


@pytest.mark.parametrize(
    ("action", "name", "target"),
    [
        (Noop(), "noop", None),
        (Read("x" * 200), "read", "x" * 64),
        (Write("A", ""), "write", "A"),
        (Edit("a", "b", "c"), "edit", "a"),
        (Delete("a"), "delete", "a"),
        (Transfer(OTHER, 1), "transfer", OTHER),
        (Message(OTHER, ""), "message", OTHER),
        (Query("world"), "query", "world"),
        (Sleep(1), "sleep", None),
        (Configure(), "configure", None),
        (Read("é" * 200), "read", "é" * 64),
        (Read("a\ud800b"), "read", "a?b"),
    ],
)
def test_what_was_done_to_what(stage: Stage, action: Action, name: str, target: str | None) -> None:
    stage.act(ME, action)
    taken = stage.events()[-1]
    assert isinstance(taken, ActionTaken)
    assert (taken.action, taken.target, taken.principal_id, taken.turn_id) == (name, target, ME, f"{ME}#0")


def test_what_it_cost_and_what_is_left(stage: Stage) -> None:
    turn = stage.turn(ME)
    assert turn.agent.llm.take(1_500, 0)
    charge = Charge(llm_millitokens=1_500, cpu_us=20, waited_ns=7, waited_on="llm_rate")
    stage.kernel.record(turn, Noop(), NOTHING, charge)
    (taken,) = stage.events()
    assert isinstance(taken, ActionTaken)
    assert (taken.outcome, taken.reason) == ("committed", None)
    assert (taken.llm_millitokens, taken.cpu_us, taken.waited_ns, taken.waited_on) == (
        1_500,
        20,
        7,
        "llm_rate",
    )
    assert (taken.llm_level_millitokens, taken.cpu_level_us) == (98_500, 1_000_000)


def test_a_mind_without_an_action_is_recorded_as_such(stage: Stage) -> None:
    stage.kernel.record(stage.turn(ME), None, Refused(refusals.MALFORMED), Charge())
    (taken,) = stage.events()
    assert isinstance(taken, ActionTaken)
    assert (taken.action, taken.outcome, taken.reason, taken.target) == ("none", "refused", "malformed", None)
