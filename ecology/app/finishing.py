"""After the last commit: the export, the audit, the summary and the report. Each can be made again from the run."""

import resource
import sys

import msgspec

from ecology.app import assembly
from ecology.app.auditing import audit_run
from ecology.app.run_directory import RunDirectory
from ecology.core.clock import SECOND_NS
from ecology.core.errors import RunFault
from ecology.observe.measures.lines import records
from ecology.observe.projections import summarise
from ecology.observe.summary import (
    AuditCheck,
    AuditResult,
    Container,
    RunFacts,
    Summary,
    assemble,
    encode_summary,
)
from ecology.sandbox.cost import Meter
from ecology.scenarios import Scenario
from ecology.store.reader import EventReader, export

CODE_METER = "code_meter"
"""The fact about a run that says what its code cost, modelled and measured."""


def finish(run: RunDirectory, scenario: Scenario, wall_ns: int, *, on_nodes: bool = False) -> Summary:
    """Write `events.jsonl.zst`, `summary.json` and `report.html` of a run that has ended.

    `on_nodes` is whether its world lived in child processes, whose CPU and memory then count.
    Raises RunFault for what cannot be read or written; whatever is missing then, resuming the run makes again.
    """
    try:
        summary = _summarise(run, scenario, wall_ns, on_nodes=on_nodes)
        partial = run.summary.with_suffix(".partial")
        partial.write_bytes(encode_summary(summary))
        partial.replace(run.summary)
        draw(run)
    except OSError as error:
        raise RunFault(
            f"cannot write the results into {run.path} ({error.strerror})", remedy="free some space"
        ) from error
    return summary


def draw(run: RunDirectory) -> None:
    """Write `report.html` from the files of a run that has ended; raises RunFault if it cannot."""
    # Imported by whoever draws: the plots' library takes half a second to load.
    from ecology.observe.report import write_report  # noqa: PLC0415

    write_report(run.path)


def _summarise(run: RunDirectory, scenario: Scenario, wall_ns: int, *, on_nodes: bool) -> Summary:
    reader = EventReader(run.database)
    try:
        _, digest = export(reader, run.export)
        measured = summarise(records(reader.lines()))
        code = code_meter(reader.meta(CODE_METER))
    finally:
        reader.close()
    verdict = audit_run(run)
    limits = assembly.limits_of(scenario)
    usages = [resource.getrusage(resource.RUSAGE_SELF)]
    if on_nodes:
        usages.append(resource.getrusage(resource.RUSAGE_CHILDREN))
    facts = RunFacts(
        run_id=run.run_id,
        run_dir=str(run.path),
        wall_seconds=round(wall_ns / SECOND_NS, 3),
        cpu_seconds=round(sum(usage.ru_utime + usage.ru_stime for usage in usages), 3),
        peak_rss_bytes=max(usage.ru_maxrss for usage in usages) * (1 if sys.platform == "darwin" else 1024),
        event_log_sha256=digest,
        costs="modelled" if scenario.clock == "virtual" else "measured",
        concurrent_thoughts=assembly.thinking_slots(scenario, limits),
        audit=AuditResult(
            ok=verdict.ok, checks=[AuditCheck(check.name, check.ok, check.detail) for check in verdict.checks]
        ),
        container=Container(limits.cpu_millis / 1000, limits.memory_bytes, limits.source),
        code_measured_us=code.measured_us or None,
        code_estimate_error=code.abs_error_us / code.measured_us if code.measured_us else None,
    )
    return assemble(measured, facts)


def code_meter(kept: str | None) -> Meter:
    """What a run's code was modelled and measured to cost so far, from the fact that the store keeps."""
    return Meter() if kept is None else msgspec.json.decode(kept, type=Meter)
