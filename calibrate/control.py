"""What a controller aims at and what it decides. Controllers are pure: (state, sample) in, (state, decision) out."""

from typing import Literal, Protocol, TypeVar

import msgspec

from calibrate.workload import Sample


class Target(msgspec.Struct, frozen=True):
    """Where the container should be: the original design's 70-80 % of its CPU, sustained, below 90 % of its memory."""

    low_percent: float = 70.0
    high_percent: float = 80.0
    memory_percent: float = 90.0
    start_rate: float = 10.0
    """Tokens per second of one agent."""
    least_rate: float = 0.1
    most_rate: float = 1_000_000.0

    @property
    def aim_percent(self) -> float:
        """The middle of the band."""
        return (self.low_percent + self.high_percent) / 2

    def in_band(self, cpu_percent: float) -> bool:
        """Whether a CPU figure lies in the band; its borders belong to it."""
        return self.low_percent <= cpu_percent <= self.high_percent


Bound = Literal["cpu", "memory", "latency", "one_process", "rate"]
"""What keeps a container from doing more: its CPU; its memory; that agents wait for a model (their thoughts take
time that no rate shortens); that one process' thread is full while the container has CPUs left; the highest rate."""


class Wait(msgspec.Struct, frozen=True, tag="wait"):
    """Look on at the present rate."""

    why: str = ""


class Change(msgspec.Struct, frozen=True, tag="change"):
    """Give every agent another rate."""

    rate: float
    why: str


class Settled(msgspec.Struct, frozen=True, tag="settled"):
    """This rate is right. `bound` is what binds there; anything but "cpu" means that the band cannot be reached.

    `cpu_percent` was measured there, and its true mean lies within `± cpu_error` with 95 % confidence.
    """

    rate: float
    bound: Bound
    cpu_percent: float
    cpu_error: float
    why: str


class Refused(msgspec.Struct, frozen=True, tag="refused"):
    """No rate can be found, and why."""

    why: str


Decision = Wait | Change | Settled | Refused

State = TypeVar("State")


class Controller(Protocol[State]):
    """A way to find the rate. States are immutable."""

    name: str
    target: Target

    def begin(self) -> State:
        """The state before the first sample, at `target.start_rate`."""

    def step(self, state: State, sample: Sample) -> tuple[State, Decision]:
        """Take in one sample and decide. After `Settled` or `Refused` it is not called again."""

    def remaining_s(self, state: State) -> float:
        """How long it will probably still take, for the person who waits."""
