"""The log of a process, and the one encoding of what is in it."""

import msgspec
import pytest

from ecology.events.log import EventLog
from ecology.events.records import ActionTaken, ArtifactCreated, Event, MessageSent
from ecology.events.registry import FAMILIES, FAMILY_OF, TYPE_OF, Record, decode, encode


def message(sequence: int, text: str = "hello") -> MessageSent:
    return MessageSent(sequence=sequence, time_ns=5, principal_id="a", turn_id="a#1", to_id="b", text=text)


def test_events_are_numbered_without_a_gap() -> None:
    log = EventLog()
    for sequence in (1, 2, 3):
        assert log.next_sequence == sequence
        log.append(message(sequence))
    assert log.uncommitted == 3


@pytest.mark.parametrize("sequence", [0, 2, -1])
def test_a_number_out_of_order_is_a_bug(sequence: int) -> None:
    log = EventLog()
    with pytest.raises(AssertionError):
        log.append(message(sequence))
    assert log.next_sequence == 1
    assert log.uncommitted == 0


def test_the_tail_is_taken_once_and_numbers_go_on() -> None:
    log = EventLog(7)
    log.append(message(7))
    assert log.take_tail() == [message(7)]
    assert log.take_tail() == []
    assert log.next_sequence == 8


def test_listeners_hear_their_families_at_once_and_in_order() -> None:
    log = EventLog()
    heard: list[tuple[str, int]] = []
    log.listen((MessageSent,), lambda event: heard.append(("first", event.sequence)))
    log.listen((MessageSent, ActionTaken), lambda event: heard.append(("second", event.sequence)))
    log.append(message(1))
    assert heard == [("first", 1), ("second", 1)]
    log.append(
        ActionTaken(
            sequence=2, time_ns=5, principal_id="a", turn_id="a#1", action="noop", outcome="committed"
        )
    )
    assert heard[2:] == [("second", 2)]


def test_what_a_listener_appends_comes_after_what_it_heard() -> None:
    log = EventLog()

    def answer(event: Event) -> None:
        if event.sequence < 4:
            log.append(message(log.next_sequence))

    log.listen((MessageSent,), answer)
    log.append(message(1))
    assert [event.sequence for event in log.take_tail()] == [1, 2, 3, 4]


def _leaves(family: type[Event]) -> set[type[Event]]:
    below = family.__subclasses__()
    return set().union(*map(_leaves, below)) if below else {family}


def test_every_event_is_registered_under_a_name_of_its_own() -> None:
    defined = _leaves(Event)
    assert defined == set(FAMILIES)
    assert len(TYPE_OF) == len(FAMILY_OF) == len(FAMILIES)
    assert {FAMILY_OF[name] for name in FAMILY_OF} == defined
    assert set(Record.__args__) == defined, "what can be read is what can be written"


@pytest.mark.parametrize("family", FAMILIES, ids=TYPE_OF.get)
def test_every_event_can_be_read_again(family: type[Event]) -> None:
    sample: dict[str, object] = {}
    kinds: dict[object, object] = {
        int: 2**63 - 1,
        str | None: None,
        int | None: 0,
        bool: True,
        tuple[str, ...]: ("x", ""),
    }
    for field in msgspec.structs.fields(family):
        sample[field.name] = kinds.get(field.type, f'é\x00\u2028"{field.name}')
    event = msgspec.convert({**sample, "type": TYPE_OF[family]}, family)
    line = encode(event)
    assert b"\n" not in line
    assert decode(line) == event
    assert msgspec.json.decode(line)["type"] == TYPE_OF[family]


@pytest.mark.parametrize(
    "line",
    [
        "",
        "{}",
        "null",
        '{"type": "nothing"}',
        '{"type": "message.sent"}',
        '{"type":"message.sent","sequence":"1","time_ns":5,"principal_id":"a","turn_id":null,"to_id":"b","text":""}',
    ],
)
def test_what_is_no_event_is_not_read(line: str) -> None:
    with pytest.raises(msgspec.DecodeError):
        decode(line)


def test_an_older_record_without_a_later_field_is_read() -> None:
    line = encode(
        ArtifactCreated(
            sequence=1,
            time_ns=2,
            principal_id=None,
            turn_id=None,
            artifact_id="a",
            artifact_type="text",
            owner="o",
            contract="public",
            revision=1,
            size_bytes=3,
            content_sha256="00",
            title="t",
        )
    )
    older = msgspec.json.decode(line)
    older.pop("title", None)
    older.pop("depends_on", None)
    read = decode(msgspec.json.encode(older))
    assert isinstance(read, ArtifactCreated)
    assert (read.title, read.depends_on) == ("", ())
