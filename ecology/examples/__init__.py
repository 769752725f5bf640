"""Worked examples of what agents can write: contracts and tools, each a program with its interface.

They are data, run by the sandbox and not by this interpreter; `docs/howto/contracts.md` explains them.
"""

import json
from importlib.resources import files

NAMES: tuple[str, ...] = (
    "paid_read",
    "subscription",
    "multi_signature",
    "transferable_ownership",
    "debt",
    "constitution",
    "bounty",
    "vending_machine",
    "membership",
    "median",
    "outliers",
)
"""The examples, in the order in which to read them; the last two are tools."""

_HERE = files(__name__)


def source(name: str) -> str:
    """The program of one of `NAMES`: the content of an executable artifact."""
    assert name in NAMES, f"there is no example {name!r}"
    return _HERE.joinpath(f"{name}.py.txt").read_text("utf-8")


def interface(name: str) -> dict[str, object]:
    """The interface of one of `NAMES`, as `write` takes it."""
    assert name in NAMES, f"there is no example {name!r}"
    found = json.loads(_HERE.joinpath(f"{name}.json").read_text("utf-8"))
    assert isinstance(found, dict)
    return found
