"""Listings, rents and delegations outlive the process: what is due after a crash happens at the same nanosecond."""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from ecology.core.seeds import Draw
from ecology.engine.observation import Observation
from ecology.events.economy import ListingSold, RightRented, RightReverted
from ecology.events.registry import Record
from ecology.kernel.actions import Action, Buy, Cancel, Delegate, Edit, List, Query, Revoke, Sleep, Write
from ecology.resources.assets import CPU_RATE, DISK, LLM_BUDGET, LLM_CAPACITY, LLM_RATE
from ecology.store.sqlite import SqliteStore
from tests.support.faulty_store import MOMENTS, FaultyStore, Moment, PowerCut
from tests.support.small_run import SmallRun, peopled
from tests.support.stored_run import StoredRun
from tests.support.thinkers import puppet

Lived = Callable[[int], tuple[StoredRun, list[Record]]]

SEEDS = 16
AGENTS = 6


def _trade(view: Observation) -> Action:
    """A deed of the market, drawn by agent and turn alone: most listings one could know of may be sold by then."""
    draw, me = view.draw, view.agent_id
    if view.turn == 0:
        return Write(f"work-of-{me}", "one", contract="transferable_freeware")
    kind = draw.below(100)
    if kind < 30:
        asset = draw.choice((LLM_RATE, LLM_CAPACITY, CPU_RATE, DISK, LLM_BUDGET))
        amount = 1 + max(0, view.right(asset)) // 50
        return List(
            1 + draw.below(3), asset=asset, amount=amount, rent_ms=draw.choice((0, 1_500, 4_000, 9_000))
        )
    if kind < 70:
        return Buy(f"listing-{1 + draw.below(2 + view.turn * AGENTS // 3)}")
    if kind < 78:
        return List(2, artifact=f"work-of-{me}")
    if kind < 82:
        return Edit(f"work-of-{me}", "o", "oo")
    if kind < 86:
        return Cancel(f"listing-{1 + draw.below(2 + view.turn * AGENTS // 3)}")
    if kind < 90:
        return Delegate(f"work-of-agent-000{1 + draw.below(AGENTS)}", 2, 9, 5_000)
    if kind < 92:
        return Revoke(f"work-of-agent-000{1 + draw.below(AGENTS)}")
    return Query("listings") if kind < 96 else Sleep(200 + draw.below(800))


def _make(directory: Path, seed: int) -> SmallRun:
    world = peopled({"dealer": AGENTS}, duration="40s", seed=seed)
    return SmallRun.make(directory, world, {"dealer": puppet(_trade)})


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Lived:
    """What the world of a seed comes to when nothing happens to it, and its events."""

    @cache
    def of(seed: int) -> tuple[StoredRun, list[Record]]:
        run = _make(tmp_path_factory.mktemp("whole"), seed)
        run.live(group_turns=16)
        return StoredRun.read(run.path), run.events()

    return lambda seed: of(seed % 4)


@pytest.mark.parametrize("seed", range(SEEDS))
def test_a_market_goes_on_as_if_it_had_never_stopped(seed: int, tmp_path: Path, whole: Lived) -> None:
    draw = Draw(seed, 1)
    run = _make(tmp_path, seed % 4)
    for _ in range(draw.between(1, 4)):
        at, moment = draw.between(2, 25), draw.choice(MOMENTS)

        def faulty(store: SqliteStore, at: int = at, moment: Moment = moment) -> FaultyStore:
            return FaultyStore(store, at, moment)

        with pytest.raises(PowerCut):
            run.live(group_turns=draw.between(1, 4), wrap=faulty)
    run.live(group_turns=draw.between(1, 40))
    stored, events = whole(seed)
    assert StoredRun.read(run.path).difference(stored) == "", f"seed {seed}"
    ends = {event.rental_id: event.until_ns for event in events if isinstance(event, RightRented)}
    ended = {event.rental_id: event.time_ns for event in events if isinstance(event, RightReverted)}
    assert len([event for event in events if isinstance(event, ListingSold)]) > 20
    assert len(ended) > 5
    assert {rental: ends[rental] for rental in ended} == ended
    assert stored.tables["registers"], "some offers and rents are open when the run is over"
