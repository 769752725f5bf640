"""`ecology doctor`: is there all that a deployment needs, and how to mend what is not?"""

import asyncio
import json
import os
from pathlib import Path

import click
import msgspec

from ecology.app.doctor import examine
from ecology.cli.console import data

EXAMPLES = """
\b
Examples:
  ecology doctor
  POSTGRES_URL=postgresql://me@db/world ecology doctor --json
  docker compose exec agent-node ecology doctor
"""

TIMEOUT_S = 5.0

_LABELS = {"ok": "ok     ", "warning": "WARNING", "failed": "FAILED "}


@click.command(epilog=EXAMPLES)
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
@click.option("--quiet", is_flag=True, help="Print only what is to be mended.")
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True, max=600),
    default=TIMEOUT_S,
    show_default=True,
    help="Seconds that each service is given to answer.",
)
def doctor(as_json: bool, quiet: bool, timeout: float) -> int:
    """Look at programs, limits, ports, disk, keys, capacity profile and services, and say how to mend each.

    Exit 1 if something fails.

    Services are those of the environment: POSTGRES_URL, REDIS_URL, QDRANT_URL, LLM_URL and LLM_MODEL. A model is asked
    for a few tokens. Nothing is changed, and no secret is shown.
    """
    findings = asyncio.run(examine(os.environ, Path.cwd(), timeout))
    well = all(finding.state != "failed" for finding in findings)
    if as_json:
        data(json.dumps({"ok": well, "findings": msgspec.to_builtins(findings)}, indent=2))
        return 0 if well else 1
    width = max(len(finding.check) for finding in findings)
    for finding in findings:
        if finding.state == "ok" and quiet:
            continue
        data(f"{_LABELS[finding.state]}  {finding.check:<{width}}  {finding.what}")
        if finding.remedy:
            data(f"{'':9}{'':<{width}}  -> {finding.remedy}")
    return 0 if well else 1
