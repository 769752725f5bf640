#!/usr/bin/env python3
"""Fit the coefficients of `ecology.sandbox.cost.CodeCosts` to the CPU time of a corpus of small programs.

    python scripts/fit_code_costs.py [--rounds 40] [--json]

Every program runs at several sizes. The fit is least squares on relative errors with no coefficient below zero; its
error is measured by leaving one program out at a time, since a world's programs are not these.
"""

import argparse
import itertools
import json
import statistics
import sys
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ecology.sandbox.cost import CodeCosts, Meter
from ecology.sandbox.outcome import Limits, Ran, Use
from ecology.sandbox.program import Program, compile_program
from ecology.sandbox.run import Sandbox

Matrix = NDArray[np.float64]

CORPUS = Path(__file__).with_name("code_corpus.txt")
"""Programs, each after a line with its name: `main(n, given)`, where `n` is the size, `given` a list of texts."""
SIZES = (0, 100, 400, 1_600, 3_900)
IDLE_FUNCTIONS = (0, 4, 1, 12, 30)
"""How many functions that nobody calls are added for each of SIZES: a world's programs are longer than these."""
IDLE = """
def idle_{0}(items, most):
    found = []
    for item in items:
        if item["price"] > most and item["name"] != "none {0}":
            found.append([item["name"], item["price"] - {0}])
    return sorted(found)
"""
PASTURE = np.ones(1_000_000)
"""8 MB."""
LIMITS = Limits(output_bytes=65_536)


def ask(number: int, _text: str = "") -> int:
    """A function of the host's that costs the worker only the way there and back."""
    return number


def something_else() -> None:
    """What a world does between two runs of code: a worker that has rested finds its caches cold, and takes longer."""
    time.sleep(0.0005)
    PASTURE.sum()


def corpus() -> dict[str, list[Program]]:
    """The programs by name, compiled: for each of SIZES one, with more or fewer functions that nobody calls."""
    programs: dict[str, list[Program]] = {}
    for part in CORPUS.read_text("utf-8").split("=== ")[1:]:
        name, _, source = part.partition("\n")
        for idle in IDLE_FUNCTIONS:
            made = compile_program(source + "".join(IDLE.format(k) for k in range(idle)))
            assert isinstance(made, Program), (name, made)
            programs.setdefault(name, []).append(made)
    return programs


def observe(rounds: int) -> dict[str, list[Use]]:
    """By program, its use at each size, with the median of the CPU times of all rounds."""
    samples: dict[tuple[str, int], list[Use]] = {}
    with Sandbox() as sandbox:
        programs = corpus()
        for _, name, place in itertools.product(range(rounds), programs, range(len(SIZES))):
            size, program = SIZES[place], programs[name][place]
            arguments: dict[str, object] = {"n": size, "given": ["x" * 20] * (size // 4)}
            something_else()
            ran = sandbox.run(program, "main", arguments, functions={"ask": ask}, limits=LIMITS)
            assert isinstance(ran, Ran), (name, size, ran)
            samples.setdefault((name, size), []).append(ran.use)
    observed: dict[str, list[Use]] = {}
    for (name, _), uses in samples.items():
        use = uses[0]
        cpu_us = round(statistics.median(it.cpu_us for it in uses))
        observed.setdefault(name, []).append(
            Use(use.steps, use.bytes_in, use.bytes_out, use.calls, max(1, cpu_us), use.source_bytes)
        )
    return observed


def table(uses: list[Use]) -> tuple[Matrix, Matrix]:
    """Rows of (1, steps, KiB, calls, KiB of source), and what was measured in microseconds."""
    rows = [
        (1.0, use.steps, (use.bytes_in + use.bytes_out) / 1024, use.calls, use.source_bytes / 1024)
        for use in uses
    ]
    return np.array(rows), np.array([float(use.cpu_us) for use in uses])


def fitted(uses: list[Use]) -> CodeCosts:
    """The best non-negative coefficients: of all subsets of them, the best whose least squares has no negative one.

    With five coefficients that is exact and takes 31 small problems.
    """
    rows, measured = table(uses)
    weighted = rows / measured[:, None]
    target = np.ones(len(uses))
    best, best_error = np.zeros(5), float("inf")
    for size in range(1, 6):
        for columns in map(list, itertools.combinations(range(5), size)):
            found = np.linalg.lstsq(weighted[:, columns], target, rcond=None)[0]
            if (found < 0).any():
                continue
            error = float(((weighted[:, columns] @ found - target) ** 2).sum())
            if error < best_error:
                best, best_error = np.zeros(5), error
                best[columns] = found
    fixed_us, per_step_us, per_kib_us, per_call_us, per_source_kib_us = best
    return CodeCosts(
        round(fixed_us),
        round(per_step_us * 1000),
        round(per_kib_us),
        round(per_call_us),
        round(per_source_kib_us),
    )


def meter(costs: CodeCosts, uses: list[Use]) -> Meter:
    """Modelled against measured."""
    kept = Meter()
    for use in uses:
        kept.add(use, costs.modelled_us(use))
    return kept


def report(rounds: int) -> dict[str, object]:
    """The coefficients, their error on programs that were left out, and where it comes from."""
    observed = observe(rounds)
    everything = [use for uses in observed.values() for use in uses]
    held_out, by_program = Meter(), {}
    for name, uses in observed.items():
        others = [use for other, found in observed.items() if other != name for use in found]
        kept = meter(fitted(others), uses)
        by_program[name] = round(kept.modelled_us / kept.measured_us, 2)
        held_out.merge(kept)
    costs = fitted(everything)
    return {
        "coefficients": {field: getattr(costs, field) for field in costs.__struct_fields__},
        "held_out_error": held_out.error(),
        "error_of_the_defaults": meter(CodeCosts(), everything).error(),
        "modelled_to_measured_when_left_out": by_program,
    }


def main() -> None:
    """Fit and print."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    found = report(options.rounds)
    json.dump(found, sys.stdout, indent=None if options.json else 2)
    print()


if __name__ == "__main__":
    main()
