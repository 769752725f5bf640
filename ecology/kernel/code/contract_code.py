"""Contracts in code: an executable's `check(caller, action, target, context, state)`.

    target   the artifact's card with its metadata
    context  now_ms, and what the access is about: method and args; to (and price); content_sha256, contract and alters
    state    what the contract keeps about this artifact; None at first

It answers true or false, or an object of `allowed` with any of `reason`, `scrip_cost`, `payer`, `recipient`,
`resource_payer` and `state_update`. Anything else denies the access. A check looks and does not act: what it reads
must cost nothing and leave no trace, and it reads in its own name, so that asking for access lends it no authority.
"""

from collections.abc import Mapping

import msgspec

from ecology.artifacts.artifact import Artifact, card
from ecology.core.clock import MILLISECOND_NS
from ecology.core.limits import MAX_AMOUNT
from ecology.core.outcome import Refused
from ecology.kernel import refusals
from ecology.kernel.agent import Agent, Principal
from ecology.kernel.batch import Turn
from ecology.kernel.code.functions import KernelFunctions
from ecology.kernel.code.running import Job, bearer_of, execute, too_deep
from ecology.kernel.contracts import CHECK, Access, Decision
from ecology.kernel.world import World
from ecology.sandbox.outcome import one_line

_KEYS = frozenset(Decision.__struct_fields__) - {"price", "state"} | {"scrip_cost", "state_update"}
_PASSED_ON = frozenset({refusals.TOO_DEEP, refusals.CPU_EXHAUSTED})


class _NoDecision(ValueError):
    """What a check answered is no decision."""


def judge(
    world: World,
    turn: Turn,
    contract: Artifact,
    access: Access,
    target: Artifact,
    context: Mapping[str, object],
) -> Decision | Refused:
    """The decision of a contract in code on the immediate caller's access; refused if it gives none.

    Changes nothing but the turn's tab. The CPU is the accessor's.
    """
    if deep := too_deep(world, turn):
        return deep
    bearer = bearer_of(world, turn, turn.agent, None, contract)
    if isinstance(bearer, Refused):
        return bearer
    arguments: dict[str, object] = {
        "caller": turn.actor.id,
        "action": access,
        "target": card(target) | {"metadata": target.metadata},
        "context": {"now_ms": turn.now_ns // MILLISECOND_NS, **context},
        "state": msgspec.json.decode(target.contract_state) if target.contract_state else None,
    }
    reader = world.principals.get(contract.id) or Principal(contract.id, {})
    job = Job(contract, CHECK, arguments, reader, None, KernelFunctions.of_check, looking=True)
    ran = execute(world, turn, job, bearer)
    if isinstance(ran, Refused):
        if ran.reason in _PASSED_ON:
            return ran
        return Refused(
            refusals.CONTRACT_FAILED, one_line(f"'{contract.id}' did not decide: {ran.reason}: {ran.detail}")
        )
    try:
        decision = _decision(world, ran.value)
    except _NoDecision as error:
        return Refused(refusals.CONTRACT_FAILED, one_line(f"'{contract.id}' did not decide: {error}"))
    most = world.laws.code.state_bytes
    if decision.allowed and decision.state is not None and len(decision.state.encode()) > most:
        return Refused(refusals.STATE_TOO_LARGE, f"a contract keeps at most {most} bytes about an artifact")
    return decision


def _decision(world: World, answer: object) -> Decision:
    """A check's answer, every part of it as it must be; raises _NoDecision."""
    if isinstance(answer, bool):
        return Decision(answer, reason="its contract says no")
    if not isinstance(answer, dict):
        raise _NoDecision("check answers true, false or an object")
    unknown = sorted(answer.keys() - _KEYS)
    if unknown:
        raise _NoDecision(f"an answer has no '{unknown[0]}'")
    allowed, reason = answer.get("allowed"), answer.get("reason", "")
    if not isinstance(allowed, bool):
        raise _NoDecision("'allowed' is true or false")
    if not isinstance(reason, str):
        raise _NoDecision("'reason' is text")
    price = answer.get("scrip_cost", 0)
    if type(price) is not int or not 0 <= price <= MAX_AMOUNT:
        raise _NoDecision("'scrip_cost' is a whole number from 0 to 2^63-1")
    state = None
    if "state_update" in answer:
        update = answer["state_update"]
        state = "" if update is None else msgspec.json.encode(update).decode()
    return Decision(
        allowed,
        reason=one_line(reason) or "its contract says no",
        price=price,
        payer=_named(world, answer, "payer"),
        recipient=_named(world, answer, "recipient"),
        resource_payer=_named(world, answer, "resource_payer", loop=True),
        state=state,
    )


def _named(world: World, answer: Mapping[str, object], key: str, *, loop: bool = False) -> str | None:
    name = answer.get(key)
    if name is None:
        return None
    principal = world.principals.get(name) if isinstance(name, str) else None
    if principal is None or (loop and not isinstance(principal, Agent)):
        raise _NoDecision(f"'{key}' names no {'agent' if loop else 'principal'}")
    return principal.id
