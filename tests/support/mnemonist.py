"""A mind that lives by its memory: it remembers, recalls, and writes down what came to its mind. Also a plug-in."""

import msgspec

from ecology.core.outcome import Committed, Outcome
from ecology.core.seeds import Draw
from ecology.engine.observation import Observation
from ecology.engine.policy import Policy, Thought
from ecology.kernel.actions import Action, AgentConfig, Delete, Edit, Recall, Remember, Write

_WORDS = ("bread", "bakery", "mill", "miller", "flour", "ember", "december", "red", "rye", "salt")


class Mnemonist:
    """What it recalls goes into what it writes, so a log in which it lives shows every answer it got."""

    slow = False

    def __init__(self, dumped: bytes) -> None:
        self._found: list[object] = msgspec.msgpack.decode(dumped) if dumped else []

    async def decide(self, view: Observation) -> Thought:
        """Remember, recall, forget, correct or write, as the agent's own draw says."""
        draw = Draw(71, view.ordinal, view.turn)
        text = " ".join(_WORDS[draw.below(len(_WORDS))] for _ in range(draw.between(1, 4)))
        kind = draw.below(8)
        other = f"agent-{1 + draw.below(6):04d}"
        actions: list[Action] = [
            Remember(text),
            Remember(f"{text} as of {view.turn}", ["dated"]),
            Write(f"{view.agent_id}.shared", text, type="memory", contract="freeware"),
            Recall(text, draw.between(1, 16)),
            Recall(text, 3, other),
            Write(f"{view.agent_id}.diary", msgspec.json.encode(self._found).decode()),
            Delete(f"{view.agent_id}.memory.{draw.below(view.turn + 1)}"),
            Edit(f"{view.agent_id}.shared", "bread", "rye"),
        ]
        return Thought(actions[kind], 50, 10)

    def learn(self, action: Action | None, outcome: Outcome) -> None:
        if isinstance(action, Recall) and isinstance(outcome, Committed):
            self._found = [outcome.data["available"], outcome.data["memories"]]

    def dump(self) -> bytes:
        return msgspec.msgpack.encode(self._found)


def mnemonist(config: AgentConfig, dumped: bytes) -> Policy:
    """The factory."""
    return Mnemonist(dumped)
