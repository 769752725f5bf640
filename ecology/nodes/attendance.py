"""The loops on one node: one for each agent that is its own, and those of the world's work that fall to it."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from typing import Any

from ecology.core.clock import RealClock
from ecology.engine.judging import Judging
from ecology.engine.services import Services
from ecology.kernel.agent import Agent
from ecology.kernel.economy.mint import JUDGE_KEY
from ecology.kernel.housekeeping import due_ns, keep_house
from ecology.kernel.world import SYSTEM_KEY
from ecology.nodes.floor import Floor
from ecology.nodes.membership import Membership
from ecology.nodes.turns import NodeLoop


class Attendance:
    """Starts and ends loops as agents come and go; `failed` is told the first fault of one, which is a bug."""

    def __init__(
        self,
        floor: Floor,
        services: Services,
        clock: RealClock,
        judging: Callable[[], Judging] | None,
        failed: Callable[[BaseException], None],
    ) -> None:
        """`judging` makes the life that awaits a slow scorer's scores, where the mint has one."""
        self._floor = floor
        self._services = services
        self._clock = clock
        self._judging = judging
        self._failed = failed
        self._loops: dict[int, asyncio.Task[None]] = {}
        self._taking: set[asyncio.Task[None]] = set()
        self._awaited: set[int] = set()

    @property
    def agents(self) -> int:
        """How many agents live here."""
        return sum(ordinal > SYSTEM_KEY for ordinal in self._loops)

    def attend(self, agents: Iterable[Agent]) -> None:
        fresh: list[Agent] = []
        for agent in agents:
            if not self._floor.owns(agent.ordinal):
                continue
            if agent.ordinal in self._loops:
                self._clock.wake(agent.ordinal, agent.wake_ns)
            elif agent.ordinal not in self._awaited:
                fresh.append(agent)
        if fresh:
            self._take_over(fresh)
        self._clock.wake(SYSTEM_KEY, due_ns(self._floor.world))

    def rearrange(self, membership: Membership) -> None:
        for ordinal in [it for it in self._loops if membership.owner(it) != self._floor.node]:
            self._loops.pop(ordinal).cancel()
        roster = self._floor.world.roster
        self._take_over(
            [
                agent
                for agent in roster
                if agent.ordinal not in self._loops
                and agent.ordinal not in self._awaited
                and membership.owner(agent.ordinal) == self._floor.node
            ]
        )
        self._see_to(SYSTEM_KEY, self._keep_house)
        judging = self._judging
        if judging is not None:
            self._see_to(JUDGE_KEY, lambda: judging().run())

    def close_lost_thoughts(self, agents: Iterable[Agent]) -> None:
        """Within a deed: void what dead or departing nodes held for thoughts of these agents."""
        till = self._services.till
        for agent in agents:
            till.close_lost(agent, self._clock.now_ns())

    async def end(self) -> None:
        """Cancel every loop and wait until they have ended."""
        tasks = [*self._loops.values(), *self._taking]
        self._loops.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _see_to(self, key: int, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        if key not in self._loops and self._floor.owns(key):
            self._start(key, work())

    async def _keep_house(self) -> None:
        """The steward's life, see `engine.steward`."""
        world, clock = self._floor.world, self._clock
        while await clock.wait(SYSTEM_KEY, due_ns(world)):
            await self._floor.do(self._keep)

    def _keep(self) -> None:
        if self._floor.owns(SYSTEM_KEY):
            keep_house(self._floor.world, self._clock.now_ns())

    def _take_over(self, agents: list[Agent]) -> None:
        """Loops for agents that were another node's, once what that one left open is closed."""
        if not agents:
            return
        self._awaited.update(agent.ordinal for agent in agents)
        task = asyncio.get_running_loop().create_task(self._begin(agents))
        self._taking.add(task)
        task.add_done_callback(self._taken)

    async def _begin(self, agents: list[Agent]) -> None:
        def close() -> None:
            self.close_lost_thoughts(agent for agent in agents if self._floor.owns(agent.ordinal))

        try:
            await self._floor.do(close)
        finally:
            self._awaited.difference_update(agent.ordinal for agent in agents)
        for agent in agents:
            if self._floor.owns(agent.ordinal):
                self._start(agent.ordinal, NodeLoop(agent, self._services, self._floor).run())

    def _taken(self, task: "asyncio.Task[None]") -> None:
        self._taking.discard(task)
        self._note(task)

    def _start(self, key: int, life: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(life)
        self._loops[key] = task
        task.add_done_callback(self._note)

    def _note(self, task: "asyncio.Task[None]") -> None:
        if not task.cancelled() and (fault := task.exception()) is not None:
            self._failed(fault)
