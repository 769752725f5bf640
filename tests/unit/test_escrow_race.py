"""Many buyers for one thing, each in a turn of its own, through the whole engine."""

from collections import Counter

import pytest

from ecology.events.economy import ListingSold
from ecology.events.records import ActionTaken
from ecology.events.subscriptions import EventFilter, Predicate
from ecology.kernel.actions import Action, Buy, List, Sleep, Write
from ecology.resources.assets import LLM_RATE, SCRIP
from ecology.testing.laws import broken_laws
from ecology.testing.worlds import GRANTS
from tests.support.market import FREE
from tests.support.thinkers import live, of, puppet, settle


@pytest.mark.parametrize(
    "goods",
    [
        {"artifact": "prize"},
        {"asset": LLM_RATE, "amount": 50},
        {"asset": LLM_RATE, "amount": 50, "rent_ms": 1_000},
    ],
    ids=["artifact", "right", "rent"],
)
def test_of_fifty_buyers_at_once_exactly_one_succeeds(goods: dict[str, object]) -> None:
    """All fifty wake at the same event and try in the same nanosecond, each in a turn of its own."""
    world, store = settle(["seller", *["buyer"] * 50])
    name = "agent-0001"

    def sell(view: object) -> Action:
        turn = world.agents[name].turn
        if turn == 0:
            return Write("prize", "!", contract=FREE)
        return List(10, **goods) if turn == 1 else Sleep(60_000)  # type: ignore[arg-type]

    def want(view: object) -> Action:
        if not world.offices.world.listings:
            return Sleep(60_000, EventFilter("escrow.listed", [Predicate("listing_id", "eq", "listing-1")]))
        return Buy("listing-1")

    events = live(world, store, {"seller": puppet(sell), "buyer": puppet(want)}, 3, budgeted=False)
    outcomes = Counter(
        (event.outcome, event.reason) for event in of(events, ActionTaken) if event.action == "buy"
    )
    assert outcomes[("committed", None)] == 1
    assert set(outcomes) == {("committed", None), ("refused", "listing_closed")}
    assert len({event.principal_id for event in of(events, ActionTaken) if event.action == "buy"}) == 50
    assert len(of(events, ListingSold)) == 1
    assert world.available(world.agents[name], SCRIP) == GRANTS[SCRIP] + 10
    assert not broken_laws(world)
