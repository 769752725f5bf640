"""What happens on a market, written into a log by hand."""

from typing import Any

from ecology.events.economy import (
    BidClosed,
    BidPlaced,
    CodeRan,
    DelegationGranted,
    DelegationRevoked,
    ListingClosed,
    ListingOpened,
    ListingSold,
    MintResolved,
    RightRented,
    RightReverted,
)
from tests.unit.measures_log import Log, ns


class MarketLog(Log):
    """A log of which code, escrow, rents, delegations and the mint are a part."""

    def run(
        self,
        who: str,
        tool: str,
        *,
        depth: int = 1,
        turn: str = "a#1",
        method: str = "run",
        fault: str | None = None,
        price: int = 0,
        payer: str | None = None,
        cpu_us: int = 0,
        estimate_us: int = 0,
        at: float = 0,
    ) -> None:
        self.events.append(
            CodeRan(
                sequence=self.next,
                time_ns=ns(at),
                principal_id=who,
                turn_id=turn,
                artifact_id=tool,
                revision=1,
                method=method,
                depth=depth,
                fault=fault,
                price=price,
                payer_id=payer or who,
                recipient_id="seller",
                bearer_id=who,
                cpu_us=cpu_us,
                cpu_estimate_us=estimate_us,
            )
        )

    def delegate(self, payer: str, charger: str, *, asset: str = "scrip", revoke: bool = False) -> None:
        envelope: dict[str, Any] = {
            "sequence": self.next,
            "time_ns": 0,
            "principal_id": payer,
            "turn_id": None,
        }
        if revoke:
            self.events.append(DelegationRevoked(charger_id=charger, asset=asset, **envelope))
            return
        bounds: dict[str, Any] = {"max_per_call": 5, "max_per_window": 50, "window_ms": 60_000}
        self.events.append(DelegationGranted(charger_id=charger, asset=asset, **bounds, **envelope))

    def list(
        self, listing: str, *, asset: str | None = None, amount: int = 0, rent_ms: int = 0, at: float = 0
    ) -> None:
        """An asset, or without one an artifact."""
        self.events.append(
            ListingOpened(
                sequence=self.next,
                time_ns=ns(at),
                principal_id="seller",
                turn_id=None,
                listing_id=listing,
                price=1,
                artifact_id="work" if asset is None else None,
                asset=asset,
                amount=amount,
                rent_ms=rent_ms,
            )
        )

    def sell(
        self,
        listing: str,
        price: int,
        *,
        asset: str | None = None,
        amount: int = 0,
        rent_ms: int = 0,
        kind: str = "text",
        at: float = 0,
    ) -> None:
        """What was listed under that name; without an asset an artifact of a kind."""
        self.events.append(
            ListingSold(
                sequence=self.next,
                time_ns=ns(at),
                principal_id="buyer",
                turn_id=None,
                listing_id=listing,
                seller_id="seller",
                price=price,
                artifact_id="work" if asset is None else None,
                artifact_type=kind if asset is None else None,
                asset=asset,
                amount=amount,
                rent_ms=rent_ms,
            )
        )

    def deal(
        self,
        price: int,
        *,
        asset: str | None = None,
        amount: int = 0,
        rent_ms: int = 0,
        kind: str = "text",
        at: float = 0,
    ) -> None:
        """Listed and sold at once."""
        listing = f"l{self.next}"
        self.list(listing, asset=asset, amount=amount, rent_ms=rent_ms, at=at)
        self.sell(listing, price, asset=asset, amount=amount, rent_ms=rent_ms, kind=kind, at=at)

    def close(self, listing: str, reason: str, at: float = 0) -> None:
        self.events.append(
            ListingClosed(
                sequence=self.next,
                time_ns=ns(at),
                principal_id=None,
                turn_id=None,
                listing_id=listing,
                seller_id="seller",
                reason=reason,
            )
        )

    def rent(self, asset: str, amount: int, *, over: bool = False) -> None:
        """A rent begins, or is over."""
        common: dict[str, Any] = {"sequence": self.next, "time_ns": 0, "principal_id": None, "turn_id": None}
        what: dict[str, Any] = {
            "rental_id": "r",
            "asset": asset,
            "amount": amount,
            "owner_id": "a",
            "tenant_id": "b",
        }
        if over:
            self.events.append(RightReverted(**what, **common))
        else:
            self.events.append(RightRented(until_ns=ns(60), **what, **common))

    def bid(self, name: str, amount: int = 5) -> None:
        self.events.append(
            BidPlaced(
                sequence=self.next,
                time_ns=0,
                principal_id="a",
                turn_id=None,
                bid_id=name,
                artifact_id="work",
                revision=1,
                amount=amount,
            )
        )

    def end_bid(
        self, name: str, how: str, *, price: int = 0, score: int = 0, minted: int = 0, at: float = 0
    ) -> None:
        self.events.append(
            BidClosed(
                sequence=self.next,
                time_ns=ns(at),
                principal_id=None,
                turn_id=None,
                bid_id=name,
                bidder_id="a",
                artifact_id="work",
                how=how,
                price=price,
                score=score,
                minted=minted,
            )
        )

    def resolve(self, *winners: str, price: int = 1, at: float = 0) -> None:
        self.events.append(
            MintResolved(
                sequence=self.next,
                time_ns=ns(at),
                principal_id=None,
                turn_id=None,
                number=1,
                bids=len(winners),
                winners=winners,
                price=price,
            )
        )
