"""What is wrong with a scenario, in one line: where it was written, what it is, how to mend it."""

from collections.abc import Collection, Sequence

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from ecology.core.errors import ScenarioError
from ecology.scenarios import keys
from ecology.scenarios.feasibility import Infeasible
from ecology.scenarios.layers import FLAGS, Layers, Origin, dotted
from ecology.scenarios.quantity import shown
from ecology.scenarios.scenario import Scenario

REFERENCE = "see docs/reference/scenario.md"


def explain(error: ValidationError, layers: Layers) -> ScenarioError:
    """The first problem as the error to raise; tells how many more there are."""
    problems = error.errors(include_url=False)
    first = problems[0]
    cause = first.get("ctx", {}).get("error")
    if isinstance(cause, Infeasible):
        paths = [_path(key) for key in cause.keys]
        path = max(paths, key=lambda path: origin.rank if (origin := layers.origin(path)) else 0)
        return _error(layers, path, cause.what, cause.remedy, named=True)
    what, remedy = _words(first)
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    return _error(layers, [part for part in first["loc"] if part != "[key]"], what + more, remedy)


def unknown_strategy(layers: Layers, place: int, strategy: str, known: Collection[str]) -> ScenarioError:
    """The error for a group whose strategy nobody provides."""
    close = keys.nearest(strategy, sorted(known))
    remedy = f"did you mean '{close}'?" if close else f"known: {', '.join(sorted(known))}"
    return _error(layers, ("population", place, "strategy"), f"unknown strategy {shown(strategy)}", remedy)


def _path(key: str) -> tuple[str | int, ...]:
    return tuple(int(part) if part.isdecimal() else part for part in key.split("."))


def _error(
    layers: Layers, path: Sequence[str | int], what: str, remedy: str, *, named: bool = False
) -> ScenarioError:
    """The error about the value at `path`; `named` says that the text names its key already."""
    origin = layers.origin(path)
    where = origin.label if origin else layers.source
    if path and not named and not _names(origin, str(path[-1])):
        where = f"{where}: {dotted(path)}"
    return ScenarioError(f"{where}: {what}", remedy=remedy)


def _names(origin: Origin | None, key: str) -> bool:
    """Whether an origin says by itself which key is meant, as flags and variables do and files do not."""
    if origin is None or origin.in_file:
        return False
    return origin.label in FLAGS.values() or origin.label.lower().replace("__", ".").endswith(key.lower())


def _words(problem: ErrorDetails) -> tuple[str, str]:
    """What is wrong and how to mend it, for one of pydantic's complaints."""
    kind, value, context = problem["type"], problem["input"], problem.get("ctx", {})
    if kind == "extra_forbidden":
        return "unknown key", keys.suggest(Scenario, problem["loc"])
    if kind == "value_error":
        return str(context["error"]), ""
    if kind == "missing":
        return "missing", f"add `{problem['loc'][-1]}`"
    if kind == "literal_error":
        choices = [part.strip("' ") for part in str(context["expected"]).replace(" or ", ",").split(",")]
        close = keys.nearest(value, choices) if isinstance(value, str) else None
        return (
            f"expected {' or '.join(choices)}, got {shown(value)}",
            f"did you mean '{close}'?" if close else "",
        )
    if kind == "string_type":
        return f"expected text, got {shown(value)}", "" if value is None else "put it in quotes"
    if kind in ("tuple_type", "list_type"):
        return f"expected a list, got {shown(value)}", ""
    if kind in ("dict_type", "model_type"):
        return f"expected a section (keys and values), got {shown(value)}", ""
    return " ".join(problem["msg"].split()), REFERENCE
