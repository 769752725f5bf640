"""Whether anyone could live under a scenario's laws; where some agent could never act, the numbers."""

from collections.abc import Sequence
from dataclasses import dataclass

from ecology.core.limits import MAX_AMOUNT
from ecology.resources.assets import (
    CPU_CAPACITY,
    CPU_RATE,
    DISK,
    LLM_BUDGET,
    LLM_CAPACITY,
    LLM_RATE,
    MEMORY,
    SCRIP,
)
from ecology.scenarios import settings
from ecology.scenarios.physics import Group, Physics
from ecology.scenarios.quantity import Quantity, Size


class Infeasible(ValueError):
    """Laws under which some agent could never act. `keys` are the scenario's keys at fault."""

    def __init__(self, what: str, remedy: str, keys: Sequence[str]) -> None:
        super().__init__(f"{what}; {remedy}")
        self.what = what
        self.remedy = remedy
        self.keys = tuple(keys)


@dataclass(frozen=True, slots=True)
class _Need:
    """A cost that one right must cover: `field` names the right in `Rights`, `key` in the scenario."""

    act: str
    costs: str
    amount: int
    unit: str
    kind: Quantity
    right: str
    field: str
    key: str
    causes: tuple[str, ...]

    def unmet(self, granted: int, who: str, key: str) -> Infeasible:
        """The complaint that `granted` does not cover the cost."""
        amount, grant = self.kind.show(self.amount), self.kind.show(granted)
        return Infeasible(
            f"{self.costs} up to {amount}{self.unit} but {self.right} is {grant}: "
            f"{who} could ever {self.act}",
            f"raise {key} to at least {amount} or lower {self.causes[0]}",
            (key, *self.causes),
        )


def _needs(physics: Physics) -> tuple[_Need, ...]:
    """What every agent must be able to afford once."""
    return (
        _Need(
            act="think",
            costs="one thought costs",
            amount=physics.thought_worst_millitokens,
            unit=" compute tokens",
            kind=settings.TOKEN_CAPACITY,
            right="llm_rate capacity",
            field="llm_capacity_millitokens",
            key="flow.llm_rate.capacity",
            causes=(
                "thought.fixed",
                "thought.per_1k_input",
                "thought.per_1k_output",
                "thought.max_input",
                "thought.max_output",
            ),
        ),
        _Need(
            act="act",
            costs="one turn costs",
            amount=physics.turn_worst_cpu_us,
            unit=" CPU-seconds",
            kind=settings.CPU_CAPACITY,
            right="cpu capacity",
            field="cpu_capacity_us",
            key="flow.cpu.capacity",
            causes=("cpu_cost.per_kib_us", "cpu_cost.turn_us"),
        ),
        _Need(
            act="think",
            costs="one thought occupies",
            amount=physics.thought_memory_bytes,
            unit="",
            kind=Size(),
            right="the memory quota",
            field="memory_bytes",
            key="stock.memory.total",
            causes=("thought.memory",),
        ),
        _Need(
            act="think",
            costs="one thought costs",
            amount=physics.thought_worst_usd_micros,
            unit=" US dollars",
            kind=settings.DOLLARS,
            right="llm_budget",
            field="llm_budget_usd_micros",
            key="stock.llm_budget.total_usd",
            causes=(
                "thought.max_input",
                "thought.max_output",
                "prices.input_usd_per_million",
                "prices.output_usd_per_million",
            ),
        ),
    )


@dataclass(frozen=True, slots=True)
class Member:
    """A group, its place in `population` (None: nobody was listed), and the rights it has of its own."""

    group: Group
    place: int | None
    own: frozenset[str]

    def key(self, field: str, key: str) -> str:
        """The scenario's key that grants this group a right."""
        return f"population.{self.place}.resources.{key}" if field in self.own else f"resources.{key}"

    @property
    def who(self) -> str:
        """The subject of "... could ever think"."""
        return "no agent" if self.place is None else f"no {self.group.strategy} of population.{self.place}"


def check(physics: Physics, members: Sequence[Member], container_memory_bytes: int | None) -> None:
    """Raise `Infeasible` for the first law that lets some agent never act, or that the ledger can't hold."""
    if container_memory_bytes is not None and container_memory_bytes < physics.thought_memory_bytes:
        size = Size()
        needed, has = size.show(physics.thought_memory_bytes), size.show(container_memory_bytes)
        raise Infeasible(
            f"one thought occupies {needed} but the container's memory is {has}: no agent could ever think",
            f"raise container.memory to at least {needed} or lower thought.memory",
            ("container.memory", "thought.memory"),
        )
    needs = _needs(physics)
    for member in members:
        if physics.llm_budget_usd_micros is None and "llm_budget_usd_micros" in member.own:
            raise Infeasible(
                "a group has an llm_budget in a world that does not account money",
                "set resources.stock.llm_budget.total_usd as well",
                (f"population.{member.place}.resources.stock.llm_budget.total_usd",),
            )
        for need in needs:
            granted: int | None = getattr(member.group.rights, need.field)
            if granted is not None and granted < need.amount:
                raise need.unmet(granted, member.who, member.key(need.field, need.key))
    _check_supply(members)


_SUPPLY = {
    SCRIP: "scrip.initial",
    LLM_RATE: "resources.flow.llm_rate.rate",
    LLM_CAPACITY: "resources.flow.llm_rate.capacity",
    CPU_RATE: "resources.flow.cpu.rate",
    CPU_CAPACITY: "resources.flow.cpu.capacity",
    DISK: "resources.stock.disk.total",
    MEMORY: "resources.stock.memory.total",
    LLM_BUDGET: "resources.stock.llm_budget.total_usd",
}
"""The key that says how much of an asset each agent begins with."""


def _check_supply(members: Sequence[Member]) -> None:
    """The ledger keeps the supply of each asset in 64 bits."""
    supply: dict[str, int] = {}
    for member in members:
        amounts = {SCRIP: member.group.scrip, **member.group.rights.amounts()}
        for asset, amount in amounts.items():
            supply[asset] = supply.get(asset, 0) + amount * member.group.count
    for asset, total in supply.items():
        if total > MAX_AMOUNT:
            raise Infeasible(
                f"all agents together would hold {total} of {asset}, more than the ledger's {MAX_AMOUNT}",
                f"lower agents or {_SUPPLY[asset]}",
                ("agents", _SUPPLY[asset], "population"),
            )
