"""Every rule catches what it is for, and lets its honest neighbour pass."""

import pytest

from tests.architecture.rules import LONGEST_FUNCTION_LINES, LONGEST_MODULE_LINES, RULES
from tests.architecture.source import Source

BROKEN: list[tuple[str, str, str]] = [
    ("short_functions", "ecology/a.py", "def f():\n" + "    x = 1\n" * LONGEST_FUNCTION_LINES),
    (
        "short_functions",
        "tests/a.py",
        "class A:\n  async def f(self):\n" + "    x = 1\n" * LONGEST_FUNCTION_LINES,
    ),
    ("short_modules", "ledger/a.py", "x = 1\n" * (LONGEST_MODULE_LINES + 1)),
    ("modules_are_nouns", "ecology/kernel/utils.py", ""),
    ("modules_are_nouns", "ledger/helpers/a.py", ""),
    ("no_hidden_chance", "ecology/engine/a.py", "import time\nt = time.time()"),
    ("no_hidden_chance", "ecology/engine/a.py", "import time as clock\nread = clock.monotonic_ns"),
    ("no_hidden_chance", "ledger/a.py", "from time import perf_counter as now\nt = now()"),
    ("no_hidden_chance", "ecology/a.py", "from datetime import datetime\nt = datetime.now()"),
    ("no_hidden_chance", "ecology/a.py", "import datetime as dt\nt = dt.datetime.utcnow()"),
    ("no_hidden_chance", "ecology/a.py", "import datetime\nt = datetime.date.today()"),
    ("no_hidden_chance", "ecology/a.py", "import random\nx = random.choice([1])"),
    ("no_hidden_chance", "ecology/a.py", "from random import Random\nx = Random()"),
    ("no_hidden_chance", "ecology/a.py", "import numpy as np\nx = np.random.rand()"),
    ("no_hidden_chance", "ecology/a.py", "from numpy.random import default_rng\nx = default_rng()"),
    ("no_hidden_chance", "calibrate/a.py", "from uuid import uuid4\nx = uuid4()"),
    ("no_hidden_chance", "ecology/a.py", "import os\nx = os.urandom(8)"),
    ("no_hidden_chance", "ecology/a.py", "import secrets\nx = secrets.token_hex()"),
    ("no_hidden_chance", "ecology/a.py", "x = hash('a') % 8"),
    ("drivers_confined", "ecology/kernel/a.py", "import apsw"),
    ("drivers_confined", "ecology/kernel/a.py", "from apsw.ext import dbinfo"),
    ("drivers_confined", "ecology/engine/a.py", "from openai import AsyncOpenAI"),
    ("drivers_confined", "ecology/observe/report.py", "def f():\n    import subprocess"),
    ("drivers_confined", "ledger/sqlite.py", "import sqlite3"),
    ("asserts_can_fail", "tests/a.py", "assert True"),
    ("asserts_can_fail", "tests/a.py", "assert (x > 1, 'message')"),
    ("asserts_can_fail", "tests/a.py", "assert x.y == x.y"),
    ("asserts_can_fail", "tests/a.py", "assert x or 'always'"),
    ("errors_are_not_swallowed", "ecology/a.py", "try:\n    f()\nexcept:\n    raise"),
    ("errors_are_not_swallowed", "ecology/a.py", "try:\n    f()\nexcept Exception:\n    pass"),
    ("errors_are_not_swallowed", "tests/a.py", "try:\n    f()\nexcept (OSError, BaseException):\n    ..."),
    (
        "errors_are_not_swallowed",
        "ledger/a.py",
        "def g():\n  try:\n    f()\n  except Exception:\n    return None",
    ),
    (
        "errors_are_not_swallowed",
        "ledger/a.py",
        "from contextlib import suppress\nwith suppress(Exception):\n  f()",
    ),
    ("tests_are_not_silenced", "tests/a.py", "import pytest\n@pytest.mark.skip\ndef test_a(): ..."),
    ("tests_are_not_silenced", "tests/a.py", "import pytest\n@pytest.mark.skipif(True)\ndef test_a(): ..."),
    ("tests_are_not_silenced", "tests/a.py", "from pytest import importorskip as need\nneed('apsw')"),
    ("sql_in_files", "ecology/store/a.py", "connection.execute('SELECT id FROM events')"),
    ("sql_in_files", "ledger/a.py", "q = '''\n  INSERT INTO accounts VALUES (?)'''"),
]

SOUND: list[tuple[str, str, str]] = [
    ("short_functions", "ecology/a.py", "def f():\n" + "    x = 1\n" * (LONGEST_FUNCTION_LINES - 1)),
    ("short_modules", "ledger/a.py", "x = 1\n" * LONGEST_MODULE_LINES),
    ("modules_are_nouns", "ecology/kernel/utility.py", ""),
    ("no_hidden_chance", "ecology/core/clock.py", "import time\nt = time.time()"),
    ("no_hidden_chance", "scripts/bench.py", "import time\nt = time.perf_counter()"),
    ("no_hidden_chance", "ecology/a.py", "import random\nx = random.Random(7).random()"),
    ("no_hidden_chance", "ecology/a.py", "import numpy as np\nx = np.random.default_rng(7)"),
    ("no_hidden_chance", "ecology/a.py", "def f(time):\n    return time.time() + event.time_ns"),
    ("no_hidden_chance", "ecology/a.py", "import time\ntime.sleep(1)"),
    ("drivers_confined", "ecology/store/sqlite.py", "import apsw"),
    ("drivers_confined", "tests/a.py", "import apsw, sqlite3"),
    ("drivers_confined", "ecology/kernel/a.py", "from ecology.store import apsw"),
    ("asserts_can_fail", "tests/a.py", "assert x == y and f() == f()"),
    ("errors_are_not_swallowed", "ecology/a.py", "try:\n    f()\nexcept OSError:\n    pass"),
    ("errors_are_not_swallowed", "ecology/a.py", "try:\n    f()\nexcept Exception as e:\n    log(e)"),
    (
        "tests_are_not_silenced",
        "tests/a.py",
        "import pytest\n@pytest.mark.parametrize('a', [1])\ndef test_a(a): ...",
    ),
    ("sql_in_files", "ledger/a.py", "connection.execute('BEGIN IMMEDIATE')\n'select one of them'"),
    ("sql_in_files", "ledger/a.py", r"re.findall(r'CREATE TABLE (\w+)', schema)"),
    ("sql_in_files", "ledger/a.py", "connection.execute('SELECT count(*) FROM sqlite_schema')"),
]


@pytest.mark.parametrize(("rule", "path", "text"), BROKEN)
def test_catches(rule: str, path: str, text: str) -> None:
    assert [violation.path for violation in RULES[rule](Source(path, text))] == [path]


@pytest.mark.parametrize(("rule", "path", "text"), SOUND)
def test_lets_pass(rule: str, path: str, text: str) -> None:
    assert list(RULES[rule](Source(path, text))) == []


def test_every_rule_is_shown_to_work() -> None:
    assert {rule for rule, _, _ in BROKEN} == {rule for rule, _, _ in SOUND} == set(RULES)
