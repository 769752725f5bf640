"""What lies before the mint: bids by name and by artifact, and where the mint stands in time."""

import msgspec

from ecology.kernel.register import Register


class Bid(msgspec.Struct, frozen=True):
    """An artifact submitted to the mint; `amount` is held from the bidder until `hold_id` is closed.

    `price` is None until a resolution made it a winner: then what is to be paid once its score is there.
    """

    id: str
    sequence: int
    bidder: str
    artifact: str
    revision: int
    amount: int
    hold_id: int
    price: int | None = None


class Bids(Register[Bid]):
    """The bids that await a resolution, or, as winners, their score."""

    def __init__(self) -> None:
        super().__init__("bid", Bid)
        self._by_artifact: dict[str, str] = {}

    def of_artifact(self, artifact_id: str) -> Bid | None:
        """The bid under which an artifact is submitted."""
        name = self._by_artifact.get(artifact_id)
        return None if name is None else self.get(name)

    def file(self, record: Bid) -> None:
        self._by_artifact[record.artifact] = record.id

    def unfile(self, record: Bid) -> None:
        del self._by_artifact[record.artifact]


class Office(msgspec.Struct, frozen=True):
    """Where the world's own business stands: ids it gave to its transfers and to listings, resolutions of the mint, the
    next one.
    """

    id: str = "world"
    transfers: int = 0
    listings: int = 0
    resolutions: int = 0
    next_resolution_ns: int = 0


class Offices(Register[Office]):
    """One record: the world's own."""

    def __init__(self) -> None:
        super().__init__("office", Office)

    @property
    def world(self) -> Office:
        """The record as it stands."""
        return self.get("world") or Office()
