"""The whole economy under random deeds: every action, code that works and code that does not, contracts, escrow, rents,
bids and delegations, while workers die in the middle of a run and the process in the middle of a life.

After every step every law holds: each asset and each right sums to what was granted, every hold is for something, every
index is true. Beside the world lives a twin that was loaded from the last commit and must come to the same outcomes. At
every commit and every crash the database passes its audit.

`make soak` looks longer, at lives of its own: SOAK_STEPS says how many steps.
"""

import os
from collections import Counter
from typing import ClassVar

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from ecology.core.clock import MILLISECOND_NS, SECOND_NS
from ecology.core.outcome import Committed
from ecology.core.seeds import Draw
from ecology.kernel import refusals
from ecology.kernel.actions import NAME_OF, Action, Invoke
from ecology.kernel.laws import CodeLaw, Laws, MintLaw
from ecology.resources.assets import CPU_CAPACITY, CPU_RATE, DISK
from ecology.sandbox.outcome import Limits
from ecology.testing.faulty_sandbox import FaultySandbox
from tests.support.double import NAMES, POOR, Double
from tests.support.market_deeds import MarketDoer, first_tools

STEPS = 20_000
SOAK = int(os.environ.get("SOAK_STEPS", "0"))
RULES_PER_LIFE = 40
DEEDS_PER_RULE = 20
STEPS_PER_LIFE = 85
"""A little fewer than Hypothesis comes to with these, on average."""

LAWS = Laws(
    mint=MintLaw(first_ns=4 * SECOND_NS, every_ns=7 * SECOND_NS, slots=2),
    code=CodeLaw(
        limits=Limits(steps=2_000, recursion=40, output_bytes=2_000, result_bytes=8_000, calls=30),
        max_depth=3,
        state_bytes=300,
    ),
)

GRANTS = {**POOR, DISK: 8_000, CPU_RATE: 800_000, CPU_CAPACITY: 3_000_000}
"""Room for a few programs each, and CPU that only some run out of."""

EVERY_FAULT = frozenset(
    {
        *(refusals.CODE_SYNTAX, refusals.CODE_NO_METHOD, refusals.CODE_RAISED, refusals.CODE_STEPS),
        *(refusals.CODE_RECURSION, refusals.CODE_OUTPUT, refusals.CODE_RESULT, refusals.CODE_CALLS),
        *(refusals.CODE_CRASHED, refusals.CONTRACT_FAILED, refusals.STATE_TOO_LARGE, refusals.TOO_DEEP),
        *(refusals.NOT_DELEGATED, refusals.PRICE_ABOVE_LIMIT, refusals.CPU_EXHAUSTED, refusals.LISTING_STALE),
    }
)
"""What a long enough life meets, or it has not looked at what can go wrong."""


class Economy(RuleBasedStateMachine):
    """Agents do things; time passes; workers and processes die; the world goes on."""

    sandbox = FaultySandbox()
    done: ClassVar[Counter[str]] = Counter()

    def __init__(self) -> None:
        super().__init__()
        self.world: Double

    def teardown(self) -> None:
        if hasattr(self, "world"):
            self.world.commit()
            self.world.close()

    @initialize(seed=st.integers(0, 2**32))
    def begin(self, seed: int) -> None:
        self.world = Double(seed, grants=GRANTS, laws=LAWS, sandbox=self.sandbox, audited=True)
        for who, action in first_tools(Draw(seed), NAMES):
            assert isinstance(self.world.act(who, action), Committed), action

    @rule(deeds=st.lists(st.integers(0, 2**32), min_size=DEEDS_PER_RULE // 2, max_size=DEEDS_PER_RULE))
    def act(self, deeds: list[int]) -> None:
        for deed in deeds:
            self._step(Draw(deed))

    @rule(deed=st.integers(0, 2**32), run=st.integers(0, 2), call=st.integers(0, 3))
    def act_while_a_worker_dies(self, deed: int, run: int, call: int) -> None:
        """The first invocation that is drawn loses a worker, if it comes that far."""
        draw = Draw(deed)
        for _ in range(20):
            who, action = MarketDoer(draw, self.world.live.world).deed()
            if isinstance(action, Invoke):
                self._do(who, action, (run, call))
                return

    @rule(span_ms=st.integers(0, 500) | st.integers(0, 30_000))
    def pass_time(self, span_ms: int) -> None:
        self.world.pass_time(span_ms * MILLISECOND_NS)
        self._count("time")

    @rule()
    def commit(self) -> None:
        self.world.commit()
        self._count("commit")

    @precondition(lambda self: self.world.twin is not None)
    @rule()
    def crash(self) -> None:
        self.world.crash()
        self._count("crash")

    def _step(self, draw: Draw) -> None:
        who, action = MarketDoer(draw, self.world.live.world).deed()
        self._do(who, action)
        if draw.chance(30):
            self.world.think(who, 1 + draw.below(8))
        if draw.chance(25):
            self.world.pass_time(draw.below(3_000) * MILLISECOND_NS)

    def _do(self, who: str, action: Action, doom: tuple[int, int] = (-1, 0)) -> None:
        outcome = self.world.act(who, action, before=lambda: self.sandbox.doom(*doom))
        if outcome is None:
            self._count("asleep")
            return
        name = NAME_OF[type(action)]
        if isinstance(action, Invoke) and isinstance(outcome, Committed) and outcome.data["price"]:
            self.done["paid for"] += 1
        if isinstance(outcome, Committed):
            self._count(name)
            return
        self._count(f"{name}: {outcome.reason}")
        for reason in EVERY_FAULT:  # what code was refused is in the words of its exception
            self.done[reason] += f"{reason}:" in f"{outcome.reason}: {outcome.detail}"

    def _count(self, what: str) -> None:
        self.world.check()
        self.done[what] += 1
        self.done["steps"] += 1


def _live(steps: int, *, soak: bool) -> Counter[str]:
    """Lives until so many steps are done, and how often what was done in them."""
    Economy.done.clear()
    lives = steps // STEPS_PER_LIFE
    run_state_machine_as_test(
        Economy,
        settings=settings(
            max_examples=lives,
            stateful_step_count=RULES_PER_LIFE,
            derandomize=not soak,
            database=None,
            deadline=None,
            print_blob=True,
            phases=(Phase.generate,),  # a life is too long to be shrunk in bearable time; its deeds are printed
            suppress_health_check=list(HealthCheck),
        ),
    )
    return Counter(Economy.done)


def test_an_economy_keeps_every_law() -> None:
    done = _live(SOAK or STEPS, soak=SOAK > 0)
    assert done["steps"] >= (SOAK or STEPS), f"only {done['steps']} steps"
    committed = {name for name in done if name in NAME_OF.values()}
    assert committed >= set(NAME_OF.values()) - {"noop"}, f"never done: {set(NAME_OF.values()) - committed}"
    missed = [reason for reason in sorted(EVERY_FAULT) if not done[reason]]
    assert missed == [], f"never met: {missed}"
    assert Economy.sandbox.killed > 10
    assert done["crash"] > 10
