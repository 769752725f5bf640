"""What is for sale: listings by name, by artifact, and by kind in the order of their unit price."""

import msgspec
from sortedcontainers import SortedDict

from ecology.kernel.register import Register

MICRO = 1_000_000
HOUR_MS = 3_600_000


class Listing(msgspec.Struct, frozen=True):
    """An artifact as of a revision, or an amount of an asset (held from its seller), at a price in scrip.

    `hold_id` is the hold on the seller's asset (0 for an artifact). `buyer` may name the only one who may buy.
    `rent_ms` is 0 for a sale. `fee` is the most that the artifact's contract may ask of the seller. A `stale` listing
    is closed: its artifact is no longer what was listed. It is kept for a while so that who wants to buy learns why it
    cannot.
    """

    seller: str
    price: int
    id: str = ""
    sequence: int = 0
    artifact: str | None = None
    artifact_type: str | None = None
    revision: int = 0
    fee: int = 0
    asset: str | None = None
    amount: int = 0
    rent_ms: int = 0
    hold_id: int = 0
    buyer: str | None = None
    listed_ns: int = 0
    stale: bool = False

    @property
    def goods(self) -> str:
        """What it is found under: `artifact/TYPE`, an asset's name, or `rent/ASSET`, which is priced by the hour."""
        if self.asset is None:
            return f"artifact/{self.artifact_type}"
        return f"rent/{self.asset}" if self.rent_ms else self.asset

    @property
    def unit_price_micros(self) -> int:
        """Price per base unit in millionths of a scrip, per hour for a rent; of an artifact its price."""
        if self.asset is None:
            return self.price * MICRO
        if self.rent_ms:
            return self.price * MICRO * HOUR_MS // (self.amount * self.rent_ms)
        return self.price * MICRO // self.amount


Place = tuple[int, int]
"""Unit price, then the number of the listing's event."""


class Listings(Register[Listing]):
    """The open listings, and of each seller some that went stale."""

    def __init__(self) -> None:
        super().__init__("listing", Listing)
        self._by_artifact: dict[str, str] = {}
        self._by_goods: SortedDict[str, SortedDict[Place, str]] = SortedDict()
        self._by_seller: dict[str, dict[str, None]] = {}

    def of_artifact(self, artifact_id: str) -> Listing | None:
        """The open listing of an artifact."""
        name = self._by_artifact.get(artifact_id)
        return None if name is None else self.get(name)

    def of_seller(self, seller: str) -> list[Listing]:
        """A seller's listings, stale ones included, oldest first."""
        return sorted(
            (self._records[name] for name in self._by_seller.get(seller, ())), key=lambda it: it.sequence
        )

    def page(self, goods: str, after: Place | None, limit: int) -> tuple[list[Listing], Place | None]:
        """Cheapest first: up to `limit` open listings of a kind after a place, and the place to go on from."""
        drawer = self._by_goods.get(goods)
        if drawer is None:
            return [], None
        found: list[Listing] = []
        for place in drawer.irange(minimum=after, inclusive=(False, True)):
            if len(found) == limit:
                return found, (found[-1].unit_price_micros, found[-1].sequence)
            found.append(self._records[drawer[place]])
        return found, None

    def kinds(self, after: str | None, limit: int) -> tuple[list[Listing], str | None]:
        """By name of the goods: the cheapest open listing of up to `limit` kinds, and the kind to go on from."""
        found: list[Listing] = []
        for goods in self._by_goods.irange(minimum=after, inclusive=(False, True)):
            if len(found) == limit:
                return found, found[-1].goods
            found.append(self._records[self._by_goods[goods].peekitem(0)[1]])
        return found, None

    def file(self, record: Listing) -> None:
        self._by_seller.setdefault(record.seller, {})[record.id] = None
        if record.stale:
            return
        if record.artifact is not None:
            self._by_artifact[record.artifact] = record.id
        drawer = self._by_goods.get(record.goods)
        if drawer is None:
            drawer = self._by_goods[record.goods] = SortedDict()
        drawer[(record.unit_price_micros, record.sequence)] = record.id

    def unfile(self, record: Listing) -> None:
        theirs = self._by_seller[record.seller]
        del theirs[record.id]
        if not theirs:
            del self._by_seller[record.seller]
        if record.stale:
            return
        if record.artifact is not None:
            del self._by_artifact[record.artifact]
        drawer = self._by_goods[record.goods]
        del drawer[(record.unit_price_micros, record.sequence)]
        if not drawer:
            del self._by_goods[record.goods]
