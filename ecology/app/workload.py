"""A world at work for a calibration: real agents of the real engine, in real time, at the rate they are told.

It lives in a folder of its own that is gone afterwards, and for as long as somebody wants it, whatever duration its
scenario names. What is told and said is `ecology.app.orders`.
"""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from contextlib import AsyncExitStack
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec

from ecology import scenarios
from ecology.app import assembly, model_client, running, scorers
from ecology.app.finishing import code_meter
from ecology.app.interruption import Interruption
from ecology.app.memory import MemoryPlace
from ecology.app.orders import Account, ListenerGone, Orders, Ready
from ecology.app.run_directory import RunDirectory
from ecology.core.clock import NEVER_NS, utc_stamp
from ecology.core.errors import RunFault
from ecology.engine.engine import Engine
from ecology.engine.rehearsal.author import MALFORMED_PER_MILLE, RehearsedAuthor
from ecology.kernel.flow import ppm_for
from ecology.llm.model import ModelClient
from ecology.scenarios import Scenario
from ecology.store.sqlite import SqliteStore

FIGURES_S = 0.5
PACED = "told to"
"""Why the flow changes, as its event says."""


class Rehearsing(msgspec.Struct, frozen=True):
    """How a rehearsed model answers: after how many seconds, and how many of a thousand answers are no action."""

    latency_s: float = 0.0
    malformed_per_mille: int = MALFORMED_PER_MILLE


async def work(
    descriptors: tuple[int, int],
    say: Callable[[str], None],
    environ: Mapping[str, str],
    rehearsing: Rehearsing,
) -> None:
    """Live the world that the input names until the input ends, a signal comes or nobody reads the output.

    Raises UsageError for what is no scenario or no order, RunFault for a world that ends by itself.
    """
    orders, account = Orders(descriptors[0]), Account(descriptors[1])
    with Interruption() as interruption:
        try:
            await _work(orders, account, say, environ, rehearsing, interruption)
        except asyncio.CancelledError:
            if not interruption.requested:
                raise
        except ListenerGone:
            pass  # whoever wanted it has gone, and the world with them


async def _work(
    orders: Orders,
    account: Account,
    say: Callable[[str], None],
    environ: Mapping[str, str],
    rehearsing: Rehearsing,
    interruption: Interruption,
) -> None:
    begin = await orders.begin()
    if begin is None:
        return
    scenario = scenarios.loads(begin.scenario, flags={"clock": "real"})
    assembly.require_minds(scenario)
    scorers.require(scenario)
    async with AsyncExitStack() as stack:
        client = await _model(scenario, say, environ, rehearsing)
        if client is not None:
            stack.push_async_callback(client.close)
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="ecology-workload-")))
        run = RunDirectory.create(folder, utc_stamp(), scenario)
        stack.callback(run.unlock)
        engine = await _engine(stack, run, scenario, client, say)
        await interruption.listen()  # to what came while the world was made
        with interruption.ends(engine.interrupt):
            await _live(engine, scenario, orders, account)


async def _model(
    scenario: Scenario, say: Callable[[str], None], environ: Mapping[str, str], rehearsing: Rehearsing
) -> ModelClient | None:
    """The model of a scenario that needs one: the one it names, else a rehearsed one."""
    wanted = scenario.policy == "llm" or scorers.needs_model(scenario)
    if not wanted or scenario.model.url is not None:
        return await model_client.connect(scenario, dict(environ), say, wait=False)
    # Imported by whoever rehearses: the vendor's client takes half a second to load.
    from ecology.llm.rehearsal import rehearsed  # noqa: PLC0415

    return rehearsed(
        RehearsedAuthor(scenario.agents, rehearsing.malformed_per_mille),
        latency_s=rehearsing.latency_s,
        timeout_s=scenario.model.timeout_ms / 1000,
        max_connections=model_client.connections(scenario),
        note=say,
    )


async def _engine(
    stack: AsyncExitStack,
    run: RunDirectory,
    scenario: Scenario,
    client: ModelClient | None,
    say: Callable[[str], None],
) -> Engine:
    """The engine of a new world, with its store, sandbox, memories and archive, which `stack` closes."""
    store = SqliteStore.create(run.database)
    stack.callback(store.close)
    book = assembly.policies(scenario, client, {})
    world, start_ns = running.world_at(run, scenario, store, book)
    world.memory = MemoryPlace().memories(run.run_id, say, run.memory)
    world.meter = code_meter(None)
    stack.enter_context(world.sandbox)
    stack.enter_context(world.memory)
    scorer = scorers.scorer(scenario, client)
    engine = assembly.engine(run, scenario, world, store, start_ns, book, scorer=scorer)
    watchers = running.Watchers(say=say, progress=lambda progress: None)
    await stack.enter_async_context(running.archiving(run, store, watchers))
    return engine


async def _live(engine: Engine, scenario: Scenario, orders: Orders, account: Account) -> None:
    """Let the world live until somebody ends it; raises what went wrong beside it."""
    beside = [
        _ending(engine, _obey(engine, orders)),
        _ending(engine, _report(engine, scenario, account)),
    ]
    try:
        await engine.run(NEVER_NS)
    finally:
        for task in beside:
            task.cancel()
        verdicts = await asyncio.gather(*beside, return_exceptions=True)
    for verdict in verdicts:
        if isinstance(verdict, Exception):
            raise verdict


def _ending(engine: Engine, life: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
    """A life beside the world's, with whose end the world's ends too."""
    task = asyncio.create_task(life)
    task.add_done_callback(lambda _: engine.interrupt())
    return task


async def _obey(engine: Engine, orders: Orders) -> None:
    while (pace := await orders.pace()) is not None:
        await engine.set_flow(ppm_for(engine.world, pace.rate_millitokens_per_s), PACED)


async def _report(engine: Engine, scenario: Scenario, account: Account) -> None:
    account.ready(Ready(version("agent-ecology"), len(engine.world.roster), engine.slots.count))
    while True:
        await asyncio.sleep(FIGURES_S)
        account.figures(engine.figures())
        if all(agent.wake_ns >= NEVER_NS for agent in engine.world.roster):
            waits = sorted({agent.waiting_on or agent.status for agent in engine.world.roster})
            raise RunFault(
                f"nobody in '{scenario.name}' will ever think again ({', '.join(waits)})",
                remedy="calibrate with a scenario in which agents can go on, e.g. stress",
            )
