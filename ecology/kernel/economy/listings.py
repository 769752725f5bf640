"""What is for sale: listings by name, by artifact, and by kind in the order of their unit price."""

import msgspec
from sortedcontainers import SortedDict

from ecology.kernel.register import Register

MICRO = 1_000_000


class Listing(msgspec.Struct, frozen=True):
    """An artifact as of a revision, or an amount of an asset (held from its seller), at a price in scrip.

    `goods` is what it is found under: the asset's name, or the artifact's type after a slash. `hold_id` is the hold on
    the seller's asset (0 for an artifact). `buyer` may name the only one who may buy. `rent_ms` is 0 for a sale.
    """

    id: str
    sequence: int
    seller: str
    goods: str
    price: int
    artifact: str | None = None
    revision: int = 0
    asset: str | None = None
    amount: int = 0
    rent_ms: int = 0
    hold_id: int = 0
    buyer: str | None = None
    listed_ns: int = 0

    @property
    def unit_price_micros(self) -> int:
        """Price per base unit in millionths of a scrip, per hour for a rent; of an artifact its price."""
        if self.asset is None:
            return self.price * MICRO
        per_unit = self.price * MICRO // self.amount
        return per_unit * 3_600_000 // self.rent_ms if self.rent_ms else per_unit


Place = tuple[int, int]
"""Unit price, then the number of the listing's event."""


class Listings(Register[Listing]):
    """The open listings."""

    def __init__(self) -> None:
        super().__init__("listing", Listing)
        self._by_artifact: dict[str, str] = {}
        self._by_goods: dict[str, SortedDict[Place, str]] = {}
        self._by_seller: dict[str, dict[str, None]] = {}

    def of_artifact(self, artifact_id: str) -> Listing | None:
        """The open listing of an artifact."""
        name = self._by_artifact.get(artifact_id)
        return None if name is None else self.get(name)

    def of_seller(self, seller: str) -> list[Listing]:
        """A seller's open listings, oldest first."""
        return sorted(
            (self._records[name] for name in self._by_seller.get(seller, ())), key=lambda it: it.sequence
        )

    def page(self, goods: str, after: Place | None, limit: int) -> tuple[list[Listing], Place | None]:
        """Cheapest first: up to `limit` listings of a kind after a place, and the place to go on from."""
        drawer = self._by_goods.get(goods)
        if drawer is None:
            return [], None
        found: list[Listing] = []
        for place in drawer.irange(minimum=after, inclusive=(False, True)):
            found.append(self._records[drawer[place]])
            if len(found) == limit:
                return found, place
        return found, None

    def file(self, record: Listing) -> None:
        if record.artifact is not None:
            self._by_artifact[record.artifact] = record.id
        drawer = self._by_goods.get(record.goods)
        if drawer is None:
            drawer = self._by_goods[record.goods] = SortedDict()
        drawer[(record.unit_price_micros, record.sequence)] = record.id
        self._by_seller.setdefault(record.seller, {})[record.id] = None

    def unfile(self, record: Listing) -> None:
        if record.artifact is not None:
            del self._by_artifact[record.artifact]
        drawer = self._by_goods[record.goods]
        del drawer[(record.unit_price_micros, record.sequence)]
        if not drawer:
            del self._by_goods[record.goods]
        theirs = self._by_seller[record.seller]
        del theirs[record.id]
        if not theirs:
            del self._by_seller[record.seller]
