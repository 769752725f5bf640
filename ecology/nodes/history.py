"""Did the nodes keep the rules, all the time? Proved from what each commit says and from the event log, not counters.

The members at any moment follow from `node.joined` and `node.left` alone, and with them who could run whom. Against
these are held: the commits, which name their node and its generation; every deed, which lies in one commit; and the
accounts, whose movements are made again in the order of the events.
"""

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from ecology.core.ids import WORLD
from ecology.events.economy import MintResolved
from ecology.events.nodes import NodeJoined, NodeLeft
from ecology.events.records import (
    ActionTaken,
    AgentSpawned,
    Event,
    HoldClosed,
    HoldOpened,
    RunEnded,
    TransferPosted,
)
from ecology.kernel.world import SYSTEM_KEY
from ecology.nodes.membership import Member, Membership
from ecology.store.economy_audit import verdict
from ecology.store.postgres_head import Head
from ledger.audit import Check

GENESIS = ("", 0)
"""The node and the generation of the first commit: the world is founded before anybody joins it."""


class CommitRow(NamedTuple):
    """One commit without what it changed; its events are `first` to `last`, none if `last` is `first` - 1."""

    number: int
    node: str
    generation: int
    first: int
    last: int
    time_ns: int


class AccountState(NamedTuple):
    """An account as the ledger has it now."""

    owner: str
    asset: str
    balance: int
    held: int


class Roll:
    """Who is a member, event by event; `wrong` says what no sequence of joinings and leavings can be."""

    def __init__(self) -> None:
        self.now = Membership({})
        self.wrong: list[str] = []
        self._generations: dict[int, str] = {}

    def join(self, event: NodeJoined) -> None:
        """A node became a member, under a generation that nobody ever had."""
        name, member = event.node_id, Member(event.generation, event.first, event.last)
        if name in self.now.members:
            self.wrong.append(f"{name} joined at event {event.sequence} while it was a member")
        if event.generation in self._generations:
            before = self._generations[event.generation]
            self.wrong.append(f"{name} joined with generation {event.generation}, which {before} had")
        if (other := self.now.overlapping(member)) is not None and other != name:
            self.wrong.append(f"{name} joined at event {event.sequence} for agents that are {other}'s")
        self._generations[event.generation] = name
        self.now = self.now.with_member(name, member)

    def leave(self, event: NodeLeft) -> None:
        """A node is a member no more."""
        name = event.node_id
        if not self.now.generation(name) or self.now.generation(name) != event.generation:
            self.wrong.append(f"{name} left at event {event.sequence} with a generation that was not in")
            return
        self.now = self.now.without(name)


class Replay:
    """The accounts, moved again in the order of the events; `wrong` says where one was overdrawn."""

    def __init__(self) -> None:
        self._balances: Counter[tuple[str, str]] = Counter()
        self._held: Counter[tuple[str, str]] = Counter()
        self._holds: dict[int, tuple[str, str, int]] = {}
        self._ids: set[int] = set()
        self.overdrawn: list[str] = []
        self.twice: list[str] = []
        self.moves = 0

    def take(self, event: Event) -> None:
        """The next event."""
        match event:
            case TransferPosted():
                self._once(event.transfer_id, event.sequence)
                self._balances[event.from_id, event.asset] -= event.amount
                self._balances[event.to_id, event.asset] += event.amount
                self._covered(event.from_id, event.asset, event.sequence)
            case HoldOpened():
                self._once(event.transfer_id, event.sequence)
                self._holds[event.transfer_id] = (event.from_id, event.asset, event.amount)
                self._held[event.from_id, event.asset] += event.amount
                self._covered(event.from_id, event.asset, event.sequence)
            case HoldClosed():
                if event.transfer_id not in self._holds:
                    self.twice.append(f"event {event.sequence} ends a hold that was not open")
                    return
                owner, asset, amount = self._holds.pop(event.transfer_id)
                self._held[owner, asset] -= amount

    def _once(self, transfer_id: int, sequence: int) -> None:
        self.moves += 1
        if transfer_id in self._ids:
            self.twice.append(f"event {sequence} tells of transfer {transfer_id} again")
        self._ids.add(transfer_id)

    def _covered(self, owner: str, asset: str, sequence: int) -> None:
        left = self._balances[owner, asset] - self._held[owner, asset]
        if left < 0 and owner != WORLD:
            self.overdrawn.append(f"{owner} had {left} {asset} after event {sequence}")

    def differing(self, accounts: Iterable[AccountState]) -> list[str]:
        """The accounts in which the ledger has something else in the end."""
        stored = {(it.owner, it.asset): (it.balance, it.held) for it in accounts}
        told = {
            key: (self._balances[key], self._held[key]) for key in self._balances.keys() | self._held.keys()
        }
        nothing = (0, 0)
        return [
            f"{key[0]} has {stored.get(key, nothing)} {key[1]}, the log tells of {told.get(key, nothing)}"
            for key in sorted(stored.keys() | told.keys())
            if stored.get(key, nothing) != told.get(key, nothing)
        ]


class History:
    """The commits in order, then the events in order, then what there is now."""

    def __init__(self) -> None:
        self._commits: list[CommitRow] = []
        self._at = -1
        self._roll = Roll()
        self._replay = Replay()
        self._before = Membership({})
        """The members before the commit that is looked at."""
        self._ordinals: dict[str, int] = {}
        self._turns: dict[str, int] = {}
        self._last = Event(sequence=0, time_ns=0, principal_id=None, turn_id=None)
        self._ended = 0
        self._deeds = 0
        self._gaps: list[str] = []
        self._fenced: list[str] = []
        self._foreign: list[str] = []
        self._again: list[str] = []
        self._late: list[str] = []
        self._after_end: list[str] = []

    def commit(self, row: CommitRow) -> None:
        """The next commit by number."""
        last = self._commits[-1] if self._commits else CommitRow(0, *GENESIS, 0, 0, 0)
        if row.number != last.number + 1:
            self._gaps.append(f"commit {row.number} follows {last.number}")
        if row.first != last.last + 1 or row.last < row.first - 1:
            self._gaps.append(f"commit {row.number} has events {row.first} to {row.last}, after {last.last}")
        if row.time_ns < last.time_ns:
            self._late.append(f"commit {row.number} is of a time before that of {last.number}")
        self._commits.append(row)

    def event(self, event: Event) -> None:
        """The next event by sequence."""
        if event.sequence != self._last.sequence + 1:
            self._gaps.append(f"event {event.sequence} follows {self._last.sequence}")
        if event.time_ns < self._last.time_ns:
            self._late.append(f"event {event.sequence} is of a time before that of the event before it")
        if self._ended:
            self._after_end.append(f"event {event.sequence} follows the end of the run")
        self._last = event
        self._reach(event.sequence)
        if not 0 <= self._at < len(self._commits) or event.sequence < self._commits[self._at].first:
            self._gaps.append(f"event {event.sequence} lies in no commit")
            return
        row = self._commits[self._at]
        if event.time_ns > row.time_ns:
            self._late.append(f"event {event.sequence} is of a time after its commit's")
        self._hold_against(event, row)
        self._replay.take(event)

    def _hold_against(self, event: Event, row: CommitRow) -> None:
        match event:
            case NodeLeft():
                self._roll.leave(event)
                return
            case NodeJoined():
                if (event.node_id, event.generation) != (row.node, row.generation):
                    self._fenced.append(f"{row.node} let {event.node_id} join in commit {row.number}")
                self._roll.join(event)
                return
            case AgentSpawned():
                self._ordinals[event.agent_id] = event.ordinal
            case RunEnded():
                self._ended = event.sequence
            case ActionTaken():
                self._count_turn(event)
        if row.number == 1 and (row.node, row.generation) == GENESIS:
            return
        if self._roll.now.generation(row.node) != row.generation:
            self._fenced.append(f"event {event.sequence} is by {row.node} when it was no member")
        self._owned(event, row)

    def _owned(self, event: Event, row: CommitRow) -> None:
        """A turn is its agent's owner's to do, the mint's resolution that of the owner of the world's own key."""
        agent_id = (event.turn_id or "").rpartition("#")[0]
        ordinal = SYSTEM_KEY if isinstance(event, MintResolved) else self._ordinals.get(agent_id)
        if ordinal is not None and (owner := self._before.owner(ordinal)) != row.node:
            who = agent_id or "the world"
            self._foreign.append(f"event {event.sequence} of {who} is by {row.node}, {owner} ran it then")

    def _count_turn(self, event: ActionTaken) -> None:
        self._deeds += 1
        agent_id, _, number = (event.turn_id or "").rpartition("#")
        turn = int(number) if number.isdigit() else -1
        if agent_id != event.principal_id or turn <= self._turns.get(agent_id, -1):
            self._again.append(
                f"event {event.sequence} is of turn {event.turn_id}, which is done or nobody's"
            )
        self._turns[agent_id] = max(turn, self._turns.get(agent_id, -1))

    def _reach(self, sequence: int) -> None:
        """Go on to the commit of this event, past those without one."""
        while self._at < len(self._commits) and (self._at < 0 or self._commits[self._at].last < sequence):
            self._leave_commit()
            self._at += 1
            self._before = self._roll.now

    def _leave_commit(self) -> None:
        """Whoever made the commit was a member before it or has joined within it, or it founded the world."""
        if self._at < 0:
            return
        row = self._commits[self._at]
        entitled = row.generation in (
            self._before.generation(row.node),
            self._roll.now.generation(row.node),
        )
        founded = row.number == 1 and (row.node, row.generation) == GENESIS
        if not founded and not (entitled and row.generation):
            self._fenced.append(f"commit {row.number} is by {row.node}/{row.generation}, which was no member")

    def end(
        self, head: Head, accounts: Iterable[AccountState], turns: Iterable[tuple[str, int]]
    ) -> list[Check]:
        """What came out of it, against the head, the ledger's accounts and the agents' next turns."""
        self._reach(self._last.sequence + 1)
        last = self._commits[-1] if self._commits else CommitRow(0, *GENESIS, 0, 0, 0)
        if (last.number, last.last, last.time_ns) != (head.number, head.sequence, head.time_ns):
            self._gaps.append(f"the head is at commit {head.number}, the last there is {last.number}")
        if self._last.sequence != head.sequence:
            self._gaps.append(
                f"the head is at event {head.sequence}, the last there is {self._last.sequence}"
            )
        if Membership.of(head.members).members != self._roll.now.members:
            self._roll.wrong.append("the members are not those who joined and have not left")
        if head.ended != bool(self._ended):
            self._after_end.append("whether the run is over is told otherwise in the log")
        for agent_id, turn in turns:
            if turn <= self._turns.get(agent_id, -1):
                self._again.append(f"{agent_id} is to do turn {turn} again")
        replay = self._replay
        return [
            verdict("commits_adjoin", self._gaps, f"{head.number} commits, {head.sequence} events"),
            verdict("members_by_generation", self._roll.wrong, f"{len(self._roll.now.members)} members now"),
            verdict("commits_by_members", self._fenced, "nobody committed before joining or after leaving"),
            verdict(
                "deeds_by_owners", self._foreign, "every agent's deeds are those of the node that ran it"
            ),
            verdict("turns_done_once", self._again, f"{self._deeds} turns of {len(self._ordinals)} agents"),
            verdict("transfers_told_once", replay.twice, f"{replay.moves} transfers and holds"),
            verdict("accounts_in_order", replay.overdrawn, "no account was ever overdrawn"),
            verdict("accounts_as_told", replay.differing(accounts), "the ledger has what the log tells of"),
            verdict("time_never_falls", self._late, "neither from event to event nor from commit to commit"),
            verdict("end_is_the_end", self._after_end, "nothing follows the end of the run"),
        ]
