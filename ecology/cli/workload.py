"""`ecology workload`: what `ecology calibrate` starts in a container. Its user is a program."""

import asyncio
import os
import sys

import click

from ecology.app.workload import Rehearsing, work
from ecology.cli.console import say
from ecology.cli.seconds import Seconds
from ecology.engine.rehearsal.author import MALFORMED_PER_MILLE


@click.command(hidden=True)
@click.option(
    "--latency",
    type=Seconds(0, 3600),
    metavar="SECONDS",
    default=0.0,
    help="How long the rehearsed model thinks [0].",
)
@click.option(
    "--malformed",
    type=click.IntRange(0, 1000),
    metavar="PER_MILLE",
    default=MALFORMED_PER_MILLE,
    help=f"How many of a thousand answers are no action [{MALFORMED_PER_MILLE}].",
)
def workload(latency: float, malformed: int) -> int:
    """Let a world work in real time, at a rate that the input tells, and say how it goes.

    Lines of JSON: `ecology/app/orders.py` describes them. A model that the scenario does not name is rehearsed: the
    real client asks, and this process answers.
    """
    descriptors = (sys.stdin.fileno(), sys.stdout.fileno())
    asyncio.run(work(descriptors, say, os.environ, Rehearsing(latency, malformed)))
    return 0
