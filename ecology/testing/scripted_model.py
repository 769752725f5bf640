"""A model client without a model: answers from a script, in process. For tests and demonstrations."""

from collections.abc import Callable

from ecology.llm.errors import ModelError
from ecology.llm.estimate import estimate_tokens
from ecology.llm.model import ModelReply, ModelRequest

Script = Callable[[ModelRequest], str | ModelError]


class ScriptedModel:
    """A `ModelClient` that says what `script` returns, or raises it. Costs what its texts are estimated to.

    An answer longer than `max_output_tokens` is cut there, as a server would cut it. `asked` keeps every
    request.
    """

    def __init__(self, script: Script, *, model: str = "scripted") -> None:
        self._script = script
        self._model = model
        self.asked: list[ModelRequest] = []
        self.closed = False

    async def complete(self, request: ModelRequest) -> ModelReply:
        """The script's answer to this request."""
        assert not self.closed, "asked after close"
        self.asked.append(request)
        answer = self._script(request)
        if isinstance(answer, ModelError):
            raise answer
        text = answer.encode()[: 4 * request.max_output_tokens].decode(errors="ignore")
        return ModelReply(
            text=text,
            input_tokens=self.estimate_input_tokens(request),
            output_tokens=estimate_tokens(text),
            model=self._model,
            truncated=text != answer,
        )

    async def probe(self, timeout_s: float | None = 10.0) -> None:
        """Nothing to wait for."""
        assert not self.closed, "probed after close"

    def estimate_input_tokens(self, request: ModelRequest) -> int:
        """The estimate for all messages; also what `complete` charges."""
        texts = [request.system, request.user, *(turn.text for turn in request.follow_up)]
        return sum(map(estimate_tokens, texts))

    async def close(self) -> None:
        """Refuse further use."""
        self.closed = True
