"""An agent's loop on a node: it thinks on the replica, beside all others, and acts on the floor.

A quick mind has decided before its turn begins, on what the node knew then; on the floor the turn is begun, paid and
done as in one process, or given up if the agent is no longer what it was. A slow mind's turn takes two deeds: one that
pays and holds, durable before the model is asked, and one that does what it answered.
"""

import msgspec

from ecology.core.clock import NEVER_NS, host_cpu_ns
from ecology.engine.agent_loop import AgentLoop, PolicyCrash
from ecology.engine.observation import Observation
from ecology.engine.policy import Policy, Thought
from ecology.engine.services import Services
from ecology.kernel.actions import Recall
from ecology.kernel.agent import Agent
from ecology.kernel.remembering import foresee
from ecology.nodes.floor import Floor
from ecology.resources.costs import Charge


class _Foreseen(msgspec.Struct, frozen=True):
    """What a quick mind decided before its turn, for which turn and configuration, and the CPU that took."""

    turn: int
    revision: int
    policy: Policy | None
    view: Observation
    thought: Thought | PolicyCrash
    cpu_ns: int


class _Begun(msgspec.Struct, frozen=True):
    """A slow mind's turn that is paid for."""

    turn: int
    revision: int
    view: Observation
    charge: Charge


class NodeLoop(AgentLoop):
    """The loop of one agent on the node that runs it."""

    __slots__ = ("_floor",)

    def __init__(self, agent: Agent, services: Services, floor: Floor) -> None:
        super().__init__(agent, services)
        self._floor = floor

    async def _turn(self) -> bool:
        agent, services = self._agent, self._services
        if agent.status == "frozen":
            agent.wake_ns = NEVER_NS
            return False
        now_ns = services.clock.now_ns()
        _, lacking = services.till.ready(agent, now_ns)
        if lacking is not None:
            return await self._floor.do(self._go_on_waiting)
        foreseen = await self._foresee(now_ns)
        if foreseen is None:
            return await self._slow_turn()
        await self._look_up(foreseen.thought)
        return await self._floor.do(lambda: self._carry_out(foreseen))

    async def _look_up(self, thought: Thought | PolicyCrash) -> None:
        """Ask now for what a recall will need of an index: on the floor nobody waits for one."""
        if isinstance(thought, Thought) and isinstance(thought.action, Recall):
            await foresee(self._services.world, self._agent.id, thought.action)

    # -- a quick mind

    async def _foresee(self, now_ns: int) -> _Foreseen | None:
        """What the mind would do now; None for a slow one."""
        agent = self._agent
        turn, revision, began_ns = agent.turn, agent.config_revision, host_cpu_ns()
        view = Observation(self._services.world, agent, now_ns)
        policy: Policy | None = None
        try:
            policy = self._mind()
            if policy.slow:
                return None
            thought: Thought | PolicyCrash = await self._decide(policy, view)
        except PolicyCrash as crash:
            thought = crash
        return _Foreseen(turn, revision, policy, view, thought, host_cpu_ns() - began_ns)

    async def _decide(self, policy: Policy, view: Observation) -> Thought:
        try:
            return await policy.decide(view)
        except Exception as error:
            raise PolicyCrash(error) from error

    def _carry_out(self, foreseen: _Foreseen) -> bool:
        """On the floor: the turn, if it is still the one that was thought about."""
        agent, services = self._agent, self._services
        as_foreseen = (agent.turn, agent.config_revision) == (foreseen.turn, foreseen.revision)
        if not as_foreseen or not self._floor.owns(agent.ordinal) or agent.status == "frozen":
            self._policy = None  # it may remember deciding what it never did
            return False
        cpu_ns = host_cpu_ns() - foreseen.cpu_ns
        now_ns = services.clock.now_ns()
        charge = self._begin(now_ns)
        if charge is None:
            self._policy = None
            return False
        thought = foreseen.thought
        if isinstance(thought, PolicyCrash):
            self._abandoned(thought)
            return True
        assert foreseen.policy is not None, "a thought is somebody's"
        services.till.spend(agent, thought, now_ns)
        self._end(foreseen.policy, thought, foreseen.view, charge, cpu_ns)
        return True

    def _go_on_waiting(self) -> bool:
        """On the floor: the turn cannot be paid; the agent is told what it waits for."""
        agent, services = self._agent, self._services
        now_ns = services.clock.now_ns()
        ready_ns, lacking = services.till.ready(agent, now_ns)
        if lacking is None or agent.status == "frozen" or not self._floor.owns(agent.ordinal):
            return False  # somebody's deed came first: look again
        if agent.status == "asleep" and not services.world.slept_enough(agent, now_ns):
            return False
        self._wait(ready_ns, lacking, now_ns)
        return False

    # -- a slow mind

    async def _slow_turn(self) -> bool:
        policy = self._mind()
        begun = await self._floor.do(self._begin_slow)
        if begun is None:
            return False
        try:
            thought, waited_ns = await self._answer(policy, begun.view)
        except PolicyCrash as crash:
            error = crash
            return await self._floor.do(lambda: self._crash_slow(begun, error))
        await self._look_up(thought)
        return await self._floor.do(lambda: self._finish_slow(begun, policy, thought, waited_ns))

    def _begin_slow(self) -> _Begun | None:
        """On the floor: pay for the thought and hold its worst price."""
        agent, services = self._agent, self._services
        if not self._floor.owns(agent.ordinal):
            return None
        now_ns = services.clock.now_ns()
        charge = self._begin(now_ns)
        if charge is None:
            return None
        view = Observation(services.world, agent, now_ns)
        services.till.hold(agent, now_ns)
        services.world.touch(agent)  # what was taken from the buckets is taken on every replica
        view.keep()
        return _Begun(agent.turn, agent.config_revision, view, charge)

    def _still(self, begun: _Begun) -> bool:
        """Whether the turn goes on: nobody closed it in this node's absence."""
        agent = self._agent
        return agent.turn == begun.turn and self._floor.owns(agent.ordinal)

    def _finish_slow(self, begun: _Begun, policy: Policy, thought: Thought, waited_ns: int) -> bool:
        if not self._still(begun):
            return False
        services = self._services
        services.till.release(self._agent, thought.use, services.clock.now_ns())
        thought = self._answered(thought, waited_ns, begun.revision, begun.charge)
        self._end(policy, thought, begun.view, begun.charge, 0)
        return True

    def _crash_slow(self, begun: _Begun, crash: PolicyCrash) -> bool:
        if not self._still(begun):
            return False
        services = self._services
        services.till.release(self._agent, None, services.clock.now_ns())
        self._abandoned(crash)
        return True
