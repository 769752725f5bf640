"""`ecology observe`: the process that watches a world which nodes run together."""

import asyncio
import os
from pathlib import Path

import click

from ecology.cli.console import say
from ecology.core.errors import UsageError
from ecology.nodes.endpoints import POSTGRES, find
from ecology.nodes.service import LOOPBACK, OBSERVER_PORT

EXAMPLES = """
\b
Examples:
  POSTGRES_URL=postgresql://ecology@db/ecology ecology observe
  ecology observe --archive /var/lib/ecology --host 0.0.0.0
  curl -s http://127.0.0.1:9000/api/v1/summary
"""


@click.command("observe", epilog=EXAMPLES)
@click.option(
    "--archive",
    metavar="DIR",
    type=click.Path(path_type=Path),
    default=Path("archive"),
    help="Where archive.git is, with every revision of every artifact [archive].",
)
@click.option("--host", metavar="ADDRESS", default=LOOPBACK, help=f"Where it answers [{LOOPBACK}].")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=OBSERVER_PORT,
    help=f"Its port [{OBSERVER_PORT}]; 0 for any.",
)
@click.option("--quiet", is_flag=True, help="Say nothing but errors.")
def observe(archive: Path, host: str, port: int, quiet: bool) -> int:
    """Watch a world in PostgreSQL: keep its archive, measure it, and answer how it does, until a signal comes.

    POSTGRES_URL says where the world is, also as a file by POSTGRES_URL_FILE. One observer at a time writes the
    archive; others stand by. Answers are at /api/v1/summary, /metrics, /health and /ready.
    """
    postgres = find(POSTGRES, os.environ)
    if postgres is None:
        raise UsageError(
            "an observer needs POSTGRES_URL", remedy="set it to postgresql://USER:PASSWORD@HOST:PORT/DATABASE"
        )
    # Measures need numpy and networkx, which would make every node's start take longer.
    from ecology.app import observer  # noqa: PLC0415

    talk = (lambda line: None) if quiet else say
    asyncio.run(observer.watch(observer.Place(postgres, archive, host, port), talk))
    talk("the observer has stopped; the world goes on")
    return 0
