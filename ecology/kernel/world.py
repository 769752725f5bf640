"""The working set: everything that is true of the world now, and what has changed since the last commit.

Resident as a whole in the embedded engine. Handlers reach the world only through this class, so a store that loads
parts of it on demand can stand behind the same handlers.
"""

from collections.abc import Callable

import msgspec

from ecology.artifacts.artifact import Artifact, announcement
from ecology.artifacts.shelf import Shelf
from ecology.core import ids
from ecology.core.outcome import Outcome
from ecology.core.seeds import Draw
from ecology.events.log import EventLog
from ecology.events.records import TransferPosted
from ecology.events.subscriptions import Subscriptions
from ecology.kernel.actions import Action
from ecology.kernel.agent import Agent, Principal
from ecology.kernel.batch import Batch, Revision, Turn
from ecology.kernel.code.programs import Programs
from ecology.kernel.contracts import ContractBook
from ecology.kernel.economy.bids import Bids, Docket, Offices
from ecology.kernel.economy.delegations import Delegations
from ecology.kernel.economy.listings import Listings
from ecology.kernel.economy.novelty import Sketches
from ecology.kernel.economy.rentals import Rentals
from ecology.kernel.economy.rubric import Rubric
from ecology.kernel.economy.scoring import Scorer
from ecology.kernel.economy.uses import Uses
from ecology.kernel.laws import Laws
from ecology.kernel.scope import Scope
from ecology.kernel.sleepers import Sleepers
from ecology.memory.memories import Memories
from ecology.resources.assets import ASSETS, BUCKET_ASSETS, DISK, FLOWS, LLM_BUDGET
from ecology.resources.flow import bounded, flowing
from ecology.sandbox.cost import Meter
from ecology.sandbox.run import Sandbox
from ledger import Book
from ledger import Status as LedgerStatus

SYSTEM_KEY = 0
"""The world's own key on the clock, before every agent's."""

FIRST_SYSTEM_TURN = 1 << 24
"""Where the turns of the world's own transfers begin: those below belong to genesis."""


class World(Sleepers):
    """The working set of a run.

    `principals` are all with standing: the agents, and accounts that artifacts have. `measured` is whether what code
    costs is what was measured, or, under the virtual clock, what is modelled; `meter` compares the two. `act` is how
    code that runs gets something done, set by the kernel. `scorer` is None where the mint's winners
    are scored from outside. `memory` finds what agents remember; another one is set before there is a kernel.
    """

    def __init__(
        self,
        *,
        book: Book,
        shelf: Shelf,
        log: EventLog,
        subscriptions: Subscriptions,
        contracts: ContractBook,
        seed: int,
        laws: Laws | None = None,
    ) -> None:
        super().__init__(log, subscriptions)
        self.book = book
        self.shelf = shelf
        self.contracts = contracts
        contracts.find = shelf.find
        self.seed = seed
        self.laws = laws or Laws()
        self.principals: dict[str, Principal] = {}
        self.roster: list[Agent] = []
        self.founders = 0
        self.measured = False
        self.sandbox = Sandbox()
        self.programs = Programs(self.laws.code.programs)
        self.meter = Meter()
        self.act: Callable[[Turn, Action], Outcome]
        self.listings = Listings()
        self.rentals = Rentals()
        self.bids = Bids()
        self.delegations = Delegations()
        self.offices = Offices()
        self.uses = Uses()
        self.sketches = Sketches()
        self.docket = Docket()
        self.registers = (
            *(self.listings, self.rentals, self.bids, self.delegations, self.offices),
            *(self.uses, self.sketches, self.docket),
        )
        self.scorer: Scorer | None = Rubric()
        self.memory = Memories()
        self.revisions: list[Revision] = []
        self.born: Callable[[Agent], None] = lambda agent: None
        self.strategy_fault: Callable[[str], str | None] = lambda strategy: None

    # -- deeds in one

    def scope(self) -> Scope:
        """A context in which deeds can be rolled back; see `Scope`."""
        return Scope(self)

    def altering(self, artifact: Artifact) -> None:
        """Called before an artifact is changed."""
        if self.journal.active:
            before = msgspec.structs.replace(artifact)
            content = self.shelf.contents.uncommitted(artifact.id)
            self.journal.undo.append(lambda: self.shelf.reinstate(artifact, before, content))

    def charge_disk(self, principal: Principal, size_bytes: int) -> None:
        """Let a principal bear so many bytes more, or fewer."""
        principal.disk_used += size_bytes
        if isinstance(principal, Agent):  # of an account nothing but the ledger is kept
            self.touch(principal)
        if self.journal.active:
            self.journal.undo.append(lambda: self._uncharge_disk(principal, size_bytes))

    def _uncharge_disk(self, principal: Principal, size_bytes: int) -> None:
        principal.disk_used -= size_bytes

    # -- principals

    def enrol(self, agent: Agent, created_by: str) -> None:
        """Add an agent at the end of the world's order, to its creator's family; founders come before all others."""
        assert agent.ordinal == len(self.roster) + 1 and agent.id not in self.agents
        assert not self.journal.active, "a birth cannot be undone"
        agent.founder = self.family_of(created_by)
        self.founders += agent.founder == agent.id
        assert self.founders == len(self.roster) + 1 or agent.founder != agent.id, (
            "founders are born at genesis"
        )
        self.agents[agent.id] = self.principals[agent.id] = agent
        self.roster.append(agent)

    def family_of(self, principal_id: str) -> str:
        """The founder of an agent's line; an account is a party of its own."""
        agent = self.agents.get(principal_id)
        return principal_id if agent is None else agent.founder

    def note_use(self, artifact: Artifact, agent: Agent) -> None:
        """An agent read, invoked or built upon a work: that is for the mint to know, unless its own family made it."""
        family = agent.founder
        if family not in (self.family_of(artifact.owner), self.family_of(artifact.created_by)):
            self.uses.note(artifact.id, family)

    def grant_standing(self, name: str) -> Principal:
        """Accounts for an artifact: it can hold scrip and rights from now on, for ever."""
        assert name not in self.principals
        self.principals[name] = principal = Principal(name, self.open_accounts(name))
        if self.journal.active:
            self.journal.undo.append(lambda: self._withdraw_standing(name))
        return principal

    def _withdraw_standing(self, name: str) -> None:
        del self.principals[name]

    def readmit_accounts(self) -> None:
        """After the store has put back shelf and agents: the artifacts with standing and the bytes that each bears."""
        for artifact in self.shelf.everything():
            if artifact.standing:
                self.grant_standing(artifact.id)
        for artifact in self.shelf.everything():
            bearer = self.principals[artifact.bearer]
            if not isinstance(bearer, Agent):
                bearer.disk_used += artifact.size_bytes

    def open_accounts(self, principal: str) -> dict[str, int]:
        """The principal's ledger accounts, by asset."""
        return {asset: self.book.open_account(principal, asset) for asset in ASSETS}

    def issuer(self, asset: str) -> int:
        """The account whose balance is the negative of the asset's supply."""
        return self.book.open_account(ids.WORLD, asset, issuer=True)

    def available(self, principal: Principal, asset: str) -> int:
        """What the principal can spend: its balance less its holds."""
        return self.book.available(principal.accounts[asset])

    def disposable(self, principal: Principal, asset: str) -> int:
        """What the principal can give away: what is available, but of a budget not what it rents to spend itself."""
        available = self.book.available(principal.accounts[asset])
        if asset == LLM_BUDGET and self.rentals.owed:
            return max(0, available - self.rentals.owed.get(principal.id, 0))
        return available

    def usable(self, principal: Principal, asset: str) -> int:
        """What the principal can use: what it can dispose of, and what it rents."""
        rented = self.rentals.rented
        own = self.book.available(principal.accounts[asset])
        return own + rented.get((principal.id, asset), 0) if rented else own

    def disk_free(self, principal: Principal, *, own: bool = False) -> int:
        """Bytes of quota that no artifact occupies.

        `own`: of what is not rented, and negative if rented disk is occupied. What is never deleted, and disk that is
        given away, must be free in this sense, so that all that is left of a rent can be cleared.
        """
        quota = self.available(principal, DISK) if own else self.usable(principal, DISK)
        return quota - principal.disk_used

    def supply(self, asset: str) -> int:
        """How much of an asset was ever issued."""
        return -self.book.balance(self.issuer(asset))

    def draw(self, agent: Agent, purpose: int = 0) -> Draw:
        """This turn's randomness of an agent."""
        return Draw(self.seed, agent.ordinal, agent.turn, purpose)

    def publish(
        self, artifact: Artifact, content: bytes, now_ns: int, principal: str | None, turn_id: str | None
    ) -> None:
        """Announce an artifact's new revision and keep its content for the archive."""
        sequence = self.log.next_sequence
        self.revisions.append(Revision(sequence, artifact.id, artifact.revision, content))
        self.log.append(
            announcement(
                artifact, content, sequence=sequence, time_ns=now_ns, principal_id=principal, turn_id=turn_id
            )
        )

    # -- money and rights

    def move(
        self, turn: Turn, source: Principal, target: Principal, asset: str, amount: int, memo: str
    ) -> LedgerStatus:
        """Transfer between two principals; both notice at once, and buckets follow their rights."""
        transfer_id = turn.next_transfer_id()
        debit, credit = source.accounts[asset], target.accounts[asset]
        status = self.book.transfer(transfer_id, debit, credit, amount, turn.now_ns, memo)
        if status is LedgerStatus.CREATED:
            self.announce_transfer(
                turn.now_ns, turn.actor.id, turn.id, transfer_id, asset, source.id, target.id, amount, memo
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
            if agent is not None:
                self.rights_moved(agent, asset, now_ns)

    def rights_moved(self, agent: Principal, asset: str, now_ns: int) -> None:
        """What an agent has or may use of an asset changed, by a transfer or by a hold."""
        if asset in BUCKET_ASSETS:
            self.refresh_rights(agent, now_ns)
        self.reconsider(agent, asset, now_ns)

    def next_system_transfer_id(self) -> int:
        """The id of the world's own next transfer."""
        office = self.offices.world
        self.offices.put(msgspec.structs.replace(office, transfers=office.transfers + 1))
        turn, step = divmod(office.transfers, ids.MAX_STEPS)
        return ids.transfer_id(0, FIRST_SYSTEM_TURN + turn, step)

    def readmit(self, agent: Agent) -> None:
        """Enrol an agent as the store kept it: its buckets get their rights without being settled anew."""
        artifact = self.shelf.find(agent.id)
        assert artifact is not None, "an agent has an artifact of its own"
        self.enrol(agent, artifact.created_by)
        self.resume_rights(agent)

    def resume_rights(self, agent: Agent) -> None:
        """Let buckets whose levels were kept run on at what the ledger says now, without settling them anew."""
        rights = self._rights(agent)
        agent.llm.rate, agent.llm.capacity, agent.cpu.rate, agent.cpu.capacity = rights

    def refresh_rights(self, agent: Principal, now_ns: int) -> None:
        """Let the buckets run at what the ledger says the agent may use, and the world's factor on it."""
        if not isinstance(agent, Agent):
            return
        if self.journal.active:
            self.journal.postpone(self.refresh_rights, agent, now_ns)
            return
        llm_rate, llm_capacity, cpu_rate, cpu_capacity = self._rights(agent)
        agent.llm.set_rights(llm_rate, llm_capacity, now_ns)
        agent.cpu.set_rights(cpu_rate, cpu_capacity, now_ns)
        self.touch(agent)

    def _rights(self, agent: Agent) -> tuple[int, int, int, int]:
        rate, capacity, cpu_rate, cpu_capacity = (
            self.usable(agent, asset) for asset in (*FLOWS["llm_rate"], *FLOWS["cpu"])
        )
        return (
            *flowing(rate, capacity, self.offices.world.flow_ppm),
            bounded(cpu_rate),
            bounded(cpu_capacity),
        )

    # -- committing

    def take_batch(self) -> Batch:
        """Everything that changed since the last call. The caller must commit it or end the run."""
        touched, self._touched = self._touched, {}
        subscribed, self._subscribed = self._subscribed, {}
        unsubscribed, self._unsubscribed = self._unsubscribed, []
        revisions, self.revisions = self.revisions, []
        return Batch(
            events=self.log.take_tail(),
            revisions=revisions,
            contents=self.shelf.contents.close_group(),
            artifacts=self.shelf.take_changed(),
            agents=list(touched.values()),
            ledger=self.book.take_delta(),
            subscribed=list(subscribed.values()),
            unsubscribed=unsubscribed,
            records=[change for register in self.registers for change in register.take_changes()],
        )
