"""`ecology admin`: for who watches and repairs."""

import json
from pathlib import Path

import click
import msgspec

from ecology.app.auditing import audit_run
from ecology.app.run_directory import RunDirectory
from ecology.cli.console import data

EXAMPLES = """
\b
Examples:
  ecology admin audit runs/latest
"""


@click.group()
def admin() -> None:
    """Watch over runs and repair them."""


@admin.command(epilog=EXAMPLES)
@click.argument("run", type=click.Path(path_type=Path), metavar="RUN")
@click.option("--json", "as_json", is_flag=True, help="Print the checks as JSON.")
@click.option("--quiet", is_flag=True, help="Print only what is wrong.")
def audit(run: Path, as_json: bool, quiet: bool) -> int:
    """Check that every law holds in RUN's database and archive; exit 1 if one does not."""
    verdict = audit_run(RunDirectory.find(run), thorough=True)
    if as_json:
        data(json.dumps(msgspec.to_builtins(verdict), indent=2))
    else:
        for check in verdict.checks:
            if not (quiet and check.ok):
                data(f"{'ok    ' if check.ok else 'WRONG '} {check.name}: {check.detail}")
    return 0 if verdict.ok else 1
