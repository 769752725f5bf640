"""What models were asked: calls, tokens, dollars, and how far the estimates were off."""

import math

import msgspec

from ecology.events.records import ActionTaken, ModelCalled
from ecology.observe.measures.fold import Fold


class ModelUse(msgspec.Struct, frozen=True, kw_only=True):
    """Totals over all calls; dollars in micro-dollars. `answers` counts calls by how they ended.

    The two errors are means of |estimate − measured| ÷ measured: of dollars over calls that cost any, and of
    compute tokens over turns that were charged any after a call. None without such a call.
    """

    calls: int
    input_tokens: int
    output_tokens: int
    usd_micros: int
    estimate_usd_micros: int
    usd_estimate_error: float | None
    compute_estimate_error: float | None
    mean_latency_ms: float | None
    answers: dict[str, int]


class Thinking:
    """Folds model calls, and pairs each with the charge of its turn. One turn may take several calls."""

    def __init__(self, fold: Fold) -> None:
        self._calls = self._input = self._output = self._usd = self._estimate_usd = self._latency_ms = 0
        self._answers: dict[str, int] = {}
        self._usd_errors: list[float] = [0.0, 0.0]  # sum, count
        self._compute_errors: list[float] = [0.0, 0.0]
        self._awaited: dict[str, tuple[str | None, int]] = {}  # principal: turn, estimated millitokens
        fold.on(ModelCalled, self._called)
        fold.on(ActionTaken, self._acted)

    def result(self) -> ModelUse:
        """The totals of the history so far."""
        return ModelUse(
            calls=self._calls,
            input_tokens=self._input,
            output_tokens=self._output,
            usd_micros=self._usd,
            estimate_usd_micros=self._estimate_usd,
            usd_estimate_error=_mean(self._usd_errors),
            compute_estimate_error=_mean(self._compute_errors),
            mean_latency_ms=self._latency_ms / self._calls if self._calls else None,
            answers=dict(sorted(self._answers.items(), key=lambda item: (-item[1], item[0]))),
        )

    def _called(self, event: ModelCalled) -> None:
        self._calls += 1
        self._input += event.input_tokens
        self._output += event.output_tokens
        self._usd += event.usd_micros
        self._estimate_usd += event.estimate_usd_micros
        self._latency_ms += event.latency_ms
        self._answers[event.answer] = self._answers.get(event.answer, 0) + 1
        if event.usd_micros > 0:
            _note(self._usd_errors, event.estimate_usd_micros, event.usd_micros)
        if event.principal_id is not None:
            turn, estimate = self._awaited.get(event.principal_id, (event.turn_id, 0))
            earlier = estimate if turn == event.turn_id else 0
            self._awaited[event.principal_id] = (event.turn_id, earlier + event.estimate_millitokens)

    def _acted(self, event: ActionTaken) -> None:
        if event.principal_id not in self._awaited:
            return
        turn, estimate = self._awaited.pop(event.principal_id)
        if turn == event.turn_id and event.llm_millitokens > 0:
            _note(self._compute_errors, estimate, event.llm_millitokens)


def _note(errors: list[float], estimate: int, measured: int) -> None:
    errors[0] = math.fsum((errors[0], abs(estimate - measured) / measured))
    errors[1] += 1


def _mean(errors: list[float]) -> float | None:
    return errors[0] / errors[1] if errors[1] else None
