"""A run directory as a finished run leaves it, filled from an invented history."""

from pathlib import Path

import zstandard

from ecology.events.registry import Record, encode
from ecology.observe.measures.lines import EXPORT_NAME
from ecology.observe.projections import summarise
from ecology.observe.summary import (
    SUMMARY_NAME,
    AuditCheck,
    AuditResult,
    Container,
    RunFacts,
    assemble,
    encode_summary,
)

HOSTILE = '<script>window.pwned=1</script><img src=x onerror="window.pwned=1">"\'&amp;${7*7}{{7*7}}'


def facts(hostile: bool = False) -> RunFacts:
    return RunFacts(
        run_id="20260131T235959Z-container-7",
        run_dir="runs/20260131T235959Z-container-7",
        wall_seconds=2.0,
        cpu_seconds=1.5,
        peak_rss_bytes=100 << 20,
        event_log_sha256="ab" * 32,
        costs="modelled",
        concurrent_thoughts=15,
        audit=AuditResult(True, [AuditCheck("assets sum to zero", True, HOSTILE if hostile else "8 assets")]),
        container=Container(2.0, 4 << 30, HOSTILE if hostile else "cgroup v2"),
    )


def export(run_dir: Path, events: list[Record]) -> None:
    run_dir.mkdir(parents=True, exist_ok=True)
    lines = b"".join(encode(event) + b"\n" for event in events)
    (run_dir / EXPORT_NAME).write_bytes(zstandard.ZstdCompressor(level=1).compress(lines))


def finished(run_dir: Path, events: list[Record], *, hostile: bool = False) -> Path:
    """Write the export and the summary; returns the directory."""
    export(run_dir, events)
    (run_dir / SUMMARY_NAME).write_bytes(encode_summary(assemble(summarise(events), facts(hostile))))
    return run_dir
