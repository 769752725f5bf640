"""What crosses the border between host and code."""

import math

import pytest

from ecology.core.limits import MAX_DEPTH
from ecology.sandbox.values import NotJson, json_size, plain


def nested(levels: int) -> object:
    value: object = 1
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        0,
        -(2**63),
        2**63 - 1,
        0.5,
        -0.0,
        1e308,
        "",
        "é\n\0",
        [],
        {},
        {"": [None]},
        nested(MAX_DEPTH),
    ],
)
def test_json_stays_what_it_is(value: object) -> None:
    assert plain(value) == value and type(plain(value)) is type(value)


def test_tuples_become_lists_and_nothing_mutable_is_shared() -> None:
    inner: list[object] = [1]
    value = {"a": (inner, inner)}
    copy = plain(value)
    assert copy == {"a": [[1], [1]]}
    inner.append(2)
    assert copy == {"a": [[1], [1]]}


@pytest.mark.parametrize(
    ("value", "what"),
    [
        (2**63, "64 bits"),
        (-(2**63) - 1, "64 bits"),
        (math.nan, "finite"),
        ([-math.inf], "finite"),
        (nested(MAX_DEPTH + 1), "deeper"),
        ({1: 2}, "key"),
        ({None: 2}, "key"),
        (b"", "bytes"),
        ({1}, "set"),
        (1j, "complex"),
        (..., "ellipsis"),
        (object(), "object"),
        (print, "builtin_function_or_method"),
    ],
)
def test_what_is_no_json_says_what_it_is(value: object, what: str) -> None:
    with pytest.raises(NotJson, match=what):
        plain(value)


def test_a_cycle_ends() -> None:
    cycle: list[object] = []
    cycle.append(cycle)
    with pytest.raises(NotJson, match="deeper"):
        plain(cycle)


def test_sizes_are_bytes_of_compact_json() -> None:
    assert json_size({"é": [1, None]}) == len('{"é":[1,null]}'.encode())
    with pytest.raises(NotJson, match="surrogate"):
        json_size(["\ud800"])
