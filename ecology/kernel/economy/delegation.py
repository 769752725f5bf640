"""delegate, revoke, and charging by consent: no contract names a payer that has not agreed, and only within bounds."""

import msgspec

from ecology.core.clock import MILLISECOND_NS, SECOND_NS
from ecology.core.limits import MAX_AMOUNT, MAX_SLEEP_NS
from ecology.core.outcome import Committed, Outcome, Refused
from ecology.events.economy import DelegationGranted, DelegationRevoked
from ecology.kernel import refusals
from ecology.kernel.actions import Delegate, Revoke
from ecology.kernel.batch import Turn
from ecology.kernel.economy.delegations import DELEGABLE, Delegation, delegation_id
from ecology.kernel.finding import find
from ecology.kernel.world import World

MAX_DELEGATIONS = 64
"""How many delegations a payer has at a time."""

MIN_WINDOW_MS = SECOND_NS // MILLISECOND_NS
MAX_WINDOW_MS = MAX_SLEEP_NS // MILLISECOND_NS


def delegate(world: World, turn: Turn, action: Delegate) -> Outcome:
    """Let a contract charge oneself. What it charged in the window that is open counts under new bounds too."""
    if fault := _fault(action):
        return fault
    payer = turn.actor
    charger = find(world, action.charger)
    if isinstance(charger, Refused):
        return charger
    if charger.id == payer.id:
        return Refused(refusals.SELF_DEALING, "whoever charges itself pays nobody")
    name = delegation_id(payer.id, charger.id, action.asset)
    former = world.delegations.get(name)
    if former is None and len(world.delegations.of_payer(payer.id)) >= MAX_DELEGATIONS:
        return Refused(refusals.TOO_MANY, f"at most {MAX_DELEGATIONS} delegations at a time")
    world.delegations.put(
        Delegation(
            id=name,
            payer=payer.id,
            charger=charger.id,
            asset=action.asset,
            max_per_call=action.max_per_call,
            max_per_window=action.max_per_window,
            window_ms=action.window_ms,
            window_start_ns=former.window_start_ns if former is not None else 0,
            spent=former.spent if former is not None else 0,
        )
    )
    world.log.append(
        DelegationGranted(
            sequence=world.log.next_sequence,
            time_ns=turn.now_ns,
            principal_id=payer.id,
            turn_id=turn.id,
            charger_id=charger.id,
            asset=action.asset,
            max_per_call=action.max_per_call,
            max_per_window=action.max_per_window,
            window_ms=action.window_ms,
        )
    )
    return Committed({"charger": charger.id, "asset": action.asset})


def _fault(action: Delegate) -> Refused | None:
    if action.asset not in DELEGABLE:
        return Refused(refusals.UNKNOWN_ASSET, f"what can be delegated is {' and '.join(DELEGABLE)}")
    for amount in (action.max_per_call, action.max_per_window):
        if not 1 <= amount <= MAX_AMOUNT:
            return Refused(refusals.AMOUNT_INVALID, refusals.MEANING[refusals.AMOUNT_INVALID])
    if action.max_per_call > action.max_per_window:
        return Refused(refusals.ARGUMENT_INVALID, "a call may not charge more than a window")
    if not MIN_WINDOW_MS <= action.window_ms <= MAX_WINDOW_MS:
        return Refused(refusals.ARGUMENT_INVALID, f"window_ms is {MIN_WINDOW_MS} to {MAX_WINDOW_MS}")
    return None


def revoke(world: World, turn: Turn, action: Revoke) -> Outcome:
    """End a delegation at once: the next charge under it is refused."""
    if action.asset not in DELEGABLE:
        return Refused(refusals.UNKNOWN_ASSET, f"what can be delegated is {' and '.join(DELEGABLE)}")
    name = delegation_id(turn.actor.id, action.charger, action.asset)
    delegation = world.delegations.get(name)
    if delegation is None:
        return Refused(refusals.NOT_FOUND, f"no delegation of {action.asset} to '{action.charger[:64]}'")
    world.delegations.drop(name)
    world.log.append(
        DelegationRevoked(
            sequence=world.log.next_sequence,
            time_ns=turn.now_ns,
            principal_id=turn.actor.id,
            turn_id=turn.id,
            charger_id=delegation.charger,
            asset=delegation.asset,
        )
    )
    return Committed({"charger": delegation.charger, "asset": delegation.asset})


def charge(world: World, turn: Turn, payer: str, charger: str, asset: str, amount: int) -> Refused | None:
    """Count `amount` of an asset that the contract `charger` takes from `payer`; a refusal counts nothing.

    `asset` is one of DELEGABLE, `amount` at least 0: what costs nothing needs no consent. Whoever charges moves the
    amount too; a scope that is rolled back takes the count back.
    """
    assert amount >= 0 and asset in DELEGABLE, f"{amount} {asset} cannot be charged"
    if not amount:
        return None
    delegation = world.delegations.get(delegation_id(payer, charger, asset))
    if delegation is None:
        return Refused(
            refusals.NOT_DELEGATED, f"'{payer[:64]}' has not delegated {asset} to '{charger[:64]}'"
        )
    if amount > delegation.max_per_call:
        return Refused(
            refusals.NOT_DELEGATED,
            f"'{payer}' lets '{charger}' charge {delegation.max_per_call} {asset} per call, {amount} wanted",
        )
    spent = spent_in_window(delegation, turn.now_ns)
    if spent + amount > delegation.max_per_window:
        return Refused(
            refusals.NOT_DELEGATED,
            f"'{payer}' lets '{charger}' charge {delegation.max_per_window} {asset} per window, "
            f"{spent} are spent, {amount} wanted",
        )
    world.delegations.put(
        msgspec.structs.replace(
            delegation,
            window_start_ns=delegation.window_start_ns if spent else turn.now_ns,
            spent=spent + amount,
        )
    )
    return None


def chargeable(world: World, payer: str, charger: str, asset: str, now_ns: int) -> int:
    """The most that the next call of `charge` would count; 0 without a delegation."""
    delegation = world.delegations.get(delegation_id(payer, charger, asset))
    if delegation is None:
        return 0
    left = delegation.max_per_window - spent_in_window(delegation, now_ns)
    return max(0, min(delegation.max_per_call, left))


def spent_in_window(delegation: Delegation, now_ns: int) -> int:
    """What was charged in the window that is open at `now_ns`; 0 if none is."""
    closes_ns = delegation.window_start_ns + delegation.window_ms * MILLISECOND_NS
    return delegation.spent if now_ns < closes_ns else 0
