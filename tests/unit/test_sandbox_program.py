"""Agent-written source: what is refused, where ticks go, which line is which, and that no text hurts the host."""

import ast
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from ecology.sandbox.counting import count_steps
from ecology.sandbox.grammar import FORBIDDEN_NAMES, MAX_DEPTH, MAX_SOURCE_BYTES, MODULES, SPECIAL_METHODS
from ecology.sandbox.outcome import CodeFault, Fault, one_line
from ecology.sandbox.program import Program, compile_program

ROOT = Path(__file__).parents[2]
TICK = "_ecology_next(_ecology_fuel)"


def refused(source: str) -> str:
    fault = compile_program(source)
    assert isinstance(fault, CodeFault), source
    assert fault.fault is Fault.SYNTAX and len(fault.detail) <= 300 and fault.detail.isprintable()
    return fault.detail


@pytest.mark.parametrize(
    ("source", "detail"),
    [
        ("def f():\n    return (", "'(' was never closed (line 2)"),
        ("x = 1\n  y = 2", "unexpected indent (line 2)"),
        ("def f():\n    yield 1", "yield is not supported here (line 2)"),
        ("def f():\n    yield from x", "yield is not supported here (line 2)"),
        ("del x", "del (use pop) is not supported here (line 1)"),
        ("async def f(): pass", "async def is not supported here (line 1)"),
        ("x = 1\nawait x", "await is not supported here (line 2)"),
        ("[x async for x in y]", "async for is not supported here (line 1)"),
        ("try:\n    pass\nexcept* ValueError:\n    pass", "except* is not supported here (line 1)"),
        ("class A(B): pass", "a class cannot inherit here (line 1)"),
        ("class A(metaclass=B): pass", "a class cannot inherit here (line 1)"),
        ("from json import *", "import * is not supported here (line 1)"),
        ("\n\nimport os", "there is no module 'os' here"),
        ("import json, socket", "there is no module 'socket' here"),
        ("import os.path", "there is no module 'os.path' here"),
        ("from . import json", "there is no module '.' here"),
        ("from .json import dumps", "there is no module '.json' here"),
        ("x = eval", "eval does not exist here (line 1)"),
        ("x.__class__", "__class__ does not exist here (line 1)"),
        ("__name__", "__name__ does not exist here (line 1)"),
        ("def __init__(self): pass", "__init__ does not exist here (line 1)"),
        ("class A:\n    def __del__(self): pass", "__del__ does not exist here (line 2)"),
        ("class A:\n    def f(self):\n        def __eq__(self): pass", "__eq__ does not exist here (line 3)"),
        ("class A:\n    __slots__ = ()", "__slots__ does not exist here (line 2)"),
        ("def f(__class__): pass", "__class__ does not exist here (line 1)"),
        ("f(__class__=1)", "__class__ does not exist here (line 1)"),
        ("x = '\0'", "contains a NUL character"),
        ("x = '\ud800'", "contains half of a character (a lone surrogate)"),
        ("#" * (MAX_SOURCE_BYTES + 1), f"longer than {MAX_SOURCE_BYTES} bytes"),
        ("#" + "é" * (MAX_SOURCE_BYTES // 2), f"longer than {MAX_SOURCE_BYTES} bytes"),
        ("x = " + "9" * 5_000, "Exceeds the limit (4300 digits)"),
        ("x = " + "-" * 150 + "1", f"nested deeper than {MAX_DEPTH} levels (line 1)"),
        ("x = " + "-" * 60_000 + "1", f"nested deeper than {MAX_DEPTH} levels"),
        ("x = " + "+".join("1" * 30_000), f"nested deeper than {MAX_DEPTH} levels"),
        ("x" + ".a" * 30_000, f"nested deeper than {MAX_DEPTH} levels"),
        ("(" * 300, "too many nested parentheses (line 1)"),
    ],
)
def test_what_is_no_program_is_refused_in_words(source: str, detail: str) -> None:
    assert refused(source).startswith(detail)


@pytest.mark.parametrize("name", sorted(FORBIDDEN_NAMES))
def test_names_that_lead_out_are_refused_wherever_they_stand(name: str) -> None:
    for source in (
        f"{name}('1')",
        f"x = {name}",
        f"def f(x={name}): pass",
        f"[{name} for x in y]",
        f"f'{{{name}}}'",
    ):
        assert name in refused(source)


def test_methods_may_be_called_what_builtins_are() -> None:
    program = compile_program("import re\ndef main(box): return box.open(), re.compile('a')")
    assert isinstance(program, Program)


@pytest.mark.parametrize("module", MODULES)
def test_modules_that_there_are(module: str) -> None:
    for source in (f"import {module}", f"import {module} as other", f"from {module} import x"):
        assert isinstance(compile_program(source), Program)


def test_special_methods_that_a_class_may_define() -> None:
    methods = "".join(f"    def {name}(self): pass\n" for name in sorted(SPECIAL_METHODS))
    assert isinstance(compile_program(f"class Box:\n{methods}"), Program)


@pytest.mark.parametrize("source", ["", "\n", "# nothing", "'''text'''", "x = 1\\\n\n", "pass;"])
def test_little_programs(source: str) -> None:
    program = compile_program(source)
    assert isinstance(program, Program) and program.functions == frozenset()


def test_a_program_knows_its_functions_and_names() -> None:
    program = compile_program(
        "import json\nLIMIT = 3\ndef buy(n): return pay(LIMIT)\ndef sell(): pass\nclass A: pass"
    )
    assert isinstance(program, Program)
    assert program.functions == {"buy", "sell"}
    assert {"pay", "LIMIT"} <= program.names and "sell" not in program.names


def counted(source: str) -> str:
    return ast.unparse(count_steps(ast.parse(source)))


@pytest.mark.parametrize(
    ("source", "with_ticks"),
    [
        ("def f():\n    return 1", f"def f():\n    {TICK}\n    return 1"),
        ("def f():\n    '''text'''", f"def f():\n    {TICK}"),
        ("for x in y:\n    pass", f"for x in y:\n    {TICK}\n    pass"),
        ("while x:\n    ...\nelse:\n    z()", f"while x:\n    {TICK}\nelse:\n    z()"),
        ("lambda: x", f"lambda: {TICK} and x"),
        ("lambda: x or y", f"lambda: {TICK} and (x or y)"),
        ("[x for x in y]", f"[x for x in y if {TICK}]"),
        ("{x for x in y if z}", f"{{x for x in y if {TICK} if z}}"),
        ("{x: 1 for x in y for z in x}", f"{{x: 1 for x in y if {TICK} for z in x if {TICK}}}"),
        ("f(x for x in (lambda: y)())", f"f((x for x in (lambda: {TICK} and y)() if {TICK}))"),
        ("class A:\n    '''text'''", "class A:\n    pass"),
        ("class A:\n    def f(self): pass", f"class A:\n\n    def f(self):\n        {TICK}\n        pass"),
        ("def f(x=lambda: 1): pass", f"def f(x=lambda: {TICK} and 1):\n    {TICK}\n    pass"),
        ("if x:\n    while 1:\n        break", f"if x:\n    while 1:\n        {TICK}\n        break"),
    ],
)
def test_a_tick_stands_where_every_repetition_passes(source: str, with_ticks: str) -> None:
    assert counted(source) == with_ticks


def test_every_line_of_the_text_knows_where_it_came_from() -> None:
    source = """# a comment
def main(x):

    y = [
        a for a in x
    ]
    if y: z = 1; w = 2
    elif x:
        try:
            pass
        except ValueError:
            pass
        finally: v = 1
    match x:

        case 1: return y
        case {"a": [b]}: pass
"""
    program = compile_program(source)
    assert isinstance(program, Program)
    found = {
        line.strip(): program.line_in_source(number)
        for number, line in enumerate(program.text.splitlines(), 1)
        if line.strip() and not line.strip().startswith(("_ecology", "pass", "finally", "try"))
    }
    assert found == {
        "def main(x):": 2,
        f"y = [a for a in x if {TICK}]": 4,
        "if y:": 7,
        "z = 1": 7,
        "w = 2": 7,
        "elif x:": 8,
        "except ValueError:": 11,
        "v = 1": 13,
        "match x:": 14,
        "case 1:": 16,
        "return y": 16,
        "case {'a': [b]}:": 17,
    }
    assert program.line_in_source(0) is program.line_in_source(-1) is program.line_in_source(1_000) is None


def test_depth_is_a_matter_of_the_text_alone() -> None:
    """Whoever stands deep in calls of its own gets the same verdict."""
    fits, too_deep = "x = " + "-" * (MAX_DEPTH - 3) + "1", "x = " + "-" * (MAX_DEPTH - 2) + "1"

    def from_depth(levels: int) -> tuple[object, object]:
        if levels:
            return from_depth(levels - 1)
        return type(compile_program(fits)), type(compile_program(too_deep))

    assert from_depth(0) == from_depth(300) == (Program, CodeFault)


def test_one_line_is_short_and_printable() -> None:
    assert one_line("a\n\tb\x1b[0m \u202ec") == "a b [0m c"
    assert one_line("x" * 301) == "x" * 299 + "…" and one_line("x" * 300) == "x" * 300
    assert len(one_line("\n" * 10**6 + "x")) <= 300


HOSTILE: dict[str, str] = {
    "open brackets": "(" * 60_000,
    "open brackets in turn": "([{" * 20_000,
    "closed brackets": "(" * 30_000 + ")" * 30_000,
    "open calls": "f(" * 30_000,
    "open dictionaries": "{0:" * 20_000,
    "open subscripts": "a[" * 30_000,
    "dictionaries with an error": "{0:" * 90 + "a b" + "}" * 90,
    "calls with an error": "f(a," * 90 + "a b" + ")" * 90,
    "lambdas": "x = " + "lambda:" * 9_000 + "1",
    "nots": "x = " + "not " * 16_000 + "1",
    "minuses": "-" * 65_000 + "1",
    "attributes": "a" + ".a" * 32_000,
    "calls of calls": "f" + "()" * 32_000,
    "powers": "1" + "**1" * 21_000,
    "sums": "1" + "+1" * 32_000,
    "comparisons": "1" + "<1" * 32_000,
    "conditions": "1 if 1 else " * 5_000 + "1",
    "elifs": "if 1: pass\n" + "elif 1: pass\n" * 5_000,
    "indentation": "".join(" " * n + "if 1:\n" for n in range(340)),
    "one-line loops": "for x in y: " * 5_000,
    "decorators": "@f\n" * 21_000 + "def f(): pass",
    "assignments": "a=" * 32_000 + "1",
    "targets": "a," * 32_000 + "a b",
    "stars": "*a," * 21_000,
    "walruses": "(a:=" * 16_000,
    "f-strings in f-strings": "f'{" * 20_000,
    "f-strings of both kinds": "f'{f\"{" * 10_000,
    "format specifications": "f'{a:" + "{b:" * 10_000 + "}'",
    "texts side by side": "'a' " * 16_000,
    "open text": "'''" + "a\n" * 30_000,
    "backslashes": "\\\n" * 32_000,
    "empty lines": "\n" * 65_000,
    "form feeds": "\f" * 65_000,
    "carriage returns": "a, \r" * 16_000,
    "long name": "a" * 65_000,
    "names that normalise to long ones": "ﷺ" * 21_000,
    "combining marks": "a" + "\u0301\u0316" * 16_000,
    "right to left": "\u202e" * 20_000,
    "large number": "9" * 65_000,
    "large hexadecimal number": "0x" + "f" * 65_000,
    "large float": "1" * 60_000 + "e9",
    "large exponent": "1e" + "9" * 60_000,
    "encoding cookie": "# -*- coding: utf-7 -*-\nx = +AGE",
    "unknown encoding": "# coding: latin-99\nx = 1",
    "byte order marks": "\ufeff" * 20_000,
    "NUL": "x\0" * 100,
    "half characters": "\udc80" * 20_000,
    "matches": "match a:\n case " + "[" * 150 + "a" + "]" * 150 + ": pass",
    "or patterns": "match a:\n case " + "|".join("1" * 30_000) + ": pass",
    "with items": "with (" + "a as b, " * 8_000 + "): pass",
    "imports": "import " + "a." * 30_000 + "a",
    "globals": "global " + ",".join("a" * 30_000),
    "arguments": "def f(" + ",".join(f"a{n}" for n in range(9_000)) + "): pass",
    "type comments": "# type: ignore\n" * 4_000,
    "invalid escapes": "'\\d' " * 10_000,
    "is with literals": "1 is 1\n" * 9_000,
}


def test_no_text_hurts_the_host() -> None:
    """In a process of its own, with a bound on its memory: one that crashed or hung would take a world with it."""
    program = """
import json, resource, sys
from ecology.sandbox.program import compile_program
resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
for name, source in json.loads(sys.stdin.read()).items():
    print(json.dumps([name, type(compile_program(source)).__name__]), flush=True)
"""
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        input=msgspec.json.encode({name: source for name, source in HOSTILE.items() if "half" not in name}),
        cwd=ROOT,
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert ran.returncode == 0, (ran.stdout.splitlines()[-1:], ran.stderr[-2_000:])
    verdicts = dict(msgspec.json.decode(line, type=tuple[str, str]) for line in ran.stdout.splitlines())
    assert verdicts.keys() == HOSTILE.keys() - {"half characters"}
    assert set(verdicts.values()) == {"Program", "CodeFault"}
    assert verdicts["targets"] == verdicts["open brackets"] == "CodeFault"
    assert verdicts["encoding cookie"] == verdicts["invalid escapes"] == "Program"
    refused(HOSTILE["half characters"])
