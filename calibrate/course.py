"""One run of the workload under watch: readings and figures become samples, each sample is decided upon.

A sample is only made of an interval in which the rate was the same from beginning to end, as the workload itself says:
the moment of a change belongs to neither rate.
"""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Protocol, TypeVar

from calibrate.control import Change, Controller, Decision, Refused, Settled, Wait
from calibrate.errors import CalibrationFault, WorkloadEnded
from calibrate.reading import Reading, usage
from calibrate.record import WARMING_UP, Course, Step
from calibrate.site import Crew, Job, Site
from calibrate.workload import MILLI, Figures, Sample, sample

State = TypeVar("State")

STALE_READINGS = 30
"""So many readings in a row without news from the workload, and it is taken for dead."""


class Watch(Protocol):
    """Whoever is told how a course goes on."""

    def begun(self, purpose: str, method: str, agents: int, rate: float) -> None:
        """A course begins: its workload is being started."""

    def stepped(self, sample: Sample, decision: Decision, remaining_s: float) -> None:
        """A sample was taken and decided upon; the course will probably take so long still."""


class Log:
    """A course that is being written; `course()` is what there is of it, at any time."""

    def __init__(self, purpose: str, method: str, job: Job) -> None:
        self.purpose = purpose
        self.method = method
        self.job = job
        self.steps: list[Step] = []
        self.memory_bytes: list[int] = []
        self.thinking = 0
        self.why_ended = "interrupted"

    def course(self) -> Course:
        """The course as far as it went."""
        later = self.memory_bytes[len(self.memory_bytes) // 2 :]
        return Course(
            purpose=self.purpose,
            method=self.method,
            agents=self.job.agents,
            started_rate=self.job.rate_millitokens_per_s / MILLI,
            steps=tuple(self.steps),
            memory_bytes=sum(later) // len(later) if later else 0,
            thinking=self.thinking,
            why_ended=self.why_ended,
        )


async def steer(
    site: Site, controller: Controller[State], agents: int, watch: Watch, log: Log
) -> Settled | Refused:
    """Let the controller look for the rate; whatever happens is in `log`, also when this raises."""
    state = controller.begin()
    watch.begun(log.purpose, log.method, agents, controller.target.start_rate)
    async with aclosing(_lived(site, log)) as life:
        async for crew, taken in life:
            state, decision = controller.step(state, taken)
            log.steps.append(Step(taken, decision))
            watch.stepped(taken, decision, controller.remaining_s(state))
            if isinstance(decision, Settled | Refused):
                log.why_ended = decision.why
                return decision
            if isinstance(decision, Change):
                await crew.workload.set_rate(round(decision.rate * MILLI))
    raise AssertionError("readings have no end")


async def hold(site: Site, seconds: float, watch: Watch, log: Log, *, warm_up_s: float) -> None:
    """Hold a rate for so long after a warm-up; what happens is in `log`, the warm-up marked as such."""
    watch.begun(log.purpose, log.method, log.job.agents, log.job.rate_millitokens_per_s / MILLI)
    end_s = warm_up_s + seconds
    async with aclosing(_lived(site, log)) as life:
        async for _, taken in life:
            warm = taken.time_s - taken.seconds >= warm_up_s
            decision = Wait("" if warm else WARMING_UP)
            log.steps.append(Step(taken, decision))
            watch.stepped(taken, decision, max(0.0, end_s - taken.time_s))
            if taken.time_s >= end_s:
                log.why_ended = "held to its end"
                return
    raise AssertionError("readings have no end")


async def _lived(site: Site, log: Log) -> AsyncGenerator[tuple[Crew, Sample], None]:
    """A crew from its beginning to its end, sample by sample."""
    try:
        crew = await site.begin(log.job)
        try:
            async with aclosing(_samples(crew, log)) as samples:
                async for taken in samples:
                    yield crew, taken
        finally:
            await crew.close()
    except CalibrationFault as fault:
        log.why_ended = fault.what
        raise


async def _samples(crew: Crew, log: Log) -> AsyncGenerator[Sample, None]:
    """Pair readings with the newest figures; an interval without news is made longer, one with two rates left out."""
    first: Reading | None = None
    begun: tuple[Reading, Figures] | None = None
    stale = 0
    async with aclosing(crew.sampler.readings()) as readings:
        async for reading in readings:
            figures = crew.workload.figures
            first = first or reading
            log.memory_bytes.append(reading.memory_bytes)
            log.thinking = max(log.thinking, figures.thinking)
            if begun is None or begun[1].rate_millitokens_per_s != figures.rate_millitokens_per_s:
                begun, stale = (reading, figures), 0
                continue
            if figures.time_ns <= begun[1].time_ns:
                stale += 1
                if stale >= STALE_READINGS:
                    raise WorkloadEnded("the workload has said nothing for too long")
                continue
            used = usage(begun[0], reading, crew.sampler.limits)
            yield sample((reading.time_ns - first.time_ns) / 1e9, used, begun[1], figures)
            begun, stale = (reading, figures), 0
