"""`ecology run`: a world from nothing to its summary, or from where it stopped."""

import asyncio
import os
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path

import click

from ecology import scenarios as scenario_files
from ecology.app import assembly, capacity_profile, cluster, governing, model_client, running
from ecology.app.finishing import finish
from ecology.app.memory import MemoryPlace
from ecology.app.run_directory import RunDirectory
from ecology.cli.console import TALK, complain, data, say
from ecology.cli.progress import display
from ecology.core.clock import utc_stamp
from ecology.core.errors import INTERRUPTED, EcologyError, RunFault, UsageError
from ecology.nodes.endpoints import POSTGRES, REDIS, find
from ecology.observe.numerals import duration
from ecology.observe.summary import Summary, encode_summary, read_summary
from ecology.observe.summary_table import render_table
from ecology.scenarios import Scenario
from ecology.scenarios.measured import Measured

EXAMPLES = """
\b
Examples:
  ecology run --agents 50 --duration 1h --seed 7
  ecology run --scenario famine --set population.0.share=2
  ecology run --agents 5 --policy llm --llm-url http://127.0.0.1:8899/v1 --model tiny
  ecology run --nodes 2 --agents 200 --duration 5m
  ecology run --resume runs/latest
"""


@click.command(epilog=EXAMPLES)
@click.option("--agents", type=int, metavar="N", help="How many agents live at the start.")
@click.option("--duration", metavar="TIME", help="World time to run for: 90s, 10m, 1h30m, 2d.")
@click.option("--seed", type=int, metavar="N", help="Same scenario and seed, same run.")
@click.option(
    "--scenario", "scenario_name", metavar="NAME|FILE", help="A scenario by name or YAML file [container]."
)
@click.option(
    "--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Set one key of the scenario: a.b=c."
)
@click.option(
    "--clock", type=click.Choice(["virtual", "real"]), help="Virtual time jumps ahead; real time does not."
)
@click.option("--policy", type=click.Choice(["scripted", "llm"]), help="Who decides for the agents.")
@click.option("--model", metavar="NAME", help="The model's name at the endpoint.")
@click.option(
    "--llm-url", metavar="URL", help="An OpenAI-compatible endpoint, e.g. http://127.0.0.1:8899/v1."
)
@click.option(
    "--profile",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Rates as `ecology calibrate` measured them [capacity.yaml, if it is there].",
)
@click.option("--no-profile", is_flag=True, help="Leave a capacity.yaml here alone.")
@click.option("--wait-for-model", is_flag=True, help="Wait until the model answers, however long it takes.")
@click.option(
    "--qdrant",
    envvar="QDRANT_URL",
    metavar="URL|PATH",
    help="Where memories are indexed: a Qdrant server or a folder [the run directory].",
)
@click.option(
    "--runs", type=click.Path(path_type=Path), default=Path("runs"), help="Where run directories go [runs]."
)
@click.option(
    "--resume",
    "resumed",
    type=click.Path(path_type=Path),
    metavar="RUN",
    help="Go on with an interrupted run.",
)
@click.option(
    "--nodes", type=click.IntRange(1, 64), metavar="K", help="Live on K node processes of this machine."
)
@click.option("--ledger", metavar="URL", help="Their PostgreSQL [POSTGRES_URL; one started for the run].")
@click.option(
    "--redis",
    metavar="URL",
    help="Their Redis [REDIS_URL; none beside a --ledger, else one started for the run].",
)
@click.option("--govern", is_flag=True, help="Real clock: let tokens flow as fast as the container can bear.")
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON on stdout.")
@click.option("--quiet", is_flag=True, help="Say nothing but errors.")
def run(
    agents: int | None,
    duration: str | None,
    seed: int | None,
    scenario_name: str | None,
    overrides: tuple[str, ...],
    clock: str | None,
    policy: str | None,
    model: str | None,
    llm_url: str | None,
    profile: Path | None,
    no_profile: bool,
    wait_for_model: bool,
    qdrant: str | None,
    runs: Path,
    resumed: Path | None,
    nodes: int | None,
    ledger: str | None,
    redis: str | None,
    govern: bool,
    as_json: bool,
    quiet: bool,
) -> int:
    """Run a world of agents and report what happened.

    Defaults need no key, server or network: scripted agents, virtual clock, everything in one directory.
    """
    flags: dict[str, object] = {
        "agents": agents,
        "duration": duration,
        "seed": seed,
        "clock": clock,
        "policy": policy,
        "model.name": model,
        "model.url": llm_url,
    }
    place = MemoryPlace.named(qdrant, os.environ)
    given = {name: value for name, value in flags.items() if value is not None}
    services = _services(nodes, ledger, redis, resumed=resumed is not None)
    if nodes is not None:
        given.setdefault("clock", "real")
    remarks: list[str] = []
    if resumed is not None:
        if profile is not None:
            raise UsageError("a resumed run keeps its rates", remedy="give --resume without --profile")
        directory, scenario = _taken_up(resumed, given, scenario_name, overrides)
    else:
        asked_for = scenario_name or "container"
        scenario = scenario_files.load(
            asked_for,
            overrides=overrides,
            environ=os.environ,
            flags=given,
            strategies=assembly.strategies(),
            measured=_measured(capacity_profile.find(profile, no_profile, asked_for), nodes or 1, remarks),
        )
        assembly.require_minds(scenario)
        directory = None
    live = (
        None if nodes is None else partial(cluster.live, count=nodes, services=services, environ=os.environ)
    )
    return _carry_out(
        *(directory, scenario, runs, place),
        wait=wait_for_model,
        as_json=as_json,
        quiet=quiet,
        on_nodes=live,
        remarks=remarks,
        govern=govern,
    )


def _measured(profile: Path | None, nodes: int, remarks: list[str]) -> Measured | None:
    """What is laid over the scenario, if there is a profile; what it came to is added to `remarks`."""
    return None if profile is None else capacity_profile.measured(profile, remarks.append, nodes)


def _services(nodes: int | None, ledger: str | None, redis: str | None, *, resumed: bool) -> cluster.Services:
    """What the nodes of this run share. Raises UsageError where there are none."""
    if nodes is None and (ledger is not None or redis is not None):
        raise UsageError("--ledger and --redis are for nodes", remedy="add --nodes K")
    if nodes is not None and resumed:
        raise UsageError("an interrupted run goes on in one process", remedy="give --resume alone")
    environ = dict(os.environ)
    for variable, url in (("POSTGRES_URL", ledger), ("REDIS_URL", redis)):
        if url is not None:
            environ[variable] = url
            environ.pop(f"{variable}_FILE", None)
    if nodes is None:
        return cluster.Services()
    return cluster.Services(find(POSTGRES, environ), find(REDIS, environ))


def _taken_up(
    named: Path, given: dict[str, object], scenario_name: str | None, overrides: tuple[str, ...]
) -> tuple[RunDirectory, Scenario]:
    """The run to resume. Only where its model is found may differ from how it began."""
    directory = RunDirectory.find(named)
    url = given.pop("model.url", None)
    if given or scenario_name is not None or overrides:
        raise UsageError(
            "a resumed run keeps its scenario",
            remedy="give --resume alone (with --llm-url if the model has moved)",
        )
    flags = {"model.url": url} if url is not None else {}
    scenario = scenario_files.load(directory.config, flags=flags)
    directory.lock()
    return directory, scenario


def _carry_out(
    directory: RunDirectory | None,
    scenario: Scenario,
    runs: Path,
    place: MemoryPlace,
    *,
    wait: bool,
    as_json: bool,
    quiet: bool,
    on_nodes: Callable[..., Awaitable[running.Ending]] | None,
    remarks: Sequence[str],
    govern: bool,
) -> int:
    talk = (lambda line: None) if quiet else say
    for remark in remarks:
        talk(remark)
    fresh = directory is None
    shown = display(quiet)
    made: list[RunDirectory] = [directory] if directory is not None else []

    async def live() -> running.Ending:
        own = governing.own(scenario, on_nodes=on_nodes is not None) if govern else None
        client = await model_client.connect(scenario, dict(os.environ), talk, wait=wait)
        if on_nodes is not None:
            cluster.require_real_clock(scenario)
        if not made:
            assembly.policies(scenario, client, {})  # a plug-in that is broken leaves no directory behind
            made.append(RunDirectory.create(runs, utc_stamp(), scenario))
        talk(_heading(scenario))
        watchers = running.Watchers(say=talk, progress=shown.show)
        if on_nodes is not None:
            if client is not None:
                await client.close()  # it has answered: from here on it is the nodes that ask
            return await on_nodes(made[0], scenario, watchers=watchers)
        step = running.begin if fresh else running.resume
        return await step(made[0], scenario, client, watchers, place=place, governing=own)

    try:
        try:
            ending = asyncio.run(live())
        finally:
            shown.close()
        if not ending.complete:
            return _interrupted(made[0], f" at {duration(ending.world_ns)} of world time")
        summary = _results(made[0], scenario, ending, talk, on_nodes=on_nodes is not None)
    except RunFault as fault:
        if made:
            then = f"then: {running.resume_command(made[0])}"
            fault.remedy = f"{fault.remedy}; {then}" if fault.remedy else then
        raise
    except KeyboardInterrupt:
        if made:
            return _interrupted(made[0], "")
        complain("interrupted")  # before there was anything to go on with
        return INTERRUPTED
    finally:
        for taken in made:
            taken.unlock()
    _present(summary, as_json=as_json, quiet=quiet)
    return 0 if summary.audit.ok else EcologyError.exit_code


def _heading(scenario: Scenario) -> str:
    limits = assembly.limits_of(scenario)
    return (
        f"{scenario.name}: {scenario.agents} agents, {limits.cpu_millis / 1000:g} CPUs and"
        f" {limits.memory_bytes / 2**30:.1f} GiB ({limits.source}),"
        f" {assembly.thinking_slots(scenario, limits)} may think at once"
    )


def _interrupted(directory: RunDirectory, when: str) -> int:
    say(f"interrupted{when}; everything is on disk. To go on:")
    say(f"  {running.resume_command(directory)}")
    return INTERRUPTED


def _results(
    directory: RunDirectory,
    scenario: Scenario,
    ending: running.Ending,
    talk: Callable[[str], None],
    *,
    on_nodes: bool,
) -> Summary:
    """The summary of a complete run; of one that was complete before, only what is missing is made."""
    if not ending.was_over:
        return finish(directory, scenario, ending.wall_ns, on_nodes=on_nodes)
    if directory.has_results:
        talk("the run was complete already; nothing is left to do")
        return read_summary(directory.summary)
    talk("the run was complete already; its results are made again")
    return finish(directory, scenario, ending.wall_ns)


def _present(summary: Summary, *, as_json: bool, quiet: bool) -> None:
    if as_json:
        data(encode_summary(summary).decode())
    elif not quiet:
        TALK.print(render_table(summary))
