"""The protocol of a model client, and what goes in and comes out."""

from typing import Literal, Protocol

import msgspec


class Turn(msgspec.Struct, frozen=True):
    """One message of a conversation after its first question."""

    role: Literal["user", "assistant"]
    text: str


class ModelRequest(msgspec.Struct, frozen=True):
    """One question. `follow_up` is what was said since, e.g. a malformed answer and the complaint about it.

    With a `schema` the answer should be one JSON document that matches it. Treat that as a wish: servers
    enforce all of it, part of it (llama.cpp ignores integer bounds) or nothing, so whoever asks validates.
    None asks for free text.
    """

    system: str
    user: str
    schema: dict[str, object] | None
    max_output_tokens: int
    follow_up: tuple[Turn, ...] = ()


class ModelReply(msgspec.Struct, frozen=True):
    """What the model said and what it used; billed whether or not the text is of any use.

    `text` may be empty, and is cut short when `truncated` (the token limit or the context was reached).
    Tokens are as the server counted them, and may exceed `max_output_tokens` by a few; where it did not
    count, they are estimates and `metered` is False. `model` is the name the server answers under, which need
    not be the one asked for.
    """

    text: str
    input_tokens: int
    output_tokens: int
    model: str
    truncated: bool = False
    metered: bool = True


class ModelClient(Protocol):
    """Something that thinks. Any number of tasks may share it at once, and none waits for another."""

    async def complete(self, request: ModelRequest) -> ModelReply:
        """Ask once. Raises a `ModelError`; cancelling the caller drops the connection."""

    async def probe(self, timeout_s: float | None) -> None:
        """Return once the model answers; otherwise raise the `ModelError` that says why it does not.

        That is after `timeout_s` seconds, or at once if waiting is no use. None waits for as long as it is.
        """

    def estimate_input_tokens(self, request: ModelRequest) -> int:
        """Tokens this request would send, by `estimate.estimate_tokens`; deterministic."""

    async def close(self) -> None:
        """Give the connections back. The client is of no use afterwards."""
