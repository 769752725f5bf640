"""What long lives of `test_economy.py` have found, each told again in a few deeds."""

from collections.abc import Callable

import pytest

from ecology.core.clock import SECOND_NS
from ecology.kernel.actions import Bid, Buy, List, Sleep, StatePredicate, Transfer, Write
from ecology.kernel.laws import Laws, MintLaw
from ecology.resources.assets import DISK, LLM_RATE
from ecology.testing.laws import broken_laws
from ecology.testing.worlds import Stage

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
