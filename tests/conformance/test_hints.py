"""What hints promise the nodes that tell and hear them, held against each implementation."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from ecology.nodes import redis_hints
from ecology.nodes.hints import Hints, LocalHints
from ecology.nodes.redis_hints import RedisHints
from tests.support.redis import redis_server, until

WORLD = "w"


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody takes a machine that stalls for a connection that is lost: who connects again is told to look again."""
    for limit in ("ANSWER_S", "PING_S"):
        monkeypatch.setattr(redis_hints, limit, 60.0)


Story = Callable[["Nodes"], Awaitable[None]]


class Nodes:
    """Nodes of one world: their ends, and how often each was told to look."""

    def __init__(self, make: Callable[[str], Hints]) -> None:
        self.make = make
        self.ends: dict[str, Hints] = {}
        self.looks: dict[str, int] = {}

    async def join(self, node: str) -> Hints:
        """A node starts and has looked for the first time."""
        self.looks[node] = 0

        def look() -> None:
            self.looks[node] += 1

        end = self.ends[node] = self.make(node)
        await end.start(look)
        await until(lambda: end.state().connected and self.looks[node] == 1)
        self.looks[node] = 0
        return end

    async def heard(self, node: str, times: int = 1) -> None:
        """Wait until it was told to look so often."""
        await until(lambda: self.looks[node] >= times)


@asynccontextmanager
async def local() -> AsyncIterator[Nodes]:
    neighbours: dict[str, LocalHints] = {}
    yield Nodes(lambda node: LocalHints(neighbours, node))


@asynccontextmanager
async def over_redis() -> AsyncIterator[Nodes]:
    async with redis_server() as server:
        yield Nodes(lambda node: RedisHints(server.url, WORLD, node))


@pytest.fixture(params=[local, over_redis])
def play(request: pytest.FixtureRequest) -> Callable[[Story], None]:
    def run(story: Story) -> None:
        async def played() -> None:
            async with request.param() as nodes:
                try:
                    await story(nodes)
                finally:
                    for end in nodes.ends.values():
                        await end.stop()

        asyncio.run(played())

    return run


Play = Callable[[Story], None]


def test_who_is_told_looks_and_nobody_else_does(play: Play) -> None:
    async def story(nodes: Nodes) -> None:
        one, two, three = [await nodes.join(node) for node in ("n1", "n2", "n3")]
        one.tell({"n2"})
        await nodes.heard("n2")
        two.tell(["n1", "n3"])
        await nodes.heard("n1")
        await nodes.heard("n3")
        assert nodes.looks == {"n1": 1, "n2": 1, "n3": 1}
        await until(lambda: [end.state().sent for end in (one, two, three)] == [1, 2, 0])
        assert [end.state().received for end in (one, two, three)] == [1, 1, 1]

    play(story)


def test_a_crowd_of_hints_is_one(play: Play) -> None:
    async def story(nodes: Nodes) -> None:
        one = await nodes.join("n1")
        await nodes.join("n2")
        for _ in range(10_000):
            one.tell(["n2", "n2"])
        await nodes.heard("n2")
        one.tell(["n2"])
        await nodes.heard("n2", 2)
        await until(lambda: one.state().sent == 2)  # counted once the server has answered
        assert nodes.looks["n2"] == 2
        assert one.state().dropped == 0

    play(story)


def test_a_hint_to_nobody_harms_nobody(play: Play) -> None:
    async def story(nodes: Nodes) -> None:
        one = await nodes.join("n1")
        await nodes.join("n2")
        one.tell([])
        one.tell({"nobody", "n2"})
        await nodes.heard("n2")
        await until(lambda: one.state().sent == 2)
        assert one.state().last_error == ""

    play(story)


def test_a_node_may_tell_itself(play: Play) -> None:
    async def story(nodes: Nodes) -> None:
        one = await nodes.join("n1")
        one.tell(["n1"])
        await nodes.heard("n1")

    play(story)


def test_who_stopped_hears_and_tells_nothing(play: Play) -> None:
    async def story(nodes: Nodes) -> None:
        one, two, _ = [await nodes.join(node) for node in ("n1", "n2", "n3")]
        await two.stop()
        await two.stop()
        assert not two.state().connected
        two.tell(["n1", "n3"])
        one.tell(["n2", "n3"])
        await nodes.heard("n3")
        assert nodes.looks == {"n1": 0, "n2": 0, "n3": 1}
        assert two.state().sent == 0
        assert two.state().dropped == 2

    play(story)


def test_what_was_not_handed_over_at_the_end_is_dropped(play: Play) -> None:
    async def story(nodes: Nodes) -> None:
        one = await nodes.join("n1")
        await nodes.join("n2")
        one.tell(["n2"])
        await one.stop()
        await asyncio.sleep(0.05)
        state = one.state()
        assert (state.sent, state.dropped) == (0, 1)
        assert nodes.looks["n2"] == 0

    play(story)


def test_who_has_not_started_drops_what_it_should_tell(play: Play) -> None:
    async def story(nodes: Nodes) -> None:
        early = nodes.make("early")
        early.tell(["n1", "n2"])
        assert early.state() == (False, 0, 0, 2, 0, "")
        await early.stop()

    play(story)


def test_who_comes_again_under_its_name_is_told_to_look(play: Play) -> None:
    async def story(nodes: Nodes) -> None:
        one, two = [await nodes.join(node) for node in ("n1", "n2")]
        await two.stop()
        await nodes.join("n2")
        one.tell(["n2"])
        await nodes.heard("n2")

    play(story)


def test_worlds_on_one_server_do_not_hear_each_other() -> None:
    async def story() -> None:
        async with redis_server() as server:
            looks: list[str] = []
            here, there = RedisHints(server.url, "w1", "n"), RedisHints(server.url, "w2", "n")
            await here.start(lambda: looks.append("here"))
            await there.start(lambda: looks.append("there"))
            await until(lambda: len(looks) == 2)
            here.tell(["n"])
            await until(lambda: len(looks) == 3)
            assert looks[-1] == "here"
            await here.stop()
            await there.stop()

    asyncio.run(story())
