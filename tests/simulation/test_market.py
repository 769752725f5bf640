"""The market as it ships: tools upon tools, goods and rights in escrow, new money, and prices that settle."""

from collections import Counter
from functools import cache

import pytest

from ecology.core.clock import SECOND_NS
from ecology.events.economy import (
    BidClosed,
    CodeRan,
    ListingSold,
    MintResolved,
    RightRented,
    RightReverted,
)
from ecology.events.records import ArtifactCreated, ArtifactUpdated
from ecology.events.registry import Record
from ecology.observe.projections import summarise
from ecology.resources.assets import DISK, LLM_RATE
from tests.simulation.test_ecology import Lived, lived


@cache
def market() -> Lived:
    return lived("market")


def of(family: type[Record]) -> list[Record]:
    """The market's events of one family."""
    return [event for event in market().events if type(event) is family]


def paid(outermost: bool = True) -> list[CodeRan]:
    return [
        event
        for event in market().events
        if isinstance(event, CodeRan) and event.price and (event.depth == 1 or not outermost)
    ]


def test_tools_are_called_for_money_by_the_hundred_and_most_calls_succeed() -> None:
    assert len(paid()) > 200
    runs = Counter(
        event.fault is None for event in market().events if isinstance(event, CodeRan) and event.depth == 1
    )
    assert runs[True] > 10 * runs[False]


def test_capital_is_deeper_than_a_layer() -> None:
    """Tools call others' tools, which call others': each layer has an owner who is paid."""
    depths = Counter(event.depth for event in paid(outermost=False))
    assert depths[2] > 50 and depths[3] > 20
    chains: dict[str | None, set[str | None]] = {}
    for event in paid(outermost=False):
        chains.setdefault(event.turn_id, set()).add(event.recipient_id)
    assert max(len(owners) for owners in chains.values()) == 3
    assert market().measured.measures.capital_depth >= 3


def test_smiths_price_by_demand() -> None:
    asked: dict[str, list[str]] = {}
    for event in market().events:
        if isinstance(event, ArtifactCreated | ArtifactUpdated) and event.artifact_type == "program":
            asked.setdefault(event.artifact_id, []).append(event.contract)
    changed = [prices for prices in asked.values() if len(set(prices)) > 2]
    assert len(changed) > 5
    assert any(int(prices[0][12:-1]) < max(int(each[12:-1]) for each in prices) for prices in changed)


def test_goods_tools_and_rights_are_sold_in_escrow() -> None:
    sold = Counter(
        event.asset or event.artifact_type for event in market().events if isinstance(event, ListingSold)
    )
    assert {LLM_RATE, DISK, "program", "essay", "map", "song"} <= set(sold)
    assert sold["essay"] > 20 < sold["map"]


def test_rents_revert() -> None:
    rented = {event.rental_id: event for event in market().events if isinstance(event, RightRented)}
    reverted = {event.rental_id: event for event in market().events if isinstance(event, RightReverted)}
    assert len(rented) > 10
    end_ns = market().events[-1].time_ns
    due = {name for name, event in rented.items() if event.until_ns <= end_ns - SECOND_NS}
    assert due <= set(reverted) <= set(rented)
    assert all(reverted[name].amount == rented[name].amount for name in due)


def test_the_mint_resolves_and_its_winners_vary() -> None:
    resolved = [event for event in market().events if isinstance(event, MintResolved)]
    won = [event for event in market().events if isinstance(event, BidClosed) and event.how == "minted"]
    assert len(resolved) > 15
    assert len({event.bidder_id for event in won}) > 5
    assert any(event.minted for event in won)
    assert len({event.price for event in resolved}) > 1, "it follows what is bid"


def test_a_price_settles() -> None:
    prices = summarise(iter(market().events)).prices
    assert {LLM_RATE, DISK} <= set(prices)
    assert prices[LLM_RATE].settled or prices[f"rent/{LLM_RATE}"].settled, "that of a token/s"


def test_nobody_takes_it_all() -> None:
    measures = market().measured.measures
    fortunes = {each.strategy: each.mean_wealth * each.agents for each in measures.strategies}
    assert max(fortunes.values()) < 0.5 * measures.supply
    for business in ("toolsmith", "specialist", "bidder", "speculator"):
        mean = fortunes[business] / next(
            each.agents for each in measures.strategies if each.strategy == business
        )
        assert mean > 10, f"a {business} can still buy something"


@pytest.mark.parametrize("family", [CodeRan, ListingSold, MintResolved, RightReverted])
def test_it_goes_on_to_the_end(family: type[Record]) -> None:
    """What happened in the first half happens in the second."""
    end_ns = market().events[-1].time_ns
    assert [event for event in of(family) if event.time_ns > end_ns * 3 // 4]
