"""Scores that take a while: who awaits them beside the world, and settles the winners when they are there.

As with slow minds, virtual time goes on for as long as a score is modelled to take and then stands still until it is
there, so that however long a judge really takes the world is the same. Who awaits a score, and what is to be scored, is
in registers: a world taken up again asks anew, and the same.
"""

import asyncio
import traceback
from collections.abc import Awaitable, Callable
from typing import Protocol

import msgspec

from ecology.core.clock import MILLISECOND_NS, NEVER_NS, Clock
from ecology.engine.policy import ModelUse
from ecology.engine.slots import ThinkingSlots
from ecology.events.records import ModelCalled
from ecology.kernel.economy.bids import Bid
from ecology.kernel.economy.mint import JUDGE_KEY
from ecology.kernel.economy.scoring import (
    Score,
    Scorer,
    Submission,
    Unscored,
    Verdict,
    broken,
    checked,
)
from ecology.kernel.economy.settlement import settle
from ecology.kernel.world import World
from ecology.resources.costs import CostModel

PATIENCE_S = 120.0
"""Seconds of the host's time after which a scorer is taken to hang; its bid fails."""

_MINT = "mint"
_encode = msgspec.json.Encoder(order="sorted").encode
_submission = msgspec.json.Decoder(Submission).decode
_use = msgspec.json.Decoder(ModelUse | None).decode


class Judgement(msgspec.Struct, frozen=True):
    """What a slow scorer came to, and the calls to a model that it took, if any."""

    verdict: Verdict
    use: ModelUse | None = None


class SlowScorer(Protocol):
    """Scores by waiting for something outside the process, usually a model."""

    slow: bool
    """True."""

    async def score(self, submission: Submission) -> Judgement:
        """What the artifact is worth. May raise, or take too long: then the bid has no score. Must not block."""


class ReportingScorer:
    """A quick scorer that somebody brought: when it raises, the observer gets the traceback."""

    slow = False

    def __init__(self, inner: Scorer, report_crash: Callable[[str, str], None]) -> None:
        self._inner = inner
        self._report_crash = report_crash

    def score(self, submission: Submission) -> Score:
        try:
            return self._inner.score(submission)
        except (Exception, SystemExit) as error:
            self._report_crash(_MINT, "".join(traceback.format_exception(error)))
            raise


class Judging:
    """The life, under a key of its own, that has the winners of the mint scored by a slow scorer.

    `score_ns` is the virtual clock's model of how long a score takes; `perform` does a deed where deeds are done.
    """

    def __init__(
        self,
        world: World,
        clock: Clock,
        scorer: SlowScorer,
        *,
        costs: CostModel,
        slots: ThinkingSlots,
        score_ns: int,
        perform: Callable[[Callable[[], None]], Awaitable[None]],
        durable: Callable[[], Awaitable[None]],
        report_crash: Callable[[str, str], None],
        patience_s: float = PATIENCE_S,
    ) -> None:
        self._world = world
        self._clock = clock
        self._scorer = scorer
        self._costs = costs
        self._slots = slots
        self._score_ns = score_ns
        self._perform = perform
        self._durable = durable
        self._report_crash = report_crash
        self._patience_s = patience_s
        self._asked: dict[str, asyncio.Task[Judgement]] = {}

    async def run(self) -> None:
        """Live until the clock stops; who has no score by then is asked about again in the next process."""
        try:
            while await self._clock.wait(JUDGE_KEY, self._due_ns()):
                for bid in self._world.bids.awaiting_score():
                    if bid.id not in self._asked:
                        self._ask(bid)
                    elif self._score_due_ns(bid) <= self._clock.now_ns():
                        await self._settle(bid)
        finally:
            for task in self._asked.values():
                task.cancel()
            await asyncio.gather(*self._asked.values(), return_exceptions=True)

    def _due_ns(self) -> int:
        winners = self._world.bids.awaiting_score()
        return min(map(self._score_due_ns, winners), default=NEVER_NS)

    def _score_due_ns(self, bid: Bid) -> int:
        """When something is to be done about a winner."""
        task = self._asked.get(bid.id)
        if task is None:
            return self._clock.now_ns()
        if self._clock.virtual:
            return bid.resolved_ns + self._score_ns
        return self._clock.now_ns() if task.done() else NEVER_NS

    def _ask(self, bid: Bid) -> None:
        case = self._world.docket.get(bid.id)
        assert case is not None, f"nothing was kept of {bid.id}"
        # Its own copy, for it may do anything to it; and to the order of keys the one that a world taken up again has.
        answer = self._answer(_submission(_encode(case.submission)))
        task = self._asked[bid.id] = asyncio.get_running_loop().create_task(answer)
        if not self._clock.virtual:
            task.add_done_callback(lambda done: self._clock.wake(JUDGE_KEY, self._clock.now_ns()))

    async def _answer(self, shown: Submission) -> Judgement:
        async with self._slots.occupied():
            await self._durable()  # what a model is shown must have happened
            try:
                async with asyncio.timeout(self._patience_s):
                    answer: object = await self._scorer.score(shown)
            except asyncio.CancelledError as error:
                task = asyncio.current_task()
                if task is not None and task.cancelling():
                    raise  # the run stops
                return self._broken(error)
            except (Exception, SystemExit) as error:
                return self._broken(error)
        return _checked(answer)

    def _broken(self, error: BaseException) -> Judgement:
        self._report_crash(_MINT, "".join(traceback.format_exception(error)))
        return Judgement(broken(error))

    async def _settle(self, bid: Bid) -> None:
        judgement = await self._asked[bid.id]
        del self._asked[bid.id]

        def close() -> None:
            now_ns = self._clock.now_ns()
            if judgement.use is not None:
                self._announce(judgement.use, now_ns)
            settle(self._world, bid, judgement.verdict, now_ns)

        await self._perform(close)

    def _announce(self, use: ModelUse, now_ns: int) -> None:
        """The call's event. It is nobody's thought, and nobody in the world pays for it."""
        log, costs = self._world.log, self._costs
        log.append(
            ModelCalled(
                sequence=log.next_sequence,
                time_ns=now_ns,
                principal_id=None,
                turn_id=None,
                model=use.model,
                answer=use.answer,
                input_tokens=use.input_tokens,
                output_tokens=use.output_tokens,
                usd_micros=costs.thought_usd_micros(use.input_tokens, use.output_tokens),
                estimate_usd_micros=costs.worst_usd_micros,
                estimate_millitokens=costs.worst_millitokens,
                # How long it really took is the host's affair, not a virtual world's.
                latency_ms=self._score_ns // MILLISECOND_NS if self._clock.virtual else use.latency_ms,
            )
        )


def _checked(answer: object) -> Judgement:
    """An answer as if it had come over a wire; a scorer that calls no model may answer with the score alone."""
    if not isinstance(answer, Judgement):
        return Judgement(checked(answer))
    try:
        use = _use(_encode(answer.use))
    except (TypeError, UnicodeEncodeError, msgspec.DecodeError):
        return Judgement(Unscored("the scorer's account of its model is none"))
    return Judgement(checked(answer.verdict), use)
