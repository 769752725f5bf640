"""What lies before the mint: bids by name and by artifact, and where the mint stands in time."""

import msgspec

from ecology.kernel.economy.scoring import Submission
from ecology.kernel.register import Register
from ecology.resources.flow import AS_GRANTED_PPM


class Bid(msgspec.Struct, frozen=True, omit_defaults=True):
    """An artifact submitted to the mint; `amount` is held from the bidder until `hold_id` is closed.

    `price` is None until a resolution made it a winner, at `resolved_ns`: then what is to be paid once its score is
    there.
    """

    id: str
    sequence: int
    bidder: str
    artifact: str
    revision: int
    amount: int
    hold_id: int
    price: int | None = None
    resolved_ns: int = 0


class Bids(Register[Bid]):
    """The bids that await a resolution, or, as winners, their score."""

    def __init__(self) -> None:
        super().__init__("bid", Bid)
        self._by_artifact: dict[str, str] = {}
        self._by_bidder: dict[str, dict[str, None]] = {}
        self._won: dict[str, None] = {}

    def of_artifact(self, artifact_id: str) -> Bid | None:
        """The bid under which an artifact is submitted."""
        name = self._by_artifact.get(artifact_id)
        return None if name is None else self.get(name)

    def of_bidder(self, bidder: str) -> list[Bid]:
        """A bidder's open bids, oldest first."""
        return sorted(
            (self._records[name] for name in self._by_bidder.get(bidder, ())), key=lambda bid: bid.sequence
        )

    @property
    def unresolved(self) -> int:
        """How many bids await a resolution."""
        return len(self._records) - len(self._won)

    def awaiting_resolution(self) -> list[Bid]:
        """The bids that no resolution has chosen from yet, oldest first."""
        return sorted((bid for bid in self if bid.price is None), key=lambda bid: bid.sequence)

    def awaiting_score(self) -> list[Bid]:
        """The winners whose score is not there yet, by resolution and then by rank."""
        winners = [self._records[name] for name in self._won]
        return sorted(winners, key=lambda bid: (bid.resolved_ns, -bid.amount, bid.sequence))

    def file(self, record: Bid) -> None:
        self._by_artifact[record.artifact] = record.id
        self._by_bidder.setdefault(record.bidder, {})[record.id] = None
        if record.price is not None:
            self._won[record.id] = None

    def unfile(self, record: Bid) -> None:
        del self._by_artifact[record.artifact]
        theirs = self._by_bidder[record.bidder]
        del theirs[record.id]
        if not theirs:
            del self._by_bidder[record.bidder]
        self._won.pop(record.id, None)


class Case(msgspec.Struct, frozen=True):
    """What a scorer from outside is shown of the winner `id`: as it was, whatever becomes of the artifact since."""

    id: str
    submission: Submission


class Docket(Register[Case]):
    """The submissions whose scores are awaited from outside."""

    def __init__(self) -> None:
        super().__init__("case", Case)


class Office(msgspec.Struct, frozen=True):
    """Where the world's own business stands: ids given to its transfers and to listings, resolutions, the next one.

    `next_resolution_ns` means something while a bid awaits it. `prices` are those of the last resolutions, the newest
    last. `flow_ppm` is the factor, in millionths, on what the rights to a flow of tokens say.
    """

    id: str = "world"
    transfers: int = 0
    listings: int = 0
    resolutions: int = 0
    next_resolution_ns: int = 0
    prices: tuple[int, ...] = ()
    flow_ppm: int = AS_GRANTED_PPM


class Offices(Register[Office]):
    """One record: the world's own."""

    def __init__(self) -> None:
        super().__init__("office", Office)

    @property
    def world(self) -> Office:
        """The record as it stands."""
        return self.get("world") or Office()
