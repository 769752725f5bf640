"""Trading through escrow: what is offered, what is withdrawn and cheaper next time, what is seen and taken.

Nobody need be trusted here: price and thing move together. Goods and rights share this desk, which keeps the running
price of each: a sale and the cheapest offer seen count for a quarter of it, a listing in vain lowers it a little, and
where nothing is for sale it rises.
"""

from collections.abc import Mapping
from typing import cast

from ecology.core.outcome import Committed, Outcome
from ecology.engine.strategies.books import (
    MAX_LISTED,
    MAX_PRICES,
    MAX_SEEN,
    Books,
    Listed,
    Seen,
    drift,
)
from ecology.engine.strategies.citizen import LABEL, MAX_PRICE
from ecology.kernel.actions import Action, Buy, Cancel, List, Query
from ecology.resources.assets import CPU_RATE, DISK, LLM_CAPACITY, LLM_RATE

LOTS: dict[str, int] = {LLM_RATE: 1_000, LLM_CAPACITY: 20_000, CPU_RATE: 200, DISK: 2_000}
"""The rights that are traded, and what a lot is: a token a second, twenty tokens' room, 200 µs a second, 2 kB."""

RENT = "rent/"
"""How the names of rights that are let begin."""

RENT_MS = 600_000
"""How long rights are let for."""

LISTING_BYTES = 150
"""About what one listing takes to read."""


class EscrowDesk:
    """The listings of one mind, and what it knows of others'."""

    def __init__(self, books: Books) -> None:
        self._books = books

    # -- prices

    def price(self, goods: str, guess_milli: int) -> int:
        """The running price of a lot of something, in thousandths of a scrip; at first a guess."""
        known = self._books.prices.get(goods)
        if known is None:
            self._note(goods, guess_milli)
            return guess_milli
        return known

    def _note(self, goods: str, price_milli: int) -> None:
        prices = self._books.prices
        prices[goods] = max(1, min(price_milli, MAX_PRICE * 1000))
        if len(prices) > MAX_PRICES:
            del prices[next(iter(prices))]

    def sold(self, goods: str, price_milli: int) -> None:
        """Something was sold for so much a lot."""
        known = self._books.prices.get(goods)
        self._note(goods, price_milli if known is None else drift(known, price_milli, 4))

    # -- offering

    def offer(self, listed: Listed) -> List | None:
        """Put something up for sale, unless there are too many listings already."""
        if len(self._books.listed) >= MAX_LISTED:
            return None
        self._books.offering = listed
        return List(
            price=listed.price,
            artifact=listed.artifact or None,
            asset=listed.asset or None,
            amount=listed.amount,
            rent_ms=listed.rent_ms,
        )

    def lists(self, artifact: str) -> bool:
        """Whether it offers that artifact."""
        return any(each.artifact == artifact for each in self._books.listed.values())

    def stale(self, now_ns: int, goods_ns: int, rights_ns: int) -> str | None:
        """A listing of its own that has lain too long."""
        for name, each in self._books.listed.items():
            if now_ns - each.since_ns > (goods_ns if each.artifact else rights_ns):
                return name
        return None

    def close(self, name: str, *, sold: bool) -> Listed | None:
        """A listing of its own is over; what is for sale in vain is worth a little less than was thought."""
        listed = self._books.listed.pop(name, None)
        if listed is not None and listed.asset:
            goods = rights_goods(listed.asset, listed.rent_ms)
            price_milli = lot_price_milli(listed.asset, listed.price, listed.amount, listed.rent_ms)
            if sold:
                self.sold(goods, price_milli * 31 // 30)
            elif (known := self._books.prices.get(goods)) is not None:
                self._note(goods, min(known, price_milli) * 23 // 24)
        return listed

    def forget(self, artifact: str) -> None:
        """The artifact is no longer what was listed: its listing has ended by itself."""
        listed = self._books.listed
        for name in [name for name, each in listed.items() if each.artifact == artifact]:
            del listed[name]

    # -- looking and taking

    def look(self, goods: str) -> Query:
        """See what is for sale under a name, cheapest first."""
        self._books.looking_for = goods
        return Query("listings", {"goods": goods, "limit": MAX_SEEN})

    def seen(self, goods: str) -> list[Seen] | None:
        """What the last look at these goods found; None if there was none. Each look is answered once."""
        books = self._books
        if books.looking_for != goods:
            return None
        seen, books.seen, books.looking_for = books.seen, [], ""
        return seen

    def buy(self, seen: Seen) -> Buy:
        """Take an offer, for no more than it said."""
        self._books.buying = seen
        return Buy(listing=seen.listing, max_price=seen.price)

    # -- learning

    def learn(self, action: Action | None, outcome: Outcome, me: str, now_ns: int) -> int:
        """Keep the books on `list`, `cancel`, `buy` and `query listings`; returns the bytes that were heard."""
        if isinstance(action, Query) and action.name == "listings":
            return self._learn_listings(action, outcome, me)
        if isinstance(action, List):
            listed, self._books.offering = self._books.offering, None
            if isinstance(outcome, Committed) and listed is not None:
                listed.since_ns = now_ns
                self._books.listed[str(outcome.data["listing"])] = listed
        elif isinstance(action, Cancel):
            self.close(action.listing, sold=False)
        elif isinstance(action, Buy):
            bought, self._books.buying = self._books.buying, None
            if isinstance(outcome, Committed) and bought is not None and not bought.artifact:
                goods = rights_goods(bought.asset, bought.rent_ms)
                self.sold(goods, lot_price_milli(bought.asset, bought.price, bought.amount, bought.rent_ms))
        return 0

    def _learn_listings(self, action: Query, outcome: Outcome, me: str) -> int:
        books = self._books
        books.seen = []
        if not isinstance(outcome, Committed):
            return 0
        listings = cast("list[Mapping[str, object]]", outcome.data["listings"])
        found = [_seen(each) for each in listings[:MAX_SEEN]]
        books.seen = [each for each in found if each.seller != me and each.price <= MAX_PRICE]
        goods = str(action.args.get("goods"))
        if goods.removeprefix(RENT) in LOTS:
            self._learn_asked(goods, [each for each in books.seen if each.asset in LOTS])
        return LISTING_BYTES * len(listings)

    def _learn_asked(self, goods: str, rights: list[Seen]) -> None:
        """The cheapest offer of a right draws its running price; nobody believes that it is more than twice that."""
        known = self._books.prices.get(goods)
        asked = [lot_price_milli(each.asset, each.price, each.amount, each.rent_ms) for each in rights]
        if known is None:
            if asked:
                self._note(goods, min(asked))
        elif asked:
            self._note(goods, drift(known, min(*asked, 2 * known), 4))
        else:
            self._note(goods, known + known // 24)


def rights_goods(asset: str, rent_ms: int) -> str:
    """The name under which a right is found in escrow, and its running price kept: one for sales, one for rents."""
    return RENT + asset if rent_ms else asset


def lot_price_milli(asset: str, price: int, amount: int, rent_ms: int) -> int:
    """A price per lot (and per `RENT_MS`, if it is a rent), in thousandths of a scrip."""
    per_lot = price * 1000 * LOTS.get(asset, 1) // max(1, amount)
    return per_lot * RENT_MS // rent_ms if rent_ms else per_lot


def _seen(listing: Mapping[str, object]) -> Seen:
    def number(name: str) -> int:
        value = listing.get(name)
        return value if isinstance(value, int) else 0

    def text(name: str) -> str:
        value = listing.get(name)
        return value if isinstance(value, str) else ""

    label = LABEL.search(text("title"))
    return Seen(
        listing=text("id"),
        seller=text("seller"),
        goods=text("goods"),
        price=number("price"),
        quality=int(label[1]) if label is not None else 0,
        artifact=text("artifact"),
        asset=text("asset"),
        amount=number("amount"),
        rent_ms=number("rent_ms"),
    )
