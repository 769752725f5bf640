"""Numbers as a person reads them, the same at the terminal and in the report. What is unknown reads "no
data"."""

from ecology.core.clock import MILLISECOND_NS, SECOND_NS

NO_DATA = "no data"

_MINUTE_NS = 60 * SECOND_NS
_HOUR_NS = 60 * _MINUTE_NS
_DAY_NS = 24 * _HOUR_NS


def count(value: float | None, decimals: int = 0) -> str:
    """12,345 or 12,345.6."""
    return NO_DATA if value is None else f"{value:,.{decimals}f}"


def share(value: float | None) -> str:
    """37.1 %; small but positive shares stay distinguishable from none."""
    if value is None:
        return NO_DATA
    if 0 < value < 0.0005:
        return "< 0.1 %"
    return f"{value * 100:.1f} %"


def ratio(value: float | None) -> str:
    """Three significant digits: 0.412, 0.00123."""
    if value is None:
        return NO_DATA
    return "0" if value == 0 else f"{value:.3g}"


def price(value: float | None) -> str:
    """Scrip per unit: three significant digits below a thousand, whole numbers from there on."""
    return count(value) if value is not None and value >= 999.5 else ratio(value)


def duration(time_ns: int | None) -> str:
    """1 h 30 min, 12.5 s, 3 ms: the two largest units."""
    if time_ns is None:
        return NO_DATA
    if time_ns >= _DAY_NS:
        return _two(time_ns, _DAY_NS, "d", _HOUR_NS, "h")
    if time_ns >= _HOUR_NS:
        return _two(time_ns, _HOUR_NS, "h", _MINUTE_NS, "min")
    if time_ns >= _MINUTE_NS:
        return _two(time_ns, _MINUTE_NS, "min", SECOND_NS, "s")
    if time_ns >= SECOND_NS or time_ns == 0:
        return f"{time_ns / SECOND_NS:.3g} s"
    return f"{time_ns / MILLISECOND_NS:.3g} ms"


def size(value_bytes: int | None) -> str:
    """512 B, 488 KiB, 4.0 GiB."""
    if value_bytes is None:
        return NO_DATA
    value = float(value_bytes)
    for unit in ("B", "KiB", "MiB"):
        if abs(value) < 1024:
            return f"{value:.0f} {unit}" if unit == "B" or value >= 100 else f"{value:.1f} {unit}"
        value /= 1024
    return f"{value:.1f} GiB"


def dollars(usd_micros: int | None) -> str:
    """$12.34; under a dollar with as many places as there are micro-dollars."""
    if usd_micros is None:
        return NO_DATA
    return (
        f"${usd_micros / 1e6:,.2f}"
        if usd_micros >= 1_000_000
        else f"${usd_micros / 1e6:.6f}".rstrip("0").rstrip(".")
    )


def amount(value: int | None, unit: str) -> str:
    """An amount of a resource in the unit that suits it: thousandths as tokens, microseconds as seconds."""
    if value is None:
        return NO_DATA
    if unit == "millitokens":
        return f"{compact(value // 1000)} tokens"
    if unit == "CPU microseconds":
        return f"{compact(value // 1_000_000)} CPU-s" if value >= 10_000_000 else f"{value / 1e6:.3g} CPU-s"
    if unit == "micro-dollars":
        return dollars(value)
    return size(value) if unit == "bytes" else f"{value:,} {unit}"


def compact(value: int) -> str:
    """1,234 as it is, 56.8 k, 1.81 M, 72.1 G: three digits where exactness does not matter."""
    for least, unit, letter in ((10**9, 10**9, "G"), (10**6, 10**6, "M"), (10**4, 10**3, "k")):
        if abs(value) >= least:
            return f"{value / unit:.3g} {letter}"
    return f"{value:,}"


def _two(time_ns: int, large_ns: int, large: str, small_ns: int, small: str) -> str:
    whole, rest = divmod(time_ns, large_ns)
    return f"{whole} {large} {rest // small_ns} {small}" if rest >= small_ns else f"{whole} {large}"
