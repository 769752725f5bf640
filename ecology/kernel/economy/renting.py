"""Letting a right for a time, and its way back.

Disk that goes back is cleared first: what its tenant can no longer bear is deleted, or renting for a second would be
storage for ever.
"""

from ecology.core.clock import MILLISECOND_NS
from ecology.events.economy import RightRented, RightReverted
from ecology.kernel.agent import Principal
from ecology.kernel.authorship import erase
from ecology.kernel.batch import Turn
from ecology.kernel.economy.holds import open_hold, post_hold
from ecology.kernel.economy.listings import Listing
from ecology.kernel.economy.rentals import Rental
from ecology.kernel.world import World
from ecology.resources.assets import DISK, LLM_BUDGET
from ledger import Status


def let(world: World, turn: Turn, listing: Listing, owner: Principal, tenant: Principal) -> Rental:
    """The tenant gets the right and, unless it is a budget, holds it in favour of its owner from the start.

    What was listed is available to its owner again when this is called. The rental has the name of the listing.
    """
    assert listing.asset is not None
    asset, amount, now_ns = listing.asset, listing.amount, turn.now_ns
    status = world.move(turn, owner, tenant, asset, amount, listing.id)
    assert status is Status.CREATED, f"what was held for a sale is not there: {status}"
    hold_id = 0
    if asset != LLM_BUDGET:
        hold_id = open_hold(world, turn, now_ns, tenant, owner.id, asset, amount, listing.id)
    rental = Rental(
        id=listing.id,
        sequence=world.log.next_sequence,
        asset=asset,
        amount=amount,
        owner=owner.id,
        tenant=tenant.id,
        until_ns=now_ns + listing.rent_ms * MILLISECOND_NS,
        hold_id=hold_id,
    )
    world.rentals.put(rental)
    world.rights_moved(tenant, asset, now_ns)
    world.log.append(
        RightRented(
            sequence=rental.sequence,
            time_ns=now_ns,
            principal_id=turn.actor.id,
            turn_id=turn.id,
            rental_id=rental.id,
            asset=asset,
            amount=amount,
            owner_id=owner.id,
            tenant_id=tenant.id,
            until_ns=rental.until_ns,
        )
    )
    return rental


def revert(world: World, rental: Rental, now_ns: int) -> None:
    """The rent is over: the right goes back to its owner, of a budget what is left of it. Both are told."""
    tenant, owner = world.principals[rental.tenant], world.principals[rental.owner]
    world.rentals.drop(rental.id)
    if rental.asset == DISK:
        _clear(world, tenant, now_ns)
    with world.scope():
        if rental.hold_id:
            amount = rental.amount
            post_hold(world, None, now_ns, tenant, owner.id, rental.asset, amount, rental.hold_id, rental.id)
        else:
            amount = min(rental.amount, world.available(tenant, rental.asset))
            if amount:
                _give_back(world, rental, tenant, owner, amount, now_ns)
        event = RightReverted(
            sequence=world.log.next_sequence,
            time_ns=now_ns,
            principal_id=None,
            turn_id=None,
            rental_id=rental.id,
            asset=rental.asset,
            amount=amount,
            owner_id=owner.id,
            tenant_id=tenant.id,
        )
        world.announce(event, tenant, owner)


def _clear(world: World, tenant: Principal, now_ns: int) -> None:
    """Delete what a tenant wrote last until the rest fits its quota without the rent.

    What is permanent stays; it was never put on rented disk.

    Before the disk goes back, so that no event leaves more occupied than there is; and not in one scope with it, so
    that what follows from one deletion (a listing that goes stale) is told before the next.
    """
    while world.disk_free(tenant) < 0 and (artifact := world.shelf.written_last(tenant.id)) is not None:
        erase(world, None, now_ns, artifact)


def _give_back(
    world: World, rental: Rental, tenant: Principal, owner: Principal, amount: int, now_ns: int
) -> None:
    transfer_id = world.next_system_transfer_id()
    debit, credit = tenant.accounts[rental.asset], owner.accounts[rental.asset]
    status = world.book.transfer(transfer_id, debit, credit, amount, now_ns, rental.id)
    assert status is Status.CREATED, f"the ledger disagrees with its own balance: {status}"
    world.announce_transfer(
        now_ns, None, None, transfer_id, rental.asset, tenant.id, owner.id, amount, rental.id
    )
