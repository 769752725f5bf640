"""Samples gathered into windows: single seconds are too noisy to judge, ten of them together are not."""

from collections.abc import Sequence

import msgspec

from calibrate.levels import WINDOW_S, seconds, weighted
from calibrate.workload import Sample


class Window(msgspec.Struct, frozen=True):
    """Samples of one rate that follow each other; means are weighted by the samples' seconds."""

    start_s: float
    end_s: float
    rate: float
    cpu_percent: float
    memory_percent: float
    throttled_percent: float

    @property
    def middle_s(self) -> float:
        return (self.start_s + self.end_s) / 2


def windows(samples: Sequence[Sample], length_s: float = WINDOW_S) -> list[Window]:
    """Windows of about `length_s`; none holds two rates, and a stub of less than half joins the one before it."""
    groups: list[list[Sample]] = []
    for sample in samples:
        if not groups or groups[-1][0].rate != sample.rate or seconds(groups[-1]) >= length_s:
            groups.append([])
        groups[-1].append(sample)
    merged: list[list[Sample]] = []
    for group in groups:
        if merged and merged[-1][0].rate == group[0].rate and seconds(group) < length_s / 2:
            merged[-1] = merged[-1] + group
        else:
            merged.append(group)
    return [window(group) for group in merged]


def window(samples: Sequence[Sample]) -> Window:
    """Samples that belong together, as one window."""
    return Window(
        start_s=samples[0].time_s - samples[0].seconds,
        end_s=samples[-1].time_s,
        rate=samples[0].rate,
        cpu_percent=weighted(samples, [sample.cpu_percent for sample in samples]),
        memory_percent=weighted(samples, [sample.memory_percent for sample in samples]),
        throttled_percent=weighted(samples, [sample.throttled_percent for sample in samples]),
    )
