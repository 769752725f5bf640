"""How each strategy fared."""

import msgspec

from ecology.observe.measures.conduct import Conduct
from ecology.observe.measures.health import Health
from ecology.observe.measures.principals import Principals
from ecology.observe.measures.samples import median
from ecology.observe.measures.wealth import Wealth
from ecology.observe.measures.works import Works


class Fortune(msgspec.Struct, frozen=True, kw_only=True):
    """One strategy at the end of a run. Wealth in scrip; `mean_*` are per agent; shares are None without
    data."""

    strategy: str
    agents: int
    mean_wealth: float
    median_wealth: float
    share_of_wealth: float | None
    mean_actions: float
    share_refused: float | None
    share_blocked: float | None
    mean_works: float


class Holder(msgspec.Struct, frozen=True):
    """One of the richest."""

    id: str
    strategy: str
    wealth: int
    actions: int


def fortunes(
    principals: Principals, wealth: Wealth, conduct: Conduct, health: Health, works: Works
) -> list[Fortune]:
    """Every strategy's result, the highest mean wealth first."""
    balances = [int(value) for value in wealth.frame()]
    total = sum(balances)
    made = works.made_by()
    rows = []
    for strategy, group in principals.by_strategy().items():
        held = sorted(balances[who] for who in group)
        middle = median(held)
        assert middle is not None, "a strategy exists because somebody follows it"
        actions = sum(conduct.actions_of(who) for who in group)
        refused = sum(conduct.refused_of(who) for who in group)
        rows.append(
            Fortune(
                strategy=strategy,
                agents=len(group),
                mean_wealth=sum(held) / len(group),
                median_wealth=middle,
                share_of_wealth=sum(held) / total if total else None,
                mean_actions=actions / len(group),
                share_refused=refused / actions if actions else None,
                share_blocked=health.shares(group).get("blocked"),
                mean_works=sum(made.get(who, 0) for who in group) / len(group),
            )
        )
    return sorted(rows, key=lambda row: (-row.mean_wealth, row.strategy))


def richest(wealth: Wealth, count: int) -> list[int]:
    """The numbers of the `count` richest principals, richest first, ties by first appearance."""
    balances = wealth.frame()
    return sorted(range(len(balances)), key=lambda who: (-int(balances[who]), who))[:count]


def holders(principals: Principals, wealth: Wealth, conduct: Conduct, count: int) -> list[Holder]:
    """The richest principals, richest first."""
    balances = wealth.frame()
    return [
        Holder(principals.ids[who], principals.strategies[who], int(balances[who]), conduct.actions_of(who))
        for who in richest(wealth, count)
    ]
