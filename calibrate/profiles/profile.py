"""A capacity profile: what a calibration found, in the words in which `capacity.yaml` keeps it.

A field is called in the file as it is here, and its name ends in its unit. Errors are half of a 95 % interval.
"""

from typing import Annotated

import msgspec

from calibrate.control import Bound
from calibrate.curve import Curve

PROFILE_VERSION = 1

_Text = Annotated[str, msgspec.Meta(max_length=4_000)]
_Count = Annotated[int, msgspec.Meta(ge=1, le=1_000_000)]
_Bytes = Annotated[int, msgspec.Meta(ge=0, le=1 << 60)]
_Some = Annotated[float, msgspec.Meta(ge=0, le=1e12)]
_More = Annotated[float, msgspec.Meta(ge=1e-9, le=1e12)]
_Percent = Annotated[float, msgspec.Meta(ge=0, le=100)]


class _Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Nothing is taken that is not understood."""


class ContainerSection(_Section, frozen=True):
    """The limits it was measured in, and where they were found."""

    cpus: _More
    memory_bytes: Annotated[int, msgspec.Meta(ge=1, le=1 << 60)]
    source: _Text


class HardwareSection(_Section, frozen=True):
    """The machine around the container; `kind` is its class, see `hardware_class`."""

    kind: _Text
    cpu_model: _Text
    cpus: _Count
    memory_bytes: _Bytes


class RateSection(_Section, frozen=True):
    """The rate that the container sustains for each of `agents` agents, and what keeps it from more."""

    agents: _Count
    tokens_per_s: _More
    error_tokens_per_s: _Some
    bound: Bound


class CpuSection(_Section, frozen=True):
    """CPUs used = base_cpus + cpu_seconds_per_1k_tokens ÷ 1000 · centre · (tokens/s of all agents ÷ centre)^exponent.

    The cost is that at `centre_tokens_per_s`, where it is known best: a token is dearer below, as `exponent` says, and
    cheaper above. `loop_…` is the share of the one thread that all turns of a process go through, with the same centre
    and exponent: it can fill one CPU and no more.
    """

    base_cpus: _Some
    cpu_seconds_per_1k_tokens: _More
    error_cpu_seconds_per_1k_tokens: _Some
    centre_tokens_per_s: _More
    exponent: Annotated[float, msgspec.Meta(ge=0.5, le=1)]
    error_exponent: _Some
    loop_base_cpus: _Some
    loop_seconds_per_1k_tokens: _Some

    @property
    def used(self) -> Curve:
        """The container's CPUs against the tokens/s of all agents."""
        return Curve(
            base=self.base_cpus,
            cost=self.cpu_seconds_per_1k_tokens / 1000,
            exponent=self.exponent,
            centre=self.centre_tokens_per_s,
            cost_error=self.error_cpu_seconds_per_1k_tokens / 1000,
            exponent_error=self.error_exponent,
        )

    @property
    def loop(self) -> Curve:
        """CPUs of the one thread against the tokens/s of all agents; how sure that is is not kept."""
        cost = self.loop_seconds_per_1k_tokens / 1000
        return Curve(self.loop_base_cpus, cost, self.exponent, self.centre_tokens_per_s)


class MemorySection(_Section, frozen=True):
    """Working set = base_bytes + bytes_per_thinking · agents that think.

    `measured_at` is at how many different numbers of thinking agents that was measured; below 2 the slope is taken,
    not measured.
    """

    base_bytes: _Bytes
    bytes_per_thinking: Annotated[int, msgspec.Meta(ge=1, le=1 << 60)]
    measured_at: Annotated[int, msgspec.Meta(ge=0, le=1_000_000)]


class AimSection(_Section, frozen=True):
    """The band that the container is kept in; what is above it is headroom."""

    low_percent: _Percent
    high_percent: _Percent
    memory_percent: _Percent

    @property
    def cpu_share(self) -> float:
        """The middle of the band, as a share of the container's CPUs."""
        return (self.low_percent + self.high_percent) / 200


class HoldOutSection(_Section, frozen=True):
    """What came of the run that held the found rate."""

    mean_percent: _Some
    in_band_percent: _Percent
    passed: bool


class BucketRow(_Section, frozen=True):
    """The bucket of each of `agents` agents."""

    agents: _Count
    tokens_per_s: _More
    capacity_tokens: _More


class Profile(_Section, frozen=True):
    """A capacity profile; keys are only ever added, and another meaning is another `version`."""

    version: int
    made: Annotated[str, msgspec.Meta(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")]
    software: _Text
    engine: _Text
    what: _Text
    mix: _Text
    container: ContainerSection
    hardware: HardwareSection
    aim: AimSection
    rate: RateSection
    cpu: CpuSection
    memory: MemorySection
    thinking_at_once: _Count
    worst_thought_tokens: _Some
    buckets: Annotated[tuple[BucketRow, ...], msgspec.Meta(min_length=1, max_length=1000)]
    hold_out: HoldOutSection | None
