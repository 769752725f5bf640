"""Calls to a model on one bill, and what to make of the text that comes back: shared by whoever asks a model."""

from ecology.llm.errors import ModelError
from ecology.llm.model import ModelClient, ModelReply, ModelRequest

_CONTROLS = dict.fromkeys(range(32), " ")


class Bill:
    """What the calls of one thought came to so far, and the model that answered last."""

    def __init__(self, client: ModelClient, model: str) -> None:
        self._client = client
        self.model = model
        self.input_tokens = 0
        self.output_tokens = 0

    async def complete(self, request: ModelRequest) -> ModelReply:
        """One call. A failed one is on the bill too if the server may charge for it: at worst, where it did not say."""
        try:
            reply = await self._client.complete(request)
        except ModelError as error:
            if error.billed:
                read, written = error.input_tokens, error.output_tokens
                self._add(
                    self._client.estimate_input_tokens(request) if read is None else read,
                    request.max_output_tokens if written is None else written,
                )
            raise
        self._add(reply.input_tokens, reply.output_tokens)
        self.model = reply.model
        return reply

    def _add(self, input_tokens: int, output_tokens: int) -> None:
        self.input_tokens += input_tokens
        self.output_tokens += output_tokens


def json_part(text: str) -> str:
    """The answer without a Markdown fence or talk around its outermost braces, and without raw control characters.

    Models add the one unasked; some servers' grammars let the other into strings, where JSON forbids them.
    """
    start, end = text.find("{"), text.rfind("}")
    return (text[start : end + 1] if 0 <= start < end else text).translate(_CONTROLS)
