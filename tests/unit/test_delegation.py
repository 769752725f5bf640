"""Who may charge whom: only within consent, and consent ends at once."""

import pytest

from ecology.core.clock import SECOND_NS
from ecology.core.limits import MAX_AMOUNT
from ecology.core.outcome import Refused
from ecology.events.economy import DelegationGranted, DelegationRevoked
from ecology.kernel.actions import Delegate, Delete, Query, Revoke, Write
from ecology.kernel.batch import Turn
from ecology.kernel.economy.delegation import charge, chargeable
from ecology.testing.worlds import Stage

PAYER, OTHER, TOOL = "agent-0001", "agent-0002", "tool"


@pytest.fixture
def stage() -> Stage:
    """A tool that may charge its payer 10 at a time and 25 in ten seconds."""
    stage = Stage.of(2)
    stage.do(OTHER, Write(TOOL, "x"))
    stage.do(PAYER, Delegate(TOOL, 10, 25, 10_000))
    stage.events()
    return stage


def charged(
    stage: Stage, amount: int, *, payer: str = PAYER, charger: str = TOOL, asset: str = "scrip"
) -> str:
    """Charge in a turn of somebody else's; what was said to it."""
    turn = Turn(stage.agent(OTHER), stage.now_ns)
    promised = chargeable(stage.world, payer, charger, asset, stage.now_ns)
    refused = charge(stage.world, turn, payer, charger, asset, amount)
    assert (refused is None) == (amount <= promised)
    if refused is None:
        return ""
    assert refused.reason == "not_delegated"
    return refused.detail


def spent(stage: Stage) -> list[object]:
    found = stage.do(PAYER, Query("delegations"))["delegations"]
    assert isinstance(found, list)
    return [each["spent"] for each in found]


def test_a_delegation_is_public_record(stage: Stage) -> None:
    stage.do(PAYER, Delegate(TOOL, 1, MAX_AMOUNT, 604_800_000, "cpu"))
    granted, _ = stage.events()
    assert isinstance(granted, DelegationGranted)
    assert (granted.principal_id, granted.charger_id, granted.asset) == (PAYER, TOOL, "cpu")
    assert (granted.max_per_call, granted.max_per_window, granted.window_ms) == (1, MAX_AMOUNT, 604_800_000)
    stage.do(PAYER, Revoke(TOOL, "cpu"))
    revoked, _ = stage.events()
    assert isinstance(revoked, DelegationRevoked)
    assert (revoked.principal_id, revoked.charger_id, revoked.asset) == (PAYER, TOOL, "cpu")


def test_within_bounds_and_no_further(stage: Stage) -> None:
    assert charged(stage, 10) == charged(stage, 10) == charged(stage, 5) == ""
    assert "25 are spent" in charged(stage, 1)
    assert "10 scrip per call, 11 wanted" in charged(stage, 11)
    assert spent(stage) == [25]


def test_what_was_refused_does_not_count(stage: Stage) -> None:
    for _ in range(5):
        assert charged(stage, 11)
    assert charged(stage, MAX_AMOUNT)
    assert spent(stage) == [0]


def test_a_window_opens_with_the_first_charge(stage: Stage) -> None:
    stage.now_ns = 7 * SECOND_NS
    assert charged(stage, 10) == charged(stage, 10) == ""
    stage.now_ns = 17 * SECOND_NS - 1
    assert charged(stage, 10), "the window that opened at 7 s is open until 17 s"
    assert spent(stage) == [20]
    stage.now_ns = 17 * SECOND_NS
    assert spent(stage) == [0]
    assert charged(stage, 10) == charged(stage, 10) == charged(stage, 5) == ""
    stage.now_ns = 27 * SECOND_NS - 1
    assert charged(stage, 1)


@pytest.mark.parametrize(
    ("payer", "charger", "asset"),
    [
        (OTHER, TOOL, "scrip"),
        (PAYER, OTHER, "scrip"),
        (PAYER, TOOL, "cpu"),
        ("nobody", TOOL, "scrip"),
        ("", TOOL, "scrip"),
        (f"{PAYER}/{TOOL}", TOOL, "scrip"),
        ("\ud800" * 5_000, TOOL, "scrip"),
    ],
)
def test_nobody_else_is_charged(stage: Stage, payer: str, charger: str, asset: str) -> None:
    why = charged(stage, 1, payer=payer, charger=charger, asset=asset)
    assert "has not delegated" in why
    assert len(why) < 300


def test_what_costs_nothing_needs_no_consent(stage: Stage) -> None:
    assert charged(stage, 0, payer=OTHER) == ""
    assert spent(stage) == [0]


def test_revoking_ends_it_at_once(stage: Stage) -> None:
    assert charged(stage, 10) == ""
    stage.do(PAYER, Revoke(TOOL))
    assert charged(stage, 1)
    assert stage.refused(PAYER, Revoke(TOOL)) == "not_found"
    assert spent(stage) == []


def test_new_bounds_do_not_open_a_new_window(stage: Stage) -> None:
    """Else a contract could be charged twice as much by making its payer agree again."""
    assert charged(stage, 10) == charged(stage, 10) == ""
    stage.do(PAYER, Delegate(TOOL, 15, 30, 10_000))
    assert charged(stage, 15)
    assert charged(stage, 10) == ""
    stage.do(PAYER, Delegate(TOOL, 5, 5, 10_000))
    assert charged(stage, 1), "more is spent than the new bounds allow"
    stage.now_ns = 10 * SECOND_NS
    assert charged(stage, 5) == ""


def test_scrip_and_cpu_are_delegated_apart(stage: Stage) -> None:
    stage.do(PAYER, Delegate(TOOL, 1_000, 1_000, 1_000, "cpu"))
    assert charged(stage, 1_000, asset="cpu") == ""
    assert charged(stage, 10) == ""
    stage.do(PAYER, Revoke(TOOL))
    stage.now_ns = SECOND_NS
    assert charged(stage, 1_000, asset="cpu") == ""


def test_a_charge_that_is_rolled_back_was_not_made(stage: Stage) -> None:
    assert charged(stage, 10) == ""
    with stage.world.scope() as scope:
        assert charged(stage, 10) == charged(stage, 5) == ""
        scope.roll_back()
        assert charged(stage, 1) == ""
    assert spent(stage) == [11]


def test_a_delegation_can_be_ended_when_its_charger_is_gone(stage: Stage) -> None:
    stage.do(OTHER, Delete(TOOL))
    stage.do(PAYER, Revoke(TOOL))


def test_ones_own_delegations_are_shown_and_no_others(stage: Stage) -> None:
    stage.do(OTHER, Delegate(PAYER, 1, 2, 3_000))
    assert stage.do(PAYER, Query("delegations"))["delegations"] == [
        {
            "charger": TOOL,
            "asset": "scrip",
            "max_per_call": 10,
            "max_per_window": 25,
            "window_ms": 10_000,
            "spent": 0,
        }
    ]


def test_a_refusal_says_why_and_nothing_else_happens(stage: Stage) -> None:
    refused = charge(stage.world, Turn(stage.agent(OTHER), 0), PAYER, TOOL, "scrip", 11)
    assert isinstance(refused, Refused)
    assert stage.events() == []
    assert stage.world.take_batch().records == []
