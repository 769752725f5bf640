"""The beginning of a world."""

from ecology.core.clock import SECOND_NS
from ecology.core.ids import WORLD
from ecology.events.records import AgentSpawned, ArtifactCreated, RunStarted, TransferPosted
from ecology.kernel.actions import AgentConfig
from ecology.kernel.genesis import Settler, found
from ecology.resources.assets import ASSETS, CPU_CAPACITY, DISK, LLM_CAPACITY, LLM_RATE, SCRIP
from ecology.resources.bucket import NANO
from ecology.testing.fingerprint import fingerprint
from ecology.testing.worlds import GRANTS, MemoryStore, Stage, empty_world, populate


def test_everybody_has_what_was_granted_and_nothing_came_from_nowhere() -> None:
    stage = Stage.of(5)
    for asset in ASSETS:
        assert [stage.world.available(agent, asset) for agent in stage.world.roster] == [GRANTS[asset]] * 5
        assert stage.world.supply(asset) == 5 * GRANTS[asset]
    assert set(stage.world.book.totals().values()) == {0}


def test_the_first_event_says_what_world_it_is() -> None:
    stage = Stage.of(2, seed=77)
    started, *rest = stage.events()
    assert isinstance(started, RunStarted)
    assert (started.sequence, started.seed, started.agents) == (1, 77, 2)
    assert [event.sequence for event in rest] == list(range(2, len(rest) + 2))
    assert {event.time_ns for event in rest} == {0}
    assert {event.principal_id for event in rest} == {None}


def test_every_grant_is_announced() -> None:
    stage = Stage.of(2)
    events = stage.events()
    granted = [(it.to_id, it.asset, it.amount) for it in events if isinstance(it, TransferPosted)]
    assert granted == [(f"agent-000{n}", asset, GRANTS[asset]) for n in (1, 2) for asset in ASSETS]
    assert {it.from_id for it in events if isinstance(it, TransferPosted)} == {WORLD}
    assert [it.agent_id for it in events if isinstance(it, AgentSpawned)] == ["agent-0001", "agent-0002"]
    assert sum(isinstance(it, ArtifactCreated) for it in events) == 2


def test_buckets_are_full_inboxes_empty_and_first_turns_spread_over_a_second() -> None:
    stage = Stage.of(50)
    for agent in stage.world.roster:
        assert agent.llm.level_nano == GRANTS[LLM_CAPACITY] * NANO
        assert agent.cpu.level_nano == GRANTS[CPU_CAPACITY] * NANO
        assert agent.inbox == []
        assert 0 <= agent.wake_ns == agent.due_ns < SECOND_NS
    assert len({agent.wake_ns for agent in stage.world.roster}) > 45


def test_who_is_granted_nothing_has_nothing() -> None:
    stage = Stage.of(1, {DISK: 100})
    agent = stage.agent("agent-0001")
    assert [stage.world.available(agent, asset) for asset in ASSETS if asset != DISK] == [0] * (
        len(ASSETS) - 1
    )
    assert (agent.llm.level_nano, agent.llm.capacity, agent.llm.rate) == (0, 0, 0)
    assert set(stage.world.book.totals().values()) <= {0}


def test_a_capacity_beyond_what_can_be_stored_fills_up_to_what_can() -> None:
    stage = Stage.of(1, {DISK: 100, LLM_CAPACITY: 10**15, LLM_RATE: 1})
    bucket = stage.agent("agent-0001").llm
    assert bucket.level_nano == bucket.capacity * NANO < 2**63


def test_the_same_seed_is_the_same_world_and_another_is_another() -> None:
    def of(seed: int) -> object:
        world = fingerprint(Stage.of(4, seed=seed).world, 0)
        return {name: part for name, part in world.items() if name != "seed"}

    assert of(1) == of(1)
    assert of(1) != of(2)


def test_settlers_may_differ() -> None:
    world = empty_world(MemoryStore())
    world.strategy_fault = lambda name: None
    rich = Settler(AgentConfig("maker", traits={"b": 1, "a": 2}), {SCRIP: 500, DISK: 1_000})
    poor = Settler(AgentConfig("trader"), {DISK: 1_000})
    found(world, [rich, poor], scenario="s", scenario_sha256="0" * 64, clock="virtual")
    first, second = world.roster
    assert (world.available(first, SCRIP), world.available(second, SCRIP)) == (500, 0)
    assert (first.config, second.config) == (rich.config, poor.config)
    assert first.config.traits is not rich.config.traits, "settlers of a group do not share what they are"


def test_a_world_can_be_empty() -> None:
    world = populate(empty_world(MemoryStore()), 0)
    assert world.roster == []
    assert world.supply(SCRIP) == 0
