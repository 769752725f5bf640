"""Between the engine and a mind it did not bring itself: whatever such a mind gets wrong becomes a crash of its own."""

import asyncio
from typing import Annotated

import msgspec

from ecology.core.outcome import Outcome, Refused
from ecology.engine.observation import Observation
from ecology.engine.policy import ModelUse, Policy, PolicyFactory, Thought
from ecology.kernel import refusals
from ecology.kernel.actions import Action, AgentConfig, parse

_Tokens = Annotated[int, msgspec.Meta(ge=0)]
_encode = msgspec.json.Encoder().encode
_tokens = msgspec.json.Decoder(tuple[_Tokens, _Tokens]).decode
_use = msgspec.json.Decoder(ModelUse | None).decode
_refusal = msgspec.json.Decoder(Refused).decode


class MindBroken(Exception):
    """A policy broke its contract: it answered with what is no thought, or tried to end more than itself."""


class Guarded:
    """A policy whose every answer is checked as if it had come over a wire."""

    def __init__(self, inner: Policy) -> None:
        self._inner = inner
        self.slow = bool(inner.slow)

    async def decide(self, view: Observation) -> Thought:
        """The inner mind's decision; raises `MindBroken` for what is none."""
        try:
            thought = await self._inner.decide(view)
        except asyncio.CancelledError as error:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise  # the run stops
            raise MindBroken("the policy cancelled itself") from error
        except SystemExit as error:
            raise MindBroken("the policy tried to end the program") from error
        return _checked(thought)

    def learn(self, action: Action | None, outcome: Outcome) -> None:
        self._inner.learn(action, outcome)

    def dump(self) -> bytes:
        """What the inner mind remembers; raises `MindBroken` if it is not bytes."""
        dumped: object = self._inner.dump()
        if not isinstance(dumped, bytes):
            raise MindBroken(f"dump() returned {type(dumped).__name__}, not bytes")
        return dumped


def guarded(factory: PolicyFactory) -> PolicyFactory:
    """A factory of the same minds, guarded."""

    def build(config: AgentConfig, dumped: bytes) -> Policy:
        return Guarded(factory(config, dumped))

    return build


def _checked(thought: object) -> Thought:
    """The thought, decoded from its own encoding: a struct built in Python carries whatever it was given."""
    if not isinstance(thought, Thought):
        raise MindBroken(f"decide() returned {type(thought).__name__}, not Thought")
    try:
        tokens = _tokens(_encode((thought.input_tokens, thought.output_tokens)))
        use = _use(_encode(thought.use))
        action = (
            _refusal(_encode(thought.action))
            if isinstance(thought.action, Refused)
            else _action(thought.action)
        )
    except (TypeError, msgspec.DecodeError) as error:
        raise MindBroken(f"decide() returned what is no thought: {error}") from error
    return Thought(action, *tokens, use)


def _action(action: Action) -> Action | Refused:
    """What is no action of the kernel's is a refusal that the agent reads, as it is for a model."""
    try:
        return parse(_encode(action))
    except UnicodeEncodeError:
        return Refused(refusals.MALFORMED, "a text is not valid Unicode")
