"""Who may do what to an artifact. The artifact's contract is the only authority; the immediate caller is judged.

A contract is looked up by id: the built-in ones below need no code. An id that names no contract falls back to the
world's default, so a deleted contract never locks anybody out.
"""

from collections.abc import Callable
from typing import Literal, Protocol

import msgspec

from ecology.artifacts.artifact import Artifact

Access = Literal["read", "write", "delete", "invoke", "transfer"]


class Decision(msgspec.Struct, frozen=True):
    """What a contract says of one access."""

    allowed: bool
    reason: str = ""


class Contract(Protocol):
    """Judges one access by its immediate caller."""

    def check(self, caller: str, access: Access, artifact: Artifact) -> Decision:
        """Whether `caller` may; must not change anything."""


ALLOWED = Decision(True)


class _Rule:
    """A built-in contract: one sentence and the predicate that means it."""

    def __init__(self, sentence: str, permits: Callable[[str, Access, Artifact], bool]) -> None:
        self._denied = Decision(False, sentence)
        self._permits = permits

    def check(self, caller: str, access: Access, artifact: Artifact) -> Decision:
        return ALLOWED if self._permits(caller, access, artifact) else self._denied


def _is_look(access: Access) -> bool:
    return access in ("read", "invoke")


BUILT_IN: dict[str, Contract] = {
    "freeware": _Rule(
        "all may read and invoke, only the creator may change it",
        lambda caller, access, it: _is_look(access) or (caller == it.created_by and access != "transfer"),
    ),
    "private": _Rule(
        "only its owner may touch it",
        lambda caller, access, it: caller == it.owner and access != "transfer",
    ),
    "public": _Rule(
        "all may read and change it, nobody may take it",
        lambda caller, access, it: access != "transfer",
    ),
    "self_owned": _Rule(
        "it belongs to itself: nobody else may touch it",
        lambda caller, access, it: caller == it.id and access != "transfer",
    ),
    "transferable_freeware": _Rule(
        "all may read and invoke, only its present owner may change or hand it over",
        lambda caller, access, it: _is_look(access) or caller == it.owner,
    ),
}


class ContractBook:
    """Resolves contract ids; `default` is the world's fallback and must be built in."""

    def __init__(self, default: str) -> None:
        self.default = default
        self._fallback = BUILT_IN[default]

    def exists(self, contract_id: str) -> bool:
        """Whether an artifact may be put under this contract."""
        return contract_id in BUILT_IN

    def check(self, caller: str, access: Access, artifact: Artifact) -> Decision:
        """The decision of the artifact's contract, or of the default if that one dangles."""
        return BUILT_IN.get(artifact.contract, self._fallback).check(caller, access, artifact)
