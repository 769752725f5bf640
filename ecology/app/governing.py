"""`ecology run --govern`: while a world lives, the flow of tokens follows what its container can bear.

Beside the engine a sampler says once a second what the container used, the engine what it did meanwhile, and a rule
what to make of it. Each change is a deed of the world, hence an event, and a line for whoever watches. The governor is
an aid: whatever goes wrong in it is said once, then it rests, and the run goes on with the flow that it has.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any, Protocol, TypeVar

import msgspec

from calibrate.control import Change, Decision
from calibrate.controllers.governing import Governor as OwnRule
from calibrate.errors import CalibrationFault
from calibrate.reading import Reading, Sampler, usage
from calibrate.samplers.own import own_sampler
from calibrate.workload import MILLI, Figures, Sample, sample
from ecology.core.clock import SECOND_NS, host_ns
from ecology.core.errors import StoreFault, UsageError
from ecology.engine.engine import Engine
from ecology.resources.flow import AS_GRANTED_PPM
from ecology.scenarios import Scenario

State = TypeVar("State")


class Rule(Protocol[State]):
    """What to make of a sample: to wait, or to give every agent another rate. It knows its own bounds and patience."""

    def begin(self) -> State:
        """The state before the first sample."""

    def step(self, state: State, sample: Sample) -> tuple[State, Decision]:
        """Take in one sample and decide; it goes on for as long as the world lives."""


class Governing(msgspec.Struct, frozen=True):
    """With what a run is governed: `sampler` finds what to read, `rule` is made for the rate at the beginning.

    That rate is in tokens per second of an average agent.
    """

    sampler: Callable[[], Sampler]
    rule: Callable[[float], Rule[Any]]


def own(scenario: Scenario, *, on_nodes: bool) -> Governing:
    """A run is governed by what this process uses of its own limits. Raises UsageError for one that cannot be."""
    if on_nodes:
        raise UsageError(
            "--govern governs one process, not yet nodes", remedy="leave out --nodes, or --govern"
        )
    if scenario.clock == "virtual":
        raise UsageError(
            "--govern is for the real clock: virtual time is as slow as the machine anyway",
            remedy="add --clock real, or leave --govern out",
        )
    return Governing(lambda: own_sampler(host_ns), OwnRule)


@asynccontextmanager
async def governed(
    engine: Engine, governing: Governing | None, say: Callable[[str], None]
) -> AsyncIterator[None]:
    """While this lasts, a task beside the engine governs its flow, if somebody wants that."""
    if governing is None:
        yield
        return
    assert not engine.clock.virtual, "only real time can be short"
    task = asyncio.create_task(_govern(Governor(engine, governing, say), say))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _govern(governor: "Governor", say: Callable[[str], None]) -> None:
    try:
        await governor.run()
        say("the governor rests: there is nothing more to read")
    except StoreFault:
        return  # noted where it happened: it ends the run, and whoever runs it hears of it
    except CalibrationFault as fault:
        say(f"the governor rests: {fault.what}" + (f" ({fault.remedy})" if fault.remedy else ""))
    except Exception as error:  # an aid that fails must not cost anybody a run
        say(f"the governor rests: {type(error).__name__}: {error}")


class Governor:
    """Makes samples of what is read and of what the engine did, and does what the rule decides.

    The rule is told the rate of the beginning times what the flow's factor has changed by since: what agents may really
    use moves with every right that is listed, sold or let, and a rule that followed that would never see a steady rate.
    """

    def __init__(self, engine: Engine, governing: Governing, say: Callable[[str], None]) -> None:
        self._engine = engine
        self._governing = governing
        self._say = say
        self._began_rate = engine.figures().rate_millitokens_per_s / MILLI
        self._began_ppm = self._ppm

    async def run(self) -> None:
        """Govern for as long as there is something to read. Raises what a sampler or a rule does."""
        engine, sampler = self._engine, self._governing.sampler()
        began = engine.figures()
        rule = self._governing.rule(self._began_rate)
        state = rule.begin()
        before: tuple[Reading, Figures] | None = None
        async for reading in sampler.readings():
            figures = engine.figures()
            if before is None:
                before = (reading, figures)
            elif reading.time_ns > before[0].time_ns and figures.time_ns > before[1].time_ns:
                time_s = (figures.time_ns - began.time_ns) / SECOND_NS
                used = usage(before[0], reading, sampler.limits)
                state, decision = rule.step(state, self._told(sample(time_s, used, before[1], figures)))
                before = (reading, figures)
                if isinstance(decision, Change):
                    await self._change(decision)

    @property
    def _ppm(self) -> int:
        return self._engine.world.offices.world.flow_ppm

    def _told(self, seen: Sample) -> Sample:
        """The sample as the rule is told it; agents spent the same share of what they were given."""
        rate = self._began_rate * self._ppm / self._began_ppm
        return msgspec.structs.replace(
            seen, rate=rate, spent=rate * seen.spent / seen.rate if seen.rate else 0.0
        )

    async def _change(self, decision: Change) -> None:
        engine = self._engine
        ppm = round(self._began_ppm * decision.rate / self._began_rate)
        if await engine.set_flow(ppm, f"governor: {decision.why}"):
            rate = engine.figures().rate_millitokens_per_s / MILLI
            times = ppm / AS_GRANTED_PPM
            self._say(
                f"flow: {rate:.4g} tokens/s for each agent, {times:.3g} times its right: {decision.why}"
            )
