"""Whole calibrations of simulated containers: courses in their order, nothing left behind, whatever goes wrong."""

import asyncio

import pytest

from calibrate.control import Change, Decision, Settled, Target, Wait
from calibrate.controllers.classic import Classic
from calibrate.controllers.survey import Survey
from calibrate.course import STALE_READINGS
from calibrate.errors import ContainerGone, WorkloadEnded
from calibrate.record import Course
from calibrate.session import Outcome, Plan, Session
from calibrate.site import Crew, Job
from calibrate.workload import Sample
from ecology.testing.containers import Container, Traits
from tests.support.simulated_site import SimulatedSite

TARGET = Target()


class Watching:
    """Keeps what it was told."""

    def __init__(self) -> None:
        self.begun_with: list[tuple[str, str, int, float]] = []
        self.left_s: list[float] = []

    def begun(self, purpose: str, method: str, agents: int, rate: float) -> None:
        self.begun_with.append((purpose, method, agents, rate))

    def stepped(self, sample: Sample, decision: Decision, remaining_s: float) -> None:
        self.left_s.append(remaining_s)


def linear() -> Container:
    return Container(Traits(capacity=400.0), seed=3)


def calibrated(
    site: SimulatedSite, plan: Plan, *, compare: bool = False
) -> tuple[Outcome, Session, Watching]:
    watching = Watching()
    rival = Classic(TARGET) if compare else None
    session = Session(site, plan, watching, Survey(TARGET), rival)
    asyncio.run(session.run())
    return session.outcome, session, watching


def changes(course: Course) -> list[Change]:
    return [step.decision for step in course.steps if isinstance(step.decision, Change)]


def test_looks_for_the_rate_holds_it_probes_the_memory_and_compares() -> None:
    site = SimulatedSite(linear)

    outcome, session, watching = calibrated(site, Plan(agents=5, probe_agents=(5, 40)), compare=True)

    assert outcome.passed, outcome.line
    settle, hold_out, *probes, compare = session.courses
    assert [course.purpose for course in session.courses] == [
        "settle",
        "hold-out",
        "probe",
        "probe",
        "compare",
    ]
    found = settle.steps[-1].decision
    assert isinstance(found, Settled) and found.bound == "cpu"
    assert 280 < found.rate < 310, "75 % of 400 tokens/s, less what idles"
    assert 0 < len(changes(settle)) <= 8
    assert settle.steps[-1].sample.time_s <= 300
    held = [step.sample for step in hold_out.steps]
    assert {round(sample.rate, 3) for sample in held} == {round(found.rate, 3)}
    assert held[-1].time_s >= 120 + 10
    assert [course.agents for course in probes] == [5, 40]
    assert [job.thought_s for job in site.jobs] == [0.0, 0.0, 1.0, 1.0, 0.0]
    assert compare.method == "classic" and len(changes(compare)) > len(changes(settle))
    assert [purpose for purpose, *_ in watching.begun_with] == [course.purpose for course in session.courses]
    assert all(crew.closed for crew in site.crews)


def test_a_moment_with_two_rates_belongs_to_neither() -> None:
    site = SimulatedSite(linear)

    _, session, _ = calibrated(site, Plan(agents=5))

    settle = session.courses[0]
    rates = [TARGET.start_rate, *(change.rate for change in changes(settle))]
    assert sorted({round(step.sample.rate, 3) for step in settle.steps}) == sorted(
        round(rate, 3) for rate in rates
    )


def test_a_hold_out_that_drifts_away_fails() -> None:
    containers = iter([Container(Traits(capacity=400.0), seed=3), Container(Traits(capacity=300.0), seed=4)])
    site = SimulatedSite(lambda: next(containers))

    outcome, _, _ = calibrated(site, Plan(agents=5))

    assert not outcome.passed
    assert outcome.settled is not None
    assert "CPU" in outcome.line


def test_a_refusal_ends_it_before_the_hold_out() -> None:
    site = SimulatedSite(lambda: Container(Traits(memory=97.0), seed=1))

    outcome, session, _ = calibrated(site, Plan(agents=5, probe_agents=(5,)))

    assert not outcome.passed and outcome.settled is None
    assert "memory" in outcome.line
    assert [course.purpose for course in session.courses] == ["settle"]


@pytest.mark.parametrize("at", [0, 1, 25])
def test_a_container_that_goes_leaves_what_was_seen(at: int) -> None:
    site = SimulatedSite(
        linear, fault=ContainerGone("container x ended (exit code 137, out of memory)"), fault_at=at
    )
    session = Session(site, Plan(agents=5), Watching(), Survey(TARGET))

    with pytest.raises(ContainerGone):
        asyncio.run(session.run())

    (course,) = session.courses
    assert course.why_ended == "container x ended (exit code 137, out of memory)"
    assert bool(course.steps) == (at > 1)
    assert site.crews[0].closed


def test_a_workload_that_falls_silent_is_not_waited_for_for_ever() -> None:
    site = SimulatedSite(linear, silent_from=3)
    session = Session(site, Plan(agents=5), Watching(), Survey(TARGET))

    with pytest.raises(WorkloadEnded, match="nothing"):
        asyncio.run(session.run())

    assert len(session.courses[0].steps) < STALE_READINGS
    assert site.crews[0].closed


def test_a_probe_that_fails_takes_nothing_from_what_was_found() -> None:
    class Small(SimulatedSite):
        """One in which forty agents do not fit."""

        async def begin(self, job: Job) -> Crew:
            if job.agents == 40:
                raise WorkloadEnded("the workload ended before it was told to (exit code 137, out of memory)")
            return await super().begin(job)

    outcome, session, _ = calibrated(Small(linear), Plan(agents=5, probe_agents=(5, 40)), compare=True)

    assert outcome.passed
    assert [course.purpose for course in session.courses][-3:] == ["probe", "probe", "compare"]
    assert "out of memory" in session.courses[-2].why_ended and not session.courses[-2].steps


def test_cancelled_it_leaves_no_crew_and_keeps_the_course() -> None:
    site = SimulatedSite(linear, stuck_at=4)
    session = Session(site, Plan(agents=5), Watching(), Survey(TARGET))

    async def interrupted() -> None:
        work = asyncio.create_task(session.run())
        while not session.courses or len(session.courses[0].steps) < 3:
            await asyncio.sleep(0)
        work.cancel()
        with pytest.raises(asyncio.CancelledError):
            await work

    asyncio.run(asyncio.wait_for(interrupted(), 60))

    assert [crew.closed for crew in site.crews] == [1]
    (course,) = session.courses
    assert course.why_ended == "interrupted" and len(course.steps) == 3


def test_what_remains_is_told_and_shrinks_while_a_rate_is_held() -> None:
    _, session, watching = calibrated(SimulatedSite(linear), Plan(agents=5, hold_out_s=30.0))

    held = len(session.courses[1].steps)
    left = watching.left_s[-held:]
    assert left == sorted(left, reverse=True)
    assert left[0] > 30 and left[-1] == 0.0
    assert all(isinstance(step.decision, Wait) for step in session.courses[1].steps)
