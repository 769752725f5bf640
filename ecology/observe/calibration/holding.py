"""What is said of a hold-out: what was judged in it, which is the band only where the CPU binds."""

from calibrate.control import Target
from calibrate.holdout import SPENT_WITHIN
from ecology.observe.calibration.findings import Findings, HoldOut
from ecology.observe.calibration.words import rate, took


def unproven(findings: Findings) -> str:
    """Why there is nothing to say."""
    if findings.settled is None:
        return "No rate was found, so none was held."
    if _begun(findings):
        return "The hold-out ended too early to be judged: nothing says that the rate holds."
    return "No hold-out was run: nothing says that the rate holds."


def _begun(findings: Findings) -> bool:
    return any(course.purpose == "hold-out" and course.steps for course in findings.record.courses)


def tile(findings: Findings) -> tuple[str, str]:
    """A label and a figure: of windows in the band, or of what was spent."""
    held = findings.hold_out
    if held is None:
        return "hold-out", "not judged" if _begun(findings) else "not run"
    expected = held.judged.expected_spent
    if expected is None:
        return "hold-out in the band", inside(held)
    return "hold-out spent", f"{rate(held.judged.spent)} of {rate(expected)} tokens/s"


def inside(held: HoldOut) -> str:
    """9 of 12 windows."""
    count = len(held.judged.windows)
    return f"{round(count * held.judged.inside_share):,} of {count:,} window{'s' if count != 1 else ''}"


def summed_up(held: HoldOut, target: Target) -> str:
    """CPU on average, and what was judged, in half a sentence."""
    judged = held.judged
    cpu = f"CPU {judged.mean_percent:.1f} % ± {judged.mean_error:.1f} over {took(held.seconds)}"
    if judged.expected_spent is None:
        return f"{cpu}, {inside(held)} in the band of {target.low_percent:g} to {target.high_percent:g} %"
    return f"{cpu}, {_spent(held, judged.expected_spent, target)}"


def _spent(held: HoldOut, expected: float, target: Target) -> str:
    over = held.judged.mean_percent >= target.high_percent
    return (
        f"{'not ' if over else ''}below the {target.high_percent:g} % that it may not reach; agents spent "
        f"{rate(held.judged.spent)} tokens/s, and at least {rate((1 - SPENT_WITHIN) * expected)} is right"
    )
