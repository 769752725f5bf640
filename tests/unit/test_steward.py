"""The world's own life: what is due happens at its time, before the turns of that time, and nothing else stirs."""

import asyncio
from collections.abc import Callable

from ecology.core.clock import NEVER_NS, SECOND_NS, RealClock, VirtualClock
from ecology.engine.observation import Observation
from ecology.events.economy import RightRented, RightReverted
from ecology.events.records import ActionTaken
from ecology.kernel.actions import Action, Buy, List, Noop, Sleep
from ecology.kernel.housekeeping import due_ns
from ecology.kernel.world import SYSTEM_KEY, World
from ecology.resources.assets import LLM_RATE
from ecology.testing.laws import broken_laws
from ecology.testing.worlds import GRANTS, MemoryStore, Stage
from tests.support.thinkers import engine, live, of, puppet, settle

OWNER, TENANT = "agent-0001", "agent-0002"


def offering(rent_ms: int, sales: int = 1) -> Callable[[Observation], Action]:
    """The script of an owner that lets its token rate and then sleeps."""

    def choose(view: Observation) -> Action:
        return List(1, asset=LLM_RATE, amount=10, rent_ms=rent_ms) if view.turn < sales else Sleep(60_000)

    return choose


def renting(*wanted: str) -> Callable[[Observation], Action]:
    """The script of a tenant that buys these, sleeping a second before each."""

    def choose(view: Observation) -> Action:
        if view.turn % 2 == 0:
            return Sleep(1_000)
        number = view.turn // 2
        return Buy(wanted[number]) if number < len(wanted) else Sleep(60_000)

    return choose


def test_a_rent_ends_at_its_nanosecond() -> None:
    world, store = settle(["owner", "tenant"])
    minds = {"owner": puppet(offering(5_000)), "tenant": puppet(renting("listing-1"))}
    events = live(world, store, minds, 30)
    (rented,), (reverted,) = of(events, RightRented), of(events, RightReverted)
    assert reverted.time_ns == rented.until_ns == rented.time_ns + 5 * SECOND_NS
    assert world.usable(world.agents[TENANT], LLM_RATE) == GRANTS[LLM_RATE]
    assert not broken_laws(world)


def rented(seconds: int) -> tuple[World, MemoryStore]:
    """A world at time 0 in which a rent has just begun, and both parties sleep for as long as it lasts."""
    world, store = settle(["idle", "looking"])
    stage = Stage(world)
    stage.do(OWNER, List(1, asset=LLM_RATE, amount=10, rent_ms=seconds * 1_000))
    stage.do(TENANT, Buy("listing-1"))
    for who in (OWNER, TENANT):
        stage.do(who, Sleep(seconds * 1_000))
    return world, store


def test_what_is_due_when_a_run_ends_waits_like_the_turns_of_that_time() -> None:
    minds = {"idle": puppet(lambda view: Noop()), "looking": puppet(lambda view: Noop())}
    for until_ns, ended in ((5 * SECOND_NS, 0), (5 * SECOND_NS + 1, 1)):
        world, store = rented(5)

        async def run(world: World, store: MemoryStore, until_ns: int) -> None:
            await engine(world, store, minds).run(until_ns)

        asyncio.run(run(world, store, until_ns))
        assert len(of(store.events(), RightReverted)) == ended
        assert due_ns(world) == (NEVER_NS if ended else 5 * SECOND_NS)


def test_the_world_goes_before_the_turns_of_the_same_time() -> None:
    """Who wakes in the nanosecond in which its rent ends finds that it has ended."""
    world, store = rented(5)
    seen: list[tuple[int, int]] = []

    def look(view: Observation) -> Action:
        seen.append((view.now_ns, view.llm_rate))
        return Sleep(60_000)

    live(world, store, {"idle": puppet(lambda view: Noop()), "looking": puppet(look)}, 30)
    assert seen == [(5 * SECOND_NS, GRANTS[LLM_RATE])]


def test_an_earlier_end_brings_the_world_forward() -> None:
    world, store = settle(["owner", "short", "tenant"])
    minds = {
        "owner": puppet(offering(20_000)),
        "short": puppet(offering(2_000)),
        "tenant": puppet(renting("listing-1", "listing-2")),
    }
    events = live(world, store, minds, 60)
    ends = {event.rental_id: event.until_ns for event in of(events, RightRented)}
    assert len(ends) == 2
    assert {event.rental_id: event.time_ns for event in of(events, RightReverted)} == ends


def test_where_nothing_is_due_the_world_never_stirs() -> None:
    class Noting(VirtualClock):
        """Notes who parks, and until when."""

        def __init__(self) -> None:
            super().__init__(0)
            self.parked: list[tuple[int, int]] = []

        async def wait(self, key: int, deadline_ns: int) -> bool:
            self.parked.append((key, deadline_ns))
            return await super().wait(key, deadline_ns)

    world, store = settle(["idle"] * 3)
    clock = Noting()

    async def run() -> None:
        await engine(world, store, {"idle": puppet(lambda view: Noop())}, clock=clock).run(5 * SECOND_NS)

    asyncio.run(run())
    assert [each for each in clock.parked if each[0] == SYSTEM_KEY] == [(SYSTEM_KEY, NEVER_NS)]
    assert len(of(store.events(), ActionTaken)) > 10


def test_under_the_hosts_clock_a_rent_ends_too() -> None:
    world, store = rented(1)
    minds = {"idle": puppet(lambda view: Noop()), "looking": puppet(lambda view: Noop())}

    async def run() -> None:
        living = engine(world, store, minds, clock=RealClock(SECOND_NS * 9 // 10))
        world.log.listen((RightReverted,), lambda event: living.interrupt())
        await living.run(60 * SECOND_NS)  # a host may be slow; the end of the rent ends the run

    asyncio.run(run())
    (reverted,) = of(store.events(), RightReverted)
    assert reverted.time_ns >= SECOND_NS
    assert not broken_laws(world)
