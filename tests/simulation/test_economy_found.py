"""What long lives of `test_economy.py` have found, each told again in a few deeds."""

from collections.abc import Callable

import pytest

from ecology.core.clock import SECOND_NS
from ecology.core.outcome import Committed
from ecology.events.economy import ListingClosed
from ecology.events.records import TransferPosted
from ecology.kernel.actions import Bid, Buy, List, Sleep, StatePredicate, Transfer, Write
from ecology.kernel.laws import Laws, MintLaw
from ecology.resources.assets import DISK, LLM_RATE
from ecology.testing.laws import broken_laws
from ecology.testing.worlds import Stage
from tests.support.programs import CONTRACTS, interface

ANN, BEN = "agent-0001", "agent-0002"
LAWS = Laws(mint=MintLaw(first_ns=5 * SECOND_NS))


def _let(stage: Stage) -> None:
    stage.do(ANN, List(3, asset=LLM_RATE, amount=700, rent_ms=2_000))
    stage.do(BEN, Buy("listing-1"))


def _rented(stage: Stage) -> None:
    stage.do(BEN, List(3, asset=DISK, amount=700, rent_ms=2_000))
    stage.do(ANN, Buy("listing-1"))
    free = stage.world.disk_free(stage.agent(ANN))
    stage.do(ANN, Write("much", "x" * (free - 100)))


def _submitted(stage: Stage) -> None:
    stage.do(ANN, Write("work", "of mine"))
    stage.do(ANN, Bid("work", 2))


def _offered(stage: Stage) -> None:
    stage.do(ANN, Write("work", "for all", contract="public"))
    stage.do(ANN, Write("thing", "for sale", contract="transferable_freeware"))


def _wait(stage: Stage) -> None:
    stage.pass_time(10 * SECOND_NS)


@pytest.mark.parametrize(
    ("before", "then"),
    [
        (_let, _wait),
        (_rented, _wait),
        (_submitted, _wait),
        (_submitted, lambda stage: stage.do(BEN, Transfer(ANN, 1))),
        (_offered, lambda stage: stage.do(BEN, List(3, asset=LLM_RATE, amount=700, buyer=ANN))),
    ],
    ids=[
        "my rent ends",
        "what I rented is cleared",
        "my bid is closed",
        "I am paid",
        "something is kept for me",
    ],
)
def test_who_sleeps_until_there_is_news_hears_of_all_that_it_is_told(
    before: Callable[[Stage], None], then: Callable[[Stage], None]
) -> None:
    """Soak, seed 85, life 50000: nobody looked whether an owner slept for what the world itself had to tell it."""
    stage = Stage.of(2, laws=LAWS)
    before(stage)
    stage.news(ANN)
    stage.do(ANN, Sleep(60_000, until=StatePredicate("inbox", "ge", 1)))
    then(stage)
    assert stage.agent(ANN).inbox
    assert broken_laws(stage.world) == []
    assert (stage.agent(ANN).status, stage.agent(ANN).reason) == ("active", "condition met")


def test_what_follows_from_a_deed_in_a_scope_is_told_after_the_deeds_that_came_before_it() -> None:
    """Seed 1000000: a tool wrote over what was for sale, then paid the seller, who heard of the payment last."""
    stage = Stage.of(2)
    stage.do(BEN, Write("law", CONTRACTS["allows"], interface=interface("check")))
    stage.do(ANN, Write("thing", "for sale", contract="law"))
    stage.do(ANN, List(3, artifact="thing"))
    stage.news(ANN)
    turn = stage.turn(BEN)
    with stage.world.scope():
        for action in (Write("thing", "spoilt"), Transfer(ANN, 1), Transfer(ANN, 2)):
            assert isinstance(stage.kernel.act(turn, action), Committed)
    told = stage.news(ANN)
    assert [type(event) for event in told] == [TransferPosted, TransferPosted, ListingClosed]
    assert [event.sequence for event in told] == sorted(event.sequence for event in told)
