"""The levels at which a rate was held: steady samples gathered into windows, and what CPU each level took."""

from collections.abc import Iterator, Sequence
from itertools import groupby

from calibrate.controllers.knee import SATURATED_PERCENT
from calibrate.curve import Point
from calibrate.record import Course
from calibrate.workload import Sample

WINDOW_S = 10.0
"""Samples are judged together in windows of this length: single ones are bursts, not levels."""

SETTLING_S = 5.0
"""What follows a change of rate is no steady state for this long."""

SHORT_PART = 3
"""Of a hold that is too short to leave `SETTLING_S` out, one part in so many is left out."""

LEAST_SAMPLES = 3
"""Fewer are no level."""


def seconds(samples: Sequence[Sample]) -> float:
    """How long samples took together."""
    return sum(sample.seconds for sample in samples)


def weighted(samples: Sequence[Sample], values: Sequence[float]) -> float:
    """The mean of `values`, one of each sample, weighted by the samples' seconds."""
    pairs = zip(samples, values, strict=True)
    return sum(sample.seconds * value for sample, value in pairs) / seconds(samples)


def steady_levels(course: Course) -> Iterator[Sequence[Sample]]:
    """The samples of each rate that was held, without those after the change; of a short hold a third is left out."""
    samples = [step.sample for step in course.steps]
    for _, group in groupby(samples, key=lambda sample: sample.rate):
        level = list(group)
        start_s = level[0].time_s - level[0].seconds
        settled_s = start_s + min(SETTLING_S, (level[-1].time_s - start_s) / SHORT_PART)
        steady = [sample for sample in level if sample.time_s - sample.seconds >= settled_s - 1e-6]
        if len(steady) >= LEAST_SAMPLES:
            yield steady


def steady_windows(course: Course) -> Iterator[Sequence[Sample]]:
    """Steady samples in windows of one rate; a rest of less than half is left out, unless it is all of its level."""
    for level in steady_levels(course):
        window, whole = list[Sample](), 0
        for sample in level:
            window.append(sample)
            if seconds(window) >= WINDOW_S - 0.5:
                yield window
                window, whole = [], whole + 1
        if window and (not whole or seconds(window) >= WINDOW_S / 2):
            yield window


def cpu_points(courses: Sequence[Course], cpus: float) -> tuple[list[Point], list[Point]]:
    """CPUs used against tokens per second of all agents, of the container and of the one thread of all turns.

    One point for each steady window below saturation, weighted by its seconds. Probes are left out: other numbers of
    agents worked in them.
    """
    used, loop = list[Point](), list[Point]()
    for course in courses:
        if course.purpose == "probe":
            continue
        for window in steady_windows(course):
            tokens = weighted(window, [sample.spent for sample in window]) * course.agents
            percent = weighted(window, [sample.cpu_percent for sample in window])
            if percent < SATURATED_PERCENT:
                thread = weighted(window, [sample.loop_percent for sample in window])
                used.append(Point(tokens, percent / 100 * cpus, seconds(window)))
                loop.append(Point(tokens, thread / 100, seconds(window)))
    return used, loop
