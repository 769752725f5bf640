"""Asking an artifact's contract, paying what it asks for, and doing the deed: how everything is done to an artifact."""

from collections.abc import Callable

from ecology.artifacts.artifact import Artifact
from ecology.core.limits import MAX_AMOUNT
from ecology.core.outcome import Outcome, Refused
from ecology.kernel import refusals
from ecology.kernel.batch import Turn
from ecology.kernel.code.contract_code import judge
from ecology.kernel.contracts import ALLOWED, Access, Decision
from ecology.kernel.terms import Terms, keep_state, pay, price_fault, terms_of
from ecology.kernel.world import World

Context = Callable[[], dict[str, object]]
"""What a contract in code is told of an access; asked for only if there is one."""


def perform(
    world: World,
    turn: Turn,
    access: Access,
    artifact: Artifact,
    deed: Callable[[], Outcome],
    *,
    max_price: int | None = None,
    context: Context | None = None,
) -> Outcome:
    """Do a deed of the kernel's own to an artifact as its contract has it: price, deed and state, or none of them."""
    if max_price is not None and (fault := limit_fault(max_price)):
        return fault
    decision = decide(world, turn, access, artifact, context)
    if decision is ALLOWED:
        return deed()
    if not isinstance(decision, Decision):
        return decision
    terms = agree(world, turn, artifact, decision, max_price)
    if isinstance(terms, Refused):
        return terms
    if terms.free:
        return deed()
    with world.scope() as scope:
        pay(world, turn, terms, f"{access} {artifact.id}")
        outcome = deed()
        if isinstance(outcome, Refused):
            scope.roll_back()
            return outcome
        if refused := keep_state(world, turn, artifact, terms):
            scope.roll_back()
            return refused
    return outcome


def limit_fault(max_price: int | None) -> Refused | None:
    """What is wrong with the most that somebody is willing to pay; None is whatever it costs."""
    if max_price is None or 0 <= max_price <= MAX_AMOUNT:
        return None
    return Refused(refusals.ARGUMENT_INVALID, "max_price is 0 to 2^63-1, or left out")


def decide(
    world: World, turn: Turn, access: Access, artifact: Artifact, context: Context | None = None
) -> Decision | Refused:
    """The decision of the artifact's contract if it allows the access, or its refusal."""
    contract = world.contracts.resolve(artifact.contract)
    if isinstance(contract, Artifact):
        told = {} if context is None else context()
        decision = judge(world, turn, contract, access, artifact, told)
        if isinstance(decision, Refused):
            return decision
    else:
        decision = contract.check(turn.actor.id, access, artifact)
    return decision if decision.allowed else Refused(refusals.NOT_PERMITTED, decision.reason)


def agree(
    world: World, turn: Turn, artifact: Artifact, decision: Decision, max_price: int | None
) -> Terms | Refused:
    """The terms of a decision, if the caller can and will accept them. Changes nothing."""
    terms = terms_of(world, turn, artifact, decision)
    if turn.looking and terms.state is not None:
        return Refused(refusals.NOT_PERMITTED, "a check only looks, and its contract would remember this")
    return price_fault(world, turn, terms, max_price) or terms
