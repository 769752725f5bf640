"""Who may do what to an artifact, and at what price.

The artifact's contract is the only authority; the immediate caller is judged.

A contract is looked up by id: the built-in ones below need no code, `pay_per_use(N)` is one for each N, and an
executable artifact with a method `check` is one in code (`kernel.code.contract_code`). An id that names no contract
falls back to the world's default, so a deleted contract never locks anybody out.
"""

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Literal, Protocol

import msgspec

from ecology.artifacts.artifact import Artifact
from ecology.core.limits import MAX_AMOUNT

Access = Literal["read", "write", "delete", "invoke", "transfer"]

CHECK = "check"
"""The method that makes an executable artifact a contract."""


class Decision(msgspec.Struct, frozen=True):
    """What a contract says of one access.

    `price` is scrip that `payer` (None: the caller) pays to `recipient` (None: the artifact's owner). `resource_payer`
    bears the CPU of what is invoked (None: the agent whose turn it is). `state` is the JSON that the contract keeps
    about the artifact from then on, "" for nothing, None for what it has.
    """

    allowed: bool
    reason: str = ""
    price: int = 0
    payer: str | None = None
    recipient: str | None = None
    resource_payer: str | None = None
    state: str | None = None


class Contract(Protocol):
    """Judges one access by its immediate caller."""

    def check(self, caller: str, access: Access, artifact: Artifact) -> Decision:
        """Whether `caller` may; must not change anything."""


ALLOWED = Decision(True)


def _is_look(access: Access) -> bool:
    return access in ("read", "invoke")


class _Rule:
    """A built-in contract: one sentence and the predicate that means it."""

    def __init__(self, sentence: str, permits: Callable[[str, Access, Artifact], bool]) -> None:
        self._denied = Decision(False, sentence)
        self._permits = permits

    def check(self, caller: str, access: Access, artifact: Artifact) -> Decision:
        return ALLOWED if self._permits(caller, access, artifact) else self._denied


class _PayPerUse:
    """Whoever reads or invokes pays the owner."""

    def __init__(self, price: int) -> None:
        self._price = price
        self._denied = Decision(
            False,
            f"all may read and invoke it for {price} scrip, paid to its owner, who alone may change or hand it over",
        )

    def check(self, caller: str, access: Access, artifact: Artifact) -> Decision:
        if caller == artifact.owner:
            return ALLOWED
        return Decision(True, price=self._price) if _is_look(access) else self._denied


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

_PRICED = re.compile(r"pay_per_use\(([1-9][0-9]{0,18})\)", re.ASCII)
_PRICED_CHARACTERS = len("pay_per_use()") + 19


def pay_per_use(price: int) -> str:
    """The id of the contract under which each use costs `price` scrip (1 to 2^63-1)."""
    assert 1 <= price <= MAX_AMOUNT
    return f"pay_per_use({price})"


@lru_cache(maxsize=1024)
def _priced(contract_id: str) -> Contract | None:
    """The contract that an id in its one canonical form names."""
    form = _PRICED.fullmatch(contract_id)
    price = 0 if form is None else int(form[1])
    return _PayPerUse(price) if 1 <= price <= MAX_AMOUNT else None


def is_priced(contract_id: str) -> bool:
    """Whether this is a `pay_per_use`, under which nobody but the owner reads for nothing."""
    return len(contract_id) <= _PRICED_CHARACTERS and _priced(contract_id) is not None


def is_contract(interface: dict[str, object] | None) -> bool:
    """Whether an artifact with this interface can judge accesses."""
    methods = None if interface is None else interface.get("methods")
    return isinstance(methods, dict) and CHECK in methods


class ContractBook:
    """Resolves contract ids; `default` is the world's fallback and must be built in.

    `find` is how artifacts are found that may be contracts; a book of its own knows none.
    """

    def __init__(self, default: str) -> None:
        self.default = default
        self.find: Callable[[str], Artifact | None] = lambda name: None
        self._fallback = BUILT_IN[default]

    def exists(self, contract_id: str) -> bool:
        """Whether an artifact may be put under this contract."""
        return self._rule(contract_id) is not None or self._code(contract_id) is not None

    def resolve(self, contract_id: str) -> Contract | Artifact:
        """The built-in contract of that id, the artifact whose code it is, or the default if it dangles."""
        rule = BUILT_IN.get(contract_id)  # first of all: most artifacts are under one of these
        return rule or self._rule(contract_id) or self._code(contract_id) or self._fallback

    def _rule(self, contract_id: str) -> Contract | None:
        rule = BUILT_IN.get(contract_id)
        if rule is None and len(contract_id) <= _PRICED_CHARACTERS:
            return _priced(contract_id)
        return rule

    def _code(self, contract_id: str) -> Artifact | None:
        artifact = self.find(contract_id)
        if artifact is None or artifact.deleted or not is_contract(artifact.interface):
            return None
        return artifact
