"""Configuration: what a world is, before it begins.

Reading order: `quantity` (numbers with units), `settings` and `population` (the sections), `scenario` (the
whole), `physics` and `feasibility` (the laws, and whether anyone could live under them), `document` and
`layers` (YAML, environment and flags with their origins), `measured` (a layer among them), `keys` and
`complaint` (errors that help), `catalogue` and `loader` (the way in). The scenarios that ship stand in
`library/`.
"""

from ecology.scenarios.catalogue import names
from ecology.scenarios.loader import dump, list_scenarios, load, loads
from ecology.scenarios.physics import Group, Physics, Rights
from ecology.scenarios.population import STRATEGIES
from ecology.scenarios.scenario import Scenario

__all__ = [
    "STRATEGIES",
    "Group",
    "Physics",
    "Rights",
    "Scenario",
    "dump",
    "list_scenarios",
    "load",
    "loads",
    "names",
]
