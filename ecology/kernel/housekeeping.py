"""What the world does by itself because its time has come: rents that end, holds that expire, the mint's resolutions.

All of it is found in the registers and in the ledger, so a world taken up again knows what it has to do.
"""

from ecology.core.clock import NEVER_NS
from ecology.kernel.economy import mint
from ecology.kernel.economy.holds import announce_closed
from ecology.kernel.economy.renting import revert
from ecology.kernel.world import World


def due_ns(world: World) -> int:
    """When the world has something to do next; NEVER_NS for nothing that time alone brings about."""
    ends_ns, expires_ns = world.rentals.first_end_ns(), world.book.first_expiry_ns()
    return min(
        NEVER_NS if ends_ns is None else ends_ns,
        NEVER_NS if expires_ns is None else expires_ns,
        mint.due_ns(world),
    )


def keep_house(world: World, now_ns: int) -> bool:
    """Do what is due by `now_ns`; whether there was anything."""
    done = False
    for rental in world.rentals.ended(now_ns):
        revert(world, rental, now_ns)
        done = True
    for hold in world.book.expire(now_ns):
        announce_closed(world, None, now_ns, hold.id, "expired", 0)
        owner, asset = world.book.holder(hold.debit)
        holder = world.principals.get(owner)
        if holder is not None:
            world.rights_moved(holder, asset, now_ns)
        done = True
    if mint.due_ns(world) <= now_ns:
        mint.resolve(world, now_ns)
        done = True
    return done
