#!/usr/bin/env python3
"""What `Sandbox.run` costs next to bare Monty, on the same 20-line function with the same limits on time and memory.

    python scripts/bench_sandbox.py [--runs 2000] [--json]

Bare Monty is a fresh session fed the function as it was written, and its call. Contestants take turns, and ratios are
those of medians: absolutes depend on the machine and on who else uses it.
"""

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable

import pydantic_monty as monty

from ecology.sandbox.outcome import Limits, Ran
from ecology.sandbox.program import Program, compile_program
from ecology.sandbox.run import Sandbox

SOURCE = """
def settle(items, bonus):
    total = 0
    names = []
    for item in items:
        price = item["price"]
        if price > 10:
            price = price * 9 // 10
        total += price
        names.append(item["name"].upper())
    names.sort()
    best = None
    for name in names:
        if best is None or len(name) > len(best):
            best = name
    result = {"total": total + bonus, "best": best, "count": len(names)}
    if total > 100:
        result["rich"] = True
    else:
        result["rich"] = False
    return result
"""
CALLING = SOURCE.replace('"best": best', '"best": look_up(best)')
ARGUMENTS: dict[str, object] = {
    "items": [{"name": "axe", "price": 12}, {"name": "spade", "price": 7}, {"name": "hoe", "price": 40}],
    "bonus": 3,
}
LIMITS = Limits()


def look_up(name: str) -> str:
    """A function of the host's that does nothing, so that only the way there and back is measured."""
    return name


def program(source: str) -> Program:
    """The source, compiled once, as a caller would keep it."""
    made = compile_program(source)
    assert isinstance(made, Program), made
    return made


def contestants(pool: monty.Monty, sandbox: Sandbox) -> dict[str, Callable[[], object]]:
    """What to time, by name; each does the same work and returns its result."""
    plain, calling = program(SOURCE), program(CALLING)
    text, calling_text = f"{SOURCE}settle(**arguments)", f"{CALLING}settle(**arguments)"
    limits = monty.ResourceLimits(max_feed_duration_secs=LIMITS.wall_s, max_memory=LIMITS.memory_bytes)
    inputs = {"arguments": ARGUMENTS}

    def bare() -> object:
        with pool.checkout(limits=limits) as session:
            return session.feed_run(text, inputs=inputs)

    def bare_call() -> object:
        with pool.checkout(limits=limits) as session:
            return session.feed_run(calling_text, inputs=inputs, external_lookup={"look_up": look_up})

    def run() -> object:
        ran = sandbox.run(plain, "settle", ARGUMENTS)
        assert isinstance(ran, Ran)
        return ran.value

    def run_call() -> object:
        ran = sandbox.run(calling, "settle", ARGUMENTS, functions={"look_up": look_up})
        assert isinstance(ran, Ran)
        return ran.value

    return {
        "bare": bare,
        "run": run,
        "bare_call": bare_call,
        "run_call": run_call,
        "compile": lambda: program(SOURCE),
    }


def measure(runs: int) -> dict[str, float]:
    """Median microseconds of each contestant, and ratios of what belongs together."""
    with monty.Monty() as pool, Sandbox() as sandbox:
        timed = contestants(pool, sandbox)
        assert timed["bare"]() == timed["run"]() == timed["bare_call"]() == timed["run_call"]()
        took: dict[str, list[int]] = {name: [] for name in timed}
        for _ in range(runs):
            for name, contestant in timed.items():
                began = time.perf_counter_ns()
                contestant()
                took[name].append(time.perf_counter_ns() - began)
    medians = {name: statistics.median(found) / 1e3 for name, found in took.items()}
    return {f"{name}_us": round(median, 1) for name, median in medians.items()} | {
        "run_to_bare": round(medians["run"] / medians["bare"], 2),
        "run_call_to_bare_call": round(medians["run_call"] / medians["bare_call"], 2),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("--runs", type=int, default=2_000)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    figures = measure(options.runs)
    if options.json:
        json.dump(figures, sys.stdout)
        print()
        return
    for name, value in figures.items():
        print(f"{name:<22} {value:>10,}")


if __name__ == "__main__":
    main()
