"""How a call to a model fails. One line each: what happened, at which URL, how to mend it.

    ModelFault (core.errors; exit 1 when it ends a run)
    └── ModelError
        ├── ModelUnreachable    nobody answered, or not now: wait and ask again
        ├── ModelRefused        the server will not answer this: wrong key, unknown model, bad request
        │   └── PromptTooLong   this prompt does not fit the model's context; a shorter one may
        └── ModelNonsense       it answered, but not with a chat completion

`billed` says whether the server may charge for the failed call. If it is set and the server counted,
`input_tokens` and `output_tokens` say how much; if it is set and they are None (a connection that broke off,
a time-out), nobody but the server knows, and the honest charge is what was held for the call.
"""

import unicodedata

from ecology.core.errors import ModelFault

_QUOTE_CHARACTERS = 200


class ModelError(ModelFault):
    """A call to a model that gave no reply."""

    def __init__(
        self,
        what: str,
        *,
        remedy: str = "",
        billed: bool = False,
        input_tokens: int | None = None,
        output_tokens: int | None = None,
    ) -> None:
        super().__init__(what, remedy=remedy)
        self.billed = billed
        self.input_tokens = input_tokens
        self.output_tokens = output_tokens


class ModelUnreachable(ModelError):
    """No answer, or one that says "not now"; `retry_after_ms` is what the server asked for, if it did."""

    def __init__(
        self, what: str, *, remedy: str = "", billed: bool = False, retry_after_ms: int | None = None
    ) -> None:
        super().__init__(what, remedy=remedy, billed=billed)
        self.retry_after_ms = retry_after_ms


class ModelRefused(ModelError):
    """The server understood and said no; the same request will fail again."""


class PromptTooLong(ModelRefused):
    """The prompt and the room for its answer exceed the model's context."""


class ModelNonsense(ModelError):
    """An answer that is no chat completion."""


def quote(text: str) -> str:
    """A server's words on one line, cut short, without control characters: fit for a terminal and a log."""
    line = " ".join(text.split())
    clean = "".join("?" if unicodedata.category(mark)[0] == "C" else mark for mark in line)
    return clean if len(clean) <= _QUOTE_CHARACTERS else clean[: _QUOTE_CHARACTERS - 1] + "…"
