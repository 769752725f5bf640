"""Minds that cost money, in whole worlds: who waits, who pays, and what happens while a model thinks."""

import asyncio
import itertools
from collections.abc import Iterator

from ecology.core.clock import SECOND_NS
from ecology.core.outcome import Outcome, Refused
from ecology.engine.observation import Observation
from ecology.engine.policy import Thought
from ecology.engine.thinking import Till
from ecology.events.records import (
    ActionTaken,
    AgentStateChanged,
    Event,
    HoldClosed,
    HoldOpened,
    ModelCalled,
    TransferPosted,
)
from ecology.kernel import refusals
from ecology.kernel.actions import Action, AgentConfig, Message, Noop, Sleep, Spawn, Transfer, Write
from ecology.kernel.world import World
from ecology.llm.errors import ModelError, ModelUnreachable
from ecology.llm.model import ModelRequest
from ecology.resources.assets import (
    CPU_CAPACITY,
    CPU_RATE,
    DISK,
    LLM_BUDGET,
    LLM_CAPACITY,
    LLM_RATE,
    MEMORY,
    UNITS,
)
from ecology.testing.scripted_model import ScriptedModel
from ecology.testing.worlds import GRANTS
from tests.support.thinkers import COSTS, Crashes, engine, live, llm, of, puppet, settle

NOOP = '{"action": "noop"}'
SLEEP = '{"action": "sleep", "duration_ms": 600000}'
WORST_USD_MICROS = COSTS.worst_usd_micros


def rest(view: Observation) -> Action:
    return Sleep(duration_ms=600_000)


def budget_of(world: World, agent_id: str = "agent-0001") -> int:
    return world.available(world.agents[agent_id], LLM_BUDGET)


def states(events: list[Event], agent_id: str = "agent-0001") -> list[tuple[str, str]]:
    return [(event.state, event.reason) for event in of(events, AgentStateChanged, agent_id)]


def test_a_billed_call_stays_billed_when_its_answer_is_none() -> None:
    world, store = settle(["llm"])
    answers = iter(["no", "never", SLEEP])
    events = live(world, store, {"llm": llm(ScriptedModel(lambda request: next(answers)))}, 60)
    first, second = of(events, ModelCalled)
    assert (first.answer, second.answer) == ("unparsable", "ok")
    assert budget_of(world) == GRANTS[LLM_BUDGET] - first.usd_micros - second.usd_micros
    turn, *_ = of(events, ActionTaken)
    assert (turn.action, turn.reason) == ("none", refusals.UNPARSABLE)
    assert turn.llm_millitokens == COSTS.thought_millitokens(first.input_tokens, first.output_tokens)
    assert [closed.how for closed in of(events, HoldClosed)] == ["posted", "posted"]
    assert not world.book.pending()


class Outage:
    """A model that is away until it has been asked so often."""

    def __init__(self, calls: int) -> None:
        self._calls = calls
        self.asked = 0

    def answer(self, request: ModelRequest) -> str | ModelError:
        """Nothing, then sleep."""
        self.asked += 1
        if self.asked <= self._calls:
            return ModelUnreachable("nobody there")
        return SLEEP


def test_agents_wait_for_a_model_that_is_away_while_the_world_goes_on() -> None:
    world, store = settle(["llm", "busy"])
    outage = Outage(3)
    events = live(
        world, store, {"llm": llm(ScriptedModel(outage.answer)), "busy": puppet(lambda view: Noop())}, 30
    )
    turns = of(events, ActionTaken, "agent-0001")
    assert [turn.reason for turn in turns] == [refusals.UNREACHABLE_MODEL] * 3 + [None]
    begun = of(events, HoldOpened, "agent-0001")
    waits = [later.time_ns - turn.time_ns for turn, later in zip(turns, begun[1:], strict=False)]
    assert waits == [5 * SECOND_NS] * 3
    assert {turn.llm_millitokens for turn in turns[:3]} == {0}
    called = of(events, ModelCalled)
    assert [call.answer for call in called] == ["unreachable"] * 3 + ["ok"]
    assert budget_of(world) == GRANTS[LLM_BUDGET] - called[-1].usd_micros
    assert turns[3].llm_level_millitokens > GRANTS[LLM_CAPACITY] - 3_000, "what was taken came back"
    between = [turn for turn in of(events, ActionTaken, "agent-0002") if turn.time_ns < turns[2].time_ns]
    assert len(between) > 20, "the other one lived on"


def test_a_call_that_broke_off_is_paid_at_its_worst_and_tried_again() -> None:
    world, store = settle(["llm"])
    answers: Iterator[str | ModelError] = iter([ModelUnreachable("broke off", billed=True), SLEEP])
    events = live(world, store, {"llm": llm(ScriptedModel(lambda request: next(answers)))}, 60)
    lost, called = of(events, ModelCalled)
    assert lost.answer == "unreachable"
    assert 0 < lost.usd_micros <= WORST_USD_MICROS
    assert budget_of(world) == GRANTS[LLM_BUDGET] - lost.usd_micros - called.usd_micros
    assert of(events, ActionTaken)[0].llm_millitokens == 0


def test_an_empty_budget_blocks_and_a_gift_wakes() -> None:
    """The agent thinks until it cannot pay the worst case, and again when somebody gives it enough."""
    world, store = settle(["llm", "giver"], {**GRANTS, LLM_BUDGET: 2 * WORST_USD_MICROS})

    def give(view: Observation) -> Action:
        if view.turn == 0:
            return Sleep(duration_ms=120_000)
        if view.turn == 1:
            return Transfer(to="agent-0001", asset=LLM_BUDGET, amount=2)
        if view.turn == 2:
            return Transfer(to="agent-0001", asset=LLM_BUDGET, amount=WORST_USD_MICROS)
        return rest(view)

    model = ScriptedModel(lambda request: NOOP)
    events = live(world, store, {"llm": llm(model), "giver": puppet(give)}, 300)
    assert states(events) == [
        ("blocked", LLM_BUDGET),
        ("active", "able to pay again"),
        ("blocked", LLM_BUDGET),
    ]
    gifts = [event for event in of(events, TransferPosted, "agent-0002") if event.to_id == "agent-0001"]
    turns = of(events, ActionTaken, "agent-0001")
    woken = next(turn for turn in turns if turn.time_ns >= gifts[1].time_ns)
    assert (woken.time_ns, woken.waited_on) == (gifts[1].time_ns + SECOND_NS, LLM_BUDGET)
    assert woken.waited_ns > 100 * SECOND_NS
    assert not [turn for turn in turns if gifts[0].time_ns < turn.time_ns < gifts[1].time_ns], (
        "2 were too few"
    )
    assert 0 <= budget_of(world) < WORST_USD_MICROS


def test_without_a_budget_nobody_blocks_and_dollars_are_counted() -> None:
    world, store = settle(["llm"], {**GRANTS, LLM_BUDGET: 0})
    events = live(world, store, {"llm": llm(ScriptedModel(lambda request: NOOP))}, 60, budgeted=False)
    assert states(events) == []
    assert sum(call.usd_micros for call in of(events, ModelCalled)) > 10_000
    assert not of(events, HoldOpened)


def test_a_decision_under_a_configuration_that_changed_is_void_and_paid() -> None:
    """A parent rewrites its child while the child thinks."""
    world, store = settle(["parent"])
    told = AgentConfig(strategy="llm", prompt="be someone else")
    rights = dict.fromkeys((LLM_RATE, LLM_CAPACITY, CPU_RATE, CPU_CAPACITY), 0)
    endowment = {asset: GRANTS[asset] // 2 for asset in (*rights, DISK)}
    endowment |= {LLM_BUDGET: 3 * WORST_USD_MICROS, MEMORY: GRANTS[MEMORY]}

    def raise_child(view: Observation) -> Action:
        if view.turn == 0:
            return Spawn("child", AgentConfig(strategy="llm"), endowment, contract="freeware")
        if view.turn == 1:
            return Sleep(duration_ms=2_000)  # its buckets begin empty
        if view.turn == 2:
            return Write("child", '{"strategy": "llm", "prompt": "be someone else"}')
        return rest(view)

    model = ScriptedModel(lambda request: '{"action": "message", "to": "agent-0001", "text": "mine"}')
    crashes = Crashes()

    async def run() -> None:
        alive = engine(
            world,
            store,
            {"llm": llm(model), "parent": puppet(raise_child)},
            crashes=crashes,
            memory_bytes=0,
        )
        await alive.run(8 * SECOND_NS)

    asyncio.run(run())
    assert not crashes
    events = store.events()
    first, second, *_ = of(events, ActionTaken, "child")
    assert (first.action, first.reason) == ("none", refusals.CONFIGURATION_CHANGED)
    assert (second.action, second.outcome) == ("message", "committed")
    assert world.agents["child"].config == told
    called, *_ = of(events, ModelCalled, "child")
    assert called.answer == "ok"
    assert called.usd_micros > 0
    posted, *_ = [event for event in of(events, TransferPosted, "child") if event.to_id == "spent"]
    assert posted.amount == called.usd_micros
    assert model.asked[0].system.endswith("something else then.\n\n")
    assert model.asked[1].system.endswith("be someone else\n")
    assert f"refused, {refusals.CONFIGURATION_CHANGED}" in model.asked[1].user


def test_news_that_come_while_one_thinks_are_not_lost() -> None:
    world, store = settle(["llm", "talker"])
    model = ScriptedModel(lambda request: NOOP)

    def talk(view: Observation) -> Action:
        return Message("agent-0001", f"number {view.turn}") if view.turn < 20 else rest(view)

    live(world, store, {"llm": llm(model), "talker": puppet(talk)}, 60)
    for number in range(20):
        assert sum(f'"text":"number {number}"' in request.user for request in model.asked) == 1


def test_a_thought_that_crashes_costs_nothing() -> None:
    """A policy is at fault here, not its model: nothing is billed, and the hold is voided."""
    world, store = settle(["llm"])

    def fail(request: ModelRequest) -> str:
        raise ZeroDivisionError("a bug")

    crashes = Crashes()

    async def run() -> None:
        await engine(world, store, {"llm": llm(ScriptedModel(fail))}, crashes=crashes).run(4 * SECOND_NS)

    asyncio.run(run())
    assert [agent for agent, _ in crashes] == ["agent-0001"]
    assert "ZeroDivisionError" in crashes[0][1]
    assert [closed.how for closed in of(store.events(), HoldClosed)] == ["voided"]
    assert budget_of(world) == GRANTS[LLM_BUDGET]


def test_a_run_that_stops_in_the_middle_of_a_thought_owes_nothing_for_it() -> None:
    world, store = settle(["llm"])
    events = live(world, store, {"llm": llm(ScriptedModel(lambda request: NOOP))}, 1)
    (opened,), (closed,) = of(events, HoldOpened), of(events, HoldClosed)
    assert (closed.transfer_id, closed.how) == (opened.transfer_id, "voided")
    assert budget_of(world) == GRANTS[LLM_BUDGET]
    assert world.agents["agent-0001"].turn == 1, "the ids of the turn are used up"


def test_rights_are_conserved_whatever_thoughts_cost() -> None:
    """Scripted, slow, broke and generous at once: every asset still sums to what was issued."""
    world, store = settle(["llm", "llm", "fast", "fast"], {**GRANTS, LLM_BUDGET: 5 * WORST_USD_MICROS})
    pay = '{"action": "transfer", "to": "agent-0003", "amount": 1}'
    answers = itertools.cycle([NOOP, "nonsense", "more of it", pay])
    learned: list[Outcome] = []

    def spend(view: Observation) -> Thought:
        giver = Transfer(to="agent-0001", asset=LLM_BUDGET, amount=max(1, view.llm_budget // 10))
        return Thought(giver, 500 * view.turn, 5)

    events = live(
        world,
        store,
        {"llm": llm(ScriptedModel(lambda request: next(answers))), "fast": puppet(spend, learned)},
        240,
    )
    assert any(isinstance(outcome, Refused) for outcome in learned) or len(learned) > 5
    assert [turn for turn in of(events, ActionTaken) if turn.reason == refusals.UNPARSABLE]
    for asset in UNITS:
        accounts = [row for row in world.book.accounts() if row[2] == asset]
        assert sum(balance for *_, balance, _ in accounts) == 0
        assert all(balance >= 0 for _, owner, _, _, balance, _ in accounts if owner != "world")
    assert not world.book.pending()


def test_a_thought_that_a_dead_process_left_gives_everything_back() -> None:
    """Its hold is voided, its flows return, and the ids of its turn are not used again."""
    world, store = settle(["llm"], {**GRANTS, LLM_RATE: 0, CPU_RATE: 0})
    agent = world.agents["agent-0001"]
    world.take_batch()
    world.shelf.contents.committed()
    till = Till(world, COSTS, budgeted=True, thought_memory_bytes=0)
    assert till.advance(agent, 0)
    till.hold(agent, 0)
    assert world.take_batch().agents == [agent], "who reads the hold reads the flows that were taken with it"
    world.shelf.contents.committed()
    events = live(world, store, {"llm": llm(ScriptedModel(lambda request: NOOP))}, 0)
    assert [(closed.how, closed.amount) for closed in of(events, HoldClosed)] == [("voided", 0)]
    assert (agent.llm.refill(0), agent.cpu.refill(0)) == (GRANTS[LLM_CAPACITY], GRANTS[CPU_CAPACITY])
    assert agent.turn == 1
