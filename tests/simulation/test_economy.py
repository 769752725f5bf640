"""The whole economy under random deeds: every action, code that works and code that does not, contracts, escrow, rents,
bids and delegations, while workers die in the middle of a run and the process in the middle of a life.

After every step every law holds: each asset and each right sums to what was granted, every hold is for something, every
index is true. An invocation that failed, and much else that was refused, has changed nothing. Beside the world lives a
twin that was loaded from the last commit and must come to the same outcomes. At every commit and every crash the
database passes its audit.

Hypothesis decides what follows what; a life's seed, which it prints with the rest, decides the single deeds. `make
soak` looks longer and elsewhere: SOAK_STEPS says how many steps, SOAK_SEED where.
"""

import os
from collections import Counter
from typing import ClassVar

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
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
from ecology.events import economy
from ecology.events.registry import TYPE_OF
from ecology.kernel import refusals
from ecology.kernel.actions import NAME_OF, Action, Invoke
from ecology.kernel.laws import CodeLaw, Laws, MintLaw
from ecology.resources.assets import CPU_CAPACITY, CPU_RATE, DISK
from ecology.sandbox.outcome import Limits
from ecology.testing.faulty_sandbox import FaultySandbox
from ecology.testing.fingerprint import fingerprint
from tests.support.double import NAMES, POOR, Double
from tests.support.market_deeds import MarketDoer, first_tools

SHARDS = 2
STEPS = 20_000
"""Of all shards together. A step is a turn, a span of time, a commit or a crash."""

SOAK_STEPS = int(os.environ.get("SOAK_STEPS", "0"))
SOAK_SEED = int(os.environ.get("SOAK_SEED", "0"))

LIVES = 9
"""Of one run of Hypothesis: the simplest, in which nothing happens, and those before it begins to repeat itself."""

RULES_PER_LIFE = 40
DEEDS = st.integers(0, 20)

LAWS = Laws(
    mint=MintLaw(first_ns=4 * SECOND_NS, every_ns=7 * SECOND_NS, slots=2),
    code=CodeLaw(
        limits=Limits(
            steps=2_000, recursion=40, output_bytes=2_000, result_bytes=8_000, calls=30, wall_s=600.0
        ),
        max_depth=3,
        state_bytes=300,
    ),
)
"""The wall guard is out of reach: a machine that stalls must not end a run in one world that goes on in its twin."""

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

EVERY_EVENT = {name for family, name in TYPE_OF.items() if family.__module__ == economy.__name__}


class Economy(RuleBasedStateMachine):
    """Agents do things; time passes; workers and processes die; the world goes on."""

    sandbox = FaultySandbox()
    done: ClassVar[Counter[str]] = Counter()

    def __init__(self) -> None:
        super().__init__()
        self.world: Double
        self.draw: Draw

    def teardown(self) -> None:
        if hasattr(self, "world"):
            self.done.update(self.world.committed)
            self.world.close()

    @initialize(life=st.integers(0, 2**64 - 1))
    def begin(self, life: int) -> None:
        self.draw = Draw(life)
        self.world = Double(life, grants=GRANTS, laws=LAWS, sandbox=self.sandbox, audited=True)
        for who, action in first_tools(self.draw, NAMES):
            assert isinstance(self.world.act(who, action), Committed), action

    @rule(deeds=DEEDS)
    def act(self, deeds: int) -> None:
        for _ in range(deeds):
            who, action = MarketDoer(self.draw, self.world.live.world).deed()
            self._do(who, action)
            if self.draw.chance(30):
                self.world.think(who, 1 + self.draw.below(8))
            if self.draw.chance(25):
                self.world.pass_time(self.draw.below(3_000) * MILLISECOND_NS)

    @rule(deeds=DEEDS, run=st.integers(0, 2), call=st.integers(0, 3))
    def act_and_lose_a_worker(self, deeds: int, run: int, call: int) -> None:
        """After a while the next invocation loses the worker of a run, if it comes that far."""
        self.act(deeds)
        for _ in range(40):
            who, action = MarketDoer(self.draw, self.world.live.world).deed()
            if isinstance(action, Invoke):
                self._do(who, action, (run, call))
                return

    @rule(deeds=DEEDS, span_ms=st.integers(0, 30_000))
    def act_and_wait(self, deeds: int, span_ms: int) -> None:
        self.act(deeds)
        self.world.pass_time(span_ms * MILLISECOND_NS)
        self._count("time")

    @rule(deeds=DEEDS)
    def commit_and_act(self, deeds: int) -> None:
        self.world.commit()
        self._count("commit")
        self.act(deeds)

    @precondition(lambda self: self.world.twin is not None)
    @rule(deeds=DEEDS)
    def act_and_crash(self, deeds: int) -> None:
        self.act(deeds)
        self.world.crash()
        self._count("crash")

    def _do(self, who: str, action: Action, doom: tuple[int, int] = (-1, 0)) -> None:
        looked_at = isinstance(action, Invoke) or self.world.live.world.log.next_sequence % 8 == 0
        before = self._estate() if looked_at else {}
        outcome = self.world.act(who, action, before=lambda: self.sandbox.doom(*doom))
        if outcome is None:  # everybody is asleep
            self.world.pass_time(SECOND_NS)
            return
        name = NAME_OF[type(action)]
        if isinstance(action, Invoke) and isinstance(outcome, Committed) and outcome.data["price"]:
            self.done["paid for"] += 1
        if isinstance(outcome, Committed):
            self._count(name)
            return
        self._count(f"{name}: {outcome.reason}")
        if looked_at:
            after = self._estate()
            left = [part for part, value in before.items() if after[part] != value]
            assert left == [], f"{action} was refused ({outcome}) and has changed {left}"
            self.done["looked back"] += 1
        for reason in EVERY_FAULT:  # what code was refused is in the words of its exception
            self.done[reason] += f"{reason}:" in f"{outcome.reason}: {outcome.detail}"

    def _estate(self) -> dict[str, object]:
        """What a deed that fails leaves as it was: all but who acted, and the CPU and its delegations that it cost."""
        state = fingerprint(self.world.live.world, self.world.live.now_ns)
        registers = state.pop("registers")
        assert isinstance(registers, dict)
        kept = {part: value for part, value in state.items() if part not in ("agents", "next_sequence")}
        return kept | {kind: records for kind, records in registers.items() if kind != "delegation"}

    def _count(self, what: str) -> None:
        self.world.check()
        self.done[what] += 1
        self.done["steps"] += 1


def live(steps: int, first_seed: int) -> Counter[str]:
    """Lives until at least so many steps are done, and how often what was done in them."""
    Economy.done.clear()
    run = 0
    while Economy.done["steps"] < steps:
        print(f"seed {first_seed + run}, after {Economy.done['steps']} steps")
        seed(first_seed + run)(Economy)
        run_state_machine_as_test(
            Economy,
            settings=settings(
                max_examples=LIVES,
                stateful_step_count=RULES_PER_LIFE,
                database=None,
                deadline=None,
                phases=(Phase.generate,),  # a life is too long to be shrunk in bearable time
                suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
            ),
        )
        run += 1
    return Counter(Economy.done)


@pytest.mark.parametrize("shard", range(SHARDS))
def test_an_economy_keeps_every_law(shard: int) -> None:
    steps = (SOAK_STEPS or STEPS) // SHARDS
    done = live(steps, SOAK_SEED + shard * 1_000_000)
    assert done["steps"] >= steps
    committed = set(NAME_OF.values()) - {name for name in NAME_OF.values() if done[name]}
    # What does nothing, and what has lives of its own in tests/property/test_memory.py.
    assert committed <= {"noop", "remember", "recall"}, f"never done: {committed}"
    missed = [what for what in sorted(EVERY_FAULT | EVERY_EVENT) if not done[what]]
    assert missed == [], f"never met: {missed}"
    assert Economy.sandbox.killed > 10
    assert done["crash"] > 10
