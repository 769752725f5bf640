"""New agents, and what agents are told to be."""

import pytest

from ecology.core.clock import SECOND_NS
from ecology.events.records import AgentSpawned, ArtifactCreated, ArtifactUpdated, TransferPosted
from ecology.kernel.actions import AgentConfig, Configure, Edit, Read, Spawn, Transfer, Write
from ecology.kernel.agent import Agent
from ecology.resources.assets import (
    ASSETS,
    CPU_CAPACITY,
    CPU_RATE,
    DISK,
    LLM_CAPACITY,
    LLM_RATE,
    SCRIP,
)
from ecology.resources.bucket import NANO
from ecology.testing.fingerprint import fingerprint
from ecology.testing.worlds import GRANTS, Stage

ME, OTHER, THIRD = "agent-0001", "agent-0002", "agent-0003"
MAKER = AgentConfig("maker")
ENDOWMENT = {asset: GRANTS[asset] // 10 for asset in ASSETS}


@pytest.fixture
def stage() -> Stage:
    stage = Stage.of(3)
    stage.events()
    return stage


def test_a_child_is_funded_by_its_parent_and_by_nobody_else(stage: Stage) -> None:
    before = {
        who: {asset: stage.world.available(stage.agent(who), asset) for asset in ASSETS}
        for who in (ME, OTHER)
    }
    stage.do(ME, Spawn("child", MAKER, ENDOWMENT))
    child = stage.agent("child")
    for asset in ASSETS:
        assert stage.world.available(child, asset) == ENDOWMENT[asset]
        assert stage.world.available(stage.agent(ME), asset) == before[ME][asset] - ENDOWMENT[asset]
        assert stage.world.available(stage.agent(OTHER), asset) == before[OTHER][asset]
        assert stage.world.supply(asset) == 3 * GRANTS[asset]
    assert set(stage.world.book.totals().values()) == {0}


def test_a_child_begins_with_empty_buckets_and_an_empty_mind(stage: Stage) -> None:
    stage.now_ns = 5 * SECOND_NS
    born: list[Agent] = []
    stage.world.born = born.append
    stage.do(ME, Spawn("child", MAKER, ENDOWMENT))
    child = stage.agent("child")
    assert born == [child]
    assert (child.ordinal, child.turn, child.status, child.wake_ns) == (4, 0, "active", 5 * SECOND_NS)
    assert (child.llm.level_nano, child.cpu.level_nano) == (0, 0)
    assert (child.llm.rate, child.llm.capacity) == (ENDOWMENT[LLM_RATE], ENDOWMENT[LLM_CAPACITY])
    assert (child.cpu.rate, child.cpu.capacity) == (ENDOWMENT[CPU_RATE], ENDOWMENT[CPU_CAPACITY])
    assert (child.inbox, child.missed, child.mind) == ([], 0, b"")
    assert child.llm.refill(6 * SECOND_NS) == ENDOWMENT[LLM_RATE]


def test_a_parents_level_stays_with_it_as_far_as_it_fits(stage: Stage) -> None:
    stage.do(ME, Spawn("child", MAKER, {DISK: 100, LLM_CAPACITY: 40_000}))
    assert stage.agent(ME).llm.level_nano == 60_000 * NANO


def test_a_birth_is_told_as_artifact_agent_and_transfers(stage: Stage) -> None:
    stage.do(ME, Spawn("child", MAKER, {SCRIP: 5, DISK: 100}))
    created, spawned, *posted, _ = stage.events()
    assert isinstance(created, ArtifactCreated)
    assert (created.artifact_id, created.artifact_type, created.owner) == ("child", "agent", ME)
    assert isinstance(spawned, AgentSpawned)
    assert (spawned.agent_id, spawned.parent_id, spawned.strategy, spawned.ordinal) == (
        "child",
        ME,
        "maker",
        4,
    )
    assert [(it.asset, it.amount) for it in posted if isinstance(it, TransferPosted)] == [
        (DISK, 100),
        (SCRIP, 5),
    ]
    assert {it.principal_id for it in (created, spawned, *posted)} == {ME}


def test_a_child_occupies_its_own_disk(stage: Stage) -> None:
    used = stage.agent(ME).disk_used
    stage.do(ME, Spawn("child", MAKER, {DISK: 100}))
    child = stage.agent("child")
    artifact = stage.world.shelf.find("child")
    assert artifact is not None
    assert (artifact.bearer, artifact.created_by, artifact.owner) == ("child", ME, ME)
    assert child.disk_used == artifact.size_bytes == len('{"strategy":"maker"}')
    assert stage.agent(ME).disk_used == used


def test_a_child_may_take_all_its_parent_has(stage: Stage) -> None:
    """Nothing forbids an agent to spend itself: it is blocked then, until somebody gives."""
    all_but_disk = {asset: GRANTS[asset] for asset in ASSETS if asset != DISK}
    stage.do(ME, Spawn("child", MAKER, {**all_but_disk, DISK: 100}))
    assert stage.agent(ME).llm.level_nano == 0
    assert stage.agent(ME).llm.capacity == 0


def test_generations(stage: Stage) -> None:
    stage.do(ME, Spawn("child", MAKER, {DISK: 1_000, SCRIP: 10}))
    stage.do("child", Spawn("grandchild", MAKER, {DISK: 100, SCRIP: 3}))
    assert [agent.id for agent in stage.world.roster] == [ME, OTHER, THIRD, "child", "grandchild"]
    assert stage.world.available(stage.agent("child"), SCRIP) == 7
    assert stage.refused("grandchild", Spawn("x", MAKER, {DISK: 100})) == "quota_in_use"


@pytest.mark.parametrize(
    ("contract", "who_may"),
    [
        ("self_owned", {"child"}),
        ("freeware", {ME}),
        ("private", {ME}),
        ("public", {ME, OTHER, "child"}),
        ("transferable_freeware", {ME}),
    ],
)
def test_a_configuration_is_changed_by_whom_its_contract_lets(
    stage: Stage, contract: str, who_may: set[str]
) -> None:
    stage.do(ME, Spawn("child", MAKER, {DISK: 500}, contract))
    for who in (ME, OTHER, "child"):
        for strategy, action in (
            ("trader", Write("child", '{"strategy":"trader"}')),
            ("maker", Edit("child", "trader", "maker")),
        ):
            if who in who_may:
                stage.do(who, action)
                assert stage.agent("child").config.strategy == strategy
            else:
                assert stage.refused(who, action) == "not_permitted"
    if "child" in who_may:
        stage.do("child", Configure("trader"))
    else:
        assert stage.refused("child", Configure("trader")) == "not_permitted"


def test_an_agent_is_nobodys_to_give(stage: Stage) -> None:
    stage.do(OTHER, Configure(accepts_from=["*"]))
    stage.do(ME, Spawn("child", MAKER, {DISK: 100}, "transferable_freeware"))
    assert stage.refused(ME, Transfer(OTHER, artifact="child")) == "is_principal"


def test_what_is_left_out_of_a_configuration_stays(stage: Stage) -> None:
    stage.do(ME, Configure("trader", "m", "p", {"b": 2, "a": 1}, ["*"]))
    stage.do(ME, Configure(prompt="q"))
    assert stage.agent(ME).config == AgentConfig("trader", "m", "q", {"a": 1, "b": 2}, ["*"])
    stage.do(ME, Configure(traits={}, accepts_from=[]))
    assert stage.agent(ME).config == AgentConfig("trader", "m", "q")
    stage.do(ME, Configure())
    assert stage.agent(ME).config_revision == 5


def test_a_new_configuration_is_a_new_revision_that_minds_can_see(stage: Stage) -> None:
    stage.do(ME, Configure("trader"))
    updated = stage.events()[0]
    assert isinstance(updated, ArtifactUpdated)
    assert (updated.artifact_id, updated.revision, updated.title) == (ME, 2, "trader")
    assert stage.agent(ME).config_revision == 2
    assert stage.do(ME, Read(ME))["content"] == '{"strategy":"trader"}'
    assert stage.refused(OTHER, Read(ME)) == "not_permitted"


def test_a_configuration_is_kept_in_one_form_whoever_wrote_it(stage: Stage) -> None:
    stage.do(ME, Write(ME, '{ "traits": {"b": 1, "a": 2},\n "strategy": "trader", "goods": [] }'))
    assert stage.do(ME, Read(ME))["content"] == '{"strategy":"trader","traits":{"a":2,"b":1}}'
    assert list(stage.agent(ME).config.traits) == ["a", "b"], "as the store gives it back"


def test_a_configuration_occupies_the_agents_own_disk(stage: Stage) -> None:
    stage.do(ME, Spawn("child", MAKER, {DISK: 100}, "public"))
    mine, childs = stage.agent(ME).disk_used, stage.agent("child").disk_used
    stage.do(ME, Write("child", '{"strategy":"maker","prompt":"0123456789"}'))
    assert stage.agent(ME).disk_used == mine
    assert stage.agent("child").disk_used == childs + len(',"prompt":"0123456789"')
    stage.do(ME, Write("child", '{"strategy":"maker"}'))
    assert stage.agent("child").disk_used == childs


def test_an_agent_keeps_its_own_copy_of_what_it_is(stage: Stage) -> None:
    traits = {"b": 1, "a": 2}
    goods = ["bread"]
    config = AgentConfig("maker", traits=traits, goods=goods)
    stage.do(ME, Spawn("child", config, {DISK: 200}, "public"))
    stage.do(ME, Configure(traits=traits))
    before = fingerprint(stage.world, stage.now_ns)
    traits.clear()
    goods.clear()
    assert fingerprint(stage.world, stage.now_ns) == before
    assert stage.agent("child").config == AgentConfig("maker", traits={"a": 2, "b": 1}, goods=["bread"])


def test_the_last_gift_of_an_endowment_is_no_news(stage: Stage) -> None:
    stage.do(ME, Spawn("child", MAKER, ENDOWMENT))
    assert stage.news("child") == []
    stage.do(ME, Transfer("child", 1))
    assert len(stage.news("child")) == 1
