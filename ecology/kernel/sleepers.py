"""Who is told of what, and what ends a sleep or a wait: the world's side of attention."""

from collections import deque
from collections.abc import Callable

from ecology.core import ids
from ecology.events.log import EventLog
from ecology.events.records import AgentStateChanged, Event, MessageSent
from ecology.events.subscriptions import PUBLIC_FAMILIES, Subscription, Subscriptions
from ecology.kernel.agent import Agent, Principal, Status
from ecology.kernel.scope import Journal
from ecology.resources.assets import BUCKET_ASSETS, LLM_BUDGET, MEMORY, SCRIP


class Sleepers:
    """Agents' inboxes, sleeps and subscriptions. `wake` is told the ordinal of who must look again, and from when on.

    While a scope is open (see `scope`) consequences are postponed: what may not have happened is told to nobody.
    """

    def __init__(self, log: EventLog, subscriptions: Subscriptions) -> None:
        self.log = log
        self.subscriptions = subscriptions
        self.journal = Journal()
        self.agents: dict[str, Agent] = {}
        self.wake: Callable[[int, int], None] = lambda ordinal, at_ns: None
        self._touched: dict[int, Agent] = {}
        self._subscribed: dict[str, Subscription] = {}
        self._unsubscribed: list[str] = []
        self._untold: deque[Event] = deque()
        self._telling = False
        log.listen(PUBLIC_FAMILIES, self._notify)

    def available(self, principal: Principal, asset: str) -> int:
        """What the principal can dispose of."""
        raise NotImplementedError

    def disk_free(self, principal: Principal) -> int:
        """Bytes of quota that no artifact occupies."""
        raise NotImplementedError

    def touch(self, agent: Agent) -> None:
        """The agent's row has changed and belongs to the next batch."""
        self._touched[agent.ordinal] = agent

    def set_status(
        self, agent: Agent, status: Status, reason: str, now_ns: int, until_ns: int | None = None
    ) -> None:
        """Change an agent's state and say so."""
        assert not self.journal.active, "an agent's state has no undo"
        agent.status, agent.reason = status, reason
        self.touch(agent)
        self.log.append(
            AgentStateChanged(
                sequence=self.log.next_sequence,
                time_ns=now_ns,
                principal_id=agent.id,
                turn_id=None,
                agent_id=agent.id,
                state=status,
                reason=reason,
                until_ns=until_ns,
            )
        )

    def tell(self, agent: Principal, event: Event) -> None:
        """Put an event in front of an agent; one that it was told just now is not told twice. Accounts hear nothing."""
        if isinstance(agent, Agent):
            self._in_turn(self._tell, agent, event)

    def _tell(self, agent: Agent, event: Event) -> None:
        if not agent.inbox or agent.inbox[-1] is not event:
            agent.tell(event)
            self.touch(agent)

    def announce(self, event: Event, *hearers: Principal) -> None:
        """Append an event that these are told of, subscribed to it or not.

        They are told before the log tells others: what follows from the event comes after it.
        """
        for hearer in hearers:
            self.tell(hearer, event)
        self.log.append(event)
        for hearer in hearers:
            self.reconsider(hearer, "inbox", event.time_ns)

    def rouse(self, agent: Agent, now_ns: int, reason: str) -> None:
        """Somebody's deed ends an agent's sleep now."""
        self._in_turn(self._rouse, agent, now_ns, reason)

    def _rouse(self, agent: Agent, now_ns: int, reason: str) -> None:
        if agent.status == "asleep":
            self.end_sleep(agent, reason, now_ns)
            self._look_again(agent, now_ns)

    def end_sleep(self, agent: Agent, reason: str, now_ns: int) -> None:
        """The agent is awake: its next turn is due, and what it slept for is no longer watched."""
        assert agent.sleep is not None and agent.status == "asleep"
        if agent.sleep.event is not None:
            # Found by its owner and not by the turn's number: a sleep can end within the turn that began it.
            for mine in self.subscriptions.of(agent.id):
                if mine.subscription_id.endswith(_SLEEP):
                    self.unsubscribe(mine.subscription_id)
        agent.sleep = None
        agent.due_ns = now_ns
        self.set_status(agent, "active", reason, now_ns)

    def slept_enough(self, agent: Agent, now_ns: int) -> bool:
        """End a sleep at the time at which it was to end; False if it goes on.

        It does if the tokens that were to be there by now are not, because they flow more slowly since.
        """
        if now_ns < agent.due_ns:
            ready_ns = self.awaited_tokens_ns(agent, now_ns)
            if ready_ns is None or ready_ns > now_ns:
                agent.wake_ns = agent.due_ns if ready_ns is None else min(agent.due_ns, ready_ns)
                self.touch(agent)
                return False
        self.end_sleep(agent, "slept enough", now_ns)
        return True

    def reconsider(self, agent: Principal, asset: str, now_ns: int) -> None:
        """A right, a balance, the free disk or the inbox of the agent changed: a wait or a sleep of its may be over."""
        if isinstance(agent, Agent):
            self._in_turn(self._reconsider, agent, asset, now_ns)

    def _reconsider(self, agent: Agent, asset: str, now_ns: int) -> None:
        if agent.status == "asleep":
            if agent.sleep is None or agent.sleep.until is None:
                return
            if self.satisfied(agent, now_ns):
                self._rouse(agent, now_ns, "condition met")
            elif asset in BUCKET_ASSETS and (ready_ns := self.awaited_tokens_ns(agent, now_ns)) is not None:
                self._look_again(agent, min(agent.wake_ns, ready_ns))
        elif agent.waiting_on is not None and (asset in BUCKET_ASSETS or asset in (LLM_BUDGET, MEMORY)):
            self._look_again(agent, now_ns)

    def satisfied(self, agent: Agent, now_ns: int) -> bool:
        """Whether the condition an agent sleeps for holds."""
        assert agent.sleep is not None and agent.sleep.until is not None
        condition = agent.sleep.until
        value = self.own_value(agent, condition.field, now_ns)
        return value >= condition.value if condition.op == "ge" else value <= condition.value

    def own_value(self, agent: Agent, field: str, now_ns: int) -> int:
        """What a predicate over one's own state sees. Tokens are whole tokens."""
        if field == "scrip":
            return self.available(agent, SCRIP)
        if field == "disk_free":
            return self.disk_free(agent)
        if field == "llm_budget":
            return self.available(agent, LLM_BUDGET)
        if field == "llm_tokens":
            return agent.llm.refill(now_ns) // 1000
        assert field == "inbox"
        return len(agent.inbox)

    def awaited_tokens_ns(self, agent: Agent, now_ns: int) -> int | None:
        """When the bucket holds the tokens an agent sleeps for: the one condition that time alone brings about."""
        condition = agent.sleep.until if agent.sleep is not None else None
        if condition is None or condition.field != "llm_tokens" or condition.op != "ge":
            return None
        return agent.llm.ready_ns(condition.value * 1000, now_ns)

    def deliver(self, agent: Agent, event: MessageSent) -> None:
        """Put a message in front of its receiver, asleep or not."""
        self.tell(agent, event)
        self.rouse(agent, event.time_ns, "message")

    def _notify(self, event: Event) -> None:
        if not self.subscriptions.watches(type(event)):
            return
        # One event at a time: rousing a sleeper is an event too, which others may sleep for, and so on without a bound.
        self._untold.append(event)
        if self._telling:
            return
        self._telling = True
        while self._untold:
            self._notify_of(self._untold.popleft())
        self._telling = False

    def _notify_of(self, event: Event) -> None:
        concerned = list(self.subscriptions.concerned(event))  # a list: a sleep's subscription ends with it
        for principal in concerned:
            agent = self.agents.get(principal)
            if agent is None or principal == event.principal_id:
                continue
            self._tell(agent, event)
            self._rouse(agent, event.time_ns, "event")

    def _in_turn(self, consequence: Callable[..., None], *arguments: object) -> None:
        """Now; but while the log postpones what follows from events, in turn with that."""
        if self.log.later is None:
            consequence(*arguments)
        else:
            self.journal.postpone(consequence, *arguments)

    def _look_again(self, agent: Agent, at_ns: int) -> None:
        agent.wake_ns = at_ns
        self.touch(agent)
        self.wake(agent.ordinal, at_ns)

    def subscribe(self, subscription: Subscription) -> None:
        """Add a subscription to the world and to the next batch."""
        assert not self.journal.active, "a subscription has no undo"
        self.subscriptions.add(subscription)
        self._subscribed[subscription.subscription_id] = subscription

    def unsubscribe(self, subscription_id: str) -> None:
        """Remove a subscription from the world and, with the next batch, from the store."""
        assert not self.journal.active, "a subscription has no undo"
        self.subscriptions.remove(subscription_id)
        if self._subscribed.pop(subscription_id, None) is None:
            self._unsubscribed.append(subscription_id)


_SLEEP = "/sleep"
"""How the id of a sleep's subscription ends; an agent's name holds no slash."""


def sleep_subscription(agent_id: str, turn: int) -> str:
    """The subscription that lasts as long as the sleep begun in that turn."""
    return ids.turn_id(agent_id, turn) + _SLEEP
