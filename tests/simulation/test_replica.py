"""A replica that is told of nothing but commits' payloads is the same world, at every commit."""

from pathlib import Path

import pytest

from ecology import scenarios
from ecology.artifacts.contents import Contents
from ecology.artifacts.shelf import Shelf
from ecology.engine.engine import Engine
from ecology.events.log import EventLog
from ecology.events.subscriptions import Subscriptions
from ecology.kernel.batch import Batch
from ecology.kernel.contracts import ContractBook
from ecology.kernel.world import World
from ecology.nodes.replica import apply, payload_of
from ecology.store.sqlite import SqliteStore
from ecology.testing.fingerprint import fingerprint
from ledger import Book
from tests.support.flowing import change_flow
from tests.support.small_run import SmallRun

LOOKED_AT_EVERY = 7


class Mirrored:
    """A store that shows each group's payload to a replica, and compares the two worlds now and then."""

    def __init__(self, inner: SqliteStore) -> None:
        self.inner = inner
        self.world: World | None = None
        self.replica: World | None = None
        self.groups = self.compared = self.agents = 0

    def watch(self, engine: Engine) -> None:
        """The world whose batches are to come; the replica begins with what the store has."""
        self.world = world = engine.world
        self.replica = World(
            book=Book(),
            shelf=Shelf(Contents(world.shelf.contents.get)),
            log=EventLog(),
            subscriptions=Subscriptions(),
            contracts=ContractBook(world.contracts.default),
            seed=world.seed,
            laws=world.laws,
        )
        self.take_in(self.first)

    def take_in(self, batch: Batch) -> None:
        assert self.replica is not None
        sequence = batch.events[-1].sequence if batch.events else self.replica.log.next_sequence - 1
        self.agents += len(apply(self.replica, payload_of(batch, sequence)))

    def write(self, batch: Batch, now_ns: int) -> None:
        self.inner.write(batch, now_ns)
        if self.world is None or self.replica is None:
            self.first = batch
            return
        self.take_in(batch)
        self.groups += 1
        if self.groups % LOOKED_AT_EVERY == 0:
            self.compare(now_ns)

    def compare(self, now_ns: int) -> None:
        assert self.world is not None and self.replica is not None
        assert fingerprint(self.replica, now_ns) == fingerprint(self.world, now_ns)
        self.compared += 1

    def commit(self) -> None:
        self.inner.commit()


FLOW = ((20, 3_000_000), (50, 400_000), (80, 1_000_000))


@pytest.mark.parametrize(("scenario", "group_turns"), [("market", 64), ("market", 5), ("commons", 16)])
def test_a_replica_follows_by_payloads_alone(tmp_path: Path, scenario: str, group_turns: int) -> None:
    found = scenarios.load(
        scenario, flags={"agents": 20, "duration": "10m" if group_turns > 15 else "100s", "seed": 3}
    )
    mirrors: list[Mirrored] = []

    def wrap(store: SqliteStore) -> Mirrored:
        mirrors.append(Mirrored(store))
        return mirrors[-1]

    def watch(engine: Engine) -> None:
        mirrors[0].watch(engine)
        change_flow(engine, FLOW)

    run = SmallRun.make(tmp_path, found)
    engine = run.live(group_turns=group_turns, wrap=wrap, meanwhile=watch)
    (mirror,) = mirrors
    mirror.compare(engine.clock.now_ns())
    assert mirror.compared > 5 and mirror.agents > 400
