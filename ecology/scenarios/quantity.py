"""Quantities as people write them, kept as whole numbers of base units.

Each class stands in an `Annotated[int, ...]` of a settings model. It reads what YAML, the environment or a
flag holds (a number, or text such as `4GiB` or `1h30m`), keeps an exact integer, and shows it again in the
form that people write. Binary floating point is never involved: text becomes a `Decimal`, and a value with
more decimals than its unit has is refused instead of rounded.
"""

import re
from abc import ABC, abstractmethod
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from fractions import Fraction

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from ecology.core.limits import MAX_AMOUNT

SECOND_NS = 1_000_000_000

_MAX_DIGITS = 40  # bounds the work that hostile numbers ("1e999999999") can cause
_PLAIN_NUMBER = re.compile(r"[-+]?([0-9][0-9_]*\.?[0-9_]*|\.[0-9][0-9_]*)([eE][-+]?[0-9]{1,3})?")


def printable(text: str, limit: int = 200) -> str:
    """Text as it may stand in an error line: bounded, with what cannot be printed escaped."""
    bounded = text if len(text) <= limit else f"{text[:limit]}..."
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in bounded)


def shown(value: object) -> str:
    """A value as an error line quotes it: bounded, on one line, text in quotes."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list | tuple):
        return "a list"
    return f"'{printable(value, 50)}'" if isinstance(value, str) else printable(str(value), 50)


def exact(value: object, scale: int) -> int:
    """`value` × `scale` as an integer.

    Raises ValueError when the value is not a finite decimal number, when it has more decimals than the scale,
    or when it is beyond any number this project keeps.
    """
    number = _decimal(value)
    if number.adjusted() > _MAX_DIGITS:
        raise ValueError("too large")
    exponent = number.normalize().as_tuple().exponent
    assert isinstance(exponent, int), "finite numbers have an exponent"
    scaled = Fraction(number) * scale if exponent > -_MAX_DIGITS else Fraction(1, 2)
    if scaled.denominator != 1:
        raise ValueError("too many decimals")
    return int(scaled)


def _decimal(value: object) -> Decimal:
    """A number or its text; `repr` gives a float's shortest decimal form, which is what was typed."""
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        raise ValueError("not a number")
    text = (
        value.strip() if isinstance(value, str) else repr(value) if isinstance(value, float) else str(value)
    )
    if len(text) > _MAX_DIGITS or _PLAIN_NUMBER.fullmatch(text) is None:
        raise ValueError("not a number")
    try:
        return Decimal(text)
    except InvalidOperation as error:
        raise ValueError("not a number") from error


def plain(amount: int, scale: int) -> int | Decimal:
    """`amount` ÷ `scale`, exactly: an int where it is whole, otherwise a Decimal without trailing zeros."""
    whole, rest = divmod(amount, scale)
    return Decimal(amount) / scale if rest else whole


@dataclass(frozen=True, kw_only=True)
class Quantity(ABC):
    """What all quantities share: bounds in base units, and the hook by which pydantic reads and writes."""

    low: int = 0
    high: int = MAX_AMOUNT

    def parse(self, value: object) -> int:
        """The value in base units, or a ValueError that says what was expected and what was found."""
        try:
            amount = self._read(value)
        except ValueError as error:
            raise ValueError(f"expected {self.expected()}, got {shown(value)} ({error})") from error
        if not self.low <= amount <= self.high:
            raise ValueError(f"expected {self.expected()}, got {shown(value)}")
        return amount

    @abstractmethod
    def show(self, amount: int) -> object:
        """The amount in the form that `parse` reads and people write."""

    @abstractmethod
    def expected(self) -> str:
        """What the reader may write here, with unit and bounds."""

    @abstractmethod
    def _read(self, value: object) -> int:
        """The value in base units, whatever the bounds; ValueError with the reason if it has none."""

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            self.parse, serialization=core_schema.plain_serializer_function_ser_schema(self.show)
        )


@dataclass(frozen=True, kw_only=True)
class Number(Quantity):
    """A number of `unit` (may be empty); one is `scale` base units, a power of ten."""

    unit: str = ""
    scale: int = 1

    def show(self, amount: int) -> int | Decimal:
        """An int where the number is whole, otherwise a Decimal."""
        return plain(amount, self.scale)

    def expected(self) -> str:
        """For example "a whole number of agents from 1 to 100000"."""
        decimals = len(str(self.scale)) - 1
        kind = f"a number (up to {decimals} decimals)" if decimals else "a whole number"
        low, high = plain(self.low, self.scale), plain(self.high, self.scale)
        return f"{kind}{' of ' if self.unit else ''}{self.unit} from {low} to {high}"

    def _read(self, value: object) -> int:
        return exact(value, self.scale)


_SIZE = re.compile(r"([0-9._]+)\s*([A-Za-z]*)")
_SIZE_UNITS = {
    "": 1,
    "b": 1,
    **{f"{letter}b": 1000 ** (power + 1) for power, letter in enumerate("kmgt")},
    **{f"{letter}ib": 1024 ** (power + 1) for power, letter in enumerate("kmgt")},
    **{f"{letter}i": 1024 ** (power + 1) for power, letter in enumerate("kmgt")},
}


@dataclass(frozen=True, kw_only=True)
class Size(Quantity):
    """Bytes: a whole number, or one with `B kB MB GB TB` (powers of 1000) or `KiB MiB GiB TiB` (of 1024).

    A bare `4G` is refused: Docker and Kubernetes disagree on what it means.
    """

    def show(self, amount: int) -> int | str:
        """Whole GiB or MiB where it is, otherwise the number of bytes."""
        for unit, size in (("GiB", 1024**3), ("MiB", 1024**2)):
            if amount and amount % size == 0:
                return f"{amount // size}{unit}"
        return amount

    def expected(self) -> str:
        """For example "bytes from 0, such as 500000, 500kB or 4GiB"."""
        high = "" if self.high == MAX_AMOUNT else f" to {self.show(self.high)}"
        return f"bytes from {self.show(self.low)}{high}, such as 500000, 500kB or 4GiB"

    def _read(self, value: object) -> int:
        match = _SIZE.fullmatch(value.strip()) if isinstance(value, str) else None
        if match is None:
            return exact(value, 1)
        if match[2].lower() not in _SIZE_UNITS:
            raise ValueError("no such unit")
        return exact(match[1], _SIZE_UNITS[match[2].lower()])


_DURATION_NS = {
    "d": 86_400 * SECOND_NS,
    "h": 3_600 * SECOND_NS,
    "m": 60 * SECOND_NS,
    "s": SECOND_NS,
    "ms": SECOND_NS // 1000,
}
_DURATION = re.compile(r"([0-9._]+)(ms|[dhms])")


@dataclass(frozen=True, kw_only=True)
class Duration(Quantity):
    """World time in nanoseconds: `90s`, `10m`, `1h30m`, `2d`, `250ms`, or a number of seconds."""

    low: int = 1
    high: int = 3_650 * 86_400 * SECOND_NS

    def show(self, amount: int) -> str:
        """For example `1h30m` or `0.25s`."""
        parts = []
        for unit in ("d", "h", "m"):
            count, amount = divmod(amount, _DURATION_NS[unit])
            if count:
                parts.append(f"{count}{unit}")
        if amount or not parts:
            parts.append(f"{Decimal(plain(amount, SECOND_NS)):f}s")
        return "".join(parts)

    def expected(self) -> str:
        """For example "a duration up to 3650d, such as 90s, ..."."""
        low = "" if self.low <= 1 else f" from {self.show(self.low)}"
        return f"a duration{low} up to {self.show(self.high)}, such as 90s, 10m, 1h30m, 2d or a number of seconds"

    def _read(self, value: object) -> int:
        text = value.strip() if isinstance(value, str) else ""
        if text[-1:] not in tuple("dhms"):
            return exact(value, SECOND_NS)
        if len(text) > _MAX_DIGITS:
            raise ValueError("not a duration")
        at, total, last = 0, 0, None
        while at < len(text):
            match = _DURATION.match(text, at)
            if match is None:
                raise ValueError("not a duration")
            unit_ns = _DURATION_NS[match[2]]
            if last is not None and unit_ns >= last:
                raise ValueError("units go from large to small, each once")
            total += exact(match[1], unit_ns)
            at, last = match.end(), unit_ns
        return total
