"""Deeds in scopes within scopes, rolled back at random: a world that tried is the world that never did, for ever after.

Two worlds do the same, except that only one of them also tries what is taken back. After every turn they are equal in
everything, and so are the databases they are committed to.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ecology.core.clock import MILLISECOND_NS
from ecology.core.seeds import Draw
from ecology.kernel.actions import (
    Action,
    Configure,
    Invoke,
    Read,
    Sleep,
    Spawn,
    Subscribe,
    Transfer,
    Unsubscribe,
    Write,
)
from ecology.kernel.batch import Turn
from ecology.kernel.world import SYSTEM_KEY
from ecology.store.sqlite import SqliteStore
from ecology.testing.fingerprint import fingerprint
from ecology.testing.laws import broken_laws
from ecology.testing.worlds import STRATEGIES, Stage, populate
from tests.support.deeds import UNDER, Doer
from tests.support.double import POOR
from tests.support.market_deeds import MarketDoer
from tests.support.stored_run import tables_of, wrongs_of_database

TURNS = 250
SEEDS = range(12)
MET = {"escrow.listed", "escrow.sold", "mint.bid", "delegation.granted", "artifact.owner", "hold.closed"}
"""Events of every life that is worth looking at."""

NO_UNDO = (Sleep, Subscribe, Unsubscribe, Spawn)
"""What attends to agents: never done by what may fail."""

Kept = list[tuple[int, Action]]
"""Deeds that nobody took back, each with how many transfers its turn had made before."""


class Slip(Exception):
    """Something goes wrong in the middle of a scope."""


class Trader(MarketDoer):
    """Draws the deeds of an economy in which nobody's code runs: what a run has cost is never taken back."""

    def deed_of(self, who: str) -> Action:
        action = super().deed_of(who)
        return Read(action.artifact) if isinstance(action, Invoke) else action

    def _contract(self) -> str:
        return self._draw.choice(("pay_per_use(1)", "pay_per_use(4)", *UNDER))


class Stored:
    """A stage on a database of its own."""

    def __init__(self, path: Path, seed: int) -> None:
        self.path = path
        self._seed = seed
        self._store = SqliteStore.create(path)
        self.stage = Stage(populate(self._store.new_world(seed=seed, default_contract="freeware"), 4, POOR))

    def commit(self, *, reload: bool) -> None:
        stage = self.stage
        for agent in (
            stage.world.roster
        ):  # who looked at its bucket has it brought up to that time, which is all the same
            agent.llm.refill(stage.now_ns)
            agent.cpu.refill(stage.now_ns)
            stage.world.touch(agent)
        self._store.write(stage.world.take_batch(), stage.now_ns)
        self._store.commit()
        stage.world.shelf.contents.committed()
        if reload:
            self._store.close()
            self._store = SqliteStore.open(self.path)
            world, now_ns = self._store.load_world(seed=self._seed, default_contract="freeware")
            world.strategy_fault = stage.world.strategy_fault
            self.stage = Stage(world, now_ns)

    def state(self) -> dict[str, object]:
        return fingerprint(self.stage.world, self.stage.now_ns)

    def close(self) -> None:
        self._store.close()


def state_of(stage: Stage) -> dict[str, object]:
    return fingerprint(stage.world, stage.now_ns)


def wakes(stage: Stage) -> list[int]:
    """The agents that were woken; the world itself may be woken for nothing, and finds that nothing is due."""
    return [ordinal for ordinal in stage.woken if ordinal != SYSTEM_KEY]


def attempt(stage: Stage, turn: Turn, doer: Doer, draw: Draw, depth: int = 0) -> Kept:
    """Some deeds and deeper attempts in a scope; what is left of them."""
    kept: Kept = []
    before = state_of(stage)
    ending = draw.choice(("kept", "kept", "back", "back, then more", "slip"))
    try:
        with stage.world.scope() as scope:
            kept = _deeds(stage, turn, doer, draw, depth)
            if ending.startswith("back"):
                scope.roll_back()
                assert state_of(stage) == before, "after a roll back in an open scope"
                kept = _deeds(stage, turn, doer, draw, depth) if ending != "back" else []
            elif ending == "slip":
                raise Slip
    except Slip:
        assert state_of(stage) == before, "after an exception in a scope"
        return []
    return kept


def _deeds(stage: Stage, turn: Turn, doer: Doer, draw: Draw, depth: int) -> Kept:
    kept: Kept = []
    for _ in range(draw.below(4)):
        if depth < 3 and draw.chance(35):
            kept += attempt(stage, turn, doer, draw, depth + 1)
            continue
        action = doer.deed_of(turn.agent.id)
        if not isinstance(action, NO_UNDO):
            kept.append((turn.step, action))
            stage.kernel.act(turn, action)
    return kept


def again(stage: Stage, turn: Turn, kept: Kept) -> None:
    """What was left of an attempt, by somebody who never tried more."""
    with stage.world.scope():
        for step, action in kept:
            turn.step = step
            stage.kernel.act(turn, action)


@pytest.fixture
def two(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[tuple[Stored, Stored]]:
    seed = request.getfixturevalue("seed")
    pair = []
    for name in ("tried", "never"):
        (tmp_path / name).mkdir()
        pair.append(Stored(tmp_path / name / "ecology.sqlite", seed))
    yield pair[0], pair[1]
    for one in pair:
        one.close()


@pytest.mark.parametrize("seed", SEEDS)
def test_what_is_rolled_back_never_was(seed: int, two: tuple[Stored, Stored]) -> None:
    tried, never = two
    draw = Draw(seed, 1)
    for one in two:
        for agent in list(one.stage.world.roster):
            one.stage.do(agent.id, Configure(accepts_from=["*"]))
    for turn_number in range(TURNS):
        live, plain = tried.stage, never.stage
        doer = Trader(draw, live.world)
        who, action = doer.deed()
        if live.agent(who).status == "asleep":
            for stage in (live, plain):
                stage.pass_time(20_000 * MILLISECOND_NS)
            continue
        turns = live.turn(who), plain.turn(who)
        if draw.chance(60):
            kept = attempt(live, turns[0], doer, draw)
            again(plain, turns[1], kept)
        else:
            outcomes = [
                stage.kernel.act(turn, action) for stage, turn in zip((live, plain), turns, strict=True)
            ]
            assert outcomes[0] == outcomes[1], f"seed {seed}, turn {turn_number}: {action}"
        for stage, turn in zip((live, plain), turns, strict=True):
            turn.agent.turn += 1
            stage.world.touch(turn.agent)
        assert wakes(live) == wakes(plain)
        assert tried.state() == never.state(), f"seed {seed}, turn {turn_number}"
        assert broken_laws(live.world) == [], f"seed {seed}, turn {turn_number}"
        if draw.chance(15):
            reload = draw.chance(50)
            for one in two:
                one.commit(reload=reload)
            assert tried.state() == never.state(), f"seed {seed}, turn {turn_number}, committed"
    for one in two:
        one.commit(reload=True)
    assert tried.state() == never.state()
    tables = tables_of(tried.path)
    assert tables == tables_of(never.path)
    assert {row[2] for row in tables["events"]} >= MET
    assert wrongs_of_database(tried.path.parent) == []


def test_an_account_that_was_granted_and_taken_back_can_be_granted_again() -> None:
    stage = Stage.of(2)
    before = state_of(stage)
    treasury = Write("treasury", "x", standing=True)
    with stage.world.scope() as scope:
        assert stage.do("agent-0001", treasury)
        stage.do("agent-0001", Transfer("treasury", 10))
        scope.roll_back()
        stage.agent("agent-0001").turn = 0
        assert state_of(stage) == before
    stage.do("agent-0001", treasury)
    stage.do("agent-0002", Transfer("treasury", 10))
    assert stage.world.available(stage.world.principals["treasury"], "scrip") == 10
    assert broken_laws(stage.world) == []


def test_nobody_hears_of_what_did_not_happen_and_all_hear_of_the_rest_in_order() -> None:
    stage = Stage.of(3)
    hearer = "agent-0003"
    stage.do(hearer, Subscribe("artifact.created"))
    stage.do(hearer, Subscribe("agent.state"))
    stage.do("agent-0002", Sleep(60_000))
    stage.news(hearer)
    turn = stage.turn("agent-0001")
    with stage.world.scope():
        stage.kernel.act(turn, Write("one", "x"))
        with stage.world.scope() as inner:
            stage.kernel.act(turn, Write("two", "x"))
            stage.kernel.act(turn, Transfer(hearer, 5))
            inner.roll_back()
            stage.kernel.act(turn, Write("three", "x"))
        assert stage.agent(hearer).inbox == []
        stage.world.rouse(stage.agent("agent-0002"), stage.now_ns, "somebody's deed")
        assert stage.agent("agent-0002").status == "asleep"
        stage.kernel.act(turn, Write("four", "x"))
    told = stage.news(hearer)
    assert [getattr(event, "artifact_id", None) for event in told] == ["one", "three", "four", None]
    assert [event.sequence for event in told] == sorted(event.sequence for event in told)
    assert stage.agent("agent-0002").status == "active"


def test_an_agents_configuration_that_was_rolled_back_is_what_it_was() -> None:
    stage = Stage.of(2)
    before = state_of(stage)
    with stage.world.scope() as scope:
        stage.kernel.act(stage.turn("agent-0001"), Configure(strategy=STRATEGIES[1], prompt="be kind"))
        assert stage.agent("agent-0001").config.prompt == "be kind"
        scope.roll_back()
    assert state_of(stage) == before
    assert broken_laws(stage.world) == []


def test_what_has_no_undo_does_not_happen_in_a_scope() -> None:
    for action in (Sleep(5_000), Subscribe("agent.state")):
        stage = Stage.of(2)
        with pytest.raises(AssertionError, match="no undo"), stage.world.scope():
            stage.kernel.act(stage.turn("agent-0001"), action)
