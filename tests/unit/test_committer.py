"""Group commit: what is durable when, and what happens when it is not."""

import asyncio
import threading
from collections.abc import Awaitable, Callable

import pytest

from ecology.core.clock import RealClock, VirtualClock
from ecology.core.errors import StoreFault
from ecology.engine.committer import Committer
from ecology.kernel.actions import Noop, Write
from ecology.kernel.batch import Batch
from ecology.testing.worlds import MemoryStore, Stage, empty_world, populate

ME = "agent-0001"
Clocks = VirtualClock | RealClock


class SlowStore(MemoryStore):
    """A store whose commit takes as long as the test lets it, on whatever thread; some of its steps fail."""

    def __init__(self) -> None:
        super().__init__()
        self.may_commit = threading.Event()
        self.may_commit.set()
        self.fails_to: str | None = None
        self.failures = 0
        self.threads: set[int] = set()

    def write(self, batch: Batch, now_ns: int) -> None:
        """As a store does."""
        if self.fails_to == "write":
            self.failures += 1
            raise StoreFault("no room")
        super().write(batch, now_ns)

    def commit(self) -> None:
        """As a store does, when it may."""
        self.threads.add(threading.get_ident())
        assert self.may_commit.wait(30)
        if self.fails_to == "commit":
            raise StoreFault("no disk")
        super().commit()


class Scene:
    """A world, its committer, and the store behind it."""

    def __init__(self, clock: Clocks, group_turns: int) -> None:
        self.store = SlowStore()
        self.clock = clock
        self.stage = Stage(populate(empty_world(self.store), 1))
        self.committer = Committer(self.stage.world, self.store, clock, group_turns)

    async def turn(self, name: str | None = None) -> None:
        """One turn, which writes if it is given a name."""
        self.stage.act(ME, Noop() if name is None else Write(name, f"content of {name}"))
        await self.committer.close_turn()

    def durable(self) -> int:
        """How many events are committed."""
        return len(self.store.events())


def played(
    story: Callable[[Scene], Awaitable[None]],
    clock: Callable[[], Clocks] = VirtualClock,
    group_turns: int = 3,
) -> Scene:
    async def play() -> Scene:
        scene = Scene(clock(), group_turns)
        await story(scene)
        return scene

    return asyncio.run(play())


def test_turns_share_a_commit() -> None:
    async def story(scene: Scene) -> None:
        for number in range(7):
            await scene.turn(f"a{number}")
        await scene.committer.close()

    scene = played(story)
    assert (scene.committer.turns, scene.committer.groups) == (7, 3)
    assert len(scene.store.batches) == 3
    sequences = [event.sequence for event in scene.store.events()]
    assert sequences == list(range(1, scene.stage.world.log.next_sequence))
    assert scene.store.contents["a6"] == b"content of a6"


def test_the_world_goes_on_while_a_group_commits() -> None:
    async def story(scene: Scene) -> None:
        scene.store.may_commit.clear()
        for number in range(5):
            await scene.turn(f"a{number}")
        assert scene.durable() == 0
        assert scene.stage.world.shelf.contents.get("a0") == b"content of a0"
        assert scene.stage.world.shelf.contents.get("a4") == b"content of a4"
        scene.store.may_commit.set()
        await scene.committer.close()

    scene = played(story)
    assert len(scene.store.batches) == 2
    assert threading.get_ident() not in scene.store.threads


def test_one_group_is_in_flight_and_the_next_full_one_waits_for_it() -> None:
    async def story(scene: Scene) -> None:
        scene.store.may_commit.clear()
        for _ in range(5):
            await scene.turn()
        sixth = asyncio.create_task(scene.turn())
        await asyncio.sleep(0.01)
        assert not sixth.done()
        scene.store.may_commit.set()
        await sixth
        await scene.committer.close()

    assert len(played(story).store.batches) == 2


def test_durable_means_on_disk() -> None:
    async def story(scene: Scene) -> None:
        await scene.turn("a")
        await scene.committer.durable()
        assert scene.durable() == scene.stage.world.log.next_sequence - 1
        assert scene.store.contents["a"] == b"content of a"
        groups = scene.committer.groups
        await scene.committer.durable()
        assert scene.committer.groups == groups, "nothing new, nothing to write"
        await scene.committer.close()

    played(story)


def test_many_may_wait_for_the_same_group() -> None:
    async def story(scene: Scene) -> None:
        await scene.turn("a")
        await asyncio.gather(*(scene.committer.durable() for _ in range(10)))
        assert scene.durable() == scene.stage.world.log.next_sequence - 1
        await scene.committer.close()

    assert played(story).committer.groups == 1


def test_under_the_real_clock_a_group_does_not_wait_for_company() -> None:
    async def story(scene: Scene) -> None:
        await scene.turn("a")
        while not scene.store.batches:
            await asyncio.sleep(0.001)
        await scene.turn("b")
        await scene.committer.close()

    assert played(story, RealClock, group_turns=1_000).committer.groups == 2


def test_under_the_virtual_clock_groups_fall_by_count_alone() -> None:
    async def story(scene: Scene) -> None:
        await scene.turn("a")
        await asyncio.sleep(0.02)
        assert scene.committer.groups == 0
        await scene.committer.close()

    played(story, group_turns=1_000)


@pytest.mark.parametrize("step", ["write", "commit"])
@pytest.mark.parametrize("clock", [VirtualClock, RealClock])
def test_a_group_that_fails_ends_the_run(clock: Callable[[], Clocks], step: str) -> None:
    """Whoever waits hears of it, so does whoever comes later, the clock stops, and nothing later is written."""

    async def story(scene: Scene) -> None:
        scene.store.fails_to = step
        await scene.turn("a")
        with pytest.raises(StoreFault):
            await scene.committer.durable()
        scene.store.fails_to = None
        for _ in range(2):
            with pytest.raises(StoreFault):
                await scene.committer.durable()
        with pytest.raises(StoreFault):
            await scene.committer.close()
        assert await scene.clock.wait(1, 0) is False

    assert played(story, clock).store.batches == []


def test_a_group_that_fails_in_its_own_time_is_not_forgotten() -> None:
    async def story(scene: Scene) -> None:
        scene.store.fails_to = "write"
        await scene.turn("a")
        while not scene.store.failures:
            await asyncio.sleep(0.001)
        scene.store.fails_to = None
        await scene.turn("b")
        with pytest.raises(StoreFault):
            await scene.committer.close()

    assert played(story, RealClock, group_turns=1_000).store.batches == []


def test_giving_up_writes_nothing_more() -> None:
    async def story(scene: Scene) -> None:
        for number in range(4):
            await scene.turn(f"a{number}")
        await scene.committer.abandon()

    scene = played(story)
    assert len(scene.store.batches) == 1
    assert "a3" not in scene.store.contents


def test_who_waits_for_the_same_group_waits_for_one_commit() -> None:
    """Turns go on while it commits, and none of those who wait waits for the groups of later ones."""

    async def story(scene: Scene) -> None:
        committer = scene.committer
        await scene.turn("a")
        groups = committer.groups
        scene.store.may_commit.clear()
        waiting = [asyncio.create_task(committer.durable()) for _ in range(20)]
        await asyncio.sleep(0.01)
        later = asyncio.create_task(scene.turn("b"))  # opens the next group
        await asyncio.sleep(0.01)
        scene.store.may_commit.set()
        await asyncio.gather(*waiting)
        assert committer.groups == groups + 1
        assert "a" in scene.store.contents
        await later
        await committer.close()

    played(story, group_turns=256)
