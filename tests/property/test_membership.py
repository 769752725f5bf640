"""Who runs whom: everybody somebody, nobody twice, and few move when a node comes or goes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecology.core.errors import UsageError
from ecology.nodes.membership import Member, Membership, parse_range

ORDINALS = range(1, 401)
WORLD = (0, -1)
NAMES = st.sets(st.text("abcdefgh0123456789-", min_size=1, max_size=12), min_size=1, max_size=9)


def sharing(names: set[str]) -> Membership:
    """Members without a static range."""
    return Membership({name: Member(place + 1) for place, name in enumerate(sorted(names))})


@given(NAMES)
def test_every_agent_and_every_duty_of_the_world_is_some_members(names: set[str]) -> None:
    members = sharing(names)
    assert {members.owner(ordinal) for ordinal in (*ORDINALS, *WORLD)} <= names
    again = Membership.of(members.encode())
    assert [again.owner(it) for it in ORDINALS] == [members.owner(it) for it in ORDINALS]
    assert again.members == members.members


@given(NAMES, st.text("xyz", min_size=13, max_size=14))
def test_who_comes_takes_agents_and_moves_none_between_the_others(names: set[str], newcomer: str) -> None:
    before, after = sharing(names), sharing(names).with_member(newcomer, Member(99))
    moved = [it for it in ORDINALS if before.owner(it) != after.owner(it)]
    assert all(after.owner(it) == newcomer for it in moved)
    assert len(moved) == sum(after.owner(it) == newcomer for it in ORDINALS)
    gone = after.without(newcomer)
    assert [gone.owner(it) for it in ORDINALS] == [before.owner(it) for it in ORDINALS]


@pytest.mark.parametrize("count", [1, 2, 3, 5, 9])
def test_a_newcomers_share_is_what_is_due_to_it(count: int) -> None:
    many = range(1, 20_001)
    members = sharing({f"node-{number}" for number in range(count)}).with_member("node-x", Member(99))
    share = sum(members.owner(it) == "node-x" for it in many) / len(many)
    assert abs(share - 1 / (count + 1)) < 0.02


def test_a_static_range_is_its_members_alone() -> None:
    members = Membership({"fixed": Member(1, 10, 20), "a": Member(2), "b": Member(3)})
    assert {members.owner(it) for it in range(10, 21)} == {"fixed"}
    assert {members.owner(it) for it in (*range(1, 10), *range(21, 100))} == {"a", "b"}
    alone = Membership({"fixed": Member(1, 10, 20)})
    assert alone.owner(9) is None and alone.owner(21) is None and alone.owner(0) == "fixed"


@given(st.tuples(st.integers(1, 60), st.integers(1, 60)), st.tuples(st.integers(1, 60), st.integers(1, 60)))
def test_ranges_overlap_when_an_agent_is_in_both(one: tuple[int, int], other: tuple[int, int]) -> None:
    (first, last), (start, end) = sorted(one), sorted(other)
    members = Membership({"one": Member(1, first, last), "free": Member(2)})
    shared = set(range(first, last + 1)) & set(range(start, end + 1))
    assert members.overlapping(Member(3, start, end)) == ("one" if shared else None)
    assert members.overlapping(Member(3)) is None


@pytest.mark.parametrize(
    "text", ["", "5", "0-3", "7-3", "a-b", "1-2-3", "1-", "1 - 5", "1-1000000000", "٣-٥"]
)
def test_what_is_no_range_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(UsageError, match="is no range of agents; write it as FIRST-LAST"):
        parse_range(text)


def test_a_range_is_read() -> None:
    assert parse_range(" 1-50\n") == (1, 50)
