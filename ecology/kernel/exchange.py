"""transfer: scrip, rights in part, and the ownership of artifacts."""

from ecology.artifacts.artifact import AGENT_TYPE, Artifact
from ecology.core.limits import MAX_AMOUNT, MAX_MEMO_BYTES
from ecology.core.outcome import Committed, Outcome, Refused
from ecology.events.records import OwnershipMoved
from ecology.kernel import refusals
from ecology.kernel.access import perform
from ecology.kernel.actions import Transfer
from ecology.kernel.agent import Agent, Principal
from ecology.kernel.batch import Turn
from ecology.kernel.finding import find
from ecology.kernel.world import World
from ecology.resources.assets import DISK, UNITS
from ledger import Status as LedgerStatus


def transfer(world: World, turn: Turn, action: Transfer) -> Outcome:
    """Give an amount of an asset, or an artifact."""
    receiver = world.principals.get(action.to)
    if receiver is None:
        return Refused(refusals.UNKNOWN_PRINCIPAL, f"nobody named '{action.to[:64]}' has standing")
    if receiver is turn.actor:
        return Refused(refusals.SELF_DEALING, refusals.MEANING[refusals.SELF_DEALING])
    if "\0" in action.memo or (not action.memo.isascii() and not _is_unicode(action.memo)):
        return Refused(refusals.ARGUMENT_INVALID, "the memo is not valid Unicode, or has a NUL in it")
    if len(action.memo.encode()) > MAX_MEMO_BYTES:
        return Refused(refusals.TOO_LARGE, f"a memo is at most {MAX_MEMO_BYTES} bytes")
    if action.artifact is not None:
        return _hand_over(world, turn, receiver, action.artifact)
    return _pay(world, turn, receiver, action)


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _pay(world: World, turn: Turn, receiver: Principal, action: Transfer) -> Outcome:
    giver, asset, amount = turn.actor, action.asset, action.amount
    if asset not in UNITS:
        return Refused(refusals.UNKNOWN_ASSET, f"no asset '{asset[:64]}'; there are {', '.join(UNITS)}")
    if not 1 <= amount <= MAX_AMOUNT:
        return Refused(refusals.AMOUNT_INVALID, refusals.MEANING[refusals.AMOUNT_INVALID])
    available = world.disposable(giver, asset)
    if amount > available:
        return Refused(
            refusals.INSUFFICIENT, f"{available} {UNITS[asset]} of {asset} available, {amount} wanted"
        )
    if asset == DISK and amount > (free := world.disk_free(giver, own=True)):
        return Refused(refusals.QUOTA_IN_USE, f"only {free} bytes of its own quota are free")
    if not turn.may_move:
        return Refused(refusals.TOO_MANY, "one turn makes no more transfers than this")
    status = world.move(turn, giver, receiver, asset, amount, action.memo)
    assert status is LedgerStatus.CREATED, f"the ledger disagrees with its own balance: {status}"
    return Committed({"to": receiver.id, "asset": asset, "amount": amount})


def _hand_over(world: World, turn: Turn, receiver: Principal, artifact_id: str) -> Outcome:
    """Ownership moves, and the bytes with it: the receiver must have agreed and have room."""
    artifact = find(world, artifact_id)
    if isinstance(artifact, Refused):
        return artifact
    if artifact.type == AGENT_TYPE:
        return Refused(refusals.IS_PRINCIPAL, "an agent is nobody's to give")
    return perform(
        world,
        turn,
        "transfer",
        artifact,
        lambda: _give(world, turn, artifact, receiver),
        context=lambda: {"to": receiver.id},
    )


def _give(world: World, turn: Turn, artifact: Artifact, receiver: Principal) -> Outcome:
    accepted = receiver.config.accepts_from if isinstance(receiver, Agent) else []
    if turn.actor.id not in accepted and "*" not in accepted:
        return Refused(refusals.NOT_ACCEPTED, f"'{receiver.id}' accepts no artifacts from '{turn.actor.id}'")
    return move_artifact(world, turn, artifact, receiver)


def move_artifact(world: World, turn: Turn, artifact: Artifact, receiver: Principal) -> Outcome:
    """Ownership moves, and the bytes with it, to a receiver who has agreed; refused if there is no room for them."""
    bearer = world.principals[artifact.bearer]
    moved = bearer is not receiver
    if moved:
        if artifact.size_bytes > world.disk_free(receiver, own=artifact.permanent):
            return Refused(
                refusals.DISK_QUOTA, f"'{receiver.id}' has no room for {artifact.size_bytes} bytes"
            )
        world.charge_disk(bearer, -artifact.size_bytes)
        world.charge_disk(receiver, artifact.size_bytes)
    world.altering(artifact)
    giver = artifact.owner
    artifact.revision += 1
    world.shelf.move(artifact, receiver.id, turn.now_ns)
    event = OwnershipMoved(
        sequence=world.log.next_sequence,
        time_ns=turn.now_ns,
        principal_id=turn.actor.id,
        turn_id=turn.id,
        artifact_id=artifact.id,
        from_id=giver,
        to_id=receiver.id,
        revision=artifact.revision,
        size_bytes=artifact.size_bytes,
    )
    # Before the log tells of it: what follows from the event comes after it.
    world.tell(receiver, event)
    world.log.append(event)
    for agent in (bearer, receiver) if moved else (receiver,):
        world.reconsider(agent, DISK, turn.now_ns)
    return Committed({"to": receiver.id, "artifact": artifact.id, "revision": artifact.revision})
