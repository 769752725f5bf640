"""One scripted mind on a stage: its turns taken by hand, its news told by hand."""

import asyncio

from ecology.core.clock import SECOND_NS
from ecology.core.outcome import Outcome, Refused
from ecology.engine.observation import Observation
from ecology.engine.strategies import STRATEGIES
from ecology.engine.strategies.citizen import Citizen
from ecology.engine.strategies.memory import Memory, Purchase
from ecology.events.records import Event, MessageSent, OwnershipMoved, TransferPosted
from ecology.kernel.actions import Action, AgentConfig, Configure
from ecology.kernel.agent import Agent
from ecology.resources.assets import SCRIP
from ecology.resources.costs import Charge
from ecology.testing.worlds import Stage

ME, OTHER, THIRD = "agent-0001", "agent-0002", "agent-0003"


class Life:
    """The mind of `ME`, past its introduction, in a world with two others; `outcome` is what came of its last turn."""

    def __init__(self, strategy: str, stage: Stage | None = None, /, **traits: int) -> None:
        self.stage = stage or Stage.of()
        self.config = AgentConfig(strategy, traits=traits, goods=["tool", "essay", "map"])
        self.policy = self._built(b"")
        self.outcome: Outcome | None = None
        assert isinstance(self.turn(), Configure), "first of all it agrees to receive goods"
        self.memory.want_ns = 10**18  # no appetite unless a test gives it some

    @property
    def memory(self) -> Memory:
        return self.policy.memory

    @property
    def unanswered(self) -> Purchase | None:
        """What it paid for and still waits for."""
        return self.memory.purchase

    @property
    def agent(self) -> Agent:
        return self.stage.agent(ME)

    def _built(self, dumped: bytes) -> Citizen:
        policy = STRATEGIES[self.config.strategy](self.config, dumped)
        assert isinstance(policy, Citizen)
        return policy

    def look(self) -> Observation:
        """What it sees now."""
        return Observation(self.stage.world, self.agent, self.stage.now_ns)

    def decide(self, policy: Citizen | None = None) -> Action:
        """What it would do now."""
        action = asyncio.run((policy or self.policy).decide(self.look())).action
        assert not isinstance(action, Refused), action
        return action

    def turn(self, *news: Event) -> Action:
        """One turn, after these news; two seconds pass, and if it slept it is awake."""
        agent, stage = self.agent, self.stage
        agent.inbox = list(news)
        twin = self._built(self.policy.dump())
        action = self.decide()
        assert self.decide(twin) == action, "a restored mind does the same"
        agent.inbox = []
        turn = stage.turn(ME)
        self.outcome = stage.kernel.act(turn, action)
        stage.kernel.record(turn, action, self.outcome, Charge())
        self.policy.learn(action, self.outcome)
        twin.learn(action, self.outcome)
        assert twin.dump() == self.policy.dump(), "a restored mind learns the same"
        agent.turn += 1
        stage.pass_time(2 * SECOND_NS)
        if agent.status == "asleep":
            stage.world.end_sleep(agent, "slept enough", stage.now_ns)
        return action

    # -- news

    def paid(
        self, amount: int, memo: str, *, by: str = OTHER, to: str = ME, asset: str = SCRIP
    ) -> TransferPosted:
        """Somebody transferred something."""
        return TransferPosted(
            sequence=1,
            time_ns=self.stage.now_ns,
            principal_id=by,
            turn_id=None,
            transfer_id=1,
            asset=asset,
            from_id=by,
            to_id=to,
            amount=amount,
            memo=memo,
        )

    def told(self, text: str, *, by: str = OTHER) -> MessageSent:
        """Somebody said something."""
        return MessageSent(
            sequence=1, time_ns=self.stage.now_ns, principal_id=by, turn_id=None, to_id=ME, text=text
        )

    def handed(self, artifact: str, *, by: str = OTHER, to: str = ME) -> OwnershipMoved:
        """Something changed hands."""
        return OwnershipMoved(
            sequence=1,
            time_ns=self.stage.now_ns,
            principal_id=by,
            turn_id=None,
            artifact_id=artifact,
            from_id=by,
            to_id=to,
            revision=2,
            size_bytes=100,
        )
