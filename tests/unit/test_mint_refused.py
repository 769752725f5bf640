"""What the mint does not take, and scorers that do not score: nobody pays, nothing is issued, the world goes on."""

from collections.abc import Callable

import pytest

from ecology.core import ids
from ecology.core.clock import SECOND_NS
from ecology.core.outcome import Refused
from ecology.engine.judging import ReportingScorer
from ecology.events.economy import BidClosed, MintResolved
from ecology.events.records import HoldClosed
from ecology.events.registry import encode
from ecology.kernel.actions import Bid, Query, Write, parse
from ecology.kernel.economy.mint import MAX_BIDS
from ecology.kernel.economy.scoring import Score, Submission, Unscored, checked, verdict_of
from ecology.kernel.laws import Laws, MintLaw
from ecology.resources.assets import SCRIP
from ecology.testing.laws import broken_laws
from ecology.testing.worlds import GRANTS, Stage
from tests.support.thinkers import Crashes

ME, OTHER = "agent-0001", "agent-0002"


def stage_of(**law: int) -> Stage:
    stage = Stage.of(2, {**GRANTS, SCRIP: 1_000})
    stage.world.laws = Laws(mint=MintLaw(**law))
    stage.do(ME, Write("mine", "what nobody has ever written before me"))
    stage.do(OTHER, Write("theirs", "the other one's own thoughts about it all"))
    stage.events()
    return stage


@pytest.mark.parametrize("amount", [0, -1, -(2**70), 2**63, 2**70])
def test_an_amount_is_1_to_2_63(amount: int) -> None:
    stage = stage_of()
    assert stage.refused(ME, Bid("mine", amount)) == "amount_invalid"
    assert stage.world.book.pending() == []


@pytest.mark.parametrize("text", ['"5"', "5.5", "true", "null", "[]", "1e300"])
def test_what_is_no_whole_number_is_no_action(text: str) -> None:
    refused = parse(f'{{"action": "bid", "artifact": "mine", "amount": {text}}}')
    assert isinstance(refused, Refused) and refused.reason == "malformed"


def test_a_bid_below_the_minimum_could_not_pay_it() -> None:
    stage = stage_of(minimum=5)
    outcome = stage.act(ME, Bid("mine", 4))
    assert isinstance(outcome, Refused)
    assert (outcome.reason, outcome.detail) == ("amount_invalid", "a bid is a whole number from 5 to 2^63-1")
    stage.do(ME, Bid("mine", 5))


def test_a_world_without_a_mint_takes_no_bids() -> None:
    stage = stage_of(slots=0)
    assert stage.refused(ME, Bid("mine", 5)) == "no_mint"
    assert stage.refused(ME, Bid("nothing", 0)) == "no_mint"
    assert stage.refused(ME, Query("mint")) == "no_mint"


def test_only_one_s_own_and_no_agent() -> None:
    stage = stage_of()
    assert stage.refused(ME, Bid("theirs", 5)) == "not_permitted"
    assert stage.refused(ME, Bid(OTHER, 5)) == "is_principal"
    assert stage.refused(ME, Bid(ME, 5)) == "is_principal"
    assert stage.refused(ME, Bid("nothing", 5)) == "not_found"


def test_once_at_a_time() -> None:
    stage = stage_of()
    stage.do(ME, Bid("mine", 5))
    assert stage.refused(ME, Bid("mine", 6)) == "already_bid"
    assert stage.world.available(stage.agent(ME), SCRIP) == 995


def test_what_is_held_cannot_be_bid_again() -> None:
    stage = stage_of()
    stage.do(ME, Write("mine-too", "another work"))
    stage.do(ME, Bid("mine", 600))
    assert stage.refused(ME, Bid("mine-too", 401)) == "insufficient"
    stage.do(ME, Bid("mine-too", 400))


def test_there_are_only_so_many_bids_of_one() -> None:
    stage = stage_of()
    for number in range(MAX_BIDS + 1):
        stage.do(ME, Write(f"note-{number}", f"note number {number}"))
    for number in range(MAX_BIDS):
        stage.do(ME, Bid(f"note-{number}", 1))
    assert stage.refused(ME, Bid(f"note-{MAX_BIDS}", 1)) == "too_many"
    stage.do(OTHER, Bid("theirs", 1))
    stage.pass_time(60 * SECOND_NS)
    stage.do(ME, Bid(f"note-{MAX_BIDS}", 1))


def test_a_turn_without_ids_for_transfers_makes_no_bid() -> None:
    stage = stage_of()
    turn = stage.turn(ME)
    turn.step = ids.MAX_STEPS - 8
    outcome = stage.kernel.act(turn, Bid("mine", 5))
    assert isinstance(outcome, Refused) and outcome.reason == "too_many"
    assert stage.world.book.pending() == []


# -- scorers

ANY = Submission("a", 1, ME, "text", "text", "", (), {}, None, b"", 0, 0, "")


class Broken:
    """A scorer that does what it is told instead of scoring."""

    slow = False

    def __init__(self, answer: Callable[[], object]) -> None:
        self.answer = answer

    def score(self, submission: Submission) -> Score:
        return self.answer()  # type: ignore[return-value]  # that is what is wrong with it


def _raise(error: BaseException) -> object:
    raise error


BROKEN: dict[str, Callable[[], object]] = {
    "raises": lambda: _raise(ValueError("no idea\nat all")),
    "exits": lambda: _raise(SystemExit(3)),
    "recurses": lambda: _raise(RecursionError()),
    "nothing": lambda: None,
    "a number": lambda: 50,
    "above": lambda: Score(101),
    "below": lambda: Score(-1),
    "a float": lambda: Score(50.0),  # type: ignore[arg-type]
    "true": lambda: Score(True),
    "a text": lambda: Score("50"),  # type: ignore[arg-type]
    "huge": lambda: Score(2**80),
    "unscored": lambda: Unscored("I would rather not"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_without_a_score_nobody_pays(name: str) -> None:
    stage = stage_of()
    stage.world.scorer = Broken(BROKEN[name])
    stage.do(ME, Bid("mine", 50))
    stage.do(OTHER, Bid("theirs", 40))
    stage.events()
    stage.pass_time(60 * SECOND_NS)
    resolution, *rest = stage.events()
    assert isinstance(resolution, MintResolved) and resolution.price == 40
    assert [(event.how, event.amount) for event in rest if isinstance(event, HoldClosed)] == [
        ("voided", 0)
    ] * 2
    lost, failed = (event for event in rest if isinstance(event, BidClosed))
    assert (lost.bidder_id, lost.how) == (OTHER, "lost")
    assert (failed.bidder_id, failed.how, failed.price, failed.minted) == (ME, "failed", 0, 0)
    assert failed.detail and "\n" not in failed.detail
    assert [stage.world.available(agent, SCRIP) for agent in stage.world.roster] == [1_000, 1_000]
    assert stage.world.supply(SCRIP) == 2_000
    assert broken_laws(stage.world) == []


def test_the_observer_gets_the_traceback_of_a_scorer_that_somebody_brought() -> None:
    crashes = Crashes()
    scorer = ReportingScorer(Broken(BROKEN["raises"]), crashes.report)
    assert isinstance(verdict_of(scorer, ANY), Unscored)
    ((who, traceback),) = crashes
    assert who == "mint" and "no idea" in traceback and "Traceback" in traceback


def test_a_failure_fails_only_its_bid() -> None:
    class Moody(Broken):
        def score(self, submission: Submission) -> Score:
            if submission.artifact == "mine":
                raise LookupError("not this one")
            return Score(80)

    stage = stage_of(slots=2)
    stage.world.scorer = Moody(lambda: None)
    stage.do(ME, Bid("mine", 50))
    stage.do(OTHER, Bid("theirs", 40))
    stage.pass_time(60 * SECOND_NS)
    closed = [event for event in stage.events() if isinstance(event, BidClosed)]
    assert [(it.bidder_id, it.how, it.minted) for it in closed] == [(ME, "failed", 0), (OTHER, "minted", 8)]
    assert "LookupError" in closed[0].detail


def test_a_work_that_could_not_be_scored_is_still_new() -> None:
    stage = stage_of()
    stage.world.scorer, rubric = Broken(lambda: None), stage.world.scorer
    stage.do(ME, Bid("mine", 5))
    stage.pass_time(60 * SECOND_NS)
    assert len(stage.world.sketches) == 0
    stage.world.scorer = rubric
    stage.do(ME, Bid("mine", 5))
    stage.pass_time(60 * SECOND_NS)
    (first, second) = (event for event in stage.events() if isinstance(event, BidClosed))
    assert (first.how, second.how) == ("failed", "minted")
    assert "novelty 100 %" in second.detail


@pytest.mark.parametrize("detail", ["\ud800\n\x00 a\u2028b", "é" * 5_000, "", None, 5])
def test_whatever_a_scorer_says_can_be_written_down(detail: object) -> None:
    answer = checked(Score(5, detail))  # type: ignore[arg-type]
    assert isinstance(answer, Score)
    assert len(answer.detail.encode()) <= 200 and answer.detail.isprintable()
    event = BidClosed(
        sequence=1,
        time_ns=0,
        principal_id=None,
        turn_id=None,
        bid_id="b",
        bidder_id=ME,
        artifact_id="a",
        how="minted",
        detail=answer.detail,
    )
    assert b"\n" not in encode(event)


def test_a_keyboard_s_interrupt_is_not_a_scorer_s_fault() -> None:
    with pytest.raises(KeyboardInterrupt):
        verdict_of(Broken(lambda: _raise(KeyboardInterrupt())), ANY)
