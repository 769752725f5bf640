"""How the flow that a container sustains is dealt out among those who live in it: buckets for all, and of groups.

A rate that was set by hand stays, and what flows by it is not there for the others; these keep their proportion.
"""

import math
from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

from calibrate.profiles.capacity import bucket_tokens
from ecology.scenarios.measured import Draft
from ecology.scenarios.population import apportion

RATE = "resources.flow.llm_rate.rate"
CAPACITY = "resources.flow.llm_rate.capacity"

LEAST_RATE_MILLITOKENS = 1
"""The smallest rate that a scenario can say."""


class Party(NamedTuple):
    """Agents with one bucket each; what is None is as everyone's. Amounts are in millitokens (per second)."""

    place: int
    agents: int
    rate: int | None
    capacity: int | None
    by_hand: str | None
    """Who set a rate of their own, if it was set by hand."""


class Dealt(NamedTuple):
    """Keys of the scenario with their amounts, in tokens (per second), and how the flow was divided.

    There are no keys and no rates if everybody's rate was set by hand, or if nothing is left for the `others`.
    """

    figures: dict[str, Decimal]
    rates: tuple[tuple[int, float], ...]
    """How many agents have how many tokens/s each."""
    by_hand: tuple[str, ...]
    """Who set rates by hand, each once."""
    taken: float
    """tokens/s of all agents whose rates were set by hand."""
    others: int
    """Agents whose rate was not set by hand."""


def deal(draft: Draft, tokens_per_s: float) -> Dealt:
    """Every bucket that nobody set by hand, so that all agents together have `tokens_per_s`."""
    scenario = draft.scenario
    common = scenario.resources.flow.llm_rate
    parties = _parties(draft)
    everybodys = draft.by_hand(RATE)
    if everybodys is not None:
        return Dealt({}, (), (everybodys,), 0.0, 0)
    free = [party for party in parties if party.by_hand is None]
    others = sum(party.agents for party in free)
    taken = sum(party.agents * (party.rate or 0) for party in parties if party.by_hand is not None)
    by_hand = tuple(
        dict.fromkeys(party.by_hand for party in parties if party.by_hand is not None and party.agents)
    )
    left = tokens_per_s * 1000 - taken
    if not others or (by_hand and left < others * LEAST_RATE_MILLITOKENS):
        return Dealt({}, (), by_hand, taken / 1000, others)
    together = sum(
        party.agents * (common.rate_millitokens_per_s if party.rate is None else party.rate) for party in free
    )
    more = left / together
    worst = scenario.costs().worst_millitokens
    # Rounded down it might not cover the thoughts.
    capacity = math.ceil(1000 * bucket_tokens(left / others / 1000, worst / 1000))
    figures = {RATE: _tokens(common.rate_millitokens_per_s * more), CAPACITY: _tokens(capacity)}
    more_capacity = capacity / common.capacity_millitokens
    for party in free:
        if party.rate is not None:
            figures[_key(party, RATE)] = _tokens(party.rate * more)
        if party.capacity is not None and draft.by_hand(_key(party, CAPACITY)) is None:
            # Agents whose bucket never holds a thought would never think; so small, it only makes them slow.
            figures[_key(party, CAPACITY)] = _tokens(max(party.capacity * more_capacity, worst))
    rates = _rates(parties, int(1000 * figures[RATE]), figures)
    return Dealt(figures, rates, by_hand, taken / 1000, others)


def _parties(draft: Draft) -> list[Party]:
    """The groups of a scenario; if it has none, everybody."""
    scenario = draft.scenario
    if not scenario.population:
        return [Party(0, scenario.agents, None, None, None)]
    counts = apportion(scenario.agents, [group.share_milli for group in scenario.population])
    parties = []
    for place, (agents, group) in enumerate(zip(counts, scenario.population, strict=True)):
        own = group.resources.flow.llm_rate
        party = Party(place, agents, own.rate_millitokens_per_s, own.capacity_millitokens, None)
        if party.rate is not None:
            party = party._replace(by_hand=draft.by_hand(_key(party, RATE)))
        parties.append(party)
    return parties


def _rates(
    parties: Sequence[Party], common_millitokens: int, figures: dict[str, Decimal]
) -> tuple[tuple[int, float], ...]:
    """How many agents have how many tokens/s with these figures laid over what they had."""
    rates = []
    for party in parties:
        had = common_millitokens if party.rate is None else party.rate
        rates.append((party.agents, float(figures.get(_key(party, RATE), had / 1000))))
    return tuple(rate for rate in rates if rate[0])


def _key(party: Party, key: str) -> str:
    return f"population.{party.place}.{key}"


def _tokens(millitokens: float) -> Decimal:
    """As a scenario's file would say it; at least the smallest amount there is."""
    return Decimal(max(1, math.floor(millitokens))) / 1000
