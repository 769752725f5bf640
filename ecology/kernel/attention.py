"""sleep, subscribe, unsubscribe, message: what an agent waits for and whom it tells."""

import msgspec

from ecology.core.clock import MILLISECOND_NS
from ecology.core.limits import (
    MAX_FILTER_BYTES,
    MAX_MESSAGE_BYTES,
    MAX_PREDICATES,
    MAX_SLEEP_NS,
    MAX_SUBSCRIPTIONS,
)
from ecology.core.outcome import Committed, Outcome, Refused
from ecology.events.records import MessageSent, SubscriptionAdded, SubscriptionRemoved
from ecology.events.subscriptions import EventFilter, Subscription, fault
from ecology.kernel import refusals
from ecology.kernel.actions import Message, Sleep, Subscribe, Unsubscribe
from ecology.kernel.batch import Turn
from ecology.kernel.sleepers import sleep_subscription
from ecology.kernel.world import World

STATE_FIELDS = ("scrip", "disk_free", "llm_tokens", "llm_budget", "inbox")
STATE_OPERATORS = ("ge", "le")


def sleep(world: World, turn: Turn, action: Sleep) -> Outcome:
    """Fall asleep. The event one sleeps for is a subscription that lasts as long as the sleep."""
    duration_ns = action.duration_ms * MILLISECOND_NS
    if not 0 < duration_ns <= MAX_SLEEP_NS:
        return Refused(refusals.ARGUMENT_INVALID, f"duration_ms is 1 to {MAX_SLEEP_NS // MILLISECOND_NS}")
    if action.until is not None:
        if action.until.field not in STATE_FIELDS:
            return Refused(refusals.UNKNOWN_OPERATOR, f"a condition is over one of {', '.join(STATE_FIELDS)}")
        if action.until.op not in STATE_OPERATORS:
            return Refused(
                refusals.UNKNOWN_OPERATOR, f"a condition's operator is {' or '.join(STATE_OPERATORS)}"
            )
        if abs(action.until.value) >= 2**63:
            return Refused(refusals.ARGUMENT_INVALID, "a condition compares with a 64-bit number")
    if action.event is not None and (why := _filter_fault(action.event)):
        return why
    agent = turn.agent
    agent.sleep = action
    if action.until is not None and world.satisfied(agent, turn.now_ns):
        agent.sleep = None
        return Committed({"slept_ms": 0})
    if action.event is not None:
        world.subscribe(Subscription(sleep_subscription(agent.id, agent.turn), agent.id, action.event))
    until_ns = turn.now_ns + duration_ns
    agent.wake_ns = agent.due_ns = until_ns
    # Every other condition is looked at when something changes it.
    ready_ns = world.awaited_tokens_ns(agent, turn.now_ns)
    if ready_ns is not None:
        agent.wake_ns = min(until_ns, ready_ns)
    world.set_status(agent, "asleep", "sleep", turn.now_ns, until_ns)
    return Committed({"until_ns": until_ns})


def subscribe(world: World, turn: Turn, action: Subscribe) -> Outcome:
    """Be told of events from now on, asleep or awake."""
    if len(world.subscriptions.of(turn.agent.id)) >= MAX_SUBSCRIPTIONS:
        return Refused(refusals.TOO_MANY, f"at most {MAX_SUBSCRIPTIONS} subscriptions")
    wanted = EventFilter(action.event_type, action.where)
    if why := _filter_fault(wanted):
        return why
    subscription = Subscription(turn.id, turn.agent.id, wanted)
    world.subscribe(subscription)
    world.log.append(
        SubscriptionAdded(
            sequence=world.log.next_sequence,
            time_ns=turn.now_ns,
            principal_id=turn.agent.id,
            turn_id=turn.id,
            subscription_id=subscription.subscription_id,
            event_type=action.event_type,
        )
    )
    return Committed({"subscription": subscription.subscription_id})


def unsubscribe(world: World, turn: Turn, action: Unsubscribe) -> Outcome:
    """End a subscription of one's own."""
    subscription = world.subscriptions.get(action.subscription)
    if subscription is None or subscription.principal_id != turn.agent.id:
        return Refused(refusals.NOT_FOUND, "you have no such subscription")
    world.unsubscribe(action.subscription)
    world.log.append(
        SubscriptionRemoved(
            sequence=world.log.next_sequence,
            time_ns=turn.now_ns,
            principal_id=turn.agent.id,
            turn_id=turn.id,
            subscription_id=action.subscription,
        )
    )
    return Committed({"subscription": action.subscription})


def message(world: World, turn: Turn, action: Message) -> Outcome:
    """Put a text into another's inbox and wake it."""
    receiver = world.agents.get(action.to)
    if receiver is None:
        return Refused(refusals.UNKNOWN_PRINCIPAL, f"nobody named '{action.to[:64]}' has standing")
    if receiver is turn.agent:
        return Refused(refusals.SELF_DEALING, "a message to oneself is a thought")
    try:
        size = len(action.text.encode())
    except UnicodeEncodeError:
        return Refused(refusals.ARGUMENT_INVALID, "the text is not valid Unicode")
    if size > MAX_MESSAGE_BYTES:
        return Refused(refusals.TOO_LARGE, f"a message is at most {MAX_MESSAGE_BYTES} bytes")
    event = MessageSent(
        sequence=world.log.next_sequence,
        time_ns=turn.now_ns,
        principal_id=turn.agent.id,
        turn_id=turn.id,
        to_id=receiver.id,
        text=action.text,
    )
    world.log.append(event)
    world.deliver(receiver, event)
    return Committed({"to": receiver.id})


def _filter_fault(wanted: EventFilter) -> Refused | None:
    if len(wanted.where) > MAX_PREDICATES:
        return Refused(refusals.TOO_MANY, f"at most {MAX_PREDICATES} predicates")
    for predicate in wanted.where:
        if isinstance(predicate.value, list) and len(predicate.value) > 64:
            return Refused(refusals.TOO_MANY, "at most 64 values in one predicate")
    if why := fault(wanted):
        return Refused(refusals.UNKNOWN_OPERATOR, why)
    try:
        size = len(msgspec.json.encode(wanted))
    except (UnicodeEncodeError, TypeError):
        return Refused(
            refusals.ARGUMENT_INVALID, "a predicate's value is not valid Unicode, or no value at all"
        )
    if size > MAX_FILTER_BYTES:
        return Refused(refusals.TOO_LARGE, f"a filter is at most {MAX_FILTER_BYTES} bytes")
    return None
