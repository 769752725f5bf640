"""Redis, Qdrant and a model server: do they answer, do they let us in, and can they do what is needed?"""

import asyncio
from collections.abc import Mapping

from ecology.app.checks.finding import Finding, failed, ok, warning
from ecology.app.memory import MemoryPlace
from ecology.core.errors import EcologyError
from ecology.llm.key import read_api_key
from ecology.nodes.endpoints import MODEL, Endpoint

MODEL_NAME_VARIABLE = "LLM_MODEL"


async def redis(endpoint: Endpoint) -> Finding:
    """Whether hints could be heard through it."""
    # Imported by whoever has a Redis.
    from ecology.nodes.redis_hints import RedisHints  # noqa: PLC0415

    try:
        hints = RedisHints(endpoint.reveal(), "doctor", "doctor")
        try:
            await hints.start(lambda: None)
            state = hints.state()
        finally:
            await hints.stop()
    except EcologyError as fault:
        return failed("redis", fault.what, fault.remedy)
    if not state.connected:
        return failed("redis", state.last_error or f"{endpoint.shown} does not answer", _start(endpoint))
    return ok("redis", f"{endpoint.shown} answers")


async def qdrant(place: str, environment: Mapping[str, str]) -> Finding:
    """Whether memories could be indexed at that URL or in that folder."""
    try:
        found = MemoryPlace.named(place, environment)
        if found.server is None:
            return ok("qdrant", f"memories are indexed in {found.folder}")
        # It takes half a second to load.
        from ecology.memory.qdrant_server import probe  # noqa: PLC0415

        key = None if found.api_key is None else found.api_key.reveal()
        await asyncio.to_thread(probe, found.server, key)
    except EcologyError as fault:
        return failed("qdrant", fault.what, fault.remedy)
    return ok("qdrant", f"Qdrant at {found.server.shown} answers")


async def model(endpoint: Endpoint, environment: Mapping[str, str], timeout_s: float) -> Finding:
    """Whether the model answers as agents' thoughts need it; it is asked for a few tokens."""
    # It takes half a second of CPU to load.
    from ecology.llm.openai_chat import OpenAIChat  # noqa: PLC0415

    name = environment.get(MODEL_NAME_VARIABLE, "").strip()
    if not name:
        return warning(
            "model",
            f"{MODEL.variable} is set and {MODEL_NAME_VARIABLE} is not",
            f"set {MODEL_NAME_VARIABLE} to the model's name, as the server lists it under /models",
        )
    notes: list[str] = []
    try:
        client = OpenAIChat(endpoint.reveal(), name, api_key=read_api_key(environment), note=notes.append)
        try:
            await client.probe(timeout_s)
        finally:
            await client.close()
    except EcologyError as fault:
        return failed("model", fault.what, fault.remedy)
    return ok("model", "; ".join([f"{endpoint.shown} answers as {name}", *notes]))


def _start(endpoint: Endpoint) -> str:
    return f"start it, or check host and port in {endpoint.service.variable}"
