"""buy: price and goods move together, to the first who pays, or nothing moves."""

from ecology.artifacts.artifact import Artifact
from ecology.core.clock import MILLISECOND_NS
from ecology.core.outcome import Committed, Outcome, Refused
from ecology.events.economy import ListingSold
from ecology.kernel import exchange, refusals
from ecology.kernel.access import limit_fault, perform
from ecology.kernel.actions import Buy
from ecology.kernel.agent import Principal
from ecology.kernel.batch import Turn
from ecology.kernel.economy.escrow import find_listing, stale
from ecology.kernel.economy.holds import no_ids_left, void_hold
from ecology.kernel.economy.listings import Listing
from ecology.kernel.economy.renting import let
from ecology.kernel.finding import find
from ecology.kernel.world import SYSTEM_KEY, World
from ecology.resources.assets import SCRIP
from ledger import Status

_OF_THE_CONTRACT = frozenset(
    {refusals.NOT_PERMITTED, refusals.PRICE_ABOVE_LIMIT, refusals.CONTRACT_FAILED, refusals.STATE_TOO_LARGE}
)
"""For which reasons a contract no longer lets the seller part with a thing, or not on the terms of its listing."""


def buy(world: World, turn: Turn, action: Buy) -> Outcome:
    """Pay the price and have what was listed; of two who try the second finds the listing closed."""
    if fault := limit_fault(action.max_price):
        return fault
    listing = find_listing(world, action.listing)
    if isinstance(listing, Refused):
        return listing
    if fault := _buyer_fault(listing, turn.actor, action.max_price):
        return fault
    artifact = _as_listed(world, listing)
    if isinstance(artifact, Refused):
        return artifact
    if lacking := _lack(world, turn, listing, artifact):
        return lacking
    data: dict[str, object] = {"listing": listing.id, "price": listing.price}
    with world.scope() as scope:  # whoever is told of a part of the sale is told when all of it has happened
        if artifact is None:
            data |= _hand_over_asset(world, turn, listing)
        seller = world.principals[listing.seller]
        status = world.move(turn, turn.actor, seller, SCRIP, listing.price, listing.id)
        assert status is Status.CREATED, f"the ledger disagrees with its own balance: {status}"
        if artifact is not None:
            if denied := _hand_over_artifact(world, turn, listing, seller, artifact):
                scope.roll_back()
                return denied
            data["artifact"] = artifact.id
        _announce(world, turn, listing)
    if listing.rent_ms:
        world.wake(SYSTEM_KEY, world.rentals.first_end_ns() or turn.now_ns)
    return Committed(data)


def _buyer_fault(listing: Listing, buyer: Principal, max_price: int | None) -> Refused | None:
    if listing.seller == buyer.id:
        return Refused(refusals.SELF_DEALING, "nobody buys from itself")
    if listing.buyer is not None and listing.buyer != buyer.id:
        return Refused(refusals.NOT_THE_BUYER, f"the listing is for '{listing.buyer}' only")
    if max_price is not None and listing.price > max_price:
        return Refused(
            refusals.PRICE_ABOVE_LIMIT, f"the price is {listing.price} scrip, {max_price} was the limit"
        )
    return None


def _as_listed(world: World, listing: Listing) -> Artifact | Refused | None:
    """The artifact, if it is what was listed; None for an asset."""
    if listing.artifact is None:
        return None
    artifact = find(world, listing.artifact)
    if isinstance(artifact, Refused):
        return stale()
    same = artifact.revision == listing.revision and artifact.owner == listing.seller
    return artifact if same else stale()


def _lack(world: World, turn: Turn, listing: Listing, artifact: Artifact | None) -> Refused | None:
    """What the buyer has too little of. Who buys a thing agrees to bear its bytes."""
    buyer = turn.actor
    scrip = world.available(buyer, SCRIP)
    if scrip < listing.price:
        return Refused(refusals.INSUFFICIENT, f"{scrip} scrip available, the price is {listing.price}")
    free = world.disk_free(buyer, own=artifact is not None and artifact.permanent)
    if artifact is not None and artifact.bearer != buyer.id and artifact.size_bytes > free:
        return Refused(refusals.DISK_QUOTA, f"{artifact.size_bytes} bytes wanted, {free} free")
    return no_ids_left(turn)


def _hand_over_asset(world: World, turn: Turn, listing: Listing) -> dict[str, object]:
    assert listing.asset is not None
    seller = world.principals[listing.seller]
    data: dict[str, object] = {"asset": listing.asset, "amount": listing.amount}
    world.listings.drop(listing.id)
    void_hold(world, turn, turn.now_ns, seller, listing.asset, listing.hold_id)
    if listing.rent_ms:
        data["until_ms"] = let(world, turn, listing, seller, turn.actor).until_ns // MILLISECOND_NS
    else:
        status = world.move(turn, seller, turn.actor, listing.asset, listing.amount, listing.id)
        assert status is Status.CREATED, f"what was held for a sale is not there: {status}"
    return data


def _hand_over_artifact(
    world: World, turn: Turn, listing: Listing, seller: Principal, artifact: Artifact
) -> Refused | None:
    """Let the seller part with it as its contract has it: a fee of up to what it was at the listing is the seller's.

    The seller has the price by now, which covers the fee. The caller undoes what a refusal leaves half done.
    """
    buyer = turn.actor

    def deed() -> Outcome:
        turn.actor = buyer
        world.listings.drop(listing.id)
        moved = exchange.move_artifact(world, turn, artifact, buyer)
        turn.actor = seller
        return moved

    turn.actor = seller
    outcome = perform(
        world,
        turn,
        "transfer",
        artifact,
        deed,
        max_price=listing.fee,
        context=lambda: {"to": buyer.id, "price": listing.price},
    )
    turn.actor = buyer
    if isinstance(outcome, Committed):
        return None
    if outcome.reason in _OF_THE_CONTRACT:
        return Refused(refusals.LISTING_STALE, f"the seller can no longer part with it: {outcome.detail}")
    return outcome


def _announce(world: World, turn: Turn, listing: Listing) -> None:
    world.log.append(
        ListingSold(
            sequence=world.log.next_sequence,
            time_ns=turn.now_ns,
            principal_id=turn.actor.id,
            turn_id=turn.id,
            listing_id=listing.id,
            seller_id=listing.seller,
            price=listing.price,
            artifact_id=listing.artifact,
            artifact_type=listing.artifact_type,
            asset=listing.asset,
            amount=listing.amount,
            rent_ms=listing.rent_ms,
        )
    )
