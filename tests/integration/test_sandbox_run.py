"""What a run gives back, what it may see, whose fault is whose, and runs inside runs."""

from collections.abc import Iterator, Mapping
from enum import StrEnum
from pathlib import Path

import psutil
import pytest

from ecology.core.errors import RunFault
from ecology.sandbox.doors import Function
from ecology.sandbox.outcome import CodeFault, Fault, Limits, Ran, Refusal
from ecology.sandbox.program import Program, compile_program
from ecology.sandbox.run import WORKER_BYTES, Sandbox
from tests.support.children import living

LIMITS = Limits(wall_s=60)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox


def compiled(source: str) -> Program:
    program = compile_program(source)
    assert isinstance(program, Program), program
    return program


def run(
    sandbox: Sandbox, source: str, arguments: Mapping[str, object] = {}, **functions: Function
) -> Ran | CodeFault:
    return sandbox.run(compiled(source), "main", dict(arguments), functions=functions, limits=LIMITS)


def value(ended: Ran | CodeFault) -> object:
    assert isinstance(ended, Ran), ended
    return ended.value


def fault(ended: Ran | CodeFault) -> tuple[Fault, str]:
    assert isinstance(ended, CodeFault), ended
    return ended.fault, ended.detail


def test_a_method_gets_its_arguments_and_gives_its_value(sandbox: Sandbox) -> None:
    source = """
def main(items, bonus=0):
    '''Sum up.'''
    print('summing', len(items))
    return {'total': sum(item['price'] for item in items) + bonus, 'pair': (1, None)}
"""
    ended = run(sandbox, source, {"items": [{"price": 3}, {"price": 4}], "bonus": 1})
    assert isinstance(ended, Ran)
    assert ended.value == {"total": 8, "pair": [1, None]}
    assert ended.printed == "summing 2\n"
    assert (ended.use.steps, ended.use.calls) == (3, 0)
    assert ended.use.bytes_in == len('{"items":[{"price":3},{"price":4}],"bonus":1}')
    assert ended.use.bytes_out == len('{"total":8,"pair":[1,null]}')


def test_the_operating_system_bounds_every_worker_too() -> None:
    with Sandbox() as sandbox:
        assert value(run(sandbox, "def main():\n    return 1")) == 1
        workers = living(lambda child: child.name() == "monty")
        limits = {worker.rlimit(psutil.RLIMIT_AS) for worker in workers}
    assert (WORKER_BYTES, WORKER_BYTES) in limits


def test_arguments_are_copies(sandbox: Sandbox) -> None:
    arguments = {"items": [[1], {"a": [2]}]}
    source = (
        "def main(items):\n    items[0].append(9)\n    items[1]['a'] = 0\n    items.clear()\n    return items"
    )
    assert value(run(sandbox, source, arguments)) == []
    assert arguments == {"items": [[1], {"a": [2]}]}


def test_answers_of_functions_are_copies(sandbox: Sandbox) -> None:
    kept = {"a": [1]}
    source = "def main():\n    give()['a'].append(2)\n    return give()"
    assert value(run(sandbox, source, give=lambda: kept)) == {"a": [1]}
    assert kept == {"a": [1]}


def test_constants_are_names_that_runs_cannot_change(sandbox: Sandbox) -> None:
    program = compiled("def main():\n    caller['names'].append('me')\n    return [caller, unit]")
    constants = {"caller": {"names": []}, "unit": "scrip", "unused": 3}
    for _ in range(2):
        ended = sandbox.run(program, "main", {}, constants=constants)
        assert value(ended) == [{"names": ["me"]}, "scrip"]
    assert constants["caller"] == {"names": []}


def test_a_method_that_is_not_there(sandbox: Sandbox) -> None:
    program = compiled("helper = 3\ndef main():\n    def inner(): pass\nif main:\n    def later(): pass")
    assert program.functions == {"main"}
    for name in ("helper", "inner", "later", "print", "", "main()", "__init__"):
        assert fault(sandbox.run(program, name, {}))[0] is Fault.NO_METHOD


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        ({"x": 2**63}, "64 bits"),
        ({"x": float("nan")}, "finite"),
        ({"x": b""}, "bytes"),
        ({"x": {1: 2}}, "key"),
        ({"x": "\ud800"}, "surrogate"),
        ({"\ud800": 1}, "surrogate"),
        ({"x": object()}, "object"),
    ],
)
def test_arguments_that_are_no_json(arguments: dict[str, object], what: str, sandbox: Sandbox) -> None:
    kind, detail = fault(run(sandbox, "def main(x): return 1", arguments))
    assert kind is Fault.RESULT and what in detail


@pytest.mark.parametrize(
    ("source", "detail"),
    [
        ("def main():\n    raise ValueError('bad thing')", "ValueError: bad thing (line 2)"),
        ("def main():\n    raise KeyError('k')", "KeyError: k (line 2)"),
        (
            "# a\n\n\ndef main():\n\n    # b\n    return [\n        1,\n        1 // 0]",
            "division by zero (line 7)",
        ),
        ("def main():\n    '''a\n    b\n    '''\n    x = 1; return x['a']", "subscriptable (line 5)"),
        ("def main():\n    if 1 > 2:\n        pass\n    elif nothing:\n        pass", "not defined (line 4)"),
        ("def main():\n    return deep(\n        3)\n\n\ndef deep(n):\n    return n / 0", "by zero (line 7)"),
        (
            "def main():\n    try:\n        1 / 0\n    finally:\n        x = 1",
            "by zero (line 5)",
        ),  # as Monty has it
        ("def main():\n    return [\n     x / 0\n     for x in [1]]", "by zero (line 2)"),
        ("x = 1\n\ny = x / 0\ndef main(): pass", "by zero (line 3)"),
        ("\\\n\ndef main():\n\twhile True:\n\t\t1/0", "by zero (line 5)"),
        ("\r\ndef main():\r\n    1/0\r\n", "by zero (line 3)"),
        ("def main():\n    give(\n        'a')", "RuntimeError: broke: no (line 2)"),
        ("def main():\n    x = 1\n    give(main)", "not JSON serializable (line 3)"),
        ("def main():\n    raise ValueError(3)", "string argument"),
        ("def main(x): pass", "missing 1 required positional argument: 'x' (line 1)"),
        ("def main():\n    assert 1 == 2, 'no'", "AssertionError: no (line 2)"),
        ("def main():\n    raise ValueError('two\\n  lines')", "ValueError: two lines (line 2)"),
        ("import json\ndef main():\n    json.loads('{')", "(line 3)"),
        ("def main():\n    next(iter([]))", "StopIteration (line 2)"),
    ],
)
def test_what_was_raised_names_the_authors_line(source: str, detail: str, sandbox: Sandbox) -> None:
    def give(_: object) -> None:
        raise Refusal("broke", "no")

    kind, found = fault(run(sandbox, source, give=give))
    assert kind is Fault.RAISED and found.endswith(detail), found


@pytest.mark.parametrize(
    ("source", "detail"),
    [
        ("class Box:\n    @property\n    def x(self): return 1\ndef main(): pass", "(line 2)"),
        ("class Box:\n    for x in [1]: y = x\ndef main(): pass", "(line 2)"),
        ("def main():\n    return 1\nx = " + "+".join(["1"] * 90) + "\n" + "-" * 80 + "1", None),
    ],
)
def test_what_only_monty_cannot_read_is_a_fault_of_syntax(
    source: str, detail: str | None, sandbox: Sandbox
) -> None:
    ended = run(sandbox, source)
    if detail is None:
        assert value(ended) == 1
    else:
        kind, found = fault(ended)
        assert kind is Fault.SYNTAX and detail in found and "not supported" in found
        assert isinstance(ended, CodeFault) and ended.use.steps == 0


class Kind(StrEnum):
    GOOD = "good"


def test_functions_get_plain_values_and_give_them(sandbox: Sandbox) -> None:
    got: list[object] = []

    def give(first: object, *rest: object, named: object = None) -> object:
        got.append((first, rest, named))
        return {"kind": Kind.GOOD, "pair": (1, 2)}

    source = "def main(): return give({'a': (1, None)}, True, named='é')"
    assert value(run(sandbox, source, give=give)) == {"kind": "good", "pair": [1, 2]}
    assert got == [({"a": [1, None]}, (True,), "é")]


@pytest.mark.parametrize(
    "call",
    [
        "give()",
        "give(1, 2)",
        "give(a=1, b=2)",
        "give(b=1)",
        "give(main)",
        "give({1: 2})",
        "give('x' * 70_000)",
    ],
)
def test_wrong_arguments_of_a_function_are_the_codes_fault(call: str, sandbox: Sandbox) -> None:
    got: list[object] = []

    def give(a: object) -> None:
        got.append(a)

    source = (
        f"def main():\n    try: {call}\n    except (TypeError, ValueError) as error: return str(error)[:30]"
    )
    ended = run(sandbox, source, give=give)
    assert str(value(ended)) and not got


def test_a_refusal_can_be_told_from_a_mistake(sandbox: Sandbox) -> None:
    def refuse(detail: str) -> None:
        raise Refusal("no_funds", detail)

    source = """
def main():
    said = []
    for detail in ('need 5', ''):
        try:
            refuse(detail)
        except RuntimeError as refusal:
            said.append(str(refusal))
    return said
"""
    assert value(run(sandbox, source, refuse=refuse)) == ["no_funds: need 5", "no_funds"]


@pytest.mark.parametrize(
    "bug", [KeyError("host"), AssertionError("broken"), TypeError("host"), KeyboardInterrupt()]
)
@pytest.mark.parametrize("catches", [False, True])
def test_a_bug_of_the_hosts_is_the_hosts(bug: BaseException, catches: bool, sandbox: Sandbox) -> None:
    calls = 0

    def give() -> None:
        nonlocal calls
        calls += 1
        raise bug

    catching = "def main():\n    for _ in 'abc':\n        try: give()\n        except BaseException: pass\n    return 1"
    with pytest.raises(type(bug)) as raised:
        run(sandbox, catching if catches else "def main(): give()", give=give)
    assert raised.value is bug and calls == 1
    assert value(run(sandbox, "def main(): return 1")) == 1


def test_a_function_that_gives_no_json_is_a_bug_of_the_hosts(sandbox: Sandbox) -> None:
    with pytest.raises(ValueError, match="type object"):
        run(sandbox, "def main(): give()", give=object)


def nested(sandbox: Sandbox, depth: int) -> object:
    program = compiled("def main(n):\n    if n == 0:\n        return []\n    return [n, deeper(n - 1)]")

    def deeper(n: int) -> object:
        ended = sandbox.run(program, "main", {"n": n}, functions={"deeper": deeper})
        return ended.value if isinstance(ended, Ran) else [ended.fault, ended.detail]

    return deeper(depth)


def test_programs_run_inside_one_another(sandbox: Sandbox) -> None:
    assert nested(sandbox, 8) == [8, [7, [6, [5, [4, [3, [2, [1, []]]]]]]]]


def test_more_programs_inside_one_another_than_workers_do_not_wait_for_ever() -> None:
    with Sandbox(max_workers=3) as sandbox:
        assert nested(sandbox, 5) == [
            5,
            [4, [3, [Fault.RECURSION, "more than 3 programs inside one another"]]],
        ]
        assert nested(sandbox, 2) == [2, [1, []]]


def test_what_an_inner_run_does_wrong_is_not_the_outer_ones_fault(sandbox: Sandbox) -> None:
    endless = compiled("def main():\n    while True: pass")

    def inner() -> str:
        ended = sandbox.run(endless, "main", {}, limits=Limits(steps=50))
        assert isinstance(ended, CodeFault)
        return ended.fault

    assert value(run(sandbox, "def main(): return [inner(), inner()]", inner=inner)) == ["code_steps"] * 2


def test_a_sandbox_that_was_closed_starts_again() -> None:
    sandbox = Sandbox()
    for expected in (1, 2):
        assert value(run(sandbox, f"def main(): return {expected}")) == expected
        sandbox.close()
    sandbox.close()


def test_no_worker_to_be_had(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MONTY_BIN", str(tmp_path / "nothing"))
    sandbox = Sandbox()
    with pytest.raises(RunFault, match="did not start"):
        run(sandbox, "def main(): return 1")
    sandbox.close()
