"""`calibration.html`: a calibration put into the template, in one file that needs no network and no script."""

from pathlib import Path

from calibrate.control import Refused
from calibrate.profiles.profile import Profile
from calibrate.record import Record
from ecology.observe.calibration import capacity_figures, course_figures, hold_figures, tables
from ecology.observe.calibration.findings import Findings, find
from ecology.observe.calibration.words import EXPLAINED, STARVED, printable
from ecology.observe.pages import template


def write_page(target: Path, record: Record, profile: Profile | None = None) -> Path:
    """Write the page and return its path; the same record gives the same file.

    Raises `RunFault` if it cannot be written. `profile` is what was made of the record, None where nothing could be.
    """
    return template.write(target, page(record, profile))


def page(record: Record, profile: Profile | None = None) -> str:
    """The page's HTML. Every word that a container or an agent could have chosen is escaped by the template."""
    findings = find(record, profile)
    return template.fill(
        "calibration/calibration.html.j2",
        what=printable(record.place.what),
        verdict=printable(record.verdict),
        passed=record.passed,
        state=state(findings),
        tiles=tables.tiles(findings),
        binding=_binding(findings),
        course=course_figures.course(findings),
        adjustment_header=tables.ADJUSTMENT_HEADER,
        adjustments=tables.adjustment_rows(findings),
        hold_out=hold_figures.hold_out(findings),
        knee=hold_figures.knee(findings),
        compare=course_figures.compare(findings),
        capacity=capacity_figures.capacity(findings),
        memory=capacity_figures.memory(findings),
        nodes=None if profile is None else tables.nodes_sentence(profile),
        bucket_header=tables.BUCKET_HEADER,
        buckets=[] if profile is None else tables.bucket_rows(profile),
        hardware_header=tables.HARDWARE_HEADER,
        hardware=tables.hardware_rows(findings),
        facts=tables.place_rows(findings),
        sure=tables.sure_rows(findings),
    )


def _binding(findings: Findings) -> str | None:
    """What keeps the container from more; None where nobody knows."""
    if findings.starved_percent is not None:
        return STARVED.format(findings.starved_percent)
    return None if findings.bound is None else EXPLAINED[findings.bound]


def state(findings: Findings) -> str:
    """One word on what came of it."""
    if findings.record.passed:
        return "passed"
    if findings.settle is not None and isinstance(findings.settle.end, Refused):
        return "refused"
    return "failed" if findings.settled is not None else "incomplete"
