"""A mind that is a model: it is shown what its agent may know, and answers with one action as JSON.

One repair attempt, then a refusal that the agent reads in its next turn. What a model said is hostile text until the
kernel's decoder has accepted it.
"""

import msgspec

from ecology.core.clock import host_ns
from ecology.core.outcome import Committed, Outcome, Refused
from ecology.engine.bill import Bill, json_part
from ecology.engine.observation import Observation
from ecology.engine.policy import ModelUse, Thought
from ecology.engine.prompt import LINE_BYTES, Prompter, clip, one_line
from ecology.kernel import refusals
from ecology.kernel.actions import Action, AgentConfig, parse
from ecology.llm.errors import ModelError, ModelUnreachable
from ecology.llm.model import ModelClient

HISTORY_TURNS = 6
MODEL_NAME_BYTES = 100


class _Lived(msgspec.Struct):
    """What a model is reminded of: its own last actions and what came of them."""

    history: list[str] = []


class LlmPolicy:
    """The mind of one agent; the client is shared by all. `schema` is the answer's JSON schema.

    `max_input_tokens` bounds the prompts of a thought by the client's estimate, so that the worst case that was held is
    the worst case.
    """

    slow = True

    def __init__(
        self,
        config: AgentConfig,
        dumped: bytes,
        *,
        client: ModelClient,
        schema: dict[str, object],
        max_input_tokens: int,
        max_output_tokens: int,
    ) -> None:
        self._config = config
        self._client = client
        self._prompter = Prompter(client, schema, max_input_tokens, max_output_tokens)
        self._lived = msgspec.msgpack.decode(dumped, type=_Lived) if dumped else _Lived()

    async def decide(self, view: Observation) -> Thought:
        """Ask the model. Never raises for what the model does; a model that is away makes a thought to retry."""
        started_ns = host_ns()
        bill = Bill(self._client, self._config.model)
        retry = False
        action: Action | Refused
        try:
            answer, action = await self._ask(view, bill)
        except ModelUnreachable as error:
            answer, action, retry = "unreachable", Refused(refusals.UNREACHABLE_MODEL, error.what), True
        except ModelError as error:
            answer, action = "refused", Refused(refusals.UNPARSABLE, error.what)
        use = ModelUse(
            model=clip(one_line(bill.model), MODEL_NAME_BYTES),
            answer=answer,
            input_tokens=bill.input_tokens,
            output_tokens=bill.output_tokens,
            latency_ms=(host_ns() - started_ns) // 1_000_000,
            retry=retry,
        )
        return Thought(action, bill.input_tokens, bill.output_tokens, use)

    def learn(self, action: Action | None, outcome: Outcome) -> None:
        """Keep a line about the turn."""
        did = msgspec.json.encode(action).decode() if action is not None else "(no action)"
        if isinstance(outcome, Committed):
            got = "done: " + msgspec.json.encode(outcome.data).decode()
        else:
            got = f"refused, {outcome.reason}: {outcome.detail}"
        did, got = (clip(one_line(text), LINE_BYTES) for text in (did, got))
        self._lived.history.append(f"- {did} -> {got}")
        del self._lived.history[:-HISTORY_TURNS]

    def dump(self) -> bytes:
        return msgspec.msgpack.encode(self._lived)

    async def _ask(self, view: Observation, bill: Bill) -> tuple[str, Action | Refused]:
        request = self._prompter.question(view, self._config, self._lived.history)
        reply = await bill.complete(request)
        action = parse(json_part(reply.text))
        if not isinstance(action, Refused):
            return "ok", action
        again = self._prompter.repair(request, reply.text, action.detail, truncated=reply.truncated)
        action = parse(json_part((await bill.complete(again)).text))
        if not isinstance(action, Refused):
            return "repaired", action
        return "unparsable", Refused(refusals.UNPARSABLE, action.detail)
