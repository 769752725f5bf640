"""Who is told about which events: filters of ANDed predicates over an event's type and fields.

Matching does not scan all subscriptions: each is filed under its event type and its first equality predicate, so an
event costs a lookup per distinct filed field plus the subscribers it really concerns.
"""

from collections.abc import Iterator

import msgspec

from ecology.events.economy import BidClosed, ListingClosed, ListingOpened, ListingSold, MintResolved
from ecology.events.records import (
    AgentSpawned,
    AgentStateChanged,
    ArtifactCreated,
    ArtifactDeleted,
    ArtifactUpdated,
    Event,
    OwnershipMoved,
    TransferPosted,
)
from ecology.events.registry import TYPE_OF

Scalar = str | int | bool | None

PUBLIC_FAMILIES: tuple[type[Event], ...] = (
    AgentSpawned,
    AgentStateChanged,
    ArtifactCreated,
    ArtifactUpdated,
    ArtifactDeleted,
    OwnershipMoved,
    TransferPosted,
    ListingOpened,
    ListingSold,
    ListingClosed,
    MintResolved,
    BidClosed,
)
"""What an agent may subscribe to. Messages and one's own payments arrive without subscribing."""

FIELDS: dict[str, frozenset[str]] = {
    TYPE_OF[family]: frozenset(family.__struct_fields__) for family in PUBLIC_FAMILIES
}

OPERATORS = ("eq", "ne", "in", "exists")


class Predicate(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One condition on an event's field. `value` is a list for `in`, and true or false for `exists`."""

    field: str
    op: str
    value: Scalar | list[Scalar] = None


class EventFilter(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Events of one type whose fields satisfy every predicate."""

    event_type: str
    where: list[Predicate] = []


class Subscription(msgspec.Struct, frozen=True):
    """A filter on behalf of a principal. Ids are unique in a run."""

    subscription_id: str
    principal_id: str
    filter: EventFilter


def fault(wanted: EventFilter) -> str | None:
    """Why this filter is unusable, or None."""
    fields = FIELDS.get(wanted.event_type)
    if fields is None:
        return f"no event type '{wanted.event_type}' to subscribe to; there are {', '.join(sorted(FIELDS))}"
    for predicate in wanted.where:
        if predicate.op not in OPERATORS:
            return f"unknown operator '{predicate.op}'; there are {', '.join(OPERATORS)}"
        if predicate.field not in fields:
            return f"{wanted.event_type} has no field '{predicate.field}'; it has {', '.join(sorted(fields))}"
        if isinstance(predicate.value, list) != (predicate.op == "in") or (
            predicate.op == "exists" and not isinstance(predicate.value, bool)
        ):
            return f"operator '{predicate.op}' on '{predicate.field}' was given the wrong kind of value"
    return None


def matches(where: list[Predicate], event: Event) -> bool:
    """Whether the event's fields satisfy every predicate."""
    for predicate in where:
        actual = getattr(event, predicate.field, None)
        wanted = predicate.value
        if predicate.op == "eq":
            holds = actual == wanted
        elif predicate.op == "ne":
            holds = actual != wanted
        elif predicate.op == "in":
            holds = isinstance(wanted, list) and actual in wanted
        else:
            holds = (actual not in (None, "", ())) == bool(wanted)
        if not holds:
            return False
    return True


_Key = tuple[str, Scalar]
_ANY: _Key = ("", None)


def _filed_under(wanted: EventFilter) -> _Key:
    for predicate in wanted.where:
        if predicate.op == "eq" and not isinstance(predicate.value, list):
            return (predicate.field, predicate.value)
    return _ANY


class Subscriptions:
    """All subscriptions of a world."""

    def __init__(self) -> None:
        self._by_id: dict[str, Subscription] = {}
        self._by_principal: dict[str, dict[str, Subscription]] = {}
        self._filed: dict[str, dict[_Key, dict[str, Subscription]]] = {}
        self._fields: dict[str, dict[str, int]] = {}

    def add(self, subscription: Subscription) -> None:
        """File a new subscription."""
        key = _filed_under(subscription.filter)
        event_type = subscription.filter.event_type
        self._by_id[subscription.subscription_id] = subscription
        self._by_principal.setdefault(subscription.principal_id, {})[subscription.subscription_id] = (
            subscription
        )
        self._filed.setdefault(event_type, {}).setdefault(key, {})[subscription.subscription_id] = (
            subscription
        )
        counts = self._fields.setdefault(event_type, {})
        counts[key[0]] = counts.get(key[0], 0) + 1

    def remove(self, subscription_id: str) -> None:
        """Forget a subscription that exists."""
        subscription = self._by_id.pop(subscription_id)
        del self._by_principal[subscription.principal_id][subscription_id]
        event_type = subscription.filter.event_type
        key = _filed_under(subscription.filter)
        drawer = self._filed[event_type]
        del drawer[key][subscription_id]
        if not drawer[key]:
            del drawer[key]
        counts = self._fields[event_type]
        counts[key[0]] -= 1
        if not counts[key[0]]:
            del counts[key[0]]

    def get(self, subscription_id: str) -> Subscription | None:
        return self._by_id.get(subscription_id)

    def of(self, principal_id: str) -> list[Subscription]:
        """A principal's subscriptions, oldest first."""
        return list(self._by_principal.get(principal_id, {}).values())

    def watches(self, family: type[Event]) -> bool:
        """Whether anybody subscribed to events of this family."""
        return bool(self._fields.get(TYPE_OF[family]))

    def concerned(self, event: Event) -> Iterator[str]:
        """The principals this event is for, each once, oldest subscription first per filed field."""
        event_type = TYPE_OF[type(event)]
        fields = self._fields.get(event_type)
        if not fields:
            return
        drawer = self._filed[event_type]
        told: set[str] = set()
        for field in sorted(fields):
            key: _Key = (field, getattr(event, field)) if field else _ANY
            for subscription in drawer.get(key, {}).values():
                principal = subscription.principal_id
                if principal not in told and matches(subscription.filter.where, event):
                    told.add(principal)
                    yield principal
