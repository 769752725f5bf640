"""Loading and writing scenarios."""

import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from pydantic import ValidationError

from ecology.core.errors import ScenarioError
from ecology.core.ids import is_id
from ecology.scenarios import catalogue, complaint, document
from ecology.scenarios.layers import Layers
from ecology.scenarios.measured import Draft, Measured
from ecology.scenarios.scenario import Scenario


def load(
    name_or_path: str | Path,
    *,
    overrides: Sequence[str] = (),
    environ: Mapping[str, str] | None = None,
    flags: Mapping[str, object] | None = None,
    strategies: Collection[str] = (),
    measured: Measured | None = None,
) -> Scenario:
    """The scenario of that name or file, under what the environment and the command line say.

    Later wins: defaults, the YAML, what was `measured`, `ECOLOGY__A__B` of `environ`, `overrides` (`a.b=c`),
    `flags` (dotted key to value; None was not given). `strategies`, if given, are the only ones that a group
    may name. The environment of the process is never read unless it is passed.

    Raises ScenarioError, one line: what is wrong, where it was written, how to mend it.
    """
    source = catalogue.find(name_or_path)
    return _load(source, overrides, environ or {}, flags or {}, strategies, measured)


def loads(text: str, source: str = "scenario", flags: Mapping[str, object] | None = None) -> Scenario:
    """The scenario in YAML `text`, such as `dump` writes; `source` names it in the ScenarioError it raises.

    `flags` are laid over it, as those of `load`.
    """
    return _load(catalogue.Source("scenario", source, text), (), {}, flags or {}, ())


def dump(scenario: Scenario) -> str:
    """YAML of the whole resolved configuration, always in one order; `load` reads it back."""
    return document.emit(scenario.data())


def list_scenarios() -> list[tuple[str, str, str]]:
    """(name, description, where it is) of each scenario that can be asked for by name.

    One that does not load is listed with what is wrong with it as its description.
    """
    listing = []
    for name in catalogue.names():
        try:
            source = catalogue.find(name)
            listing.append((name, _load(source, (), {}, {}, ()).description, source.label))
        except ScenarioError as error:
            listing.append((name, f"unusable: {error}", catalogue.ENTRY_POINTS))
    return listing


def _load(
    source: catalogue.Source,
    overrides: Sequence[str],
    environ: Mapping[str, str],
    flags: Mapping[str, object],
    strategies: Collection[str],
    measured: Measured | None = None,
) -> Scenario:
    def laid(figures: Mapping[str, object]) -> Layers:
        # The clock follows the policy unless a layer names it, so its default must not look as if one had.
        layers = Layers({**Scenario().data(), "name": _called(source.name), "clock": None}, source.label)
        layers.add_document(parsed)
        if measured is not None:
            layers.add_measured(figures, measured.label)
        layers.add_environment(environ)
        layers.add_overrides(overrides)
        layers.add_flags(flags)
        return layers

    parsed = document.parse(source.text, source.label)
    layers = laid({})
    scenario = _validated(layers)
    if measured is not None:
        # What was measured depends on how many agents live here, which any layer may say: so first without it.
        layers = laid(measured.figures(Draft(scenario, layers)))
        scenario = _validated(layers)
    for place, group in enumerate(scenario.population):
        if strategies and group.strategy not in strategies:
            raise complaint.unknown_strategy(layers, place, group.strategy, strategies)
    return scenario


def _validated(layers: Layers) -> Scenario:
    try:
        return Scenario.model_validate(layers.data)
    except ValidationError as error:
        raise complaint.explain(error, layers) from error


def _called(name: str) -> str:
    """A file's name as a scenario's name."""
    called = re.sub(r"[^a-z0-9_.-]+", "-", name.lower()).strip("-._")[:64]
    return called if is_id(called) else "scenario"
