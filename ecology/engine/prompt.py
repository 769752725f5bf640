"""What a model is shown of its agent's life, in a text that never exceeds its share of what was held for the thought.

One line to each piece of news and to each past turn. What other agents said stands inside JSON, so that no text of
theirs can begin a line of its own.
"""

from collections.abc import Sequence
from importlib import resources

import msgspec

from ecology.engine.observation import Observation
from ecology.events.registry import encode
from ecology.kernel.actions import AgentConfig
from ecology.llm.model import ModelClient, ModelRequest, Turn
from ecology.resources.assets import LLM_BUDGET, SCRIP, UNITS
from ecology.resources.costs import BYTES_PER_TOKEN, tokens_of

LINE_BYTES = 600
FAULT_BYTES = 400
_ELLIPSIS = "…"
_LINE_ENDS = dict.fromkeys([*range(32), 0x7F, 0x85, 0x2028, 0x2029], " ")
_SHOWN_RIGHTS = (SCRIP, LLM_BUDGET)


def _template(name: str) -> str:
    return resources.files("ecology.engine").joinpath("prompts", name).read_text(encoding="utf-8")


class Prompter:
    """Writes the questions of one agent. `max_input_tokens` and `max_output_tokens` are for a thought of two calls.

    Sizes are by the client's estimate. A limit below what the fixed texts need (some 1,800 LLM tokens, and twice the
    types of an answer where they must be spelled out) is exceeded by them; nothing else ever exceeds it.
    """

    def __init__(
        self,
        client: ModelClient,
        schema: dict[str, object],
        max_input_tokens: int,
        max_output_tokens: int,
    ) -> None:
        self._client = client
        self._schema = schema
        self._answer_tokens = max(1, max_output_tokens // 2)
        self._system, self._turn, self._repair = map(_template, ("system.md", "turn.md", "repair.md"))
        # A repair says everything twice, and the bad answer and what is wrong with it besides.
        wrong = tokens_of(len(self._repair.encode()) + FAULT_BYTES)
        self._call_tokens = max(0, max_input_tokens - self._answer_tokens - wrong) // 2

    def question(self, view: Observation, config: AgentConfig, history: Sequence[str]) -> ModelRequest:
        """Everything the agent may know, the newest first if there is no room for all of it.

        Its own prompt may take a quarter of the room and news half of what is left.
        """
        system = self._system.format(agent_id=view.agent_id, own_prompt="")
        bare = self._request(system, self._page(view, (), ()))
        room = (self._call_tokens - self._client.estimate_input_tokens(bare)) * BYTES_PER_TOKEN
        own_prompt = clip(config.prompt, room // 4)
        system = self._system.format(agent_id=view.agent_id, own_prompt=own_prompt)
        room -= tokens_of(len(own_prompt.encode())) * BYTES_PER_TOKEN
        told = [f"- {clip(one_line(encode(event).decode()), LINE_BYTES)}" for event in view.news]
        news = newest(told, room // 2)
        past = newest(history, room - _size(news))
        return self._request(system, self._page(view, news, past))

    def repair(self, request: ModelRequest, said: str, fault: str, *, truncated: bool) -> ModelRequest:
        """The same question again, after an answer that was none."""
        if truncated:
            fault = f"it was cut off, an answer has at most {self._answer_tokens} tokens; {fault}"
        turns = (
            Turn("assistant", clip(said, self._answer_tokens * BYTES_PER_TOKEN) or "(nothing)"),
            Turn("user", self._repair.format(fault=clip(fault, FAULT_BYTES))),
        )
        return msgspec.structs.replace(request, follow_up=turns)

    def _request(self, system: str, user: str) -> ModelRequest:
        return ModelRequest(
            system=system, user=user, schema=self._schema, max_output_tokens=self._answer_tokens
        )

    def _page(self, view: Observation, news: Sequence[str], past: Sequence[str]) -> str:
        missed = view.missed + len(view.news) - len(news)
        rights = [f"{view.right(asset)} {UNITS[asset]}" for asset in _SHOWN_RIGHTS if view.right(asset)]
        rights.append(f"a compute flow of {view.llm_rate / 1000:g} tokens/s")
        return self._turn.format(
            time_s=view.now_ns // 1_000_000_000,
            turn=view.turn,
            rights=", ".join(rights),
            disk_used=view.disk_used,
            disk_quota=view.disk_quota,
            llm_tokens=view.llm_level // 1000,
            missed=f" ({missed} older pieces of news were lost)" if missed else "",
            news="\n".join(news) or "- nothing",
            history="\n".join(past) or "- none",
        )


def newest(lines: Sequence[str], room_bytes: int) -> list[str]:
    """As many of the last lines as fit into so many bytes, in order; a newline each counts."""
    kept: list[str] = []
    for line in reversed(lines):
        room_bytes -= len(line.encode()) + 1
        if room_bytes < 0:
            break
        kept.append(line)
    return kept[::-1]


def _size(lines: Sequence[str]) -> int:
    return sum(len(line.encode()) + 1 for line in lines)


def clip(text: str, limit_bytes: int) -> str:
    """The text in at most so many bytes of UTF-8, with an ellipsis where it was cut; always valid Unicode."""
    raw = text.encode("utf-8", "replace")
    if len(raw) <= limit_bytes:
        return raw.decode()
    kept = raw[: max(0, limit_bytes - len(_ELLIPSIS.encode()))].decode("utf-8", "ignore")
    return kept + _ELLIPSIS if limit_bytes >= len(_ELLIPSIS.encode()) else kept


def one_line(text: str) -> str:
    """The text without anything that might be taken for the end of a line."""
    return text.translate(_LINE_ENDS)
