"""Each built-in contract, each access, each kind of caller: one table."""

from typing import get_args

import pytest

from ecology.artifacts.artifact import Artifact
from ecology.kernel.contracts import BUILT_IN, Access, ContractBook

THING = Artifact(
    id="thing",
    created_sequence=1,
    type="text",
    format="text",
    created_by="creator",
    owner="owner",
    bearer="owner",
    contract="",
    title="",
    depends_on=(),
    metadata={},
    interface=None,
    revision=1,
    size_bytes=0,
    created_ns=0,
    updated_ns=0,
)

# Who may, by contract: read, write, delete, invoke, transfer. c creator, o owner, s stranger, t the thing itself.
PERMITTED: dict[str, tuple[str, str, str, str, str]] = {
    "freeware": ("cost", "c", "c", "cost", ""),
    "private": ("o", "o", "o", "o", ""),
    "public": ("cost", "cost", "cost", "cost", ""),
    "self_owned": ("t", "t", "t", "t", ""),
    "transferable_freeware": ("cost", "o", "o", "cost", "o"),
}
CALLERS = {"c": "creator", "o": "owner", "s": "stranger", "t": "thing"}
ACCESSES: tuple[Access, ...] = get_args(Access)


def under(contract: str) -> Artifact:
    thing = Artifact(**{name: getattr(THING, name) for name in THING.__struct_fields__})
    thing.contract = contract
    return thing


def test_the_table_is_about_all_of_them() -> None:
    assert set(PERMITTED) == set(BUILT_IN)
    assert ACCESSES == ("read", "write", "delete", "invoke", "transfer")


@pytest.mark.parametrize("caller", CALLERS)
@pytest.mark.parametrize("access", ACCESSES)
@pytest.mark.parametrize("contract", PERMITTED)
def test_who_may(contract: str, access: Access, caller: str) -> None:
    expected = caller in PERMITTED[contract][ACCESSES.index(access)]
    decision = ContractBook("private").check(CALLERS[caller], access, under(contract))
    assert decision.allowed is expected
    assert bool(decision.reason) is not expected, "a refusal says what the contract is, in a sentence"


@pytest.mark.parametrize("default", PERMITTED)
@pytest.mark.parametrize("contract", ["", "gone", "Freeware", "my-own-contract"])
def test_a_contract_that_dangles_falls_back_to_the_worlds(contract: str, default: str) -> None:
    book = ContractBook(default)
    assert not book.exists(contract)
    for access in ACCESSES:
        for caller in CALLERS.values():
            assert book.check(caller, access, under(contract)) == book.check(caller, access, under(default))


def test_the_worlds_default_must_be_one_of_them() -> None:
    with pytest.raises(KeyError):
        ContractBook("nothing")
    assert ContractBook("public").default == "public"
