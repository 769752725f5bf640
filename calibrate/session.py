"""A whole calibration: look for the rate, hold it in a run of its own, probe the memory, compare the methods."""

from contextlib import suppress
from typing import Any

import msgspec

from calibrate import holdout
from calibrate.control import Controller, Refused, Settled, Target
from calibrate.course import Log, Watch, hold, steer
from calibrate.errors import CalibrationFault
from calibrate.record import Course
from calibrate.site import Job, Site
from calibrate.workload import MILLI


class Plan(msgspec.Struct, frozen=True):
    """What a calibration does, and for how long; seconds are of the sampler's clock."""

    agents: int
    thought_s: float = 0.0
    """How long a rehearsed model takes to answer while the rate is looked for and held."""
    target: Target = Target()
    hold_out_s: float = 120.0
    warm_up_s: float = 10.0
    probe_s: float = 12.0
    probe_agents: tuple[int, ...] = ()
    """How many agents think at once in each probe of the memory; none for a mix that never thinks for long."""
    probe_rate: float = 100.0
    probe_thought_s: float = 1.0
    """At that rate an agent is always thinking when each thought takes so long."""

    @property
    def later_s(self) -> list[float]:
        """How long each course after the search takes, roughly: a workload needs a few seconds to start and to end."""
        held = self.warm_up_s + self.hold_out_s + START_S
        return [held, *(PROBE_WARM_UP_S + self.probe_s + START_S for _ in self.probe_agents)]


START_S = 4.0
PROBE_WARM_UP_S = 4.0


INTERRUPTED = "interrupted before a rate was found and held"


class Outcome(msgspec.Struct, frozen=True):
    """What came of a calibration: one line, whether it passed, and the rate if one was found."""

    line: str
    passed: bool
    settled: Settled | None = None


class Session:
    """One calibration. Whatever ends it, `courses` has what was seen until then, and `outcome` what came of it.

    What follows the hold-out (probes of the memory, the other method) changes the outcome no more: what fails there is
    in its course.
    """

    def __init__(
        self,
        site: Site,
        plan: Plan,
        watch: Watch,
        method: Controller[Any],
        rival: Controller[Any] | None = None,
    ) -> None:
        """`rival` is another method, which looks for the rate once more, for comparison."""
        self._site = site
        self._plan = plan
        self._watch = watch
        self._method = method
        self._rival = rival
        self._logs: list[Log] = []
        self.outcome = Outcome(INTERRUPTED, passed=False)

    @property
    def courses(self) -> tuple[Course, ...]:
        """What was seen, one course after the other; the last may be in the middle."""
        return tuple(log.course() for log in self._logs)

    async def run(self) -> None:
        """From the first container to the last. Raises `CalibrationFault` if the rate was not found and held."""
        found = await self._steer("settle", self._method)
        if isinstance(found, Refused):
            self.outcome = Outcome(found.why, passed=False)
            return
        plan = self._plan
        log = self._log("hold-out", found.rate)
        await hold(self._site, plan.hold_out_s, self._watch, log, warm_up_s=plan.warm_up_s)
        judged = holdout.judge_course(log.course(), plan.target, found)
        self.outcome = Outcome(judged.verdict, judged.passed, found)
        for agents in plan.probe_agents:
            with suppress(CalibrationFault):  # why is in its log, and the profile says what was not measured
                log = self._log("probe", plan.probe_rate, agents, plan.probe_thought_s)
                await hold(self._site, plan.probe_s, self._watch, log, warm_up_s=PROBE_WARM_UP_S)
        if self._rival is not None:
            with suppress(CalibrationFault):
                await self._steer("compare", self._rival)

    async def _steer(self, purpose: str, controller: Controller[Any]) -> Settled | Refused:
        log = self._log(purpose, controller.target.start_rate, method=controller.name)
        return await steer(self._site, controller, self._plan.agents, self._watch, log)

    def _log(
        self,
        purpose: str,
        rate: float,
        agents: int | None = None,
        thought_s: float = 0.0,
        method: str = "",
    ) -> Log:
        job = Job(
            agents=agents or self._plan.agents,
            rate_millitokens_per_s=round(rate * MILLI),
            thought_s=thought_s or self._plan.thought_s,
        )
        log = Log(purpose, method, job)
        self._logs.append(log)
        return log
