"""All loops of a world together: start them, let time pass, stop them, leave everything committed."""

from collections.abc import Callable
from typing import cast

from calibrate.workload import Figures
from ecology.core.clock import Clock, RealClock, VirtualClock
from ecology.engine.agent_loop import AgentLoop
from ecology.engine.committer import GROUP_TURNS, Committer, Store
from ecology.engine.figures import Tally, read
from ecology.engine.garbage import seldom_collected
from ecology.engine.judging import Judging, ReportingScorer, SlowScorer
from ecology.engine.policy import PolicyBook
from ecology.engine.services import Services, Supervision
from ecology.engine.slots import ThinkingSlots
from ecology.engine.steward import Steward
from ecology.engine.thinking import Till
from ecology.kernel.agent import Agent
from ecology.kernel.economy.scoring import Scorer
from ecology.kernel.flow import set_flow
from ecology.kernel.genesis import end
from ecology.kernel.kernel import Kernel
from ecology.kernel.world import World
from ecology.resources.costs import CostModel


class Engine:
    """Runs a world until a time. One engine per world and process."""

    def __init__(
        self,
        world: World,
        store: Store,
        clock: VirtualClock | RealClock,
        *,
        costs: CostModel,
        budgeted: bool,
        thought_memory_bytes: int,
        policies: PolicyBook,
        thinking_slots: int,
        thought_ns: int,
        supervision: Supervision,
        report_crash: Callable[[str, str], None],
        scorer: Scorer | SlowScorer | None = None,
        group_turns: int = GROUP_TURNS,
    ) -> None:
        """`scorer` scores for the mint; without one the world's own does."""
        self.world = world
        world.measured = not clock.virtual
        self.clock: Clock = clock
        self.committer = Committer(world, store, clock, group_turns)
        self._costs = costs
        self._tally = Tally()
        self.slots = ThinkingSlots(thinking_slots, clock)
        self._till = Till(world, costs, budgeted=budgeted, thought_memory_bytes=thought_memory_bytes)
        self._services = Services(
            world=world,
            kernel=Kernel(world),
            clock=clock,
            till=self._till,
            policies=policies,
            slots=self.slots,
            thought_ns=thought_ns,
            supervision=supervision,
            close_turn=self.committer.close_turn,
            durable=self.committer.durable,
            report_crash=report_crash,
            tally=self._tally,
        )
        self._judging = self._appoint(scorer) if scorer is not None else None
        self.interrupted = False
        self._over = False
        world.wake = clock.wake
        world.born = self._start
        world.strategy_fault = policies.fault

    async def run(self, until_ns: int) -> None:
        """Let the world live until `until_ns` or `interrupt`; everything that was done is committed on return.

        Raises `StoreFault` if a commit failed, and whatever a broken invariant raised.
        """
        self._close_lost_thoughts()
        self.clock.spawn(Steward(self.world, self.clock, self.committer.close_deed).run())
        if self._judging is not None:
            self.clock.spawn(self._judging.run())
        for agent in self.world.roster:
            self._start(agent)
        try:
            await self._live(until_ns)
        except BaseException:
            await self.committer.abandon()
            raise
        finally:
            self._over = True
        if not self.interrupted:
            end(self.world, self.clock.now_ns())  # under the real clock a little late, as the last deeds are
        await self.committer.close()

    def figures(self) -> Figures:
        """What it has done since it was made; to be asked in its own thread."""
        return read(self._tally, self.world, self.clock, self.slots)

    async def set_flow(self, ppm: int, why: str) -> bool:
        """Let tokens flow at so many millionths of what the rights say; False if they do already, or all is over.

        Under the real clock, from any task beside the loops; under the virtual one, from a life on the clock.
        """
        changed = not self._over and set_flow(self.world, ppm, self.clock.now_ns(), why)
        if changed:
            await self.committer.close_deed()
        return changed

    def interrupt(self) -> None:
        """End the run early and cleanly; it can be resumed. Safe in a signal handler of the loop."""
        self.interrupted = True
        self.clock.stop()

    def _appoint(self, scorer: Scorer | SlowScorer) -> Judging | None:
        """Let somebody score for the mint: a quick one inside the resolution, a slow one by a life beside the world."""
        services = self._services
        if not scorer.slow:
            self.world.scorer = ReportingScorer(cast(Scorer, scorer), services.report_crash)
            return None
        self.world.scorer = None
        return Judging(
            self.world,
            self.clock,
            cast(SlowScorer, scorer),
            costs=self._costs,
            slots=self.slots,
            score_ns=services.thought_ns,
            perform=self._perform,
            durable=self.committer.durable,
            report_crash=services.report_crash,
        )

    async def _perform(self, deed: Callable[[], None]) -> None:
        deed()
        await self.committer.close_deed()

    def _start(self, agent: Agent) -> None:
        self.clock.spawn(AgentLoop(agent, self._services).run())

    async def _live(self, until_ns: int) -> None:
        """Let time pass, then end every loop; raises the first fault of one."""
        try:
            with seldom_collected():
                await self.clock.run(until_ns)
        finally:
            await self.clock.close()  # who was thinking voids its holds on the way out

    def _close_lost_thoughts(self) -> None:
        """Void the holds of thoughts that died with an earlier process, and give back the flows taken for them."""
        for agent in self.world.roster:
            self._till.close_lost(agent, self.clock.now_ns())
