"""Filed subscriptions against asking each one."""

from hypothesis import given
from hypothesis import strategies as st

from ecology.events.records import AgentStateChanged, Event, TransferPosted
from ecology.events.registry import TYPE_OF
from ecology.events.subscriptions import (
    EventFilter,
    Predicate,
    Scalar,
    Subscription,
    Subscriptions,
    fault,
    matches,
)

NAMES = st.sampled_from(["a", "b", "c"])
VALUES: st.SearchStrategy[Scalar] = NAMES | st.sampled_from([0, 1, 2, True, False, None, ""])
EVENTS: st.SearchStrategy[Event] = st.builds(
    AgentStateChanged,
    sequence=st.just(1),
    time_ns=st.sampled_from([0, 1]),
    principal_id=st.none() | NAMES,
    turn_id=st.none() | NAMES,
    agent_id=NAMES,
    state=NAMES,
    reason=st.sampled_from(["", "a"]),
    until_ns=st.none() | st.sampled_from([0, 1, 2]),
) | st.builds(
    TransferPosted,
    sequence=st.just(1),
    time_ns=st.sampled_from([0, 1]),
    principal_id=st.none() | NAMES,
    turn_id=st.none() | NAMES,
    transfer_id=st.just(1),
    asset=NAMES,
    from_id=NAMES,
    to_id=NAMES,
    amount=st.sampled_from([0, 1, 2]),
    memo=st.sampled_from(["", "a"]),
)


def predicates(family: type[Event]) -> st.SearchStrategy[Predicate]:
    fields = st.sampled_from(family.__struct_fields__)
    return (
        st.builds(Predicate, fields, st.sampled_from(["eq", "ne"]), VALUES)
        | st.builds(Predicate, fields, st.just("in"), st.lists(VALUES, max_size=3))
        | st.builds(Predicate, fields, st.just("exists"), st.booleans())
    )


def filters(family: type[Event]) -> st.SearchStrategy[EventFilter]:
    return st.builds(EventFilter, st.just(TYPE_OF[family]), st.lists(predicates(family), max_size=3))


FILTERS = filters(AgentStateChanged) | filters(TransferPosted)


@given(st.lists(st.tuples(NAMES, FILTERS), max_size=12), st.sets(st.integers(0, 11)), EVENTS)
def test_those_concerned_are_those_one_of_whose_filters_matches(
    wanted: list[tuple[str, EventFilter]], removed: set[int], event: Event
) -> None:
    subscriptions = Subscriptions()
    for number, (principal, filter) in enumerate(wanted):
        assert fault(filter) is None
        subscriptions.add(Subscription(f"s{number}", principal, filter))
    for number in removed & set(range(len(wanted))):
        subscriptions.remove(f"s{number}")
    expected = {
        principal
        for number, (principal, filter) in enumerate(wanted)
        if number not in removed
        and filter.event_type == TYPE_OF[type(event)]
        and matches(filter.where, event)
    }
    told = list(subscriptions.concerned(event))
    assert len(told) == len(set(told))
    assert set(told) == expected


@given(st.lists(st.tuples(NAMES, FILTERS), max_size=12), st.sets(st.integers(0, 11)), EVENTS)
def test_loaded_again_they_are_told_in_the_same_order(
    wanted: list[tuple[str, EventFilter]], removed: set[int], event: Event
) -> None:
    live, loaded = Subscriptions(), Subscriptions()
    made = [
        Subscription(f"s{number}", principal, filter) for number, (principal, filter) in enumerate(wanted)
    ]
    for subscription in made:
        live.add(subscription)
    for number, subscription in enumerate(made):
        if number in removed:
            live.remove(subscription.subscription_id)
        else:
            loaded.add(subscription)
    assert list(live.concerned(event)) == list(loaded.concerned(event))
    assert all(live.of(name) == loaded.of(name) for name in ("a", "b", "c"))
