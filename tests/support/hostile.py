"""Actions of attackers who try every value in every field: mostly what gets them past the first checks, else extremes.

What they write is code, contracts and interfaces of the same kind: each calls what it can, with whatever it can make.
"""

from collections.abc import Callable, Sequence

import msgspec

from ecology.core.seeds import Draw
from ecology.events.registry import TYPE_OF
from ecology.kernel.actions import ACTION_TYPES, NAME_OF, Action, Buy, Delete, Invoke, List, Query, Write
from ecology.kernel.inquiry import QUERY_NAMES
from ecology.resources.assets import ASSETS
from ecology.testing.worlds import STRATEGIES

WHO = ("agent-0001", "agent-0002", "agent-0003")
THINGS = ("a", "b", "tool", "rule", "account", "thing", "self-governed")
SAY_YES = "def check(caller, action, target, context, state):\n    return True\n"
CHARGES = """
def check(caller, action, target, context, state):
    return {'allowed': True, 'scrip_cost': 3, 'payer': 'agent-0002', 'resource_payer': 'agent-0003',
            'recipient': target['owner'], 'state_update': [state, action]}
"""
"""A contract that makes one of the attackers pay, another bear the CPU, and remembers more each time."""

_NUMBERS = (0, 1, -1, 2, 1000, 2**31, 2**53, 2**62, 2**63 - 1, 2**63, -(2**63), -(2**63) - 1, 2**64, 10**300)
_TEXTS = (
    *("", "..", "../x", "x" * 64, "x" * 65, "x" * 3_000, "A", "é", "\0", "\n", "\ud800", "٣", "' OR 1=1 --"),
    *("world", "escrow", "mint", "spent", "self_owned", "private", "pay_per_use(0)", "agent-0001#0/sleep"),
    *("listing-", "listing-0", "listing-01", "listing-" + "9" * 20, "a/b/c", "1.2", "9" * 79 + ".1"),
)
_RUBBISH = ("", "x", "def run(", "def check():\n    return 1\n", "{}", "\ud800", "[1," * 70, "x" * 20_000)
_ANSWERS = (
    *("None", "1", "{}", "{'allowed': 1}", "{'allowed': True, 'scrip_cost': True}", "{1: True}", "check"),
    *("{'allowed': True, 'scrip_cost': 2**63 - 1}", "{'allowed': True, 'scrip_cost': -1}", "1 // 0"),
    *("{'allowed': True, 'state_update': 'x' * 4_090}", "{'allowed': True, 'payer': []}", "float('nan')"),
    *("{'allowed': True, 'recipient': 'escrow'}", "{'allowed': True, 'x': 1}", "read(target['id'])"),
    *("{'allowed': True, 'resource_payer': 'account'}", "query('mint')", "{'allowed': False, 'reason': 1}"),
)
_VALUES = (
    *(
        "None",
        "True",
        "-1",
        "2**63 - 1",
        "-2**63",
        "2**63",
        "10**30",
        "1.5",
        "float('inf')",
        "''",
        "'x' * 70000",
    ),
    *("chr(0)", "chr(0xd800)", "[]", "[[[]]]", "{'a': 1}", "{1: 2}", "{1, 2}", "b'x'", "len", "lambda: 0"),
    *(
        "caller",
        "self_id",
        "owner",
        "'disk'",
        "'agent-0002'",
        "'pay_per_use(3)'",
        "5",
        "range(3)",
        "['a'] * 17",
    ),
    *("{'methods': {'check': {}}}", "'self-governed'", "'account'", "'rule'", "'tool'", "'thing'"),
)
_DOORS: dict[str, tuple[str, ...]] = {
    "read": ("artifact", "offset", "max_price"),
    "write": (
        "artifact",
        "content",
        "type",
        "format",
        "contract",
        "interface",
        "metadata",
        "standing",
        "action",
    ),
    "invoke": ("artifact", "method", "args", "max_price", "allowance"),
    "transfer": ("to", "amount", "asset", "memo", "artifact"),
    "query": ("name", "args"),
    "now": ("when",),
    "random": (),
    "log": ("text",),
}
_USUAL_CALLS = (
    *("read('thing')", "write('b', 'x')", "write(self_id, 'def run(**k):\\n    return 1\\n')", "log('x')"),
    *(
        "write('c', 'x', contract='public')",
        "invoke('tool')",
        "invoke('a', allowance=50)",
        "transfer(owner, 5)",
    ),
    *(
        "invoke('account', max_price=9)",
        "transfer('account', 2)",
        "query('self')",
        "query('mint')",
        "random()",
    ),
)
_SCHEMAS: tuple[object, ...] = (
    *(
        True,
        {},
        {"minLength": 2**63},
        {"minLength": 1e308},
        {"multipleOf": 0},
        {"pattern": "(a+)+$"},
        {"enum": []},
    ),
    *({"pattern": "a{1,1000000}"}, {"required": "x"}, {"$ref": "#"}, {"not": {}}, {"type": "string"}, []),
    {"properties": {"what": {"multipleOf": 1e-320}}, "additionalProperties": False},
)
_USUAL: dict[str, Sequence[object]] = {
    "artifact": THINGS,
    "to": (*WHO, "account", "child"),
    "charger": ("rule", "self-governed", "tool", "account"),
    "listing": tuple(f"listing-{n}" for n in range(1, 10)),
    "buyer": (None, None, *WHO),
    "agent": ("child", "second-child"),
    "asset": ASSETS,
    "contract": (None, "public", "transferable_freeware", "pay_per_use(3)", "rule", "self-governed"),
    "max_price": (None, None, 0, 5, 100),
    "amount": (1, 2, 5, 50),
    "price": (1, 2, 20),
    "rent_ms": (0, 0, 1_000, 5_000),
    "offset": (0, 0, 1),
    "allowance": (0, 5, 100),
    "max_per_call": (1, 5, 50_000),
    "max_per_window": (50_000, 500_000),
    "window_ms": (1_000, 5_000),
    "duration_ms": (1, 100),
    "event_type": tuple(TYPE_OF.values()),
    "endowment": ({"disk": 400}, {"disk": 400} | {asset: 1 for asset in ASSETS if asset != "disk"}),
    "config": ({"strategy": STRATEGIES[0], "accepts_from": ["*"]},),
    "strategy": STRATEGIES,
    "accepts_from": (["*"], []),
    "op": ("ge", "le", "eq", "in"),
    "field": ("scrip", "inbox", "amount", "seller_id", "winners"),
    "format": ("text", "text", "json"),
    "type": ("tool", "text", "agent"),
    "method": ("run", "run", "check"),
    "args": ({}, {}, {"what": None}),
    "interface": (None, {"methods": {"run": {}, "check": {}}}, {"methods": {"run": {}}}),
    "depends_on": ([], ["thing"]),
    "metadata": (None, {"colour": "red"}),
    "standing": (False, False, True),
    "old": ("x", "1"),
    "text": ("hello",),
    "memo": ("",),
    "title": ("red saw",),
}


_KINDS: tuple[type[msgspec.Struct], ...] = (*ACTION_TYPES, Write, Write, Invoke, Invoke, Invoke, List, Buy)


class Attacker:
    """Draws actions; what the decoder would not let through is left out."""

    def __init__(self, draw: Draw) -> None:
        self._draw = draw

    def action(self) -> Action | None:
        """An action, or None for what is none."""
        kind = self._draw.choice(_KINDS)
        if kind is Delete and self._draw.chance(80):
            return None
        said: dict[str, object] = {"action": NAME_OF[kind]}
        if kind is Query:
            said |= {"name": self._draw.choice(QUERY_NAMES), "args": self._asked()}
        else:
            said |= self._said(kind)
        if kind is List and self._draw.chance(90):
            said.pop(self._draw.choice(("artifact", "asset")), None)
        try:
            action: Action = msgspec.convert(said, Action)
        except (msgspec.ValidationError, UnicodeEncodeError):
            return None
        return action

    def _said(self, kind: type[msgspec.Struct]) -> dict[str, object]:
        return {
            field.name: self._value(field.name, str(field.type))
            for field in msgspec.structs.fields(kind)
            if field.required or self._draw.chance(60)
        }

    def _value(self, name: str, kind: str) -> object:
        draw = self._draw
        if name == "content":
            return self.content()
        if name in _USUAL and draw.chance(88):
            return draw.choice(_USUAL[name])
        if name in ("event", "until", "where"):
            one = {
                "field": self._value("field", "str"),
                "op": self._value("op", "str"),
                "value": self._scalar(),
            }
            event = {"event_type": self._value("event_type", "str"), "where": [one] * draw.below(3)}
            return {"event": event, "until": one, "where": [one] * draw.below(10)}[name]
        if name == "interface":
            schemas = {"args": draw.choice(_SCHEMAS), "returns": draw.choice(_SCHEMAS)}
            return draw.choice(({"methods": {"run": schemas}}, {"methods": []}, {"deep": [[[1e308]]] * 9}))
        if "dict" in kind:
            return draw.choice(({}, {"a": self._scalar()}, {"\ud800": 1}, {"k" * 100: "é" * 3_000}))
        if "list" in kind:
            return [draw.choice(_TEXTS) for _ in range(draw.below(20))]
        return draw.choice(_NUMBERS) if "int" in kind else draw.choice((*_TEXTS, *THINGS))

    def _scalar(self) -> object:
        return self._draw.choice((None, True, *_NUMBERS, *_TEXTS))

    def _asked(self) -> dict[str, object]:
        names = ("id", "type", "owner", "words", "before", "limit", "after", "goods", "seller")
        return {self._draw.choice(names): self._scalar() for _ in range(self._draw.below(3))}

    def content(self) -> str:
        """Code that calls what it can, a contract that answers anything, or rubbish."""
        kinds: tuple[Callable[[], str], ...] = (self._program, self._program, self._contract, self._rubbish)
        return self._draw.choice(kinds)()

    def _rubbish(self) -> str:
        return self._draw.choice(_RUBBISH)

    def _contract(self) -> str:
        answer = self._draw.choice(_ANSWERS)
        return SAY_YES.replace("True", answer) + "def run(**k):\n    return invoke('tool')\n"

    def _program(self) -> str:
        draw = self._draw
        lines = ["def run(**k):", "    out = []"]
        for _ in range(1 + draw.below(4)):
            call = draw.choice(_USUAL_CALLS) if draw.chance(55) else self._call()
            lines += ["    try:", f"        out.append({call})", "    except Exception as no:"]
            lines += ["        out.append(str(no))"]
        lines.append(
            f"    return {draw.choice(('out', 'out', 'len(out)', '1 // 0', '10**30', 'out * 99999'))}"
        )
        return "\n".join([*lines, SAY_YES])

    def _call(self) -> str:
        draw = self._draw
        door = draw.choice(tuple(_DOORS))
        given = [f"{name}={draw.choice(_VALUES)}" for name in _DOORS[door] if draw.chance(60)]
        first = [draw.choice(_VALUES)] if draw.chance(20) else []
        return f"{door}({', '.join([*first, *given])})"
