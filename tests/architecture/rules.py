"""The rules that a single file can break. Each is a generator of violations; `RULES` names them all.

`test_rules.py` shows every rule a file that breaks it and one that does not: a rule that cannot fail is no rule.
"""

import ast
import re
from collections.abc import Callable, Iterator
from fnmatch import fnmatch
from typing import NamedTuple

from tests.architecture.source import PACKAGES, Source

LONGEST_FUNCTION_LINES = 70
LONGEST_MODULE_LINES = 350

DRIVERS: dict[str, tuple[str, ...]] = {
    "aiodocker": ("calibrate/docker/*.py",),
    "aiohttp": ("calibrate/docker/*.py", "ecology/testing/docker_stand_in.py"),
    "apsw": ("ecology/store/*", "ecology/observe/archive/outbox.py", "ledger/*"),
    "asyncpg": ("ecology/store/postgres*.py", "ledger/postgres*.py"),
    "click": ("ecology/cli/*",),
    "httpcore2": ("ecology/llm/*",),
    "httpx2": ("ecology/llm/*",),
    "jinja2": ("ecology/observe/*",),
    "jsonschema_rs": ("ecology/sandbox/*",),
    "matplotlib": ("ecology/observe/*",),
    "networkx": ("ecology/observe/*",),
    "openai": ("ecology/llm/*",),
    "prometheus_client": ("ecology/nodes/*",),
    "psutil": ("calibrate/samplers/limits.py", "calibrate/samplers/machine.py"),
    "pydantic": ("ecology/scenarios/*",),
    "pydantic_monty": ("ecology/sandbox/*",),
    "qdrant_client": ("ecology/memory/qdrant_server.py",),
    "qdrant_edge": ("ecology/memory/qdrant_edge.py",),
    "redis": ("ecology/nodes/redis_*.py",),
    "ruamel": ("ecology/scenarios/*",),
    "sqlite3": (),  # may be older than 3.51.3, which mended a corruption of the WAL; apsw brings its own
    "starlette": ("ecology/nodes/*",),
    "subprocess": ("ecology/app/keeper.py", "ecology/app/local_*.py", "ecology/observe/archive/*"),  # git
    "uvicorn": ("ecology/nodes/*",),
}
"""Doors to the outside, and the only files of the packages that may open them."""

SOURCES_OF_CHANCE: dict[str, str] = {
    r"time\.(?!sleep$|struct_time$).*": "take a Clock, or measure with ecology.core.clock",
    r"datetime\.datetime\.(now|utcnow|today)": "take a Clock, or ecology.core.clock.utc_stamp",
    r"datetime\.date\.today": "take a Clock, or ecology.core.clock.utc_stamp",
    r"random\.(?!Random$).*": "draw from ecology.core.seeds",
    r"numpy\.random\.(?!default_rng$|Generator$|SeedSequence$|PCG64$|Philox$).*": "use a seeded numpy Generator",
    r"uuid\.(uuid1|uuid4|uuid6|uuid7|getnode)": "build ids from position with ecology.core.ids",
    r"os\.(urandom|getrandom)": "draw from ecology.core.seeds",
    r"secrets\..*": "draw from ecology.core.seeds",
}
UNSEEDED = ("random.Random", "numpy.random.default_rng")


class Violation(NamedTuple):
    """One breach of a rule: where, and what to do about it."""

    path: str
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.text}"


Rule = Callable[[Source], Iterator[Violation]]


def short_functions(source: Source) -> Iterator[Violation]:
    """A function is at most 70 lines long, its docstring included."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > LONGEST_FUNCTION_LINES:
                text = f"{node.name} is {lines} lines long, more than {LONGEST_FUNCTION_LINES}"
                yield Violation(source.path, node.lineno, text)


def short_modules(source: Source) -> Iterator[Violation]:
    """A module is at most 350 lines long."""
    lines = source.text.count("\n")
    if lines > LONGEST_MODULE_LINES:
        text = f"the module is {lines} lines long, more than {LONGEST_MODULE_LINES}: two nouns?"
        yield Violation(source.path, LONGEST_MODULE_LINES + 1, text)


def modules_are_nouns(source: Source) -> Iterator[Violation]:
    """No module is called after not having a name."""
    for part in source.module.split("."):
        if re.fullmatch(r"(utils?|helpers?|misc|common|stuff|lib)", part):
            yield Violation(source.path, 1, f"{part!r} names nothing; say what is in it")


def no_hidden_chance(source: Source) -> Iterator[Violation]:
    """Time, randomness and ids are injected: only `ecology.core` may ask the machine for them."""
    if source.folder not in PACKAGES or source.path.startswith("ecology/core/"):
        return
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Attribute | ast.Name):
            name = source.meaning(node)
            for pattern, remedy in SOURCES_OF_CHANCE.items():
                if re.fullmatch(pattern, name):
                    yield Violation(source.path, node.lineno, f"{name} makes a run unrepeatable; {remedy}")
        if isinstance(node, ast.Call):
            if source.meaning(node.func) in UNSEEDED and not (node.args or node.keywords):
                yield Violation(source.path, node.lineno, f"{source.meaning(node.func)}() without a seed")
            if isinstance(node.func, ast.Name) and node.func.id == "hash":
                yield Violation(
                    source.path, node.lineno, "hash() differs from process to process; use hashlib"
                )


def drivers_confined(source: Source) -> Iterator[Violation]:
    """Each driver is imported by its adapter and by nobody else."""
    if source.folder not in PACKAGES:
        return
    for driver, line in sorted({(name.partition(".")[0], line) for name, line in source.imports()}):
        homes = DRIVERS.get(driver)
        if homes is not None and not any(fnmatch(source.path, home) for home in homes):
            allowed = " or ".join(homes) or "nowhere"
            yield Violation(source.path, line, f"{driver} belongs in {allowed}, not here")


def asserts_can_fail(source: Source) -> Iterator[Violation]:
    """An assertion that holds whatever happens asserts nothing."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Assert) and _always_true(node.test):
            yield Violation(source.path, node.lineno, f"this cannot fail: assert {ast.unparse(node.test)}")


def _always_true(test: ast.expr) -> bool:
    if isinstance(test, ast.Constant):
        return bool(test.value)
    if isinstance(test, ast.Tuple | ast.List):
        return bool(test.elts)
    if isinstance(test, ast.BoolOp):
        return isinstance(test.op, ast.Or) and any(_always_true(value) for value in test.values)
    if isinstance(test, ast.Compare) and len(test.ops) == 1 and isinstance(test.ops[0], ast.Eq | ast.Is):
        return ast.dump(test.left) == ast.dump(test.comparators[0]) and not any(
            isinstance(part, ast.Call | ast.Await)
            for part in ast.walk(test)  # f() == f() says something
        )
    return False


def errors_are_not_swallowed(source: Source) -> Iterator[Violation]:
    """Whoever catches everything does something about it."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.ExceptHandler):
            if node.type is None:
                yield Violation(
                    source.path, node.lineno, "a bare `except:` catches even the end of the process"
                )
            elif _catches_everything(node.type) and all(_does_nothing(line) for line in node.body):
                yield Violation(source.path, node.lineno, "an error of any kind is swallowed here")
        elif (
            isinstance(node, ast.Call)
            and source.meaning(node.func) == "contextlib.suppress"
            and any(map(_catches_everything, node.args))
        ):
            yield Violation(source.path, node.lineno, "an error of any kind is swallowed here")


def _catches_everything(kind: ast.expr) -> bool:
    if isinstance(kind, ast.Tuple):
        return any(_catches_everything(element) for element in kind.elts)
    return isinstance(kind, ast.Name) and kind.id in ("Exception", "BaseException")


def _does_nothing(line: ast.stmt) -> bool:
    if isinstance(line, ast.Return):
        return line.value is None or isinstance(line.value, ast.Constant)
    return isinstance(line, ast.Pass | ast.Continue) or (
        isinstance(line, ast.Expr) and isinstance(line.value, ast.Constant)
    )


def tests_are_not_silenced(source: Source) -> Iterator[Violation]:
    """A test runs or is deleted: no skip, no expected failure."""
    silencers = r"pytest\.(skip|xfail|importorskip|mark\.(skip|skipif|xfail))|unittest\.(skip.*|SkipTest)"
    if source.folder != "tests":
        return
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Attribute | ast.Name) and re.fullmatch(silencers, source.meaning(node)):
            yield Violation(
                source.path, node.lineno, f"{source.meaning(node)} hides a test; mend it or delete it"
            )


def sql_in_files(source: Source) -> Iterator[Violation]:
    """Statements over our tables live in .sql files; transactions, pragmas, SQLite's catalogue may be in place."""
    statement = r"(SELECT|INSERT|REPLACE|UPDATE|DELETE\s+FROM|CREATE|ALTER|DROP|WITH)\s+[\w*(`\"]"
    if source.folder not in PACKAGES or source.path.startswith("ecology/testing/"):
        return
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            text = node.value.strip()
            is_pattern = "\\" in text  # one that looks for SQL is none
            if re.match(statement, text) and not is_pattern and "sqlite_schema" not in text:
                yield Violation(source.path, node.lineno, f"move this SQL to a .sql file: {text[:40]}")


RULES: dict[str, Rule] = {
    rule.__name__: rule
    for rule in (
        short_functions,
        short_modules,
        modules_are_nouns,
        no_hidden_chance,
        drivers_confined,
        asserts_can_fail,
        errors_are_not_swallowed,
        tests_are_not_silenced,
        sql_in_files,
    )
}
