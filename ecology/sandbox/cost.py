"""Steps, bytes and calls as CPU time: what code is charged, and how far that is from what it took.

A world must be repeatable, so what code is charged is computed from what can be counted. What was measured is kept
beside it, for the report alone.
"""

import msgspec

from ecology.sandbox.outcome import Use

_NS_PER_US = 1_000
_BYTES_PER_KIB = 1_024


class CodeCosts(msgspec.Struct, frozen=True):
    """CPU time of a run, linear in what it used.

    The defaults are what `scripts/fit_code_costs.py` found (least squares on relative errors, non-negative), rounded.
    Programs that the fit has not seen are off by a sixth on average, and charged six sevenths of their time in total:
    who does much between two ticks is charged too little. Another machine differs by a factor common to all five.
    """

    fixed_us: int = 135
    """A session of its own, with the frame."""
    per_step_ns: int = 350
    """A tick and the lines between it and the next."""
    per_kib_us: int = 4
    """A kibibyte of JSON in or out."""
    per_call_us: int = 15
    """A call of a host's function, without what the host does."""
    per_source_kib_us: int = 93
    """A kibibyte of source: it is read and compiled for every run, whatever part of it runs."""

    def begun_ns(self, source_bytes: int) -> int:
        """Nanoseconds of CPU before the first step of a program of that size."""
        compiled_ns = source_bytes * self.per_source_kib_us * _NS_PER_US // _BYTES_PER_KIB
        return self.fixed_us * _NS_PER_US + compiled_ns

    def modelled_us(self, use: Use) -> int:
        """Microseconds of CPU for `use`, rounded up; depends on nothing measured."""
        nanoseconds = self.begun_ns(use.source_bytes) + use.steps * self.per_step_ns
        nanoseconds += use.calls * self.per_call_us * _NS_PER_US
        nanoseconds += (use.bytes_in + use.bytes_out) * self.per_kib_us * _NS_PER_US // _BYTES_PER_KIB
        return -(-nanoseconds // _NS_PER_US)


class Meter(msgspec.Struct):
    """Modelled against measured CPU time, summed over runs. Totals of two meters add up; JSON-able."""

    runs: int = 0
    """Runs that were measured: a worker that died had nothing to read."""
    unmeasured: int = 0
    measured_us: int = 0
    modelled_us: int = 0
    abs_error_us: int = 0
    relative_error_permille: int = 0
    """Sum over runs of |modelled - measured| / measured, in thousandths."""
    worst_over_permille: int = 0
    """The largest modelled / measured, in thousandths."""
    worst_under_permille: int = 0
    """The largest measured / modelled, in thousandths: code that was cheaper than it should have been."""

    def add(self, use: Use, modelled_us: int) -> None:
        """One run."""
        measured_us = use.cpu_us
        if not measured_us:
            self.unmeasured += 1
            return
        error_us = abs(modelled_us - measured_us)
        self.runs += 1
        self.measured_us += measured_us
        self.modelled_us += modelled_us
        self.abs_error_us += error_us
        self.relative_error_permille += error_us * 1000 // measured_us
        self.worst_over_permille = max(self.worst_over_permille, modelled_us * 1000 // measured_us)
        self.worst_under_permille = max(self.worst_under_permille, measured_us * 1000 // max(1, modelled_us))

    def merge(self, other: "Meter") -> None:
        """Take in what another meter saw."""
        self.runs += other.runs
        self.unmeasured += other.unmeasured
        self.measured_us += other.measured_us
        self.modelled_us += other.modelled_us
        self.abs_error_us += other.abs_error_us
        self.relative_error_permille += other.relative_error_permille
        self.worst_over_permille = max(self.worst_over_permille, other.worst_over_permille)
        self.worst_under_permille = max(self.worst_under_permille, other.worst_under_permille)

    def error(self) -> dict[str, float] | None:
        """How good the model is, or None if nothing was measured.

        `ratio_of_totals` is modelled / measured; `mean_absolute_relative_error` weighs every run alike.
        """
        if not self.runs:
            return None
        return {
            "ratio_of_totals": self.modelled_us / self.measured_us,
            "mean_absolute_relative_error": self.relative_error_permille / 1000 / self.runs,
        }
