"""The bytes of artifacts on their way from a mind to the disk."""

import pytest

from ecology.artifacts.contents import Contents


class Disk:
    """Committed contents, and how often each was asked for."""

    def __init__(self, **contents: bytes) -> None:
        self.contents = contents
        self.asked: list[str] = []

    def load(self, name: str) -> bytes:
        self.asked.append(name)
        return self.contents[name]


def test_what_was_put_is_there_before_it_is_committed() -> None:
    disk = Disk(a=b"old")
    contents = Contents(disk.load)
    contents.put("a", b"new")
    assert contents.get("a") == b"new"
    assert disk.asked == []


def test_a_group_stays_at_hand_until_it_is_durable() -> None:
    disk = Disk(a=b"old")
    contents = Contents(disk.load)
    contents.put("a", b"new")
    assert contents.close_group() == {"a": b"new"}
    assert contents.get("a") == b"new"
    contents.committed()
    assert contents.get("a") == b"new"
    assert disk.asked == []


def test_the_open_group_is_newer_than_the_one_that_commits() -> None:
    contents = Contents(Disk().load)
    contents.put("a", b"1")
    contents.close_group()
    contents.put("a", b"2")
    contents.committed()
    assert contents.get("a") == b"2"
    assert contents.close_group() == {"a": b"2"}


def test_nothing_at_all_is_a_content() -> None:
    disk = Disk(a=b"old", b=b"")
    contents = Contents(disk.load)
    contents.put("a", b"")
    assert contents.get("a") == b""
    contents.close_group()
    contents.committed()
    assert contents.get("a") == b""
    assert contents.get("b") == contents.get("b") == b""
    assert disk.asked == ["b"]


def test_the_disk_is_asked_once() -> None:
    disk = Disk(a=b"x")
    contents = Contents(disk.load)
    assert [contents.get("a"), contents.get("a")] == [b"x", b"x"]
    assert disk.asked == ["a"]


def test_the_least_looked_at_goes_first() -> None:
    disk = Disk(a=b"1234", b=b"1234", c=b"1234")
    contents = Contents(disk.load, cache_bytes=8)
    for name in ("a", "b", "a", "c"):
        contents.get(name)
    disk.asked.clear()
    contents.get("a")
    contents.get("c")
    assert disk.asked == []
    contents.get("b")
    assert disk.asked == ["b"]


def test_a_content_larger_than_the_cache_is_kept_alone() -> None:
    disk = Disk(big=b"x" * 100, a=b"1")
    contents = Contents(disk.load, cache_bytes=10)
    contents.get("a")
    contents.get("big")
    contents.get("big")
    assert disk.asked == ["a", "big"]
    contents.get("a")
    contents.get("big")
    assert disk.asked == ["a", "big", "a", "big"]


def test_a_replaced_content_counts_once() -> None:
    disk = Disk(a=b"1" * 6, b=b"1" * 4)
    contents = Contents(disk.load, cache_bytes=10)
    contents.get("a")
    contents.put("a", b"2" * 6)
    contents.close_group()
    contents.committed()
    contents.get("b")
    contents.get("a")
    assert contents.get("a") == b"222222"
    assert disk.asked == ["a", "b"]


def test_one_group_commits_at_a_time() -> None:
    contents = Contents(Disk().load)
    contents.put("a", b"1")
    contents.close_group()
    with pytest.raises(AssertionError):
        contents.close_group()
