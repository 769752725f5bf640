"""Rates that were held, what the container did at each, and the line through them up to the knee."""

from collections.abc import Iterator, Sequence

import msgspec

from calibrate.knee import Point, point_of
from calibrate.levels import cpu_points, rising, seconds, steady_levels
from calibrate.record import Course


class Held(msgspec.Struct, frozen=True):
    """One rate that was held, and what the methods themselves would make of it."""

    purpose: str
    seconds: float
    point: Point


class Line(msgspec.Struct, frozen=True):
    """CPU percent of the limit = base + slope · tokens per second that one agent really spends."""

    base: float
    slope: float

    def rate_at(self, cpu_percent: float) -> float:
        """The rate at which the line reaches that CPU."""
        return (cpu_percent - self.base) / self.slope


def held(course: Course) -> Iterator[Held]:
    """Every rate of a course, without the seconds in which it was new."""
    for level in steady_levels(course):
        yield Held(course.purpose, seconds(level), point_of(level))


def line_through(courses: Sequence[Course], agents: int) -> Line | None:
    """The line that a profile is made of, through the courses of so many agents.

    None where it does not surely rise: then there is no line to speak of.
    """
    used, _ = cpu_points([course for course in courses if course.agents == agents], cpus=1.0)
    line = rising(used)
    return None if line is None else Line(base=100 * line.base, slope=100 * line.slope * agents)
