"""Amounts set aside until something is decided: holds of the ledger with their events, by a turn or by the world.

Callers have looked whether there is enough: a hold that the ledger does not make or close is a bug.
"""

from ecology.core.outcome import Refused
from ecology.events.records import HoldClosed, HoldOpened
from ecology.kernel import refusals
from ecology.kernel.agent import Principal
from ecology.kernel.batch import Turn
from ecology.kernel.world import World
from ledger import Kind, Status, Transfer


def no_ids_left(turn: Turn) -> Refused | None:
    """Refused if the turn has no ids left for one more deed of up to four transfers."""
    if turn.may_move:
        return None
    return Refused(refusals.TOO_MANY, "one turn makes no more transfers than this")


def open_hold(
    world: World,
    turn: Turn | None,
    now_ns: int,
    holder: Principal,
    favoured: str,
    asset: str,
    amount: int,
    memo: str,
) -> int:
    """Set an amount of `holder`'s aside in favour of somebody, who may be the world's own; the hold's id."""
    hold_id = _next_id(world, turn)
    status = world.book.apply(
        Transfer(
            id=hold_id,
            kind=Kind.HOLD,
            debit=holder.accounts[asset],
            credit=world.book.open_account(favoured, asset),
            amount=amount,
            time_ns=now_ns,
            memo=memo,
        )
    )
    assert status is Status.CREATED, f"the ledger disagrees with its own balance: {status}"
    world.log.append(
        HoldOpened(
            sequence=world.log.next_sequence,
            time_ns=now_ns,
            principal_id=None if turn is None else turn.actor.id,
            turn_id=None if turn is None else turn.id,
            transfer_id=hold_id,
            asset=asset,
            from_id=holder.id,
            to_id=favoured,
            amount=amount,
            memo=memo,
        )
    )
    world.rights_moved(holder, asset, now_ns)
    return hold_id


def void_hold(
    world: World, turn: Turn | None, now_ns: int, holder: Principal, asset: str, hold_id: int
) -> None:
    """Let the holder have it again."""
    status = world.book.apply(
        Transfer(_next_id(world, turn), Kind.VOID, 0, 0, 0, pending_id=hold_id, time_ns=now_ns)
    )
    assert status is Status.CREATED, f"a hold was lost: {status}"
    announce_closed(world, turn, now_ns, hold_id, "voided", 0)
    world.rights_moved(holder, asset, now_ns)


def post_hold(
    world: World,
    turn: Turn | None,
    now_ns: int,
    holder: Principal,
    favoured: str,
    asset: str,
    amount: int,
    hold_id: int,
    memo: str,
) -> None:
    """Give an amount of a hold to whom it was set aside for; the holder has the rest again."""
    transfer_id = _next_id(world, turn)
    status = world.book.apply(
        Transfer(transfer_id, Kind.POST, 0, 0, amount, pending_id=hold_id, time_ns=now_ns, memo=memo)
    )
    assert status is Status.CREATED, f"a hold was lost: {status}"
    announce_closed(world, turn, now_ns, hold_id, "posted", amount)
    who, when = (None, None) if turn is None else (turn.actor.id, turn.id)
    world.announce_transfer(now_ns, who, when, transfer_id, asset, holder.id, favoured, amount, memo)


def announce_closed(
    world: World, turn: Turn | None, now_ns: int, hold_id: int, how: str, amount: int
) -> None:
    """The event of a hold's end: `how` is posted, voided or expired, `amount` what moved."""
    world.log.append(
        HoldClosed(
            sequence=world.log.next_sequence,
            time_ns=now_ns,
            principal_id=None if turn is None else turn.actor.id,
            turn_id=None if turn is None else turn.id,
            transfer_id=hold_id,
            how=how,
            amount=amount,
        )
    )


def _next_id(world: World, turn: Turn | None) -> int:
    return world.next_system_transfer_id() if turn is None else turn.next_transfer_id()
