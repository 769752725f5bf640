"""Is every hold, listing, rental, bid and right what the log says it is? The registers, the ledger and the log agree.

Whoever changes one of the three by hand disagrees with the other two, and whoever changes all three has the seals of
the log against him.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from hashlib import sha256
from typing import TypeVar, cast

import apsw
import msgspec

from ecology.core import ids
from ecology.events.economy import BidPlaced, DelegationGranted, ListingOpened, RightRented
from ecology.kernel.economy.bids import Bid, Case, Office
from ecology.kernel.economy.delegations import Delegation
from ecology.kernel.economy.listings import Listing
from ecology.kernel.economy.rentals import Rental
from ecology.kernel.register import Record
from ecology.kernel.world import FIRST_SYSTEM_TURN
from ecology.resources.assets import ASSETS, DISK, LLM_BUDGET, SCRIP
from ecology.store.retold import Retold
from ecology.store.scripts import statements
from ledger.audit import Check

SQL = statements("audit.sql")
SHOWN = 5

R = TypeVar("R", bound=Record)

_Hold = tuple[str, str, str, int]
"""Whose, of what, in whose favour, how much."""


def audit_economy(connection: apsw.Connection, told: Retold) -> list[Check]:
    """Every law of the economy between two turns, `told` being the whole log."""
    economy = _Economy(connection, told)
    return [
        verdict("economy_told", told.wrong, "the log contradicts itself nowhere"),
        economy.holds_announced(),
        economy.escrow_holds_match(),
        economy.rentals_match(),
        economy.bids_match(),
        economy.holds_claimed(),
        economy.delegations_match(),
        economy.contract_states_match(),
        *economy.issued(),
        economy.quotas_respected(),
        economy.system_ids_counted(),
        economy.flow_as_told(),
    ]


def verdict(name: str, wrong: list[str], fine: str) -> Check:
    """A check that found something wrong, of which the first few are shown, or nothing."""
    more = f"; and {len(wrong) - SHOWN} more" if len(wrong) > SHOWN else ""
    return Check(name, not wrong, "; ".join(wrong[:SHOWN]) + more if wrong else fine)


class _Economy:
    """What the database has, read once; `unreadable` are records that are none."""

    def __init__(self, connection: apsw.Connection, told: Retold) -> None:
        self._connection = connection
        self._told = told
        self._pending: dict[int, _Hold] = {
            cast(int, row[0]): cast(_Hold, tuple(row[1:])) for row in connection.execute(SQL["pending_holds"])
        }
        self._unclaimed = dict(self._pending)
        self._damaged: dict[str, list[str]] = {}
        self._listings = self._records("listing", Listing)
        self._rentals = self._records("rental", Rental)
        self._bids = self._records("bid", Bid)
        self._cases = self._records("case", Case)
        self._delegations = self._records("delegation", Delegation)
        self._offices = self._records("office", Office)

    def _records(self, kind: str, record_type: type[R]) -> dict[str, R]:
        """The living records of a kind; what does not decode, or under its own name, is noted."""
        found: dict[str, R] = {}
        damaged = self._damaged.setdefault(kind, [])
        for row in self._connection.execute(SQL["records"], (kind,)):
            name, body = cast(tuple[str, bytes], row)
            try:
                record = msgspec.json.decode(body, type=record_type)
            except msgspec.DecodeError as error:
                damaged.append(f"the {kind} {name} is none: {error}")
                continue
            if record.id != name:
                damaged.append(f"the {kind} {name} calls itself {record.id}")
            found[name] = record
        return found

    def holds_announced(self) -> Check:
        told = {
            str(hold_id): (hold.from_id, hold.asset, hold.to_id, hold.amount)
            for hold_id, hold in self._told.holds.items()
        }
        wrong = list(_differences("hold", {str(name): it for name, it in self._pending.items()}, told))
        return verdict("holds_announced", wrong, f"{len(told)} pending holds, as the log tells")

    def escrow_holds_match(self) -> Check:
        """Every listing is as it was opened and not closed; what is offered of an asset is held from its seller."""
        wrong = self._damaged["listing"]
        there = {name: it for name, it in self._listings.items() if not it.stale}
        wrong += _differences(
            "listing",
            {name: _listing_facts(it) for name, it in there.items()},
            {name: _told_listing_facts(it) for name, it in self._told.listings.items()},
        )
        for it in there.values():
            if it.asset is not None:
                wrong += self._claim(it.id, it.hold_id, (it.seller, it.asset, ids.ESCROW, it.amount))
        wrong += self._unclaimed_by("listing", lambda hold: hold[2] == ids.ESCROW)
        return verdict("escrow_holds_match", wrong, f"{len(there)} open listings and what is held for them")

    def rentals_match(self) -> Check:
        """Every rental is as it was agreed and not over; the tenant holds the right in favour of its owner."""
        wrong = self._damaged["rental"]
        wrong += _differences(
            "rental",
            {name: _rental_facts(it) for name, it in self._rentals.items()},
            {name: _told_rental_facts(it) for name, it in self._told.rentals.items()},
        )
        for it in self._rentals.values():
            if it.asset != LLM_BUDGET:
                wrong += self._claim(it.id, it.hold_id, (it.tenant, it.asset, it.owner, it.amount))
        return verdict("rentals_match", wrong, f"{len(self._rentals)} rentals under way")

    def bids_match(self) -> Check:
        """Every bid is as it was placed and not closed, and its amount is held in favour of the mint.

        Those that have won and await their scores are the ones whose submissions are kept.
        """
        wrong = self._damaged["bid"] + self._damaged["case"]
        wrong += _differences(
            "bid",
            {name: _bid_facts(it) for name, it in self._bids.items()},
            {name: _told_bid_facts(it) for name, it in self._told.bids.items()},
        )
        for it in self._bids.values():
            wrong += self._claim(it.id, it.hold_id, (it.bidder, SCRIP, ids.MINT, it.amount))
            if it.price is not None and it.price > it.amount:
                wrong.append(f"{it.id} has won at {it.price}, {it.amount} are held")
        won = {name: it.price for name, it in self._bids.items() if it.price is not None}
        wrong += _differences("price of", won, self._told.won)
        wrong += _differences(
            "submission for",
            {name: _case_facts(it) for name, it in self._cases.items()},
            {name: _told_case_facts(self._bids[name]) for name in won},
        )
        wrong += self._unclaimed_by("bid", lambda hold: hold[2] == ids.MINT)
        return verdict("bids_match", wrong, f"{len(self._bids)} bids before the mint")

    def _claim(self, what: str, hold_id: int, wanted: _Hold) -> list[str]:
        """Nothing, if the hold is pending, as wanted, and for nothing else."""
        found = self._unclaimed.pop(hold_id, None)
        return [] if found == wanted else [f"{what} needs {wanted} held, hold {hold_id} is {found}"]

    def _unclaimed_by(self, what: str, concerns: Callable[[_Hold], bool]) -> list[str]:
        lost = [hold_id for hold_id, hold in self._unclaimed.items() if concerns(hold)]
        return [f"hold {hold_id} of {self._unclaimed.pop(hold_id)} has no {what}" for hold_id in lost]

    def holds_claimed(self) -> Check:
        """What is held for none of these is held for a thought that was under way."""
        wrong = [
            f"hold {hold_id} of {hold} is for nothing"
            for hold_id, hold in self._unclaimed.items()
            if (hold[1], hold[2]) != (LLM_BUDGET, ids.SPENT)
        ]
        return verdict("holds_claimed", wrong, f"{len(self._pending)} pending holds, each for one thing")

    def delegations_match(self) -> Check:
        wrong = self._damaged["delegation"]
        wrong += _differences(
            "delegation",
            {name: _delegation_facts(it) for name, it in self._delegations.items()},
            {name: _told_delegation_facts(it) for name, it in self._told.delegations.items()},
        )
        return verdict("delegations_match", wrong, f"{len(self._delegations)} delegations in force")

    def contract_states_match(self) -> Check:
        """What a contract remembers is what it said when it allowed the last access."""
        wrong, states = [], 0
        for row in self._connection.execute(SQL["contract_states"]):
            name, state = cast(tuple[str, str], row)
            states += 1
            told = self._told.states.get(name)
            if told is None or told.state_sha256 != sha256(state.encode()).hexdigest():
                wrong.append(f"the contract of {name} remembers what it never said")
        return verdict("contract_states_match", wrong, f"{states} things that contracts remember")

    def issued(self) -> Iterator[Check]:
        """Scrip comes from genesis and the mint, everything else from genesis alone; nobody has what was not issued."""
        told = self._told
        supply: Counter[str] = Counter()
        homeless = []
        for row in self._connection.execute(SQL["holdings"]):
            asset, owner, balance, known = cast(tuple[str, str, int, int], row)
            if owner == ids.WORLD:
                supply[asset] -= balance
            elif (owner in (ids.ESCROW, ids.MINT) and balance) or not (known or owner in ids.RESERVED):
                homeless.append(f"{owner} has {balance} {asset}")
        wanted = told.granted[SCRIP] + told.minted
        wrong = [
            f"{who} was issued {odd} more than its bids say" for (who, _), odd in told.owed.items() if odd
        ]
        wrong += [f"{who} paid {odd} more than its bids say" for (who, _), odd in told.paid.items() if odd]
        if supply[SCRIP] != wanted:
            wrong.append(f"{supply[SCRIP]} scrip are there, {wanted} were granted and minted")
        yield verdict("supply_is_minted", wrong, f"{told.granted[SCRIP]} scrip granted, {told.minted} minted")
        others = sorted({*ASSETS, *supply, *told.granted} - {SCRIP})
        homeless += [
            f"{supply[asset]} {asset} are there, {told.granted[asset]} were granted"
            for asset in others
            if supply[asset] != told.granted[asset]
        ]
        yield verdict("rights_as_granted", homeless, f"{len(others)} rights, all of each somebody's")

    def quotas_respected(self) -> Check:
        """Nobody occupies more disk than it may use, unless genesis gave it less than its configuration needs."""
        rented: Counter[str] = Counter()
        for it in self._rentals.values():
            if it.asset == DISK:
                rented[it.tenant] += it.amount
        wrong = []
        for row in self._connection.execute(SQL["disk_borne"]):
            who, borne, configured, available = cast("tuple[str, int, int, int | None]", row)
            quota = (available or 0) + rented[who]
            if available is None or borne > max(quota, configured):
                wrong.append(f"{who} uses {borne} of {quota} bytes")
        return verdict("quotas_respected", wrong, "nobody occupies more disk than its quota")

    def system_ids_counted(self) -> Check:
        """The world has counted the ids that it gave to its own transfers, so it gives none twice."""
        counted = self._offices["world"].transfers if "world" in self._offices else 0
        first = ids.transfer_id(0, FIRST_SYSTEM_TURN, 0)
        used = cast(int, self._connection.execute(SQL["system_transfers"], (first, 1 << 40)).get)
        wrong = self._damaged["office"]
        if used > counted:
            wrong.append(f"{used} ids are used, {counted} are counted")
        return verdict("system_ids_counted", wrong, f"{used} transfers of the world's own")

    def flow_as_told(self) -> Check:
        """Tokens flow at the factor that the log last said."""
        there = self._offices.get("world", Office()).flow_ppm
        fine = f"tokens flow at {self._told.flow_ppm / 10_000:g} % of what the rights say"
        wrong = [] if there == self._told.flow_ppm else [f"{there} ppm, the log tells {self._told.flow_ppm}"]
        return verdict("flow_as_told", wrong, fine)


def _differences(what: str, there: Mapping[str, object], told: Mapping[str, object]) -> Iterator[str]:
    """What is there and was not told, or otherwise, or the other way round."""
    for name in sorted({*there, *told}):
        if there.get(name) != told.get(name):
            yield f"the {what} {name} is {there.get(name)}, the log tells {told.get(name)}"


# Facts of a record, and of the event that told of it, in the same order.


def _listing_facts(it: Listing) -> tuple[object, ...]:
    terms = (it.price, it.artifact, it.revision, it.asset, it.amount, it.rent_ms, it.buyer)
    return it.sequence, it.seller, it.listed_ns, *terms


def _told_listing_facts(it: ListingOpened) -> tuple[object, ...]:
    terms = (it.price, it.artifact_id, it.revision, it.asset, it.amount, it.rent_ms, it.buyer_id)
    return it.sequence, it.principal_id, it.time_ns, *terms


def _rental_facts(it: Rental) -> tuple[object, ...]:
    return it.sequence, it.asset, it.amount, it.owner, it.tenant, it.until_ns


def _told_rental_facts(it: RightRented) -> tuple[object, ...]:
    return it.sequence, it.asset, it.amount, it.owner_id, it.tenant_id, it.until_ns


def _bid_facts(it: Bid) -> tuple[object, ...]:
    return it.sequence, it.bidder, it.artifact, it.revision, it.amount


def _told_bid_facts(it: BidPlaced) -> tuple[object, ...]:
    return it.sequence, it.principal_id, it.artifact_id, it.revision, it.amount


def _case_facts(it: Case) -> tuple[object, ...]:
    return it.submission.bidder, it.submission.artifact, it.submission.revision


def _told_case_facts(it: Bid) -> tuple[object, ...]:
    return it.bidder, it.artifact, it.revision


def _delegation_facts(it: Delegation) -> tuple[object, ...]:
    return it.payer, it.charger, it.asset, it.max_per_call, it.max_per_window, it.window_ms


def _told_delegation_facts(it: DelegationGranted) -> tuple[object, ...]:
    return it.principal_id, it.charger_id, it.asset, it.max_per_call, it.max_per_window, it.window_ms
