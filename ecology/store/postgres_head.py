"""The head of a world that many nodes share, and what may be done by whoever holds its lock.

Every commit is made in a transaction that holds the lock on the one row of `world_head`, so that commits have one
order, and each is decided on what all before it did.
"""

import re
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Self, cast

import asyncpg
import msgspec
import zstandard

from ecology.kernel.batch import Batch
from ecology.store import rows
from ecology.store.postgres_faults import Pruned, damaged, store_faults
from ecology.store.postgres_schema import SQL
from ecology.store.scripts import statements
from ecology.store.seal import seal
from ledger.postgres import write as write_ledger

PARTS = statements("postgres/write.sql")

COMMAND_S = 5.0
"""How long a statement may take: a server that is gone without a word is noticed after so many seconds."""

ROW_S = 0.0001
"""How much longer for each row that is written, ten times what it takes: a world's first commit may have a million."""

_pack = zstandard.ZstdCompressor(level=1).compress
_unpack = zstandard.ZstdDecompressor().decompress
# A tenth of the bytes for the log, the disk and every other node, in a tenth of the time that the server would need.


class Head(msgspec.Struct, frozen=True):
    """Where a world stands: its last commit, its last event, and who its members are.

    `seal` covers all events (empty without any). `origin_us` is the time of the database's clock, in microseconds since
    1970, at which the world's time was 0. `members` means nothing to the store. `ended` is whether the run is over.
    """

    number: int
    sequence: int
    time_ns: int
    seal: bytes
    origin_us: int
    members: bytes
    ended: bool


class Commit(msgspec.Struct, frozen=True):
    """One commit as the other replicas see it: who made it, with which fencing token, and what changed."""

    number: int
    node: str
    generation: int
    payload: bytes


async def read_head(connection: asyncpg.Connection) -> Head:
    """The head as the connection sees it."""
    (row,) = await connection.fetch(SQL["head"])
    return Head(*row)


async def changes(connection: asyncpg.Connection, after: int, where: str) -> tuple[Head, list[Commit]]:
    """The head, and the commits that lead to it from `after`, as of one moment.

    Raises Pruned if what one of them changed is no longer kept.
    """
    rows = await connection.fetch(SQL["head_and_commits"], after)
    commits = [
        Commit(row[7], row[8], row[9], _unpacked(row[10], where)) for row in rows if row[10] is not None
    ]
    last = Head(*rows[0][:7])
    if len(commits) != last.number - after:
        raise Pruned(
            f"what changed in {where} since commit {after} is no longer kept", remedy="load the world anew"
        )
    return last, commits


def _unpacked(payload: bytes, where: str) -> bytes:
    try:
        return _unpack(payload)
    except zstandard.ZstdError as error:
        raise damaged(where, error) from error


class Turnstile:
    """The open transaction of whoever holds the lock of the head; only one at a time passes."""

    def __init__(
        self, connection: asyncpg.Connection, head: Head, after: int, commits: list[Commit], where: str
    ) -> None:
        """For `enter`."""
        self.head = head
        self._connection = connection
        self._read = after, commits
        self._where = where

    @classmethod
    async def enter(cls, connection: asyncpg.Connection, after: int | None, where: str) -> Self:
        """In a transaction that has the lock. What goes wrong is asyncpg's own."""
        if after is None:
            head = await read_head(connection)
            return cls(connection, head, head.number, [], where)
        head, commits = await changes(connection, after, where)
        return cls(connection, head, after, commits, where)

    async def changes(self, after: int) -> list[Commit]:
        """The commits after `after` that others made. Raises Pruned if what one changed is no longer kept."""
        if after == self._read[0]:
            return self._read[1]
        with store_faults(self._where):
            _, commits = await changes(self._connection, after, self._where)
        return commits

    async def put_meta(self, name: str, value: str) -> None:
        """Set a fact about the run."""
        with store_faults(self._where):
            await self._connection.execute(SQL["put_meta"], name, value)

    async def write(
        self,
        batch: Batch,
        *,
        node: str,
        generation: int,
        payload: bytes,
        time_ns: int,
        members: bytes | None = None,
        origin_us: int | None = None,
        ended: bool = False,
    ) -> Head:
        """Write a group's rows, its commit and the new head, which is returned; durable when `at_head` is left.

        May be called several times. `members` and `origin_us` of None stay as they are; what has ended stays so.
        """
        events = [rows.event_row(event) for event in batch.events]
        before = self.head
        last = before.sequence + len(events)
        assert not events or (events[0][0], events[-1][0]) == (before.sequence + 1, last), (
            "events follow the head"
        )
        head = Head(
            number=before.number + 1,
            sequence=last,
            time_ns=time_ns,
            seal=seal(before.seal, (cast(bytes, row[-1]) for row in events)) if events else before.seal,
            origin_us=before.origin_us if origin_us is None else origin_us,
            members=before.members if members is None else members,
            ended=ended or before.ended,
        )
        statement = _Statement()
        commit = (head.number, node, generation, before.sequence + 1, last, time_ns, _pack(payload))
        statement.add("add_commit", commit)
        if events:
            statement.add("add_seal", (last, head.seal))
            statement.add_rows("add_events", events)
        _add_changes(statement, batch)
        entries = len(batch.ledger.accounts) + len(batch.ledger.transfers)
        timeout_s = COMMAND_S + ROW_S * (statement.rows + entries)
        with store_faults(self._where):
            if batch.ledger:
                await write_ledger(self._connection, batch.ledger, timeout_s=timeout_s)
            statement.add("put_head", msgspec.structs.astuple(head))
            await statement.execute(self._connection, timeout_s)
        self.head = head
        return head


def _add_changes(statement: "_Statement", batch: Batch) -> None:
    """What a batch changed besides events and ledger."""
    contents = batch.contents
    whole = [rows.artifact_row(it, contents[it.id]) for it in batch.artifacts if it.id in contents]
    statement.add_rows("put_artifacts", whole)
    statement.add_rows(
        "move_artifacts", [rows.moved_row(it) for it in batch.artifacts if it.id not in contents]
    )
    revisions = [(it.sequence, it.artifact_id, it.revision, it.content) for it in batch.revisions]
    statement.add_rows("add_revisions", revisions)
    statement.add_rows("put_agents", list(map(rows.agent_row, batch.agents)))
    if batch.unsubscribed:
        statement.add("drop_subscriptions", (batch.unsubscribed,))
    statement.add_rows("add_subscriptions", list(map(rows.subscription_row, batch.subscribed)))
    statement.add_rows("put_records", [record for record in batch.records if record[2] is not None])
    statement.add_rows("drop_records", [record[:2] for record in batch.records if record[2] is None])


class _Statement:
    """One statement made of the parts that are needed: one round trip to prepare it and one to execute it."""

    def __init__(self) -> None:
        self.rows = 0
        self._names: list[str] = []
        self._arguments: list[object] = []

    def add(self, name: str, arguments: Sequence[object]) -> None:
        """One more part with its arguments."""
        self._names.append(name)
        self._arguments += arguments

    def add_rows(self, name: str, found: Sequence[Iterable[object]]) -> None:
        """One more part, whose arguments are the columns of these rows; left out without any."""
        if found:
            self.add(name, list(zip(*found, strict=True)))
            self.rows += len(found)

    async def execute(self, connection: asyncpg.Connection, timeout_s: float) -> None:
        """Execute all parts together."""
        await connection.execute(_joined(tuple(self._names)), *self._arguments, timeout=timeout_s)


@cache
def _joined(names: tuple[str, ...]) -> str:
    """The text of a statement of those parts, their parameters numbered one after the other."""
    parts: list[str] = []
    before = 0
    for name in names:
        pieces = re.split(r"\$(\d+)", PARTS[name])  # text, number, text, number... text
        numbers = [int(number) for number in pieces[1::2]]
        pieces[1::2] = [f"${number + before}" for number in numbers]
        parts.append("".join(pieces))
        before += max(numbers)
    tables = (f"{name} AS ({part})" for name, part in zip(names[:-1], parts[:-1], strict=True))
    return f"WITH {', '.join(tables)}\n{parts[-1]}" if parts[1:] else parts[0]
