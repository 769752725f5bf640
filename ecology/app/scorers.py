"""Who scores for the mint of a scenario: the rubric, a model, or what a plug-in brings."""

from importlib.metadata import entry_points
from typing import cast

from ecology.core.errors import UsageError
from ecology.engine.judge import LlmJudge
from ecology.engine.judging import SlowScorer
from ecology.kernel.economy.rubric import Rubric
from ecology.kernel.economy.scoring import Scorer
from ecology.llm.model import ModelClient
from ecology.scenarios import Scenario

RUBRIC, LLM = "rubric", "llm"
ENTRY_POINTS = "ecology.scorers"


def needs_model(scenario: Scenario) -> bool:
    """Whether the scenario's mint asks a model."""
    return scenario.mint.slots > 0 and scenario.mint.scorer == LLM


def scorer(scenario: Scenario, client: ModelClient | None) -> Scorer | SlowScorer:
    """The scenario's scorer. Raises UsageError if nobody brings it, or if what somebody brings is none."""
    name = scenario.mint.scorer
    if scenario.mint.slots == 0 or name == RUBRIC:
        return Rubric()
    return _judge(scenario, client) if name == LLM else _plug_in(name)


def require(scenario: Scenario) -> None:
    """Raises UsageError if nobody brings the scenario's scorer; a model's endpoint is not looked at."""
    if not needs_model(scenario):
        scorer(scenario, None)


def _plug_in(name: str) -> Scorer | SlowScorer:
    offered = {entry.name: entry for entry in entry_points(group=ENTRY_POINTS)}
    if name not in offered:
        raise UsageError(
            f"no scorer '{name}' for the mint",
            remedy=f"name one of {', '.join(sorted({RUBRIC, LLM, *offered}))}, or install the plug-in that brings it",
        )
    entry = offered[name]
    try:
        made: object = entry.load()()
        if not (isinstance(getattr(made, "slow", None), bool) and callable(getattr(made, "score", None))):
            raise TypeError("a scorer has `slow`, True or False, and `score`")
    except (Exception, SystemExit) as error:
        raise UsageError(
            f"the plug-in '{name}' ({entry.value}) cannot be loaded ({type(error).__name__}: {error})",
            remedy="mend it or uninstall it",
        ) from error
    return cast("Scorer | SlowScorer", made)


def _judge(scenario: Scenario, client: ModelClient | None) -> LlmJudge:
    if client is None:
        raise UsageError(
            "the mint's scorer 'llm' needs a model",
            remedy="give --llm-url http://HOST:PORT/v1 and --model NAME",
        )
    costs = scenario.costs()
    return LlmJudge(
        client,
        model=scenario.model.name or "",
        max_input_tokens=costs.max_input_tokens,
        max_output_tokens=costs.max_output_tokens,
    )
