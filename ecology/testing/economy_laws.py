"""What is true of every economy between two turns: what is set aside for what, who has what, what is indexed."""

from collections.abc import Callable, Iterator
from typing import Any, cast

from ecology.core import ids
from ecology.kernel.agent import Agent
from ecology.kernel.register import Register
from ecology.kernel.world import World
from ecology.resources.assets import LLM_BUDGET, SCRIP
from ledger import Transfer

_THOUGHT_STEP = ids.MAX_STEPS - 1
_PER_REGISTER = ("undo", "_changed", "_decode")
"""What belongs to a register's work and not to what it keeps."""


def broken_economy_laws(world: World) -> Iterator[str]:
    """One line for each law that does not hold between two turns."""
    yield from _nothing_open(world)
    yield from _holds(world)
    yield from _for_sale(world)
    yield from _before_the_mint(world)
    yield from _registers(world)
    yield from _owners(world)


def _nothing_open(world: World) -> Iterator[str]:
    journal = world.journal
    if journal.open_scopes or journal.undo or journal.later or world.log.later is not None:
        yield "a scope was left open"
    if any(register.undo is not None for register in world.registers):
        yield "a register still keeps an undo log"


def _holds(world: World) -> Iterator[str]:
    """Every pending hold is for exactly one thing, and everything that needs a hold has it."""
    wanted: dict[int, tuple[str, int, int, int]] = {}
    for what, hold_id, debit, credit, amount in _claims(world):
        if hold_id in wanted:
            yield f"hold {hold_id} is for {what} and for {wanted[hold_id][0]}"
        wanted[hold_id] = (what, debit, credit, amount)
    for hold in world.book.pending():
        claim = wanted.pop(hold.id, None)
        if claim is None:
            if not _is_thought(world, hold):
                yield f"hold {hold.id} of {hold.amount} ({hold.memo}) is for nothing"
        elif claim[1:] != (hold.debit, hold.credit, hold.amount):
            yield f"{claim[0]} wants {claim[1:]} held, hold {hold.id} is {hold}"
    for hold_id, (what, *_) in wanted.items():
        yield f"{what} has no pending hold {hold_id}"


def _claims(world: World) -> Iterator[tuple[str, int, int, int, int]]:
    """What, hold, debited account, credited account, amount."""
    book, principals = world.book, world.principals
    for listing in world.listings:
        if listing.asset is not None:
            escrow = book.account_id(ids.ESCROW, listing.asset) or 0
            debit = principals[listing.seller].accounts[listing.asset]
            yield listing.id, listing.hold_id, debit, escrow, listing.amount
    for rental in world.rentals:
        if rental.asset != LLM_BUDGET:
            tenant, owner = (
                principals[name].accounts[rental.asset] for name in (rental.tenant, rental.owner)
            )
            yield rental.id, rental.hold_id, tenant, owner, rental.amount
    for bid in world.bids:
        mint = book.account_id(ids.MINT, SCRIP) or 0
        yield bid.id, bid.hold_id, principals[bid.bidder].accounts[SCRIP], mint, bid.amount


def _is_thought(world: World, hold: Transfer) -> bool:
    """Whether it is the hold of the present turn of an agent that thinks."""
    ordinal, rest = divmod(hold.id, 1 << 40)
    turn, step = divmod(rest, ids.MAX_STEPS)
    if not 1 <= ordinal <= len(world.roster) or step != _THOUGHT_STEP:
        return False
    agent = world.roster[ordinal - 1]
    return hold.debit == agent.accounts[LLM_BUDGET] and turn == agent.turn


def _for_sale(world: World) -> Iterator[str]:
    for listing in world.listings:
        if listing.asset is not None and (listing.stale or listing.amount < 1):
            yield f"{listing.id} of {listing.amount} {listing.asset} is stale or empty"
        if listing.artifact is None or listing.stale:
            continue
        artifact = world.shelf.find(listing.artifact)
        if (
            artifact is None
            or artifact.deleted
            or (artifact.revision, artifact.owner) != (listing.revision, listing.seller)
        ):
            yield f"{listing.id} offers {listing.artifact}, which is not what was listed"
        if world.listings.of_artifact(listing.artifact) is not listing:
            yield f"{listing.artifact} is listed twice"
    for rental in world.rentals:
        if rental.owner == rental.tenant or rental.amount < 1:
            yield f"{rental.id} lets {rental.amount} to {rental.tenant}"
    for delegation in world.delegations:
        if delegation.payer not in world.principals or delegation.spent < 0:
            yield f"{delegation.id} has spent {delegation.spent}"


def _before_the_mint(world: World) -> Iterator[str]:
    """Winners without a score are as many as there are slots at most, and what is to be scored of each is kept."""
    winners = {bid.id: (bid.artifact, bid.revision, bid.bidder) for bid in world.bids.awaiting_score()}
    kept = {
        case.id: (case.submission.artifact, case.submission.revision, case.submission.bidder)
        for case in world.docket
    }
    if winners != kept:
        yield f"{winners} await their scores, kept are {kept}"
    if len(winners) > world.laws.mint.slots:
        yield f"{len(winners)} winners await their scores, there are {world.laws.mint.slots} slots"


def _registers(world: World) -> Iterator[str]:
    """Every index is what it would be if the records had just been put there."""
    for register in world.registers:
        if _kept(_filed_anew(register)) != _kept(register):
            yield f"the indexes of the {register.kind}s are not those of its records"


def _filed_anew(register: Register[Any]) -> Register[Any]:
    fresh = cast("Callable[[], Register[Any]]", type(register))()  # each makes itself
    for record in register:
        fresh.put(record)
    return fresh


def _kept(register: object) -> dict[str, Any]:
    return {name: value for name, value in vars(register).items() if name not in _PER_REGISTER}


def _owners(world: World) -> Iterator[str]:
    """Whatever was issued is somebody's: a principal's, or where the world itself keeps it."""
    for _, owner, asset, issuer, balance, held in world.book.accounts():
        if issuer:
            if owner != ids.WORLD or held:
                yield f"{owner} issues {asset} and holds {held} of it"
        elif owner in (ids.ESCROW, ids.MINT) and balance:
            yield f"{owner} keeps {balance} {asset} that are nobody's"
        elif owner not in world.principals and owner not in ids.RESERVED:
            yield f"{owner} has {balance} {asset} and no standing"
    for name, principal in world.principals.items():
        artifact = world.shelf.find(name)
        standing = artifact is not None and artifact.standing
        if principal.id != name or isinstance(principal, Agent) == standing:
            yield f"{name} is a principal, its artifact is {artifact}"
