"""For remember and recall and every reason: actions that are refused for it in the scene."""

from ecology.core.limits import MAX_MEMORY_BYTES, MAX_QUERY_BYTES, MAX_RECALLED, MAX_TAGS
from ecology.kernel import refusals as why
from ecology.kernel.actions import Action, Recall, Remember
from tests.support.scene import HALF_A_PAIR, MINE

REFUSED_MEMORIES: dict[str, dict[str, list[Action]]] = {
    "remember": {
        why.ARGUMENT_INVALID: [
            Remember(""),
            Remember(" \n\t"),
            Remember(HALF_A_PAIR),
            Remember("x", ["two words"]),
            Remember("x", ["debts", ""]),
            Remember("x", [HALF_A_PAIR]),
        ],
        why.TOO_MANY: [Remember("x", ["debts"] * (MAX_TAGS + 1)), Remember("x", [""] * 100_000)],
        why.TOO_LARGE: [
            Remember("x" * (MAX_MEMORY_BYTES + 1)),
            Remember("é" * (MAX_MEMORY_BYTES // 2 + 1)),
            Remember("x" * MAX_MEMORY_BYTES, ["debts"]),
        ],
    },
    "recall": {
        why.ARGUMENT_INVALID: [
            Recall(""),
            Recall(" \n"),
            Recall(HALF_A_PAIR),
            *(Recall("x", limit) for limit in (0, -1, MAX_RECALLED + 1, 2**63)),
        ],
        why.TOO_LARGE: [Recall("x" * (MAX_QUERY_BYTES + 1)), Recall("é" * (MAX_QUERY_BYTES // 2 + 1))],
        why.UNKNOWN_PRINCIPAL: [
            *(Recall("x", of=name) for name in ("nobody", "", MINE, "world", HALF_A_PAIR, "x" * 5_000)),
        ],
    },
}
"""What ME is refused; that its disk is full another test sees to, for in the scene it has room for any memory."""

MEMORY_LADDERS: dict[str, list[tuple[str, Action]]] = {
    "remember": [
        (why.ARGUMENT_INVALID, Remember(" ", [""] * 9)),
        (why.TOO_MANY, Remember("x" * 5_000, [""] * 9)),
        (why.ARGUMENT_INVALID, Remember("x" * 5_000, [""])),
        (why.TOO_LARGE, Remember("x" * 5_000)),
        (why.ARGUMENT_INVALID, Remember(HALF_A_PAIR)),
    ],
    "recall": [
        (why.ARGUMENT_INVALID, Recall(" ", 0, "nobody")),
        (why.TOO_LARGE, Recall("x" * 1_001, 0, "nobody")),
        (why.ARGUMENT_INVALID, Recall("x", 0, "nobody")),
        (why.UNKNOWN_PRINCIPAL, Recall("x", 1, "nobody")),
    ],
}
"""As `LADDERS` in test_refusals."""
