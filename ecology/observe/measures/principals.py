"""Who takes part: a number for each principal, so that the other projections keep lists instead of names."""

from ecology.core.ids import RESERVED
from ecology.events.records import AgentSpawned
from ecology.observe.measures.fold import Fold

ACCOUNT = "account"
"""What stands for the strategy of a principal that has standing and no loop."""


class Principals:
    """Everyone who ever had standing, in the order of first appearance.

    `strategies` are those at birth: what an agent was when it got its endowment. `born_ns` is None for
    principals without a loop.
    """

    def __init__(self, fold: Fold) -> None:
        self.ids: list[str] = []
        self.strategies: list[str] = []
        self.born_ns: list[int | None] = []
        self._index: dict[str, int] = {}
        fold.on(AgentSpawned, self._spawned)

    def __len__(self) -> int:
        return len(self.ids)

    def index(self, name: str) -> int | None:
        """The number of a principal, given at first sight; None for the world's own accounts."""
        known = self._index.get(name)
        if known is not None:
            return known
        return None if name in RESERVED else self._enrol(name)

    def agents(self) -> list[int]:
        """The numbers of those that have a loop."""
        return [who for who, born in enumerate(self.born_ns) if born is not None]

    def lifetime_ns(self, who: int, end_ns: int) -> int:
        """How long an agent has lived; 0 for a principal without a loop."""
        born = self.born_ns[who]
        return 0 if born is None else end_ns - born

    def by_strategy(self) -> dict[str, list[int]]:
        """The numbers of the principals of each strategy; strategies by name."""
        groups: dict[str, list[int]] = {name: [] for name in sorted(set(self.strategies))}
        for who, strategy in enumerate(self.strategies):
            groups[strategy].append(who)
        return groups

    def _enrol(self, name: str) -> int:
        number = self._index[name] = len(self.ids)
        self.ids.append(name)
        self.strategies.append(ACCOUNT)
        self.born_ns.append(None)
        return number

    def _spawned(self, event: AgentSpawned) -> None:
        who = self.index(event.agent_id)
        assert who is not None, "no agent bears a reserved name"
        self.strategies[who] = event.strategy
        self.born_ns[who] = event.time_ns
