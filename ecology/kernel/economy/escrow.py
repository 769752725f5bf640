"""list and cancel: things and rights for sale or for rent, at a price, to the first who pays.

An artifact stays where it is while it is listed; of an asset the amount is held. A listing follows its artifact: as
soon as that is changed, handed over or deleted, nobody can buy it any more.
"""

import msgspec

from ecology.artifacts.artifact import AGENT_TYPE, Artifact
from ecology.core import ids
from ecology.core.clock import MILLISECOND_NS, SECOND_NS
from ecology.core.limits import MAX_AMOUNT, MAX_SLEEP_NS
from ecology.core.outcome import Committed, Outcome, Refused
from ecology.events.economy import ListingClosed, ListingOpened
from ecology.events.records import ArtifactDeleted, ArtifactUpdated, Event, OwnershipMoved, TransferPosted
from ecology.kernel import refusals
from ecology.kernel.access import decide
from ecology.kernel.actions import Cancel, List
from ecology.kernel.agent import Principal
from ecology.kernel.batch import Turn
from ecology.kernel.economy.holds import no_ids_left, open_hold, void_hold
from ecology.kernel.economy.listings import Listing
from ecology.kernel.finding import find
from ecology.kernel.terms import terms_of
from ecology.kernel.world import World
from ecology.resources.assets import ASSETS, DISK, SCRIP, UNITS

MAX_LISTINGS = 64
"""How many open listings a seller has at a time; as many stay known, stale ones included."""

MIN_RENT_MS = SECOND_NS // MILLISECOND_NS
MAX_RENT_MS = MAX_SLEEP_NS // MILLISECOND_NS

_PREFIX = "listing-"
_DIGITS = 18
_SOLD: tuple[str, ...] = tuple(asset for asset in ASSETS if asset != SCRIP)


def list_goods(world: World, turn: Turn, action: List) -> Outcome:
    """Offer an artifact or an amount of an asset."""
    if fault := _offer_fault(world, turn, action):
        return fault
    if action.artifact is not None:
        terms = _artifact_terms(world, turn, action, action.artifact)
    else:
        assert action.asset is not None
        terms = _asset_terms(world, turn, action, action.asset)
    if isinstance(terms, Refused):
        return terms
    return _make_room(world, turn.actor) or _open(world, turn, terms)


def _offer_fault(world: World, turn: Turn, action: List) -> Refused | None:
    """What is wrong with the offer whatever it is about."""
    if not 1 <= action.price <= MAX_AMOUNT:
        return Refused(refusals.AMOUNT_INVALID, "a price is a whole number from 1 to 2^63-1")
    if (action.artifact is None) is (action.asset is None):
        return Refused(refusals.ARGUMENT_INVALID, "what is offered is either an artifact or an asset")
    if action.asset == SCRIP:
        return Refused(refusals.ARGUMENT_INVALID, "scrip is what prices are paid in")
    if action.asset is not None and action.asset not in UNITS:
        return Refused(
            refusals.UNKNOWN_ASSET, f"no asset '{action.asset[:64]}'; there are {', '.join(_SOLD)}"
        )
    if action.artifact is not None and action.rent_ms:
        return Refused(refusals.NOT_RENTABLE, refusals.MEANING[refusals.NOT_RENTABLE])
    if action.rent_ms and not MIN_RENT_MS <= action.rent_ms <= MAX_RENT_MS:
        return Refused(
            refusals.ARGUMENT_INVALID, f"rent_ms is {MIN_RENT_MS} to {MAX_RENT_MS}, or 0 for a sale"
        )
    if action.asset is not None and not 1 <= action.amount <= MAX_AMOUNT:
        return Refused(refusals.AMOUNT_INVALID, refusals.MEANING[refusals.AMOUNT_INVALID])
    if action.buyer is not None:
        if action.buyer not in world.principals:
            return Refused(refusals.UNKNOWN_PRINCIPAL, f"nobody named '{action.buyer[:64]}' has standing")
        if action.buyer == turn.actor.id:
            return Refused(refusals.SELF_DEALING, "nobody buys from itself")
    return None


def _artifact_terms(world: World, turn: Turn, action: List, artifact_id: str) -> Listing | Refused:
    artifact = find(world, artifact_id)
    if isinstance(artifact, Refused):
        return artifact
    if artifact.type == AGENT_TYPE:
        return Refused(refusals.IS_PRINCIPAL, "an agent is nobody's to sell")
    if artifact.owner != turn.actor.id:
        return Refused(refusals.NOT_PERMITTED, "only its owner may sell it")
    if world.listings.of_artifact(artifact.id) is not None:
        return Refused(refusals.ALREADY_LISTED, refusals.MEANING[refusals.ALREADY_LISTED])
    fee = _fee(world, turn, artifact, action)
    if isinstance(fee, Refused):
        return fee
    return Listing(
        seller=turn.actor.id,
        price=action.price,
        artifact=artifact.id,
        artifact_type=artifact.type,
        revision=artifact.revision,
        fee=fee,
        buyer=action.buyer,
        listed_ns=turn.now_ns,
    )


def _fee(world: World, turn: Turn, artifact: Artifact, action: List) -> int | Refused:
    """What the artifact's contract asks of the seller when it changes hands; the price must cover it."""
    decision = decide(world, turn, "transfer", artifact, lambda: {"to": action.buyer, "price": action.price})
    if isinstance(decision, Refused):
        return decision
    terms = terms_of(world, turn, artifact, decision)
    if terms.price and terms.payer is not turn.actor:
        return Refused(refusals.NOT_PERMITTED, "its contract makes somebody else pay for its change of hands")
    if terms.price > action.price:
        return Refused(
            refusals.NOT_PERMITTED,
            f"its contract asks {terms.price} scrip of the seller, more than the price",
        )
    return terms.price


def _asset_terms(world: World, turn: Turn, action: List, asset: str) -> Listing | Refused:
    seller, amount = turn.actor, action.amount
    available = world.disposable(seller, asset)
    if amount > available:
        return Refused(
            refusals.INSUFFICIENT, f"{available} {UNITS[asset]} of {asset} available, {amount} wanted"
        )
    if asset == DISK and amount > (free := world.disk_free(seller, own=True)):
        return Refused(refusals.QUOTA_IN_USE, f"only {free} bytes of its own quota are free")
    if spent := no_ids_left(turn):
        return spent
    return Listing(
        seller=seller.id,
        price=action.price,
        asset=asset,
        amount=amount,
        rent_ms=action.rent_ms,
        buyer=action.buyer,
        listed_ns=turn.now_ns,
    )


def _make_room(world: World, seller: Principal) -> Refused | None:
    """Refused if the seller has all the listings it may have; the oldest that is stale makes room for another."""
    theirs = world.listings.of_seller(seller.id)
    if len(theirs) < MAX_LISTINGS:
        return None
    for listing in theirs:
        if listing.stale:
            world.listings.drop(listing.id)
            return None
    return Refused(refusals.TOO_MANY, f"at most {MAX_LISTINGS} open listings at a time")


def _open(world: World, turn: Turn, terms: Listing) -> Outcome:
    seller, office = turn.actor, world.offices.world
    world.offices.put(msgspec.structs.replace(office, listings=office.listings + 1))
    listing_id = f"{_PREFIX}{office.listings + 1}"
    hold_id = 0
    if terms.asset is not None:
        hold_id = open_hold(
            world, turn, turn.now_ns, seller, ids.ESCROW, terms.asset, terms.amount, listing_id
        )
    listing = msgspec.structs.replace(terms, id=listing_id, sequence=world.log.next_sequence, hold_id=hold_id)
    world.listings.put(listing)
    event = ListingOpened(
        sequence=listing.sequence,
        time_ns=turn.now_ns,
        principal_id=seller.id,
        turn_id=turn.id,
        listing_id=listing_id,
        price=listing.price,
        artifact_id=listing.artifact,
        revision=listing.revision,
        asset=listing.asset,
        amount=listing.amount,
        rent_ms=listing.rent_ms,
        buyer_id=listing.buyer,
    )
    world.announce(event, *([] if listing.buyer is None else [world.principals[listing.buyer]]))
    return Committed({"listing": listing_id, "goods": listing.goods, "price": listing.price})


def find_listing(world: World, listing_id: str) -> Listing | Refused:
    """The open listing of that name."""
    listing = world.listings.get(listing_id)
    if listing is None:
        digits = listing_id.removeprefix(_PREFIX)
        known = len(digits) <= _DIGITS and digits.isascii() and digits.isdigit() and digits[0] != "0"
        if listing_id != _PREFIX + digits or not known or int(digits) > world.offices.world.listings:
            return Refused(refusals.UNKNOWN_LISTING, f"no listing '{listing_id[:64]}'")
        return Refused(refusals.LISTING_CLOSED, refusals.MEANING[refusals.LISTING_CLOSED])
    return stale() if listing.stale else listing


def stale() -> Refused:
    """The refusal of a listing whose artifact is no longer what was listed."""
    return Refused(refusals.LISTING_STALE, refusals.MEANING[refusals.LISTING_STALE])


def cancel(world: World, turn: Turn, action: Cancel) -> Outcome:
    """Take an offer back, and what was held for it."""
    listing = find_listing(world, action.listing)
    if isinstance(listing, Refused):
        return listing
    if listing.seller != turn.actor.id:
        return Refused(refusals.NOT_PERMITTED, "only its seller withdraws a listing")
    if spent := no_ids_left(turn):
        return spent
    world.listings.drop(listing.id)
    if listing.asset is not None:
        void_hold(world, turn, turn.now_ns, turn.actor, listing.asset, listing.hold_id)
    world.log.append(_closed(world, listing, turn.now_ns, turn.actor.id, turn.id, "cancelled"))
    return Committed({"listing": listing.id})


def watch_artifacts(world: World) -> None:
    """Let each listing close when its artifact is no longer what was listed.

    What has standing is sold with what it has: it is another thing as soon as it parts with some of that.
    """

    def look(event: Event) -> None:
        assert isinstance(event, ArtifactUpdated | ArtifactDeleted | OwnershipMoved)
        close(event.artifact_id, event)

    def look_inside(event: Event) -> None:
        assert isinstance(event, TransferPosted | OwnershipMoved)
        close(event.from_id, event)

    def close(artifact_id: str, event: Event) -> None:
        listing = world.listings.of_artifact(artifact_id)
        if listing is None:
            return
        world.listings.put(msgspec.structs.replace(listing, stale=True))
        closed = _closed(world, listing, event.time_ns, event.principal_id, event.turn_id, "stale")
        theirs = listing.seller == event.principal_id
        world.announce(closed, *([] if theirs else [world.principals[listing.seller]]))

    world.log.listen((ArtifactUpdated, ArtifactDeleted, OwnershipMoved), look)
    world.log.listen((TransferPosted, OwnershipMoved), look_inside)


def _closed(
    world: World, listing: Listing, now_ns: int, principal: str | None, turn_id: str | None, reason: str
) -> ListingClosed:
    return ListingClosed(
        sequence=world.log.next_sequence,
        time_ns=now_ns,
        principal_id=principal,
        turn_id=turn_id,
        listing_id=listing.id,
        seller_id=listing.seller,
        reason=reason,
    )
