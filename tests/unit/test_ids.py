"""Names: what may be one, and what the kernel builds from position."""

import pytest

from ecology.core.ids import (
    MAX_STEPS,
    RESERVED,
    SPENT,
    WORLD,
    agent_id,
    is_id,
    transfer_id,
    turn_id,
)


@pytest.mark.parametrize("name", ["a", "0", "a" * 64, "agent-0001", "a.b_c-d", "0..", "a--", "world1", "con"])
def test_names(name: str) -> None:
    assert is_id(name)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "a" * 65,
        "-a",
        ".a",
        "_a",
        "..",
        "A",
        "a b",
        "a/b",
        "a\\b",
        "a\n",
        "\na",
        "a\x00",
        "ä",
        "a\u0301",
        "аgent",  # a Cyrillic а
        "\ud800",
        "a#1",
        "٣",  # a digit, but not one of ours
        *sorted(RESERVED),
    ],
)
def test_what_is_no_name(name: str) -> None:
    assert not is_id(name)


def test_the_world_and_the_sink_cannot_be_taken() -> None:
    assert {WORLD, SPENT} <= RESERVED


def test_settlers_are_called_by_number_and_sort_by_it() -> None:
    names = [agent_id(ordinal) for ordinal in range(1, 1001)]
    assert names[0] == "agent-0001"
    assert names == sorted(names)
    assert agent_id(100_000) == "agent-100000"
    assert all(map(is_id, (names[-1], agent_id(100_000))))


def test_a_turn_cannot_be_mistaken_for_a_name() -> None:
    assert turn_id("a", 3) == "a#3"
    assert not is_id(turn_id("a", 3))


def test_transfer_ids_are_one_to_one_and_fit_the_ledger() -> None:
    corners = [
        transfer_id(ordinal, turn, step)
        for ordinal in (0, 1, 2, 2**23 - 1)
        for turn in (0, 1, 255, 2**32 - 1)
        for step in (0, 1, MAX_STEPS - 1)
    ]
    assert len(set(corners)) == len(corners)
    assert max(corners) == 2**63 - 1
    assert corners == sorted(corners)


@pytest.mark.parametrize(
    "place", [(2**23, 0, 0), (-1, 0, 0), (0, 2**32, 0), (0, -1, 0), (0, 0, MAX_STEPS), (0, 0, -1)]
)
def test_a_position_that_does_not_exist_is_a_bug(place: tuple[int, int, int]) -> None:
    with pytest.raises(AssertionError):
        transfer_id(*place)
