"""A scorer that is a model: it is shown the work as data, and answers with a score and a reason as JSON.

The work is hostile: its author gains by a high score and may write to the judge. What is done about it: the work stands
inside one line of JSON, out of which no text of its can break; the prompt says whose words they are, and that speaking
to the judge is a fault; the answer is held to a schema of a bounded number and a short reason, so the worst that a
persuaded judge can do is to give the highest score, for which its author has paid what others bid. What the mint has
counted itself stands outside the JSON.
"""

import base64
from importlib import resources
from typing import Annotated

import msgspec

from ecology.artifacts.artifact import BYTES
from ecology.core.clock import host_ns
from ecology.engine.bill import Bill, json_part
from ecology.engine.judging import Judgement
from ecology.engine.llm_policy import MODEL_NAME_BYTES
from ecology.engine.policy import ModelUse
from ecology.engine.prompt import FAULT_BYTES, clip, one_line
from ecology.kernel.economy.scoring import DETAIL_BYTES, HIGHEST, Score, Submission, Unscored, Verdict
from ecology.llm.errors import ModelError, ModelUnreachable
from ecology.llm.model import ModelClient, ModelRequest, Turn
from ecology.resources.costs import BYTES_PER_TOKEN, tokens_of

ANSWER_SCHEMA: dict[str, object] = {
    "type": "object",
    "properties": {
        "reason": {"type": "string", "maxLength": DETAIL_BYTES},
        "score": {"type": "integer", "minimum": 0, "maximum": HIGHEST},
    },
    "required": ["reason", "score"],
    "additionalProperties": False,
}
"""The reason comes first: a model that has said why scores by it."""


class _Answer(msgspec.Struct):
    score: Annotated[int, msgspec.Meta(ge=0, le=HIGHEST)]
    reason: str = ""


_answer = msgspec.json.Decoder(_Answer).decode
_encode = msgspec.json.Encoder().encode


def _template(name: str) -> str:
    return resources.files("ecology.engine").joinpath("prompts", name).read_text(encoding="utf-8")


class LlmJudge:
    """Scores by asking a model, once more if its answer is none.

    `max_input_tokens` and `max_output_tokens` are for both calls together, by the client's estimate, as they are for a
    thought; a work that does not fit is cut.
    """

    slow = True

    def __init__(
        self, client: ModelClient, *, model: str, max_input_tokens: int, max_output_tokens: int
    ) -> None:
        self._client = client
        self._model = model
        self._answer_tokens = max(1, max_output_tokens // 2)
        self._system, self._page, self._repair = map(
            _template, ("judge.md", "judge_work.md", "judge_repair.md")
        )
        wrong = tokens_of(len(self._repair.encode()) + FAULT_BYTES)
        self._call_tokens = max(0, max_input_tokens - self._answer_tokens - wrong) // 2

    async def score(self, submission: Submission) -> Judgement:
        """The model's score, or why there is none. Never raises for what the model does."""
        started_ns = host_ns()
        bill = Bill(self._client, self._model)
        verdict: Verdict
        try:
            answer, verdict = await self._ask(submission, bill)
        except ModelUnreachable:
            answer, verdict = "unreachable", Unscored("the judge's model did not answer")
        except ModelError:
            answer, verdict = "refused", Unscored("the judge's model refused")
        use = ModelUse(
            model=clip(one_line(bill.model), MODEL_NAME_BYTES),
            answer=answer,
            input_tokens=bill.input_tokens,
            output_tokens=bill.output_tokens,
            latency_ms=(host_ns() - started_ns) // 1_000_000,
        )
        return Judgement(verdict, use)

    async def _ask(self, submission: Submission, bill: Bill) -> tuple[str, Verdict]:
        request = self._question(submission)
        reply = await bill.complete(request)
        verdict, fault = _read(reply.text)
        if verdict is not None:
            return "ok", verdict
        if reply.truncated:
            fault = f"it was cut off, an answer has at most {self._answer_tokens} tokens; {fault}"
        turns = (
            Turn("assistant", clip(reply.text, self._answer_tokens * BYTES_PER_TOKEN) or "(nothing)"),
            Turn("user", self._repair.format(fault=clip(fault, FAULT_BYTES))),
        )
        verdict, _ = _read((await bill.complete(msgspec.structs.replace(request, follow_up=turns))).text)
        if verdict is not None:
            return "repaired", verdict
        return "unparsable", Unscored("the judge's answer was no score, nor was its repair")

    def _question(self, submission: Submission) -> ModelRequest:
        """The work in as much of its length as there is room for."""
        size = len(submission.content)
        bare = self._request(submission, 0)
        room = max(0, self._call_tokens - self._client.estimate_input_tokens(bare)) * BYTES_PER_TOKEN
        shown = min(size, room)
        # JSON escapes what may not stand in it, so a piece may take up more room than it has bytes.
        while shown and (needed := len(_encode(_text(submission, shown)))) > room:
            shown = min(shown - 1, shown * room // needed)
        return self._request(submission, shown)

    def _request(self, submission: Submission, shown_bytes: int) -> ModelRequest:
        size = len(submission.content)
        page = self._page.format(
            size=size,
            cut=f", of which the first {shown_bytes} are shown" if shown_bytes < size else "",
            users=submission.users,
            similarity=submission.similarity,
            work=_work(submission, shown_bytes),
        )
        return ModelRequest(self._system, page, ANSWER_SCHEMA, self._answer_tokens)


def _work(submission: Submission, shown_bytes: int) -> str:
    """What the author wrote, on one line: JSON escapes the ends of lines, and those it does not are blanked."""
    said = {
        "type": submission.type,
        "format": submission.format,
        "title": submission.title,
        "metadata": submission.metadata,
        "interface": submission.interface,
        "depends_on": submission.depends_on,
        "content": _text(submission, shown_bytes),
    }
    return one_line(_encode(said).decode())


def _text(submission: Submission, shown_bytes: int) -> str:
    piece = submission.content[:shown_bytes]
    if submission.format == BYTES:
        return base64.b64encode(piece).decode()
    return piece.decode("utf-8", "ignore")


def _read(text: str) -> tuple[Score | None, str]:
    """The score that an answer states, or what is wrong with it."""
    try:
        answer = _answer(json_part(text))
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        return None, one_line(str(error))
    return Score(answer.score, answer.reason), ""
