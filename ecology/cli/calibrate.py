"""`ecology calibrate`: rates that are true of the container they run in."""

import asyncio
import os
from pathlib import Path

import click
import msgspec

from ecology.app import calibration
from ecology.app.sites import DEFAULT_IMAGE, Request
from ecology.cli.calibration_progress import Teller
from ecology.cli.console import TALK, complain, data, say
from ecology.cli.seconds import Seconds
from ecology.core.errors import INTERRUPTED, EcologyError
from ecology.observe.calibration.essentials import essentials
from ecology.observe.calibration.terminal import render

EXAMPLES = """
\b
Examples:
  docker build --tag agent-ecology .
  ecology calibrate --cpus 1 --memory 1g                 # in a fresh container
  ecology calibrate --service agent-node                 # in a twin of what Compose runs
  ecology calibrate --container world-1                  # in a container that runs, beside what it does
  ecology calibrate --own --scenario market              # in what this process may use itself
  ecology run --agents 50                                # uses capacity.yaml
"""


@click.command(epilog=EXAMPLES)
@click.option("--cpus", type=float, metavar="N", help="CPUs of the fresh container [2].")
@click.option("--memory", metavar="SIZE", help="Its memory: 512m, 4g, 4GiB [4g].")
@click.option("--image", metavar="NAME", help=f"Its image [{DEFAULT_IMAGE}].")
@click.option("--container", metavar="NAME", help="Measure in this running container.")
@click.option("--service", metavar="NAME", help="Measure in a twin of this Compose service's container.")
@click.option("--own", is_flag=True, help="Measure in what limits this process.")
@click.option("--agents", type=click.IntRange(1, 10_000), metavar="N", help="How many agents work [5].")
@click.option(
    "--scenario",
    metavar="NAME|FILE",
    default=calibration.STRESS,
    help=f"Whose agents they are [{calibration.STRESS}].",
)
@click.option(
    "--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Set one key of the scenario: a.b=c."
)
@click.option(
    "--thought",
    "thought_s",
    type=Seconds(0, 600),
    default=0.0,
    metavar="SECONDS",
    help="How long a model's answer takes [0].",
)
@click.option(
    "--method",
    type=click.Choice(sorted(calibration.METHODS, reverse=True)),
    default="model",
    help="How the rate is looked for [model].",
)
@click.option("--compare", is_flag=True, help="Let the other method look for it too, and report both.")
@click.option(
    "--hold-out",
    "hold_out_s",
    type=Seconds(10, 86_400),
    default=120.0,
    metavar="SECONDS",
    help="How long the found rate is held in a run of its own [120].",
)
@click.option(
    "--profile",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("capacity.yaml"),
    help="Where the capacity profile goes [capacity.yaml].",
)
@click.option(
    "--out",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("calibrations"),
    help="Where records and reports go [calibrations].",
)
@click.option("--json", "as_json", is_flag=True, help="Print the outcome as JSON on stdout.")
@click.option("--quiet", is_flag=True, help="Say nothing but errors.")
def calibrate(
    cpus: float | None,
    memory: str | None,
    image: str | None,
    container: str | None,
    service: str | None,
    own: bool,
    agents: int | None,
    scenario: str,
    overrides: tuple[str, ...],
    thought_s: float,
    method: str,
    compare: bool,
    hold_out_s: float,
    profile: Path,
    folder: Path,
    as_json: bool,
    quiet: bool,
) -> int:
    """Find the rate of compute tokens that a container sustains: 70-80 % of its CPU, below 90 % of its memory.

    Real agents work in it, at a rate that is changed until it fits and is then held in a run of its own. What was found
    is a capacity profile, which `ecology run` uses. Exit 1: nothing was found, or it did not hold.
    """
    request = Request.of(cpus=cpus, memory=memory, image=image, container=container, service=service, own=own)
    wish = calibration.Wish(
        scenario=scenario,
        overrides=overrides,
        agents=agents,
        method=method,
        compare=compare,
        hold_out_s=hold_out_s,
        thought_s=thought_s,
        profile=profile,
        folder=folder,
    )
    teller = Teller(quiet=quiet)
    try:
        result = asyncio.run(calibration.carry_out(wish, request, os.environ, teller))
    finally:
        teller.close()
    if as_json:
        data(msgspec.json.format(msgspec.json.encode(essentials(result.record, result.profile))).decode())
    elif not quiet:
        TALK.print(render(result.record, result.profile, result.files))
    if result.interrupted:
        what = f"the profile is {result.files['profile']}" if result.profile else "no profile was written"
        say(f"interrupted; what was seen until then is in the report, and {what}")
        return INTERRUPTED
    if not result.record.passed:
        kept = f"{profile} is as it was, and what was found is in {result.files.get('profile')}"
        complain(f"{result.record.verdict}; {kept if result.profile else 'no profile was written'}")
        return EcologyError.exit_code
    return 0
