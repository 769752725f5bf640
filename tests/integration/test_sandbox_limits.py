"""Whoever takes too much ends with the fault that says of what, and the next run finds everything as it was.

Nothing here looks at a clock but the guard against hanging, whose `Limits.wall_s` is short where it has to strike.
"""

import os
import signal
import time
from collections.abc import Iterator

import pytest

from ecology.core.clock import SECOND_NS, host_ns
from ecology.sandbox.doors import Function
from ecology.sandbox.outcome import CodeFault, Fault, Limits, Ran
from ecology.sandbox.program import Program, compile_program
from ecology.sandbox.run import Sandbox
from tests.support.children import living

LIMITS = Limits(steps=20_000, wall_s=60)
"""The wall guard is for nobody here, however busy the machine is, but for those that only it ends."""
HURRIED = Limits(steps=20_000, wall_s=0.3)
DOUBLED = "x = [1]\n    for _ in range(40): x = [x, x]\n"

ATTACKS: dict[str, tuple[Fault, str]] = {
    # counted
    "endless loop": (Fault.STEPS, "while True: pass"),
    "endless loop that catches": (
        Fault.STEPS,
        """
    while True:
        try:
            while True: pass
        except BaseException:
            continue""",
    ),
    "catches and returns": (
        Fault.STEPS,
        """
    try:
        while True: pass
    except BaseException:
        return 'done'""",
    ),
    "returns from finally": (
        Fault.STEPS,
        """
    try:
        while True: pass
    finally:
        return 'done'""",
    ),
    "a tree of calls": (
        Fault.STEPS,
        """
    def f(n):
        try: f(n + 1)
        except BaseException: pass
        try: f(n + 1)
        except BaseException: pass
    f(0)""",
    ),
    "comprehension": (Fault.STEPS, "return sum([1 for _ in range(10 ** 12)])"),
    "nested comprehension": (
        Fault.STEPS,
        "return [0 for a in range(10 ** 6) for b in range(10 ** 6) if a < 0]",
    ),
    "generator": (Fault.STEPS, "return any(False for _ in range(10 ** 12))"),
    "lambda by a builtin": (Fault.STEPS, "return any(map(lambda x: 0, range(10 ** 12)))"),
    "key function": (Fault.STEPS, "return max(range(10 ** 12), key=lambda x: x)"),
    "dictionary comprehension": (Fault.STEPS, "return {0: 0 for _ in range(10 ** 12)}"),
    "endless iterator": (Fault.STEPS, "import itertools\n    for _ in itertools.count(): pass"),
    "while with an else": (Fault.STEPS, "while 1: continue\n    else: return 1"),
    "method that calls itself by a loop": (
        Fault.STEPS,
        """
    class Box:
        def __len__(self): return 3
        def __iter__(self): return iter([1])
    box = Box()
    while list(box): pass""",
    ),
    # computed in one piece
    "sum of a range": (Fault.TIME, "return sum(range(10 ** 12))"),
    "greatest of a range": (Fault.TIME, "return max(range(10 ** 12))"),
    "endless sum": (Fault.TIME, "import itertools\n    return sum(itertools.count())"),
    "factorial": (Fault.TIME, "import math\n    return math.factorial(10 ** 6) % 7"),
    "binomial": (Fault.TIME, "import math\n    return math.comb(10 ** 6, 5 * 10 ** 5) % 7"),
    "key stretching": (
        Fault.TIME,
        "import hashlib\n    return hashlib.pbkdf2_hmac('sha256', b'', b'', 10 ** 9)",
    ),
    "reduce by a builtin": (
        Fault.TIME,
        "import functools\n    return functools.reduce(max, range(10 ** 11))",
    ),
    "comparison of what is doubled": (
        Fault.TIME,
        DOUBLED + "    y = [1]\n    for _ in range(40): y = [y, y]\n    return x == y",
    ),
    "time out that is caught": (
        Fault.TIME,
        """
    try:
        return sum(range(10 ** 12))
    except BaseException:
        return 'done'""",
    ),
    # memory
    "long text": (Fault.MEMORY, "return 'a' * 10 ** 10"),
    "long list": (Fault.MEMORY, "return [0] * 10 ** 9"),
    "growing text": (Fault.MEMORY, "x = 'a'\n    while True: x += x"),
    "growing list that is caught": (
        Fault.MEMORY,
        """
    x = []
    try:
        while True: x.append('a' * 10_000)
    except BaseException:
        return 'done'""",
    ),
    "large power": (Fault.MEMORY, "return 10 ** 10 ** 9"),
    "large shift": (Fault.MEMORY, "return 1 << 10 ** 10"),
    "wide format": (Fault.MEMORY, "return '%1000000000d' % 1"),
    "padding": (Fault.MEMORY, "return 'a'.ljust(10 ** 10)"),
    "sorted range": (Fault.MEMORY, "return sorted(range(10 ** 10))"),
    "set of a range": (Fault.MEMORY, "return len(set(range(10 ** 10)))"),
    "product": (Fault.MEMORY, "import itertools\n    return list(itertools.product(range(100), repeat=9))"),
    "joined": (Fault.MEMORY, "return ','.join(['a' * 10 ** 6] * 10 ** 5)"),
    "result that doubles": (Fault.MEMORY, DOUBLED + "    return x"),
    "exception that doubles": (Fault.MEMORY, DOUBLED + "    raise ValueError(str(x))"),
    # the rest
    "recursion": (Fault.RECURSION, "return main()"),
    "deep repr": (Fault.RESULT, "x = []\n    for _ in range(5_000): x = [x]\n    return x"),
    "output": (Fault.OUTPUT, "print('x' * 20_000)"),
    "output that is caught": (
        Fault.OUTPUT,
        """
    for _ in range(2_000):
        try: print('xxxxxxxxxxxxxxxxxxxxx')
        except BaseException: pass
    return 'done'""",
    ),
    "endless output": (Fault.OUTPUT, "while True: print('x' * 100)"),
    "long result": (Fault.RESULT, "return 'x' * 65_537"),
    "large result of small parts": (Fault.RESULT, "return list(range(100_000))[:20_000]"),
    "large number": (Fault.RESULT, "return 2 ** 63"),
    "very large number": (Fault.RESULT, "return 10 ** 5_000"),
    "cycle": (Fault.RESULT, "x = {}\n    x['x'] = x\n    return x"),
    "calls": (Fault.CALLS, "for _ in range(101): tell(1)"),
    "calls that are caught": (
        Fault.CALLS,
        """
    for _ in range(101):
        try: tell(1)
        except BaseException: pass
    return 'done'""",
    ),
    "names that nobody defined": (
        Fault.CALLS,
        """
    for _ in range(1_000):
        try: nobody
        except NameError: pass""",
    ),
    "long message": (Fault.RAISED, "raise ValueError('x' * 10 ** 6)"),
    "message of many lines": (Fault.RAISED, "raise ValueError('a\\nb\\x1b[31m\\x00c')"),
    "imitated memory": (Fault.RAISED, "raise MemoryError('memory limit exceeded')"),
    "imitated time": (Fault.RAISED, "raise TimeoutError('feed time limit exceeded: 9s > 5s')"),
    "end of the process": (Fault.RAISED, "raise SystemExit"),
    "interrupt": (Fault.RAISED, "raise KeyboardInterrupt"),
}


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox


def run(sandbox: Sandbox, source: str, limits: Limits = LIMITS, **functions: Function) -> Ran | CodeFault:
    program = compile_program(source)
    assert isinstance(program, Program), program
    return sandbox.run(program, "main", {}, functions=functions, limits=limits)


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_ends_with_its_fault(name: str, sandbox: Sandbox) -> None:
    fault, body = ATTACKS[name]
    told: list[object] = []
    limits = HURRIED if fault is Fault.TIME else LIMITS
    ended = run(sandbox, f"def main():\n    {body}\n", limits, tell=told.append)
    assert isinstance(ended, CodeFault), ended
    assert ended.fault is fault, ended
    assert len(ended.detail) <= 300 and ended.detail.isprintable()
    assert len(told) <= LIMITS.calls and ended.use.steps <= LIMITS.steps
    after = run(sandbox, "def main(): return sum([x for x in range(10)])")
    assert isinstance(after, Ran) and after.value == 45


@pytest.mark.parametrize("name", [name for name, (fault, _) in ATTACKS.items() if fault is not Fault.TIME])
def test_an_attack_ends_alike_every_time(name: str, sandbox: Sandbox) -> None:
    def once() -> tuple[object, ...]:
        ended = run(sandbox, f"def main():\n    {ATTACKS[name][1]}\n", LIMITS, tell=lambda _: None)
        assert isinstance(ended, CodeFault)
        use = ended.use
        return ended.fault, ended.detail, use.steps, use.bytes_in, use.bytes_out, use.calls

    assert once() == once()


@pytest.mark.parametrize("steps", [0, 1, 2, 10])
def test_steps_are_counted_to_the_last(steps: int, sandbox: Sandbox) -> None:
    """A function's body is one step, and each of its rounds one more."""
    source = "def main():\n    n = 0\n    for _ in range(9):\n        n += 1\n    return n\n"
    ended = run(sandbox, source, Limits(steps=steps, wall_s=60))
    if steps >= 10:
        assert isinstance(ended, Ran) and (ended.value, ended.use.steps) == (9, 10)
    else:
        assert isinstance(ended, CodeFault) and (ended.fault, ended.use.steps) == (Fault.STEPS, steps)


@pytest.mark.parametrize(("printed", "fits"), [("é" * 7, True), ("é" * 8, False)])
def test_output_is_counted_in_bytes_with_its_line_ends(printed: str, fits: bool, sandbox: Sandbox) -> None:
    ended = run(sandbox, f"def main(): print({printed!r})", Limits(output_bytes=15, wall_s=60))
    if fits:
        assert isinstance(ended, Ran) and ended.printed == printed + "\n"
    else:
        assert isinstance(ended, CodeFault) and ended.fault is Fault.OUTPUT


@pytest.mark.parametrize(
    ("value", "fits"), [("é" * 9, True), ("é" * 10, False), ([1] * 9, True), ([1] * 10, False)]
)
def test_results_are_counted_in_bytes_of_compact_json(value: object, fits: bool, sandbox: Sandbox) -> None:
    ended = run(sandbox, f"def main(): return {value!r}", Limits(result_bytes=20, wall_s=60))
    assert isinstance(ended, Ran if fits else CodeFault), ended
    if isinstance(ended, CodeFault):
        assert ended.fault is Fault.RESULT


def test_no_call_is_made_after_too_much_was_printed(sandbox: Sandbox) -> None:
    told: list[object] = []
    source = """
def main():
    tell(1)
    print('x' * 20_000)
    try: tell(2)
    except BaseException: pass
    return 'done'
"""
    ended = run(sandbox, source, tell=told.append)
    assert isinstance(ended, CodeFault) and ended.fault is Fault.OUTPUT
    assert told == [1]


def workers() -> set[int]:
    return {child.pid for child in living(lambda child: child.name() == "monty")}


@pytest.mark.parametrize("times", [1, 2])
def test_a_worker_that_is_killed_is_replaced(times: int) -> None:
    """Killed in the middle of a run, by a function that knows its process; also when the code would go on."""
    source = "def main():\n    try: kill()\n    except BaseException: pass\n    return 'survived'"
    others = workers()

    def kill() -> None:
        (pid,) = workers() - others
        os.kill(pid, signal.SIGKILL)

    with Sandbox() as sandbox:
        for _ in range(times):
            ended = run(sandbox, source, kill=kill)
            assert isinstance(ended, CodeFault) and ended.fault is Fault.CRASHED
            assert (ended.use.steps, ended.use.calls, ended.use.cpu_us) == (LIMITS.steps, 1, 0)
        after = run(sandbox, "def main(): return 1")
        assert isinstance(after, Ran) and after.value == 1


def test_an_idle_worker_that_is_killed_is_replaced() -> None:
    others = workers()
    with Sandbox() as sandbox:
        assert isinstance(run(sandbox, "def main(): return 1"), Ran)
        (pid,) = workers() - others
        os.kill(pid, signal.SIGKILL)
        while pid in workers():
            time.sleep(0.001)
        after = run(sandbox, "def main(): return 2")
        assert isinstance(after, Ran) and after.value == 2


def test_a_worker_is_not_used_again_after_the_wall_guard() -> None:
    others = workers()
    with Sandbox() as sandbox:
        run(sandbox, "def main(): return 1")
        before = workers() - others
        ended = run(sandbox, "def main(): return sum(range(10 ** 12))", HURRIED)
        assert isinstance(ended, CodeFault) and ended.fault is Fault.TIME
        run(sandbox, "def main(): return 1")
        assert before and not before & workers()


def test_a_run_ends_by_the_time_that_its_host_has() -> None:
    forever = "def main(): return sum(range(10 ** 12))"
    with Sandbox() as sandbox:
        sandbox.until_ns = host_ns() + SECOND_NS // 5
        for _ in range(2):  # the second begins when all should have ended
            ended = run(sandbox, forever)
            assert isinstance(ended, CodeFault) and ended.fault is Fault.TIME
        sandbox.until_ns = None
        assert isinstance(run(sandbox, "def main(): return 1"), Ran)
