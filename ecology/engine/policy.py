"""What a mind is: it decides, and it learns what came of it. Scripts and models are both behind this door."""

from collections.abc import Callable
from typing import Protocol

import msgspec

from ecology.core.outcome import Outcome, Refused
from ecology.engine.observation import Observation
from ecology.kernel.actions import Action, AgentConfig


class ModelUse(msgspec.Struct, frozen=True):
    """A call to a model, as it was: tokens billed, and how the answer fared."""

    model: str
    answer: str
    input_tokens: int
    output_tokens: int
    latency_ms: int
    retry: bool = False
    """Whether the thought did not happen (the model is away) and the agent should wait and think again."""


class Thought(msgspec.Struct, frozen=True):
    """A decision and the LLM tokens it took: modelled for a scripted mind, measured for a model."""

    action: Action | Refused
    input_tokens: int
    output_tokens: int
    use: ModelUse | None = None


class Policy(Protocol):
    """The mind of one agent."""

    slow: bool
    """Whether `decide` waits on something outside the process. Then it is awaited beside other agents' turns, its worst
    cost is held first, and nothing uncommitted is shown to it."""

    async def decide(self, view: Observation) -> Thought:
        """The next action. May raise: the supervisor backs the agent off and the others live on."""

    def learn(self, action: Action | None, outcome: Outcome) -> None:
        """What came of the action; called once after each turn, before `dump`."""

    def dump(self) -> bytes:
        """Everything the mind must remember, so that a resumed run decides as this one would have."""


PolicyFactory = Callable[[AgentConfig, bytes], Policy]
"""Builds a mind from its configuration and what an earlier one dumped (empty at birth)."""


class PolicyBook:
    """The policies a world offers, by the name that a configuration's `strategy` gives."""

    def __init__(self, factories: dict[str, PolicyFactory]) -> None:
        self._factories = dict(factories)

    def fault(self, strategy: str) -> str | None:
        """Why there is no such policy, or None."""
        if strategy in self._factories:
            return None
        return f"no strategy '{strategy[:64]}'; there are {', '.join(sorted(self._factories))}"

    def build(self, config: AgentConfig, memory: bytes) -> Policy:
        """The mind of an agent."""
        return self._factories[config.strategy](config, memory)
