"""Escrow and the contracts of what is for sale: they are asked again when it is sold, and may ask for a royalty."""

import pytest

from ecology.kernel.actions import Buy, List, Transfer, Write
from ecology.testing.laws import broken_laws
from ecology.testing.worlds import Stage
from tests.support.market import FREE, has, offer, owner

ME, OTHER, THIRD = "agent-0001", "agent-0002", "agent-0003"


@pytest.fixture
def stage() -> Stage:
    return Stage.of(3)


def test_a_contract_that_no_longer_lets_go_keeps_the_thing(stage: Stage) -> None:
    stage.do(ME, Write("saw", "cuts", contract=FREE))
    listing = offer(stage, ME, price=30, artifact="saw")
    artifact = stage.world.shelf.find("saw")
    assert artifact is not None
    artifact.contract = "private"
    assert stage.refused(OTHER, Buy(listing)) == "listing_stale"
    artifact.contract = FREE
    stage.do(OTHER, Buy(listing))


ROYALTY = """
def check(caller, action, target, context, state):
    if action == "transfer" and caller != target["created_by"]:
        return {"allowed": True, "scrip_cost": FEE, "recipient": target["created_by"], "state_update": {"sold": COUNT}}
    return caller == target["owner"] or action == "read"
"""
CONTRACT: dict[str, object] = {"methods": {"check": {"description": "x"}}}


def _under_royalties(stage: Stage, fee: int) -> None:
    """The saw, made by ME under a royalty and already sold to OTHER, who begins with 990 scrip."""
    stage.do(THIRD, Write("royalty", _royalty(fee), interface=CONTRACT))
    stage.do(ME, Write("saw", "cuts", contract="royalty"))
    stage.do(OTHER, Buy(offer(stage, ME, price=10, artifact="saw")))


def _royalty(fee: int, sold: int = 1) -> str:
    return ROYALTY.replace("FEE", str(fee)).replace("COUNT", str(sold))


def test_a_royalty_comes_out_of_the_price(stage: Stage) -> None:
    _under_royalties(stage, 8)
    stage.do(OTHER, Transfer(THIRD, 990))
    listing = offer(stage, OTHER, price=30, artifact="saw")
    assert has(stage, OTHER) == 0, "the seller could not pay it in advance"
    stage.do(THIRD, Buy(listing))
    assert [has(stage, who) for who in (ME, OTHER, THIRD)] == [1_010 + 8, 30 - 8, 1_990 - 30]
    artifact = stage.world.shelf.find("saw")
    assert artifact is not None
    assert (artifact.owner, artifact.contract_state) == (THIRD, '{"sold":1}')
    assert not broken_laws(stage.world)


def test_the_price_covers_the_royalty(stage: Stage) -> None:
    _under_royalties(stage, 8)
    assert stage.refused(OTHER, List(7, artifact="saw")) == "not_permitted"
    stage.do(THIRD, Buy(offer(stage, OTHER, price=8, artifact="saw")))
    assert has(stage, OTHER) == 990


def test_a_royalty_that_rises_after_the_listing_is_nobodys_to_pay(stage: Stage) -> None:
    _under_royalties(stage, 8)
    listing = offer(stage, OTHER, price=30, artifact="saw")
    stage.do(THIRD, Write("royalty", _royalty(9)))
    stage.events()
    before = [has(stage, who) for who in (ME, OTHER, THIRD)]
    assert stage.refused(THIRD, Buy(listing)) == "listing_stale"
    assert [has(stage, who) for who in (ME, OTHER, THIRD)] == before
    assert owner(stage, "saw") == OTHER
    stage.do(THIRD, Write("royalty", _royalty(7)))
    stage.do(THIRD, Buy(listing))
    assert has(stage, ME) == before[0] + 7


@pytest.mark.parametrize("answer", ["False", "5", "1 / 0", "while True: pass"])
def test_a_contract_in_code_that_does_not_let_go_keeps_the_thing(stage: Stage, answer: str) -> None:
    stage.do(
        ME,
        Write(
            "rule", "def check(caller, action, target, context, state):\n    return True", interface=CONTRACT
        ),
    )
    stage.do(ME, Write("saw", "cuts", contract="rule"))
    listing = offer(stage, ME, price=30, artifact="saw")
    bad = answer if answer.startswith("while") else f"return {answer}"
    stage.do(ME, Write("rule", f"def check(caller, action, target, context, state):\n    {bad}"))
    before = [has(stage, who) for who in (ME, OTHER)]
    assert stage.refused(OTHER, Buy(listing)) == "listing_stale"
    assert ([has(stage, who) for who in (ME, OTHER)], owner(stage, "saw")) == (before, ME)
    stage.do(ME, Write("rule", "def check(caller, action, target, context, state):\n    return True"))
    stage.do(OTHER, Buy(listing))


def test_a_contract_is_told_to_whom_and_for_how_much(stage: Stage) -> None:
    terms = 'context["to"] == "agent-0003" and context["price"] >= 20 and caller == "agent-0001"'
    rule = f"def check(caller, action, target, context, state):\n    return action != 'transfer' or {terms}"
    stage.do(ME, Write("rule", rule, interface=CONTRACT))
    stage.do(ME, Write("saw", "cuts", contract="rule"))
    for terms_of_sale in ({"price": 20}, {"price": 19, "buyer": THIRD}):
        assert stage.refused(ME, List(artifact="saw", **terms_of_sale)) == "not_permitted"
    listing = offer(stage, ME, price=20, artifact="saw", buyer=THIRD)
    stage.do(THIRD, Buy(listing))
