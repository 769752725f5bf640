"""Durable kernel actions per second: full turns of scripted agents, committed in groups, in one process.

A turn is all of it: bucket, observation, decision, authorisation, handler, events, agent's row, commit
(`synchronous=FULL`). Each world runs in a process of its own, so that resident memory is its own too. What to look at
is the first column at 1,000 agents and how little the cost of an action grows from 100 agents to 10,000.

    python scripts/bench_turns.py                  # 100, 1,000 and 10,000 agents
    python scripts/bench_turns.py --agents 1000 --turns 100000
"""

import argparse
import asyncio
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SIZES = (100, 1_000, 10_000)
TURNS = 60_000
RUNS = 3


def measure(agents: int, turns: int) -> dict[str, float]:
    """One world of this size, for about so many turns (after as many again to warm up, which are not counted)."""
    from ecology import scenarios
    from ecology.app import assembly
    from ecology.app.run_directory import RunDirectory
    from ecology.core.clock import SECOND_NS
    from ecology.store.sqlite import SqliteStore

    scenario = scenarios.load("container", flags={"agents": agents, "duration": "7d", "seed": 7})
    with tempfile.TemporaryDirectory() as folder:
        store = SqliteStore.create(Path(folder) / "ecology.sqlite")
        book = assembly.policies(scenario, None, {})
        world = assembly.new_world(store, scenario, book)
        store.write(world.take_batch(), 0)
        store.commit()
        world.shelf.contents.committed()
        engine = assembly.engine(RunDirectory(Path(folder)), scenario, world, store, 0, book)
        marks: list[tuple[int, float, float]] = []

        async def watch() -> None:
            """Note the turn count and the time once warm and once done."""
            for goal in (turns // 2, turns + turns // 2):
                while engine.committer.turns < goal:
                    await asyncio.sleep(0.01)
                marks.append((engine.committer.turns, time.perf_counter(), time.process_time()))
            engine.interrupt()

        async def run() -> None:
            watcher = asyncio.create_task(watch())
            await engine.run(7 * 24 * 3600 * SECOND_NS)
            await watcher

        asyncio.run(run())
        store.close()
    (first, wall_0, cpu_0), (last, wall_1, cpu_1) = marks
    return {
        "per_second": (last - first) / (wall_1 - wall_0),
        "cpu_us": (cpu_1 - cpu_0) / (last - first) * 1e6,
        "rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def in_own_process(agents: int, turns: int) -> dict[str, float]:
    """`measure` in a fresh interpreter."""
    command = [sys.executable, __file__, "--measure", "--agents", str(agents), "--turns", str(turns)]
    return dict(json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout))


def main() -> None:
    """Print a table, medians of RUNS."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--agents", type=int, help="one size instead of three")
    parser.add_argument("--turns", type=int, default=TURNS)
    parser.add_argument("--measure", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        print(json.dumps(measure(options.agents, options.turns)))
        return
    sizes = (options.agents,) if options.agents else SIZES
    runs: dict[int, list[dict[str, float]]] = {size: [] for size in sizes}
    for _ in range(RUNS):  # interleaved, so that a neighbour's noise falls on all sizes alike
        for size in sizes:
            runs[size].append(in_own_process(size, options.turns))
    print(f"{'agents':>8} {'actions/s':>10} {'CPU us/action':>14} {'resident MB':>12}")
    cost: dict[int, float] = {}
    for size in sizes:
        best = sorted(runs[size], key=lambda run: run["per_second"])[RUNS // 2]
        cost[size] = sorted(run["cpu_us"] for run in runs[size])[RUNS // 2]
        print(f"{size:>8,} {best['per_second']:>10,.0f} {cost[size]:>14.1f} {best['rss_mb']:>12,.0f}")
    if len(sizes) > 1:
        print(
            f"cost of an action at {sizes[-1]:,} agents / at {sizes[0]:,}: {cost[sizes[-1]] / cost[sizes[0]]:.2f}"
        )


if __name__ == "__main__":
    main()
