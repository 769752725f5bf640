"""Attacks on the market: selling twice, selling what is not one's own, keeping what was rented, absurd prices."""

from collections import Counter

import pytest

from ecology.core.clock import SECOND_NS
from ecology.core.limits import MAX_AMOUNT
from ecology.core.outcome import Committed
from ecology.kernel import refusals as why
from ecology.kernel.actions import (
    Action,
    AgentConfig,
    Bid,
    Buy,
    Cancel,
    Configure,
    Delegate,
    Delete,
    Invoke,
    List,
    Query,
    Spawn,
    Transfer,
    Write,
)
from ecology.kernel.laws import Laws, MintLaw
from ecology.resources.assets import (
    ASSETS,
    CPU_CAPACITY,
    CPU_RATE,
    DISK,
    LLM_BUDGET,
    LLM_CAPACITY,
    LLM_RATE,
    MEMORY,
    SCRIP,
)
from ecology.testing.laws import broken_laws
from ecology.testing.worlds import GRANTS, Stage
from tests.support.market import FREE, has, offer, owner
from tests.support.tools import contract, make, state_of

SELLER, BUYER, THIRD = "agent-0001", "agent-0002", "agent-0003"
RIGHTS = tuple(asset for asset in ASSETS if asset != SCRIP)


@pytest.fixture
def stage() -> Stage:
    stage = Stage.of(3, laws=Laws(mint=MintLaw(slots=1)))
    stage.do(THIRD, Configure(accepts_from=["*"]))
    stage.do(SELLER, Write("gem", "precious", contract=FREE))
    return stage


def total(stage: Stage) -> Counter[str]:
    """What all have of each asset, holds included: a sum that nothing in this module changes."""
    sums: Counter[str] = Counter()
    for _, _, asset, issuer, balance, _ in stage.world.book.accounts():
        if not issuer:
            sums[asset] += balance
    return sums


@pytest.mark.parametrize(
    "meanwhile",
    [
        [Transfer(THIRD, artifact="gem")],
        [Delete("gem")],
        [Write("gem", "worthless")],
        [Write("gem", "precious")],
        [Write("gem", "worthless"), Write("gem", "precious")],
        [Write("gem", "precious", contract="private")],
    ],
)
def test_what_was_listed_is_what_is_sold_or_nothing_is(stage: Stage, meanwhile: list[Action]) -> None:
    listing = offer(stage, SELLER, price=100, artifact="gem")
    for action in meanwhile:
        stage.do(SELLER, action)
    before = state_of(stage.world, stage.now_ns)
    assert stage.refused(BUYER, Buy(listing)) == why.LISTING_STALE
    assert state_of(stage.world, stage.now_ns) == before
    assert stage.refused(SELLER, Cancel(listing)) == why.LISTING_STALE


def test_a_thing_is_not_sold_and_submitted_at_once(stage: Stage) -> None:
    """Whoever bids for the score of what it sells loses the bid, not the money; the buyer may submit it anew."""
    stage.do(SELLER, Bid("gem", 300))
    listing = offer(stage, SELLER, price=100, artifact="gem")
    stage.do(BUYER, Buy(listing))
    assert stage.refused(BUYER, Bid("gem", 1)) == why.ALREADY_BID
    supply = stage.world.supply(SCRIP)
    stage.pass_time(60 * SECOND_NS)
    assert (has(stage, SELLER), has(stage, BUYER), stage.world.supply(SCRIP)) == (1_100, 900, supply)
    stage.do(BUYER, Bid("gem", 1))
    assert broken_laws(stage.world) == []


@pytest.mark.parametrize("what", ["SCRIP", "a right", "a thing"])
def test_an_account_is_not_emptied_between_listing_and_sale(stage: Stage, what: str) -> None:
    """An account is sold with what it has; code that hands that out does not change its revision."""
    stage.do(SELLER, Configure(accepts_from=["*"]))
    call = {"SCRIP": "owner, 500", "a right": "owner, 900, 'disk'", "a thing": "owner, artifact='inside'"}[
        what
    ]
    code = f"def run():\n    transfer({call})\ndef fill():\n    write('inside', 'x', contract='{FREE}')\n"
    make(stage, "box", code, "run", "fill", who=SELLER, standing=True, contract=FREE)
    stage.do(SELLER, Transfer("box", 500))
    stage.do(SELLER, Transfer("box", 1_000, DISK))
    stage.do(SELLER, Invoke("box", "fill"))
    listing = offer(stage, SELLER, price=400, artifact="box")
    stage.do(THIRD, Transfer("box", 1))
    stage.do(SELLER, Invoke("box"))
    assert stage.refused(BUYER, Buy(listing)) == why.LISTING_STALE
    stage.do(BUYER, Buy(offer(stage, SELLER, price=400, artifact="box")))
    assert broken_laws(stage.world) == []


@pytest.mark.parametrize("asset", RIGHTS)
def test_a_right_that_is_for_sale_is_nobodys_to_give_twice(stage: Stage, asset: str) -> None:
    all_of_it = has(stage, SELLER, asset) - (stage.agent(SELLER).disk_used if asset == DISK else 0)
    sums = total(stage)
    listing = offer(stage, SELLER, price=1, asset=asset, amount=all_of_it)
    too_much = {why.INSUFFICIENT, why.QUOTA_IN_USE}
    assert stage.refused(SELLER, List(1, asset=asset, amount=1)) in too_much
    assert stage.refused(SELLER, Transfer(THIRD, 1, asset)) in too_much
    child = Spawn("child", AgentConfig("maker"), {DISK: 100} | {asset: 100})
    assert stage.refused(SELLER, child) in too_much
    stage.do(BUYER, Buy(listing))
    for who in (SELLER, BUYER, THIRD):
        assert stage.refused(who, Buy(listing)) == why.LISTING_CLOSED
        assert stage.refused(who, Cancel(listing)) == why.LISTING_CLOSED
    assert total(stage) == sums
    assert broken_laws(stage.world) == []


@pytest.mark.parametrize("asset", RIGHTS)
def test_what_is_rented_comes_back_whatever_the_tenant_tries(stage: Stage, asset: str) -> None:
    lent, sums = 1_000, total(stage)
    listing = offer(stage, SELLER, price=1, asset=asset, amount=lent, rent_ms=5_000)
    stage.do(BUYER, Buy(listing))
    stage.do(
        BUYER, Transfer(THIRD, GRANTS[asset] - (stage.agent(BUYER).disk_used if asset == DISK else 0), asset)
    )
    for rent_ms in (0, 1_000):
        outcome = stage.act(BUYER, List(1, asset=asset, amount=1, rent_ms=rent_ms))
        assert not isinstance(outcome, Committed), "it is not sublet"
    assert stage.refused(BUYER, Transfer(THIRD, 1, asset)) in {why.INSUFFICIENT, why.QUOTA_IN_USE}
    stage.pass_time(5 * SECOND_NS)
    assert has(stage, SELLER, asset) == GRANTS[asset]
    assert total(stage) == sums
    assert broken_laws(stage.world) == []


def test_a_ring_of_rents_that_end_at_once_ends(stage: Stage) -> None:
    """Each lets all it has free of everything to the next; what comes back first is what the other gave."""
    sums, ring = total(stage), (SELLER, BUYER, THIRD)
    for round_ in range(2):
        for asset in (CPU_RATE, CPU_CAPACITY, LLM_RATE, LLM_CAPACITY, MEMORY, LLM_BUDGET, DISK):
            listings = []
            for who in ring:
                most = has(stage, who, asset) - (stage.agent(who).disk_used if asset == DISK else 0)
                listings.append(
                    offer(stage, who, price=1 + round_, asset=asset, amount=most // 2, rent_ms=2_000)
                )
            for listing, who in zip(listings, (*ring[1:], ring[0]), strict=True):
                stage.do(who, Buy(listing))
    for who in ring:
        name = f"all-of-{who}"
        stage.do(who, Write(name, "x" * (stage.world.disk_free(stage.agent(who)) - len(name + "text"))))
    assert broken_laws(stage.world) == []
    stage.pass_time(2 * SECOND_NS)
    assert total(stage) == sums
    assert not len(stage.world.rentals)
    assert {has(stage, who, asset) for who in ring for asset in RIGHTS} == {GRANTS[it] for it in RIGHTS}
    assert broken_laws(stage.world) == []


def test_storage_is_not_kept_after_the_rent(stage: Stage) -> None:
    """Neither in what is deleted nor in what is not: accounts need disk of one's own, which then is not given away."""
    offered = offer(stage, SELLER, price=1, asset=DISK, amount=40_000, rent_ms=1_000)
    stage.do(BUYER, Buy(offered))
    assert stage.refused(BUYER, Write("vault", "x" * 60_000, standing=True)) == why.DISK_QUOTA
    stage.do(BUYER, Write("vault", "x" * 49_000, standing=True))
    assert stage.refused(BUYER, Transfer(THIRD, 45_000, DISK)) == why.QUOTA_IN_USE
    assert stage.refused(BUYER, List(1, asset=DISK, amount=45_000)) == why.QUOTA_IN_USE
    stage.do(BUYER, Write("loot", "x" * 40_000))
    stage.pass_time(SECOND_NS)
    assert stage.world.disk_free(stage.agent(BUYER)) >= 0
    loot = stage.world.shelf.find("loot")
    assert loot is not None and loot.deleted
    assert broken_laws(stage.world) == []


@pytest.mark.parametrize("price", [0, -1, 2**63, 10**30])
def test_a_price_is_a_price(stage: Stage, price: int) -> None:
    assert stage.refused(SELLER, List(price, artifact="gem")) == why.AMOUNT_INVALID
    assert stage.refused(SELLER, List(price, asset=DISK, amount=1)) == why.AMOUNT_INVALID
    assert stage.refused(SELLER, List(1, asset=DISK, amount=price)) == why.AMOUNT_INVALID
    assert stage.refused(SELLER, Bid("gem", price)) == why.AMOUNT_INVALID
    assert stage.refused(SELLER, Delegate("gem", price, 1, 1_000)) in {why.AMOUNT_INVALID}


def test_the_largest_amounts_and_the_smallest_unit_prices_are_paged_through() -> None:
    """Unit prices that round to 0 and that exceed 64 bits stand beside each other; a cursor finds its way."""
    stage = Stage.of(2, {**GRANTS, LLM_BUDGET: 2**61, SCRIP: 2**61})
    for n in range(4):
        offer(stage, SELLER, price=1, asset=LLM_BUDGET, amount=2**50 + n)
        offer(stage, SELLER, price=MAX_AMOUNT, asset=LLM_BUDGET, amount=1)
        offer(stage, SELLER, price=MAX_AMOUNT, asset=LLM_BUDGET, amount=1, rent_ms=1_000)
    seen: list[object] = []
    args: dict[str, str | int] = {"goods": LLM_BUDGET, "limit": 1}
    while True:
        page = stage.do(BUYER, Query("listings", args))
        listings = page["listings"]
        assert isinstance(listings, list)
        seen += [it["id"] for it in listings]
        if "after" not in page:
            break
        args["after"] = str(page["after"])
    assert len(seen) == len(set(map(str, seen))) == 8
    assert stage.refused(BUYER, Buy(str(seen[-1]))) == why.INSUFFICIENT
    stage.do(BUYER, Buy(str(seen[0])))
    assert broken_laws(stage.world) == []


def test_a_contract_that_turns_on_its_listing_takes_nothing(stage: Stage) -> None:
    """It says yes when the thing is listed; by the sale its author has it ask for more, of others, or for nothing."""
    contract(stage, "return True", "law")
    stage.do(SELLER, Write("ware", "x", contract="law"))
    listing = offer(stage, SELLER, price=100, artifact="ware")
    body = "def check(caller, action, target, context, state):\n    return {}\n"
    for answer in (
        "{'allowed': True, 'scrip_cost': 50, 'recipient': 'agent-0002'}",
        "{'allowed': True, 'scrip_cost': 1, 'payer': 'agent-0003'}",
        "{'allowed': False}",
        "1 // 0",
        "{'allowed': True, 'state_update': 'x' * 5000}",
    ):
        stage.do("agent-0002", Write("law", body.format(answer), type="tool"))
        before = state_of(stage.world, stage.now_ns)
        outcome = stage.act(THIRD, Buy(listing))
        assert not isinstance(outcome, Committed), answer
        assert state_of(stage.world, stage.now_ns) == before
    assert owner(stage, "ware") == SELLER
