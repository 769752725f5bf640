"""The working set: everything that is true of the world now, and what has changed since the last commit.

Resident as a whole in the embedded engine. Handlers reach the world only through this class, so a store that loads
parts of it on demand can stand behind the same handlers.
"""

from collections import deque
from collections.abc import Callable

from ecology.artifacts.artifact import Artifact, announcement
from ecology.artifacts.shelf import Shelf
from ecology.core import ids
from ecology.core.limits import MAX_AMOUNT
from ecology.core.seeds import Draw
from ecology.events.log import EventLog
from ecology.events.records import (
    AgentStateChanged,
    Event,
    MessageSent,
    TransferPosted,
)
from ecology.events.subscriptions import PUBLIC_FAMILIES, Subscription, Subscriptions
from ecology.kernel.agent import Agent, Status
from ecology.kernel.batch import Batch, Revision, Turn
from ecology.kernel.contracts import ContractBook
from ecology.resources.assets import ASSETS, BUCKET_ASSETS, DISK, FLOWS, LLM_BUDGET, MEMORY, SCRIP
from ecology.resources.bucket import NANO
from ledger import Book
from ledger import Status as LedgerStatus


class World:
    """The working set of a run. `wake` is told the ordinal of who must look at the world again, and from when on."""

    def __init__(
        self,
        *,
        book: Book,
        shelf: Shelf,
        log: EventLog,
        subscriptions: Subscriptions,
        contracts: ContractBook,
        seed: int,
    ) -> None:
        self.book = book
        self.shelf = shelf
        self.log = log
        self.subscriptions = subscriptions
        self.contracts = contracts
        self.seed = seed
        self.agents: dict[str, Agent] = {}
        self.roster: list[Agent] = []
        self.wake: Callable[[int, int], None] = lambda ordinal, at_ns: None
        self.born: Callable[[Agent], None] = lambda agent: None
        self.strategy_fault: Callable[[str], str | None] = lambda strategy: None
        self._touched: dict[int, Agent] = {}
        self._subscribed: dict[str, Subscription] = {}
        self._unsubscribed: list[str] = []
        self._revisions: list[Revision] = []
        self._untold: deque[Event] = deque()
        self._telling = False
        log.listen(PUBLIC_FAMILIES, self._notify)

    # -- principals

    def enrol(self, agent: Agent) -> None:
        """Add an agent at the end of the world's order."""
        assert agent.ordinal == len(self.roster) + 1 and agent.id not in self.agents
        self.agents[agent.id] = agent
        self.roster.append(agent)

    def open_accounts(self, principal: str) -> dict[str, int]:
        """The principal's ledger accounts, by asset."""
        return {asset: self.book.open_account(principal, asset) for asset in ASSETS}

    def issuer(self, asset: str) -> int:
        """The account whose balance is the negative of the asset's supply."""
        return self.book.open_account(ids.WORLD, asset, issuer=True)

    def available(self, agent: Agent, asset: str) -> int:
        """What the agent can dispose of: its balance less its holds."""
        return self.book.available(agent.accounts[asset])

    def disk_free(self, agent: Agent) -> int:
        """Bytes of quota that no artifact occupies."""
        return self.book.available(agent.accounts[DISK]) - agent.disk_used

    def supply(self, asset: str) -> int:
        """How much of an asset was ever issued."""
        return -self.book.balance(self.issuer(asset))

    def draw(self, agent: Agent, purpose: int = 0) -> Draw:
        """This turn's randomness of an agent."""
        return Draw(self.seed, agent.ordinal, agent.turn, purpose)

    def touch(self, agent: Agent) -> None:
        """The agent's row has changed and belongs to the next batch."""
        self._touched[agent.ordinal] = agent

    def set_status(
        self, agent: Agent, status: Status, reason: str, now_ns: int, until_ns: int | None = None
    ) -> None:
        """Change an agent's state and say so."""
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

    def publish(
        self, artifact: Artifact, content: bytes, now_ns: int, principal: str | None, turn_id: str | None
    ) -> None:
        """Announce an artifact's new revision and keep its content for the archive."""
        sequence = self.log.next_sequence
        self._revisions.append(Revision(sequence, artifact.id, artifact.revision, content))
        self.log.append(
            announcement(
                artifact, content, sequence=sequence, time_ns=now_ns, principal_id=principal, turn_id=turn_id
            )
        )

    # -- money and rights

    def move(
        self, turn: Turn, source: Agent, target: Agent, asset: str, amount: int, memo: str
    ) -> LedgerStatus:
        """Transfer between two agents; both notice at once, and buckets follow their rights."""
        transfer_id = turn.next_transfer_id()
        debit, credit = source.accounts[asset], target.accounts[asset]
        status = self.book.transfer(transfer_id, debit, credit, amount, turn.now_ns, memo)
        if status is LedgerStatus.CREATED:
            self.announce_transfer(
                turn.now_ns, turn.agent.id, turn.id, transfer_id, asset, source.id, target.id, amount, memo
            )
        return status

    def announce_transfer(
        self,
        now_ns: int,
        principal: str | None,
        turn_id: str | None,
        transfer_id: int,
        asset: str,
        from_id: str,
        to_id: str,
        amount: int,
        memo: str,
    ) -> None:
        """The event of a posted transfer, and what it changes for who gave and who got."""
        event = TransferPosted(
            sequence=self.log.next_sequence,
            time_ns=now_ns,
            principal_id=principal,
            turn_id=turn_id,
            transfer_id=transfer_id,
            asset=asset,
            from_id=from_id,
            to_id=to_id,
            amount=amount,
            memo=memo,
        )
        receiver = self.agents.get(to_id)
        if receiver is not None and principal is not None and principal != to_id:
            # Before the log tells of it: what follows from the event comes after it.
            self.tell(receiver, event)
        self.log.append(event)
        for name in (from_id, to_id):
            agent = self.agents.get(name)
            if agent is None:
                continue
            if asset in BUCKET_ASSETS:
                self.refresh_rights(agent, now_ns)
            self.reconsider(agent, asset, now_ns)

    def readmit(self, agent: Agent) -> None:
        """Enrol an agent as the store kept it: its buckets get their rights without being settled anew."""
        self.enrol(agent)
        rights = self._rights(agent)
        agent.llm.rate, agent.llm.capacity, agent.cpu.rate, agent.cpu.capacity = rights

    def refresh_rights(self, agent: Agent, now_ns: int) -> None:
        """Let the buckets run at what the ledger says the agent may use."""
        llm_rate, llm_capacity, cpu_rate, cpu_capacity = self._rights(agent)
        agent.llm.set_rights(llm_rate, llm_capacity, now_ns)
        agent.cpu.set_rights(cpu_rate, cpu_capacity, now_ns)
        self.touch(agent)

    def _rights(self, agent: Agent) -> tuple[int, int, int, int]:
        # A level is kept in billionths and must fit 64 bits in the store, so a right works up to this bound.
        bound = MAX_AMOUNT // NANO
        llm_rate, llm_capacity, cpu_rate, cpu_capacity = (
            min(self.book.available(agent.accounts[asset]), bound)
            for asset in (*FLOWS["llm_rate"], *FLOWS["cpu"])
        )
        return llm_rate, llm_capacity, cpu_rate, cpu_capacity

    # -- attention

    def tell(self, agent: Agent, event: Event) -> None:
        """Put an event in front of an agent; one that it was told just now is not told twice."""
        if not agent.inbox or agent.inbox[-1] is not event:
            agent.tell(event)
            self.touch(agent)

    def rouse(self, agent: Agent, now_ns: int, reason: str) -> None:
        """Somebody's deed ends an agent's sleep now."""
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

    def reconsider(self, agent: Agent, asset: str, now_ns: int) -> None:
        """A right, a balance or the free disk of the agent changed: a wait or a sleep of its may be over."""
        if agent.status == "asleep":
            if agent.sleep is None or agent.sleep.until is None:
                return
            if self.satisfied(agent, now_ns):
                self.rouse(agent, now_ns, "condition met")
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
            self.tell(agent, event)
            self.rouse(agent, event.time_ns, "event")

    def _look_again(self, agent: Agent, at_ns: int) -> None:
        agent.wake_ns = at_ns
        self.touch(agent)
        self.wake(agent.ordinal, at_ns)

    # -- subscriptions

    def subscribe(self, subscription: Subscription) -> None:
        """Add a subscription to the world and to the next batch."""
        self.subscriptions.add(subscription)
        self._subscribed[subscription.subscription_id] = subscription

    def unsubscribe(self, subscription_id: str) -> None:
        """Remove a subscription from the world and, with the next batch, from the store."""
        self.subscriptions.remove(subscription_id)
        if self._subscribed.pop(subscription_id, None) is None:
            self._unsubscribed.append(subscription_id)

    # -- committing

    def take_batch(self) -> Batch:
        """Everything that changed since the last call. The caller must commit it or end the run."""
        touched, self._touched = self._touched, {}
        subscribed, self._subscribed = self._subscribed, {}
        unsubscribed, self._unsubscribed = self._unsubscribed, []
        revisions, self._revisions = self._revisions, []
        return Batch(
            events=self.log.take_tail(),
            revisions=revisions,
            contents=self.shelf.contents.close_group(),
            artifacts=self.shelf.take_changed(),
            agents=list(touched.values()),
            ledger=self.book.take_delta(),
            subscribed=list(subscribed.values()),
            unsubscribed=unsubscribed,
        )


_SLEEP = "/sleep"
"""How the id of a sleep's subscription ends; an agent's name holds no slash."""


def sleep_subscription(agent_id: str, turn: int) -> str:
    """The subscription that lasts as long as the sleep begun in that turn."""
    return ids.turn_id(agent_id, turn) + _SLEEP
