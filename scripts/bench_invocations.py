"""Paid invocations per second, and what the kernel adds to the sandbox: one process, one warm worker.

Everything is taken in one run, in turn, so that a busy machine slows all of it: bare Monty (a fresh session that runs
a 20-line function), `Sandbox.run` of the same function, and a whole `invoke` under `pay_per_use(1)` (arguments against
their schema, price held, code run, price posted, events, the turn's record), once with the batch thrown away every 256
turns and once committed to SQLite in such groups. Look at the ratios; aims: at most 3 times bare, 1,500 a second.

Neighbours make a machine's clock run on while nothing is done, twice for each run, which is a conversation between
two processes; CPU time, of this process and of the worker while it runs code, shows what is the code's own. `at best`
is how many the fastest round would have done in a second.

    python scripts/bench_invocations.py
    python scripts/bench_invocations.py --rounds 20 --turns 512
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pydantic_monty as monty

from ecology.core.host import process_cpu_ns

ROUNDS = 15
TURNS = 256
GROUP_TURNS = 256
AGENTS = 8

SOURCE = '''\
def run(text, limit):
    """The commonest longer words of a text, the commonest first."""
    counts = {}
    for word in text.lower().split():
        word = word.strip(".,;:!?")
        if len(word) < 4:
            continue
        if word in counts:
            counts[word] += 1
        else:
            counts[word] = 1
    ranked = []
    for word, count in counts.items():
        ranked.append((count, word))
    ranked.sort(reverse=True)
    found = []
    for count, word in ranked:
        if len(found) == limit:
            break
        found.append({"word": word, "count": count})
    return found
'''
ARGUMENTS: dict[str, object] = {
    "text": "Money never appears from nowhere: money that moves is money that somebody had before.",
    "limit": 3,
}
INTERFACE: dict[str, object] = {
    "methods": {
        "run": {
            "args": {
                "type": "object",
                "properties": {"text": {"type": "string"}, "limit": {"type": "integer", "minimum": 1}},
                "required": ["text", "limit"],
                "additionalProperties": False,
            }
        }
    }
}


Once = Callable[[], int]
"""Do it once; microseconds of CPU that the worker took for it."""


class Taken(NamedTuple):
    """Seconds for one, in a round: of the clock, and of CPU time in both processes."""

    wall_s: float
    cpu_s: float


def bare() -> Once:
    """A session of Monty's own, and the function in it."""
    pool = monty.Monty(min_processes=1, max_processes=1)
    pool.__enter__()
    source = f"{SOURCE}\nrun(**arguments)"

    def once() -> int:
        with pool.checkout() as session:
            pid = session.worker_pid
            assert pid is not None
            began = process_cpu_ns(pid)
            session.feed_run(source, inputs={"arguments": ARGUMENTS})
            return (process_cpu_ns(pid) - began) // 1000

    return once


def sandboxed() -> Once:
    """The same, counted, bounded and checked."""
    from ecology.sandbox.outcome import Ran
    from ecology.sandbox.program import Program, compile_program
    from ecology.testing.worlds import shared_sandbox

    program = compile_program(SOURCE)
    assert isinstance(program, Program)
    sandbox = shared_sandbox()

    def once() -> int:
        ran = sandbox.run(program, "run", ARGUMENTS)
        assert isinstance(ran, Ran), ran
        return ran.use.cpu_us

    return once


def paid(folder: Path | None) -> Once:
    """The whole turn of an agent who pays for it, with a store in a folder or without one."""
    from ecology.core.outcome import Committed
    from ecology.kernel.actions import Invoke, Write
    from ecology.kernel.contracts import pay_per_use
    from ecology.resources.assets import SCRIP
    from ecology.store.sqlite import SqliteStore
    from ecology.testing.worlds import GRANTS, Stage, populate, shared_sandbox

    grants = {**GRANTS, SCRIP: 1_000_000_000}
    if folder is None:
        stage, store = Stage.of(AGENTS, grants), None
    else:
        store = SqliteStore.create(folder / "ecology.sqlite")
        world = store.new_world(seed=1, default_contract="freeware")
        world.sandbox = shared_sandbox()
        stage = Stage(populate(world, AGENTS, grants))
    seller, *buyers = stage.world.roster
    stage.do(seller.id, Write("words", SOURCE, interface=INTERFACE, contract=pay_per_use(1)))
    action = Invoke("words", args=ARGUMENTS, max_price=1)
    turns, meter = 0, stage.world.meter

    def once() -> int:
        nonlocal turns
        before_us = meter.measured_us
        outcome = stage.act(buyers[turns % len(buyers)].id, action)
        assert isinstance(outcome, Committed), outcome
        turns += 1
        if turns % GROUP_TURNS == 0:
            batch = stage.world.take_batch()
            if store is not None:
                store.write(batch, stage.now_ns)
                store.commit()
            stage.world.shelf.contents.committed()
        return meter.measured_us - before_us

    return once


def timed(once: Once, turns: int) -> Taken:
    """A round."""
    began, cpu_began = time.perf_counter(), time.process_time()
    worker_us = sum(once() for _ in range(turns))
    cpu_s = time.process_time() - cpu_began + worker_us / 1e6
    return Taken((time.perf_counter() - began) / turns, cpu_s / turns)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description="Measure what an invocation costs beside the sandbox's own cost."
    )
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"of each in turn (default {ROUNDS})")
    parser.add_argument("--turns", type=int, default=TURNS, help=f"in a round (default {TURNS})")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        contenders = {
            "bare Monty": bare(),
            "Sandbox.run": sandboxed(),
            "paid invoke": paid(None),
            "paid invoke, durable": paid(Path(folder)),
        }
        rounds: dict[str, list[Taken]] = {name: [] for name in contenders}
        for number in range(given.rounds + 1):
            for name, once in contenders.items():
                taken = timed(once, given.turns)
                if number:  # the first one warms up
                    rounds[name].append(taken)
    medians = {
        name: Taken(*(statistics.median(column) for column in zip(*taken, strict=True)))
        for name, taken in rounds.items()
    }
    base = medians["bare Monty"]
    print(f"{given.rounds} rounds of {given.turns}, medians")
    columns = ("clock", "x bare", "a second", "at best", "CPU", "x bare")
    print(f"{'':22}" + "".join(f"{column:>10}" for column in columns))
    for name, it in medians.items():
        best = min(taken.wall_s for taken in rounds[name])
        print(
            f"{name:22}{it.wall_s * 1e6:7.0f} us{it.wall_s / base.wall_s:10.2f}{1 / it.wall_s:10,.0f}"
            f"{1 / best:10,.0f}{it.cpu_s * 1e6:7.0f} us{it.cpu_s / base.cpu_s:10.2f}"
        )


if __name__ == "__main__":
    main()
