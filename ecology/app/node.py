"""A node process: what it needs from its surroundings, the world it finds or founds, and its life."""

import asyncio
import socket
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from zlib import crc32

import msgspec

from ecology import scenarios
from ecology.app import assembly, model_client, scorers
from ecology.app.interruption import Interruption
from ecology.app.memory import MemoryPlace
from ecology.core.errors import UsageError
from ecology.core.password import new_password
from ecology.core.wall import wall_us
from ecology.engine.policy import PolicyBook, PolicyFactory
from ecology.engine.services import Supervision
from ecology.kernel.world import World
from ecology.llm.model import ModelClient
from ecology.nodes.endpoints import Endpoint
from ecology.nodes.figures import Figures
from ecology.nodes.hints import Hints, LocalHints
from ecology.nodes.membership import parse_range
from ecology.nodes.node import Node
from ecology.nodes.service import NODE_PORT, Service
from ecology.nodes.term import Makings, Share
from ecology.scenarios import Scenario
from ecology.store.postgres import PostgresStore
from ecology.store.postgres_head import Head

CLOCK_S = 5.0
"""A difference of wall clocks that somebody should know of."""

SCENARIO = "scenario"
"""The fact about a world that says what it is: its whole configuration as YAML."""


class Place(msgspec.Struct, frozen=True):
    """Where a node lives: its services and its share. `agent_range` is as written, or empty; so may be `host`, for no
    HTTP service."""

    postgres: Endpoint
    redis: Endpoint | None = None
    memory: MemoryPlace = MemoryPlace()
    node_id: str = ""
    agent_range: str = ""
    host: str = ""
    port: int = NODE_PORT
    crashes: Path | None = None
    """Where the tracebacks of crashed minds go; None: to whom the node speaks."""

    def share(self) -> Share:
        """Which node this is; without an id one that no other start has. Raises UsageError for no range."""
        holder = new_password()
        first, last = parse_range(self.agent_range) if self.agent_range.strip() else (0, 0)
        return Share(self.node_id or f"{socket.gethostname()[:40]}-{holder[:6]}", holder, first, last)


async def settle(
    store: PostgresStore,
    wanted: Scenario,
    *,
    insist: bool,
    own: Mapping[str, PolicyFactory] = MappingProxyType({}),
) -> Scenario:
    """The scenario of the world in the database; founds `wanted`, with minds of one's `own`, where there is none yet.

    Raises UsageError if another one is there and somebody insists on this one.
    """
    async with store.at_head() as turnstile:
        if turnstile.head.number == 0:
            assembly.require_minds(wanted, own)
            world = assembly.new_world(store, wanted, assembly.policies(wanted, None, own))
            await turnstile.put_meta(SCENARIO, scenarios.dump(wanted))
            await turnstile.write(world.take_batch(), node="", generation=0, payload=b"", time_ns=0)
            return wanted
    found = scenarios.loads(await store.meta(SCENARIO) or "", store.where)
    if insist and wanted.fingerprint() != found.fingerprint():
        raise UsageError(
            f"another world lives in {store.where}: {found.name}, {found.agents} agents, seed {found.seed}",
            remedy="leave the scenario's options out to join it, or name another database",
        )
    return found


def makings(
    store: PostgresStore,
    scenario: Scenario,
    client: ModelClient | None,
    book: PolicyBook,
    say: Callable[[str], None],
    memory: MemoryPlace = MemoryPlace(),  # noqa: B008 - it is frozen
    crashes: Path | None = None,
) -> Makings:
    """What the loops of a node are made of in this scenario."""
    rules = scenario.supervisor

    async def load() -> tuple[World, Head]:
        world, head = await store.load_world(
            seed=scenario.seed, default_contract=scenario.contracts.default, laws=scenario.laws()
        )
        assembly.require_policies(world, book)
        return world, head

    return Makings(
        load=load,
        costs=scenario.costs(),
        budgeted=scenario.physics().llm_budget_usd_micros is not None,
        thought_memory_bytes=scenario.thought.memory_bytes,
        policies=book,
        thinking_slots=assembly.thinking_slots(scenario, assembly.limits_of(scenario)),
        supervision=Supervision(rules.backoff_ns, rules.backoff_max_ns, rules.freeze_after),
        report_crash=_told_to(say) if crashes is None else assembly.crash_log(crashes),
        duration_ns=scenario.duration_ns,
        memories=lambda: memory.memories(world_name(scenario), say),
        scorer=scorers.scorer(scenario, client),
    )


def _told_to(say: Callable[[str], None]) -> Callable[[str, str], None]:
    return lambda agent_id, trace: say(f"{agent_id}:\n{trace}")


def hints_for(redis: Endpoint | None, world: str, node: str) -> Hints:
    """Hints through Redis; without one the poll is all there is."""
    if redis is None:
        return LocalHints({}, node)
    # Imported by whoever has a Redis.
    from ecology.nodes.redis_hints import RedisHints  # noqa: PLC0415

    return RedisHints(redis.reveal(), world, node)


async def live(
    place: Place, wanted: Scenario, say: Callable[[str], None], environ: Mapping[str, str], *, insist: bool
) -> bool:
    """Be a node until the world is over (True) or a signal ends it (False); for `wanted` see `settle`."""
    share = place.share()
    with Interruption() as interruption:
        try:
            store = await PostgresStore.open(place.postgres.reveal(), seed=crc32(share.holder.encode()))
            try:
                scenario = await settle(store, wanted, insist=insist)
                await _compare_clocks(store, say)
                client = await model_client.connect(scenario, dict(environ), say, wait=False)
                try:
                    return await _live(place, share, store, scenario, client, interruption, say)
                finally:
                    if client is not None:
                        await client.close()
            finally:
                await store.close()
        except asyncio.CancelledError:
            if not interruption.requested:
                raise
            return False


async def _live(
    place: Place,
    share: Share,
    store: PostgresStore,
    scenario: Scenario,
    client: ModelClient | None,
    interruption: Interruption,
    say: Callable[[str], None],
) -> bool:
    book = assembly.policies(scenario, client, {})
    hints = hints_for(place.redis, world_name(scenario), share.node)
    parts = makings(store, scenario, client, book, say, place.memory, place.crashes)
    node = Node(share, store, hints, parts, say)
    figures = Figures(node, hints)
    service = Service(figures.readiness, figures.metrics, place.host, place.port) if place.host else None
    try:
        if service is not None:
            await service.start()
        with interruption.ends(node.stop):
            return await node.run()
    finally:
        await hints.stop()
        if service is not None:
            await service.stop()


async def _compare_clocks(store: PostgresStore, say: Callable[[str], None]) -> None:
    """Say so if this machine's wall clock is far off. Worlds go by the database's, but certificates and logs do not."""
    before_us = wall_us()
    theirs_us = await store.clock_us()
    after_us = wall_us()
    ahead_s = ((before_us + after_us) / 2 - theirs_us) / 1_000_000
    if abs(ahead_s) > max(CLOCK_S, (after_us - before_us) / 1_000_000):  # a slow answer says little
        how = "ahead of" if ahead_s > 0 else "behind"
        say(
            f"this machine's clock is {abs(ahead_s):,.0f} s {how} that of {store.where}, which the world goes by;"
            " set it (NTP does)"
        )


def world_name(scenario: Scenario) -> str:
    """What tells this world's hints from another's on the same Redis."""
    return scenario.fingerprint()[:16]
