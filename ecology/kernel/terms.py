"""What an access that a contract allowed costs, and paying it."""

import hashlib

import msgspec

from ecology.artifacts.artifact import Artifact
from ecology.core.outcome import Refused
from ecology.events.economy import ContractStateChanged
from ecology.kernel import refusals
from ecology.kernel.agent import Agent, Principal
from ecology.kernel.batch import Turn
from ecology.kernel.contracts import Decision
from ecology.kernel.economy.delegation import charge, chargeable
from ecology.kernel.economy.holds import no_ids_left
from ecology.kernel.world import World
from ecology.resources.assets import DISK, SCRIP
from ledger import Status as LedgerStatus


class Terms(msgspec.Struct, frozen=True):
    """A decision with its names looked up: `price` goes from `payer` to `recipient`, 0 if they are one.

    `bearer` bears the CPU of what is invoked. `contract` is the id of the contract that set the terms, which keeps
    `state` (None: what it has) and decided knowing `known`.
    """

    contract: str
    price: int
    payer: Principal
    recipient: Principal
    bearer: Agent
    state: str | None
    known: str

    @property
    def free(self) -> bool:
        """Whether nothing is paid and nothing remembered."""
        return not self.price and self.state is None


def terms_of(world: World, turn: Turn, artifact: Artifact, decision: Decision) -> Terms:
    """The terms of a decision that allows an access; who is named in it exists."""
    payer = turn.actor if decision.payer is None else world.principals[decision.payer]
    recipient = world.principals[artifact.owner if decision.recipient is None else decision.recipient]
    return Terms(
        contract=artifact.contract,
        price=0 if payer is recipient else decision.price,
        payer=payer,
        recipient=recipient,
        bearer=turn.agent if decision.resource_payer is None else world.agents[decision.resource_payer],
        state=None if decision.state == artifact.contract_state else decision.state,
        known=artifact.contract_state,
    )


def price_fault(world: World, turn: Turn, terms: Terms, max_price: int | None) -> Refused | None:
    """Why the price cannot be paid, if there is one. Changes nothing."""
    price, payer = terms.price, terms.payer
    if not price:
        return None
    if max_price is not None and price > max_price:
        return Refused(refusals.PRICE_ABOVE_LIMIT, f"the price is {price} scrip, {max_price} was the limit")
    if payer is not turn.actor:
        if chargeable(world, payer.id, terms.contract, SCRIP, turn.now_ns) < price:
            return charge(world, turn, payer.id, terms.contract, SCRIP, price)  # which says what is missing
    elif turn.purse is not None and price > turn.purse.left:
        return Refused(
            refusals.ALLOWANCE_SPENT, f"the price is {price} scrip, {turn.purse.left} may still be moved"
        )
    available = world.available(payer, SCRIP)
    if price > available:
        whose = "" if payer is turn.actor else f" to '{payer.id}', who is to pay"
        return Refused(refusals.INSUFFICIENT, f"the price is {price} scrip, {available} available{whose}")
    return no_ids_left(turn)


def count_price(world: World, turn: Turn, terms: Terms) -> None:
    """Count a price without fault against whatever bounds it; inside a scope."""
    if terms.payer is not turn.actor:
        refused = charge(world, turn, terms.payer.id, terms.contract, SCRIP, terms.price)
        assert refused is None, f"what was chargeable is not: {refused}"
    elif turn.purse is not None:
        turn.purse.spend(terms.price)


def pay(world: World, turn: Turn, terms: Terms, memo: str) -> None:
    """Pay a price without fault at once; inside a scope."""
    if terms.price:
        count_price(world, turn, terms)
        status = world.move(turn, terms.payer, terms.recipient, SCRIP, terms.price, memo)
        assert status is LedgerStatus.CREATED, f"the ledger disagrees with its own balance: {status}"


def keep_state(world: World, turn: Turn, artifact: Artifact, terms: Terms) -> Refused | None:
    """Let the contract remember, unless it is the artifact's no longer; whoever bears the artifact bears this too."""
    state = terms.state
    if state is None or artifact.deleted or artifact.contract != terms.contract:
        return None
    if artifact.contract_state != terms.known:
        # What was invoked called back: to let both stand would lose what the inner call has left behind.
        return Refused(refusals.CONTRACT_FAILED, "what the contract decided on has changed during the call")
    bearer = world.principals[artifact.bearer]
    kept = state.encode()
    grown = len(kept) - len(artifact.contract_state.encode())
    if grown > 0 and grown > (free := world.disk_free(bearer, own=artifact.permanent)):
        return Refused(
            refusals.DISK_QUOTA,
            f"the contract wants {grown} more bytes of '{bearer.id}', {free} free",
        )
    world.altering(artifact)
    world.charge_disk(bearer, grown)
    artifact.contract_state = state
    world.shelf.resize(artifact, artifact.size_bytes + grown)
    world.log.append(
        ContractStateChanged(
            sequence=world.log.next_sequence,
            time_ns=turn.now_ns,
            principal_id=turn.actor.id,
            turn_id=turn.id,
            contract_id=terms.contract,
            artifact_id=artifact.id,
            state_bytes=len(kept),
            state_sha256=hashlib.sha256(kept).hexdigest(),
        )
    )
    world.reconsider(bearer, DISK, turn.now_ns)
    return None
