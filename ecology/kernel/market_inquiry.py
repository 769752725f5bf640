"""What a query tells of the market: what is for sale or for rent, and who may charge the one who asks."""

from collections.abc import Callable, Sequence

from ecology.core.clock import MILLISECOND_NS
from ecology.core.limits import MAX_AMOUNT
from ecology.core.outcome import Committed, Outcome, Refused
from ecology.kernel import refusals
from ecology.kernel.arguments import Arguments, limit, text
from ecology.kernel.batch import Turn
from ecology.kernel.economy.delegation import spent_in_window
from ecology.kernel.economy.escrow import find_listing
from ecology.kernel.economy.listings import Listing, Place
from ecology.kernel.world import World

_MAX_CURSOR = 80


def _listings(world: World, turn: Turn, args: Arguments) -> Outcome:
    """Of one kind of goods, the cheapest first; of one seller, the oldest first; or the cheapest of each kind."""
    goods, seller, after = text(args, "goods"), text(args, "seller"), text(args, "after")
    if seller is not None:
        return _of_seller(world, seller, goods, limit(args), after)
    if goods is None:
        cheapest, further = world.listings.kinds(after, limit(args))
        return _page(world, cheapest, further)
    place: Place | None = None
    if after is not None:
        place = _place(after)
        if place is None:
            return Refused(refusals.ARGUMENT_INVALID, "'after' is the cursor of a page of these goods")
    found, end = world.listings.page(goods, place, limit(args))
    return _page(world, found, None if end is None else f"{end[0]}.{end[1]}")


def _of_seller(world: World, seller: str, goods: str | None, most: int, after: str | None) -> Outcome:
    theirs = [
        it
        for it in world.listings.of_seller(seller)
        if not it.stale and (goods is None or it.goods == goods) and (after is None or _follows(it, after))
    ]
    page = theirs[:most]
    return _page(world, page, page[-1].id if len(theirs) > most else None)


def _follows(listing: Listing, cursor: str) -> bool:
    """Whether a listing is younger than the one that a page of the seller's ended with; names count upwards."""
    return (len(listing.id), listing.id) > (len(cursor), cursor)


def _place(cursor: str) -> Place | None:
    price, dot, sequence = cursor.partition(".")
    if len(cursor) > _MAX_CURSOR or not dot or not cursor.isascii():
        return None
    return (int(price), int(sequence)) if price.isdigit() and sequence.isdigit() else None


def _page(world: World, listings: Sequence[Listing], cursor: str | None) -> Committed:
    data: dict[str, object] = {"listings": [_described(world, listing) for listing in listings]}
    if cursor is not None:
        data["after"] = cursor
    return Committed(data)


def _described(world: World, listing: Listing) -> dict[str, object]:
    """What a looker learns of an offer; the unit price is for one base unit, and for an hour if it is a rent."""
    described: dict[str, object] = {
        "id": listing.id,
        "seller": listing.seller,
        "goods": listing.goods,
        "price": listing.price,
        "unit_price_micros": min(listing.unit_price_micros, MAX_AMOUNT),
        "listed_ms": listing.listed_ns // MILLISECOND_NS,
    }
    if listing.asset is None:
        artifact = world.shelf.find(listing.artifact or "")
        described |= {"artifact": listing.artifact, "revision": listing.revision}
        described["title"] = artifact.title if artifact is not None else ""
    else:
        described |= {"asset": listing.asset, "amount": listing.amount, "rent_ms": listing.rent_ms}
    if listing.buyer is not None:
        described["buyer"] = listing.buyer
    return described


def _listing(world: World, turn: Turn, args: Arguments) -> Outcome:
    listing = find_listing(world, text(args, "id") or "")
    return listing if isinstance(listing, Refused) else Committed(_described(world, listing))


def _delegations(world: World, turn: Turn, args: Arguments) -> Outcome:
    mine = world.delegations.of_payer(turn.actor.id)
    return Committed(
        {
            "delegations": [
                {
                    "charger": it.charger,
                    "asset": it.asset,
                    "max_per_call": it.max_per_call,
                    "max_per_window": it.max_per_window,
                    "window_ms": it.window_ms,
                    "spent": spent_in_window(it, turn.now_ns),
                }
                for it in mine
            ]
        }
    )


MARKET_QUERIES: dict[str, tuple[dict[str, type], Callable[[World, Turn, Arguments], Outcome]]] = {
    "listings": ({"goods": str, "seller": str, "limit": int, "after": str}, _listings),
    "listing": ({"id": str}, _listing),
    "delegations": ({}, _delegations),
}
"""By name: the types of the arguments, and who answers."""
