"""The CPU of code in the engine: added to the turn it ran in, taken from the bucket, and the next turn comes later."""

import asyncio

from ecology.core.clock import SECOND_NS, RealClock
from ecology.engine.observation import Observation
from ecology.events.economy import CodeRan
from ecology.events.records import ActionTaken, ArtifactCreated, Event
from ecology.kernel.actions import Action, Invoke, Noop, Sleep, Write, said_bytes
from ecology.kernel.world import World
from ecology.testing.worlds import MemoryStore
from tests.support.thinkers import COSTS, engine, live, of, puppet, settle
from tests.support.tools import interface

COUNT = "def run(n):\n    total = 0\n    for i in range(n):\n        total += i\n    return total\n"
REST = Sleep(3_600_000)


def script(view: Observation) -> Action:
    """Write a tool, use it, be idle, and rest."""
    deeds: list[Action] = [
        Write("tool", COUNT, interface=interface("run")),
        Invoke("tool", args={"n": 3_000}),
        Noop(),
        REST,
    ]
    return deeds[min(view.turn, 3)]


def lived() -> tuple[World, MemoryStore]:
    world, store = settle(["worker"])
    live(world, store, {"worker": puppet(script)}, 3)
    return world, store


def test_a_turn_is_charged_what_its_code_took() -> None:
    _, store = lived()
    events = store.events()
    (ran,) = of(events, CodeRan)
    made, used, idle, _ = of(events, ActionTaken)
    own_us = COSTS.turn_cpu_us(said_bytes(Invoke("tool", args={"n": 3_000})))
    assert used.cpu_us == own_us + ran.cpu_us
    assert ran.cpu_us > 500
    assert (
        made.cpu_level_us - used.cpu_level_us
        == used.cpu_us - 100_000 * (used.time_ns - made.time_ns) // SECOND_NS
    )
    assert idle.time_ns == used.time_ns + used.cpu_us * 1_000, "time goes on while code runs"


def test_what_is_measured_does_not_show_under_the_virtual_clock() -> None:
    (first, one), (second, other) = lived(), lived()
    assert one.events() == other.events()
    assert first.meter.runs == second.meter.runs == 1
    assert first.meter.modelled_us == second.meter.modelled_us > 0
    assert first.meter.measured_us > 0


def test_the_real_clock_charges_what_was_measured() -> None:
    world, store = settle(["worker"])

    async def run() -> None:
        alive = engine(world, store, {"worker": puppet(script)}, clock=RealClock(0))

        def look(event: Event) -> None:
            if isinstance(event, ActionTaken) and event.action == "noop":
                alive.interrupt()

        world.log.listen(
            (ActionTaken,), look
        )  # a host may be slow: the turn after that of the code ends the run
        await alive.run(60 * SECOND_NS)

    asyncio.run(run())
    events = store.events()
    assert of(events, ArtifactCreated)
    (ran,) = of(events, CodeRan)
    used = next(event for event in of(events, ActionTaken) if event.action == "invoke")
    assert ran.cpu_us == world.meter.measured_us > 0
    assert ran.cpu_estimate_us == world.meter.modelled_us > 500
    assert used.cpu_us > ran.cpu_us, "the kernel's own work comes on top"
