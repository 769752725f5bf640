"""bid, and the resolutions that choose among bids: the one way in which new scrip comes into the world.

A bid is a hold in favour of the mint. At a resolution the highest bids win and all pay the same, the highest losing bid
(Vickrey's auction for several units of one thing: Vickrey, "Counterspeculation, Auctions, and Competitive Sealed
Tenders", 1961), once a scorer has said what the artifact is worth. What was paid goes to the other families; what
the score is worth is issued. Whatever goes wrong on the way voids the hold, so that nobody paid.

Resolutions lie on a grid of times, `first_ns` and every `every_ns` after that; one that no bid awaits does not take
place, nor one at which winners still await their scores: then the bids wait for the next, so that a slow scorer never
has more than `slots` works before it.
"""

from collections.abc import Mapping
from copy import deepcopy
from heapq import nsmallest

import msgspec

from ecology.artifacts.artifact import AGENT_TYPE
from ecology.core import ids
from ecology.core.clock import MILLISECOND_NS, NEVER_NS
from ecology.core.limits import MAX_AMOUNT
from ecology.core.outcome import Committed, Outcome, Refused
from ecology.events.economy import BidPlaced, MintResolved
from ecology.kernel import refusals
from ecology.kernel.actions import Bid as BidAction
from ecology.kernel.batch import Turn
from ecology.kernel.economy.bids import Bid, Case
from ecology.kernel.economy.holds import no_ids_left, open_hold
from ecology.kernel.economy.novelty import Sketch, sketch_of
from ecology.kernel.economy.scoring import Submission, verdict_of
from ecology.kernel.economy.settlement import BID, close_unpaid, settle
from ecology.kernel.finding import find
from ecology.kernel.laws import MintLaw
from ecology.kernel.world import SYSTEM_KEY, World
from ecology.resources.assets import SCRIP

MAX_BIDS = 8
"""Bids that one principal may have before the mint at once."""

JUDGE_KEY = -1
"""The key on the clock of who awaits scores from outside: before the world's own and every agent's."""

_PRICES_KEPT = 8


def bid(world: World, turn: Turn, action: BidAction) -> Outcome:
    """Submit an artifact of one's own: the amount is held until it has lost, or won and been scored."""
    law, bidder, amount = world.laws.mint, turn.actor, action.amount
    if law.slots == 0:
        return Refused(refusals.NO_MINT, refusals.MEANING[refusals.NO_MINT])
    if not law.minimum <= amount <= MAX_AMOUNT:
        return Refused(refusals.AMOUNT_INVALID, f"a bid is a whole number from {law.minimum} to 2^63-1")
    artifact = find(world, action.artifact)
    if isinstance(artifact, Refused):
        return artifact
    if artifact.type == AGENT_TYPE:
        return Refused(refusals.IS_PRINCIPAL, "an agent is no work to be minted")
    if artifact.owner != bidder.id:
        return Refused(refusals.NOT_PERMITTED, f"'{artifact.id}' is {artifact.owner}'s to submit")
    if world.bids.of_artifact(artifact.id) is not None:
        return Refused(refusals.ALREADY_BID, refusals.MEANING[refusals.ALREADY_BID])
    if len(world.bids.of_bidder(bidder.id)) >= MAX_BIDS:
        return Refused(refusals.TOO_MANY, f"at most {MAX_BIDS} bids at once")
    available = world.available(bidder, SCRIP)
    if amount > available:
        return Refused(refusals.INSUFFICIENT, f"{available} scrip available, {amount} wanted")
    if exhausted := no_ids_left(turn):
        return exhausted
    hold_id = open_hold(world, turn, turn.now_ns, bidder, ids.MINT, SCRIP, amount, BID)
    sequence = world.log.next_sequence
    placed = Bid(f"bid-{sequence}", sequence, bidder.id, artifact.id, artifact.revision, amount, hold_id)
    if not world.bids.unresolved:
        world.wake(SYSTEM_KEY, _appoint_resolution(world, turn.now_ns))
    world.bids.put(placed)
    world.log.append(
        BidPlaced(
            sequence=sequence,
            time_ns=turn.now_ns,
            principal_id=bidder.id,
            turn_id=turn.id,
            bid_id=placed.id,
            artifact_id=placed.artifact,
            revision=placed.revision,
            amount=amount,
        )
    )
    resolves_ms = world.offices.world.next_resolution_ns // MILLISECOND_NS
    return Committed({"bid": placed.id, "amount": amount, "resolution_ms": resolves_ms})


# -- the resolution


def next_resolution_ns(law: MintLaw, now_ns: int) -> int:
    """The first time on the grid after `now_ns`: who bids at the very moment of a resolution is in the next one."""
    if now_ns < law.first_ns:
        return law.first_ns
    return law.first_ns + ((now_ns - law.first_ns) // law.every_ns + 1) * law.every_ns


def due_ns(world: World) -> int:
    """When the next resolution takes place; `NEVER_NS` while no bid awaits one."""
    return world.offices.world.next_resolution_ns if world.bids.unresolved else NEVER_NS


def resolve(world: World, now_ns: int) -> None:
    """Choose the winners of a resolution that is due, close what has lost, and score the winners if that is quick.

    Without a scorer in the world the winners wait for who brings their scores from outside, and that one is woken.
    While those of an earlier resolution do, this one is put off.
    """
    assert due_ns(world) <= now_ns, "a resolution comes when it is due"
    if world.bids.awaiting_score():
        _appoint_resolution(world, now_ns)
        return
    waiting = world.bids.awaiting_resolution()
    faults = {bid.id: why for bid in waiting if (why := _fault_of(world, bid))}
    valid = [bid for bid in waiting if bid.id not in faults]
    law = world.laws.mint
    ranked = nsmallest(law.slots + 1, valid, key=lambda bid: (-bid.amount, bid.sequence))
    winners = ranked[: law.slots]
    price = ranked[law.slots].amount if len(ranked) > law.slots else law.minimum
    if winners:
        _announce_resolution(world, len(valid), winners, price, now_ns)
    chosen = {bid.id for bid in winners}
    for bid in waiting:
        if bid.id not in chosen:
            close_unpaid(world, bid, "lost", faults.get(bid.id, "outbid"), now_ns)
    for bid in winners:
        _award(world, msgspec.structs.replace(bid, price=price, resolved_ns=now_ns))


def _appoint_resolution(world: World, now_ns: int) -> int:
    """Write down when the next resolution is."""
    resolves_ns = next_resolution_ns(world.laws.mint, now_ns)
    world.offices.put(msgspec.structs.replace(world.offices.world, next_resolution_ns=resolves_ns))
    return resolves_ns


def _announce_resolution(world: World, bids: int, winners: list[Bid], price: int, now_ns: int) -> None:
    office = world.offices.world
    number = office.resolutions + 1
    prices = (*office.prices, price)[-_PRICES_KEPT:]
    world.offices.put(msgspec.structs.replace(office, resolutions=number, prices=prices))
    world.log.append(
        MintResolved(
            sequence=world.log.next_sequence,
            time_ns=now_ns,
            principal_id=None,
            turn_id=None,
            number=number,
            bids=bids,
            winners=tuple(bid.id for bid in winners),
            price=price,
        )
    )


def _award(world: World, bid: Bid) -> None:
    """A bid has won: it is settled now, or its submission is kept for who scores from outside, and that one woken."""
    artifact = world.shelf.find(bid.artifact)
    assert artifact is not None, "its fault would have been found"
    content = world.shelf.contents.get(artifact.id)
    hashes = sketch_of(artifact.format, content)
    similarity, similar_to = world.sketches.nearest(hashes)
    world.sketches.remember(Sketch(bid.id, bid.sequence, artifact.id, hashes))
    world.bids.put(bid)
    submission = Submission(
        artifact=artifact.id,
        revision=artifact.revision,
        bidder=bid.bidder,
        type=artifact.type,
        format=artifact.format,
        title=artifact.title,
        depends_on=artifact.depends_on,
        metadata=dict(artifact.metadata),
        interface=deepcopy(artifact.interface),
        content=content,
        users=world.uses.others(artifact.id, world.family_of(bid.bidder)),
        similarity=similarity,
        similar_to=similar_to,
    )
    if world.scorer is not None:
        settle(world, bid, verdict_of(world.scorer, submission), bid.resolved_ns)
    else:
        world.docket.put(Case(bid.id, submission))
        world.wake(JUDGE_KEY, bid.resolved_ns)


def _fault_of(world: World, bid: Bid) -> str:
    """Why what was submitted is no longer there; empty if it is."""
    artifact = world.shelf.find(bid.artifact)
    assert artifact is not None, "names stay taken"
    if artifact.deleted:
        return "the artifact was deleted"
    if artifact.owner != bid.bidder:
        return "the artifact has changed hands"
    return "the artifact was changed" if artifact.revision != bid.revision else ""


# -- the query


def answer(world: World, turn: Turn, args: Mapping[str, object]) -> Outcome:
    """What anybody may know of the mint, and one's own bids; the others' are sealed. Takes no arguments."""
    law, office = world.laws.mint, world.offices.world
    if law.slots == 0:
        return Refused(refusals.NO_MINT, refusals.MEANING[refusals.NO_MINT])
    return Committed(
        {
            "slots": law.slots,
            "minimum": law.minimum,
            "divisor": law.divisor,
            "next_resolution_ms": next_resolution_ns(law, turn.now_ns) // MILLISECOND_NS,
            "resolutions": office.resolutions,
            "prices": list(office.prices),
            "last_price": office.prices[-1] if office.prices else None,
            "bids": world.bids.unresolved,
            "mine": [
                {
                    "bid": bid.id,
                    "artifact": bid.artifact,
                    "amount": bid.amount,
                    "won": bid.price is not None,
                }
                for bid in world.bids.of_bidder(turn.actor.id)
            ],
        }
    )
