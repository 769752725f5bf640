"""Does scarcity bind? For each resource: who waited on it, how much of it was used, whom it refused.

A run in which nothing bound says nothing about behaviour under scarcity, however lively it looked; so each
run says whether it did. Formulas and thresholds: docs/measures.md.
"""

from collections import defaultdict
from collections.abc import Mapping

import msgspec

from ecology.core.clock import SECOND_NS
from ecology.core.ids import SPENT, WORLD
from ecology.events.records import ActionTaken, AgentStateChanged, TransferPosted
from ecology.observe import numerals
from ecology.observe.measures.conduct import COMMITTED, Conduct
from ecology.observe.measures.escrow import Escrow
from ecology.observe.measures.fold import Fold
from ecology.observe.measures.principals import Principals
from ecology.observe.measures.waiting import Waiting
from ecology.observe.measures.works import Works
from ecology.resources.assets import CPU_CAPACITY, DISK, FLOWS, LLM_BUDGET, MEMORY, UNITS
from ecology.resources.flow import AS_GRANTED_PPM

RESOURCES: tuple[str, ...] = (*FLOWS, DISK, MEMORY, LLM_BUDGET)
UNIT_OF: dict[str, str] = {
    "llm_rate": "millitokens",
    "cpu": UNITS[CPU_CAPACITY],
    DISK: UNITS[DISK],
    MEMORY: UNITS[MEMORY],
    LLM_BUDGET: UNITS[LLM_BUDGET],
}
REFUSED_FOR: dict[str, str] = {"disk_quota": DISK, "budget_empty": LLM_BUDGET}
"""Which refusals of the kernel are a resource's doing. Flows refuse nobody: they make agents wait."""

_RATES = frozenset(rate for rate, _ in FLOWS.values())

BINDS_AGENT_TIME = 0.05
BINDS_USED = 0.95
BINDS_REFUSED = 0.01


class ResourceScarcity(msgspec.Struct, frozen=True, kw_only=True):
    """One resource over the whole run, amounts in `unit`.

    `granted` and `used` are totals over the run for a flow, at the end for a stock; None is "no data", never
    zero. `share_refused` is of the tries at those kinds of action that were refused for want of it.
    `idle` lay in escrow: for a flow its rate over time, for a stock what is listed at the end.
    `share_waiting` is the share of world time in which at least one agent waited on it,
    `agent_time_waiting` the mean share of an agent's life spent so. `because` says in words why it binds.
    """

    unit: str
    granted: int | None
    used: int | None
    idle: int
    share_used: float | None
    share_waiting: float
    agent_time_waiting: float
    refusals: int
    share_refused: float
    binds: bool
    because: list[str]
    actions_forgone_estimate: int | None


class Scarcity:
    """Folds grants, consumption, waits and refusals.

    A wait is what a turn says it waited (`waited_on`, `waited_ns`, taken to end when the turn acts), or the
    time an agent is in the state `blocked` with a resource as the reason; an agent that never acts again
    shows only in the latter.
    """

    def __init__(
        self, fold: Fold, principals: Principals, conduct: Conduct, works: Works, escrow: Escrow
    ) -> None:
        self._fold = fold
        self._flow = escrow.flow
        self._principals = principals
        self._conduct = conduct
        self._works = works
        self._escrow = escrow
        self._waiting: dict[str, Waiting] = {name: Waiting() for name in RESOURCES}
        self._blocked: dict[int, tuple[str, int]] = {}
        self._granted: defaultdict[str, int] = defaultdict(int)
        self._rate_time: defaultdict[str, int] = defaultdict(int)  # base units × ns × ppm
        self._rate_since_ns: defaultdict[str, int] = defaultdict(int)
        self._spent: defaultdict[str, int] = defaultdict(int)
        self._used: dict[str, int] = {"llm_rate": 0, "cpu": 0}
        self._cpu_us: defaultdict[int, int] = defaultdict(int)
        self._refusals: defaultdict[str, int] = defaultdict(int)
        self._refused_kinds: defaultdict[str, set[str]] = defaultdict(set)
        fold.on(TransferPosted, self._moved)
        fold.on(ActionTaken, self._acted)
        fold.on(AgentStateChanged, self._changed)

    def result(self) -> dict[str, ResourceScarcity]:
        """Every resource, in the order of `RESOURCES`, at the end of the history so far."""
        self._close_open_waits()
        return {resource: self._resource(resource) for resource in RESOURCES}

    def mean_capacity(self, resource: str) -> float | None:
        """A flow's mean bucket capacity over agents, base units; None if nothing was granted."""
        granted = self._granted.get(FLOWS[resource][1], 0)
        agents = len(self._principals.agents())
        return granted / agents if granted and agents else None

    def _resource(self, resource: str) -> ResourceScarcity:
        granted, used = self._supply_and_use(resource)
        idle = self._idle(resource)
        waiting = self._waiting[resource]
        lives = {
            who: self._principals.lifetime_ns(who, self._fold.end_ns) for who in self._principals.agents()
        }
        waited = [waiting.by_agent_ns.get(who, 0) / life for who, life in lives.items() if life > 0]
        tries, refusals = self._tries(resource), self._refusals.get(resource, 0)
        share_used = used / granted if granted and used is not None else None
        agent_time = sum(waited) / len(waited) if waited else 0.0
        share_refused = refusals / tries if tries else 0.0
        because = _because(granted, used, idle, agent_time, share_refused)
        return ResourceScarcity(
            unit=UNIT_OF[resource],
            granted=granted,
            used=used,
            idle=idle,
            share_used=share_used,
            share_waiting=waiting.union_ns() / self._fold.end_ns if self._fold.end_ns else 0.0,
            agent_time_waiting=agent_time,
            refusals=refusals,
            share_refused=share_refused,
            binds=bool(because),
            because=because,
            actions_forgone_estimate=self._forgone(resource, lives, refusals),
        )

    def _supply_and_use(self, resource: str) -> tuple[int | None, int | None]:
        if resource in FLOWS:
            rate, capacity = FLOWS[resource]
            if not self._granted.get(rate) and not self._granted.get(capacity):
                return None, self._used[resource]
            self._settle_rate(rate, self._fold.end_ns)
            flowed = self._rate_time[rate] // (SECOND_NS * AS_GRANTED_PPM)
            return flowed + self._granted.get(capacity, 0), self._used[resource]
        granted = self._granted.get(resource)
        if resource == DISK:
            return granted, self._works.bytes_used
        if resource == LLM_BUDGET:
            return granted, self._spent.get(resource, 0) if granted is not None else None
        return granted, None  # no event states how much memory is in use

    def _idle(self, resource: str) -> int:
        """What was for sale meanwhile, so that nobody could use it. A capacity in escrow keeps nothing from flowing."""
        if resource in FLOWS:
            return self._escrow.idle_time(FLOWS[resource][0])
        return self._escrow.idle(resource)

    def _tries(self, resource: str) -> int:
        """How often agents tried what was refused, at least once, for want of the resource."""
        by_type = self._conduct.result().by_type
        counts = [by_type[kind] for kind in self._refused_kinds.get(resource, ())]
        return sum(count.committed + count.refused for count in counts)

    def _forgone(self, resource: str, lives: Mapping[int, int], refusals: int) -> int | None:
        """How many more actions there would have been, were this resource (alone) unlimited.

        Each agent goes on, in the time it waited, at the pace it shows when it does not wait; no faster than
        its turns' own CPU time allows. None if it did nothing but wait at no CPU cost: then nothing but
        scarcity set its pace.
        """
        total = refusals
        for who, waited_ns in self._waiting[resource].by_agent_ns.items():
            actions = self._conduct.actions_of(who)
            busy_ns = max(lives.get(who, 0) - waited_ns, self._cpu_us.get(who, 0) * 1_000)
            if actions and busy_ns <= 0:
                return None
            total += actions * waited_ns // busy_ns if actions else 0
        return total

    def _close_open_waits(self) -> None:
        end_ns = self._fold.end_ns
        for who, (resource, since_ns) in self._blocked.items():
            self._waiting[resource].add(who, since_ns, end_ns)
            self._blocked[who] = (resource, end_ns)

    def _moved(self, event: TransferPosted) -> None:
        asset = event.asset
        if event.from_id != WORLD and event.to_id != WORLD:
            if event.to_id == SPENT:
                self._spent[asset] += event.amount
            return
        if asset in _RATES:
            self._settle_rate(asset, event.time_ns)
        self._granted[asset] += event.amount if event.from_id == WORLD else -event.amount

    def _settle_rate(self, asset: str, now_ns: int) -> None:
        passed = self._flow.passed(asset, self._rate_since_ns[asset], now_ns)
        self._rate_time[asset] += self._granted[asset] * passed
        self._rate_since_ns[asset] = now_ns

    def _acted(self, event: ActionTaken) -> None:
        self._used["llm_rate"] += event.llm_millitokens
        self._used["cpu"] += event.cpu_us
        if event.outcome != COMMITTED and event.reason in REFUSED_FOR:
            resource = REFUSED_FOR[event.reason]
            self._refusals[resource] += 1
            self._refused_kinds[resource].add(event.action)
        who = self._principals.index(event.principal_id or WORLD)
        assert who is not None, "an action has an actor"
        self._cpu_us[who] += event.cpu_us
        if event.waited_on is not None and event.waited_on in self._waiting:
            self._waiting[event.waited_on].add(who, event.time_ns - event.waited_ns, event.time_ns)

    def _changed(self, event: AgentStateChanged) -> None:
        who = self._principals.index(event.agent_id)
        assert who is not None, "no agent bears a reserved name"
        before = self._blocked.pop(who, None)
        if before is not None:
            resource, since_ns = before
            self._waiting[resource].add(who, since_ns, event.time_ns)
        if event.state == "blocked" and event.reason in self._waiting:
            self._blocked[who] = (event.reason, event.time_ns)


def _because(
    granted: int | None, used: int | None, idle: int, agent_time: float, share_refused: float
) -> list[str]:
    reasons = []
    if agent_time >= BINDS_AGENT_TIME:
        reasons.append(f"agents spent {numerals.share(agent_time)} of their time waiting for it")
    usable = (granted or 0) - idle
    if used is not None and usable > 0 and used >= BINDS_USED * usable:
        unsold = " that was not for sale" if idle else ""
        reasons.append(f"{numerals.share(used / usable)} of it{unsold} was used")
    if share_refused >= BINDS_REFUSED:
        reasons.append(
            f"{numerals.share(share_refused)} of the actions that need it were refused for want of it"
        )
    return reasons


def binding(scarcity: Mapping[str, ResourceScarcity]) -> list[str]:
    """The names of the resources that bound."""
    return [name for name, resource in scarcity.items() if resource.binds]


def verdict(scarcity: Mapping[str, ResourceScarcity]) -> str:
    """One line: what bound, or that nothing did."""
    bound = binding(scarcity)
    if not bound:
        return "Nothing bound: this run shows no behaviour under scarcity."
    names = bound[0] if len(bound) == 1 else f"{', '.join(bound[:-1])} and {bound[-1]}"
    return f"Scarcity bound: {names}."
