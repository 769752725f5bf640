"""What a record says, worked out once for the page, the terminal and machines."""

from collections.abc import Sequence

import msgspec

from calibrate.control import Bound, Change, Refused, Settled, Target
from calibrate.controllers.binding import starved
from calibrate.curve import Curve
from calibrate.holdout import Judgement, judge_course
from calibrate.levels import seconds, weighted
from calibrate.profiles.profile import Profile
from calibrate.record import Course, Record
from calibrate.workload import Sample
from ecology.observe.calibration.steady import Held, held, held_curve
from ecology.observe.calibration.windows import Window, window, windows


class Adjustment(msgspec.Struct, frozen=True):
    """One change of the rate, tokens per second of one agent, numbered from 1 within its course."""

    number: int
    time_s: float
    before: float
    after: float
    why: str


class Told(msgspec.Struct, frozen=True):
    """One course, and what was made of it. `end` is None where it was interrupted or ran out."""

    course: Course
    samples: tuple[Sample, ...]
    windows: list[Window]
    adjustments: list[Adjustment]
    end: Settled | Refused | None
    seconds: float
    """From the workload being ready to the end."""

    @property
    def settled(self) -> Settled | None:
        """The rate it found, if it did."""
        return self.end if isinstance(self.end, Settled) else None


class HoldOut(msgspec.Struct, frozen=True):
    """The found rate, held in a run of its own; `judged` is what the calibration itself made of it."""

    told: Told
    """Its windows are those that were judged: none is of the warm-up."""
    rate: float
    judged: Judgement
    seconds: float
    """So much of it was judged."""
    memory_percent: float


class Findings(msgspec.Struct, frozen=True):
    """A calibration. What the record does not have is None or empty; a hold-out too short to judge is none."""

    record: Record
    profile: Profile | None
    settle: Told | None
    compare: Told | None
    hold_out: HoldOut | None
    probes: list[Told]
    held: list[Held]
    """Every rate that was held long enough to say something, of courses with the record's number of agents."""
    curve: Curve | None
    """CPUs used against the tokens/s of all agents: the profile's, or else one through what was held."""

    @property
    def target(self) -> Target:
        return self.record.target

    @property
    def settled(self) -> Settled | None:
        """How the search ended, if it found a rate."""
        return None if self.settle is None else self.settle.settled

    @property
    def rate(self) -> float | None:
        """The rate that was found, tokens per second of one agent."""
        return None if self.settled is None else self.settled.rate

    @property
    def bound(self) -> Bound | None:
        """What keeps the container from doing more at that rate."""
        return None if self.settled is None else self.settled.bound

    @property
    def starved_percent(self) -> float | None:
        """Of the time: how long the thread of all turns waited for a CPU, if the search was refused for that."""
        tried = [] if self.settle is None else [one.point for one in held(self.settle.course)]
        if self.settle is None or not isinstance(self.settle.end, Refused) or not tried:
            return None
        return tried[-1].loop_waited_percent if starved(tried[-1]) else None

    @property
    def cpus(self) -> float:
        return self.record.place.limits.cpu_millis / 1000

    @property
    def knee(self) -> float | None:
        """The rate of one agent at which the fitted curve uses all of the CPU limit."""
        return None if self.curve is None else self.curve.tokens_on(self.cpus) / self.record.agents

    @property
    def cpu_s_per_1000_tokens(self) -> float | None:
        """What a thousand compute tokens cost in CPU seconds at the rate found, by the fitted curve.

        Where no rate was found, in the middle of what was held.
        """
        if self.curve is None:
            return None
        tokens_per_s = self.curve.centre if self.rate is None else self.rate * self.record.agents
        return 1000 * self.curve.cost_at(tokens_per_s)


def find(record: Record, profile: Profile | None = None) -> Findings:
    """Work out a record; `profile` is what was made of it, if anything was."""
    told = [tell(course) for course in record.courses]
    alike = [one for one in told if one.course.agents == record.agents]
    settle = _last(told, "settle")
    return Findings(
        record=record,
        profile=profile,
        settle=settle,
        compare=_last(told, "compare"),
        hold_out=_hold_out(_last(told, "hold-out"), record.target, settle),
        probes=[one for one in told if one.course.purpose == "probe"],
        held=[one for each in alike for one in held(each.course)],
        curve=_curve(record) if profile is None else profile.cpu.used,
    )


def tell(course: Course) -> Told:
    """Read one course."""
    samples = tuple(step.sample for step in course.steps)
    changes = [(step.sample, step.decision) for step in course.steps]
    adjustments: list[Adjustment] = []
    end: Settled | Refused | None = None
    for sample, decision in changes:
        if isinstance(decision, Change):
            before = adjustments[-1].after if adjustments else sample.rate
            adjustments.append(
                Adjustment(len(adjustments) + 1, sample.time_s, before, decision.rate, decision.why)
            )
        elif isinstance(decision, Settled | Refused):
            end = decision
    return Told(
        course=course,
        samples=samples,
        windows=windows(samples),
        adjustments=adjustments,
        end=end,
        seconds=samples[-1].time_s if samples else 0.0,
    )


def _last(told: Sequence[Told], purpose: str) -> Told | None:
    """The newest course of that purpose."""
    return next((one for one in reversed(told) if one.course.purpose == purpose), None)


def _hold_out(told: Told | None, target: Target, settle: Told | None) -> HoldOut | None:
    found = None if settle is None else settle.settled
    if told is None or found is None:
        return None
    judged = judge_course(told.course, target, found)
    if not judged.windows:
        return None
    samples = [sample for samples in judged.windows for sample in samples]
    return HoldOut(
        told=msgspec.structs.replace(told, windows=[window(samples) for samples in judged.windows]),
        rate=found.rate,
        judged=judged,
        seconds=seconds(samples),
        memory_percent=weighted(samples, [sample.memory_percent for sample in samples]),
    )


def _curve(record: Record) -> Curve | None:
    return held_curve(record.courses, record.agents, record.place.limits.cpu_millis / 1000)
