"""`ecology node`: one of the processes that run a world together."""

import asyncio
import os
from pathlib import Path

import click

from ecology import scenarios as scenario_files
from ecology.app import assembly, node
from ecology.app.memory import MemoryPlace
from ecology.cli.console import say
from ecology.core.errors import INTERRUPTED, UsageError
from ecology.nodes.endpoints import POSTGRES, REDIS, find
from ecology.nodes.service import LOOPBACK, NODE_PORT
from ecology.scenarios import Scenario

EXAMPLES = """
\b
Examples:
  POSTGRES_URL=postgresql://ecology@db/ecology REDIS_URL=redis://bus ecology node
  ecology node --agents 200 --duration 1d        # founds the world where there is none yet
  AGENT_RANGE=1-50 ecology node                  # these agents and no others
"""


@click.command("node", epilog=EXAMPLES)
@click.option(
    "--id", "node_id", metavar="NAME", default="", help="This node's name [host name and a number]."
)
@click.option(
    "--range",
    "agent_range",
    metavar="FIRST-LAST",
    envvar="AGENT_RANGE",
    default="",
    help="Run these agents [AGENT_RANGE; a share of all, by lease].",
)
@click.option("--agents", type=int, metavar="N", help="How many agents live at the start of a new world.")
@click.option("--duration", metavar="TIME", help="World time that a new world lasts: 90s, 10m, 1h30m, 2d.")
@click.option("--seed", type=int, metavar="N", help="The seed of a new world.")
@click.option("--scenario", "scenario_name", metavar="NAME|FILE", help="The scenario of a new world.")
@click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Set one key of it: a.b=c.")
@click.option("--policy", type=click.Choice(["scripted", "llm"]), help="Who decides for the agents.")
@click.option(
    "--model", metavar="NAME", envvar="LLM_MODEL", help="The model's name at the endpoint [LLM_MODEL]."
)
@click.option("--llm-url", metavar="URL", envvar="LLM_URL", help="An OpenAI-compatible endpoint [LLM_URL].")
@click.option(
    "--qdrant",
    metavar="URL|PATH",
    envvar="QDRANT_URL",
    help="Where memories are indexed [QDRANT_URL; here, as long as the node lives].",
)
@click.option(
    "--host",
    metavar="ADDRESS",
    default=LOOPBACK,
    help=f"Where /health, /ready and /metrics are [{LOOPBACK}].",
)
@click.option(
    "--port", type=click.IntRange(0, 65535), default=NODE_PORT, help=f"Their port [{NODE_PORT}]; 0 for any."
)
@click.option("--no-http", is_flag=True, help="Leave them out.")
@click.option(
    "--crashes",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Append tracebacks of crashed minds [they are shown].",
)
@click.option("--quiet", is_flag=True, help="Say nothing but what goes wrong.")
def node_command(
    node_id: str,
    agent_range: str,
    agents: int | None,
    duration: str | None,
    seed: int | None,
    scenario_name: str | None,
    overrides: tuple[str, ...],
    policy: str | None,
    model: str | None,
    llm_url: str | None,
    qdrant: str | None,
    host: str,
    port: int,
    no_http: bool,
    crashes: Path | None,
    quiet: bool,
) -> int:
    """Run a share of the agents of a world in PostgreSQL, until it is over or a signal ends the node.

    POSTGRES_URL says where the world is, REDIS_URL where nodes wake each other (without it they poll), both also as
    files by POSTGRES_URL_FILE and REDIS_URL_FILE. The first node founds the world, those that follow join it.
    """
    flags: dict[str, object] = {"agents": agents, "duration": duration, "seed": seed, "policy": policy}
    asked = scenario_name is not None or bool(overrides) or any(it is not None for it in flags.values())
    wanted = _scenario(scenario_name, overrides, {**flags, "model.name": model, "model.url": llm_url})
    postgres = find(POSTGRES, os.environ)
    if postgres is None:
        raise UsageError(
            "a node needs POSTGRES_URL", remedy="set it to postgresql://USER:PASSWORD@HOST:PORT/DATABASE"
        )
    place = node.Place(
        postgres=postgres,
        redis=find(REDIS, os.environ),
        memory=MemoryPlace.named(qdrant, os.environ),
        node_id=node_id,
        agent_range=agent_range,
        host="" if no_http else host,
        port=port,
        crashes=crashes,
    )
    over = asyncio.run(node.live(place, wanted, say, os.environ, insist=asked))
    if not quiet:
        say("the world is over" if over else "the node has left; the others go on")
    return 0 if over else INTERRUPTED


def _scenario(name: str | None, overrides: tuple[str, ...], flags: dict[str, object]) -> Scenario:
    return scenario_files.load(
        name or "container",
        overrides=overrides,
        environ=os.environ,
        flags={"clock": "real", **{key: value for key, value in flags.items() if value is not None}},
        strategies=assembly.strategies(),
    )
