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

import numpy as np
from numpy.typing import NDArray

from ecology.sandbox.cost import CodeCosts, Meter
from ecology.sandbox.outcome import Limits, Ran, Use
from ecology.sandbox.program import Program, compile_program
from ecology.sandbox.run import Sandbox

Matrix = NDArray[np.float64]

NOTHING = "def main(n, given): return None"
CORPUS: dict[str, str] = {
    "nothing": NOTHING,
    "counting": "def main(n, given):\n    t = 0\n    for i in range(n): t += i\n    return t",
    "while": "def main(n, given):\n    i = 0\n    while i < n:\n        i += 1\n        if i % 3 == 0: continue\n    return i",
    "nested loops": "def main(n, given): return sum([x * y for x in range(n // 20) for y in range(20)])",
    "collatz": "def main(n, given):\n    c = 0\n    x = 27 + n\n    while x != 1 and c < n:\n        x = x // 2 if x % 2 == 0 else 3 * x + 1\n        c += 1\n    return c",
    "fibonacci": "def fib(k): return k if k < 2 else fib(k - 1) + fib(k - 2)\ndef main(n, given): return [fib(9) for _ in range(n // 110)][:3]",
    "primes": "def main(n, given):\n    found = []\n    for k in range(2, n // 4):\n        if all(k % p for p in found[:10]): found.append(k)\n    return len(found)",
    "words": "def main(n, given):\n    words = []\n    for i in range(n): words.append('word' + str(i % 17))\n    return ' '.join(words)[:100]",
    "counting words": "def main(n, given):\n    seen = {}\n    for i in range(n):\n        word = 'w' + str(i % 29)\n        seen[word] = seen.get(word, 0) + 1\n    return seen",
    "letters": "def main(n, given):\n    out = ''\n    for i in range(n): out += chr(97 + i % 26)\n    return len(out)",
    "sorting": "def main(n, given):\n    items = [(i * 7919) % 1000 for i in range(n)]\n    items.sort()\n    return items[:5]",
    "sorting by key": "def main(n, given): return sorted(range(n), key=lambda i: (i * 31) % 97)[:5]",
    "ledger": "def main(n, given):\n    accounts = {'a': 100, 'b': 100}\n    for i in range(n):\n        giver, taker = ('a', 'b') if i % 2 else ('b', 'a')\n        if accounts[giver] >= i % 5:\n            accounts[giver] -= i % 5\n            accounts[taker] += i % 5\n    return accounts",
    "auction": "def main(n, given):\n    bids = []\n    for i in range(n): bids.append({'who': str(i), 'price': (i * 37) % 101})\n    best = None\n    for bid in bids:\n        if best is None or bid['price'] > best['price']: best = bid\n    return best",
    "objects": "class Box:\n    def __init__(self, size): self.size = size\n    def grow(self): self.size += 1\ndef main(n, given):\n    box = Box(0)\n    for _ in range(n): box.grow()\n    return box.size",
    "exceptions": "def main(n, given):\n    caught = 0\n    for i in range(n):\n        try:\n            if i % 4 == 0: raise ValueError('x')\n        except ValueError:\n            caught += 1\n    return caught",
    "json": "import json\ndef main(n, given):\n    kept = []\n    for i in range(n // 4): kept.append(json.loads(json.dumps({'i': i, 'x': [1, 2, 3]}))['i'])\n    return sum(kept)",
    "patterns": "import re\ndef main(n, given):\n    found = 0\n    for i in range(n // 4):\n        if re.match('[a-z]+[0-9]+', 'abc' + str(i)): found += 1\n    return found",
    "chance": "import random\ndef main(n, given):\n    t = 0\n    for _ in range(n): t += random.randint(1, 6)\n    return t",
    "echo": "def main(n, given): return given",
    "reading": "def main(n, given):\n    t = 0\n    for item in given: t += len(item)\n    return t",
    "printing": "def main(n, given):\n    for i in range(n // 40): print('line', i)",
    "calls": "def main(n, given):\n    t = 0\n    for i in range(n // 40): t += ask(i)\n    return t",
    "calls with text": "def main(n, given):\n    t = 0\n    for i in range(n // 80): t += ask(i, 'x' * 200)\n    return t",
    "calls and work": "def main(n, given):\n    t = 0\n    for i in range(n // 80):\n        t += ask(i)\n        for j in range(40): t += j\n    return t",
}  # fmt: skip
SIZES = (0, 100, 400, 1_600, 3_900)
LIMITS = Limits(output_bytes=65_536)


def ask(number: int, _text: str = "") -> int:
    """A function of the host's that costs the worker only the way there and back."""
    return number


def program(source: str) -> Program:
    """A program of the corpus, compiled."""
    made = compile_program(source)
    assert isinstance(made, Program), made
    return made


def observe(rounds: int) -> dict[str, list[Use]]:
    """By program, its use at each size, with the median of the CPU times of all rounds."""
    samples: dict[tuple[str, int], list[Use]] = {}
    with Sandbox() as sandbox:
        programs = {name: program(source) for name, source in CORPUS.items()}
        for _, name, size in itertools.product(range(rounds), programs, SIZES):
            arguments: dict[str, object] = {"n": size, "given": ["x" * 20] * (size // 4)}
            ran = sandbox.run(programs[name], "main", arguments, functions={"ask": ask}, limits=LIMITS)
            assert isinstance(ran, Ran), (name, size, ran)
            samples.setdefault((name, size), []).append(ran.use)
    observed: dict[str, list[Use]] = {}
    for (name, _), uses in samples.items():
        use = uses[0]
        cpu_us = round(statistics.median(it.cpu_us for it in uses))
        observed.setdefault(name, []).append(
            Use(use.steps, use.bytes_in, use.bytes_out, use.calls, max(1, cpu_us))
        )
    return observed


def table(uses: list[Use]) -> tuple[Matrix, Matrix]:
    """Rows of (1, steps, KiB, calls), and what was measured in microseconds."""
    rows = [(1.0, use.steps, (use.bytes_in + use.bytes_out) / 1024, use.calls) for use in uses]
    return np.array(rows), np.array([float(use.cpu_us) for use in uses])


def fitted(uses: list[Use]) -> CodeCosts:
    """The best non-negative coefficients: of all subsets of them, the best whose least squares has no negative one.

    With four coefficients that is exact and takes sixteen small problems.
    """
    rows, measured = table(uses)
    weighted = rows / measured[:, None]
    target = np.ones(len(uses))
    best, best_error = np.zeros(4), float("inf")
    for size in range(1, 5):
        for columns in map(list, itertools.combinations(range(4), size)):
            found = np.linalg.lstsq(weighted[:, columns], target, rcond=None)[0]
            if (found < 0).any():
                continue
            error = float(((weighted[:, columns] @ found - target) ** 2).sum())
            if error < best_error:
                best, best_error = np.zeros(4), error
                best[columns] = found
    fixed_us, per_step_us, per_kib_us, per_call_us = best
    return CodeCosts(round(fixed_us), round(per_step_us * 1000), round(per_kib_us), round(per_call_us))


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
