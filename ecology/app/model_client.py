"""The model of a world, asked once before anybody lives there. Nodes need this and nothing else of a run's makings."""

from collections.abc import Callable

from ecology.app import assembly, scorers
from ecology.core.errors import UsageError
from ecology.llm.key import read_api_key
from ecology.llm.model import ModelClient
from ecology.scenarios import Scenario

PROBE_SECONDS = 10.0


async def connect(
    scenario: Scenario, environ: dict[str, str], say: Callable[[str], None], *, wait: bool
) -> ModelClient | None:
    """The model a scenario needs, probed; None if it needs none.

    Raises UsageError without an endpoint or without the mint's scorer, ModelFault if the model does not answer within
    PROBE_SECONDS (`wait`: never mind how long it takes).
    """
    scorers.require(scenario)
    if scenario.policy != "llm" and not scorers.needs_model(scenario):
        return None
    if scenario.model.url is None or scenario.model.name is None:
        asker = "the llm policy" if scenario.policy == "llm" else "the mint's scorer 'llm'"
        raise UsageError(
            f"{asker} needs a model", remedy="give --llm-url http://HOST:PORT/v1 and --model NAME"
        )
    # Imported by whoever needs a model: the vendor's client takes half a second to load.
    from ecology.llm.openai_chat import OpenAIChat  # noqa: PLC0415

    client = OpenAIChat(
        str(scenario.model.url),
        scenario.model.name,
        api_key=read_api_key(environ),
        timeout_s=scenario.model.timeout_ms / 1000,
        max_connections=connections(scenario),
        note=say,
    )
    if wait:
        say(f"waiting for {scenario.model.name} at {scenario.model.url}")
    try:
        await client.probe(None if wait else PROBE_SECONDS)
    except BaseException:
        await client.close()
        raise
    return client


def connections(scenario: Scenario) -> int:
    """How many connections to its model a world needs."""
    slots = assembly.thinking_slots(scenario, assembly.limits_of(scenario))
    return max(8, min(slots, scenario.agents))
