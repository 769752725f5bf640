"""A site without containers: readings and figures as of a simulated container, and no second is waited for."""

import asyncio
from collections.abc import AsyncGenerator, Callable

from calibrate.errors import CalibrationFault
from calibrate.reading import Limits, Reading
from calibrate.record import Place
from calibrate.site import Crew, Job
from calibrate.workload import MILLI, Figures
from ecology.testing.containers import Container

LIMITS = Limits(cpu_millis=1000, memory_bytes=1 << 30, source="simulated")
PLACE = Place(
    what="a simulated container",
    limits=LIMITS,
    host_cpus=2,
    host_memory_bytes=8 << 30,
    cpu_model="none",
    cgroup_version=None,
)
TOKENS_PER_TURN = 20.0


class SimulatedCrew:
    """Both halves of a crew."""

    def __init__(
        self,
        container: Container,
        job: Job,
        fault: CalibrationFault | None,
        fault_at: int,
        silent_from: int,
        stuck_at: int,
    ) -> None:
        self.limits = LIMITS
        self.closed = 0
        self._container = container
        self._fault = fault
        self._fault_at = fault_at
        self._silent_from = silent_from
        self._stuck_at = stuck_at
        self._rate = job.rate_millitokens_per_s
        self._figures = Figures(1, job.agents, self._rate, 0, 0, 0, 0, min(job.agents, 3), 100)

    @property
    def workload(self) -> "SimulatedCrew":
        return self

    @property
    def sampler(self) -> "SimulatedCrew":
        return self

    @property
    def figures(self) -> Figures:
        assert not self.closed, "asked after it was closed"
        return self._figures

    async def set_rate(self, millitokens_per_s: int) -> None:
        assert not self.closed, "told after it was closed"
        self._rate = millitokens_per_s

    async def readings(self) -> AsyncGenerator[Reading, None]:
        time_ns = cpu_ns = kills = 0
        number = 0
        while True:
            if self._fault is not None and number >= self._fault_at:
                raise self._fault
            if number >= self._stuck_at:
                await asyncio.Event().wait()
            sample = self._container.sample(self._rate / MILLI)
            time_ns += round(sample.seconds * 1e9)
            cpu_ns += round(sample.cpu_percent / 100 * sample.seconds * 1e9)
            kills += sample.oom_kills
            if number < self._silent_from:
                self._figures = self._worked(time_ns, sample.spent, sample.seconds, sample.late_ms)
            memory = round(sample.memory_percent / 100 * LIMITS.memory_bytes)
            yield Reading(
                time_ns,
                cpu_ns,
                memory,
                periods=10 * (number + 1),
                throttled_periods=round(number * sample.throttled_percent / 10),
                oom_kills=kills,
            )
            number += 1

    async def close(self) -> None:
        self.closed += 1

    def _worked(self, time_ns: int, spent: float, seconds: float, late_ms: float) -> Figures:
        before = self._figures
        tokens = spent * seconds * before.agents
        turns = max(1, round(tokens / TOKENS_PER_TURN))
        return Figures(
            time_ns=time_ns + 1,
            agents=before.agents,
            rate_millitokens_per_s=self._rate,
            turns=before.turns + turns,
            millitokens=before.millitokens + round(tokens * MILLI),
            late_ns=before.late_ns + round(turns * late_ms * 1e6),
            loop_cpu_ns=before.loop_cpu_ns + round(0.3 * seconds * 1e9),
            thinking=before.thinking,
            slots=before.slots,
        )


class SimulatedSite:
    """Every crew works in a container that `make` gives; `crews` are those there were.

    `fault` is raised by the reading with the number `fault_at`; from `silent_from` on there are no new figures, and the
    reading `stuck_at` never comes.
    """

    def __init__(
        self,
        make: Callable[[], Container],
        *,
        fault: CalibrationFault | None = None,
        fault_at: int = 0,
        silent_from: int = 10**9,
        stuck_at: int = 10**9,
    ) -> None:
        self.place = PLACE
        self.crews: list[SimulatedCrew] = []
        self.jobs: list[Job] = []
        self._make = make
        self._fault = fault
        self._fault_at = fault_at
        self._silent_from = silent_from
        self._stuck_at = stuck_at

    async def begin(self, job: Job) -> Crew:
        assert all(crew.closed for crew in self.crews), "one crew at a time"
        crew = SimulatedCrew(
            self._make(), job, self._fault, self._fault_at, self._silent_from, self._stuck_at
        )
        self.crews.append(crew)
        self.jobs.append(job)
        return crew
