"""The till: what is taken and held before a thought, what is posted and given back after it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecology.core import ids
from ecology.core.clock import NEVER_NS, SECOND_NS
from ecology.engine.policy import ModelUse, Thought
from ecology.engine.thinking import Till
from ecology.events.records import Event, HoldClosed, HoldOpened, ModelCalled, TransferPosted
from ecology.kernel.actions import Noop, Transfer
from ecology.kernel.agent import Agent
from ecology.kernel.world import World
from ecology.resources.assets import CPU_CAPACITY, CPU_RATE, LLM_BUDGET, LLM_CAPACITY, LLM_RATE, MEMORY
from ecology.testing.worlds import GRANTS, Stage
from tests.support.thinkers import COSTS, THOUGHT_MEMORY_BYTES, of

WORST_USD_MICROS = 6_800
WORST_MILLITOKENS = 1_000 + 6_000 + 800
WORST_CPU_US = 100 + 64 * 10


def use(input_tokens: int, output_tokens: int, answer: str = "ok") -> ModelUse:
    return ModelUse("tiny", answer, input_tokens, output_tokens, latency_ms=17)


class Counter:
    """An agent at a till."""

    def __init__(self, *, budgeted: bool = True, **grants: int) -> None:
        self.stage = Stage.of(2, {**GRANTS, **grants})
        self.stage.events()
        self.till = Till(self.world, COSTS, budgeted=budgeted, thought_memory_bytes=THOUGHT_MEMORY_BYTES)
        self.agent: Agent = self.stage.agent("agent-0001")

    @property
    def world(self) -> World:
        return self.stage.world

    @property
    def budget(self) -> int:
        return self.world.available(self.agent, LLM_BUDGET)

    @property
    def spent(self) -> int:
        return self.world.book.balance(self.world.book.open_account(ids.SPENT, LLM_BUDGET))

    def think(self, model_use: ModelUse | None, now_ns: int = 0) -> list[Event]:
        """One slow thought, flows apart."""
        self.till.hold(self.agent, now_ns)
        self.till.release(self.agent, model_use, now_ns + SECOND_NS)
        self.agent.turn += 1
        return self.stage.events()


def test_the_worst_case_is_held_while_a_model_thinks() -> None:
    counter = Counter(llm_budget=10_000)
    counter.till.hold(counter.agent, 5)
    assert counter.budget == 10_000 - WORST_USD_MICROS
    (opened,) = of(counter.stage.events(), HoldOpened)
    assert (opened.asset, opened.from_id, opened.to_id) == (LLM_BUDGET, "agent-0001", ids.SPENT)
    assert (opened.amount, opened.time_ns, opened.turn_id) == (WORST_USD_MICROS, 5, "agent-0001#0")


def test_what_was_billed_is_posted_and_the_rest_voided() -> None:
    counter = Counter(llm_budget=10_000)
    opened, closed, posted, called = counter.think(use(1_000, 50))
    assert isinstance(opened, HoldOpened) and isinstance(closed, HoldClosed)
    assert isinstance(posted, TransferPosted) and isinstance(called, ModelCalled)
    assert (closed.transfer_id, closed.how, closed.amount) == (opened.transfer_id, "posted", 1_100)
    assert (posted.from_id, posted.to_id, posted.amount, posted.memo) == (
        "agent-0001",
        ids.SPENT,
        1_100,
        "thought",
    )
    assert (called.model, called.answer, called.input_tokens, called.output_tokens) == (
        "tiny",
        "ok",
        1_000,
        50,
    )
    assert {event.turn_id for event in (opened, closed, posted, called)} == {"agent-0001#0"}
    assert (counter.budget, counter.spent) == (10_000 - 1_100, 1_100)


def test_estimate_and_real_cost_are_both_on_record() -> None:
    (called,) = of(Counter().think(use(1_000, 50)), ModelCalled)
    assert (called.usd_micros, called.estimate_usd_micros) == (1_100, WORST_USD_MICROS)
    assert called.estimate_millitokens == WORST_MILLITOKENS


@pytest.mark.parametrize("nothing", [None, use(0, 0, "unreachable")], ids=["crashed", "away"])
def test_without_a_bill_the_whole_hold_is_voided(nothing: ModelUse | None) -> None:
    counter = Counter(llm_budget=10_000)
    events = counter.think(nothing)
    (closed,) = of(events, HoldClosed)
    assert (closed.how, closed.amount) == ("voided", 0)
    assert not of(events, TransferPosted)
    assert (counter.budget, counter.spent) == (10_000, 0)


def test_an_unparsable_answer_stays_billed() -> None:
    counter = Counter(llm_budget=10_000)
    counter.think(use(400, 100, "unparsable"))
    assert (counter.budget, counter.spent) == (10_000 - 600, 600)


def test_a_bill_above_the_worst_case_takes_what_was_held_and_is_told_in_full() -> None:
    counter = Counter(llm_budget=WORST_USD_MICROS)
    events = counter.think(use(9_000, 900))
    assert (counter.budget, counter.spent) == (0, WORST_USD_MICROS)
    (called,) = of(events, ModelCalled)
    assert called.usd_micros == 10_800


def test_who_cannot_pay_the_worst_case_waits_for_somebody_s_gift() -> None:
    counter = Counter(llm_budget=WORST_USD_MICROS - 1)
    assert not counter.till.advance(counter.agent, 0)
    assert counter.till.ready(counter.agent, 0) == (NEVER_NS, LLM_BUDGET)
    counter.stage.do("agent-0002", Transfer(to="agent-0001", asset=LLM_BUDGET, amount=1))
    assert counter.till.ready(counter.agent, 7) == (7, None)
    assert counter.till.advance(counter.agent, 7)


def test_who_has_no_memory_for_a_thought_waits_for_it() -> None:
    counter = Counter(memory=THOUGHT_MEMORY_BYTES - 1)
    assert not counter.till.advance(counter.agent, 0)
    assert counter.till.ready(counter.agent, 0) == (NEVER_NS, MEMORY)
    counter.stage.do("agent-0002", Transfer(to="agent-0001", asset=MEMORY, amount=1))
    assert counter.till.advance(counter.agent, 0)
    assert not counter.till.advance(counter.stage.agent("agent-0002"), 0)


def test_a_gift_of_budget_is_no_debt_of_a_hold() -> None:
    """What is held cannot be given away meanwhile."""
    counter = Counter(llm_budget=WORST_USD_MICROS + 5)
    counter.till.hold(counter.agent, 0)
    give = Transfer(to="agent-0002", asset=LLM_BUDGET, amount=6)
    assert counter.stage.refused("agent-0001", give) == "insufficient"


def test_both_flows_are_taken_in_advance_or_neither() -> None:
    counter = Counter(cpu_capacity=WORST_CPU_US - 1, cpu_rate=1)
    level = counter.agent.llm.level_nano
    assert not counter.till.advance(counter.agent, 0)
    assert counter.agent.llm.level_nano == level
    assert counter.till.ready(counter.agent, 0) == (NEVER_NS, "cpu")


def test_ready_says_when_and_for_what() -> None:
    counter = Counter(llm_capacity=WORST_MILLITOKENS, llm_rate=1_000)
    assert counter.till.advance(counter.agent, 0)
    assert counter.till.ready(counter.agent, 0) == (7_800_000_000, LLM_RATE)
    assert counter.till.ready(counter.agent, 7_799_999_999) == (7_800_000_000, LLM_RATE)
    assert not counter.till.advance(counter.agent, 7_799_999_999)
    assert counter.till.advance(counter.agent, 7_800_000_000)


def test_the_flow_that_comes_last_is_what_one_waits_for() -> None:
    counter = Counter(llm_capacity=WORST_MILLITOKENS, cpu_capacity=WORST_CPU_US, cpu_rate=10)
    assert counter.till.advance(counter.agent, 0)
    assert counter.till.ready(counter.agent, 0) == (74 * SECOND_NS, "cpu")


def test_a_bucket_that_can_never_hold_a_thought_blocks() -> None:
    counter = Counter(llm_capacity=WORST_MILLITOKENS - 1)
    assert counter.till.ready(counter.agent, 0) == (NEVER_NS, LLM_RATE)


def test_what_a_turn_did_not_use_is_given_back() -> None:
    counter = Counter(llm_rate=0, cpu_rate=0)
    counter.till.advance(counter.agent, 0)
    counter.till.settle(counter.agent, 1_234, 56)
    assert counter.agent.llm.refill(0) == GRANTS[LLM_CAPACITY] - 1_234
    assert counter.agent.cpu.refill(0) == GRANTS[CPU_CAPACITY] - 56


def test_a_cost_above_the_worst_case_empties_the_bucket_and_makes_no_debt() -> None:
    counter = Counter(llm_rate=0, cpu_rate=0)
    counter.till.advance(counter.agent, 0)
    counter.till.settle(counter.agent, 10**9, 10**9)
    assert (counter.agent.llm.refill(0), counter.agent.cpu.refill(0)) == (0, 0)


def test_without_a_budget_dollars_are_counted_and_nobody_needs_any() -> None:
    counter = Counter(budgeted=False, llm_budget=0)
    assert counter.till.advance(counter.agent, 0)
    (called,) = counter.think(use(1_000, 50))
    assert isinstance(called, ModelCalled)
    assert (called.usd_micros, called.estimate_usd_micros) == (1_100, WORST_USD_MICROS)
    assert counter.spent == 0
    counter.till.spend(counter.agent, Thought(Noop(), 100, 10), 0)
    assert counter.stage.events() == []


def test_a_fast_thought_is_paid_at_once_and_never_beyond_the_worst_case() -> None:
    counter = Counter(llm_budget=WORST_USD_MICROS)
    counter.till.spend(counter.agent, Thought(Noop(), 100, 10), 3)
    assert counter.budget == WORST_USD_MICROS - 120
    (posted,) = of(counter.stage.events(), TransferPosted)
    assert (posted.amount, posted.to_id, posted.memo, posted.time_ns) == (120, ids.SPENT, "thought", 3)
    counter = Counter(llm_budget=WORST_USD_MICROS)
    counter.till.spend(counter.agent, Thought(Noop(), 10**9, 10), 3)
    assert counter.budget == 0


def test_a_hold_that_a_dead_process_left_is_found_by_its_turn() -> None:
    counter = Counter()
    assert not counter.till.lost_hold(counter.agent)
    counter.till.hold(counter.agent, 0)
    assert counter.till.lost_hold(counter.agent)
    assert not counter.till.lost_hold(counter.stage.agent("agent-0002"))
    counter.till.release(counter.agent, None, 0)
    counter.agent.turn += 1
    assert not counter.till.lost_hold(counter.agent)


TOKENS = st.integers(0, 20_000)


@given(
    budget=st.integers(0, 40_000),
    llm_rate=st.integers(0, 5_000),
    thoughts=st.lists(
        st.tuples(
            st.integers(0, 10), st.booleans(), st.none() | st.tuples(TOKENS, TOKENS), st.integers(0, 9_000)
        ),
        max_size=30,
    ),
)
def test_nothing_ever_goes_below_zero_and_no_dollar_is_lost(
    budget: int,
    llm_rate: int,
    thoughts: list[tuple[int, bool, tuple[int, int] | None, int]],
) -> None:
    """Whatever thoughts cost, in any order: levels and budgets stay at 0 or above, and what is gone was spent."""
    counter = Counter(llm_budget=budget, llm_rate=llm_rate)
    agent, till, now_ns = counter.agent, counter.till, 0
    begun = counter.budget
    for pause_s, slow, billed, cpu_us in thoughts:
        now_ns += pause_s * SECOND_NS
        ready_ns, resource = till.ready(agent, now_ns)
        assert till.advance(agent, now_ns) == (resource is None)
        if resource is not None:
            assert ready_ns > now_ns
            continue
        read, written = billed or (0, 0)
        if slow:
            till.hold(agent, now_ns)
            assert counter.budget == begun - counter.spent - WORST_USD_MICROS
            till.release(agent, use(read, written) if billed else None, now_ns)
        else:
            till.spend(agent, Thought(Noop(), read, written), now_ns)
        till.settle(agent, COSTS.thought_millitokens(read, written), cpu_us)
        agent.turn += 1
        assert min(counter.budget, agent.llm.level_nano, agent.cpu.level_nano) >= 0
        assert counter.budget + counter.spent == begun
    assert not counter.world.book.pending()


def test_flow_assets_are_what_the_buckets_run_at() -> None:
    """The grants of these tests reach the buckets."""
    counter = Counter(llm_rate=3, cpu_rate=4)
    assert (counter.agent.llm.rate, counter.agent.cpu.rate) == (3, 4)
    assert counter.world.available(counter.agent, LLM_RATE) == 3
    assert counter.world.available(counter.agent, CPU_RATE) == 4
