"""Containers that are not there: what a calibration would read of one, for tests of its controllers.

A container works in periods of 0.1 s, as the kernel's scheduler limits it: agents are given tokens, what they cannot
spend waits (and is lost beyond what a bucket holds), and what they spend costs CPU. So bursts, queues, throttling and
saturation come about as they do in a real one. Everything follows from the parameters, the seed and the rates asked.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import msgspec
import numpy as np

from calibrate.control import Change, Controller, Decision, Refused, Settled, State
from calibrate.controllers.governing import Governor
from calibrate.record import Step
from calibrate.workload import Sample

PERIOD_S = 0.1
PERIODS = 10
FULL = 0.999
"""A period in which so much of the quota was used is one that was throttled, if more was wanted."""


@dataclass(frozen=True)
class Traits:
    """What a container is like. CPU in percent of its limit, tokens per second of one agent."""

    capacity: float = 200.0
    """Tokens per second that would cost just the whole CPU, beyond what idling costs."""
    idle: float = 2.0
    """CPU that is used whatever the rate."""
    jitter: float = 0.3
    """Standard deviation of a reading, in points."""
    burst: float = 0.0
    """A turn's CPU as a share of one second of the limit: 0.04 for 20 ms of half a CPU. 0: work flows evenly."""
    turn: float = 0.0
    """The same where turns are paced, all agents at once whenever their buckets hold enough for one."""
    roundness: float = 0.0
    """How early agents begin to spend less than they are given: 0 is a sharp knee, 0.5 a very round one."""
    lag_s: float = 0.0
    """Time constant with which readings of CPU follow."""
    saved_s: float = 2.0
    """How many seconds' tokens a bucket holds."""
    latency_cap: float = math.inf
    """The most that agents can spend, waiting for their model."""
    starved_cap: float = math.inf
    """The most that agents can spend, others having the machine's CPUs."""
    loop_cap: float = math.inf
    """The most that agents can spend, the one thread of their turns being full."""
    memory: float = 20.0
    """Percent of the limit that is used whatever the rate."""
    memory_slope: float = 0.0
    """Points of memory for one token per second spent."""
    memory_lag_s: float = 3.0
    drift: float = 0.0
    """By what share turns become dearer (or cheaper) in a second: a neighbour."""
    unsteady: float = 0.0
    """Standard deviation, as a share, of what a turn costs: neighbours slow the machine down and let it go again,"""
    unsteady_s: float = 15.0
    """for about so long at a time."""
    step_s: float = math.inf
    step_factor: float = 1.0
    """By what factor turns become dearer at `step_s`."""

    def cost(self, time_s: float) -> float:
        """Points of CPU for one token per second."""
        sudden = self.step_factor if time_s >= self.step_s else 1.0
        return (100 - self.idle) / self.capacity * max(1 + self.drift * time_s, 0.1) * sudden

    def spent(self, rate: float, time_s: float = 0.0) -> float:
        """What agents spend in the long run at this rate, without noise."""
        whole = (100 - self.idle) / self.cost(time_s)
        given = rate
        if self.roundness > 0:
            power = 1 / self.roundness
            given = rate / (1 + (rate / whole) ** power) ** (1 / power)
        return min(given, whole, self.latency_cap, self.starved_cap, self.loop_cap)

    def cpu(self, rate: float, time_s: float = 0.0) -> float:
        """CPU in the long run at this rate, without noise: the truth that a controller is judged by."""
        return self.idle + self.cost(time_s) * self.spent(rate, time_s)

    def memory_at(self, rate: float) -> float:
        """Memory in the long run at this rate, in percent of the limit."""
        return self.memory + self.memory_slope * self.spent(rate)


@dataclass
class Container:
    """A container with such traits, from the moment its workload is ready."""

    traits: Traits
    seed: int
    time_s: float = 0.0
    waiting: float = 0.0
    """Tokens that agents were given and have not spent."""
    saved: float = 0.0
    """Tokens towards the next turn, where turns are paced."""
    used: float = 0.0
    """CPU as it is read, following what is really used."""
    held: float = 0.0
    """Memory in percent."""
    slowness: float = 0.0
    """The logarithm of what a turn costs more just now."""
    _draw: np.random.Generator = field(init=False)

    def __post_init__(self) -> None:
        self._draw = np.random.default_rng(self.seed)
        self.used = self.traits.idle
        self.held = self.traits.memory

    def sample(self, rate: float) -> Sample:
        """The next second, at this rate."""
        traits = self.traits
        spent = cpu = throttled = 0.0
        for _ in range(PERIODS):
            self._breathe()
            done, full = self._period(rate)
            spent += done
            cpu += (traits.idle + self._cost() * done / PERIOD_S) / PERIODS
            throttled += full
            self.time_s += PERIOD_S
        self.used += (cpu - self.used) * (1 - math.exp(-1 / traits.lag_s) if traits.lag_s else 1.0)
        wanted = traits.memory + traits.memory_slope * spent
        self.held += (wanted - self.held) * (1 - math.exp(-1 / traits.memory_lag_s))
        killed = self.held >= 100
        if killed:
            self.held = traits.memory
        return Sample(
            time_s=round(self.time_s, 3),
            seconds=1.0,
            rate=rate,
            spent=spent,
            cpu_percent=min(max(self.used + traits.jitter * float(self._draw.standard_normal()), 0.0), 101.0),
            memory_percent=100.0 if killed else self.held,
            throttled_percent=100 * throttled / PERIODS,
            late_ms=1000 * self.waiting / rate,
            loop_percent=min(100 * spent / traits.loop_cap, 100.0) if traits.loop_cap < math.inf else 30.0,
            loop_waited_percent=60.0 if spent >= FULL * traits.starved_cap else 0.0,
            oom_kills=int(killed),
        )

    def _cost(self) -> float:
        return self.traits.cost(self.time_s) * math.exp(self.slowness)

    def _breathe(self) -> None:
        """An Ornstein-Uhlenbeck process: the machine's speed comes back to its mean, and is driven away from it."""
        traits = self.traits
        if traits.unsteady:
            kept = math.exp(-PERIOD_S / traits.unsteady_s)
            driven = traits.unsteady * math.sqrt(1 - kept**2) * float(self._draw.standard_normal())
            self.slowness = kept * self.slowness + driven

    def _period(self, rate: float) -> tuple[float, bool]:
        """What is spent in a period, and whether it was throttled."""
        traits = self.traits
        cost = self._cost()
        whole = (100 - traits.idle) / cost
        self.waiting += self._given(rate, cost) * PERIOD_S
        done = min(
            self.waiting, PERIOD_S * min(whole, traits.latency_cap, traits.starved_cap, traits.loop_cap)
        )
        self.waiting -= done
        full = self.waiting > 0 and done >= FULL * whole * PERIOD_S
        turn = 100 * max(traits.burst, traits.turn) / cost
        self.waiting = min(self.waiting, max(traits.saved_s * rate, turn))
        return done, full

    def _given(self, rate: float, cost: float) -> float:
        """Tokens per second that agents begin to spend in a period."""
        traits = self.traits
        if traits.roundness > 0:
            whole = (100 - traits.idle) / cost
            power = 1 / traits.roundness
            rate = rate / (1 + (rate / whole) ** power) ** (1 / power)
        if traits.turn > 0:
            self.saved += rate * PERIOD_S
            turn = 100 * traits.turn / cost
            turns = self.saved // turn
            self.saved -= turns * turn
            return turns * turn / PERIOD_S
        if traits.burst == 0:
            return rate
        turn = 100 * traits.burst / cost
        return float(self._draw.poisson(rate * PERIOD_S / turn)) * turn / PERIOD_S


FAMILIES: dict[str, Callable[[np.random.Generator], Traits]] = {
    "linear": lambda draw: Traits(_capacity(draw), idle=draw.uniform(0, 50)),
    "paced": lambda draw: Traits(_capacity(draw), idle=draw.uniform(0, 10), turn=draw.uniform(0.005, 0.5)),
    "saturating": lambda draw: Traits(
        _capacity(draw), idle=draw.uniform(0, 20), roundness=draw.uniform(0.05, 0.25)
    ),
    "noisy": lambda draw: Traits(
        _capacity(draw), idle=draw.uniform(0, 10), burst=draw.uniform(0.005, 0.04), jitter=1.0
    ),
    "very noisy": lambda draw: Traits(_capacity(draw), burst=draw.uniform(0.04, 0.2), jitter=1.0),
    "lagging": lambda draw: Traits(_capacity(draw), idle=draw.uniform(0, 20), lag_s=draw.uniform(1, 8)),
    "throttled": lambda draw: Traits(_capacity(draw), burst=draw.uniform(0.02, 0.1), saved_s=10.0),
    "memory by rate": lambda draw: _memory_bound(_capacity(draw), draw),
    "memory full": lambda draw: Traits(_capacity(draw), memory=draw.uniform(92, 99)),
    "latency": lambda draw: _capped(_capacity(draw), draw.uniform(0.05, 0.6), "latency"),
    "noisy latency": lambda draw: _capped(_capacity(draw), draw.uniform(0.1, 0.5), "latency", 0.02),
    "one process": lambda draw: _capped(_capacity(draw), draw.uniform(0.15, 0.6), "loop"),
    "starved": lambda draw: _capped(_capacity(draw), draw.uniform(0.1, 0.6), "neighbours"),
    "drifting": lambda draw: Traits(_capacity(draw), idle=10, drift=draw.uniform(-5e-4, 5e-4)),
    "unsteady": lambda draw: Traits(
        _capacity(draw),
        idle=draw.uniform(5, 15),
        jitter=3.0,
        unsteady=draw.uniform(0.04, 0.09),
        unsteady_s=draw.uniform(8, 25),
    ),
    "disturbed": lambda draw: Traits(
        _capacity(draw), step_s=draw.uniform(5, 40), step_factor=draw.uniform(0.6, 1.6)
    ),
    "busy": lambda draw: Traits(_capacity(draw), idle=draw.uniform(85, 95)),
    "roomy": lambda draw: Traits(10 ** draw.uniform(6.3, 7)),
    "out of memory": lambda draw: Traits(_capacity(draw), memory=110.0),
}
"""Kinds of containers, each drawn over a wide range of its parameters."""


def _capacity(draw: np.random.Generator) -> float:
    """From fewer tokens than a calibration begins with to hundreds of times as many, evenly by factors."""
    return float(10 ** draw.uniform(0.3, 4.5))


def _memory_bound(capacity: float, draw: np.random.Generator) -> Traits:
    base = draw.uniform(10, 60)
    share = draw.uniform(0.15, 0.6)
    return Traits(capacity, memory=base, memory_slope=(88 - base) / (share * capacity))


def _capped(capacity: float, share: float, by: str, burst: float = 0.0) -> Traits:
    cap = share * capacity
    if by == "latency":
        return Traits(capacity, latency_cap=cap, burst=burst)
    if by == "neighbours":
        return Traits(capacity, starved_cap=cap, burst=burst)
    return Traits(capacity, loop_cap=cap, burst=burst)


@dataclass(frozen=True)
class Run:
    """A calibration of a container that is not there: every sample with its decision, as a record keeps them."""

    steps: tuple[Step, ...]

    @property
    def end(self) -> Decision:
        """What it came to; a `Wait` or `Change` if it came to nothing in time."""
        return self.steps[-1].decision

    @property
    def rates(self) -> list[float]:
        """The rates that the controller asked for, in order."""
        return [step.decision.rate for step in self.steps if isinstance(step.decision, Change)]

    @property
    def adjustments(self) -> int:
        """How often it changed the rate."""
        return len(self.rates)


def calibrated(controller: Controller[State], container: Container, *, most_s: int = 4_000) -> Run:
    """Let the controller find the container's rate, for so many seconds at most."""
    state, rate = controller.begin(), controller.target.start_rate
    steps: list[Step] = []
    for _ in range(most_s):
        sample = container.sample(rate)
        state, decision = controller.step(state, sample)
        steps.append(Step(sample, decision))
        if isinstance(decision, Change):
            rate = decision.rate
        elif isinstance(decision, Settled | Refused):
            break
    return Run(tuple(steps))


def governed(governor: Governor, container: Container, *, seconds: int, use: float = 1.0) -> list[float]:
    """The rate in force in each second of a world whose agents use that share of what they are given."""
    state, rate, rates = governor.begin(), governor.rate, []
    for _ in range(seconds):
        sample = msgspec.structs.replace(container.sample(rate * use), rate=rate)
        state, decision = governor.step(state, sample)
        rates.append(rate)
        if isinstance(decision, Change):
            rate = decision.rate
    return rates
