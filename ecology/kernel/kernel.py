"""Check, act, record: the one door through which anything in the world changes."""

from collections.abc import Callable
from typing import Any

import msgspec

from ecology.core.outcome import NOTHING, Committed, Outcome, Refused
from ecology.events.records import ActionTaken
from ecology.kernel import attention, authorship, exchange, inquiry, lineage, remembering
from ecology.kernel.actions import (
    NAME_OF,
    Action,
    Bid,
    Buy,
    Cancel,
    Configure,
    Delegate,
    Delete,
    Edit,
    Invoke,
    List,
    Message,
    Noop,
    Query,
    Read,
    Recall,
    Remember,
    Revoke,
    Sleep,
    Spawn,
    Subscribe,
    Transfer,
    Unsubscribe,
    Write,
)
from ecology.kernel.batch import Turn
from ecology.kernel.code import invocation
from ecology.kernel.economy import delegation, escrow, mint, sale
from ecology.kernel.world import World
from ecology.resources.costs import Charge

_Handler = Callable[[World, Turn, Any], Outcome]


def _do_nothing(world: World, turn: Turn, action: Noop) -> Outcome:
    return NOTHING


_HANDLERS: dict[type[msgspec.Struct], _Handler] = {
    Noop: _do_nothing,
    Read: authorship.read,
    Write: authorship.write,
    Edit: authorship.edit,
    Delete: authorship.delete,
    Transfer: exchange.transfer,
    Sleep: attention.sleep,
    Subscribe: attention.subscribe,
    Unsubscribe: attention.unsubscribe,
    Message: attention.message,
    Query: inquiry.query,
    Spawn: lineage.spawn,
    Configure: lineage.configure,
    Invoke: invocation.invoke,
    Bid: mint.bid,
    List: escrow.list_goods,
    Buy: sale.buy,
    Cancel: escrow.cancel,
    Delegate: delegation.delegate,
    Revoke: delegation.revoke,
    Remember: remembering.remember,
    Recall: remembering.recall,
}


class Kernel:
    """Performs actions on a world."""

    def __init__(self, world: World) -> None:
        self.world = world
        world.act = self._do
        escrow.watch_artifacts(world)
        remembering.follow(world)

    def act(self, turn: Turn, action: Action) -> Outcome:
        """Do it or refuse it. A refusal has changed nothing, but code that ran is paid for."""
        outcome = _HANDLERS[type(action)](self.world, turn, action)
        tab, turn.tab = turn.tab, None
        if tab is not None:
            tab.settle(self.world, turn)
        return outcome

    def _do(self, turn: Turn, action: Action) -> Outcome:
        return _HANDLERS[type(action)](self.world, turn, action)

    def record(self, turn: Turn, action: Action | None, outcome: Outcome, charge: Charge) -> None:
        """The event that closes a turn. `action` is None when the mind produced none."""
        agent, log = turn.agent, self.world.log
        committed = type(outcome) is Committed
        log.append(
            ActionTaken(
                sequence=log.next_sequence,
                time_ns=turn.now_ns,
                principal_id=agent.id,
                turn_id=turn.id,
                action=NAME_OF[type(action)] if action is not None else "none",
                outcome="committed" if committed else "refused",
                reason=outcome.reason if isinstance(outcome, Refused) else None,
                target=_target(action),
                llm_millitokens=charge.llm_millitokens,
                cpu_us=charge.cpu_us,
                waited_ns=charge.waited_ns,
                waited_on=charge.waited_on,
                llm_level_millitokens=agent.llm.level_nano // 1_000_000_000,
                cpu_level_us=agent.cpu.level_nano // 1_000_000_000,
            )
        )


_NAMED_BY: dict[type, str] = {
    Read: "artifact",
    Write: "artifact",
    Edit: "artifact",
    Delete: "artifact",
    Transfer: "to",
    Message: "to",
    Query: "name",
    Invoke: "artifact",
    Bid: "artifact",
    List: "artifact",
    Buy: "listing",
    Cancel: "listing",
    Delegate: "charger",
    Revoke: "charger",
    Recall: "of",
}
"""The field in which an action says what or whom it is about."""


def _target(action: Action | None) -> str | None:
    field = _NAMED_BY.get(type(action))
    if field is None:
        return None
    named = getattr(action, field)
    if named is None and isinstance(action, List):
        named = action.asset
    return None if named is None else _shown(named)


def _shown(name: str) -> str:
    """What was named, in a form that can be written down whatever was said."""
    name = name[:64]
    return name if name.isascii() else name.encode("utf-8", "replace").decode()
