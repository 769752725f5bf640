"""The economy as the event log tells it: what is for sale, rented, bid, set aside, delegated, remembered and issued.

Told from the first event to the last, so that it can be held against what the registers and the ledger say now. Keeps
only what is open, so a long log needs no more memory than the world it made.
"""

from collections import Counter
from collections.abc import Callable
from typing import Any

from ecology.core import ids
from ecology.events.economy import (
    BidClosed,
    BidPlaced,
    ContractStateChanged,
    DelegationGranted,
    DelegationRevoked,
    ListingClosed,
    ListingOpened,
    ListingSold,
    MintResolved,
    RightRented,
    RightReverted,
)
from ecology.events.records import Event, FlowChanged, HoldClosed, HoldOpened, RunStarted, TransferPosted
from ecology.kernel.economy.delegations import delegation_id
from ecology.kernel.economy.settlement import MINTED
from ecology.kernel.laws import MintLaw
from ecology.resources.assets import SCRIP
from ecology.resources.flow import AS_GRANTED_PPM

GENESIS = "genesis"


class Retold:
    """What is open, by name, each with the event that opened it; `wrong` says what the log itself contradicts."""

    def __init__(self) -> None:
        self.listings: dict[str, ListingOpened] = {}
        self.rentals: dict[str, RightRented] = {}
        self.bids: dict[str, BidPlaced] = {}
        self.won: dict[str, int] = {}
        """What winners are to pay once they are scored, by bid."""
        self.delegations: dict[str, DelegationGranted] = {}
        self.holds: dict[int, HoldOpened] = {}
        self.states: dict[str, ContractStateChanged] = {}
        self.granted: Counter[str] = Counter()
        """What was issued at genesis, by asset."""
        self.minted = 0
        self.owed: Counter[tuple[str, int]] = Counter()
        """What the mint issued less what closed bids say it did, by receiver and time; all 0 in an honest log."""
        self.paid: Counter[tuple[str, int]] = Counter()
        """What the mint was paid less what closed bids say it was, by bidder and time; all 0 in an honest log."""
        self.flow_ppm = AS_GRANTED_PPM
        """The factor on what the rights to a flow of tokens say."""
        self.wrong: list[str] = []
        self._settlers = 0
        self._tellers: dict[type[Event], Callable[[Any], None]] = {
            RunStarted: self._begin,
            FlowChanged: self._flow,
            TransferPosted: self._move,
            HoldOpened: self._hold,
            HoldClosed: self._release,
            ListingOpened: self._list,
            ListingSold: self._unlist,
            ListingClosed: self._unlist,
            RightRented: self._rent,
            RightReverted: self._revert,
            BidPlaced: self._bid,
            MintResolved: self._resolve,
            BidClosed: self._close_bid,
            DelegationGranted: self._delegate,
            DelegationRevoked: self._revoke,
            ContractStateChanged: self._remember,
        }

    def take(self, event: Event) -> None:
        """The next event."""
        teller = self._tellers.get(type(event))
        if teller is not None:
            teller(event)

    def _begin(self, event: RunStarted) -> None:
        self._settlers = event.agents

    def _flow(self, event: FlowChanged) -> None:
        if event.before_ppm != self.flow_ppm:
            self._contradiction(event, f"changes a flow of {event.before_ppm} ppm, which was {self.flow_ppm}")
        self.flow_ppm = event.flow_ppm

    def _move(self, event: TransferPosted) -> None:
        if event.to_id == ids.MINT:
            self.paid[event.from_id, event.time_ns] += event.amount
        if event.from_id != ids.WORLD:
            return
        if event.memo == MINTED and event.asset == SCRIP and event.time_ns > 0:
            self.minted += event.amount
            self.owed[event.to_id, event.time_ns] += event.amount
        elif self._is_grant(event):
            self.granted[event.asset] += event.amount
        else:
            self._contradiction(event, f"issues {event.amount} {event.asset} ({event.memo})")

    def _is_grant(self, event: TransferPosted) -> bool:
        """Genesis numbers its transfers by settler and asset, from 1 on and before anybody's turn."""
        settler = event.transfer_id // ids.MAX_STEPS
        return event.memo == GENESIS and event.time_ns == 0 and 1 <= settler <= self._settlers

    def _hold(self, event: HoldOpened) -> None:
        if event.transfer_id in self.holds:
            self._contradiction(event, f"opens hold {event.transfer_id} again")
        self.holds[event.transfer_id] = event

    def _release(self, event: HoldClosed) -> None:
        hold = self.holds.pop(event.transfer_id, None)
        if hold is None or event.amount > hold.amount or (event.amount > 0) != (event.how == "posted"):
            self._contradiction(event, f"closes hold {event.transfer_id} ({event.how}, {event.amount})")

    def _list(self, event: ListingOpened) -> None:
        self.listings[event.listing_id] = event

    def _unlist(self, event: ListingSold | ListingClosed) -> None:
        if self.listings.pop(event.listing_id, None) is None:
            self._contradiction(event, f"closes {event.listing_id}, which is not open")

    def _rent(self, event: RightRented) -> None:
        self.rentals[event.rental_id] = event

    def _revert(self, event: RightReverted) -> None:
        if self.rentals.pop(event.rental_id, None) is None:
            self._contradiction(event, f"ends {event.rental_id}, which is not under way")

    def _bid(self, event: BidPlaced) -> None:
        self.bids[event.bid_id] = event

    def _resolve(self, event: MintResolved) -> None:
        for bid_id in event.winners:
            placed = self.bids.get(bid_id)
            if placed is None or bid_id in self.won or placed.amount < event.price:
                self._contradiction(event, f"lets {bid_id} win at {event.price}")
            self.won[bid_id] = event.price

    def _close_bid(self, event: BidClosed) -> None:
        placed, price = self.bids.pop(event.bid_id, None), self.won.pop(event.bid_id, None)
        if placed is None or (placed.principal_id, placed.artifact_id) != (
            event.bidder_id,
            event.artifact_id,
        ):
            self._contradiction(event, f"closes {event.bid_id}, which is not open")
        elif event.price > placed.amount or event.minted > event.score // MintLaw().divisor:
            self._contradiction(event, f"closes {event.bid_id} at {event.price}, minting {event.minted}")
        # Alone in the world, a winner has nobody to pay.
        elif (event.how == "lost") != (price is None) or event.price not in (0, price):
            self._contradiction(
                event, f"closes {event.bid_id} ({event.how}, {event.price}), to pay was {price}"
            )
        elif event.how != "minted" and (event.price or event.minted):
            self._contradiction(event, f"closes {event.bid_id} ({event.how}), yet it paid or was paid")
        if event.price:
            self.paid[event.bidder_id, event.time_ns] -= event.price
        if event.minted:
            self.owed[event.bidder_id, event.time_ns] -= event.minted

    def _delegate(self, event: DelegationGranted) -> None:
        self.delegations[delegation_id(event.principal_id or "", event.charger_id, event.asset)] = event

    def _revoke(self, event: DelegationRevoked) -> None:
        self.delegations.pop(delegation_id(event.principal_id or "", event.charger_id, event.asset), None)

    def _remember(self, event: ContractStateChanged) -> None:
        self.states[event.artifact_id] = event

    def _contradiction(self, event: Event, what: str) -> None:
        self.wrong.append(f"event {event.sequence} {what}")
