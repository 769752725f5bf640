"""Event streams of worlds that never ran: small economies written straight to the log, for tests of what
reads it.

They are plausible, not lawful: buckets, waits, quotas and balances follow the kernel's arithmetic, choices
are drawn by strategy. The same world gives the same events.
"""

import heapq
from collections.abc import Generator, Iterator

import msgspec

from ecology.core.clock import SECOND_NS
from ecology.core.ids import SPENT, WORLD, agent_id, turn_id
from ecology.core.seeds import Draw
from ecology.events.records import (
    SCHEMA_VERSION,
    ActionTaken,
    AgentSpawned,
    AgentStateChanged,
    ArtifactCreated,
    FlowChanged,
    MessageSent,
    ModelCalled,
    RunEnded,
    RunStarted,
    TransferPosted,
)
from ecology.events.registry import Record
from ecology.resources.bucket import NANO, Bucket
from ecology.resources.flow import AS_GRANTED_PPM, flowing

CHOICES: dict[str, tuple[str, ...]] = {
    "maker": ("write", "write", "write", "edit", "read", "message", "transfer"),
    "trader": ("transfer", "transfer", "transfer", "query", "message", "read", "write"),
    "hoarder": ("query", "read", "sleep", "noop", "write", "query", "read", "sleep", "transfer"),
    "cooperator": ("transfer", "transfer", "message", "write", "read", "subscribe"),
    "free_rider": ("read", "read", "read", "query", "noop", "sleep", "transfer"),
}
_WORK_BYTES = 900
_CPU_US = 2_400
_THOUGHT_USD_MICROS = 500


class InventedWorld(msgspec.Struct, frozen=True, kw_only=True):
    """The physics of an invented world; the defaults are those of five agents in a container.

    `quiet` leaves out every transfer between agents, `models` adds model calls, `title` goes on every artifact. A
    thought takes 500 micro-dollars of `budget_usd_micros`; None is a world without budgets. `flow` says from which
    second on tokens flow at how many millionths of the rate, the earliest first.
    """

    agents: int = 5
    seconds: int = 600
    seed: int = 7
    scenario: str = "container"
    scrip: int = 100
    rate_millitokens: int = 10_000
    capacity_millitokens: int = 100_000
    thought_millitokens: int = 18_000
    disk_bytes: int = 20_000
    budget_usd_micros: int | None = None
    quiet: bool = False
    models: bool = False
    title: str = "a piece of work"
    flow: tuple[tuple[int, int], ...] = ()


class _Agent:
    def __init__(self, ordinal: int, strategy: str, world: InventedWorld) -> None:
        self.id = agent_id(ordinal)
        self.ordinal = ordinal
        self.strategy = strategy
        full = world.capacity_millitokens
        self.llm = Bucket(world.rate_millitokens, full, full * NANO, 0)
        self.cpu = Bucket(400_000, 2_000_000, 2_000_000 * NANO, 0)
        self.scrip = world.scrip * (2 if strategy == "hoarder" else 1)
        self.disk_free = world.disk_bytes
        self.budget = world.budget_usd_micros
        self.turn = 0
        self.asleep = False


def history(world: InventedWorld) -> Iterator[Record]:
    """The events of a world, from `run.started` to `run.ended`."""
    return _Story(world).tell()


class _Story:
    def __init__(self, world: InventedWorld) -> None:
        names = list(CHOICES)
        self.world = world
        self.sequence = 0
        self.agents = [_Agent(n, names[n * 7 % 5], world) for n in range(1, world.agents + 1)]
        self.works: list[str] = []
        self.flow = list(world.flow)
        self.flow_ppm = AS_GRANTED_PPM

    def tell(self) -> Iterator[Record]:
        world, end_ns = self.world, self.world.seconds * SECOND_NS
        yield RunStarted(
            sequence=self._next(),
            time_ns=0,
            principal_id=None,
            turn_id=None,
            schema_version=SCHEMA_VERSION,
            scenario=world.scenario,
            scenario_sha256="0" * 64,
            seed=world.seed,
            agents=world.agents,
            clock="virtual",
        )
        for agent in self.agents:
            yield from self._birth(agent)
        due = [(agent.ordinal * 997_001, agent.ordinal, -1) for agent in self.agents]
        heapq.heapify(due)
        while (
            due and (next_ns := min(due[0][0], self.flow[0][0] * SECOND_NS if self.flow else end_ns)) < end_ns
        ):
            if next_ns < due[0][0]:
                yield self._change_flow(*self.flow.pop(0))
                due = [self._waiting(*it, next_ns) for it in due]
                heapq.heapify(due)
                continue
            now_ns, ordinal, since_ns = heapq.heappop(due)
            agent = self.agents[ordinal - 1]
            ready_ns = agent.llm.ready_ns(world.thought_millitokens, now_ns)
            assert ready_ns is not None, "the bucket holds a thought"
            if agent.asleep:
                agent.asleep = False
                yield self._state(agent, now_ns, "active", "slept enough")
            if agent.budget is not None and agent.budget < _THOUGHT_USD_MICROS:
                yield self._state(agent, now_ns, "blocked", "llm_budget")
                continue
            if ready_ns > now_ns:
                heapq.heappush(due, (ready_ns, ordinal, now_ns if since_ns < 0 else since_ns))
                continue
            pause_ns = yield from self._turn(agent, now_ns, now_ns - since_ns if since_ns >= 0 else 0)
            heapq.heappush(due, (now_ns + pause_ns, ordinal, -1))
        yield RunEnded(
            sequence=self._next(), time_ns=end_ns, principal_id=None, turn_id=None, reason="completed"
        )

    def _next(self) -> int:
        self.sequence += 1
        return self.sequence

    def _waiting(self, at_ns: int, ordinal: int, since_ns: int, now_ns: int) -> tuple[int, int, int]:
        """Who waits for tokens looks again."""
        return (now_ns if since_ns >= 0 else at_ns, ordinal, since_ns)

    def _change_flow(self, second: int, ppm: int) -> FlowChanged:
        world, now_ns, before_ppm = self.world, second * SECOND_NS, self.flow_ppm
        self.flow_ppm = ppm
        for agent in self.agents:
            agent.llm.set_rights(*flowing(world.rate_millitokens, world.capacity_millitokens, ppm), now_ns)
        return FlowChanged(
            sequence=self._next(),
            time_ns=now_ns,
            principal_id=None,
            turn_id=None,
            flow_ppm=ppm,
            before_ppm=before_ppm,
            why="invented",
        )

    def _birth(self, agent: _Agent) -> Iterator[Record]:
        yield AgentSpawned(
            sequence=self._next(),
            time_ns=0,
            principal_id=None,
            turn_id=None,
            agent_id=agent.id,
            ordinal=agent.ordinal,
            strategy=agent.strategy,
            parent_id=None,
        )
        world = self.world
        for asset, amount in (
            ("scrip", agent.scrip),
            ("llm_rate", world.rate_millitokens),
            ("llm_capacity", world.capacity_millitokens),
            ("cpu_rate", 400_000),
            ("cpu_capacity", 2_000_000),
            ("disk", world.disk_bytes),
            ("llm_budget", world.budget_usd_micros or 0),
        ):
            if amount:
                yield self._transfer(0, None, asset, WORLD, agent.id, amount)

    def _state(self, agent: _Agent, now_ns: int, state: str, reason: str) -> AgentStateChanged:
        return AgentStateChanged(
            sequence=self._next(),
            time_ns=now_ns,
            principal_id=agent.id,
            turn_id=None,
            agent_id=agent.id,
            state=state,
            reason=reason,
        )

    def _transfer(
        self, now_ns: int, turn: str | None, asset: str, from_id: str, to_id: str, amount: int
    ) -> TransferPosted:
        return TransferPosted(
            sequence=self._next(),
            time_ns=now_ns,
            principal_id=None if from_id == WORLD else from_id,
            turn_id=turn,
            transfer_id=self.sequence,
            asset=asset,
            from_id=from_id,
            to_id=to_id,
            amount=amount,
        )

    def _turn(self, agent: _Agent, now_ns: int, waited_ns: int) -> Generator[Record, None, int]:
        """One turn's events; returns how long the agent pauses after it."""
        agent.turn += 1
        turn, draw = turn_id(agent.id, agent.turn), Draw(self.world.seed, agent.ordinal, agent.turn)
        charged = self.world.thought_millitokens - draw.below(self.world.thought_millitokens // 4)
        if agent.budget is not None:
            agent.budget -= _THOUGHT_USD_MICROS
            yield self._transfer(now_ns, turn, "llm_budget", agent.id, SPENT, _THOUGHT_USD_MICROS)
        if self.world.models:
            yield self._call(agent, now_ns, turn, draw)
        kinds = CHOICES[agent.strategy]
        if self.world.quiet:
            kinds = tuple(kind for kind in kinds if kind != "transfer")
        action = draw.choice(kinds)
        reason, target, deeds = self._deed(agent, now_ns, turn, action, draw)
        yield from deeds
        agent.llm.take(charged, now_ns)
        agent.cpu.take(_CPU_US, now_ns)
        yield ActionTaken(
            sequence=self._next(),
            time_ns=now_ns,
            principal_id=agent.id,
            turn_id=turn,
            action=action,
            outcome="committed" if reason is None else "refused",
            reason=reason,
            target=target,
            llm_millitokens=charged,
            cpu_us=_CPU_US,
            waited_ns=waited_ns,
            waited_on="llm_rate" if waited_ns else None,
            llm_level_millitokens=agent.llm.level_nano // NANO,
            cpu_level_us=agent.cpu.level_nano // NANO,
        )
        pause_ns = draw.between(20, 400) * 1_000_000
        if action == "sleep":
            agent.asleep = True
            yield self._state(agent, now_ns, "asleep", "sleep")
            pause_ns += draw.between(5, 30) * SECOND_NS
        return pause_ns

    def _deed(
        self, agent: _Agent, now_ns: int, turn: str, action: str, draw: Draw
    ) -> tuple[str | None, str | None, list[Record]]:
        """What the action does: the reason if it is refused, its target, its events."""
        if action == "transfer":
            return self._pay(agent, now_ns, turn, draw)
        if action == "write":
            return self._write(agent, now_ns, turn, draw)
        if action == "message" and len(self.agents) > 1:
            other = self._other(agent, draw)
            return None, other.id, [self._message(agent, now_ns, turn, other)]
        if action in ("read", "edit"):
            if not self.works:
                return "not_found", "nowhere", []
            return ("not_permitted" if draw.chance(8) else None), draw.choice(self.works), []
        return None, None, []

    def _other(self, agent: _Agent, draw: Draw) -> _Agent:
        """Somebody else, near in the order of agents more often than far: neighbourhoods form."""
        others = len(self.agents) - 1
        step = 1 + draw.below(min(3, others)) if draw.chance(85) else 1 + draw.below(others)
        if draw.chance(50):
            step = others + 1 - step
        return self.agents[(agent.ordinal - 1 + step) % len(self.agents)]

    def _pay(
        self, agent: _Agent, now_ns: int, turn: str, draw: Draw
    ) -> tuple[str | None, str | None, list[Record]]:
        if len(self.agents) == 1:
            return "unknown_principal", "nobody", []
        other, price = self._other(agent, draw), draw.between(1, 25)
        if price > agent.scrip:
            return "insufficient", other.id, []
        agent.scrip -= price
        other.scrip += price
        return None, other.id, [self._transfer(now_ns, turn, "scrip", agent.id, other.id, price)]

    def _write(
        self, agent: _Agent, now_ns: int, turn: str, draw: Draw
    ) -> tuple[str | None, str | None, list[Record]]:
        name = f"{agent.id}-{agent.turn}"
        if agent.disk_free < _WORK_BYTES:
            return "disk_quota", name, []
        agent.disk_free -= _WORK_BYTES
        basis = (draw.choice(self.works[-20:]),) if self.works and draw.chance(40) else ()
        self.works.append(name)
        created = ArtifactCreated(
            sequence=self._next(),
            time_ns=now_ns,
            principal_id=agent.id,
            turn_id=turn,
            artifact_id=name,
            artifact_type="text",
            owner=agent.id,
            contract="freeware",
            revision=1,
            size_bytes=_WORK_BYTES,
            content_sha256="0" * 64,
            depends_on=basis,
            title=self.world.title,
        )
        return None, name, [created]

    def _message(self, agent: _Agent, now_ns: int, turn: str, other: _Agent) -> MessageSent:
        return MessageSent(
            sequence=self._next(),
            time_ns=now_ns,
            principal_id=agent.id,
            turn_id=turn,
            to_id=other.id,
            text=self.world.title,
        )

    def _call(self, agent: _Agent, now_ns: int, turn: str, draw: Draw) -> ModelCalled:
        tokens_in, tokens_out = draw.between(800, 2400), draw.between(20, 300)
        return ModelCalled(
            sequence=self._next(),
            time_ns=now_ns,
            principal_id=agent.id,
            turn_id=turn,
            model="invented",
            answer="unparsable" if draw.chance(3) else "ok",
            input_tokens=tokens_in,
            output_tokens=tokens_out,
            usd_micros=(tokens_in + 4 * tokens_out) // 4,
            estimate_usd_micros=(tokens_in + 4 * 400) // 4,
            estimate_millitokens=self.world.thought_millitokens,
            latency_ms=draw.between(300, 2500),
        )
