"""Small programs that agents of tests write: useful ones, dishonest ones, broken ones, and contracts of each kind.

All methods take the same arguments: `a` and `b` are names of anything, `n` is a number.
"""

from textwrap import dedent

ARGUMENTS = {
    "type": "object",
    "properties": {"a": {"type": "string"}, "b": {"type": "string"}, "n": {"type": "integer"}},
    "additionalProperties": False,
}


def interface(*methods: str) -> dict[str, object]:
    """What publishes these methods; a contract's `check` is nobody's to call with arguments of one's own."""
    return {"methods": {name: {} if name == "check" else {"args": ARGUMENTS} for name in methods}}


def _run(body: str) -> str:
    lines = dedent(body).strip().splitlines()
    return "\n".join(["def run(a='', b='', n=0):", *(f"    {line}" for line in lines), ""])


def _check(body: str) -> str:
    lines = dedent(body).strip().splitlines()
    return "\n".join(
        ["def check(caller, action, target, context, state):", *(f"    {line}" for line in lines), ""]
    )


_DEEDS = """
for deed in [lambda: transfer(a, 1), lambda: write(b, 'spoilt'), lambda: write(a, 'spoilt'), lambda: log('x')]:
    try:
        deed()
    except RuntimeError:
        pass
"""

TOOLS: dict[str, str] = {
    "adds": _run("return n + 1"),
    "reads": _run("return read(a, max_price=20)['revision']"),
    "writes": _run("return write(a, 'x' * (n % 400), title='red saw')"),
    "writes under a contract": _run("return write(a, str(n), contract=b, type='tool')"),
    "pays": _run("return transfer(a, n % 7 + 1, memo='from code')"),
    "gives a right": _run("return transfer(a, n % 50 + 1, 'llm_rate')"),
    "gives disk": _run("return transfer(a, n % 300 + 1, 'disk')"),
    "hands over": _run("return transfer(a, artifact=b)"),
    "asks": _run(
        "return [query('world'), query('artifacts', {'limit': 3}), query('listings', {'limit': 2})]"
    ),
    "calls": _run("return invoke(a, 'run', {'a': b, 'n': n}, max_price=20)"),
    "calls with money": _run("return invoke(a, 'run', {'a': b, 'n': n}, max_price=20, allowance=n % 30)"),
    "says": _run("log(a)\nreturn [now(), random()]"),
    "logs and pays": _run("log('paying ' + a)\ntransfer(a, 1)\ntransfer(b, 1)\nreturn 'done'"),
    # Those that go wrong, each after it has done something, if it could.
    "pays and raises": _run(_DEEDS + "raise ValueError(a)"),
    "writes and loops": _run(_DEEDS + "while True:\n    n += 1"),
    "pays and recurses": _run(_DEEDS + "def down(n):\n    return down(n + 1)\nreturn down(0)"),
    "floods": _run(_DEEDS + "for i in range(200):\n    print('x' * 40)"),
    "returns no JSON": _run(_DEEDS + "return run"),
    "asks too often": _run(_DEEDS + "for i in range(60):\n    now()\nreturn n"),
    "names nobody": _run("write(a, 'x')\nreturn transfer('nobody', 1)"),
    "is not Python": "def run(a='', b='', n=0) return 1",
    "has no method": "def walk():\n    return 1\n",
    # Those that go on after something went wrong.
    "tries": _run(
        """
        done = []
        for name in [a, b]:
            try:
                done.append(invoke(name, 'run', {'a': b, 'b': a, 'n': n}, max_price=9, allowance=5))
            except RuntimeError as refused:
                done.append(str(refused))
            try:
                transfer(name, 1)
            except RuntimeError as refused:
                done.append(str(refused))
        return done
        """
    ),
    "tries everything": _run(
        """
        done = 0
        for deed in [lambda: write(a, 'taken'), lambda: transfer(b, artifact=a), lambda: read(b, max_price=5)['title'],
                     lambda: transfer(b, 10 ** 18), lambda: write(caller, '{}'), lambda: invoke(self_id)]:
            try:
                deed()
                done += 1
            except BaseException:
                pass
        return done
        """
    ),
    # Those that work on what they are made of.
    "rewrites itself": _run('write(self_id, \'def run(a="", b="", n=0):\\n    return 7\\n\')\nreturn n'),
    "changes its contract": _run("write(self_id, 'x', contract='pay_per_use(2)')\nreturn n"),
    "calls itself": _run("return invoke(self_id, 'run', {'a': a, 'n': n + 1}, max_price=5)"),
    "calls itself, then pays": _run(
        """
        try:
            invoke(self_id, 'run', {'a': a, 'n': n + 1}, max_price=5)
        except RuntimeError:
            pass
        transfer(a, 1)
        return n
        """
    ),
    "spends its caller's money": _run(
        """
        left = 40
        while left:
            try:
                transfer(a, left)
                return left
            except RuntimeError:
                left //= 2
        return 0
        """
    ),
    "mutates": _run("a = a + 'x'\nn += 5\nreturn [a, b, n]"),
}
"""Executables by what they do."""

CONTRACTS: dict[str, str] = {
    "allows": _check("return True"),
    "denies": _check("return False"),
    "owner only": _check("return caller == target['owner']"),
    "asks for scrip": _check("return {'allowed': True, 'scrip_cost': 3}"),
    "asks for much": _check("return {'allowed': True, 'scrip_cost': 10 ** 6}"),
    "counts": _check(
        "return {'allowed': True, 'state_update': (state or 0) + 1, 'scrip_cost': (state or 0) % 4}"
    ),
    "lists": _check("return {'allowed': True, 'state_update': (state or []) + [caller, action]}"),
    "remembers too much": _check("return {'allowed': True, 'state_update': 'x' * 5000}"),
    "forgets": _check("return {'allowed': True, 'state_update': None}"),
    "has its maker pay": _check(
        "return {'allowed': True, 'scrip_cost': 2, 'payer': target['created_by'], 'recipient': caller}"
    ),
    "has its maker bear": _check(
        """
        return {'allowed': True, 'scrip_cost': 1, 'payer': target['created_by'],
                'resource_payer': target['created_by'], 'state_update': {'last': caller}}
        """
    ),
    "names nobody": _check("return {'allowed': True, 'payer': 'nobody', 'scrip_cost': 1}"),
    "answers nonsense": _check("return {'allowed': 'perhaps', 'price': -1}"),
    "raises": _check("raise ValueError(caller)"),
    "loops": _check("while True:\n    state = state"),
    "looks": _check("return read(target['id'])['revision'] % 2 == 1"),
    "looks at the caller": _check("return query('principal', {'id': caller})['scrip'] >= 0"),
}
"""Contracts by what they do. Some are executable as well, so that they may govern themselves."""

SOURCES: dict[str, tuple[str, dict[str, object]]] = {
    **{name: (source, interface("run")) for name, source in TOOLS.items()},
    **{f"contract: {name}": (source, interface("check")) for name, source in CONTRACTS.items()},
    **{
        f"self-governing: {name}": (CONTRACTS[name] + TOOLS["pays"], interface("check", "run"))
        for name in ("asks for scrip", "counts", "has its maker bear")
    },
}
"""Every program: its source and its interface."""
