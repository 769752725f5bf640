#!/usr/bin/env python3
"""The two methods of calibration over all kinds of simulated containers: changes, seconds, and where they end.

    python scripts/bench_controllers.py [--seeds 100] [--markdown]

CPU is the true mean at the rate that was found, without noise; `outside` counts those beyond 68-82 %. `held` says
how many then pass the hold-out's judgement. The containers are models (`ecology/testing/containers.py`): every run
prints the same.
"""

import argparse
import statistics
from collections import Counter
from itertools import pairwise

import numpy as np

from calibrate.control import Settled, Target
from calibrate.controllers.classic import Classic
from calibrate.controllers.governing import Governor
from calibrate.controllers.survey import Survey
from calibrate.holdout import judge
from ecology.testing.containers import FAMILIES, Container, Traits, calibrated, governed

HELD_S = 130
GOVERNED_S = 1_800


def row(family: str, method: str, seeds: int) -> list[str]:
    """One method over one family."""
    changes, seconds, truths, held = [], [], [], []
    ends: Counter[str] = Counter()
    for seed in range(seeds):
        traits = FAMILIES[family](np.random.default_rng(seed))
        container = Container(traits, seed)
        run = calibrated(Survey(), container) if method == "model" else calibrated(Classic(), container)
        changes.append(run.adjustments)
        seconds.append(run.steps[-1].sample.time_s)
        end = run.end
        ends[end.bound if isinstance(end, Settled) else "refused"] += 1
        if isinstance(end, Settled):
            truths.append(traits.cpu(end.rate, seconds[-1]))
            again = Container(traits, seed + 10_000)
            held.append(judge([again.sample(end.rate) for _ in range(HELD_S)], Target(), end).passed)
    reached = f"{statistics.mean(truths):.1f}" if truths else "-"
    outside = sum(not 68 <= truth <= 82 for truth in truths) if ends["cpu"] else 0
    return [
        family,
        method,
        f"{statistics.mean(changes):.1f} / {max(changes)}",
        f"{statistics.mean(seconds):.0f} / {max(seconds):.0f}",
        reached,
        str(outside),
        f"{sum(held)} of {len(held)}" if held else "-",
        ", ".join(f"{end} {count}" for end, count in ends.most_common()),
    ]


def governor_row(drift: float, step: float) -> list[str]:
    """A world that began in the band while its neighbour, or its own mix, changes."""
    container = Container(governed_traits(drift, step), 1)
    rates = governed(Governor(1500.0), container, seconds=GOVERNED_S)
    changes = sum(before != after for before, after in pairwise(rates))
    cpu = container.traits.cpu(rates[-1], container.time_s)
    return [f"{drift:+.2%} a second, times {step:g}", f"{changes}", f"{rates[-1]:.0f}", f"{cpu:.1f}"]


def governed_traits(drift: float, step: float) -> Traits:
    """Two thousand tokens per second would fill it; in bursts as agents' turns come."""
    return Traits(2000.0, burst=0.01, drift=drift, step_s=300.0, step_factor=step)


def show(head: list[str], rows: list[list[str]], *, markdown: bool) -> None:
    """A table, as wide as it must be."""
    widths = [max(len(line[column]) for line in [head, *rows]) for column in range(len(head))]
    edge, between = ("| ", " | ") if markdown else ("", "  ")
    for number, line in enumerate([head, *rows]):
        print(
            (
                edge + between.join(cell.ljust(width) for cell, width in zip(line, widths, strict=True))
            ).rstrip()
            + edge[::-1]
        )
        if markdown and number == 0:
            print("|" + "|".join("-" * (width + 2) for width in widths) + "|")


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=100)
    parser.add_argument("--markdown", action="store_true")
    options = parser.parse_args()
    head = ["container", "method", "changes", "seconds", "CPU", "outside", "held", "ends"]
    rows = [row(family, method, options.seeds) for family in FAMILIES for method in ("model", "classic")]
    show(head, rows, markdown=options.markdown)
    print()
    governed_rows = [
        governor_row(drift, step)
        for drift, step in ((0.0, 1.0), (2e-4, 1.0), (-2e-4, 1.0), (0.0, 1.6), (0.0, 0.5))
    ]
    show(["what changes", "changes of the rate", "rate", "CPU"], governed_rows, markdown=options.markdown)


if __name__ == "__main__":
    main()
