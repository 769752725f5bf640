"""Rates that were held, what the container did at each, and the curve through them up to the knee."""

from collections.abc import Iterator, Sequence

import msgspec

from calibrate.controllers.knee import Point, point_of
from calibrate.curve import Curve, curve_through
from calibrate.levels import cpu_points, seconds, steady_levels
from calibrate.record import Course


class Held(msgspec.Struct, frozen=True):
    """One rate that was held, and what the methods themselves would make of it."""

    purpose: str
    seconds: float
    point: Point


def held(course: Course) -> Iterator[Held]:
    """Every rate of a course, without the seconds in which it was new."""
    for level in steady_levels(course):
        yield Held(course.purpose, seconds(level), point_of(level))


def held_curve(courses: Sequence[Course], agents: int, cpus: float) -> Curve | None:
    """CPUs used against the tokens/s of all, as a profile would have it, of the courses of so many agents.

    None where it does not surely rise: then there is none to speak of.
    """
    used, _ = cpu_points([course for course in courses if course.agents == agents], cpus)
    return curve_through(used)
