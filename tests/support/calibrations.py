"""Records of calibrations as they may come in: ordinary, compared, refused, bound elsewhere, cut short, hostile.

The containers are invented: CPU rises with the rate up to a knee, with the noise of a real one.
"""

import random
from collections.abc import Sequence
from itertools import pairwise

import msgspec

from calibrate.control import Change, Decision, Refused, Settled, Target, Wait
from calibrate.curve import Curve
from calibrate.profiles.capacity import buckets
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
from calibrate.reading import Limits
from calibrate.record import Course, Place, Record, Step
from calibrate.workload import Sample
from ecology.observe.calibration.findings import find

HOSTILE = '<script>window.pwned=1</script><img src=x onerror="window.pwned=1">"\'&amp;${7*7}{{7*7}}\x1b[31m'
MIB = 1 << 20


class Container(msgspec.Struct, frozen=True):
    """An invented one. CPU % = base + slope · spent; a thought's latency may bound what is spent."""

    base: float = 4.0
    slope: float = 1.15
    noise: float = 3.0
    most_spent: float = float("inf")
    memory_percent: float = 40.0
    memory_slope: float = 0.0
    seed: int = 1


class Hold(msgspec.Struct, frozen=True):
    """A rate, how long it is held, and what is decided at its end."""

    rate: float
    seconds: int
    decision: Decision


def course(container: Container, holds: Sequence[Hold], purpose: str = "settle", **named: object) -> Course:
    chance = random.Random(container.seed)
    steps: list[Step] = []
    time_s, lagged = 0.0, container.base
    for hold in holds:
        for second in range(hold.seconds):
            time_s += 1.0
            spent = min(hold.rate, container.most_spent, (100 - container.base) / container.slope)
            lagged += 0.5 * (container.base + container.slope * spent - lagged)
            cpu = min(100.4, max(0.0, lagged + chance.gauss(0, container.noise)))
            sample = Sample(
                time_s=time_s,
                seconds=1.0,
                rate=hold.rate,
                spent=spent * (1 + chance.gauss(0, 0.02)),
                cpu_percent=cpu,
                memory_percent=container.memory_percent
                + container.memory_slope * hold.rate
                + 2 * (1 - 0.98**time_s)
                + chance.gauss(0, 0.15),
                throttled_percent=max(0.0, (cpu - 60) * 1.6) if cpu > 60 else 0.0,
                late_ms=4.0 if cpu < 90 else 900.0,
                loop_percent=0.7 * cpu,
            )
            last = second == hold.seconds - 1
            steps.append(Step(sample, hold.decision if last else Wait("looking on")))
    whole = Course(
        purpose=purpose,
        method="model",
        agents=5,
        started_rate=holds[0].rate if holds else 10.0,
        steps=tuple(steps),
        memory_bytes=428 * MIB,
        thinking=5,
    )
    return msgspec.structs.replace(whole, **named)


def record(*courses: Course, verdict: str, passed: bool, **named: object) -> Record:
    whole = Record(
        made="2026-01-31T23:59:59Z",
        software="0.1.0",
        place=Place(
            what="a container of agent-ecology",
            limits=Limits(1000, 1024 * MIB, "Docker"),
            host_cpus=2,
            host_memory_bytes=8 << 30,
            cpu_model="AMD EPYC 7763 64-Core Processor",
            cgroup_version=1,
            engine="Docker 28.2.2",
        ),
        mix="stress",
        agents=5,
        target=Target(),
        courses=courses,
        verdict=verdict,
        passed=passed,
    )
    return msgspec.structs.replace(whole, **named)


MODEL = [
    Hold(10.0, 12, Change(30.0, "CPU 16 %: three times the rate stays well below the knee")),
    Hold(30.0, 12, Change(61.5, "line through two rates: 75 % at 61.5 tokens/s")),
    Hold(61.5, 20, Change(62.2, "CPU 74.2 % ± 2.1: a last step to the middle")),
    Hold(62.2, 25, Settled(62.2, "cpu", 75.3, 1.1, "the mean lies in the band with 95 % confidence")),
]


def _climb(rates: Sequence[float], seconds: int) -> list[Hold]:
    """The classic rule's way: up by a quarter, down by a fifth."""
    holds = [
        Hold(before, seconds, Change(after, "below 50 %: x 1.25" if after > before else "above 85 %: x 0.8"))
        for before, after in pairwise(rates)
    ]
    end = Settled(rates[-1], "cpu", 74.6, 2.4, "inside the band for 60 s")
    return [*holds, Hold(rates[-1], 60, end)]


CLASSIC = _climb([10, 12.5, 15.6, 19.5, 24.4, 30.5, 38.1, 47.7, 59.6, 61.0], 30)
HELD = [Hold(62.2, 120, Wait())]


def ordinary() -> Record:
    hold_out = course(Container(seed=2), HELD, "hold-out", method="")
    probes = [
        course(
            Container(seed=10 + agents),
            [Hold(311.0 / agents, 20, Wait())],
            "probe",
            agents=agents,
            method="",
            memory_bytes=(194 + 47 * min(agents, 14)) * MIB,
            thinking=min(agents, 14),
        )
        for agents in (1, 10, 20)
    ]
    verdict = "62.2 tokens/s for each of 5 agents: CPU 75.3 % of 1 CPU, held for 120 s"
    return record(course(Container(), MODEL), hold_out, *probes, verdict=verdict, passed=True)


def compared() -> Record:
    other = course(Container(seed=3), CLASSIC, "compare", method="classic")
    whole = ordinary()
    return msgspec.structs.replace(whole, courses=(*whole.courses, other))


def refused() -> Record:
    why = "at the least rate of 0.1 tokens/s the CPU is already at 97 %: the container is too small for 5 agents"
    full = Container(base=97.0, slope=2.0)
    holds = [
        Hold(10.0, 10, Change(0.1, "CPU 100 % at the start: down to the least rate")),
        Hold(0.1, 15, Refused(why)),
    ]
    return record(course(full, holds), verdict=why, passed=False)


def latency_bound() -> Record:
    slow = Container(most_spent=21.0)
    why = "agents spend 21 tokens/s whatever they are given: they wait for the model"
    holds = [
        Hold(10.0, 12, Change(30.0, "CPU 16 %: far below the band")),
        Hold(30.0, 12, Change(120.0, "CPU 28 %: far below the band")),
        Hold(120.0, 20, Change(480.0, "CPU did not rise: once more, to be sure")),
        Hold(480.0, 20, Settled(23.1, "latency", 28.1, 0.9, why)),
    ]
    held = course(
        Container(most_spent=21.0, seed=4),
        [Hold(23.1, 120, Wait())],
        "hold-out",
        method="",
    )
    verdict = f"23.1 tokens/s for each of 5 agents; CPU stays at 28 %: {why}"
    return record(course(slow, holds), held, verdict=verdict, passed=True)


def memory_bound() -> Record:
    heavy = Container(memory_percent=60.0, memory_slope=0.9)
    holds = [
        Hold(10.0, 12, Change(30.0, "CPU 16 %: far below the band")),
        Hold(30.0, 12, Change(36.0, "memory 88 %: no further than that")),
        Hold(36.0, 25, Change(30.0, "memory above 90 %")),
        Hold(30.0, 25, Settled(30.0, "memory", 38.6, 1.2, "memory at 88 % of its limit binds first")),
    ]
    verdict = "30 tokens/s for each of 5 agents: memory binds at 88 % of 1.0 GiB, CPU stays at 39 %"
    return record(course(heavy, holds), verdict=verdict, passed=True)


def interrupted() -> Record:
    begun = course(Container(), [Hold(10.0, 3, Wait("too few samples"))], why_ended="interrupted")
    return record(begun, verdict="interrupted after 3 samples; nothing was found", passed=False)


def nothing() -> Record:
    """Interrupted before the first sample, on a bare machine without Docker."""
    place = msgspec.structs.replace(
        ordinary().place, what="this process", cgroup_version=None, engine="", cpu_model=""
    )
    return record(
        course(Container(), [], why_ended="interrupted"),
        verdict="interrupted before the first sample",
        passed=False,
        place=place,
    )


def failed_hold_out() -> Record:
    hold_out = course(Container(base=18.0, noise=9.0, seed=5), HELD, "hold-out", method="")
    verdict = "62.2 tokens/s was found, but did not hold: CPU 89 % in the hold-out; something else takes CPU"
    return record(course(Container(), MODEL), hold_out, verdict=verdict, passed=False)


def long_classic() -> Record:
    """An hour and a half of a noisy container: thousands of samples, adjustments close to each other."""
    chance = random.Random(7)
    rates = [10.0]
    while len(rates) < 40:
        rates.append(round(rates[-1] * (1.25 if rates[-1] < 55 + chance.uniform(-9, 9) else 0.8), 2))
    classic = course(Container(noise=14.0, seed=8), _climb(rates, 130), method="classic")
    return record(classic, verdict=f"{rates[-1]:g} tokens/s for each of 5 agents", passed=True)


def hostile() -> Record:
    """Every word that a container or an agent could choose, chosen by an enemy."""
    whole = compared()
    place = msgspec.structs.replace(
        whole.place, what=HOSTILE, cpu_model=HOSTILE, engine=HOSTILE, limits=Limits(1000, 1024 * MIB, HOSTILE)
    )
    holds = [Hold(10.0, 12, Change(62.2, HOSTILE)), Hold(62.2, 30, Settled(62.2, "cpu", 75.0, 1.0, HOSTILE))]
    settle = course(Container(), holds, method=HOSTILE, why_ended=HOSTILE)
    courses = (settle, *whole.courses[1:])
    return msgspec.structs.replace(
        whole, place=place, mix=HOSTILE, software=HOSTILE, verdict=HOSTILE, courses=courses
    )


RECORDS = {
    make.__name__: make
    for make in (
        ordinary, compared, refused, latency_bound, memory_bound, interrupted, nothing, failed_hold_out,
        long_classic, hostile,
    )
}  # fmt: skip


def profile(of: Record) -> Profile | None:
    """What would be made of a record, with memory as the probes of `ordinary` have it; None if no rate was found."""
    findings = find(of)
    end, held = findings.settled, findings.hold_out
    if end is None:
        return None
    limits, curve = of.place.limits, findings.curve or Curve(0.04, 0.0023, exponent=1.0, centre=200.0)
    cpus = limits.cpu_millis / 1000
    memory = MemorySection(base_bytes=190 * MIB, bytes_per_thinking=48 * MIB, measured_at=3)
    cost = 1000 * curve.cost
    made = Profile(
        version=PROFILE_VERSION,
        made=of.made,
        software=of.software,
        engine=of.place.engine,
        what=of.place.what,
        mix=of.mix,
        container=ContainerSection(cpus, limits.memory_bytes, limits.source),
        hardware=HardwareSection(
            "laptop", of.place.cpu_model, of.place.host_cpus, of.place.host_memory_bytes
        ),
        aim=AimSection(70.0, 80.0, 90.0),
        rate=RateSection(of.agents, end.rate, 1.3, end.bound),
        cpu=CpuSection(
            base_cpus=curve.base,
            cpu_seconds_per_1k_tokens=cost,
            error_cpu_seconds_per_1k_tokens=0.04 * cost,
            centre_tokens_per_s=curve.centre,
            exponent=curve.exponent,
            error_exponent=0.02,
            loop_base_cpus=0.02,
            loop_seconds_per_1k_tokens=0.7 * cost,
        ),
        memory=memory,
        thinking_at_once=max(1, int((0.9 * limits.memory_bytes - 190 * MIB) // (48 * MIB))),
        worst_thought_tokens=90.0,
        buckets=(BucketRow(1, end.rate, 10 * end.rate),),
        hold_out=None
        if held is None
        else HoldOutSection(held.judged.mean_percent, 100 * held.judged.inside_share, of.passed),
    )
    return msgspec.structs.replace(made, buckets=buckets(made))
