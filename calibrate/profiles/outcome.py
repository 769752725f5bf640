"""From the record of a calibration to the profile of its container."""

from collections.abc import Sequence
from statistics import linear_regression

import msgspec

from calibrate.control import Settled
from calibrate.curve import alike, curve_through, proportional
from calibrate.errors import CalibrationFault
from calibrate.holdout import judge_course
from calibrate.levels import cpu_points
from calibrate.profiles.capacity import BUCKET_S, buckets, thinking_at_once
from calibrate.profiles.profile import (
    PROFILE_VERSION,
    AimSection,
    BucketRow,
    ContainerSection,
    CpuSection,
    HardwareSection,
    HoldOutSection,
    MemorySection,
    Profile,
    RateSection,
)
from calibrate.record import Course, Place, Record

LEAST_SLOPE_BYTES = 64 * 1024
"""A thought holds at least its prompt and its answer, whatever noise says."""

UNMEASURED_SLOPE_BYTES = 256 * 1024 * 1024
"""What a thinking agent is taken to occupy where it was not measured: within the design's 200-500 MB."""


def profile_of(record: Record, worst_thought_tokens: float) -> Profile:
    """What a calibration that settled found.

    `worst_thought_tokens` is what a thought can cost in the mix that worked. Raises CalibrationFault if no rate was
    found, or if nothing steady was seen.
    """
    course, settled = _settled(record)
    cpus = record.place.limits.cpu_millis / 1000
    cpu = _cpu(record.courses, cpus)
    memory = _memory(record.courses)
    aim = AimSection(record.target.low_percent, record.target.high_percent, record.target.memory_percent)
    cost = cpu.exponent * cpu.used.cost_at(settled.rate * course.agents) * course.agents
    profile = Profile(
        version=PROFILE_VERSION,
        made=record.made,
        software=record.software,
        engine=record.place.engine,
        what=record.place.what,
        mix=record.mix,
        container=ContainerSection(cpus, record.place.limits.memory_bytes, record.place.limits.source),
        hardware=_hardware(record.place),
        aim=aim,
        rate=RateSection(
            agents=course.agents,
            tokens_per_s=settled.rate,
            error_tokens_per_s=settled.cpu_error / 100 * cpus / cost,
            bound=settled.bound,
        ),
        cpu=cpu,
        memory=memory,
        thinking_at_once=1,
        worst_thought_tokens=worst_thought_tokens,
        buckets=(BucketRow(course.agents, settled.rate, BUCKET_S * settled.rate),),
        hold_out=_hold_out(record, settled),
    )
    at_once = max(1, thinking_at_once(profile, record.place.limits.memory_bytes))
    profile = msgspec.structs.replace(profile, thinking_at_once=at_once)
    profile = msgspec.structs.replace(profile, buckets=buckets(profile) or profile.buckets)
    return msgspec.convert(_rounded(msgspec.to_builtins(profile)), Profile)


def _rounded(value: object) -> object:
    """Plain data with numbers of six digits: more were never measured, and people read them."""
    if isinstance(value, dict):
        return {key: _rounded(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(part) for part in value]
    return float(f"{value:.6g}") if isinstance(value, float) else value


def hardware_class(cpus: float, memory_bytes: int) -> str:
    """What a machine of so many CPUs and so much memory is called.

    laptop: up to 4 CPUs or less than 12 GiB; server: at least 16 CPUs and 60 GiB; desktop: between them.
    (60 and 12 GiB, because of 64 and 16 the firmware and the kernel keep some.)
    """
    gib = memory_bytes / 2**30
    if cpus <= 4 or gib < 12:
        return "laptop"
    return "server" if cpus >= 16 and gib >= 60 else "desktop"


def _settled(record: Record) -> tuple[Course, Settled]:
    """The course that found the rate, and what it found."""
    for course in record.courses:
        if course.purpose == "settle":
            for step in course.steps:
                if isinstance(step.decision, Settled):
                    return course, step.decision
    raise CalibrationFault(
        f"no rate was found ({record.verdict})" if record.verdict else "no rate was found",
        remedy="calibrate again; the record says what was seen",
    )


def _cpu(courses: Sequence[Course], cpus: float) -> CpuSection:
    """The curve of CPU against tokens, of the container and of the one thread of all turns.

    They have one exponent: the thread does most of what a turn takes, so one of its own was within 0.04 of the
    container's wherever it was measured, and predicted no better.
    """
    used, loop = cpu_points(courses, cpus)
    if not used or not any(point.tokens_per_s > 0 and point.cpus > 0 for point in used):
        raise CalibrationFault(
            "nothing steady was seen below full load", remedy="calibrate for longer, or with more CPUs"
        )
    curve = curve_through(used) or proportional(used)
    thread = alike(loop, curve)
    return CpuSection(
        base_cpus=curve.base,
        cpu_seconds_per_1k_tokens=curve.cost * 1000,
        error_cpu_seconds_per_1k_tokens=curve.cost_error * 1000,
        centre_tokens_per_s=curve.centre,
        exponent=curve.exponent,
        error_exponent=curve.exponent_error,
        loop_base_cpus=thread.base,
        loop_seconds_per_1k_tokens=thread.cost * 1000,
    )


def _memory(courses: Sequence[Course]) -> MemorySection:
    """The line of the working set against thoughts under way.

    Its slope is that of the probes, which differ in nothing but the number of agents; other courses last longer, and a
    world grows as it lives. The line lies so high that no course was above it.
    """
    seen = [course for course in courses if course.memory_bytes > 0]
    probes = [(course.thinking, course.memory_bytes) for course in seen if course.purpose == "probe"]
    numbers = {thinking for thinking, _ in probes}
    if len(numbers) < 2:
        least = min((course.memory_bytes for course in seen), default=0)
        return MemorySection(least, UNMEASURED_SLOPE_BYTES, min(1, len(seen)))
    slope = max(LEAST_SLOPE_BYTES, linear_regression(*zip(*probes, strict=True)).slope)
    base = max(course.memory_bytes - slope * course.thinking for course in seen)
    return MemorySection(max(0, int(base)), int(slope), len(numbers))


def _hardware(place: Place) -> HardwareSection:
    kind = hardware_class(place.host_cpus, place.host_memory_bytes)
    return HardwareSection(kind, place.cpu_model, max(1, place.host_cpus), place.host_memory_bytes)


def _hold_out(record: Record, found: Settled) -> HoldOutSection | None:
    """What was judged of the run that held the rate; None if there was none, or too little of it."""
    course = next((course for course in record.courses if course.purpose == "hold-out"), None)
    judged = None if course is None else judge_course(course, record.target, found)
    if judged is None or not judged.windows:
        return None
    return HoldOutSection(judged.mean_percent, 100 * judged.inside_share, record.passed)
