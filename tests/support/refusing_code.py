"""The part of the table of refusals that is about code, and about what contracts ask for."""

from ecology.kernel import refusals as why
from ecology.kernel.actions import Action, Delete, Edit, Invoke, Read, Write
from tests.support.scene import (
    BLOB,
    DEAR_PAPER,
    DEAR_TOOL,
    GONE,
    HALF_A_PAIR,
    ME,
    MINE,
    PRIVATE_TOOL,
    PUBLIC,
    TOOL,
)

_BAD_LIMITS = (-1, -(2**70), 2**63, 2**70)
_BAD_ARGUMENTS: tuple[dict[str, object], ...] = (
    {"n": "1"},
    {"m": 1},
    {"n": 2**63},
    {"n": float("inf")},
    {HALF_A_PAIR: 1},
    {"n": HALF_A_PAIR},
    {"n": object()},
    {"n": "x" * 100_000},
)
_BAD_INTERFACES: tuple[dict[str, object], ...] = (
    {"methods": None},
    {"methods": {}},
    {"methods": {"a b": {}}},
    {"methods": {"run": {"args": {"type": "nothing"}}}},
    {"methods": {"run": {"args": {"$ref": "file:///etc/passwd"}}}},
    {"methods": {"run": {}}, "license": "mine"},
)

REFUSED_WITH_CODE: dict[str, dict[str, list[Action]]] = {
    "invoke": {
        why.NOT_FOUND: [Invoke("nothing"), Invoke(""), Invoke(HALF_A_PAIR)],
        why.DELETED: [Invoke(GONE)],
        why.NOT_EXECUTABLE: [Invoke(name) for name in (MINE, BLOB, ME, DEAR_PAPER)],
        why.ARGUMENT_INVALID: [
            *(Invoke(TOOL, args=args) for args in _BAD_ARGUMENTS),
            *(Invoke(TOOL, method) for method in ("walk", "", HALF_A_PAIR, "x" * 5_000, "run; import os")),
            *(Invoke(TOOL, max_price=limit) for limit in _BAD_LIMITS),
            *(Invoke(TOOL, allowance=limit) for limit in _BAD_LIMITS),
        ],
        why.NOT_PERMITTED: [Invoke(PRIVATE_TOOL), Invoke(PRIVATE_TOOL, max_price=5)],
        why.PRICE_ABOVE_LIMIT: [Invoke(DEAR_TOOL, max_price=limit) for limit in (0, 4_999)],
        why.INSUFFICIENT: [Invoke(DEAR_TOOL), Invoke(DEAR_TOOL, max_price=5_000, allowance=9_000)],
    },
}

REFUSED_ITS_PRICE: dict[str, dict[str, list[Action]]] = {
    "read": {
        why.ARGUMENT_INVALID: [Read(PUBLIC, max_price=limit) for limit in _BAD_LIMITS],
        why.PRICE_ABOVE_LIMIT: [Read(DEAR_PAPER, max_price=4_999)],
        why.INSUFFICIENT: [Read(DEAR_PAPER), Read(DEAR_PAPER, -1)],
    },
    "write": {
        why.ARGUMENT_INVALID: [
            *(Write(PUBLIC, "x", max_price=limit) for limit in _BAD_LIMITS),
            *(Write("new", "x", interface=interface) for interface in _BAD_INTERFACES),
        ],
    },
    "edit": {why.ARGUMENT_INVALID: [Edit(PUBLIC, "one", "x", max_price=limit) for limit in _BAD_LIMITS]},
    "delete": {why.ARGUMENT_INVALID: [Delete(PUBLIC, max_price=limit) for limit in _BAD_LIMITS]},
}
"""More rows of actions that the table has already."""

REFUSED_BY_CODE = {
    *(
        why.TOO_MANY,
        why.TOO_DEEP,
        why.CPU_EXHAUSTED,
        why.CONTRACT_FAILED,
        why.STATE_TOO_LARGE,
        why.DISK_QUOTA,
    ),
    *(why.NOT_DELEGATED, why.ALLOWANCE_SPENT),
    *(why.CODE_SYNTAX, why.CODE_NO_METHOD, why.CODE_RAISED, why.CODE_STEPS, why.CODE_TIME, why.CODE_MEMORY),
    *(why.CODE_RECURSION, why.CODE_OUTPUT, why.CODE_RESULT, why.CODE_CALLS, why.CODE_CRASHED),
}
"""What is refused when code has run, or inside it: see test_invocation*.py and test_contract_code.py."""
