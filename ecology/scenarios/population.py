"""Who lives in a world: groups of agents that share a strategy and, where they differ, their rights."""

from fractions import Fraction
from typing import Annotated

from pydantic import Field

from ecology.scenarios.quantity import Number, Size
from ecology.scenarios.settings import (
    CPU_CAPACITY,
    CPU_RATE,
    DOLLARS,
    SCRIP,
    TOKEN_CAPACITY,
    TOKEN_RATE,
    TRAIT,
    Settings,
    Word,
)

STRATEGIES = ("maker", "trader", "hoarder", "cooperator", "free_rider")
"""The strategies of a default population, in the order in which it is dealt out; the scripted policy knows more."""

MAX_GROUPS = 256


class SizeOverride(Settings):
    """A group's own quota."""

    total_bytes: Annotated[int, Size()] | None = Field(
        default=None, alias="total", description="as in `resources`; null: as everyone"
    )


class BudgetOverride(Settings):
    """A group's own budget; only where `resources.stock.llm_budget` is set."""

    total_usd_micros: Annotated[int, DOLLARS] | None = Field(
        default=None, alias="total_usd", description="as in `resources`; null: as everyone"
    )


class StockOverride(Settings):
    """What a group holds that others do not."""

    disk: SizeOverride = SizeOverride()
    memory: SizeOverride = SizeOverride()
    llm_budget: BudgetOverride = BudgetOverride()


class TokenFlowOverride(Settings):
    """A group's own bucket for thoughts."""

    rate_millitokens_per_s: Annotated[int, TOKEN_RATE] | None = Field(
        default=None, alias="rate", description="as in `resources`; null: as everyone"
    )
    capacity_millitokens: Annotated[int, TOKEN_CAPACITY] | None = Field(
        default=None, alias="capacity", description="as in `resources`; null: as everyone"
    )


class CpuFlowOverride(Settings):
    """A group's own bucket for CPU."""

    rate_us_per_s: Annotated[int, CPU_RATE] | None = Field(
        default=None, alias="rate", description="as in `resources`; null: as everyone"
    )
    capacity_us: Annotated[int, CPU_CAPACITY] | None = Field(
        default=None, alias="capacity", description="as in `resources`; null: as everyone"
    )


class FlowOverride(Settings):
    """What comes back to a group at its own pace."""

    llm_rate: TokenFlowOverride = TokenFlowOverride()
    cpu: CpuFlowOverride = CpuFlowOverride()


class ResourceOverride(Settings):
    """The rights in which a group differs from `resources`."""

    stock: StockOverride = StockOverride()
    flow: FlowOverride = FlowOverride()


class GroupSettings(Settings):
    """A part of the population."""

    strategy: Word = Field(description="name of the policy's strategy, e.g. maker")
    share_milli: Annotated[int, Number(unit="parts", scale=1000, high=10**12)] = Field(
        default=1000, alias="share", description="parts of the population; counts are by largest remainder"
    )
    scrip: Annotated[int, SCRIP] | None = Field(
        default=None, description="scrip that each agent of the group begins with; null: `scrip.initial`"
    )
    resources: ResourceOverride = ResourceOverride()
    traits: dict[Word, Annotated[int, TRAIT]] = Field(
        default={}, max_length=64, description="whole numbers that the strategy reads, by name"
    )

    def own_rights(self) -> dict[str, int]:
        """The fields of `Rights` in which this group differs from everyone, with its amounts."""
        flow, stock = self.resources.flow, self.resources.stock
        fields = {
            "llm_rate_millitokens_per_s": flow.llm_rate.rate_millitokens_per_s,
            "llm_capacity_millitokens": flow.llm_rate.capacity_millitokens,
            "cpu_rate_us_per_s": flow.cpu.rate_us_per_s,
            "cpu_capacity_us": flow.cpu.capacity_us,
            "disk_bytes": stock.disk.total_bytes,
            "memory_bytes": stock.memory.total_bytes,
            "llm_budget_usd_micros": stock.llm_budget.total_usd_micros,
        }
        return {field: amount for field, amount in fields.items() if amount is not None}


DEFAULT_POPULATION = tuple(GroupSettings(strategy=strategy) for strategy in STRATEGIES)
"""Who lives in a world that does not say: an equal share of each strategy."""


def apportion(agents: int, shares: list[int]) -> list[int]:
    """How many of `agents` each share gets: largest remainder (Hamilton's method), ties to the earlier share.

    The sum of `shares` must be positive; the counts sum to `agents`.
    """
    total = sum(shares)
    assert total > 0, "a population has shares"
    quotas = [Fraction(agents * share, total) for share in shares]
    counts = [int(quota) for quota in quotas]
    by_remainder = sorted(range(len(shares)), key=lambda group: (counts[group] - quotas[group], group))
    for group in by_remainder[: agents - sum(counts)]:
        counts[group] += 1
    return counts
