"""query: kernel state by name. Looking is layered so that it is cheap: search, metadata, interface, then reading."""

from collections.abc import Callable
from copy import deepcopy

import msgspec

from ecology.artifacts.artifact import card
from ecology.artifacts.shelf import words_of
from ecology.core.outcome import Committed, Outcome, Refused
from ecology.kernel import refusals
from ecology.kernel.actions import Query
from ecology.kernel.agent import Agent
from ecology.kernel.arguments import Arguments, limit, number, text
from ecology.kernel.batch import Turn
from ecology.kernel.economy import mint
from ecology.kernel.finding import find
from ecology.kernel.market_inquiry import MARKET_QUERIES
from ecology.kernel.world import World
from ecology.resources.assets import ASSETS, SCRIP
from ecology.resources.flow import AS_GRANTED_PPM


def query(world: World, turn: Turn, action: Query) -> Outcome:
    """Answer by name; a page costs its own length."""
    known = _QUERIES.get(action.name)
    if known is None:
        return Refused(
            refusals.UNKNOWN_QUERY, f"no query '{action.name[:64]}'; there are {', '.join(_QUERIES)}"
        )
    accepted, answer = known
    for name, value in action.args.items():
        kind = accepted.get(name)
        if kind is None:
            return Refused(
                refusals.ARGUMENT_INVALID, f"'{action.name}' takes {', '.join(accepted) or 'no arguments'}"
            )
        if not isinstance(value, kind):
            return Refused(refusals.ARGUMENT_INVALID, f"'{name}' is of type {kind.__name__}")
    return answer(world, turn, action.args)


def _artifacts(world: World, turn: Turn, args: Arguments) -> Outcome:
    sought = (text(args, "words") or "").strip()
    words = words_of(sought)
    if sought and not words:
        return Refused(refusals.ARGUMENT_INVALID, "a word to search for has at least two of a-z and 0-9")
    found, cursor = world.shelf.page(
        type=text(args, "type"),
        owner=text(args, "owner"),
        words=words,
        before=number(args, "before", None),
        limit=limit(args),
    )
    data: dict[str, object] = {"artifacts": [card(artifact) for artifact in found]}
    if cursor is not None:
        data["before"] = cursor
    return Committed(data)


def _artifact(world: World, turn: Turn, args: Arguments) -> Outcome:
    artifact = find(world, text(args, "id") or "")
    if isinstance(artifact, Refused):
        return artifact
    data = card(artifact)
    data["depends_on"] = list(artifact.depends_on)
    data["metadata"] = dict(artifact.metadata)
    data["has_interface"] = artifact.interface is not None
    if artifact.contract_state:
        data["contract_state"] = msgspec.json.decode(artifact.contract_state)
    return Committed(data)


def _interface(world: World, turn: Turn, args: Arguments) -> Outcome:
    artifact = find(world, text(args, "id") or "")
    if isinstance(artifact, Refused):
        return artifact
    return Committed({"id": artifact.id, "interface": deepcopy(artifact.interface)})


def _principals(world: World, turn: Turn, args: Arguments) -> Outcome:
    after = number(args, "after", 0) or 0
    if after < 0:
        return Refused(refusals.ARGUMENT_INVALID, "'after' is 0 or the cursor of a page")
    end = after + limit(args)
    page = world.roster[after:end]
    data: dict[str, object] = {"principals": [agent.id for agent in page], "total": len(world.roster)}
    if end < len(world.roster):
        data["after"] = end
    return Committed(data)


def _principal(world: World, turn: Turn, args: Arguments) -> Outcome:
    principal = world.principals.get(text(args, "id") or "")
    if principal is None:
        return Refused(refusals.UNKNOWN_PRINCIPAL, "nobody of that name has standing")
    state = principal.status if isinstance(principal, Agent) else "account"
    return Committed({"id": principal.id, "state": state, "scrip": world.available(principal, SCRIP)})


def _self(world: World, turn: Turn, args: Arguments) -> Outcome:
    """Rights are what one can dispose of; what is rented can be used besides.

    Where tokens flow otherwise than the rights say, what really flows is said too.
    """
    actor = turn.actor
    data: dict[str, object] = {
        "id": actor.id,
        "rights": {asset: world.available(actor, asset) for asset in ASSETS},
        "rented": {
            asset: rented for asset in ASSETS if (rented := world.rentals.rented.get((actor.id, asset)))
        },
        "disk_used": actor.disk_used,
    }
    if isinstance(actor, Agent):
        data["llm_millitokens"] = actor.llm.refill(turn.now_ns)
        data["cpu_us"] = actor.cpu.refill(turn.now_ns)
        if world.offices.world.flow_ppm != AS_GRANTED_PPM:
            data["llm_flow"] = {"rate": actor.llm.rate, "capacity": actor.llm.capacity}
    return Committed(data)


def _subscriptions(world: World, turn: Turn, args: Arguments) -> Outcome:
    mine = world.subscriptions.of(turn.agent.id)
    return Committed(
        {"subscriptions": [{"id": it.subscription_id, "event_type": it.filter.event_type} for it in mine]}
    )


def _world(world: World, turn: Turn, args: Arguments) -> Outcome:
    return Committed(
        {
            "time_ms": turn.now_ns // 1_000_000,
            "agents": len(world.roster),
            "scrip_supply": world.supply(SCRIP),
        }
    )


_Answer = Callable[[World, Turn, Arguments], Outcome]
_QUERIES: dict[str, tuple[dict[str, type], _Answer]] = {
    "artifacts": ({"type": str, "owner": str, "words": str, "before": int, "limit": int}, _artifacts),
    "artifact": ({"id": str}, _artifact),
    "interface": ({"id": str}, _interface),
    "principals": ({"after": int, "limit": int}, _principals),
    "principal": ({"id": str}, _principal),
    "self": ({}, _self),
    "subscriptions": ({}, _subscriptions),
    **MARKET_QUERIES,
    "mint": ({}, mint.answer),
    "world": ({}, _world),
}
QUERY_NAMES: tuple[str, ...] = tuple(_QUERIES)
"""What there is to ask."""
