"""The laws of a world as flat whole numbers, ready for the hot path."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from ecology.resources import assets
from ecology.resources.costs import CostModel
from ecology.scenarios.settings import ResourceSettings


@dataclass(frozen=True, slots=True)
class Rights:
    """What one agent begins with, besides scrip; the budget is None where money is not accounted."""

    llm_rate_millitokens_per_s: int
    llm_capacity_millitokens: int
    cpu_rate_us_per_s: int
    cpu_capacity_us: int
    disk_bytes: int
    memory_bytes: int
    llm_budget_usd_micros: int | None

    def amounts(self) -> dict[str, int]:
        """The amount of each of the ledger's assets, in base units; no budget if money is not accounted."""
        amounts = {
            assets.LLM_RATE: self.llm_rate_millitokens_per_s,
            assets.LLM_CAPACITY: self.llm_capacity_millitokens,
            assets.CPU_RATE: self.cpu_rate_us_per_s,
            assets.CPU_CAPACITY: self.cpu_capacity_us,
            assets.DISK: self.disk_bytes,
            assets.MEMORY: self.memory_bytes,
        }
        if self.llm_budget_usd_micros is not None:
            amounts[assets.LLM_BUDGET] = self.llm_budget_usd_micros
        return amounts


@dataclass(frozen=True, slots=True)
class Group:
    """`count` agents that share strategy, scrip, rights and traits."""

    strategy: str
    count: int
    scrip: int
    rights: Rights
    traits: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Physics:
    """A world's laws; whole numbers of the unit that each name ends in.

    A group's rights may differ: see `Group`. The worst cases are those of `resources.costs.CostModel`.
    """

    llm_rate_millitokens_per_s: int
    llm_capacity_millitokens: int
    cpu_rate_us_per_s: int
    cpu_capacity_us: int
    disk_bytes: int
    memory_bytes: int
    llm_budget_usd_micros: int | None
    thought_fixed_millitokens: int
    thought_per_1k_input_millitokens: int
    thought_per_1k_output_millitokens: int
    thought_max_input: int
    thought_max_output: int
    thought_worst_millitokens: int
    thought_worst_usd_micros: int
    thought_memory_bytes: int
    turn_cpu_us: int
    cpu_per_kib_us: int
    turn_worst_cpu_us: int
    input_usd_micros_per_million: int
    output_usd_micros_per_million: int
    default_contract: str


def rights_of(resources: ResourceSettings) -> Rights:
    """The rights that these settings grant."""
    flow, stock = resources.flow, resources.stock
    return Rights(
        llm_rate_millitokens_per_s=flow.llm_rate.rate_millitokens_per_s,
        llm_capacity_millitokens=flow.llm_rate.capacity_millitokens,
        cpu_rate_us_per_s=flow.cpu.rate_us_per_s,
        cpu_capacity_us=flow.cpu.capacity_us,
        disk_bytes=stock.disk.total_bytes,
        memory_bytes=stock.memory.total_bytes,
        llm_budget_usd_micros=stock.llm_budget.total_usd_micros,
    )


def physics_of(rights: Rights, costs: CostModel, thought_memory_bytes: int, default_contract: str) -> Physics:
    """The laws that follow from what everyone is granted and what everything costs."""
    return Physics(
        **asdict(rights),
        thought_fixed_millitokens=costs.fixed_millitokens,
        thought_per_1k_input_millitokens=costs.per_1k_input_millitokens,
        thought_per_1k_output_millitokens=costs.per_1k_output_millitokens,
        thought_max_input=costs.max_input_tokens,
        thought_max_output=costs.max_output_tokens,
        thought_worst_millitokens=costs.worst_millitokens,
        thought_worst_usd_micros=costs.worst_usd_micros,
        thought_memory_bytes=thought_memory_bytes,
        turn_cpu_us=costs.turn_us,
        cpu_per_kib_us=costs.per_kib_us,
        turn_worst_cpu_us=costs.worst_cpu_us,
        input_usd_micros_per_million=costs.input_usd_micros_per_million,
        output_usd_micros_per_million=costs.output_usd_micros_per_million,
        default_contract=default_contract,
    )
