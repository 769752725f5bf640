"""Scorers that take a while: when their winners are settled, what a crash in between changes, and what fails."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from ecology.core.clock import MILLISECOND_NS, SECOND_NS, RealClock, VirtualClock
from ecology.engine.engine import Engine
from ecology.engine.judging import Judgement, Judging
from ecology.engine.observation import Observation
from ecology.engine.policy import ModelUse
from ecology.events.economy import BidClosed
from ecology.events.records import ModelCalled, TransferPosted
from ecology.kernel.actions import Action, Sleep, Write
from ecology.kernel.economy.scoring import Score, Submission, Unscored
from ecology.kernel.laws import Laws, MintLaw
from ecology.resources.assets import SCRIP
from ecology.testing.laws import broken_laws
from tests.support.judged import (
    ONE,
    RESOLVED_S,
    THOUGHT_S,
    THREE,
    TWO,
    Run,
    Slowly,
    bidders,
    closed,
    sixty,
)
from tests.support.thinkers import COSTS


def test_the_winner_is_settled_when_its_score_is_modelled_to_be_there() -> None:
    run = Run(Slowly(sixty))
    events = run.live(30 * SECOND_NS)
    *lost, won = closed(events)
    assert sorted(lost) == [(ONE, "lost", 0, RESOLVED_S), (TWO, "lost", 0, RESOLVED_S)]
    assert won == (THREE, "minted", 20, RESOLVED_S + THOUGHT_S)
    assert run.scrip() == [110, 110, 100 - 20 + 6]
    assert run.world.supply(SCRIP) == 306
    (shown,) = run.scorer.shown
    assert (shown.artifact, shown.bidder, shown.users, shown.similarity) == ("work-3", THREE, 0, 0)


def test_until_then_the_bid_is_held() -> None:
    run = Run(Slowly(sixty))
    events = run.live((RESOLVED_S + THOUGHT_S) * SECOND_NS)
    assert [how for _, how, _, _ in closed(events)] == ["lost", "lost"]
    (bid,) = run.world.bids
    assert (bid.bidder, bid.price, bid.resolved_ns) == (THREE, 20, RESOLVED_S * SECOND_NS)
    assert run.scrip() == [100, 100, 70]
    assert run.world.book.pending()[0].id == bid.hold_id


def test_the_call_is_an_event_that_nobody_in_the_world_pays_for() -> None:
    events = Run(Slowly(sixty)).live(30 * SECOND_NS)
    (called,) = (event for event in events if isinstance(event, ModelCalled))
    assert (called.principal_id, called.model, called.answer) == (None, "m", "ok")
    assert called.usd_micros == COSTS.thought_usd_micros(1_000, 10)
    assert called.latency_ms == THOUGHT_S * SECOND_NS // MILLISECOND_NS  # not how long it really took
    assert not any(isinstance(event, TransferPosted) and event.memo == "thought" for event in events)


def test_winners_are_asked_side_by_side_and_settled_by_rank() -> None:
    waiting: set[int] = set()
    peak = 0
    answered: list[int] = []

    async def backwards(submission: Submission) -> Judgement:
        """Nobody is answered before all have asked, and who is last in rank is answered first."""
        nonlocal peak
        number = int(submission.artifact[-1])
        waiting.add(number)
        peak = max(peak, len(waiting))
        async with asyncio.timeout(60):
            while peak < 3 or min(waiting) < number:
                await asyncio.sleep(0.001)
        waiting.discard(number)
        answered.append(number)
        return Judgement(Score(50))

    run = Run(Slowly(backwards), slots=3)
    assert [bidder for bidder, *_ in closed(run.live(30 * SECOND_NS))] == [THREE, TWO, ONE]
    assert peak == 3 and answered == [1, 2, 3]


def test_how_long_a_judge_takes_changes_nothing() -> None:
    logs = []
    for pause in (0.0, 0.02, 0.05):

        async def late(submission: Submission, pause: float = pause) -> Judgement:
            await asyncio.sleep(pause)
            return Judgement(Score(60), ModelUse("m", "ok", 1, 1, int(pause * 1_000)))

        logs.append(Run(Slowly(late), slots=2).live(100 * SECOND_NS))
    assert logs[0] == logs[1] == logs[2]


@pytest.mark.parametrize("stopped_ns", [RESOLVED_S * SECOND_NS + 1, (RESOLVED_S + THOUGHT_S) * SECOND_NS])
def test_a_run_that_stops_in_between_asks_again_and_ends_as_the_whole_one(stopped_ns: int) -> None:
    """The second engine knows nothing of the first but what is in the registers."""
    whole = Run(Slowly(sixty), slots=2)
    whole.live(60 * SECOND_NS)
    broken = Run(Slowly(sixty), slots=2)
    broken.live(stopped_ns)
    assert len(broken.world.bids.awaiting_score()) == 2
    events = broken.live(60 * SECOND_NS, stopped_ns)
    assert closed(events) == closed(whole.store.events())
    assert broken.scrip() == whole.scrip()
    assert broken.scorer.shown[-2:] == whole.scorer.shown


def test_what_changes_while_it_is_judged_was_still_submitted() -> None:
    """The judge is shown the work that won, also the one that is asked again after the change."""

    def rewrite(view: Observation) -> Action | None:
        late = view.now_ns > RESOLVED_S * SECOND_NS + SECOND_NS // 4
        if view.ordinal == 3 and late and view.now_ns < (RESOLVED_S + THOUGHT_S) * SECOND_NS:
            return Write("work-3", "something worse")
        return Sleep(100)

    run = Run(Slowly(sixty), choose=bidders(rewrite))
    stopped_ns = RESOLVED_S * SECOND_NS + 9 * SECOND_NS // 10
    run.live(stopped_ns)
    artifact = run.world.shelf.find("work-3")
    assert artifact is not None and artifact.revision > 1
    last = closed(run.live(30 * SECOND_NS, stopped_ns))[-1]
    assert last == (THREE, "minted", 20, RESOLVED_S + THOUGHT_S)
    assert {shown.content for shown in run.scorer.shown} == {
        b"all that agent-0003 knows of the number 3 " * 5
    }


async def _cancel(submission: Submission) -> object:
    raise asyncio.CancelledError


async def _exit(submission: Submission) -> object:
    raise SystemExit(2)


async def _raise(submission: Submission) -> object:
    raise LookupError("secret of the host")


async def _none(submission: Submission) -> object:
    return None


async def _too_much(submission: Submission) -> object:
    return Judgement(Score(1_000), ModelUse("m", "ok", 5, 5, 5))


async def _no_use(submission: Submission) -> object:
    return Judgement(Score(50), ModelUse("m", "ok", "many", 5, 5))  # type: ignore[arg-type]


async def _declines(submission: Submission) -> object:
    return Judgement(Unscored("not my field"))


@pytest.mark.parametrize(
    ("answer", "reported"),
    [(_cancel, 1), (_exit, 1), (_raise, 1), (_none, 0), (_too_much, 0), (_no_use, 0), (_declines, 0)],
)
def test_without_a_score_nobody_pays(
    answer: Callable[[Submission], Awaitable[object]], reported: int
) -> None:
    run = Run(Slowly(answer))
    events = run.live(30 * SECOND_NS)
    assert closed(events)[-1] == (THREE, "failed", 0, RESOLVED_S + THOUGHT_S)
    assert run.scrip() == [100, 100, 100]
    assert run.world.supply(SCRIP) == 300
    assert [who for who, _ in run.crashes] == ["mint"] * reported
    assert not any("secret" in it.detail for it in events if isinstance(it, BidClosed))


def test_a_score_alone_will_do_where_no_model_was_asked() -> None:
    async def bare(submission: Submission) -> object:
        return Score(30)

    assert closed(Run(Slowly(bare)).live(30 * SECOND_NS))[-1][1] == "minted"


def test_a_scorer_that_hangs_fails_only_its_bid() -> None:
    async def hang(submission: Submission) -> object:
        if submission.artifact == "work-3":
            await asyncio.Event().wait()
        return Judgement(Score(40))

    run = Run(Slowly(hang), slots=2)

    async def live() -> None:
        engine = run.engine(VirtualClock(0))
        judging = engine._judging
        assert isinstance(judging, Judging)
        judging._patience_s = 0.05
        await engine.run(30 * SECOND_NS)

    asyncio.run(live())
    ends = closed(run.store.events())
    assert [(bidder, how) for bidder, how, *_ in ends] == [(ONE, "lost"), (THREE, "failed"), (TWO, "minted")]
    assert "TimeoutError" in run.crashes[0][1]


def test_whoever_is_asked_when_the_run_is_interrupted_is_asked_again() -> None:
    run: Run

    async def interrupting(submission: Submission) -> object:
        if len(run.scorer.shown) == 1:
            engines[-1].interrupt()
            await asyncio.Event().wait()
        return Judgement(Score(60))

    engines: list[Engine] = []
    run = Run(Slowly(interrupting))

    async def live(start_ns: int) -> None:
        engines.append(run.engine(VirtualClock(start_ns)))
        await engines[-1].run(30 * SECOND_NS)

    asyncio.run(live(0))
    assert engines[0].interrupted and len(run.world.bids) == 1
    asyncio.run(live(engines[0].clock.now_ns()))
    assert closed(run.store.events())[-1] == (THREE, "minted", 20, RESOLVED_S + THOUGHT_S)
    assert not run.crashes


def test_under_the_real_clock_a_score_counts_when_it_is_there() -> None:
    law = MintLaw(first_ns=2 * SECOND_NS, every_ns=SECOND_NS // 2)
    run = Run(Slowly(sixty), choose=bidders(lambda view: Sleep(20)))
    run.world.laws = Laws(mint=law)

    async def live() -> None:
        engine = run.engine(RealClock(SECOND_NS))  # everybody's first turn is due
        task = asyncio.create_task(engine.run(60 * SECOND_NS))
        while len(run.world.bids) or not any(shown.bidder == THREE for shown in run.scorer.shown):
            await asyncio.sleep(0.01)
        engine.interrupt()
        await task

    asyncio.run(asyncio.wait_for(live(), 60))
    assert (THREE, "minted") in [(bidder, how) for bidder, how, *_ in closed(run.store.events())]
    called = [event for event in run.store.events() if isinstance(event, ModelCalled)]
    assert [event.latency_ms for event in called] == [77] * len(run.scorer.shown)
    assert broken_laws(run.world) == []
