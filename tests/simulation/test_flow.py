"""Worlds whose flow is changed while they live: what is spent follows it, and a resumed run goes on with it."""

from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest

from ecology.core.clock import SECOND_NS
from ecology.core.seeds import Draw
from ecology.engine.engine import Engine
from ecology.engine.observation import Observation
from ecology.events.records import ActionTaken, FlowChanged
from ecology.events.registry import Record
from ecology.kernel.actions import Action, Noop, Sleep, StatePredicate
from ecology.observe.projections import summarise
from ecology.store.audit import audit
from ecology.store.sqlite import SqliteStore
from ecology.testing.laws import broken_laws
from tests.support.faulty_store import MOMENTS, FaultyStore, Moment, PowerCut
from tests.support.flowing import change_flow
from tests.support.small_run import SmallRun, peopled
from tests.support.stored_run import StoredRun
from tests.support.thinkers import puppet

AGENTS = 4
CHANGES = ((100, 2_000_000), (200, 500_000))


def _work(view: Observation) -> Action:
    """Thinks as often as it can, and now and then sleeps until it can afford a few thoughts."""
    if view.draw.chance(10):
        return Sleep(30_000, until=StatePredicate("llm_tokens", "ge", 50))
    return Noop()


def _made(runs: Path, seed: int = 7, *, sleepers: bool = False) -> SmallRun:
    world = peopled({"worker": AGENTS}, duration="5m", seed=seed)
    return SmallRun.make(runs, world, {"worker": puppet(_work if sleepers else lambda view: Noop())})


def _changing(engine: Engine) -> None:
    change_flow(engine, CHANGES)


def _spent(events: list[Record], since_s: int, until_s: int) -> int:
    return sum(
        event.llm_millitokens
        for event in events
        if isinstance(event, ActionTaken) and since_s * SECOND_NS <= event.time_ns < until_s * SECOND_NS
    )


def test_what_is_spent_follows_the_flow(tmp_path: Path) -> None:
    """Of agents whom nothing but tokens holds up; the first seconds spend what the buckets began with."""
    run = _made(tmp_path)
    engine = run.live(meanwhile=_changing)
    events = run.events()
    assert [event.flow_ppm for event in events if isinstance(event, FlowChanged)] == [2_000_000, 500_000]
    granted, twice, half = (_spent(events, since, since + 80) for since in (20, 120, 220))
    assert twice == pytest.approx(2 * granted, rel=0.05)
    assert half == pytest.approx(granted / 2, rel=0.05)
    assert not broken_laws(engine.world)
    assert [check for check in audit(run.directory.database) if not check.ok] == []


def test_less_flow_wakes_nobody_early(tmp_path: Path) -> None:
    """From the change on there is the pause of the lower flow between two turns, and never a shorter one."""
    run = _made(tmp_path)
    run.live(meanwhile=_changing)
    turns: dict[str, list[int]] = {}
    for event in run.events():
        if isinstance(event, ActionTaken) and event.time_ns > 200 * SECOND_NS:
            turns.setdefault(event.principal_id or "", []).append(event.time_ns)
    pauses = {later - earlier for times in turns.values() for earlier, later in pairwise(times)}
    assert len(turns) == AGENTS
    assert max(pauses) - min(pauses) < SECOND_NS // 100, "all that flows in a pause is one thought's price"


def test_the_measures_know_what_flowed(tmp_path: Path) -> None:
    run = _made(tmp_path)
    run.live(meanwhile=_changing)
    measured = summarise(run.events())
    assert (measured.flow.changes, measured.flow.least, measured.flow.most, measured.flow.last) == (
        2,
        0.5,
        2.0,
        0.5,
    )
    assert measured.flow.mean == pytest.approx(3.5 / 3)
    assert measured.scarcity["llm_rate"].share_used == pytest.approx(1.0, abs=0.05)


@pytest.mark.parametrize("seed", range(4))
def test_a_resumed_run_keeps_its_flow(seed: int, tmp_path: Path) -> None:
    whole = _made(tmp_path / "whole", seed, sleepers=True)
    whole.live(group_turns=16, meanwhile=_changing)
    draw, run, cuts = Draw(seed, 1), _made(tmp_path / "cut", seed, sleepers=True), Counter[str]()
    for _ in range(4):
        at, moment = draw.between(2, 40), draw.choice(MOMENTS)

        def faulty(store: SqliteStore, at: int = at, moment: Moment = moment) -> FaultyStore:
            return FaultyStore(store, at, moment)

        try:
            run.live(group_turns=draw.between(1, 8), wrap=faulty, meanwhile=_changing)
        except PowerCut:
            cuts[moment] += 1
    run.live(group_turns=draw.between(1, 40), meanwhile=_changing)
    assert cuts
    assert StoredRun.read(run.path).difference(StoredRun.read(whole.path)) == ""
