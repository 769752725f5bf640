"""Begin a run or take one up again, let it live, and leave everything on disk, whatever ends it."""

import asyncio
import contextlib
import shlex
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec

from ecology.app import assembly, scorers
from ecology.app.auditing import ARCHIVE_HEAD
from ecology.app.finishing import CODE_METER, code_meter
from ecology.app.governing import Governing, governed
from ecology.app.interruption import Interruption
from ecology.app.memory import MemoryPlace
from ecology.app.run_directory import RunDirectory
from ecology.core.clock import host_ns, utc_stamp
from ecology.core.errors import UsageError
from ecology.engine.engine import Engine
from ecology.engine.policy import PolicyBook, PolicyFactory
from ecology.kernel.world import World
from ecology.llm.model import ModelClient
from ecology.observe.archive.archivist import Archivist
from ecology.observe.archive.repository import Repository
from ecology.resources.assets import SCRIP
from ecology.scenarios import Scenario
from ecology.store.sqlite import SqliteStore

WATCH_SECONDS = 0.5

NO_PLACE = MemoryPlace()
"""Memories are indexed in the run's own directory."""

WALL_NS = "wall_ns"
"""The fact about a run that says how long it was worked on, by all its processes."""


class Progress(msgspec.Struct, frozen=True):
    """How a run stands: times in nanoseconds, shares of agents in percent."""

    world_ns: int
    until_ns: int
    wall_ns: int
    actions: int
    agents: int
    blocked_percent: int
    asleep_percent: int
    supply: int


class Ending(msgspec.Struct, frozen=True):
    """How a run ended: complete, or interrupted and to be resumed. `wall_ns` counts all its processes.

    `was_over`: it had been lived to its end before.
    """

    complete: bool
    was_over: bool
    world_ns: int
    wall_ns: int


class Watchers(msgspec.Struct, frozen=True):
    """Who is told what while a run goes on: a line for a person, or how it stands."""

    say: Callable[[str], None]
    progress: Callable[[Progress], None]


async def begin(
    run: RunDirectory,
    scenario: Scenario,
    client: ModelClient | None,
    watchers: Watchers,
    own_policies: Mapping[str, PolicyFactory] | None = None,
    *,
    place: MemoryPlace = NO_PLACE,
    governing: Governing | None = None,
) -> Ending:
    """A new world in a new run directory, until its duration is over or somebody interrupts it."""
    store = SqliteStore.create(run.database)
    return await _take_up(
        run, scenario, store, "begun", client, watchers, own_policies or {}, place, governing
    )


async def resume(
    run: RunDirectory,
    scenario: Scenario,
    client: ModelClient | None,
    watchers: Watchers,
    *,
    place: MemoryPlace = NO_PLACE,
    governing: Governing | None = None,
) -> Ending:
    """Take up a run where its last commit left it, be it before the first. A complete one is left as it is."""
    store = SqliteStore.open(run.database) if run.begun else SqliteStore.create(run.database)
    return await _take_up(run, scenario, store, "resumed", client, watchers, {}, place, governing)


async def _take_up(
    run: RunDirectory,
    scenario: Scenario,
    store: SqliteStore,
    how: str,
    client: ModelClient | None,
    watchers: Watchers,
    own_policies: Mapping[str, PolicyFactory],
    place: MemoryPlace,
    governing: Governing | None,
) -> Ending:
    """Work on the run until it is complete or a signal ends the work; closes store and client."""
    try:
        was_over = store.has_ended()
        with Interruption() as interruption:
            try:
                if was_over:
                    async with archiving(run, store, watchers) as archivist:
                        await archive_rest(run, store, archivist)
                    complete = True
                else:
                    book = assembly.policies(scenario, client, own_policies)
                    world, start_ns = world_at(run, scenario, store, book)
                    world.memory = place.memories(run.run_id, watchers.say, run.memory)
                    store.note(utc_stamp(), how)
                    world.meter = code_meter(store.meta(CODE_METER))
                    scorer = scorers.scorer(scenario, client)
                    with world.sandbox, world.memory:
                        engine = assembly.engine(run, scenario, world, store, start_ns, book, scorer=scorer)
                        complete = await _live(
                            run, scenario, store, engine, watchers, interruption, governing
                        )
            except asyncio.CancelledError:
                if not interruption.requested:
                    raise
                complete = False
        return Ending(complete, was_over, _fact_ns(store, "time_ns"), _fact_ns(store, WALL_NS))
    finally:
        store.close()
        if client is not None:
            await client.close()


def world_at(
    run: RunDirectory, scenario: Scenario, store: SqliteStore, book: PolicyBook
) -> tuple[World, int]:
    """The world as the store has it and its time; a new one, committed, if the store has none."""
    fingerprint = scenario.fingerprint()
    if store.is_empty():
        world = assembly.new_world(store, scenario, book)
        store.write(world.take_batch(), 0)
        store.put_meta("fingerprint", fingerprint)
        store.commit()
        world.shelf.contents.committed()
        return world, 0
    if store.meta("fingerprint") != fingerprint:
        raise UsageError(
            f"{run.config} is not the configuration this run began with",
            remedy="restore the file, or start a new run",
        )
    return assembly.load_world(store, scenario)


async def _live(
    run: RunDirectory,
    scenario: Scenario,
    store: SqliteStore,
    engine: Engine,
    watchers: Watchers,
    interruption: Interruption,
    governing: Governing | None,
) -> bool:
    """Let the world live to its end and archive it; False if it was interrupted on the way."""
    started_ns = host_ns() - _fact_ns(store, WALL_NS)
    meter = engine.world.meter

    def facts() -> dict[str, str]:
        return {
            WALL_NS: str(host_ns() - started_ns),
            CODE_METER: msgspec.json.encode(meter).decode(),
        }

    def progress() -> None:
        watchers.progress(_progress(engine, scenario.duration_ns, host_ns() - started_ns))

    store.facts = facts
    await interruption.listen()  # to what came while the world was made
    async with archiving(run, store, watchers) as archivist:
        watching = asyncio.create_task(_watch(progress))
        try:
            async with governed(engine, governing, watchers.say):
                with interruption.ends(engine.interrupt):
                    await engine.run(scenario.duration_ns)
        finally:
            watching.cancel()
        progress()
        if engine.interrupted:
            return False
        await archive_rest(run, store, archivist)
    return True


@asynccontextmanager
async def archiving(run: RunDirectory, store: SqliteStore, watchers: Watchers) -> AsyncIterator[Archivist]:
    """The archive's follower beside the work; what it has not written when the work ends, the next one writes."""
    archivist = Archivist(run.path, on_cursor=store.archived, on_fault=watchers.say)
    await archivist.start()
    try:
        yield archivist
    finally:
        await archivist.stop()


async def archive_rest(run: RunDirectory, store: SqliteStore, archivist: Archivist) -> None:
    """Write what the archive still lacks, and keep its last commit with a complete run."""
    await archivist.finish(store.last_sequence())
    store.clear_outbox()
    if store.meta(ARCHIVE_HEAD) is None:
        head = Repository(run.archive).head()
        assert head is not None, "a world begins with artifacts"
        store.put_meta(ARCHIVE_HEAD, head.commit)


def _fact_ns(store: SqliteStore, name: str) -> int:
    return int(store.meta(name) or 0)


async def _watch(progress: Callable[[], None]) -> None:
    while True:
        await asyncio.sleep(WATCH_SECONDS)
        progress()


def _progress(engine: Engine, until_ns: int, wall_ns: int) -> Progress:
    world: World = engine.world
    agents = len(world.roster)
    waiting = sum(1 for agent in world.roster if agent.waiting_on is not None or agent.status == "blocked")
    asleep = sum(1 for agent in world.roster if agent.status == "asleep")
    return Progress(
        world_ns=min(engine.clock.now_ns(), until_ns),
        until_ns=until_ns,
        wall_ns=wall_ns,
        actions=engine.committer.turns,
        agents=agents,
        blocked_percent=100 * waiting // agents,
        asleep_percent=100 * asleep // agents,
        supply=world.supply(SCRIP),
    )


def resume_command(run: RunDirectory) -> str:
    """What to type in the present folder to go on."""
    shown = run.path
    with contextlib.suppress(FileNotFoundError):  # the folder may be gone
        if shown.is_relative_to(Path.cwd()):
            shown = shown.relative_to(Path.cwd())
    return f"ecology run --resume {shlex.quote(str(shown))}"
