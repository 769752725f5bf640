"""Whatever JSON goes into the sandbox comes out as it was; whatever Python compiles, counts and finds its lines."""

import ast
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecology.sandbox.outcome import CodeFault, Fault, Limits, Ran
from ecology.sandbox.program import Program, compile_program
from ecology.sandbox.run import Sandbox
from ecology.sandbox.values import json_size, plain

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
NUMBERS = st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
SCALARS = st.none() | st.booleans() | NUMBERS | TEXT
JSON = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=5) | st.dictionaries(TEXT, inner, max_size=5)
)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox


def compiled(source: str) -> Program:
    program = compile_program(source)
    assert isinstance(program, Program)
    return program


ECHO = compiled("def main(x): return [x, pass_on(x), pass_on(x=x), CONSTANT]")


def same(one: object, other: object) -> bool:
    """Equal, and of the same types: 1 is neither True nor 1.0, and 0.0 is not -0.0."""
    return repr(one) == repr(other)


@given(JSON, JSON)
def test_json_comes_back_by_every_way(sandbox: Sandbox, value: object, constant: object) -> None:
    got: list[object] = []

    def pass_on(x: object) -> object:
        got.append(x)
        return x

    ended = sandbox.run(
        ECHO, "main", {"x": value}, functions={"pass_on": pass_on}, constants={"CONSTANT": constant}
    )
    assert isinstance(ended, Ran), ended
    assert same(ended.value, [value, value, value, constant])
    assert same(got, [value, value])
    assert ended.use.bytes_in == json_size({"x": value}) + 2 * json_size(value)
    by_position, by_name = json_size([value]) + len("{}"), len("[]") + json_size({"x": value})
    assert ended.use.bytes_out == json_size(ended.value) + by_position + by_name


@given(JSON)
def test_a_plain_copy_is_equal_and_as_large(value: object) -> None:
    copy = plain(value)
    assert same(copy, value) and json_size(copy) == json_size(value)


@given(st.lists(st.integers(0, 30), min_size=1, max_size=4), st.integers(0, 200))
def test_loops_are_charged_round_by_round(sandbox: Sandbox, rounds: list[int], limit: int) -> None:
    """Against a model: one step for the function, and one for each time that any loop's body begins."""
    lines, steps, times = ["def main():", "    n = 0"], 1, 1
    for depth, count in enumerate(rounds):
        lines.append(f"{'    ' * (depth + 1)}for _ in range({count}):")
        times *= count
        steps += times
        if steps > 3_000:
            return
    lines += [f"{'    ' * (len(rounds) + 1)}n += 1", "    return n"]
    ended = sandbox.run(compiled("\n".join(lines)), "main", {}, limits=Limits(steps=limit))
    if steps <= limit:
        assert isinstance(ended, Ran) and (ended.value, ended.use.steps) == (times, steps)
    else:
        assert isinstance(ended, CodeFault) and (ended.fault, ended.use.steps) == (Fault.STEPS, limit)


FRAGMENTS = st.sampled_from(
    [
        *(
            "(",
            ")",
            "[",
            "]",
            "{",
            "}",
            "f(",
            "a",
            "a b",
            "1",
            "'",
            '"',
            "'''",
            "f'{",
            "\\",
            "\n",
            "\n ",
            "\n\t",
        ),
        *(
            ":",
            ";",
            ",",
            "=",
            ":=",
            "lambda ",
            "lambda:",
            "def f():",
            "class A:",
            "if ",
            "else ",
            "for a in ",
        ),
        *("while ", "not ", "-", "*", "**", ".", "@", "async ", "await ", "yield ", "with ", "as ", "try:"),
        *(
            "match a:\n case ",
            "except ",
            "return ",
            "import ",
            "from ",
            "#",
            "\0",
            "\ud800",
            "é",
            "ａ",
            "_ecology_",
        ),
        *(
            "__class__",
            "eval",
            "0x",
            "1e",
            "...",
            "->",
            "!",
            "$",
            "\f",
            "\r",
            "\u202e",
            "del ",
            "global ",
            "pass",
        ),
    ]
)


@settings(max_examples=300)
@given(st.lists(FRAGMENTS, max_size=12), st.integers(1, 60))
def test_any_text_is_a_program_or_a_fault(pieces: list[str], times: int) -> None:
    source = "".join(pieces) * times
    made = compile_program(source)
    if isinstance(made, CodeFault):
        assert made.fault is Fault.SYNTAX and made.detail.isprintable() and 0 < len(made.detail) <= 300
    else:
        last = source.count("\n") + source.count("\r") + 1
        for number, _ in enumerate(ast.parse(made.text).body, 1):
            assert (made.line_in_source(number) or 1) <= last
