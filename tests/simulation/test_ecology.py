"""Every shipped scenario is an ecology: money moves, wealth diverges, work is reused, and what should be scarce is."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import pytest

from ecology.core.ids import WORLD
from ecology.engine.strategies import STRATEGIES
from ecology.events.economy import BidClosed
from ecology.events.records import (
    AgentFailed,
    AgentSpawned,
    AgentStateChanged,
    OwnershipMoved,
    TransferPosted,
)
from ecology.events.registry import Record
from ecology.observe.measures.wealth import gini
from ecology.observe.projections import RunMeasures, summarise
from ecology.resources.assets import SCRIP
from tests.support.small_run import SmallRun, scenario
from tests.support.stored_run import wrongs

SPANS = {"container": "30m", "commons": "20m", "market": "30m", "famine": "2h"}
BINDING = {
    "container": {"llm_rate"},
    "commons": {"llm_rate", "disk"},
    "market": {"llm_rate", "disk"},
    "famine": {"llm_rate", "llm_budget"},
}
"""What each scenario says it is short of. A famine takes longer than half an hour."""

SCENARIOS = tuple(SPANS)


class Lived(NamedTuple):
    """A scenario that was lived with its own population: its events, its measures, and what the audit found wrong."""

    events: list[Record]
    measured: RunMeasures
    wrongs: list[str]

    def grants(self) -> Mapping[str, int]:
        """The scrip that each agent began with."""
        return {
            event.to_id: event.amount
            for event in self.events
            if isinstance(event, TransferPosted)
            and (event.from_id, event.asset, event.time_ns) == (WORLD, SCRIP, 0)
        }

    def gains(self) -> dict[str, float]:
        """What an agent of each strategy gained on the average."""
        fortunes = self.measured.measures.strategies
        owned = sum(each.mean_wealth * each.agents for each in fortunes)
        assert owned == pytest.approx(self.measured.measures.supply)
        begun: dict[str, list[int]] = {}
        strategy_of = {
            event.agent_id: event.strategy for event in self.events if isinstance(event, AgentSpawned)
        }
        for agent, amount in self.grants().items():
            begun.setdefault(strategy_of[agent], []).append(amount)
        return {
            each.strategy: each.mean_wealth - sum(begun[each.strategy]) / len(begun[each.strategy])
            for each in fortunes
        }


@cache
def lived(name: str) -> Lived:
    """A scenario as it ships, with its own seed; lived once for all tests."""
    with TemporaryDirectory() as folder:
        run = SmallRun.make(Path(folder), scenario(name, duration=SPANS[name]))
        run.live()
        events = run.events()
        return Lived(events, summarise(iter(events)), wrongs(run.path))


@pytest.mark.parametrize("name", SCENARIOS)
def test_it_is_lived_to_its_end_and_every_invariant_holds(name: str) -> None:
    world = lived(name)
    assert world.measured.identity.outcome == "duration reached"
    assert world.wrongs == []


@pytest.mark.parametrize("name", SCENARIOS)
def test_money_moves_and_wealth_diverges(name: str) -> None:
    measures = lived(name).measured.measures
    assert measures.velocity is not None and measures.velocity > 0
    begun, ended = gini(lived(name).grants().values()), measures.gini
    assert begun is not None and ended is not None
    assert ended > begun + 0.05


@pytest.mark.parametrize("name", SCENARIOS)
def test_what_some_make_others_use(name: str) -> None:
    measures = lived(name).measured.measures
    assert measures.reuse is not None and measures.reuse > 0.05
    assert measures.capital_depth >= 2
    assert measures.coordination_density is not None and measures.coordination_density > 0


@pytest.mark.parametrize("name", SCENARIOS)
def test_scarcity_binds_where_the_scenario_says(name: str) -> None:
    scarcity = lived(name).measured.scarcity
    assert {resource for resource, found in scarcity.items() if found.binds} == BINDING[name]


@pytest.mark.parametrize("name", SCENARIOS)
def test_no_strategy_crashes_or_acts_in_vain(name: str) -> None:
    world = lived(name)
    assert not [event for event in world.events if isinstance(event, AgentFailed)]
    assert sum(world.measured.refusals.values()) < 0.05 * world.measured.actions


@pytest.mark.parametrize("name", SCENARIOS)
def test_no_scrip_comes_from_nowhere(name: str) -> None:
    """It is granted at the start, or minted for a work that won and was scored."""
    world = lived(name)
    later = [
        event
        for event in world.events
        if isinstance(event, TransferPosted) and event.from_id == WORLD and event.time_ns
    ]
    minted = sum(event.minted for event in world.events if isinstance(event, BidClosed))
    assert {event.memo for event in later} <= {"mint"}
    assert sum(event.amount for event in later) == minted
    assert world.measured.measures.supply == sum(world.grants().values()) + minted > 0
    assert (minted > 0) == (name == "market"), "only there does anybody bid"


@pytest.mark.parametrize("name", SCENARIOS)
def test_goods_change_hands_for_money(name: str) -> None:
    events = lived(name).events
    bought = [
        event for event in events if isinstance(event, TransferPosted) and event.memo.startswith("buy ")
    ]
    delivered = [event for event in events if isinstance(event, OwnershipMoved)]
    assert len(bought) > 20
    assert len(delivered) > len(bought) / 5


def test_strategies_fare_differently_in_different_worlds() -> None:
    """By what an agent gained on what it was given: no order of strategies is the order everywhere."""
    gains = {name: lived(name).gains() for name in SCENARIOS}
    for name, each in gains.items():
        assert max(each.values()) > 0 > min(each.values()), f"{name}: somebody gains and somebody loses"
    everywhere = set.intersection(*(set(each) for each in gains.values()))
    assert len(everywhere) >= 4
    orders = {tuple(sorted(everywhere, key=each.__getitem__)) for each in gains.values()}
    assert len(orders) >= 2
    assert len({max(each, key=each.__getitem__) for each in gains.values()}) >= 2, (
        "and no one wins everywhere"
    )


def test_all_strategies_live_somewhere() -> None:
    assert {strategy for name in SCENARIOS for strategy in lived(name).gains()} == set(STRATEGIES)


def test_in_a_famine_thinking_ends_for_many_and_some_are_given_more() -> None:
    events = lived("famine").events
    starved = {
        event.agent_id
        for event in events
        if isinstance(event, AgentStateChanged) and (event.state, event.reason) == ("blocked", "llm_budget")
    }
    assert len(starved) > 10
    given = [event for event in events if isinstance(event, TransferPosted) and event.memo == "gift"]
    assert "llm_budget" in {event.asset for event in given}
