"""What was measured where a world will live, as a layer of its scenario: above the file, below all else."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ecology.scenarios.layers import Layers
from ecology.scenarios.scenario import Scenario


@dataclass(frozen=True)
class Draft:
    """A scenario as it is without what was measured."""

    scenario: Scenario
    layers: Layers

    def by_hand(self, key: str) -> str | None:
        """Who set this dotted key, if it was the environment, `--set` or a flag: such a value stands."""
        path = tuple(int(part) if part.isdecimal() else part for part in key.split("."))
        origin = self.layers.origin(path)
        return None if origin is None or origin.in_file else origin.label


@dataclass(frozen=True)
class Measured:
    """`figures` says what to lay over a draft: dotted keys and their values. `label` names their source in errors."""

    label: str
    figures: Callable[[Draft], Mapping[str, object]]
