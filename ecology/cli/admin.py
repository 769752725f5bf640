"""`ecology admin`: for who watches and repairs."""

import asyncio
import json
import os
from pathlib import Path

import click
import msgspec

from ecology.app.auditing import audit_run, audit_shared
from ecology.app.run_directory import RunDirectory
from ecology.cli.console import data
from ecology.core.errors import UsageError
from ecology.nodes.endpoints import POSTGRES, find

EXAMPLES = """
\b
Examples:
  ecology admin audit runs/latest
  POSTGRES_URL=postgresql://ecology@db/ecology ecology admin audit    # the world that nodes share
"""


@click.group()
def admin() -> None:
    """Watch over runs and repair them."""


@admin.command(epilog=EXAMPLES)
@click.argument("run", type=click.Path(path_type=Path), metavar="[RUN]", required=False)
@click.option(
    "--archive",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    metavar="DIR",
    help="An observer's archive of the world that nodes share: does it agree?",
)
@click.option("--json", "as_json", is_flag=True, help="Print the checks as JSON.")
@click.option("--quiet", is_flag=True, help="Print only what is wrong.")
def audit(run: Path | None, archive: Path | None, as_json: bool, quiet: bool) -> int:
    """Check that every law holds in RUN's database and archive; exit 1 if one does not.

    Without RUN, in the world that POSTGRES_URL names: also that every node did only what it might.
    """
    if run is not None and archive is not None:
        raise UsageError("a run has its archive beside it", remedy="give RUN or --archive, not both")
    if run is not None:
        verdict = audit_run(RunDirectory.find(run), thorough=True)
    elif (shared := find(POSTGRES, os.environ)) is not None:
        verdict = asyncio.run(audit_shared(shared, archive))
    else:
        raise UsageError(
            "there is nothing to audit", remedy="give the directory of a run, or set POSTGRES_URL"
        )
    if as_json:
        data(json.dumps(msgspec.to_builtins(verdict), indent=2))
    else:
        for check in verdict.checks:
            if not (quiet and check.ok):
                data(f"{'ok    ' if check.ok else 'WRONG '} {check.name}: {check.detail}")
    return 0 if verdict.ok else 1
