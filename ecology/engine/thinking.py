"""Paying for thoughts: what must be there before one begins, what is held while it lasts, what it cost in the end."""

from ecology.core import ids
from ecology.core.clock import NEVER_NS
from ecology.engine.policy import ModelUse, Thought
from ecology.events.records import HoldClosed, HoldOpened, ModelCalled
from ecology.kernel.agent import Agent
from ecology.kernel.world import World
from ecology.resources.assets import LLM_BUDGET, MEMORY
from ecology.resources.bucket import Bucket
from ecology.resources.costs import CostModel
from ledger import Kind, Status, Transfer

_HOLD_STEP = ids.MAX_STEPS - 1
_CLOSE_STEP = ids.MAX_STEPS - 2
_SPEND_STEP = ids.MAX_STEPS - 3


class Till:
    """Takes flow and budget before a thought and settles after it. No debt: who cannot pay waits."""

    def __init__(self, world: World, costs: CostModel, *, budgeted: bool, thought_memory_bytes: int) -> None:
        """`budgeted` is whether dollars are accounted: without, they are counted but nobody has to have them.

        A thought needs `thought_memory_bytes` of the agent's memory quota, which it has back afterwards.
        """
        self._world = world
        self._costs = costs
        self._worst_millitokens = costs.worst_millitokens
        self._worst_usd_micros = costs.worst_usd_micros if budgeted else 0
        self._worst_cpu_us = costs.worst_cpu_us
        self._thought_memory_bytes = thought_memory_bytes
        self._spent = world.book.open_account(ids.SPENT, LLM_BUDGET)

    def ready(self, agent: Agent, now_ns: int) -> tuple[int, str | None]:
        """When the agent can begin a turn, looking from `now_ns`, and which resource it waits for until then."""
        if self._world.usable(agent, MEMORY) < self._thought_memory_bytes:
            return NEVER_NS, "memory"
        if self._worst_usd_micros and self._world.available(agent, LLM_BUDGET) < self._worst_usd_micros:
            return NEVER_NS, "llm_budget"
        llm_ns = agent.llm.ready_ns(self._worst_millitokens, now_ns)
        cpu_ns = agent.cpu.ready_ns(self._worst_cpu_us, now_ns)
        if llm_ns is None or cpu_ns is None:
            return NEVER_NS, "llm_rate" if llm_ns is None else "cpu"
        if llm_ns <= now_ns and cpu_ns <= now_ns:
            return now_ns, None
        return (llm_ns, "llm_rate") if llm_ns >= cpu_ns else (cpu_ns, "cpu")

    def advance(self, agent: Agent, now_ns: int) -> bool:
        """Take the worst case of both flows, or nothing if it is not all there; `ready` says when it will be."""
        if self._world.usable(agent, MEMORY) < self._thought_memory_bytes:
            return False
        if self._worst_usd_micros and self._world.available(agent, LLM_BUDGET) < self._worst_usd_micros:
            return False
        if not agent.llm.take(self._worst_millitokens, now_ns):
            return False
        if agent.cpu.take(self._worst_cpu_us, now_ns):
            return True
        agent.llm.give_back(self._worst_millitokens)
        return False

    def settle(self, agent: Agent, millitokens: int, cpu_us: int) -> None:
        """Give back what the turn did not use; a measured cost above the estimate empties the bucket, no further."""
        _settle(agent.llm, self._worst_millitokens - millitokens)
        _settle(agent.cpu, self._worst_cpu_us - cpu_us)

    def millitokens(self, thought: Thought) -> int:
        """Compute tokens (thousandths) of a thought."""
        return self._costs.thought_millitokens(thought.input_tokens, thought.output_tokens)

    def modelled_cpu_us(self, handled_bytes: int) -> int:
        """The virtual clock's CPU of a turn."""
        return self._costs.turn_cpu_us(handled_bytes)

    def spend(self, agent: Agent, thought: Thought, now_ns: int) -> None:
        """Charge the budget for a thought that was over at once."""
        if not self._worst_usd_micros:
            return
        cost = min(
            self._costs.thought_usd_micros(thought.input_tokens, thought.output_tokens),
            self._worst_usd_micros,
        )
        if not cost:
            return
        transfer_id = ids.transfer_id(agent.ordinal, agent.turn, _SPEND_STEP)
        status = self._world.book.transfer(
            transfer_id, agent.accounts[LLM_BUDGET], self._spent, cost, now_ns, "thought"
        )
        assert status is Status.CREATED, f"a thought began that the budget could not pay: {status}"
        turn_id = ids.turn_id(agent.id, agent.turn)
        self._world.announce_transfer(
            now_ns, agent.id, turn_id, transfer_id, LLM_BUDGET, agent.id, ids.SPENT, cost, "thought"
        )

    def hold(self, agent: Agent, now_ns: int) -> None:
        """Set the worst case aside while a model thinks."""
        if not self._worst_usd_micros:
            return
        hold_id = ids.transfer_id(agent.ordinal, agent.turn, _HOLD_STEP)
        status = self._world.book.apply(
            Transfer(
                id=hold_id,
                kind=Kind.HOLD,
                debit=agent.accounts[LLM_BUDGET],
                credit=self._spent,
                amount=self._worst_usd_micros,
                time_ns=now_ns,
                memo="thought",
            )
        )
        assert status is Status.CREATED, f"a thought began that the budget could not pay: {status}"
        self._world.touch(agent)  # whoever finds the hold without its thought finds the flows taken too
        log = self._world.log
        log.append(
            HoldOpened(
                sequence=log.next_sequence,
                time_ns=now_ns,
                principal_id=agent.id,
                turn_id=ids.turn_id(agent.id, agent.turn),
                transfer_id=hold_id,
                asset=LLM_BUDGET,
                from_id=agent.id,
                to_id=ids.SPENT,
                amount=self._worst_usd_micros,
            )
        )

    def release(self, agent: Agent, use: ModelUse | None, now_ns: int) -> None:
        """Close the hold: post what was billed, void the rest; without a bill void all. Says what the model did."""
        price = self._costs.thought_usd_micros(use.input_tokens, use.output_tokens) if use is not None else 0
        cost = min(price, self._worst_usd_micros)
        turn_id = ids.turn_id(agent.id, agent.turn)
        log = self._world.log
        if self._worst_usd_micros:
            hold_id = ids.transfer_id(agent.ordinal, agent.turn, _HOLD_STEP)
            close = Transfer(
                id=ids.transfer_id(agent.ordinal, agent.turn, _CLOSE_STEP),
                kind=Kind.POST if cost else Kind.VOID,
                debit=agent.accounts[LLM_BUDGET],
                credit=self._spent,
                amount=cost,
                pending_id=hold_id,
                time_ns=now_ns,
                memo="thought",
            )
            status = self._world.book.apply(close)
            assert status is Status.CREATED, f"a hold was lost: {status}"
            log.append(
                HoldClosed(
                    sequence=log.next_sequence,
                    time_ns=now_ns,
                    principal_id=agent.id,
                    turn_id=turn_id,
                    transfer_id=hold_id,
                    how="posted" if cost else "voided",
                    amount=cost,
                )
            )
            if cost:
                self._world.announce_transfer(
                    now_ns, agent.id, turn_id, close.id, LLM_BUDGET, agent.id, ids.SPENT, cost, "thought"
                )
        if use is not None:
            log.append(
                ModelCalled(
                    sequence=log.next_sequence,
                    time_ns=now_ns,
                    principal_id=agent.id,
                    turn_id=turn_id,
                    model=use.model,
                    answer=use.answer,
                    input_tokens=use.input_tokens,
                    output_tokens=use.output_tokens,
                    usd_micros=price,
                    estimate_usd_micros=self._costs.worst_usd_micros,
                    estimate_millitokens=self._worst_millitokens,
                    latency_ms=use.latency_ms,
                )
            )

    def close_lost(self, agent: Agent, now_ns: int) -> None:
        """If a thought of its present turn died with a process: void its hold, give its flows back, end the turn."""
        if self.lost_hold(agent):
            self.release(agent, None, now_ns)
            self.settle(agent, 0, 0)
            agent.turn += 1
            self._world.touch(agent)

    def lost_hold(self, agent: Agent) -> bool:
        """Whether a thought of this agent's present turn was under way when an earlier process died."""
        if not self._worst_usd_micros:
            return False
        return self._world.book.hold_state(ids.transfer_id(agent.ordinal, agent.turn, _HOLD_STEP)) is not None


def _settle(bucket: Bucket, unused: int) -> None:
    """Give back what was taken and not used; what was used beyond it empties the bucket, no further."""
    if unused >= 0:
        bucket.give_back(unused)
    else:
        bucket.drain(-unused)
