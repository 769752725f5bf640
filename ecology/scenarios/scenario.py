"""A scenario: everything that defines a world before its first turn."""

import hashlib
import json
from dataclasses import replace
from typing import Annotated, Literal, cast

from pydantic import Field, model_validator

from ecology.core.limits import MAX_AGENTS
from ecology.kernel.laws import Laws
from ecology.resources.costs import CostModel
from ecology.scenarios import feasibility
from ecology.scenarios.law_settings import CodeSettings, MintSettings, laws_of
from ecology.scenarios.physics import Group, Physics, physics_of, rights_of
from ecology.scenarios.population import DEFAULT_POPULATION, MAX_GROUPS, GroupSettings, apportion
from ecology.scenarios.quantity import SECOND_NS, Duration, Number
from ecology.scenarios.settings import (
    ContainerSettings,
    ContractSettings,
    CpuCostSettings,
    EconomySettings,
    Line,
    ModelSettings,
    PriceSettings,
    ResourceSettings,
    ScripSettings,
    Settings,
    SupervisorSettings,
    ThoughtSettings,
    Word,
    cost_model,
)

PRESENTATION = (("name",), ("description",), ("model", "url"))
"""What a fingerprint leaves out: how a world is called and where its model is reached."""


class Scenario(Settings):
    """A world's definition, made by `ecology.scenarios.load` or from plain data by `Scenario.model_validate`.

    Raises pydantic's ValidationError for anything that is not a scenario, impossible physics included.
    """

    name: Word = Field(default="scenario", description="names runs and reports")
    description: Line = Field(default="", description="one line about the world")
    agents: Annotated[int, Number(unit="agents", low=1, high=MAX_AGENTS)] = Field(
        default=5, description="agents at the start"
    )
    duration_ns: Annotated[int, Duration()] = Field(
        default=600 * SECOND_NS, alias="duration", description="world time until the end of the run"
    )
    seed: Annotated[int, Number()] = Field(
        default=0, description="same scenario and seed under the virtual clock: same events, byte for byte"
    )
    policy: Literal["scripted", "llm"] = Field(default="scripted", description="who decides for the agents")
    clock: Literal["virtual", "real"] = Field(
        default="virtual", description="null: `real` for the `llm` policy, otherwise `virtual`"
    )
    container: ContainerSettings | None = Field(
        default=None,
        description="what the world models; null: read from cgroup or machine. Only the real clock feels it",
    )
    scrip: ScripSettings = ScripSettings()
    resources: ResourceSettings = ResourceSettings()
    thought: ThoughtSettings = ThoughtSettings()
    cpu_cost: CpuCostSettings = CpuCostSettings()
    prices: PriceSettings = PriceSettings()
    contracts: ContractSettings = ContractSettings()
    population: tuple[GroupSettings, ...] = Field(
        default=(),
        max_length=MAX_GROUPS,
        description="groups; empty: equal shares of the five scripted strategies",
    )
    mint: MintSettings = MintSettings()
    code: CodeSettings = CodeSettings()
    economy: EconomySettings = EconomySettings()
    model: ModelSettings = ModelSettings()
    supervisor: SupervisorSettings = SupervisorSettings()

    @model_validator(mode="before")
    @classmethod
    def _choose_clock(cls, data: object) -> object:
        if isinstance(data, dict) and data.get("clock") is None:
            return {**data, "clock": "real" if data.get("policy") == "llm" else "virtual"}
        return data

    @model_validator(mode="after")
    def _check(self) -> "Scenario":
        if self.population and not any(group.share_milli for group in self.population):
            raise feasibility.Infeasible(
                "every group's share is 0: nobody would live",
                "raise population.0.share",
                ("population.0.share",),
            )
        memory_bytes = self.container.memory_bytes if self.container else None
        feasibility.check(self.physics(), self._members(), memory_bytes)
        return self

    def physics(self) -> Physics:
        """The laws of this world, flat and in base units."""
        return physics_of(
            rights_of(self.resources), self.costs(), self.thought.memory_bytes, self.contracts.default
        )

    def laws(self) -> Laws:
        """What the kernel has to know: the mint, and what code may use."""
        return laws_of(self.mint, self.code)

    def costs(self) -> CostModel:
        """What thinking and acting cost here."""
        return cost_model(self.thought, self.cpu_cost, self.prices)

    def groups(self) -> list[Group]:
        """Who lives here, in the order of `population`; the counts sum to `agents`, and no group is empty."""
        return [member.group for member in self._members() if member.group.count]

    def _members(self) -> list[feasibility.Member]:
        settings = self.population or DEFAULT_POPULATION
        common = rights_of(self.resources)
        members = []
        for place, count in enumerate(apportion(self.agents, [group.share_milli for group in settings])):
            group, own = settings[place], settings[place].own_rights()
            scrip = self.scrip.initial if group.scrip is None else group.scrip
            grouped = Group(group.strategy, count, scrip, replace(common, **own), group.traits)
            members.append(feasibility.Member(grouped, place if self.population else None, frozenset(own)))
        return members

    def data(self) -> dict[str, object]:
        """Everything, defaults included, as plain data with the keys of YAML."""
        data = _lists(self.model_dump(by_alias=True))
        assert isinstance(data, dict), "a model dumps to a dict"
        # In a group null means "as everyone", so leaving it out says the same in fewer lines.
        data["population"] = [_without_nulls(group) for group in data["population"]]
        return data

    def fingerprint(self) -> str:
        """SHA-256 (hex) of all that defines the world, agents and seed included; not of `PRESENTATION`."""
        data = self.data()
        thought = cast(dict[str, object], data["thought"])
        if thought["at_once"] is None:
            del thought["at_once"]  # worlds from before there was this key have the fingerprint that they had
        for *sections, key in PRESENTATION:
            section = data
            for name in sections:
                section = cast(dict[str, object], section[name])
            del section[key]
        text = json.dumps(data, sort_keys=True, separators=(",", ":"), default=str)
        return hashlib.sha256(text.encode()).hexdigest()


def _lists(value: object) -> object:
    """Plain data with lists for tuples."""
    if isinstance(value, dict):
        return {key: _lists(part) for key, part in value.items()}
    return [_lists(part) for part in value] if isinstance(value, tuple | list) else value


def _without_nulls(value: object) -> object:
    """Plain data without the keys that hold nothing."""
    if not isinstance(value, dict):
        return value
    kept = {key: _without_nulls(part) for key, part in value.items()}
    return {key: part for key, part in kept.items() if part is not None and part != {}}
