"""Time limits of clients, made so long that a machine under load keeps them: for tests in which the answer does come.

How such a limit strikes is shown where nobody answers.
"""

import pytest

LIMIT_S = 60
AN_HOUR_MS = 3_600_000


def with_redis(patch: pytest.MonkeyPatch) -> None:
    """A Redis is lost when it hangs up, and not when it is slow: so it is counted how often that happened."""
    patch.setattr("ecology.nodes.redis_hints.ANSWER_S", float(LIMIT_S))
    patch.setattr("ecology.nodes.redis_hints.SILENCES", 1_000)
    with_redis_probe(patch)


def with_redis_probe(patch: pytest.MonkeyPatch) -> None:
    """Whatever is there has the time to show whether it speaks TLS."""
    patch.setattr("ecology.nodes.redis_probe.PROBE_S", float(LIMIT_S))


def with_qdrant(patch: pytest.MonkeyPatch) -> None:
    """An index is away when nobody listens, and not when it is slow."""
    patch.setattr("ecology.memory.qdrant_server.TIMEOUT_S", LIMIT_S)


def with_lists_of_models(patch: pytest.MonkeyPatch) -> None:
    """The names of its models are waited for."""
    patch.setattr("ecology.llm.openai_chat._LIST_TIMEOUT_S", float(LIMIT_S))


def asked_once(patch: pytest.MonkeyPatch) -> None:
    """A second question to a model that is not there yet would come too late.

    So the first one's answer is what is told, and not, on a slow machine, that the time was up meanwhile.
    """
    from ecology.llm.openai_chat import _A_START

    patch.setattr("ecology.llm.openai_chat._FIRST_PAUSE_MS", AN_HOUR_MS)
    patch.setattr(
        "ecology.llm.openai_chat._A_START", type(_A_START)(attempts=None, longest_pause_ms=AN_HOUR_MS)
    )
