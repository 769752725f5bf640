"""An honest history passes every check, and no check lets through what it is there for."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from ecology.core.ids import WORLD, transfer_id
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
from ecology.nodes.history import AccountState, CommitRow, History
from ecology.nodes.membership import Member, Membership
from ecology.store.postgres_head import Head

ALONE = Membership({"a": Member(1)})
BOTH = ALONE.with_member("b", Member(2))
OF_A, OF_B = (
    next(ordinal for ordinal in range(1, 99) if BOTH.owner(ordinal) == node and ordinal > 1)
    for node in ("a", "b")
)
"""Two agents, one of which moves when the second node joins."""


class Told:
    """A history as its rows and events, to be forged before it is checked."""

    def __init__(self) -> None:
        self.commits: list[CommitRow] = []
        self.events: list[Any] = []
        self.accounts = {("ann", "scrip"): (60, 0), ("ben", "scrip"): (40, 0), (WORLD, "scrip"): (-100, 0)}
        self.turns = {"ann": 3, "ben": 2}
        self.members = BOTH.without("a")
        self.ended = True

    def commit(self, node: str, generation: int, *makers: Callable[..., Event]) -> None:
        first, time_ns = len(self.events) + 1, 10 * (len(self.commits) + 1)
        for maker in makers:
            sequence = len(self.events) + 1
            self.events.append(maker(sequence=sequence, time_ns=time_ns))
        number = len(self.commits) + 1
        self.commits.append(CommitRow(number, node, generation, first, len(self.events), time_ns))

    def failed(self) -> list[str]:
        history = History()
        for row in self.commits:
            history.commit(row)
        for event in self.events:
            history.event(event)
        last = self.commits[-1]
        head = Head(last.number, last.last, last.time_ns, b"", 0, self.members.encode(), self.ended)
        accounts = [AccountState(*name, *state) for name, state in self.accounts.items()]
        return [check.name for check in history.end(head, accounts, self.turns.items()) if not check.ok]

    def change(self, index: int, **fields: object) -> None:
        self.events[index] = msgspec.structs.replace(self.events[index], **fields)

    def retell(self, index: int, **fields: object) -> None:
        self.commits[index] = self.commits[index]._replace(**fields)  # type: ignore[arg-type]

    def find(self, kind: type[Event], nth: int = 0) -> int:
        return [index for index, event in enumerate(self.events) if isinstance(event, kind)][nth]


def maker(
    kind: Callable[..., Event], who: str | None = None, turn: int = 0, **fields: object
) -> Callable[..., Event]:
    when = None if who is None else f"{who}#{turn}"
    return lambda **place: kind(principal_id=who, turn_id=when, **place, **fields)


def act(who: str, turn: int) -> Callable[..., Event]:
    return maker(ActionTaken, who, turn, action="noop", outcome="committed")


def pay(who: str, to: str, amount: int, number: int) -> Callable[..., Event]:
    fields = {"asset": "scrip", "from_id": who, "to_id": to, "amount": amount}
    return maker(TransferPosted, who, number, transfer_id=transfer_id(1, number, 0), **fields)


def honest() -> Told:
    told = Told()
    told.commit(
        "",
        0,
        maker(AgentSpawned, agent_id="ann", ordinal=OF_A, strategy="maker", parent_id=None),
        maker(AgentSpawned, agent_id="ben", ordinal=OF_B, strategy="maker", parent_id=None),
        pay(WORLD, "ann", 100, 90),
    )
    told.commit("a", 1, maker(NodeJoined, node_id="a", generation=1))
    told.commit("a", 1, act("ann", 0), act("ben", 0))
    told.commit("b", 2, maker(NodeJoined, node_id="b", generation=2))
    hold = {"asset": "scrip", "from_id": "ann", "to_id": "ben", "amount": 50}
    told.commit("a", 1, maker(HoldOpened, "ann", 1, transfer_id=77, **hold), act("ann", 1))
    told.commit("b", 2, act("ben", 1))
    told.commit("a", 1)
    told.commit(
        "a", 1, maker(HoldClosed, "ann", 2, transfer_id=77, how="posted", amount=40), pay("ann", "ben", 40, 2)
    )
    told.commit("a", 1, act("ann", 2), maker(NodeLeft, node_id="a", generation=1, how="left"))
    mint = maker(MintResolved, number=1, bids=0, winners=(), price=0)
    told.commit("b", 2, mint, maker(RunEnded, reason="duration reached"))
    return told


def test_an_honest_history_passes() -> None:
    assert honest().failed() == []


def _lose_commit(told: Told) -> None:
    del told.commits[6]


def _lose_event(told: Told) -> None:
    del told.events[told.find(ActionTaken)]


def _lose_last_commit(told: Told) -> None:
    told.commits.pop()


def _commit_early(told: Told) -> None:
    told.retell(2, node="b", generation=2)


def _commit_without_events_after_leaving(told: Told) -> None:
    told.commit("a", 1)


def _commit_with_an_old_generation(told: Told) -> None:
    told.retell(5, generation=1)


def _act_after_leaving(told: Told) -> None:
    told.commits.append(told.commits[-1]._replace(number=11, node="a", generation=1, first=19, last=19))
    told.ended = False
    told.events[-1] = act("ann", 3)(sequence=19, time_ns=100)
    told.commits[-2] = told.commits[-2]._replace(last=18)
    told.turns["ann"] = 4


def _let_another_join(told: Told) -> None:
    told.retell(3, node="a", generation=1)


def _join_again(told: Told) -> None:
    told.change(told.find(NodeJoined, 1), generation=1)
    told.retell(3, generation=1)


def _leave_as_somebody_else(told: Told) -> None:
    told.change(told.find(NodeLeft), generation=9)


def _forget_a_member(told: Told) -> None:
    told.members = Membership({})


def _overlap(told: Told) -> None:
    told.change(told.find(NodeJoined), first=1, last=99)
    told.change(told.find(NodeJoined, 1), first=99, last=120)


def _act_for_another(told: Told) -> None:
    told.retell(5, node="a", generation=1)


def _resolve_for_another(told: Told) -> None:
    other = next(name for name in (f"n{it}" for it in range(99)) if _owner_with(name) == name)
    told.change(told.find(NodeLeft), node_id=other)
    told.events[told.find(NodeLeft)] = maker(NodeJoined, node_id=other, generation=3)(
        sequence=told.find(NodeLeft) + 1, time_ns=90
    )
    told.retell(8, node=other, generation=3)
    told.members = BOTH.with_member(other, Member(3))


def _owner_with(name: str) -> str | None:
    return BOTH.with_member(name, Member(3)).owner(SYSTEM_KEY)


def _do_a_turn_twice(told: Told) -> None:
    told.change(told.find(ActionTaken, 2), turn_id="ann#0")


def _go_back_a_turn(told: Told) -> None:
    told.turns["ann"] = 2


def _transfer_twice(told: Told) -> None:
    told.change(told.find(HoldOpened), transfer_id=transfer_id(1, 90, 0))
    told.change(told.find(HoldClosed), transfer_id=transfer_id(1, 90, 0))


def _end_a_hold_twice(told: Told) -> None:
    told.change(told.find(HoldClosed), transfer_id=78)


def _overdraw(told: Told) -> None:
    told.change(told.find(HoldOpened), amount=101)


def _spend_before_having(told: Told) -> None:
    told.change(told.find(TransferPosted), amount=39)
    told.accounts["ann", "scrip"], told.accounts[WORLD, "scrip"] = (-1, 0), (-39, 0)


def _keep_another_balance(told: Told) -> None:
    told.accounts["ann", "scrip"] = (61, 0)


def _keep_a_hold(told: Told) -> None:
    told.accounts["ben", "scrip"] = (40, 1)


def _forget_an_account(told: Told) -> None:
    del told.accounts["ben", "scrip"]


def _turn_time_back(told: Told) -> None:
    told.change(told.find(ActionTaken, 2), time_ns=1)


def _commit_in_the_past(told: Told) -> None:
    told.retell(6, time_ns=1)


def _foresee(told: Told) -> None:
    told.change(told.find(RunEnded), time_ns=101)


def _go_on_after_the_end(told: Told) -> None:
    told.commit("b", 2, act("ben", 2))
    told.turns["ben"] = 3


def _forget_the_end(told: Told) -> None:
    told.ended = False


@pytest.mark.parametrize(
    ("forge", "check"),
    [
        (_lose_commit, "commits_adjoin"),
        (_lose_event, "commits_adjoin"),
        (_lose_last_commit, "commits_adjoin"),
        (_commit_early, "commits_by_members"),
        (_commit_without_events_after_leaving, "commits_by_members"),
        (_commit_with_an_old_generation, "commits_by_members"),
        (_act_after_leaving, "commits_by_members"),
        (_let_another_join, "commits_by_members"),
        (_join_again, "members_by_generation"),
        (_leave_as_somebody_else, "members_by_generation"),
        (_forget_a_member, "members_by_generation"),
        (_overlap, "members_by_generation"),
        (_act_for_another, "deeds_by_owners"),
        (_resolve_for_another, "deeds_by_owners"),
        (_do_a_turn_twice, "turns_done_once"),
        (_go_back_a_turn, "turns_done_once"),
        (_transfer_twice, "transfers_told_once"),
        (_end_a_hold_twice, "transfers_told_once"),
        (_overdraw, "accounts_in_order"),
        (_spend_before_having, "accounts_in_order"),
        (_keep_another_balance, "accounts_as_told"),
        (_keep_a_hold, "accounts_as_told"),
        (_forget_an_account, "accounts_as_told"),
        (_turn_time_back, "time_never_falls"),
        (_commit_in_the_past, "time_never_falls"),
        (_foresee, "time_never_falls"),
        (_go_on_after_the_end, "end_is_the_end"),
        (_forget_the_end, "end_is_the_end"),
    ],
)
def test_what_is_forged_is_found(forge: Callable[[Told], None], check: str) -> None:
    told = honest()
    forge(told)
    assert check in told.failed()
