"""`ecology run --nodes K`: a run whose world lives in PostgreSQL, on K node processes of this machine.

The run directory gets what every run leaves: when the world is over, or the run is interrupted, the world is written
down as an ordinary `ecology.sqlite`, and archive, export, audit, summary and report follow from that.
"""

import asyncio
import contextlib
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack

import msgspec

from ecology.app import node, running
from ecology.app.interruption import Interruption
from ecology.app.local_servers import local_servers
from ecology.app.run_directory import RunDirectory
from ecology.core.clock import host_ns, utc_stamp
from ecology.core.errors import RunFault, UsageError
from ecology.nodes.endpoints import Endpoint
from ecology.nodes.history_audit import audit_history
from ecology.scenarios import Scenario
from ecology.store.postgres import PostgresStore
from ecology.store.sqlite import SqliteStore
from ecology.store.transcript import transcribe

LEAVE_S = 15.0
"""How long nodes that were told to stop may take before they are killed."""

_LOOK_S = 0.5
_KEPT_LINES = 5


class Services(msgspec.Struct, frozen=True):
    """PostgreSQL and Redis that somebody named; those that are None are started for the run and end with it."""

    postgres: Endpoint | None = None
    redis: Endpoint | None = None


class _Nodes:
    """The node processes of a run."""

    def __init__(self, processes: list[Process], say: Callable[[str], None]) -> None:
        self._processes = processes
        self._say = say
        self._said: dict[int, list[str]] = {number: [] for number in range(len(processes))}
        self._listening = [
            asyncio.create_task(self._listen(number, process)) for number, process in enumerate(processes)
        ]

    async def _listen(self, number: int, process: Process) -> None:
        """Pass on what a node says, under its name."""
        assert process.stderr is not None
        async for line in process.stderr:
            text = line.decode("utf-8", "replace").rstrip().removeprefix("ecology: ")
            self._said[number] = [*self._said[number], text][-_KEPT_LINES:]
            self._say(f"node-{number + 1}: {text}")

    @property
    def alive(self) -> int:
        return sum(process.returncode is None for process in self._processes)

    async def end(self) -> None:
        """Let every node leave, and kill those that do not."""
        for process in self._processes:
            if process.returncode is None:
                process.send_signal(signal.SIGTERM)
        waiting = asyncio.gather(*(process.wait() for process in self._processes))
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(waiting, LEAVE_S)
        for process in self._processes:
            if process.returncode is None:
                process.kill()
                await process.wait()
        await asyncio.gather(*self._listening)

    def fault(self) -> RunFault:
        """Why no node is left: what the last one said last."""
        last = next((lines[-1] for lines in self._said.values() if lines), "")
        return RunFault(f"no node is left{f': {last}' if last else ''}", remedy="look at what the nodes said")


async def live(
    run: RunDirectory,
    scenario: Scenario,
    count: int,
    services: Services,
    watchers: running.Watchers,
    environ: Mapping[str, str],
) -> running.Ending:
    """Live a new run on `count` nodes, until its world is over or somebody interrupts it."""
    require_real_clock(scenario)
    started_ns = host_ns()
    with Interruption() as interruption:
        try:
            async with AsyncExitStack() as stack:
                url, redis = await _servers(stack, services)
                store = await PostgresStore.open(url)
                stack.push_async_callback(store.close)
                await node.settle(store, scenario, insist=True)
                await interruption.listen()
                nodes = await _started(count, {**environ, "POSTGRES_URL": url, **redis}, run, watchers.say)
                stopped = asyncio.Event()
                try:
                    with interruption.ends(stopped.set):
                        await _watch(store, scenario, nodes, stopped, watchers, started_ns)
                finally:
                    await nodes.end()
                return await _written_down(run, scenario, store, watchers, host_ns() - started_ns)
        except asyncio.CancelledError:
            if not interruption.requested:
                raise
            return running.Ending(False, False, 0, host_ns() - started_ns)


def require_real_clock(scenario: Scenario) -> None:
    """Raises UsageError for a world of virtual time, which one process alone can order."""
    if scenario.clock == "virtual":
        raise UsageError("nodes share real time only", remedy="add --clock real")


async def _servers(stack: AsyncExitStack, services: Services) -> tuple[str, dict[str, str]]:
    """The URL of PostgreSQL, and Redis for the environment of the nodes."""
    if services.postgres is not None and services.redis is not None:
        return services.postgres.reveal(), {"REDIS_URL": services.redis.reveal()}
    if services.postgres is not None:
        return services.postgres.reveal(), {}
    postgres, redis = await stack.enter_async_context(local_servers())
    return postgres, {"REDIS_URL": services.redis.reveal() if services.redis is not None else redis}


async def _started(
    count: int, environ: Mapping[str, str], run: RunDirectory, say: Callable[[str], None]
) -> _Nodes:
    clean = {
        name: value
        for name, value in environ.items()
        if name
        not in ("AGENT_RANGE", "POSTGRES_URL_FILE", "REDIS_URL_FILE", "POSTGRES_PASSWORD", "REDIS_PASSWORD")
    }
    processes = [
        await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "ecology", "node", "--no-http", "--quiet", "--id", f"node-{number}"),
            *("--crashes", str(run.crashes)),
            env=clean,
            stdin=DEVNULL,
            stdout=DEVNULL,
            stderr=PIPE,
            start_new_session=True,  # Ctrl-C is for us: the nodes are told when it is their turn
        )
        for number in range(1, count + 1)
    ]
    return _Nodes(processes, say)


async def _watch(
    store: PostgresStore,
    scenario: Scenario,
    nodes: _Nodes,
    stopped: asyncio.Event,
    watchers: running.Watchers,
    started_ns: int,
) -> None:
    """Show how the world stands until it is over or `stopped` is set. Raises RunFault if every node is gone before."""
    while not stopped.is_set():
        head, census = await store.head(), await store.census()
        watchers.progress(
            running.Progress(
                world_ns=min(head.time_ns, scenario.duration_ns),
                until_ns=scenario.duration_ns,
                wall_ns=host_ns() - started_ns,
                actions=census.turns,
                agents=census.agents,
                blocked_percent=100 * census.waiting // census.agents,
                asleep_percent=100 * census.asleep // census.agents,
                supply=census.supply,
            )
        )
        if head.ended:
            return
        if not nodes.alive:
            raise nodes.fault()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stopped.wait(), _LOOK_S)


async def _written_down(
    run: RunDirectory, scenario: Scenario, store: PostgresStore, watchers: running.Watchers, wall_ns: int
) -> running.Ending:
    """The world as the run's own database and archive."""
    head, history = await transcribe(store, run.database), await audit_history(store)
    written = SqliteStore.open(run.database)
    try:
        written.put_meta("fingerprint", scenario.fingerprint())
        written.put_meta(running.WALL_NS, str(wall_ns))
        written.note(utc_stamp(), "written down from PostgreSQL")
        async with running.archiving(run, written, watchers) as archivist:
            if head.ended:
                await running.archive_rest(run, written, archivist)
    finally:
        written.close()
    for check in history:
        if not check.ok:
            raise RunFault(f"the nodes did not keep their rules: {check.name}: {check.detail}")
    return running.Ending(head.ended, False, min(head.time_ns, scenario.duration_ns), wall_ns)
