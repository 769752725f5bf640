"""Each built-in contract, each access, each kind of caller: one table."""

from typing import get_args

import pytest

from ecology.artifacts.artifact import Artifact
from ecology.kernel.contracts import BUILT_IN, Access, ContractBook, Decision, is_contract, pay_per_use

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
    "pay_per_use(7)": ("cost", "o", "o", "cost", "o"),
}
CALLERS = {"c": "creator", "o": "owner", "s": "stranger", "t": "thing"}
ACCESSES: tuple[Access, ...] = get_args(Access)


def decision(book: ContractBook, caller: str, access: Access, thing: Artifact) -> Decision:
    """What a contract that is not code says."""
    contract = book.resolve(thing.contract)
    assert not isinstance(contract, Artifact)
    return contract.check(caller, access, thing)


def under(contract: str) -> Artifact:
    thing = Artifact(**{name: getattr(THING, name) for name in THING.__struct_fields__})
    thing.contract = contract
    return thing


def test_the_table_is_about_all_of_them() -> None:
    assert set(PERMITTED) == {*BUILT_IN, pay_per_use(7)}
    assert ACCESSES == ("read", "write", "delete", "invoke", "transfer")


@pytest.mark.parametrize("caller", CALLERS)
@pytest.mark.parametrize("access", ACCESSES)
@pytest.mark.parametrize("contract", PERMITTED)
def test_who_may(contract: str, access: Access, caller: str) -> None:
    expected = caller in PERMITTED[contract][ACCESSES.index(access)]
    said = decision(ContractBook("private"), CALLERS[caller], access, under(contract))
    assert said.allowed is expected
    assert bool(said.reason) is not expected, "a refusal says what the contract is, in a sentence"


@pytest.mark.parametrize("default", BUILT_IN)
@pytest.mark.parametrize("contract", ["", "gone", "Freeware", "my-own-contract", "pay_per_use(0)"])
def test_a_contract_that_dangles_falls_back_to_the_worlds(contract: str, default: str) -> None:
    book = ContractBook(default)
    assert not book.exists(contract)
    for access in ACCESSES:
        for caller in CALLERS.values():
            assert book.resolve(contract) is book.resolve(default)
            assert decision(book, caller, access, under(contract)) == decision(
                book, caller, access, under(default)
            )


@pytest.mark.parametrize("caller", CALLERS.values())
@pytest.mark.parametrize("access", ACCESSES)
def test_looking_costs_everybody_but_the_owner(access: Access, caller: str) -> None:
    said = decision(ContractBook("private"), caller, access, under(pay_per_use(7)))
    expected = 7 if access in ("read", "invoke") and caller != "owner" else 0
    assert said.price == expected
    assert (said.payer, said.recipient, said.resource_payer, said.state) == (None, None, None, None)


@pytest.mark.parametrize("price", [1, 10, 9_223_372_036_854_775_807])
def test_each_price_is_a_contract_of_its_own(price: int) -> None:
    book = ContractBook("private")
    assert book.exists(pay_per_use(price))
    assert decision(book, "stranger", "read", under(pay_per_use(price))).price == price


@pytest.mark.parametrize(
    "number",
    [
        "",
        "0",
        "-1",
        "+1",
        "01",
        "1.0",
        "1e3",
        "1_0",
        " 1",
        "1 ",
        "1\n",
        "9223372036854775808",
        "x",
        "１",
        "9" * 99,
    ],
)
def test_a_price_has_one_form(number: str) -> None:
    book = ContractBook("private")
    for contract in (f"pay_per_use({number})", f"pay_per_use({number}", f" pay_per_use({number})"):
        assert not book.exists(contract)
    assert not book.exists(f"PAY_PER_USE({number or 1})")


@pytest.mark.parametrize(
    ("interface", "expected"),
    [
        (None, False),
        ({}, False),
        ({"methods": {"run": {}}}, False),
        ({"methods": {"check": {}}}, True),
        ({"methods": {"run": {}, "check": {"args": {"type": "object"}}}}, True),
        ({"check": {}}, False),
    ],
)
def test_a_method_named_check_makes_a_contract(interface: dict[str, object] | None, expected: bool) -> None:
    assert is_contract(interface) is expected
    thing = under("freeware")
    thing.interface = interface
    book = ContractBook("private")
    book.find = {"thing": thing}.get
    assert book.exists("thing") is expected
    assert (book.resolve("thing") is thing) is expected
    thing.deleted = True
    assert not book.exists("thing")
    assert book.resolve("thing") is BUILT_IN["private"]


def test_the_worlds_default_must_be_one_of_them() -> None:
    with pytest.raises(KeyError):
        ContractBook("nothing")
    assert ContractBook("public").default == "public"
