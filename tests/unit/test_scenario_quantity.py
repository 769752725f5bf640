"""Quantities: exact, bounded, and shown as they are read."""

from decimal import Decimal

import pytest

from ecology.scenarios.quantity import SECOND_NS, Duration, Number, Size, printable, shown

TOKENS = Number(unit="compute tokens", scale=1000, high=10**9)


@pytest.mark.parametrize(
    ("value", "millitokens"),
    [
        (10, 10_000),
        ("10", 10_000),
        (0.4, 400),
        (Decimal("29.4"), 29_400),
        ("1_000", 1_000_000),
        ("1.5e2", 150_000),
    ],
)
def test_numbers_are_exact(value: object, millitokens: int) -> None:
    assert TOKENS.parse(value) == millitokens


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (0.0005, "too many decimals"),
        ("1e-999", "too many decimals"),
        ("1e999", "too large"),
        (-1, "from 0 to 1000000"),
        (10**400, "not a number"),
        ("1e9999", "not a number"),
        (float("nan"), "not a number"),
        (float("inf"), "not a number"),
        (True, "got true"),
        (None, "got null"),
        ("ten", "got 'ten'"),
        ("٣", "not a number"),
        ([1], "got a list"),
        ({}, "got a mapping"),
    ],
)
def test_what_is_no_such_number_is_refused(value: object, why: str) -> None:
    with pytest.raises(ValueError, match="expected a number .* of compute tokens") as refusal:
        TOKENS.parse(value)
    assert why in str(refusal.value)


@pytest.mark.parametrize(
    ("value", "size"),
    [
        (500_000, 500_000),
        ("500kB", 500_000),
        ("4GiB", 4 * 1024**3),
        ("256 MiB", 256 * 1024**2),
        ("1.5GB", 1_500_000_000),
        ("2Ki", 2048),
        ("7B", 7),
    ],
)
def test_sizes(value: object, size: int) -> None:
    assert Size().parse(value) == size


@pytest.mark.parametrize("value", ["4G", "4GX", "0.1B", "-1", "", "MiB", "1e30", None, 1.5])
def test_what_is_no_size_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="expected bytes from 0"):
        Size().parse(value)


@pytest.mark.parametrize(
    ("value", "seconds", "text"),
    [
        ("90s", 90, "1m30s"),
        ("10m", 600, "10m"),
        ("1h30m", 5_400, "1h30m"),
        ("1.5h", 5_400, "1h30m"),
        ("2d", 172_800, "2d"),
        (90, 90, "1m30s"),
        ("90", 90, "1m30s"),
        (0.25, Decimal("0.25"), "0.25s"),
        ("250ms", Decimal("0.25"), "0.25s"),
        ("1m500ms", Decimal("60.5"), "1m0.5s"),
        ("30s", 30, "30s"),
    ],
)
def test_durations(value: object, seconds: int | Decimal, text: str) -> None:
    duration = Duration().parse(value)
    assert duration == seconds * SECOND_NS
    assert Duration().show(duration) == text


@pytest.mark.parametrize(
    "value", ["0", "-5m", "5x", "m", "1s1m", "1m1m", "1h 1", "10y", "9999d", "s" * 99, None]
)
def test_what_is_no_duration_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="expected a duration up to 3650d"):
        Duration().parse(value)


def test_quoted_values_fit_on_one_line() -> None:
    assert shown("a\nb") == r"'a\nb'"
    assert len(shown("x" * 10_000)) < 60
    assert printable("\x1b[0m\u202e") == r"\x1b[0m\u202e"
