"""Who is told about which events."""

import pytest

from ecology.events.records import AgentStateChanged, ArtifactCreated, Event, MessageSent, TransferPosted
from ecology.events.registry import TYPE_OF
from ecology.events.subscriptions import (
    FIELDS,
    OPERATORS,
    PUBLIC_FAMILIES,
    EventFilter,
    Predicate,
    Scalar,
    Subscription,
    Subscriptions,
    fault,
    matches,
)


def created(artifact_id: str = "a", artifact_type: str = "text", **others: object) -> ArtifactCreated:
    fields: dict[str, object] = {
        "sequence": 1,
        "time_ns": 5,
        "principal_id": "maker",
        "turn_id": "maker#1",
        "artifact_id": artifact_id,
        "artifact_type": artifact_type,
        "owner": "maker",
        "contract": "public",
        "revision": 1,
        "size_bytes": 10,
        "content_sha256": "00",
    }
    return ArtifactCreated(**{**fields, **others})  # type: ignore[arg-type]


def asleep(until_ns: int | None = None) -> AgentStateChanged:
    return AgentStateChanged(
        sequence=1,
        time_ns=5,
        principal_id="x",
        turn_id=None,
        agent_id="x",
        state="asleep",
        reason="sleep",
        until_ns=until_ns,
    )


def where(field: str, op: str, value: Scalar | list[Scalar] = None) -> Predicate:
    return Predicate(field, op, value)


def subscribed(*filters: EventFilter) -> Subscriptions:
    """Subscriptions s1, s2... of principals p1, p2..."""
    subscriptions = Subscriptions()
    for number, wanted in enumerate(filters, start=1):
        subscriptions.add(Subscription(f"s{number}", f"p{number}", wanted))
    return subscriptions


@pytest.mark.parametrize(
    ("predicate", "holds"),
    [
        (where("owner", "eq", "maker"), True),
        (where("owner", "eq", "other"), False),
        (where("owner", "eq"), False),
        (where("size_bytes", "eq", 10), True),
        (where("size_bytes", "eq", "10"), False),
        (where("owner", "ne", "other"), True),
        (where("owner", "ne", "maker"), False),
        (where("owner", "ne"), True),
        (where("owner", "in", ["x", "maker"]), True),
        (where("owner", "in", ["x"]), False),
        (where("owner", "in", []), False),
        (where("owner", "exists", True), True),
        (where("owner", "exists", False), False),
        (where("title", "exists", True), False),
        (where("title", "exists", False), True),
        (where("depends_on", "exists", False), True),
        (where("depends_on", "exists", True), False),
        (where("revision", "exists", True), True),
    ],
)
def test_one_condition(predicate: Predicate, holds: bool) -> None:
    assert matches([predicate], created()) is holds


def test_zero_exists_and_null_does_not() -> None:
    assert matches([where("until_ns", "exists", True)], asleep(0))
    assert matches([where("until_ns", "exists", False)], asleep(None))
    assert matches([where("until_ns", "eq", None)], asleep(None))


def test_conditions_are_anded_and_none_holds_always() -> None:
    assert matches([], created())
    assert matches([where("owner", "eq", "maker"), where("size_bytes", "ne", 9)], created())
    assert not matches([where("owner", "eq", "maker"), where("size_bytes", "ne", 10)], created())


@pytest.mark.parametrize("event_type", sorted(FIELDS))
def test_every_public_family_can_be_subscribed_to(event_type: str) -> None:
    assert fault(EventFilter(event_type)) is None
    for field in FIELDS[event_type]:
        assert fault(EventFilter(event_type, [where(field, "eq", "x")])) is None


@pytest.mark.parametrize(
    "wanted",
    [
        EventFilter(""),
        EventFilter("nothing"),
        EventFilter("message.sent"),
        EventFilter("model.called"),
        EventFilter("agent.failed"),
        EventFilter("action"),
        EventFilter("agent.state", [where("mind", "eq", "x")]),
        EventFilter("agent.state", [where("", "eq", "x")]),
        EventFilter("agent.state", [where("type", "eq", "x")]),
        EventFilter("agent.state", [where("__class__", "ne", "x")]),
        EventFilter("agent.state", [where("state", "like", "x")]),
        EventFilter("agent.state", [where("state", "", "x")]),
        EventFilter("agent.state", [where("state", "EQ", "x")]),
        EventFilter("agent.state", [where("state", "eq", ["x"])]),
        EventFilter("agent.state", [where("state", "in", "x")]),
        EventFilter("agent.state", [where("state", "in")]),
        EventFilter("agent.state", [where("state", "exists")]),
        EventFilter("agent.state", [where("state", "exists", "false")]),
        EventFilter("agent.state", [where("state", "exists", 1)]),
        EventFilter("agent.state", [where("state", "exists", [True])]),
        EventFilter("agent.state", [where("state", "eq", "x"), where("state", "nonsense", "x")]),
    ],
)
def test_a_useless_filter_says_why(wanted: EventFilter) -> None:
    assert fault(wanted)


def test_what_is_wrong_is_named_with_what_there_is() -> None:
    assert "artifact.created" in str(fault(EventFilter("artefact.created")))
    assert all(
        operator in str(fault(EventFilter("agent.state", [where("state", "~")]))) for operator in OPERATORS
    )
    assert "until_ns" in str(fault(EventFilter("agent.state", [where("stat", "eq", "x")])))


@pytest.mark.parametrize("family", PUBLIC_FAMILIES, ids=TYPE_OF.get)
def test_private_matters_are_not_public(family: type[Event]) -> None:
    assert not {"text", "mind", "error"} & set(family.__struct_fields__)
    assert family is not MessageSent


def test_each_is_told_of_its_type_only() -> None:
    subscriptions = subscribed(EventFilter("agent.state"), EventFilter("artifact.created"))
    assert list(subscriptions.concerned(created())) == ["p2"]
    assert list(subscriptions.concerned(asleep())) == ["p1"]


def test_an_event_nobody_wants_concerns_nobody() -> None:
    transfer = TransferPosted(
        sequence=1,
        time_ns=1,
        principal_id=None,
        turn_id=None,
        transfer_id=1,
        asset="scrip",
        from_id="a",
        to_id="b",
        amount=1,
    )
    assert list(subscribed().concerned(transfer)) == []
    assert list(subscribed(EventFilter("agent.state")).concerned(transfer)) == []


def test_a_principal_is_told_once_however_many_of_its_filters_match() -> None:
    subscriptions = Subscriptions()
    for number, wanted in enumerate(
        (
            EventFilter("artifact.created"),
            EventFilter("artifact.created", [where("owner", "eq", "maker")]),
            EventFilter("artifact.created", [where("owner", "ne", "x")]),
        )
    ):
        subscriptions.add(Subscription(f"s{number}", "p", wanted))
    assert list(subscriptions.concerned(created())) == ["p"]


def test_the_filed_field_is_not_the_only_one_that_counts() -> None:
    wanted = EventFilter("artifact.created", [where("owner", "eq", "maker"), where("title", "eq", "x")])
    subscriptions = subscribed(wanted)
    assert list(subscriptions.concerned(created())) == []
    assert list(subscriptions.concerned(created(title="x"))) == ["p1"]


def test_removed_is_forgotten_wherever_it_was_filed() -> None:
    filters = [
        EventFilter("artifact.created", [where("owner", "eq", "maker")]),
        EventFilter("artifact.created", [where("owner", "eq", "maker")]),
        EventFilter("artifact.created", [where("owner", "in", ["maker"])]),
        EventFilter("artifact.created", [where("owner", "eq", "other")]),
    ]
    subscriptions = subscribed(*filters)
    subscriptions.remove("s1")
    assert list(subscriptions.concerned(created())) == ["p3", "p2"]
    for name in ("s2", "s3", "s4"):
        subscriptions.remove(name)
    assert list(subscriptions.concerned(created())) == []
    assert subscriptions.get("s1") is None
    assert subscriptions.of("p1") == []
    subscriptions.add(Subscription("s1", "p1", filters[0]))
    assert list(subscriptions.concerned(created())) == ["p1"]


def test_removing_what_is_not_there_is_a_bug() -> None:
    with pytest.raises(KeyError):
        subscribed().remove("s1")


def test_ones_own_are_listed_oldest_first() -> None:
    subscriptions = Subscriptions()
    for name in ("b", "a", "c"):
        subscriptions.add(Subscription(name, "p", EventFilter("agent.state")))
    subscriptions.remove("a")
    subscriptions.add(Subscription("a", "p", EventFilter("agent.state")))
    assert [it.subscription_id for it in subscriptions.of("p")] == ["b", "c", "a"]
    assert subscriptions.of("nobody") == []
