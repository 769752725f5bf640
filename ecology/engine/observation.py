"""What an agent sees when its turn begins: itself, its news, nothing that it has not looked up."""

import msgspec

from ecology.core.seeds import Draw
from ecology.events.records import Event
from ecology.kernel.actions import AgentConfig
from ecology.kernel.agent import Agent
from ecology.kernel.world import World
from ecology.resources.assets import ASSETS, CPU_RATE, DISK, LLM_BUDGET, SCRIP


class _Kept(msgspec.Struct, frozen=True):
    """What an agent had when its view was kept: what it could dispose of, and what it could use."""

    rights: dict[str, int]
    usable: dict[str, int]
    disk_used: int
    llm_rate: int
    llm_capacity: int
    llm_level: int
    cpu_level: int
    config: AgentConfig


class Observation:
    """A view, computed as it is looked at, so that looking costs only what is looked at.

    Times are nanoseconds of world time; rights are in the base units of `ecology.resources.assets`. `news` holds the
    events since the agent's last turn (its cursor), oldest first, `missed` how many older ones were dropped.
    """

    __slots__ = ("_agent", "_draw", "_kept", "_world", "missed", "news", "now_ns")

    def __init__(self, world: World, agent: Agent, now_ns: int) -> None:
        self._world = world
        self._agent = agent
        self.now_ns = now_ns
        self.news: tuple[Event, ...] = tuple(agent.inbox)
        self.missed = agent.missed
        self._draw: Draw | None = None
        self._kept: _Kept | None = None

    def keep(self) -> None:
        """Look at everything now. A slow mind looks later, when the world has moved on to what is not yet committed."""
        rights = {asset: self.right(asset) for asset in ASSETS}
        usable = {asset: self.usable(asset) for asset in ASSETS}
        self._kept = _Kept(
            rights=rights,
            usable=usable,
            disk_used=self.disk_used,
            llm_rate=self.llm_rate,
            llm_capacity=self.llm_capacity,
            llm_level=self.llm_level,
            cpu_level=self.cpu_level,
            config=self.config,
        )

    @property
    def draw(self) -> Draw:
        """This turn's randomness."""
        if self._draw is None:
            self._draw = self._world.draw(self._agent)
        return self._draw

    @property
    def agent_id(self) -> str:
        return self._agent.id

    @property
    def ordinal(self) -> int:
        """The agent's place in the world's order, from 1."""
        return self._agent.ordinal

    @property
    def turn(self) -> int:
        return self._agent.turn

    @property
    def config(self) -> AgentConfig:
        return self._agent.config if self._kept is None else self._kept.config

    def right(self, asset: str) -> int:
        """What the agent can dispose of, holds set aside."""
        return self._world.available(self._agent, asset) if self._kept is None else self._kept.rights[asset]

    def usable(self, asset: str) -> int:
        """What the agent can use: what it can dispose of, and what it rents."""
        return self._world.usable(self._agent, asset) if self._kept is None else self._kept.usable[asset]

    @property
    def scrip(self) -> int:
        return self.right(SCRIP)

    @property
    def disk_quota(self) -> int:
        return self.usable(DISK)

    @property
    def disk_used(self) -> int:
        return self._agent.disk_used if self._kept is None else self._kept.disk_used

    @property
    def disk_free(self) -> int:
        """Negative after a rent of disk has ended that the agent still needs."""
        return self.disk_quota - self.disk_used

    @property
    def llm_rate(self) -> int:
        """Millitokens per second that really flow: what the agent can use, times the world's factor."""
        return self._agent.llm.rate if self._kept is None else self._kept.llm_rate

    @property
    def llm_capacity(self) -> int:
        """Millitokens that the bucket really holds."""
        return self._agent.llm.capacity if self._kept is None else self._kept.llm_capacity

    @property
    def cpu_rate(self) -> int:
        """CPU microseconds per second."""
        return self.usable(CPU_RATE)

    @property
    def llm_level(self) -> int:
        """Millitokens in the bucket after this thought was paid in advance."""
        return self._agent.llm.refill(self.now_ns) if self._kept is None else self._kept.llm_level

    @property
    def cpu_level(self) -> int:
        """CPU microseconds in the bucket after this turn was paid in advance."""
        return self._agent.cpu.refill(self.now_ns) if self._kept is None else self._kept.cpu_level

    @property
    def llm_budget(self) -> int:
        """Micro-dollars left."""
        return self.right(LLM_BUDGET)
