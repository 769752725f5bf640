"""Minds that misbehave: policies for tests, put into a world's book under a name of their own."""

from collections.abc import Awaitable, Callable

import msgspec

from ecology.core.outcome import Outcome
from ecology.core.seeds import Draw
from ecology.engine.observation import Observation
from ecology.engine.policy import ModelUse, Policy, PolicyFactory, Thought
from ecology.kernel.actions import Action, AgentConfig, Noop, Transfer, Write

CALM = "calm"


class Calm:
    """Does nothing in particular, and remembers how often."""

    slow = False

    def __init__(self, config: AgentConfig, dumped: bytes) -> None:
        self.turns = msgspec.msgpack.decode(dumped, type=int) if dumped else 0

    async def decide(self, view: Observation) -> Thought:
        """A deed that leaves a trace: a note, a gift or nothing."""
        return Thought(deed(view), 300, 60)

    def learn(self, action: Action | None, outcome: Outcome) -> None:
        self.turns += 1

    def dump(self) -> bytes:
        return msgspec.msgpack.encode(self.turns)


def deed(view: Observation) -> Action:
    """Write, give or rest, as the agent's own draw says."""
    draw = Draw(view.ordinal, view.turn)
    kind = draw.below(3)
    if kind == 0:
        return Write(artifact=f"{view.agent_id}.note", content="x" * draw.between(1, 200))
    if kind == 1 and view.scrip > 1:
        return Transfer(to=f"agent-{1 + view.ordinal % 3:04d}", amount=1)
    return Noop()


class Fragile(Calm):
    """A mind that raises whenever `breaks(agent id, turn)` names a place: in `build`, `decide`, `learn` or `dump`."""

    def __init__(self, config: AgentConfig, dumped: bytes, breaks: Callable[[str, int], str]) -> None:
        super().__init__(config, dumped)
        self._breaks = breaks
        self._place = ""

    async def decide(self, view: Observation) -> Thought:
        self._place = self._breaks(view.agent_id, view.turn)
        self._maybe("decide")
        return await super().decide(view)

    def learn(self, action: Action | None, outcome: Outcome) -> None:
        self._maybe("learn")
        super().learn(action, outcome)

    def dump(self) -> bytes:
        self._maybe("dump")
        return super().dump()

    def _maybe(self, here: str) -> None:
        if self._place == here:
            raise ValueError(f"broken in {here}")


class Slow(Calm):
    """Thinks outside the world's time: `answer` is awaited before it decides, and billed."""

    slow = True

    def __init__(
        self, config: AgentConfig, dumped: bytes, answer: Callable[[Observation], Awaitable[None]]
    ) -> None:
        super().__init__(config, dumped)
        self._answer = answer

    async def decide(self, view: Observation) -> Thought:
        await self._answer(view)
        use = ModelUse(model="slow", answer="ok", input_tokens=300, output_tokens=60, latency_ms=1)
        return Thought(deed(view), 300, 60, use)


def book(**minds: Callable[[AgentConfig, bytes], Policy]) -> dict[str, PolicyFactory]:
    """Those minds by name, and the calm one."""
    return {CALM: Calm, **minds}
