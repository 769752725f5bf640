"""Equal calls give equal outcomes, here and in another process; and the Python that runs means what Python means."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from ecology.sandbox.outcome import CodeFault, Ran
from ecology.sandbox.program import Program, compile_program
from ecology.sandbox.run import Sandbox


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox


def compiled(source: str) -> Program:
    program = compile_program(source)
    assert isinstance(program, Program), program
    return program


def value(ended: Ran | CodeFault) -> object:
    assert isinstance(ended, Ran), ended
    return ended.value


CHANCE = """
import random, time, datetime
class Box: pass
def main():
    names = {str(n) for n in range(30)} | set('determinism')
    return {
        'draws': [random.random(), random.randint(1, 10 ** 9), random.choice('abc'), random.gauss(0, 1)],
        'other': random.Random().random(),
        'order': list(names), 'table': list({n: 1 for n in names}),
        'hashes': [hash('a'), hash((1, 'b')), hash(main), id(names) % 2 ** 40, hash(Box())],
        'shown': [repr(main), repr(Box()), str(print), repr(time)],
        'times': [time.time(), time.monotonic(), time.perf_counter(), time.process_time()],
        'date': str(datetime.datetime.now()),
        'slept': time.sleep(1_000_000),
    }
"""


def test_equal_calls_give_equal_outcomes(sandbox: Sandbox) -> None:
    program = compiled(CHANCE)
    first, again = (sandbox.run(program, "main", {}, seed=5, now_ns=10**9) for _ in range(2))
    other, later = sandbox.run(program, "main", {}, seed=6), sandbox.run(program, "main", {}, seed=5)
    assert value(first) == value(again)
    found, other_found, later_found = value(first), value(other), value(later)
    assert isinstance(found, dict) and isinstance(other_found, dict) and isinstance(later_found, dict)
    assert found["draws"] != other_found["draws"] and found["other"] != other_found["other"]
    assert found["draws"] == later_found["draws"] and found["times"] != later_found["times"]
    assert found["times"] == [1.0, 1.0, 1.0, 0.0] and found["date"] == "1970-01-01 00:00:01"


def test_another_process_with_other_hashes_gives_the_same(sandbox: Sandbox) -> None:
    here = value(sandbox.run(compiled(CHANCE), "main", {}, seed=2**63 - 1, now_ns=2**62))
    program = """
import sys, msgspec
from ecology.sandbox.program import compile_program
from ecology.sandbox.run import Sandbox
with Sandbox() as sandbox:
    ended = sandbox.run(compile_program(sys.stdin.read()), "main", {}, seed=2**63 - 1, now_ns=2**62)
sys.stdout.buffer.write(msgspec.json.encode(ended.value))
"""
    for seed in ("0", "1"):
        ran = subprocess.run(
            [sys.executable, "-c", program],
            input=CHANCE.encode(),
            env={**os.environ, "PYTHONHASHSEED": seed, "TZ": "Asia/Tokyo", "LC_ALL": "C"},
            cwd=Path(__file__).parents[2],
            capture_output=True,
            timeout=60,
            check=True,
        )
        assert msgspec.json.decode(ran.stdout) == here


EVERYTHING = Path(__file__).with_name("sandbox_everything.txt")


def test_the_python_that_programs_may_use(sandbox: Sandbox) -> None:
    """One of everything that the grammar lets through, counted and written out again, still means the same."""
    source = EVERYTHING.read_text("utf-8")
    plain_python: dict[str, object] = {}
    exec(source, plain_python)  # noqa: S102  # the meaning that it should have
    meant = msgspec.json.encode(plain_python["main"](4))  # type: ignore[operator]
    assert value(sandbox.run(compiled(source), "main", {"n": 4})) == msgspec.json.decode(meant)
