"""`ecology report`: the HTML report of a run, made again from its event log."""

from pathlib import Path

import click

from ecology.app.finishing import draw, finish
from ecology.app.run_directory import RunDirectory
from ecology.cli.console import data
from ecology.core.errors import UsageError
from ecology.store.sqlite import SqliteStore

EXAMPLES = """
\b
Examples:
  ecology report runs/latest
"""


@click.command(epilog=EXAMPLES)
@click.argument("run", type=click.Path(path_type=Path), metavar="RUN")
def report(run: Path) -> None:
    """Write RUN/report.html, one file with all plots, and print where it is."""
    directory = RunDirectory.find(run)
    directory.require_begun()
    directory.lock()
    try:
        _draw(directory, run)
    finally:
        directory.unlock()
    data(str(directory.report))


def _draw(directory: RunDirectory, named: Path) -> None:
    """The report alone, or with it whatever else is missing."""
    if directory.summary.is_file():
        draw(directory)
        return
    store = SqliteStore.open(directory.database)
    ended, wall_ns = store.has_ended(), int(store.meta("wall_ns") or 0)
    store.close()
    if not ended:
        raise UsageError(f"{named} has not ended", remedy=f"finish it with: ecology run --resume {named}")
    finish(directory, directory.scenario(), wall_ns)
