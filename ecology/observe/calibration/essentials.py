"""A calibration for machines: what `ecology calibrate --json` prints."""

import msgspec

from calibrate.profiles.profile import Profile
from calibrate.reading import Limits
from calibrate.record import Record
from ecology.observe.calibration.findings import Findings, Told, find
from ecology.observe.calibration.page import state

FORMAT = 1


class Search(msgspec.Struct, frozen=True, kw_only=True):
    """One method's course. `adjustments` are [seconds since the workload was ready, rate after it]."""

    method: str
    adjustments: list[tuple[float, float]]
    seconds: float
    settled: bool
    tokens_per_s: float | None
    bound: str | None
    cpu_percent: float | None
    cpu_error: float | None
    """Half-width of 95 % confidence, points."""
    why: str


class Hold(msgspec.Struct, frozen=True, kw_only=True):
    """The hold-out: means over what was judged, and the share (0 to 1) of its 10-s windows that were in the band.

    Where something else than CPU binds, the band was not judged but what each agent spent; it is null elsewhere.
    """

    passed: bool
    seconds: float
    tokens_per_s: float
    cpu_percent: float
    memory_percent: float
    share_in_band: float
    spent_tokens_per_s: float
    expected_tokens_per_s: float | None


class Essentials(msgspec.Struct, frozen=True, kw_only=True):
    """A calibration without its samples. Rates are tokens per second of one agent, percentages of the limits.

    `state` is "passed", "failed" (a rate was found, but did not hold), "refused" (no rate can be) or "incomplete".
    What there is not is null. Keys are only ever added; another meaning is another `format`.
    """

    format: int
    state: str
    passed: bool
    verdict: str
    made: str
    software: str
    what: str
    limits: Limits
    mix: str
    agents: int
    tokens_per_s: float | None
    bound: str | None
    band_percent: tuple[float, float]
    search: Search | None
    compared: Search | None
    hold_out: Hold | None
    cpu_seconds_per_1k_tokens: float | None
    """At the rate found."""
    knee_tokens_per_s: float | None
    """The rate of one agent at which the fitted curve uses all of the CPU limit."""
    profile: Profile | None


def essentials(record: Record, profile: Profile | None = None) -> Essentials:
    """What a program wants to know of a calibration; `msgspec.json.encode` makes the line of it."""
    findings = find(record, profile)
    return Essentials(
        format=FORMAT,
        state=state(findings),
        passed=record.passed,
        verdict=record.verdict,
        made=record.made,
        software=record.software,
        what=record.place.what,
        limits=record.place.limits,
        mix=record.mix,
        agents=record.agents,
        tokens_per_s=findings.rate,
        bound=findings.bound,
        band_percent=(record.target.low_percent, record.target.high_percent),
        search=_search(findings.settle),
        compared=_search(findings.compare),
        hold_out=_hold(findings),
        cpu_seconds_per_1k_tokens=findings.cpu_s_per_1000_tokens,
        knee_tokens_per_s=findings.knee,
        profile=profile,
    )


def _search(told: Told | None) -> Search | None:
    if told is None:
        return None
    end = told.settled
    return Search(
        method=told.course.method,
        adjustments=[(mark.time_s, mark.after) for mark in told.adjustments],
        seconds=told.seconds,
        settled=end is not None,
        tokens_per_s=None if end is None else end.rate,
        bound=None if end is None else end.bound,
        cpu_percent=None if end is None else end.cpu_percent,
        cpu_error=None if end is None else end.cpu_error,
        why=told.course.why_ended if told.end is None else told.end.why,
    )


def _hold(findings: Findings) -> Hold | None:
    held = findings.hold_out
    if held is None:
        return None
    return Hold(
        passed=held.judged.passed,
        seconds=held.seconds,
        tokens_per_s=held.rate,
        cpu_percent=held.judged.mean_percent,
        memory_percent=held.memory_percent,
        share_in_band=held.judged.inside_share,
        spent_tokens_per_s=held.judged.spent,
        expected_tokens_per_s=held.judged.expected_spent,
    )
