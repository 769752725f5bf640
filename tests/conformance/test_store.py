"""What every store must do: keep a world so that it goes on as if it had never been put away, and tell it as it was."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from ecology.core.clock import MILLISECOND_NS, SECOND_NS
from ecology.core.seeds import Draw
from ecology.events.records import Event
from ecology.kernel.batch import Batch
from ecology.kernel.flow import set_flow
from ecology.kernel.laws import CodeLaw, Laws, MintLaw
from ecology.kernel.world import World
from ecology.resources.assets import DISK
from ecology.sandbox.outcome import Limits
from ecology.store.audit import audit
from ecology.store.reader import EventReader
from ecology.store.sqlite import SqliteStore
from ecology.testing.fingerprint import fingerprint
from ecology.testing.histories import InventedWorld, history
from ecology.testing.worlds import STRATEGIES, Stage, populate, shared_sandbox
from ledger import Delta
from tests.conformance.store_keepers import STORES, keeper
from tests.support.double import NAMES, POOR
from tests.support.market_deeds import MarketDoer, first_tools
from tests.support.stored_run import tables_of

LAWS = Laws(
    mint=MintLaw(first_ns=4 * SECOND_NS, every_ns=7 * SECOND_NS, slots=2),
    code=CodeLaw(limits=Limits(steps=2_000, wall_s=600.0)),
)
GRANTS = {**POOR, DISK: 8_000}


class Life:
    """A world in which everything happens, a group at a time; `stage` may be exchanged for one loaded again."""

    def __init__(self, world: World, seed: int) -> None:
        self.draw = Draw(seed)
        self.flow = Draw(seed, 1)
        world.sandbox = shared_sandbox()
        self.stage = Stage(populate(world, len(NAMES), GRANTS))
        for who, action in first_tools(self.draw, NAMES):
            self.stage.do(who, action)

    def group(self, deeds: int) -> Batch:
        """What so many deeds changed."""
        for _ in range(deeds):
            who, action = MarketDoer(self.draw, self.stage.world).deed()
            agent = self.stage.world.agents.get(who)
            if agent is not None and agent.status != "asleep":
                self.stage.act(who, action)
                agent.mind = bytes([self.draw.below(256)])
            if self.draw.chance(25):
                self.stage.pass_time(self.draw.below(3_000) * MILLISECOND_NS)
            if self.flow.chance(5):
                ppm = self.flow.choice((200_000, 1_000_000, 3_000_000)) + self.flow.below(1_000)
                set_flow(self.stage.world, ppm, self.stage.now_ns, "at random")
            if self.draw.chance(10) and agent is not None:
                self.stage.news(who)
        return self.stage.world.take_batch()

    def go_on_with(self, world: World, now_ns: int) -> None:
        """Go on with a world that was loaded."""
        assert now_ns == self.stage.now_ns
        world.sandbox = shared_sandbox()
        world.strategy_fault = lambda name: None if name in STRATEGIES else "unknown"
        same(self.stage.world, world, now_ns)
        self.stage = Stage(world, now_ns)


def same(one: World, other: World, now_ns: int) -> None:
    """Both go on in the same way."""
    theirs = fingerprint(other, now_ns)
    for part, value in fingerprint(one, now_ns).items():
        assert theirs[part] == value, part


def wrong(path: Path) -> list[str]:
    return [f"{check.name}: {check.detail}" for check in audit(path) if not check.ok]


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("name", STORES)
def test_a_world_goes_on_as_if_it_had_never_been_put_away(name: str, seed: int, tmp_path: Path) -> None:
    async def story() -> None:
        async with keeper(name, tmp_path) as kept:
            life = Life(kept.new_world(seed, LAWS), seed)
            for number in range(12):
                await kept.keep(life.group(life.draw.below(40)), life.stage.now_ns)
                life.stage.world.shelf.contents.committed()
                loaded = await kept.load(seed, LAWS)
                if number % 2:
                    life.go_on_with(*loaded)
                else:
                    same(life.stage.world, *loaded)
            assert wrong(await kept.file()) == []

    asyncio.run(story())


def test_all_stores_keep_the_same_rows(tmp_path: Path) -> None:
    """Every row of every table, seals included, after the same groups."""

    async def story() -> None:
        async with keeper("sqlite", tmp_path) as one, keeper("postgres", tmp_path) as other:
            life = Life(one.new_world(3, LAWS), 3)
            for _ in range(12):
                batch = life.group(life.draw.below(60))
                await one.keep(batch, life.stage.now_ns)
                await other.keep(batch, life.stage.now_ns)
                life.stage.world.shelf.contents.committed()
            here, there = await one.file(), await other.file()
            expected, found = tables_of(here), tables_of(there)
            assert set(expected) == set(found)
            for table, rows in expected.items():
                if table == "subscriptions":  # places may have gaps
                    rows, found[table] = ([row[1:] for row in it] for it in (rows, found[table]))
                assert found[table] == rows, table
            assert len(expected["events"]) > 500 and expected["ledger_holds"] and expected["registers"]
            assert lines(here) == lines(there)
            reopened = SqliteStore.open(there)
            world, now_ns = reopened.load_world(seed=3, default_contract="freeware", laws=LAWS)
            same(life.stage.world, world, now_ns)
            reopened.close()

    asyncio.run(story())


def lines(path: Path) -> list[bytes]:
    reader = EventReader(path)
    try:
        return list(reader.lines())
    finally:
        reader.close()


def groups(events: Iterator[Event], size: int) -> Iterator[Batch]:
    """A log as groups in which nothing but events changed."""
    everything = list(events)
    for first in range(0, len(everything), size):
        yield Batch(everything[first : first + size], [], {}, [], [], Delta([], [], [], []), [], [], [])


@pytest.mark.parametrize("name", STORES)
def test_a_log_is_kept_line_by_line(name: str, tmp_path: Path) -> None:
    invented = InventedWorld(agents=5, seconds=120, models=True, title='Prosa – \\" \x7f é 字 🜚')

    async def story() -> None:
        async with keeper(name, tmp_path) as kept:
            for batch in groups(history(invented), 97):
                await kept.keep(batch, batch.events[-1].time_ns)
            world, _ = await kept.load(1, LAWS)
            told = list(history(invented))
            assert world.log.next_sequence == len(told) + 1
            path = await kept.file()
            assert len(lines(path)) == len(told)
            sealed = {check.name: check.ok for check in audit(path)}
            assert sealed["events_sealed"] and sealed["events_filed"] and sealed["events_without_gap"]

    asyncio.run(story())
