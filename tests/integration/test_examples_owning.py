"""Contracts about what changes hands: royalties and debts."""

import pytest

from ecology.kernel import refusals as why
from ecology.kernel.actions import Action, Buy, Configure, Delete, Edit, Invoke, List, Transfer, Write
from tests.support.gallery import ANN, BEN, CAT, DAN, Gallery, gallery

SECOND_NS = 1_000_000_000


def sell(stage: Gallery, seller: str, artifact: str, price: int, buyer: str) -> None:
    """A sale through escrow, to whoever is named."""
    listing = stage.do(seller, List(price=price, artifact=artifact, buyer=buyer))["listing"]
    assert isinstance(listing, str)
    stage.do(buyer, Buy(listing))


# -- transferable_ownership


def poem(stage: Gallery) -> None:
    """Ann's poem, which everybody accepts from everybody."""
    stage.publish(ANN, "transferable_ownership")
    stage.do(ANN, Write("poem", "So much depends", contract="transferable_ownership"))
    for name in (ANN, BEN, CAT):
        stage.do(name, Configure(accepts_from=["*"]))


def test_whoever_hands_it_on_owes_the_author_a_royalty() -> None:
    with gallery() as stage:
        poem(stage)
        stage.do(ANN, Transfer(to=BEN, artifact="poem"))
        assert (stage.scrip(ANN), stage.scrip(BEN)) == (1_000, 1_000)
        stage.do(BEN, Transfer(to=CAT, artifact="poem"))
        assert (stage.scrip(ANN), stage.scrip(BEN), stage.scrip(CAT)) == (1_010, 990, 1_000)
        stage.do(CAT, Write("poem", "upon"))
        assert stage.refused(ANN, Edit("poem", "upon", "mine")) == why.NOT_PERMITTED


def test_nobody_hands_on_what_is_not_his_or_without_the_royalty() -> None:
    with gallery() as stage:
        poem(stage)
        assert stage.refused(BEN, Transfer(to=CAT, artifact="poem")) == why.NOT_PERMITTED
        stage.do(ANN, Transfer(to=BEN, artifact="poem"))
        stage.give(BEN, CAT, 991)
        assert stage.refused(BEN, Transfer(to=CAT, artifact="poem")) == why.INSUFFICIENT
        stage.do(CAT, Configure(accepts_from=[]))
        stage.give(CAT, BEN, 991)
        assert stage.refused(BEN, Transfer(to=CAT, artifact="poem")) == why.NOT_ACCEPTED
        assert (stage.scrip(ANN), stage.scrip(BEN)) == (1_000, 1_000)


def test_the_seller_pays_the_author_a_share_of_the_price() -> None:
    with gallery() as stage:
        poem(stage)
        stage.do(ANN, Transfer(to=BEN, artifact="poem"))
        assert stage.refused(BEN, List(price=9, artifact="poem")) == why.NOT_PERMITTED
        sell(stage, BEN, "poem", 300, CAT)
        assert (stage.scrip(ANN), stage.scrip(BEN), stage.scrip(CAT)) == (1_030, 1_270, 700)


def test_the_author_sells_for_the_whole_price() -> None:
    with gallery() as stage:
        poem(stage)
        sell(stage, ANN, "poem", 300, CAT)
        assert (stage.scrip(ANN), stage.scrip(CAT)) == (1_300, 700)


# -- debt


def lend(stage: Gallery, price: int = 90) -> None:
    """Ann owes 100, and Ben, who gave her the price, is the creditor."""
    stage.publish(ANN, "debt", "debt", type="debt")
    sell(stage, ANN, "debt", price, BEN)


def terms(stage: Gallery) -> dict[str, object]:
    result = stage.do(DAN, Invoke("debt", "terms"))["result"]
    assert isinstance(result, dict)
    return result


def repay(amount: int, max_price: int | None = None) -> Invoke:
    return Invoke("debt", "repay", {"amount": amount}, max_price=max_price)


def test_a_loan_is_the_sale_of_a_claim() -> None:
    with gallery() as stage:
        lend(stage)
        assert (stage.scrip(ANN), stage.scrip(BEN)) == (1_090, 910)
        assert terms(stage) == {
            "debtor": ANN,
            "creditor": BEN,
            "outstanding": 100,
            "due_ms": 3_600_000,
            "overdue": False,
            "binding": True,
        }
        stage.do(ANN, repay(60))
        assert (stage.scrip(ANN), stage.scrip(BEN), terms(stage)["outstanding"]) == (1_030, 970, 40)


def test_whoever_owns_the_claim_now_is_paid() -> None:
    with gallery() as stage:
        lend(stage)
        sell(stage, BEN, "debt", 80, CAT)
        stage.do(ANN, repay(100))
        assert (stage.scrip(ANN), stage.scrip(BEN), stage.scrip(CAT)) == (990, 990, 1_020)
        assert terms(stage)["outstanding"] == 0


def test_anybody_may_repay_but_no_more_than_is_owed() -> None:
    with gallery() as stage:
        lend(stage)
        stage.do(CAT, repay(30))
        assert stage.refused(ANN, repay(71)) == why.NOT_PERMITTED
        assert stage.refused(ANN, repay(0)) == why.ARGUMENT_INVALID
        assert stage.refused(ANN, repay(-5)) == why.ARGUMENT_INVALID
        assert stage.refused(ANN, repay(70, max_price=69)) == why.PRICE_ABOVE_LIMIT
        stage.do(ANN, repay(70))
        assert stage.refused(ANN, repay(1)) == why.NOT_PERMITTED


def test_what_the_debtor_does_not_have_stays_owed_and_is_seen_to_be_overdue() -> None:
    with gallery() as stage:
        lend(stage)
        stage.give(ANN, DAN, 1_060)
        assert stage.refused(ANN, repay(100)) == why.INSUFFICIENT
        stage.do(ANN, repay(30))
        stage.pass_time(3_600 * SECOND_NS)
        assert terms(stage)["overdue"] is False
        stage.pass_time(1_000_000)
        assert (terms(stage)["overdue"], terms(stage)["outstanding"], stage.scrip(ANN)) == (True, 70, 0)
        stage.do(CAT, repay(70))
        assert terms(stage)["overdue"] is False


def test_a_claim_that_its_debtor_can_change_is_seen_not_to_be_binding() -> None:
    with gallery() as stage:
        stage.publish(ANN, "debt", "transferable_freeware", type="debt")
        assert terms(stage)["binding"] is False


def test_nobody_makes_a_claim_worthless_before_it_is_sold() -> None:
    """The debtor before the loan, and the creditor before he sells on: both would pay themselves nothing."""
    with gallery() as stage:
        stage.publish(ANN, "debt", "debt", type="debt")
        assert stage.refused(ANN, repay(100)) == why.NOT_PERMITTED
        assert stage.refused(CAT, repay(1)) == why.NOT_PERMITTED
    with gallery() as stage:
        lend(stage)
        assert stage.refused(BEN, repay(100)) == why.NOT_PERMITTED


def test_an_offer_above_what_is_still_owed_is_void() -> None:
    with gallery() as stage:
        lend(stage)
        listing = stage.do(BEN, List(price=95, artifact="debt"))["listing"]
        assert isinstance(listing, str)
        stage.do(ANN, repay(50))
        assert stage.refused(CAT, Buy(listing)) == why.LISTING_STALE
        assert stage.scrip(CAT) == 1_000


@pytest.mark.parametrize(
    "deed", [Write("debt", "nothing"), Edit("debt", "AMOUNT = 100", "AMOUNT = 1"), Delete("debt")]
)
@pytest.mark.parametrize("name", [ANN, BEN, CAT])
def test_nobody_changes_a_claim(name: str, deed: Action) -> None:
    with gallery() as stage:
        lend(stage)
        assert stage.refused(name, deed) == why.NOT_PERMITTED


def test_only_the_creditor_sells_or_gives_a_claim() -> None:
    with gallery() as stage:
        lend(stage)
        stage.do(CAT, Configure(accepts_from=["*"]))
        assert stage.refused(ANN, List(price=1, artifact="debt")) == why.NOT_PERMITTED
        assert stage.refused(ANN, Transfer(to=CAT, artifact="debt")) == why.NOT_PERMITTED
        stage.do(BEN, Transfer(to=CAT, artifact="debt"))
        assert terms(stage)["creditor"] == CAT
