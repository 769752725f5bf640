"""Rows of samples for tests of what calibration makes of them."""

from collections.abc import Iterable

from calibrate.workload import Sample


def samples(
    rate: float,
    cpu: Iterable[float],
    *,
    spent: float | None = None,
    memory: float = 20.0,
    loop: float = 30.0,
    oom_kills: int = 0,
) -> list[Sample]:
    """One sample a second at this rate, with this CPU."""
    return [
        Sample(
            time_s=float(second + 1),
            seconds=1.0,
            rate=rate,
            spent=rate if spent is None else spent,
            cpu_percent=percent,
            memory_percent=memory,
            loop_percent=loop,
            oom_kills=oom_kills,
        )
        for second, percent in enumerate(cpu)
    ]
