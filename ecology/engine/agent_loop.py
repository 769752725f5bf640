"""One agent's continuous loop: wake, pay, observe, think, act, record, settle, and again. Start reading here.

Each agent has a loop of its own; there is no global tick. A loop waits on one thing only, its clock, which a deadline
or somebody's deed ends. A policy that crashes is backed off and at last frozen; the other loops never notice.
"""

import asyncio
import traceback

import msgspec

from ecology.core.clock import MILLISECOND_NS, NEVER_NS, SECOND_NS, host_cpu_ns
from ecology.core.outcome import Outcome, Refused
from ecology.engine.observation import Observation
from ecology.engine.policy import ModelUse, Policy, Thought
from ecology.engine.services import Services
from ecology.events.records import AgentFailed
from ecology.kernel import refusals
from ecology.kernel.actions import Action, said_bytes
from ecology.kernel.agent import Agent
from ecology.kernel.batch import Turn
from ecology.resources.assets import LLM_RATE
from ecology.resources.costs import Charge

_MIND_MARK = b"\0"
_NO_CHARGE_RETRY_NS = 5 * SECOND_NS
"""How long an agent whose model is away waits before it thinks again."""


class PolicyCrash(Exception):
    """A policy raised `error`: its own affair, while a fault of the engine ends the run."""

    def __init__(self, error: Exception) -> None:
        super().__init__(repr(error))
        self.error = error


class _Stopped(Exception):
    """The clock stopped while an agent was thinking."""


class AgentLoop:
    """The loop of one agent."""

    __slots__ = ("_agent", "_mind_label", "_policy", "_policy_revision", "_services")

    def __init__(self, agent: Agent, services: Services) -> None:
        self._agent = agent
        self._services = services
        self._policy: Policy | None = None
        self._policy_revision = 0
        self._mind_label = b""

    async def run(self) -> None:
        """Live until the clock stops."""
        agent, services = self._agent, self._services
        while await services.clock.wait(agent.ordinal, agent.wake_ns):
            if await self._turn():
                await services.close_turn()

    async def _turn(self) -> bool:
        """One turn; False if the agent cannot begin it yet and goes on waiting."""
        services = self._services
        now_ns = services.clock.now_ns()
        charge = self._begin(now_ns)
        if charge is None:
            return False
        cpu_ns = 0 if services.clock.virtual else host_cpu_ns()
        try:
            policy = self._mind()
            view = Observation(services.world, self._agent, now_ns)
            thought = await self._think(policy, view, charge)
        except PolicyCrash as crash:
            self._abandoned(crash)
            return True
        except (_Stopped, asyncio.CancelledError) as stopped:
            self._give_up_thought()
            if isinstance(stopped, asyncio.CancelledError):
                raise
            return False
        self._end(policy, thought, view, charge, cpu_ns)
        return True

    # -- the parts of a turn

    def _begin(self, now_ns: int) -> Charge | None:
        """Awake, and take the worst case of a thought; None if it cannot be paid yet and the agent waits."""
        agent, services = self._agent, self._services
        world = services.world
        if agent.status == "frozen":
            agent.wake_ns = NEVER_NS
            return None
        if agent.status == "asleep" and not world.slept_enough(agent, now_ns):
            return None
        if not services.till.advance(agent, now_ns):
            ready_ns, resource = services.till.ready(agent, now_ns)
            assert resource is not None, "what cannot be paid lacks something"
            self._wait(ready_ns, resource, now_ns)
            return None
        if agent.status == "blocked":
            world.set_status(agent, "active", "able to pay again", now_ns)
        if now_ns > agent.wake_ns:
            services.tally.late_ns += now_ns - agent.wake_ns
        charge = Charge(waited_ns=max(0, now_ns - agent.due_ns), waited_on=agent.waiting_on)
        if not charge.waited_ns:
            charge.waited_on = None
        agent.waiting_on = None
        return charge

    def _mind(self) -> Policy:
        """The policy for the agent's present configuration.

        What another strategy remembered means nothing to it, so a mind is kept with the name of its strategy.
        """
        agent = self._agent
        if self._policy is not None and self._policy_revision == agent.config_revision:
            return self._policy
        try:
            owner, _, memory = agent.mind.partition(_MIND_MARK)
            self._mind_label = agent.config.strategy.encode() + _MIND_MARK
            known = memory if owner + _MIND_MARK == self._mind_label else b""
            policy = self._services.policies.build(agent.config, known)
        except Exception as error:
            raise PolicyCrash(error) from error
        self._policy, self._policy_revision = policy, agent.config_revision
        return policy

    async def _think(self, policy: Policy, view: Observation, charge: Charge) -> Thought:
        """Ask the mind. A slow one is asked beside other agents' turns; the world may have moved when it answers."""
        agent, services = self._agent, self._services
        if not policy.slow:
            try:
                thought = await policy.decide(view)
            except Exception as error:
                raise PolicyCrash(error) from error
            services.till.spend(agent, thought, view.now_ns)
            return thought
        revision = agent.config_revision
        services.till.hold(agent, view.now_ns)
        view.keep()  # what the model is shown is what is committed before it is asked
        use: ModelUse | None = None
        try:
            answered, waited_ns = await self._beside(policy, view)
            use = answered.use
        finally:
            services.till.release(agent, use, services.clock.now_ns())
        return self._answered(answered, waited_ns, revision, charge)

    def _answered(self, thought: Thought, waited_ns: int, revision: int, charge: Charge) -> Thought:
        """A slow thought as it counts: one by a mind that was configured otherwise meanwhile decides nothing."""
        if waited_ns:
            charge.waited_ns += waited_ns
            charge.waited_on = charge.waited_on or "memory"
        if self._agent.config_revision != revision:
            void = Refused(refusals.CONFIGURATION_CHANGED, refusals.MEANING[refusals.CONFIGURATION_CHANGED])
            return msgspec.structs.replace(thought, action=void)
        return thought

    async def _beside(self, policy: Policy, view: Observation) -> tuple[Thought, int]:
        """A slow thought and how long it waited for a slot.

        Virtual time goes on for as long as a thought is modelled to take and then stands still until the answer is
        there, so that answers may be awaited side by side and still arrive in the same order in every run.
        """
        services = self._services
        if not services.clock.virtual:
            return await self._answer(policy, view)
        answer = asyncio.create_task(self._answer(policy, view))
        try:
            if not await services.clock.wait(self._agent.ordinal, view.now_ns + services.thought_ns):
                raise _Stopped
            thought, _ = await answer
            if thought.use is not None:  # how long it really took is the host's affair, not this world's
                use = msgspec.structs.replace(thought.use, latency_ms=services.thought_ns // MILLISECOND_NS)
                thought = msgspec.structs.replace(thought, use=use)
            return thought, 0
        finally:
            answer.cancel()

    async def _answer(self, policy: Policy, view: Observation) -> tuple[Thought, int]:
        services = self._services
        async with services.slots.occupied() as waited_ns:
            await services.durable()  # what the model is shown must have happened
            try:
                return await policy.decide(view), waited_ns
            except Exception as error:
                raise PolicyCrash(error) from error

    def _end(self, policy: Policy, thought: Thought, view: Observation, charge: Charge, cpu_ns: int) -> None:
        """Do what was thought, charge for it, and schedule what comes after."""
        clock = self._services.clock
        turn = Turn(self._agent, clock.now_ns())
        if thought.use is not None and thought.use.retry:
            self._model_away(thought, turn, charge)
            return
        if policy.slow and not clock.virtual:
            cpu_ns = host_cpu_ns()  # while it thought, this thread worked for others
        self._act(policy, thought, view, turn, charge, cpu_ns)

    def _act(
        self, policy: Policy, thought: Thought, view: Observation, turn: Turn, charge: Charge, cpu_ns: int
    ) -> None:
        agent, services = self._agent, self._services
        self._forget_news(view)
        action: Action | None = None
        handled_bytes = 0
        if isinstance(thought.action, Refused):
            outcome: Outcome = thought.action
        else:
            action = thought.action
            outcome = services.kernel.act(turn, action)
            handled_bytes = said_bytes(action)
        damaged: Exception | None = None
        try:
            policy.learn(action, outcome)
            agent.mind = self._mind_label + policy.dump()
        except Exception as error:  # the deed is done and is charged; only the mind is damaged
            damaged = error
        charge.llm_millitokens = services.till.millitokens(thought)
        if services.clock.virtual:
            charge.cpu_us = services.till.modelled_cpu_us(handled_bytes) + turn.code_us
        else:
            charge.cpu_us = max(1, (host_cpu_ns() - cpu_ns) // 1000) + turn.code_measured_us
        services.till.settle(agent, charge.llm_millitokens, charge.cpu_us)
        services.kernel.record(turn, action, outcome, charge)
        self._count(thought, turn, charge)
        if damaged is not None:
            self._crashed(damaged)
            return
        agent.failures = 0
        self._next_turn(turn, charge.cpu_us)

    def _count(self, thought: Thought, turn: Turn, charge: Charge) -> None:
        tally = self._services.tally
        tally.turns += 1
        tally.millitokens += charge.llm_millitokens
        if turn.code_us:
            tally.code_us += turn.code_us if self._services.clock.virtual else turn.code_measured_us
        if thought.use is not None:
            tally.llm_tokens += thought.use.input_tokens + thought.use.output_tokens

    def _next_turn(self, turn: Turn, cpu_us: int) -> None:
        """Schedule what comes after: the end of a sleep, or the moment at which the next turn can be paid."""
        agent = self._agent
        agent.turn += 1
        self._services.world.touch(agent)
        if agent.status == "asleep":
            # What this turn did not use is back in the bucket, which may be what the agent sleeps for.
            self._services.world.reconsider(agent, LLM_RATE, turn.now_ns)
            return
        self._due(turn.now_ns + max(1, cpu_us) * 1000)  # even where turns cost nothing, time goes on

    def _due(self, due_ns: int) -> None:
        agent = self._agent
        agent.due_ns = due_ns
        ready_ns, resource = self._services.till.ready(agent, due_ns)
        if resource is None:
            agent.wake_ns = due_ns
        else:
            self._wait(ready_ns, resource, due_ns)

    def _wait(self, ready_ns: int, resource: str, now_ns: int) -> None:
        agent, world = self._agent, self._services.world
        agent.wake_ns, agent.waiting_on = ready_ns, resource
        world.touch(agent)
        if ready_ns == NEVER_NS and agent.status != "blocked":
            world.set_status(agent, "blocked", resource, self._services.clock.now_ns())

    def _forget_news(self, view: Observation) -> None:
        """Move the agent's cursor past what it was shown; what came while it thought stays, or counts as missed."""
        agent = self._agent
        if view.news:
            seen = view.news[-1].sequence
            agent.inbox = [event for event in agent.inbox if event.sequence > seen]
        # What was dropped while it thought was first of all what it had been shown, and that it did not miss.
        agent.missed = max(0, agent.missed - view.missed - len(view.news))

    # -- when it goes wrong

    def _abandoned(self, crash: PolicyCrash) -> None:
        """A thought ended in a crash: it costs nothing but the back-off."""
        self._services.till.settle(self._agent, 0, 0)
        self._crashed(crash.error)

    def _give_up_thought(self) -> None:
        """The run stops in the middle of a thought: nothing is owed for it, and its turn's number is not used again."""
        agent = self._agent
        self._services.till.settle(agent, 0, 0)
        agent.turn += 1
        self._services.world.touch(agent)

    def _model_away(self, thought: Thought, turn: Turn, charge: Charge) -> None:
        """No model, no thought: what was taken is given back, and the agent tries again a little later."""
        agent, services = self._agent, self._services
        outcome = (
            thought.action if isinstance(thought.action, Refused) else Refused(refusals.UNREACHABLE_MODEL)
        )
        services.till.settle(agent, 0, 0)
        services.kernel.record(turn, None, outcome, charge)
        agent.turn += 1
        services.world.touch(agent)
        agent.due_ns = agent.wake_ns = turn.now_ns + _NO_CHARGE_RETRY_NS

    def _crashed(self, error: Exception) -> None:
        """Back off, and freeze a mind that never recovers. The traceback goes to the observer only."""
        agent, services = self._agent, self._services
        world, now_ns = services.world, services.clock.now_ns()
        services.report_crash(agent.id, "".join(traceback.format_exception(error)))
        self._policy = None
        if (
            agent.status == "asleep"
        ):  # its last deed was to fall asleep: a crashed mind wakes by its back-off alone
            world.end_sleep(agent, "crashed", now_ns)
        rules = services.supervision
        agent.failures += 1
        retry_ns = min(rules.first_ns << min(agent.failures - 1, 32), rules.longest_ns)
        world.log.append(
            AgentFailed(
                sequence=world.log.next_sequence,
                time_ns=now_ns,
                principal_id=agent.id,
                turn_id=Turn(agent, now_ns).id,
                agent_id=agent.id,
                error=type(error).__name__,
                failures=agent.failures,
                retry_ns=retry_ns,
            )
        )
        agent.turn += 1
        world.touch(agent)
        agent.due_ns = agent.wake_ns = now_ns + retry_ns
        if agent.failures >= rules.freeze_after:
            agent.wake_ns = NEVER_NS
            world.set_status(
                agent, "frozen", f"{agent.failures} crashes in a row ({type(error).__name__})", now_ns
            )
