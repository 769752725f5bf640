"""Token buckets at their corners; what holds in between stands in tests/property/test_bucket.py."""

import pytest

from ecology.core.clock import SECOND_NS
from ecology.resources.bucket import NANO, Bucket


def full(rate: int = 10, capacity: int = 100) -> Bucket:
    return Bucket(rate, capacity, capacity * NANO, 0)


def empty(rate: int = 10, capacity: int = 100) -> Bucket:
    return Bucket(rate, capacity, 0, 0)


def test_it_fills_at_its_rate_up_to_its_capacity() -> None:
    bucket = empty()
    assert [bucket.refill(at * SECOND_NS) for at in (0, 1, 2, 9, 10, 11, 10**6)] == [
        0,
        10,
        20,
        90,
        100,
        100,
        100,
    ]


def test_parts_of_a_unit_are_kept_and_not_shown() -> None:
    bucket = empty(rate=3)
    assert bucket.refill(SECOND_NS // 3) == 0
    assert bucket.level_nano == 3 * (SECOND_NS // 3)
    assert bucket.refill(SECOND_NS) == 3


def test_many_looks_are_one_look() -> None:
    often, once = empty(rate=7), empty(rate=7)
    for at_ns in range(0, 4 * SECOND_NS, 123_456_789):
        often.refill(at_ns)
    assert often.refill(4 * SECOND_NS) == once.refill(4 * SECOND_NS) == 28
    assert often.level_nano == once.level_nano


def test_it_gives_all_or_nothing() -> None:
    bucket = full()
    assert not bucket.take(101, 0)
    assert bucket.level_nano == 100 * NANO
    assert bucket.take(100, 0)
    assert bucket.level_nano == 0
    assert not bucket.take(1, SECOND_NS // 10 - 1)
    assert bucket.take(1, SECOND_NS // 10)


def test_nothing_can_always_be_taken() -> None:
    assert Bucket(0, 0, 0, 0).take(0, 0)


def test_what_comes_back_stops_at_the_capacity() -> None:
    bucket = full()
    assert bucket.take(60, 0)
    bucket.give_back(10)
    assert bucket.level_nano == 50 * NANO
    bucket.give_back(500)
    assert bucket.level_nano == 100 * NANO


def test_draining_takes_what_is_there_and_says_what_was_missing() -> None:
    bucket = full()
    assert bucket.drain(40) == 0
    assert bucket.drain(100) == 40
    assert bucket.level_nano == 0
    assert bucket.drain(5) == 5


def test_a_missing_part_counts_as_a_whole_unit() -> None:
    bucket = Bucket(0, 100, 3 * NANO // 2, 0)
    assert bucket.drain(2) == 1


@pytest.mark.parametrize(
    ("bucket", "amount", "ready_ns"),
    [
        (full(), 100, 0),
        (full(), 0, 0),
        (full(), 101, None),
        (empty(), 100, 10 * SECOND_NS),
        (empty(), 1, SECOND_NS // 10),
        (empty(rate=3), 1, 333_333_334),
        (empty(rate=0), 1, None),
        (empty(rate=0), 0, 0),
        (Bucket(10, 100, 50 * NANO, 5 * SECOND_NS), 60, 6 * SECOND_NS),
    ],
)
def test_when_there_will_be_enough(bucket: Bucket, amount: int, ready_ns: int | None) -> None:
    assert bucket.ready_ns(amount, 0) == ready_ns


def test_looking_ahead_changes_nothing() -> None:
    bucket = empty()
    assert bucket.ready_ns(50, 3 * SECOND_NS) == 5 * SECOND_NS
    assert (bucket.level_nano, bucket.updated_ns) == (0, 0)


def test_the_past_is_settled_at_the_old_rate() -> None:
    bucket = empty(rate=10)
    bucket.set_rights(20, 100, 2 * SECOND_NS)
    assert bucket.level_nano == 20 * NANO
    assert bucket.refill(3 * SECOND_NS) == 40


def test_a_smaller_bucket_spills() -> None:
    bucket = full()
    bucket.set_rights(10, 30, 0)
    assert bucket.level_nano == 30 * NANO
    bucket.set_rights(10, 100, 0)
    assert bucket.level_nano == 30 * NANO, "a larger one starts with what is in it"


def test_a_look_into_the_past_changes_nothing() -> None:
    """A slow mind looks at a view from before somebody's gift settled its bucket."""
    bucket = empty()
    bucket.set_rights(20, 100, 5 * SECOND_NS)
    assert bucket.take(50, 5 * SECOND_NS)
    assert bucket.refill(SECOND_NS) == 0
    assert (bucket.level_nano, bucket.updated_ns) == (0, 5 * SECOND_NS)
    assert bucket.ready_ns(20, SECOND_NS) == 6 * SECOND_NS
    assert bucket.refill(6 * SECOND_NS) == 20
