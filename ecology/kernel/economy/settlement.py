"""What becomes of a winning bid once its score is there: other families share the price, the score is minted.

Everything happens in one deed: no commit falls between what is paid and what is issued for it.
"""

from ecology.core import ids
from ecology.core.limits import MAX_AMOUNT
from ecology.events.economy import BidClosed
from ecology.kernel.economy.bids import Bid
from ecology.kernel.economy.holds import post_hold, void_hold
from ecology.kernel.economy.scoring import Unscored, Verdict
from ecology.kernel.world import World
from ecology.resources.assets import SCRIP
from ledger import Status

BID, DIVIDEND, MINTED = "bid", "mint dividend", "mint"
"""Memos: of bids' holds and what is posted of them, of the shares in a price, of what is issued."""


def settle(world: World, bid: Bid, verdict: Verdict, now_ns: int) -> None:
    """A winner's score is there, or will never be: it pays and is paid, or its hold is voided."""
    assert bid.price is not None, "only what has won is settled"
    if world.docket.get(bid.id) is not None:
        world.docket.drop(bid.id)
    if isinstance(verdict, Unscored):
        if world.sketches.get(bid.id) is not None:
            world.sketches.drop(bid.id)  # or the work could never be submitted again
        close_unpaid(world, bid, "failed", verdict.why, now_ns)
        return
    bidder = world.principals[bid.bidder]
    family = world.family_of(bid.bidder)
    others = world.founders - (family in world.agents)
    price = bid.price if others else 0  # what nobody can be given is not taken
    if price:
        post_hold(world, None, now_ns, bidder, ids.MINT, SCRIP, price, bid.hold_id, BID)
        _share(world, family, price, others, now_ns)
    else:
        void_hold(world, None, now_ns, bidder, SCRIP, bid.hold_id)
    # An issuer's balance is as bounded as any other.
    minted = min(verdict.value // world.laws.mint.divisor, MAX_AMOUNT - world.supply(SCRIP))
    if minted:
        issuer = world.issuer(SCRIP)
        _transfer(world, issuer, bidder.accounts[SCRIP], ids.WORLD, bidder.id, minted, MINTED, now_ns)
    _close_bid(world, bid, "minted", verdict.detail, now_ns, price=price, score=verdict.value, minted=minted)


def _share(world: World, bidder: str, price: int, others: int, now_ns: int) -> None:
    """Share a price equally among the founders of all families but the bidder's; the remainder goes to the earliest.

    Not among all agents: children are cheap, and would bring their family the shares, its own price included.
    """
    mint = world.book.open_account(ids.MINT, SCRIP)
    share, odd = divmod(price, others)
    for agent in world.roster[: world.founders]:
        if agent.id == bidder:
            continue
        amount = share + (odd > 0)
        odd -= 1
        if not amount:
            return  # the price was less than there are families
        _transfer(world, mint, agent.accounts[SCRIP], ids.MINT, agent.id, amount, DIVIDEND, now_ns)


def _transfer(
    world: World, debit: int, credit: int, giver: str, receiver: str, amount: int, memo: str, now_ns: int
) -> None:
    transfer_id = world.next_system_transfer_id()
    status = world.book.transfer(transfer_id, debit, credit, amount, now_ns, memo)
    assert status is Status.CREATED, f"the mint cannot move what it has: {status}"
    world.announce_transfer(now_ns, None, None, transfer_id, SCRIP, giver, receiver, amount, memo)


def close_unpaid(world: World, bid: Bid, how: str, why: str, now_ns: int) -> None:
    """The end of a bid that pays nothing: `how` is lost or failed."""
    void_hold(world, None, now_ns, world.principals[bid.bidder], SCRIP, bid.hold_id)
    _close_bid(world, bid, how, why, now_ns)


def _close_bid(
    world: World,
    bid: Bid,
    how: str,
    detail: str,
    now_ns: int,
    *,
    price: int = 0,
    score: int = 0,
    minted: int = 0,
) -> None:
    world.bids.drop(bid.id)
    event = BidClosed(
        sequence=world.log.next_sequence,
        time_ns=now_ns,
        principal_id=None,
        turn_id=None,
        bid_id=bid.id,
        bidder_id=bid.bidder,
        artifact_id=bid.artifact,
        how=how,
        price=price,
        score=score,
        minted=minted,
        detail=detail,
    )
    world.announce(event, world.principals[bid.bidder])
