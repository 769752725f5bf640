"""A world on a real database, and beside it a second one, loaded from the last commit, that does the same deeds."""

import copy
import tempfile
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path

from ecology.core.outcome import Outcome
from ecology.events.economy import BidClosed
from ecology.events.records import (
    ArtifactCreated,
    ArtifactDeleted,
    ArtifactUpdated,
    Event,
    OwnershipMoved,
    TransferPosted,
)
from ecology.events.registry import TYPE_OF
from ecology.kernel.actions import Action, AgentConfig, Configure, Spawn, Subscribe, Write
from ecology.kernel.flow import set_flow
from ecology.kernel.housekeeping import due_ns
from ecology.kernel.laws import Laws
from ecology.kernel.world import World
from ecology.resources.assets import ASSETS, DISK, LLM_CAPACITY, SCRIP
from ecology.sandbox.run import Sandbox
from ecology.store.audit import audit
from ecology.store.sqlite import SqliteStore
from ecology.testing.fingerprint import fingerprint
from ecology.testing.laws import broken_laws
from ecology.testing.worlds import GRANTS, Stage, populate, shared_sandbox

SETTLERS = 4
POOR = {**GRANTS, DISK: 2_000, LLM_CAPACITY: 20_000}
NAMES = tuple(f"agent-{ordinal:04d}" for ordinal in range(1, SETTLERS + 1))
CHILDREN = ("child-1", "child-2")
CONTRACTS = ("public", "transferable_freeware", "freeware", "private")


class Told:
    """What the events of a world say that its state does not: how much was minted."""

    def __init__(self) -> None:
        self.minted = 0

    def listen_to(self, world: World) -> None:
        """Follow a world from now on."""
        world.log.listen((BidClosed,), self._take)

    def _take(self, event: Event) -> None:
        assert isinstance(event, BidClosed)
        self.minted += event.minted


class Double:
    """The live world and its twin, which commits nothing and must come to the same outcomes and the same state.

    Code of both runs in `sandbox`. A commit or a crash audits the database too, if it is `audited`.
    """

    def __init__(
        self,
        seed: int,
        *,
        grants: Mapping[str, int] = POOR,
        laws: Laws | None = None,
        sandbox: Sandbox | None = None,
        audited: bool = False,
    ) -> None:
        self._folder = tempfile.TemporaryDirectory()
        self._path = Path(self._folder.name) / "ecology.sqlite"
        self._store = SqliteStore.create(self._path)
        self._twins_store: SqliteStore | None = None
        self._sequence = 0
        self._revisions: dict[str, int] = {}
        self._grants = grants
        self._laws = laws
        self._sandbox = sandbox or shared_sandbox()
        self._audited = audited
        self._told = self._told_at_commit = Told()
        self.seed = seed
        self.twin: Stage | None = None
        self.committed: Counter[str] = Counter()
        """How many events of each type."""
        world = self._store.new_world(seed=seed, default_contract="freeware", laws=laws)
        world.sandbox = self._sandbox
        self.live = Stage(populate(world, SETTLERS, grants))
        self._told.listen_to(world)
        self._furnish()

    @property
    def stages(self) -> list[Stage]:
        """Whatever happens happens to each."""
        return [self.live] if self.twin is None else [self.live, self.twin]

    def act(self, who: str, action: Action, *, before: Callable[[], None] = lambda: None) -> Outcome | None:
        """A turn, if there is such an agent and it is awake; `before` prepares what each of the worlds finds."""
        agent = self.live.world.agents.get(who)
        if agent is None or agent.status == "asleep":
            return None
        outcomes = []
        for stage in self.stages:
            before()
            outcomes.append(stage.act(who, action))
        assert outcomes[1:] in ([], [outcomes[0]]), f"after {action} the reloaded world answers {outcomes}"
        return outcomes[0]

    def pass_time(self, span_ns: int) -> None:
        """Time passes; what is due is done, who has slept enough awakes."""
        for stage in self.stages:
            stage.pass_time(span_ns)
            assert due_ns(stage.world) > stage.now_ns, "something that was due has not been done"

    def set_flow(self, ppm: int) -> None:
        """Tokens flow at so many millionths of what the rights say."""
        for stage in self.stages:
            set_flow(stage.world, ppm, stage.now_ns, "at random")

    def think(self, who: str, part: int) -> None:
        """The engine's part in a turn: thoughts cost tokens, minds remember, news are read."""
        for stage in self.stages:
            agent = stage.world.agents.get(who)
            if agent is None or agent.status == "asleep":
                continue
            agent.llm.refill(stage.now_ns)
            agent.llm.drain(part * 1_000)
            agent.cpu.take(part * 50_000, stage.now_ns)
            agent.mind = bytes([part])
            stage.news(who)

    def commit(self) -> None:
        """Commit the live world, compare the twin with it, and load a new twin from what was committed."""
        batch = self.live.world.take_batch()
        self._look_at(batch.events)
        self._store.write(batch, self.live.now_ns)
        self._store.commit()
        self.live.world.shelf.contents.committed()
        self._told_at_commit = copy.deepcopy(self._told)
        self._compare()
        self._audit()
        if self._twins_store is not None:
            self._twins_store.close()
        self._twins_store = SqliteStore.open(self._path)
        self.twin = self._loaded(self._twins_store)
        self._compare()

    def crash(self) -> None:
        """What was not committed never happened: go on from the last commit, if there is one."""
        if self._twins_store is None:
            return
        self._twins_store.close()
        self._store.close()
        self._store = SqliteStore.open(self._path)
        self._twins_store = SqliteStore.open(self._path)
        self.live, self.twin = self._loaded(self._store), self._loaded(self._twins_store)
        self._told = copy.deepcopy(self._told_at_commit)
        self._told.listen_to(self.live.world)
        self._compare()
        self._audit()

    def check(self) -> None:
        """Every law holds, and every right is somebody's: what was granted, and of scrip what was minted besides."""
        world = self.live.world
        broken = broken_laws(world)
        assert broken == [], broken
        for asset in ASSETS:
            total = sum(world.book.balance(it.accounts[asset]) for it in world.principals.values())
            granted = SETTLERS * self._grants[asset] + (self._told.minted if asset == SCRIP else 0)
            assert total == world.supply(asset) == granted

    def close(self) -> None:
        """Close the databases and delete them."""
        if self._twins_store is not None:
            self._twins_store.close()
        self._store.close()
        self._folder.cleanup()

    def _furnish(self) -> None:
        """A few things under each contract, a child that all may change, and some who take whatever they are given."""
        for who, name, contract in zip(NAMES, "abcd", CONTRACTS, strict=True):
            self.live.do(who, Write(name, f"made by {who}", title="red hammer", contract=contract))
            self.live.do(who, Configure(accepts_from=["*"]))
        self.live.do(NAMES[0], Spawn(CHILDREN[0], AgentConfig("maker"), {DISK: 300, "scrip": 10}, "public"))
        self.live.do(NAMES[1], Subscribe("agent.state"))

    def _loaded(self, store: SqliteStore) -> Stage:
        world, now_ns = store.load_world(seed=self.seed, default_contract="freeware", laws=self._laws)
        world.sandbox = self._sandbox
        world.strategy_fault = self.live.world.strategy_fault
        return Stage(world, now_ns)

    def _audit(self) -> None:
        if self._audited:
            wrong = [check for check in audit(self._path) if not check.ok]
            assert wrong == [], wrong

    def _compare(self) -> None:
        if self.twin is None:
            return
        assert self.twin.now_ns == self.live.now_ns
        live, loaded = (fingerprint(stage.world, stage.now_ns) for stage in (self.live, self.twin))
        for part, value in live.items():
            assert loaded[part] == value, part

    def _look_at(self, events: list[Event]) -> None:
        """Events are numbered without a gap, revisions rise by one, and transfers move something somewhere."""
        for event in events:
            self._sequence += 1
            assert event.sequence == self._sequence
            self.committed[TYPE_OF[type(event)]] += 1
            if isinstance(event, ArtifactCreated):
                assert event.artifact_id not in self._revisions
                self._revisions[event.artifact_id] = 1
                assert event.revision == 1
            elif isinstance(event, ArtifactUpdated | ArtifactDeleted | OwnershipMoved):
                self._revisions[event.artifact_id] += 1
                assert event.revision == self._revisions[event.artifact_id]
            elif isinstance(event, TransferPosted):
                assert event.amount > 0
                assert event.from_id != event.to_id
