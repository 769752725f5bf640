"""What is said to the person who waits: short sentences with the figures a decision was made on."""

from collections.abc import Sequence

from calibrate.control import Target
from calibrate.controllers.binding import MEMORY_MARGIN
from calibrate.controllers.knee import Line, Point

SHOWN = 3
"""Points named in a refusal."""


def seen(point: Point) -> str:
    """`CPU 34.2 % ± 1.1 at 120 tokens/s`, and what was spent where that is less."""
    spent = f" ({point.spent.value:.4g} spent)" if point.short or point.draining else ""
    return f"CPU {point.cpu} at {point.rate:g} tokens/s{spent}"


def moved(point: Point, line: Line | None, rate: float, aim_percent: float) -> str:
    """Why the rate changes, by the line or by the one point."""
    if line is not None and line.idle < aim_percent:
        there = line.spent_at(aim_percent)
        aimed = (
            f"{aim_percent:g} % should be at {rate:g}"
            if 0.9 < rate / there < 1.1
            else f"{aim_percent:g} % may be at {there:.4g}; {rate:g} first"
        )
        return f"{seen(point)}: {line.cost:.3g} % per token/s above {line.idle:.1f} %, so {aimed}"
    if point.saturated:
        return f"{seen(point)}: the container is full, so {rate:g}"
    if point.cpu.value > aim_percent:
        return f"{seen(point)}: too much, so {rate:g}"
    cost = point.cpu.value / point.rate
    return f"{seen(point)}: at most {cost:.2g} % per token/s, so {rate:g}"


def too_full(point: Point, rate: float) -> str:
    """Why the rate is lowered for the memory."""
    return f"memory {point.memory_percent:.1f} % at {point.rate:g} tokens/s: too full, so {rate:g}"


def memory_needed(points: Sequence[Point], target: Target) -> str:
    """A refusal: no rate keeps the memory low enough."""
    newest = points[-1]
    times = max(newest.memory_percent / (target.memory_percent - MEMORY_MARGIN), 1.05)
    seen_at = ", ".join(f"{point.memory_percent:.1f} % at {point.rate:g}" for point in points[-SHOWN:])
    return (
        f"memory does not come below {target.memory_percent:g} % by a lower rate ({seen_at} tokens/s): "
        f"give the container {times:.2g} times its memory, or fewer agents"
    )


def starved(point: Point) -> str:
    """A refusal: the container does not get the CPU of its limit."""
    return (
        f"{seen(point)}: its thread waited {point.loop_waited_percent:.0f} % of the time for a CPU that others had: "
        "the machine is too busy, or the limits of its containers exceed its cores"
    )


def killed(times: int, rate: float) -> str:
    """A refusal: the kernel killed for want of memory again and again."""
    return (
        f"the kernel killed a process for want of memory {times} times, the last at {rate:g} tokens/s: "
        "give the container more memory, or fewer agents"
    )


def undecided(points: Sequence[Point], target: Target, adjustments: int, seconds: float, drifts: int) -> str:
    """A refusal: no rate was proven within what may be spent on it."""
    shown = "; ".join(seen(point) for point in points[-SHOWN:])
    width = target.high_percent - target.low_percent
    error = points[-1].cpu.error if points else 0.0
    if 2 * error > width:
        cause = f"the load's noise (± {error:.1f} after all this time) is wider than the band"
    elif drifts:
        cause = f"what a token costs changed {drifts} times meanwhile: something else uses this machine"
    else:
        cause = "what a token costs does not stay the same"
    return f"no rate was proven in {seconds:.0f} s and {adjustments} changes: {shown or 'nothing steady'}; {cause}"
