"""The author behind a rehearsed model: from a prompt to an answer, a function of the agent, its turn and nothing else.

It finds out from the prompt who is asking and in which turn, as a model would have to, and answers with the next action
of the repertoire. A few answers are none, so that a world under it repairs as many as with a real model.
"""

import re
from zlib import crc32

import msgspec

from ecology.core.ids import agent_id
from ecology.core.seeds import Draw
from ecology.engine.rehearsal.repertoire import Part, action
from ecology.llm.rehearsal import Asked

MALFORMED_PER_MILLE = 30
"""How many answers in a thousand are no action; about what mid-sized models do that are held to no grammar."""

_MALFORMED = 1
"""Purpose of the draw that decides whether an answer is one."""

_ASKER = re.compile(r"You are `([a-z0-9][a-z0-9_.-]*)`")
_TURN = re.compile(r"^World time: \d+ s\. Turn (\d+)\.", re.MULTILINE)
_SCORE = "Score from 0 to 100"


class RehearsedAuthor:
    """Answers for all agents of a world that began with `agents` of them.

    Questions that are no agent's are answered too: a judge's with a score, the client's probe with what it asks for.
    """

    def __init__(self, agents: int, malformed_per_mille: int = MALFORMED_PER_MILLE) -> None:
        assert 0 <= malformed_per_mille <= 1000, "so many of a thousand"
        self._names = [agent_id(ordinal) for ordinal in range(1, agents + 1)]
        self._ordinals = {name: ordinal for ordinal, name in enumerate(self._names, start=1)}
        self._malformed_per_mille = malformed_per_mille

    def __call__(self, asked: Asked) -> str:
        """What the model says."""
        asker, turn = _ASKER.match(asked.system), _TURN.search(asked.user)
        if asker is None or turn is None:
            return (
                '{"reason": "as good as the last", "score": 50}' if _SCORE in asked.system else '{"ok": true}'
            )
        return self._in_turn(asker[1], int(turn[1]), again=asked.again)

    def _in_turn(self, name: str, turn: int, *, again: bool) -> str:
        # One who was born later has no number here: its name stands for one.
        ordinal = self._ordinals.get(name) or len(self._names) + crc32(name.encode())
        others = [other for other in self._names if other != name] or [name]
        said = msgspec.json.encode(action(Part(name, ordinal, turn, others))).decode()
        draw = Draw(ordinal, turn, _MALFORMED)
        if again or draw.below(1000) >= self._malformed_per_mille:
            return said
        return draw.choice(
            (
                said[: len(said) // 2],
                said.replace('"action"', '"act"', 1),
                "I would rather think about this for another turn.",
            )
        )
