"""Event streams of invented worlds with a market: tools that call tools, escrow, rents, and a mint, for tests of what
reads the log.

Plausible, not lawful, like `histories`, whose events they are woven into: no scrip moves but what is minted. Prices
drift from a guess towards a value and scatter less and less around it, so that they settle.
"""

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from ecology.core.clock import SECOND_NS
from ecology.core.ids import WORLD
from ecology.core.seeds import Draw
from ecology.events.economy import (
    BidClosed,
    BidPlaced,
    CodeRan,
    ListingClosed,
    ListingOpened,
    ListingSold,
    MintResolved,
    RightRented,
    RightReverted,
)
from ecology.events.records import ActionTaken, TransferPosted
from ecology.events.registry import Record

_GOODS: tuple[tuple[str, int, int, int], ...] = (
    ("llm_rate", 1_000, 40, 0),
    ("disk", 100_000, 25, 0),
    ("llm_rate", 1_000, 6, 300_000),
    ("artifact/essay", 0, 12, 0),
    ("artifact/map", 0, 30, 0),
)
"""What is listed: goods, amount, value in scrip, time of a rent in ms."""

_TOOLS: tuple[tuple[str, int, str | None], ...] = (
    ("word-count", 2, None),
    ("appraiser", 7, "word-count"),
    ("merger", 4, "appraiser"),
)
"""Executables: id, price per call, and the one that it calls itself."""

_RESOLUTION_NS = 60 * SECOND_NS
_SETTLING_NS = 240 * SECOND_NS


def traded(events: Iterable[Record], seed: int = 7) -> Iterator[Record]:
    """The events of a world, and those of a market between them, numbered anew."""
    sequence = 0
    for group in _Market(seed).weave(events):
        for event in group:
            sequence += 1
            yield msgspec.structs.replace(event, sequence=sequence)


class _Market:
    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._turns = 0
        self._bids: list[tuple[str, str, int]] = []
        self._rents: list[RightRented] = []
        self._next_resolution_ns = _RESOLUTION_NS
        self._resolutions = 0

    def weave(self, events: Iterable[Record]) -> Iterator[list[Record]]:
        for event in events:
            if event.time_ns >= self._next_resolution_ns:
                yield self._resolve()
            yield [*self._revert(event.time_ns)]
            yield [event]
            if isinstance(event, ActionTaken):
                yield self._deal(event)

    def _deal(self, event: ActionTaken) -> list[Record]:
        """What an agent does on the market beside its turn, if anything."""
        self._turns += 1
        draw = Draw(self._seed, self._turns)
        choice = draw.below(10)
        if choice < 3:
            return self._sale(event, draw)
        if choice < 5:
            return self._call(event, draw)
        if choice == 5 and not any(bidder == event.principal_id for _, bidder, _ in self._bids):
            return self._bid(event, draw)
        return []

    def _price(self, value: int, now_ns: int, draw: Draw) -> int:
        """Around `value`, at first far above and widely scattered."""
        guess = value * 3 * max(0, _SETTLING_NS - now_ns) // _SETTLING_NS
        scatter = 1 + value // 20 + guess // 2
        return max(1, value + guess + draw.between(-scatter, scatter))

    def _sale(self, event: ActionTaken, draw: Draw) -> list[Record]:
        goods, amount, value, rent_ms = draw.choice(_GOODS)
        price = self._price(value, event.time_ns, draw)
        seller, buyer = event.principal_id or WORLD, "agent-0001"
        asset = None if goods.startswith("artifact/") else goods
        artifact = None if asset is not None else f"{goods.removeprefix('artifact/')}-{self._turns}"
        listing = f"{event.turn_id}"
        common: dict[str, Any] = {"sequence": 0, "time_ns": event.time_ns, "turn_id": event.turn_id}
        what: dict[str, Any] = {
            "price": price,
            "artifact_id": artifact,
            "asset": asset,
            "amount": amount,
            "rent_ms": rent_ms,
        }
        opened = ListingOpened(principal_id=seller, listing_id=listing, **what, **common)
        if draw.chance(10):
            return [opened]
        if draw.chance(15) or seller == buyer:
            reason = "stale" if artifact is not None and draw.chance(50) else "cancelled"
            closed = ListingClosed(
                principal_id=seller, listing_id=listing, seller_id=seller, reason=reason, **common
            )
            return [opened, closed]
        kind = None if asset is not None else goods.removeprefix("artifact/")
        sold = ListingSold(
            principal_id=buyer, listing_id=listing, seller_id=seller, artifact_type=kind, **what, **common
        )
        if not rent_ms:
            return [opened, sold]
        rented = RightRented(
            principal_id=buyer,
            rental_id=listing,
            asset=goods,
            amount=amount,
            owner_id=seller,
            tenant_id=buyer,
            until_ns=event.time_ns + rent_ms * 1_000_000,
            **common,
        )
        self._rents.append(rented)
        return [opened, sold, rented]

    def _revert(self, now_ns: int) -> Iterator[Record]:
        while self._rents and self._rents[0].until_ns <= now_ns:
            rental = self._rents.pop(0)
            yield RightReverted(
                sequence=0,
                time_ns=now_ns,
                principal_id=None,
                turn_id=None,
                rental_id=rental.rental_id,
                asset=rental.asset,
                amount=rental.amount,
                owner_id=rental.owner_id,
                tenant_id=rental.tenant_id,
            )

    def _call(self, event: ActionTaken, draw: Draw) -> list[Record]:
        """An invocation; what the tool itself called ended before."""
        tools = {name: (price, inner) for name, price, inner in _TOOLS}
        name: str | None = draw.choice(tuple(tools))
        fault = "code_raised" if draw.chance(6) else None
        runs: list[Record] = []
        depth = 1
        while name is not None:
            price, inner = tools[name]
            runs.append(
                CodeRan(
                    sequence=0,
                    time_ns=event.time_ns,
                    principal_id=event.principal_id,
                    turn_id=event.turn_id,
                    artifact_id=name,
                    revision=1,
                    method="run",
                    depth=depth,
                    fault=fault,
                    price=0 if fault else self._price(price, event.time_ns, draw),
                    payer_id=event.principal_id,
                    recipient_id="agent-0001",
                    bearer_id=event.principal_id,
                    cpu_us=400,
                    cpu_estimate_us=400,
                )
            )
            name, depth = (None if fault else inner), depth + 1
        return runs[::-1]

    def _bid(self, event: ActionTaken, draw: Draw) -> list[Record]:
        bidder, amount = event.principal_id or WORLD, self._price(8, event.time_ns, draw)
        self._bids.append((event.turn_id or "", bidder, amount))
        return [
            BidPlaced(
                sequence=0,
                time_ns=event.time_ns,
                principal_id=bidder,
                turn_id=event.turn_id,
                bid_id=event.turn_id or "",
                artifact_id=f"work-{self._turns}",
                revision=1,
                amount=amount,
            )
        ]

    def _resolve(self) -> list[Record]:
        """The best bid wins at the price of the second."""
        now_ns, self._next_resolution_ns = self._next_resolution_ns, self._next_resolution_ns + _RESOLUTION_NS
        bids, self._bids = sorted(self._bids, key=lambda bid: -bid[2]), []
        if not bids:
            return []
        self._resolutions += 1
        common: dict[str, Any] = {"sequence": 0, "time_ns": now_ns, "principal_id": None, "turn_id": None}
        price = bids[1][2] if len(bids) > 1 else 1
        events: list[Record] = [
            MintResolved(
                number=self._resolutions, bids=len(bids), winners=(bids[0][0],), price=price, **common
            )
        ]
        for place, (bid, bidder, _) in enumerate(bids):
            ended: dict[str, Any] = {"bid_id": bid, "bidder_id": bidder, "artifact_id": "work", **common}
            if place:
                events.append(BidClosed(how="lost", **ended))
            elif self._resolutions % 5 == 0:
                events.append(BidClosed(how="failed", detail="no score", **ended))
            else:
                issued = TransferPosted(
                    transfer_id=0, asset="scrip", from_id=WORLD, to_id=bidder, amount=7, memo="mint", **common
                )
                events += [issued, BidClosed(how="minted", price=price, score=70, minted=7, **ended)]
        return events
