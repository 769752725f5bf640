"""One thing that was looked at: how it is, and how to mend it."""

from typing import Literal

import msgspec

State = Literal["ok", "warning", "failed"]


class Finding(msgspec.Struct, frozen=True):
    """`check` names what was looked at, for machines; `remedy` is empty if there is nothing to mend or to better."""

    check: str
    state: State
    what: str
    remedy: str = ""


def ok(check: str, what: str, remedy: str = "") -> Finding:
    """It is as it should be."""
    return Finding(check, "ok", what, remedy)


def warning(check: str, what: str, remedy: str) -> Finding:
    """It works, but something will be worse for it."""
    return Finding(check, "warning", what, remedy)


def failed(check: str, what: str, remedy: str) -> Finding:
    """It does not work."""
    return Finding(check, "failed", what, remedy)
