"""Long random lives of a kernel without an engine: no law is ever broken, and a reloaded world goes on as the live one.

Deeper than `tests/property/test_kernel.py`, whose failures Hypothesis makes small; here the seed is all there is.
"""

from collections import Counter

import pytest

from ecology.core.clock import MILLISECOND_NS
from ecology.core.outcome import Committed, Refused
from ecology.core.seeds import Draw
from ecology.kernel.actions import NAME_OF, Configure
from ecology.kernel.world import World
from ecology.testing.fingerprint import fingerprint
from ecology.testing.worlds import Stage
from tests.support.deeds import Doer
from tests.support.double import Double
from tests.support.refusing import REFUSED, reasons_of

DEEDS = 400
SEEDS = range(24)
ELSEWHERE = {"noop", "invoke", "bid", "list", "buy", "cancel", "delegate", "revoke", "remember", "recall"}
"""What has no life here: `test_economy.py` has it, `test_memory.py` has memories, and nobody what does nothing."""


def live(seed: int) -> Counter[str]:
    """A life, and how often what was done in it."""
    draw = Draw(seed)
    world = Double(seed)
    done: Counter[str] = Counter()
    try:
        for deed in range(DEEDS):
            who, action = Doer(draw, world.live.world).deed()
            outcome = world.act(who, action)
            name = NAME_OF[type(action)]
            if isinstance(outcome, Committed):
                done[name] += 1
            elif isinstance(outcome, Refused):
                assert outcome.reason in reasons_of(name), (action, outcome)
                done["refused"] += 1
            else:
                done["nobody awake"] += 1
            world.think(who, 1 + draw.below(12))
            if draw.chance(40):
                world.pass_time(draw.below(4_000) * MILLISECOND_NS)
            if deed % 5 == 0:
                world.check()
            if draw.chance(4):
                world.commit()
            elif draw.chance(1):
                world.crash()
        world.commit()
        world.check()
    finally:
        world.close()
    return done


@pytest.mark.parametrize("seed", SEEDS)
def test_a_long_life_breaks_no_law(seed: int) -> None:
    done = live(seed)
    assert done["refused"] < DEEDS * 0.8, f"seed {seed} did next to nothing: {done}"


def test_lives_are_not_spent_on_doing_nothing() -> None:
    done = live(1_000) + live(1_001)
    assert set(done) >= set(REFUSED) - ELSEWHERE, f"only {done}"


def rows(world: World, now_ns: int) -> dict[str, object]:
    """What the store keeps of each agent and each artifact, by name."""
    state = fingerprint(world, now_ns)
    kept: dict[str, object] = {}
    for part, name in (("agents", "id"), ("artifacts", "id")):
        described = state[part]
        assert isinstance(described, list)
        kept |= {f"{part}/{row[name]}": row for row in described}
    return kept


@pytest.mark.parametrize("seed", range(4))
def test_whatever_a_deed_changes_belongs_to_its_batch(seed: int) -> None:
    """A row that is changed and not handed to the store is lost in a crash, if nothing else happens to touch it."""
    stage = Stage.of(5)
    draw = Draw(seed)
    doer = Doer(draw, stage.world)
    for agent in stage.world.roster:
        stage.do(agent.id, Configure(accepts_from=["*"]))
        agent.waiting_on = draw.choice((None, "llm_rate"))
    stage.events()
    for _ in range(300):
        who, action = doer.deed()
        if stage.agent(who).status == "asleep":
            stage.pass_time(5_000 * MILLISECOND_NS)
            stage.events()
            continue
        before = rows(stage.world, stage.now_ns)
        turn = stage.turn(who)
        stage.kernel.act(turn, action)
        batch = stage.world.take_batch()
        stage.world.shelf.contents.committed()
        after = rows(stage.world, stage.now_ns)
        changed = {name for name, row in after.items() if before.get(name) != row}
        taken = {f"agents/{agent.id}" for agent in batch.agents}
        taken |= {f"artifacts/{artifact.id}" for artifact in batch.artifacts}
        assert changed <= taken, f"seed {seed}: {action} changed {changed - taken} and did not say so"
        turn.agent.turn += 1
        stage.agent(who).llm.drain(draw.below(3_000))
