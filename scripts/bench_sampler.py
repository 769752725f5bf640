#!/usr/bin/env python3
"""What reading one's own limits costs, and how far it is from what the kernel accounts to a process.

    python scripts/bench_sampler.py [--seconds 10] [--json]

The cost is the CPU time of this process while it takes one reading a second, of the machine and (as root) of a cgroup;
the budget is 1 % of a core. The deviation is looked for in a cgroup with half a CPU, at three loads, over windows of
one second: what the sampler says minus what the process' own CPU clock says. Neither judges anything.
"""

import argparse
import asyncio
import json
import statistics
import sys
import time
from itertools import pairwise
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from calibrate.reading import Reading, usage  # noqa: E402
from calibrate.samplers.own import own_sampler  # noqa: E402
from calibrate.samplers.polling import PollingSampler  # noqa: E402
from ecology.core.host import process_cpu_ns  # noqa: E402
from tests.support.live_cgroup import live_cgroup  # noqa: E402

CPU_MILLIS = 500
MEMORY_BYTES = 256 * 1024**2
LOADS = {"40 %": 0.2, "75 %": 0.375, "saturated": 1.0}
"""The part of a core that a process works, by its name in % of the limit."""
CYCLE_S = 0.05


def worker(duty: float) -> str:
    """Code that works that part of the time, in bursts."""
    return (
        "import time\nprint('ready', flush=True)\nwhile True:\n"
        f"    until = time.thread_time() + {duty * CYCLE_S}\n"
        "    while time.thread_time() < until: pass\n"
        f"    time.sleep({(1 - duty) * CYCLE_S})\n"
    )


async def cost_percent(sampler: PollingSampler, seconds: int) -> float:
    """CPU of this process in % of a core, with one reading a second."""
    began, began_cpu, count = time.monotonic(), time.process_time(), 0
    async for _ in sampler.readings():
        count += 1
        if count > seconds:
            break
    return 100 * (time.process_time() - began_cpu) / (time.monotonic() - began)


async def deviations(sampler: PollingSampler, pid: int, seconds: int) -> list[float]:
    """Points of CPU % by which the sampler differs from the process' own clock, second by second."""
    looks: list[tuple[Reading, int, int]] = []
    async for reading in sampler.readings():
        looks.append((reading, process_cpu_ns(pid), time.monotonic_ns()))
        if len(looks) > seconds:
            break
    found = []
    for (before, cpu_before, then), (after, cpu_after, now) in pairwise(looks):
        truth = 100 * (cpu_after - cpu_before) / ((now - then) * CPU_MILLIS / 1000)
        found.append(usage(before, after, sampler.limits).cpu_percent - truth)
    return found


async def measure(seconds: int, figures: dict[str, dict[str, float]]) -> None:
    """Add all figures that can be had on this machine. Raises OSError where no cgroup can be made."""
    machine = own_sampler(time.monotonic_ns)
    figures["own limits"] = {"cost_percent_of_a_core": await cost_percent(machine, seconds)}
    print(f"own limits: {machine.place}", file=sys.stderr)
    if machine.cgroup_version is None:
        return
    for name, duty in LOADS.items():
        with (
            live_cgroup(cpu_millis=CPU_MILLIS, memory_bytes=MEMORY_BYTES) as (_, group),
            group.running(worker(duty)) as pid,
        ):
            sampler = own_sampler(time.monotonic_ns, pid=pid)
            if "cgroup" not in figures:
                figures["cgroup"] = {"cost_percent_of_a_core": await cost_percent(sampler, seconds)}
            points = await deviations(sampler, pid, seconds)
            figures[f"cgroup v{sampler.cgroup_version}, {name}"] = {
                "mean_deviation_points": statistics.fmean(points),
                "largest_deviation_points": max(map(abs, points)),
            }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seconds", type=int, default=10, help="of each measurement")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    figures: dict[str, dict[str, float]] = {}
    try:
        asyncio.run(measure(arguments.seconds, figures))
    except OSError as error:
        print(f"No cgroup can be made here ({error}): that takes root.", file=sys.stderr)
    if arguments.json:
        print(json.dumps(figures))
        return
    for place, values in figures.items():
        print(
            f"{place:24}"
            + "".join(f"{name.replace('_', ' ')} {value:.3f}   " for name, value in values.items())
        )


if __name__ == "__main__":
    main()
