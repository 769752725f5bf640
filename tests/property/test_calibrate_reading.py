"""What two readings say is additive: intervals that follow each other say together what the whole one says."""

from itertools import accumulate, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calibrate.reading import Limits, Reading, usage


@st.composite
def courses(draw: st.DrawFn) -> list[Reading]:
    """Counters that grow from reading to reading, as they do in a container."""
    count = draw(st.integers(2, 6))
    has_pressure = draw(st.booleans())

    def counter(least: int, most: int) -> list[int]:
        steps = st.lists(st.integers(least, most), min_size=count, max_size=count)
        return list(accumulate(draw(steps)))

    periods, ran = counter(0, 20), counter(0, 20)  # of all periods some throttled, and the others ran
    columns = zip(
        counter(1, 10**11),
        counter(0, 10**12),
        counter(0, 10**6),
        counter(0, 3),
        counter(0, 10**7),
        counter(0, 10**7),
        strict=True,
    )
    return [
        Reading(
            time_ns=time_ns,
            cpu_ns=cpu_ns,
            memory_bytes=memory,
            periods=throttled + running,
            throttled_periods=throttled,
            oom_kills=kills,
            cpu_stalled_us=cpu_us if has_pressure else None,
            memory_stalled_us=memory_us if has_pressure else None,
        )
        for (time_ns, cpu_ns, memory, kills, cpu_us, memory_us), throttled, running in zip(
            columns, periods, ran, strict=True
        )
    ]


@given(courses(), st.integers(1, 10**6), st.integers(1, 10**12))
def test_usage_is_additive(course: list[Reading], cpu_millis: int, memory_bytes: int) -> None:
    limits = Limits(cpu_millis, memory_bytes, "test")
    whole = usage(course[0], course[-1], limits)
    parts = [usage(before, after, limits) for before, after in pairwise(course)]
    periods = [after.periods - before.periods for before, after in pairwise(course)]

    def mean(values: list[float], weights: list[float]) -> float:
        return sum(v * w for v, w in zip(values, weights, strict=True)) / sum(weights)

    seconds = [part.seconds for part in parts]
    assert sum(seconds) == pytest.approx(whole.seconds)
    assert mean([part.cpu_percent for part in parts], seconds) == pytest.approx(whole.cpu_percent)
    assert sum(part.oom_kills for part in parts) == whole.oom_kills
    assert (parts[-1].memory_bytes, parts[-1].memory_percent) == (whole.memory_bytes, whole.memory_percent)
    if sum(periods):
        throttled = mean([part.throttled_percent for part in parts], [float(count) for count in periods])
        assert throttled == pytest.approx(whole.throttled_percent)
    else:
        assert whole.throttled_percent == 0.0
    if whole.cpu_pressure_percent is None:
        assert all(part.cpu_pressure_percent is None for part in parts)
    else:
        pressures = [part.cpu_pressure_percent or 0.0 for part in parts]
        assert mean(pressures, seconds) == pytest.approx(whole.cpu_pressure_percent)


@given(courses(), st.integers(1, 10**6), st.integers(1, 10**12))
def test_usage_is_of_two_readings_in_order(course: list[Reading], cpu_millis: int, memory_bytes: int) -> None:
    limits = Limits(cpu_millis, memory_bytes, "test")
    with pytest.raises(ValueError, match="in order"):
        usage(course[-1], course[0], limits)
    with pytest.raises(ValueError, match="in order"):
        usage(course[0], course[0], limits)
