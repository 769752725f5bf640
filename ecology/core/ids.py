"""Names of things. One namespace holds artifacts, agents and accounts; the first writer of an id keeps it."""

import re

from ecology.core.limits import MAX_ID_BYTES

# Path-safe and shell-safe on purpose: ids become file names in the archive and words in reports.
_ID = re.compile(rf"[a-z0-9][a-z0-9_.-]{{0,{MAX_ID_BYTES - 1}}}")

WORLD = "world"
"""The issuer of every asset. Reserved: no artifact may take a reserved id."""

SPENT = "spent"
"""Where depleted stock (budget) goes; never comes back."""

ESCROW = "escrow"
"""In whose favour a seller's asset is held while it is for sale; nothing is ever credited to it."""

MINT = "mint"
"""In whose favour bids are held, and where a price lies between being paid and being shared."""

RESERVED = frozenset({WORLD, SPENT, ESCROW, MINT, "system", "observer"})

_TURN_BITS = 32
_STEP_BITS = 8
MAX_STEPS = 1 << _STEP_BITS


def is_id(text: str) -> bool:
    """Whether `text` may name a new thing: 1-64 of `a-z 0-9 _ . -`, starting with a letter or digit, not reserved."""
    return _ID.fullmatch(text) is not None and text not in RESERVED


def agent_id(ordinal: int) -> str:
    """The id of the agent created as number `ordinal` (from 1) at genesis."""
    return f"agent-{ordinal:04d}"


def turn_id(principal: str, turn: int) -> str:
    """The id of a principal's turn, unique in a run."""
    return f"{principal}#{turn}"


def transfer_id(ordinal: int, turn: int, step: int) -> int:
    """The ledger's id of the `step`-th transfer of a turn: 23 bits of agent, 32 of turn, 8 of step.

    Built from position, not drawn: a turn that is played again makes the same ids, which is what makes a transfer
    idempotent across a crash. Ordinal 0 is the world itself.
    """
    assert 0 <= step < MAX_STEPS and 0 <= turn < 1 << _TURN_BITS and 0 <= ordinal < 1 << 23
    return (ordinal << (_TURN_BITS + _STEP_BITS)) | (turn << _STEP_BITS) | step
