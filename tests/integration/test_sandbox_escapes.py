"""No known escape gets anything out of the sandbox; many of them do get out of plain CPython."""

import os
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import msgspec
import pydantic_monty as monty
import pytest

from ecology.sandbox.doors import Function
from ecology.sandbox.outcome import CodeFault, Fault, Limits, Ran, Refusal
from ecology.sandbox.program import Program, compile_program
from ecology.sandbox.run import Sandbox
from tests.integration.sandbox_escapes import BODIES, ESCAPED, program

SECRET = "the-secret-5e0b"
VARIABLE = "ECOLOGY_TEST_SECRET"
LIMITS = Limits(wall_s=60)

IN_CPYTHON = """
import json, sys
escaped = []
for name, source in json.load(sys.stdin).items():
    try:
        space = {}
        exec(source, space)
        found = str(space["main"](sys.argv[1], sys.argv[2]))
    except BaseException:
        continue
    if "ESCAPED" in found or sys.argv[3] in found:
        escaped.append(name)
print(json.dumps(escaped))
"""


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox


@cache
def bare_pool() -> monty.Monty:
    return monty.Monty().__enter__()


@pytest.fixture
def secret_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(VARIABLE, SECRET)
    file = tmp_path / "secret.txt"
    file.write_text(SECRET)
    return file


def outcome(sandbox: Sandbox, source: str, path: Path) -> Ran | CodeFault:
    made = compile_program(source)
    if isinstance(made, CodeFault):
        return made
    return sandbox.run(made, "main", {"path": str(path), "variable": VARIABLE}, limits=LIMITS)


@pytest.mark.parametrize("name", BODIES)
def test_an_escape_gets_nothing(name: str, sandbox: Sandbox, secret_file: Path) -> None:
    ended = outcome(sandbox, program(BODIES[name]), secret_file)
    said = msgspec.json.encode(ended).decode()
    assert SECRET not in said and ESCAPED not in said, said
    if isinstance(ended, CodeFault):
        assert ended.fault in (Fault.SYNTAX, Fault.RAISED), ended
    assert secret_file.read_text() == SECRET


@pytest.mark.parametrize("name", BODIES)
def test_nor_does_it_without_our_grammar(name: str, secret_file: Path) -> None:
    """What the grammar keeps out finds nothing in Monty either: neither of the two walls leans on the other."""
    with bare_pool().checkout(limits={"max_feed_duration_secs": 5.0}) as session:
        try:
            found = session.feed_run(f"{program(BODIES[name])}main({str(secret_file)!r}, {VARIABLE!r})")
        except monty.MontyError as error:
            found = error
    assert SECRET not in str(found)
    assert secret_file.read_text() == SECRET


def test_most_of_them_get_out_of_cpython(secret_file: Path) -> None:
    """A list of harmless programs would pass the test above as well."""
    sources = msgspec.json.encode({name: program(body) for name, body in BODIES.items()})
    ran = subprocess.run(
        [sys.executable, "-c", IN_CPYTHON, str(secret_file), VARIABLE, SECRET],
        input=sources,
        env={**os.environ, VARIABLE: SECRET, "PYTHONWARNINGS": "ignore"},
        capture_output=True,
        timeout=60,
        check=True,
    )
    escaped = msgspec.json.decode(ran.stdout.splitlines()[-1], type=list[str])
    assert len(escaped) >= 60, sorted(BODIES.keys() - set(escaped))


def run(sandbox: Sandbox, source: str, **functions: Function) -> Ran | CodeFault:
    made = compile_program(source)
    assert isinstance(made, Program), made
    return sandbox.run(made, "main", {}, functions=functions, limits=LIMITS)


def test_nothing_is_left_for_the_next_run(sandbox: Sandbox) -> None:
    writing = """
import json, random, functools
kept = []
@functools.cache
def remember(x): return kept.append(x)
def main():
    global secret
    secret = 'left behind'
    remember(1)
    random.seed(5)
    return 'written'
"""
    reading = """
def main():
    try:
        return secret
    except NameError:
        return 'nothing'
"""
    for source, expected in ((writing, "written"), (reading, "nothing"), (writing, "written")):
        ended = run(sandbox, source)
        assert isinstance(ended, Ran) and ended.value == expected


HOSTILE_ARGUMENTS = {
    "a function": "give(main)",
    "a builtin": "give(print)",
    "a class": "give(type('X', (), {}))",
    "an instance": "give(Box())",
    "a module": "give(json)",
    "a cycle": "give(cycle())",
    "a deep list": "give(deep())",
    "a terabyte": "give(doubled())",
    "bytes": "give(b'x')",
    "a set": "give({1})",
    "a number as a key": "give({1: 2})",
    "a large integer": "give(10 ** 30)",
    "not a number": "give(float('nan'))",
    "infinity as a keyword": "give(x=float('inf'))",
    "an iterator": "give(iter([1]))",
    "a door": "give(give)",
    "an exception": "give(ValueError('x'))",
    "too many bytes": "give('x' * 70_000)",
    "too many arguments": "give(1, 2, 3)",
    "an unknown keyword": "give(1, function=3)",
    "the frame's keywords": "give(**{'name': 'take', 'positional': [], 'named': {}})",
    "self": "give(**{'self': 1})",
}
PARTS = """
import json
class Box: pass
def cycle():
    x = []
    x.append(x)
    return x
def deep():
    x = []
    for _ in range(90): x = [x]
    return x
def doubled():
    x = [1]
    for _ in range(40): x = [x, x]
    return x
"""


@pytest.mark.parametrize("name", HOSTILE_ARGUMENTS)
def test_a_door_gets_nothing_hostile(name: str, sandbox: Sandbox) -> None:
    got: list[object] = []

    def give(x: object = None) -> None:
        got.append(x)

    source = f"{PARTS}\ndef main():\n    return {HOSTILE_ARGUMENTS[name]}\n"
    ended = run(sandbox, source, give=give)
    assert isinstance(ended, CodeFault), ended
    assert ended.fault in (Fault.RAISED, Fault.MEMORY)
    assert not got


def test_a_door_cannot_be_opened_by_its_hidden_name(sandbox: Sandbox) -> None:
    for source in ("def main(): return _ecology_call('give', [], {})", "_ecology_fuel = iter(range(9))"):
        refused = compile_program(source)
        assert isinstance(refused, CodeFault) and "reserved" in refused.detail


@pytest.mark.parametrize(
    "source",
    [
        "def main(): return _ecology_fuel",
        "def main(_ecology_fuel): return 1",
        "def _ecology_next(x): return 1",
        "class _ecology_fuel: pass",
        "import json as _ecology_dumps",
        "from json import dumps as _ecology_dumps",
        "def main():\n    global _ecology_fuel",
        "def main():\n    x = 1\n    def f():\n        nonlocal _ecology_x",
        "try:\n    pass\nexcept ValueError as _ecology_next:\n    pass",
        "for _ecology_fuel in [1]: pass",
        "(_ecology_fuel := 1)",
        "[1 for _ecology_fuel in [1]]",
        "match 1:\n    case _ecology_fuel: pass",
        "match [1]:\n    case [*_ecology_fuel]: pass",
        "match {}:\n    case {**_ecology_fuel}: pass",
        "match 1:\n    case 1 as _ecology_fuel: pass",
        "main(_ecology_fuel=1)",
        "x._ecology_fuel = 1",
        "_ｅcology_fuel = 1",
        "f'{_ecology_fuel}'",
        "lambda *_ecology_a: 1",
        "with x as _ecology_fuel: pass",
    ],
)
def test_no_name_of_the_frame_can_be_touched(source: str) -> None:
    refused = compile_program(source)
    assert isinstance(refused, CodeFault) and refused.fault is Fault.SYNTAX
    assert "reserved" in refused.detail


def test_refilling_builtins_does_not_refill_the_counter(sandbox: Sandbox) -> None:
    source = """
def next(*_): return 1
def iter(*_): return [1]
def range(*_): return [1]
def len(*_): return 0
ValueError = print
StopIteration = RuntimeError
def main():
    while True:
        pass
"""
    ended = run(sandbox, source)
    assert isinstance(ended, CodeFault) and ended.fault is Fault.STEPS


def test_a_door_cannot_be_talked_into_another(sandbox: Sandbox) -> None:
    """What refuses, refuses; what code makes of the refusal is its own affair."""

    def refuse() -> None:
        raise Refusal("not_allowed", "no")

    source = """
def main():
    try:
        refuse()
    except BaseException as error:
        return [str(error), [str(part) for part in error.args]]
"""
    ended = run(sandbox, source, refuse=refuse)
    assert isinstance(ended, Ran) and ended.value == ["not_allowed: no", ["not_allowed: no"]]
