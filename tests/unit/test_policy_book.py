"""Minds by name: what a world offers, and what happens to whoever changes its own."""

import pytest

from ecology import scenarios
from ecology.core.outcome import Outcome, Refused
from ecology.engine.observation import Observation
from ecology.engine.policy import Policy, PolicyBook
from ecology.engine.strategies import STRATEGIES
from ecology.engine.strategies.characters import Hoarder, Trader
from ecology.events.records import ActionTaken
from ecology.kernel import refusals
from ecology.kernel.actions import Action, AgentConfig, Configure, Noop, Sleep
from ecology.scenarios.population import STRATEGIES as KNOWN
from ecology.testing.worlds import Stage
from tests.support.thinkers import live, of, puppet, settle


def rest(view: Observation) -> Action:
    return Sleep(duration_ms=600_000)


def test_a_mind_is_built_from_its_configuration_and_its_memory() -> None:
    built: list[tuple[AgentConfig, bytes]] = []

    def build(config: AgentConfig, dumped: bytes) -> Policy:
        built.append((config, dumped))
        return puppet(rest)(config, dumped)

    book = PolicyBook({"mine": build, **STRATEGIES})
    config = AgentConfig(strategy="mine", traits={"zeal": 3})
    book.build(config, b"remembered")
    assert built == [(config, b"remembered")]
    assert type(book.build(AgentConfig(strategy="trader"), b"")) is Trader


def test_a_name_that_is_none_is_explained() -> None:
    book = PolicyBook({"b": puppet(rest), "a": puppet(rest)})
    assert book.fault("a") is None
    assert book.fault("c" * 100) == f"no strategy '{'c' * 64}'; there are a, b"


def test_a_book_is_closed() -> None:
    """What is added to the caller's dict afterwards is not in the world."""
    factories = {"a": puppet(rest)}
    book = PolicyBook(factories)
    factories["b"] = puppet(rest)
    assert book.fault("b") is not None


def test_scenarios_and_engine_know_the_same_strategies() -> None:
    """A default population is dealt out of what there is, first things first; the others must be asked for."""
    assert tuple(STRATEGIES)[: len(KNOWN)] == KNOWN
    asked_for = {group.strategy for name in scenarios.names() for group in scenarios.load(name).population}
    assert asked_for == set(STRATEGIES)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_every_strategy_begins_with_nothing(strategy: str) -> None:
    policy = PolicyBook(STRATEGIES).build(AgentConfig(strategy=strategy), b"")
    assert not policy.slow
    again = PolicyBook(STRATEGIES).build(AgentConfig(strategy=strategy), policy.dump())
    assert again.dump() == policy.dump()


def test_an_agent_cannot_become_what_there_is_not() -> None:
    world, store = settle(["a"])
    learned: list[Outcome] = []

    def change(view: Observation) -> Action:
        return Configure(strategy="wizard") if view.turn == 0 else rest(view)

    events = live(world, store, {"a": puppet(change, learned)}, 10)
    assert [turn.reason for turn in of(events, ActionTaken)] == [refusals.UNKNOWN_STRATEGY, None]
    assert isinstance(learned[0], Refused)
    assert learned[0].detail == "no strategy 'wizard'; there are a"


def test_an_agent_becomes_another_at_its_next_turn() -> None:
    world, store = settle(["a"])
    seen: list[str] = []

    def change(view: Observation) -> Action:
        seen.append(f"a {view.turn}")
        return Configure(strategy="b", traits={"zeal": 1})

    def live_on(view: Observation) -> Action:
        seen.append(f"b {view.turn} {view.config.traits}")
        return Noop() if view.turn < 2 else rest(view)

    live(world, store, {"a": puppet(change), "b": puppet(live_on)}, 10)
    assert seen == ["a 0", "b 1 {'zeal': 1}", "b 2 {'zeal': 1}"]


def test_a_citizen_keeps_its_memory_when_its_traits_change() -> None:
    """Within the same strategy a configuration is news, not a new life."""
    stage = Stage.of()
    first = Hoarder(AgentConfig("hoarder", traits={"price": 7}), b"")
    first.memory.trust["agent-0002"] = 5
    second = Hoarder(AgentConfig("hoarder", traits={"price": 9}), first.dump())
    assert second.memory.trust == {"agent-0002": 5}
    assert (second.price, second.memory.ask) == (9, 7)
    assert stage.agent("agent-0001").mind == b""
