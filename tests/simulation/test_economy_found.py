"""What long lives of `test_economy.py` have found, each told again in a few deeds."""

from ecology.core.clock import SECOND_NS
from ecology.kernel.actions import Buy, List, Sleep, StatePredicate
from ecology.resources.assets import LLM_RATE
from ecology.testing.laws import broken_laws
from ecology.testing.worlds import Stage

ANN, BEN = "agent-0001", "agent-0002"


def test_who_sleeps_until_there_is_news_hears_of_a_rent_that_ends() -> None:
    """Soak, seed 85, life 50000: nobody looked whether an owner slept for what the world itself had to tell it."""
    stage = Stage.of(2)
    offered = stage.do(ANN, List(3, asset=LLM_RATE, amount=700, rent_ms=2_000))
    stage.do(BEN, Buy(str(offered["listing"])))
    stage.news(ANN)
    stage.do(ANN, Sleep(60_000, until=StatePredicate("inbox", "ge", 1)))
    stage.pass_time(3 * SECOND_NS)
    assert broken_laws(stage.world) == []
    assert (stage.agent(ANN).status, stage.agent(ANN).reason) == ("active", "condition met")
