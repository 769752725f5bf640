"""How agents fare: the shares of their time in which they are active, asleep, blocked or frozen."""

import msgspec

from ecology.events.records import ActionTaken, AgentFailed, AgentSpawned, AgentStateChanged
from ecology.observe.measures.fold import Fold
from ecology.observe.measures.principals import Principals

STATES = ("active", "asleep", "blocked", "frozen")


class HealthMeasures(msgspec.Struct, frozen=True, kw_only=True):
    """Shares of all agents' lifetimes, adding up to 1; None while nobody has lived. `failures` counts crashed turns."""

    active: float | None
    asleep: float | None
    blocked: float | None
    frozen: float | None
    frozen_at_end: int
    failures: int


class _Life:
    """One agent's time by state, up to `since_ns`; `active_ns` of it since its latest turn."""

    __slots__ = ("active_ns", "since_ns", "spent_ns", "state")

    def __init__(self, born_ns: int) -> None:
        self.state = "active"
        self.since_ns = born_ns
        self.spent_ns: dict[str, int] = dict.fromkeys(STATES, 0)
        self.active_ns = 0

    def settle(self, now_ns: int) -> None:
        passed = now_ns - self.since_ns
        self.spent_ns[self.state] += passed
        if self.state == "active":
            self.active_ns += passed
        self.since_ns = now_ns

    def close_turn(self, waited_ns: int) -> None:
        """What it waited for a resource since its latest turn was no activity."""
        blocked_ns = min(waited_ns, self.active_ns)
        self.spent_ns["active"] -= blocked_ns
        self.spent_ns["blocked"] += blocked_ns
        self.active_ns = 0


class Health:
    """Integrates each agent's state over world time.

    An agent is active from its birth until it says otherwise. Short waits for a bucket are told by the turn that ends
    them, not by a change of state; they count as blocked, and one that the end of the run cuts off as active.
    """

    def __init__(self, fold: Fold, principals: Principals) -> None:
        self._fold = fold
        self._principals = principals
        self._lives: dict[int, _Life] = {}
        self._failures = 0
        fold.on(AgentSpawned, self._born)
        fold.on(AgentStateChanged, self._changed)
        fold.on(ActionTaken, self._acted)
        fold.on(AgentFailed, self._failed)

    def result(self) -> HealthMeasures:
        """The measures at the end of the history so far."""
        shares = self.shares(list(self._lives))
        return HealthMeasures(
            active=shares.get("active"),
            asleep=shares.get("asleep"),
            blocked=shares.get("blocked"),
            frozen=shares.get("frozen"),
            frozen_at_end=sum(life.state == "frozen" for life in self._lives.values()),
            failures=self._failures,
        )

    def states(self) -> dict[str, int]:
        """How many agents are in each state at the end of the history so far."""
        counts: dict[str, int] = dict.fromkeys(STATES, 0)
        for life in self._lives.values():
            counts[life.state] += 1
        return counts

    def shares(self, group: list[int]) -> dict[str, float]:
        """The share of each state in the lifetimes of a group of principals; empty if none of it has lived."""
        totals = dict.fromkeys(STATES, 0)
        for who in group:
            life = self._lives.get(who)
            if life is not None:
                life.settle(self._fold.end_ns)
                for state in STATES:
                    totals[state] += life.spent_ns[state]
        lived_ns = sum(totals.values())
        return {state: spent_ns / lived_ns for state, spent_ns in totals.items()} if lived_ns else {}

    def _life(self, agent_id: str | None, now_ns: int) -> _Life:
        who = None if agent_id is None else self._principals.index(agent_id)
        assert who is not None, "the world's own accounts do not live"
        life = self._lives.get(who)
        if life is None:
            life = self._lives[who] = _Life(now_ns)
        return life

    def _born(self, event: AgentSpawned) -> None:
        self._life(event.agent_id, event.time_ns)

    def _changed(self, event: AgentStateChanged) -> None:
        assert event.state in STATES, f"'{event.state}' is no state of an agent"
        life = self._life(event.agent_id, event.time_ns)
        life.settle(event.time_ns)
        life.state = event.state

    def _acted(self, event: ActionTaken) -> None:
        life = self._life(event.principal_id, event.time_ns)
        life.settle(event.time_ns)
        life.close_turn(event.waited_ns)

    def _failed(self, event: AgentFailed) -> None:
        self._failures += 1
