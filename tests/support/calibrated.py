"""Records of calibrations that never were: of a container whose truth is known, with the noise of real ones."""

import math
import random
from dataclasses import dataclass
from itertools import pairwise

from calibrate.control import Bound, Change, Decision, Settled, Target, Wait
from calibrate.profiles.outcome import profile_of
from calibrate.profiles.profile import Profile
from calibrate.reading import Limits
from calibrate.record import Course, Place, Record, Step
from calibrate.workload import Sample

GIB = 2**30
MIB = 2**20
WORST_TOKENS = 29.4
AT = 100.0
"""The rate of all agents, tokens/s, at which a truth says its cost."""


@dataclass(frozen=True)
class Truth:
    """What the agents of a mix really cost."""

    base_cpus: float = 0.05
    seconds_per_1k: float = 6.0
    exponent: float = 1.0
    """Below 1 the cost is that of 100 tokens/s, and a token is cheaper where there are more."""
    loop_share: float = 0.5
    """How much of all CPU is the one thread's."""
    memory_base: int = 120 * MIB
    per_thinking: int = 3 * MIB

    def tokens(self, share: float, cpus: float) -> float:
        """The tokens/s of all agents at which so much of the CPUs is used."""
        above = (share * cpus - self.base_cpus) / (self.seconds_per_1k / 1000 * AT)
        return AT * math.pow(above, 1 / self.exponent)

    def used(self, tokens: float) -> float:
        """The CPUs that so many tokens/s of all agents take."""
        return self.base_cpus + self.seconds_per_1k / 1000 * AT * math.pow(tokens / AT, self.exponent)


def record(
    truth: Truth = Truth(),
    cpus: float = 1.0,
    *,
    agents: int = 5,
    seed: int = 1,
    noise: float = 0.09,
    bound: Bound = "cpu",
    memory: int = GIB,
    passed: bool = True,
) -> Record:
    """A calibration in a container of so many CPUs; `noise` is by how much the bursts of a second deviate at one CPU.

    0.09 CPUs are what was measured of bursts of 20 ms. Like all that is counted they deviate with the root of what is
    used. The host's own noise is a third of that, in proportion to what is used.
    """
    chance = random.Random(seed)
    found = truth.tokens(0.75, cpus) / agents
    levels = [min(10.0, 2 * found), found * 0.6, found * 1.15, found]
    steps = list[Step]()
    for rate, then in pairwise([*levels, 0.0]):
        samples = _held(truth, cpus, agents, rate, 40, chance, noise, memory)
        last: Decision = (
            Change(then, "on the line") if then else Settled(found, bound, 75.0, 1.5, "it stays in the band")
        )
        steps.extend(Step(sample, Wait()) for sample in samples[:-1])
        steps.append(Step(samples[-1], last))
    held = _held(truth, cpus, agents, found, 120, chance, noise, memory)
    courses = [
        _course(truth, "settle", agents, levels[0], tuple(steps)),
        _course(truth, "hold-out", agents, found, tuple(Step(sample, Wait()) for sample in held)),
    ]
    for others in (1, 20, 50):
        probe = _held(truth, cpus, others, found * agents / others, 20, chance, noise, memory)
        steps = [Step(sample, Wait()) for sample in probe]
        courses.append(_course(truth, "probe", others, found * agents / others, tuple(steps)))
    return Record(
        made="2026-11-21T12:00:00Z",
        software="0.1.0",
        place=Place(
            what="a container of agent-ecology",
            limits=Limits(round(cpus * 1000), memory, "docker"),
            host_cpus=8,
            host_memory_bytes=32 * GIB,
            cpu_model="Some CPU @ 3.0 GHz",
            cgroup_version=2,
            engine="Docker 28.2.2",
        ),
        mix="stress",
        agents=agents,
        target=Target(),
        courses=tuple(courses),
        verdict="held",
        passed=passed,
    )


def profile(cpus: float = 1.0, *, memory: int = GIB, bound: Bound = "cpu", truth: Truth = Truth()) -> Profile:
    """The profile of such a container."""
    return profile_of(record(truth, cpus, memory=memory, bound=bound), WORST_TOKENS)


def _course(truth: Truth, purpose: str, agents: int, rate: float, steps: tuple[Step, ...]) -> Course:
    thinking = max(1, agents // 2)
    return Course(
        purpose=purpose,
        method="model" if purpose == "settle" else "",
        agents=agents,
        started_rate=rate,
        steps=steps,
        memory_bytes=truth.memory_base + truth.per_thinking * thinking,
        thinking=thinking,
    )


def _held(
    truth: Truth,
    cpus: float,
    agents: int,
    rate: float,
    seconds: int,
    chance: random.Random,
    noise: float,
    memory: int,
) -> list[Sample]:
    """A second after the other at one rate: thoughts come in bursts, what does not fit waits, and the host disturbs."""
    samples = []
    cost = (truth.used(rate * agents) - truth.base_cpus) / (rate * agents)
    bursts = noise * math.sqrt(cost * rate * agents)
    waiting = 0.0
    for second in range(seconds):
        waiting = max(0.0, waiting + rate * agents + chance.gauss(0.0, bursts / cost))
        tokens = min(waiting, (cpus - truth.base_cpus) / cost)
        waiting -= tokens
        used = (truth.base_cpus + cost * tokens) * (1 + chance.gauss(0.0, noise / 3))
        percent = min(100.0, max(0.0, 100 * used / cpus))
        samples.append(
            Sample(
                time_s=second + 1.0,
                seconds=1.0,
                rate=rate,
                spent=tokens / agents,
                cpu_percent=percent,
                memory_percent=100 * truth.memory_base / memory,
                loop_percent=percent * cpus * truth.loop_share,
            )
        )
    return samples
