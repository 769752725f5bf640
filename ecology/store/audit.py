"""Is everything the database says still true? Reads one snapshot; a world at work is not disturbed."""

import hashlib
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import cast

import apsw
import msgspec

import ledger.audit
from ecology.events.registry import TYPE_OF, decode
from ecology.store.connection import faults, open_reader
from ecology.store.economy_audit import audit_economy, verdict
from ecology.store.retold import Retold
from ecology.store.scripts import schema, statements
from ledger.audit import Check

SQL = statements("audit.sql")

_SIGNAL_STEPS = 1_000_000
_EventRow = tuple[int, int, str, str | None, str | None, bytes]


def audit(database: Path) -> list[Check]:
    """Every law that the stored state must obey: the ledger's and the kernel's. Raises StoreFault if unreadable."""
    checks: list[Check] = []
    with faults(database):
        connection = open_reader(database)
        # Python looks for signals whenever it is called: a long statement must not keep Ctrl-C waiting.
        connection.set_progress_handler(lambda: False, _SIGNAL_STEPS)
        try:
            with connection:
                checks += ledger.audit.audit(connection).checks
                told = Retold()
                checks += _readable("tables", lambda: _tables(connection))
                checks += _readable("events", lambda: _events(connection, told))
                checks += _readable("transfers", lambda: _transfers(connection))
                checks += _readable("disk", lambda: _disk(connection))
                checks += _readable("economy", lambda: audit_economy(connection, told))
        finally:
            connection.close()
    return checks


def _readable(name: str, section: Callable[[], list[Check]]) -> list[Check]:
    """The checks of a section; damage that keeps them from being made is a failed check too."""
    try:
        return section()
    except (apsw.CorruptError, apsw.SQLError) as error:
        return [Check(f"{name}_readable", False, str(error))]


def _tables(connection: apsw.Connection) -> list[Check]:
    wanted = re.findall(r"CREATE TABLE (\w+)", schema())
    there = {row[0] for row in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    lost = [f"the table {name} is lost" for name in wanted if name not in there]
    return [verdict("tables_present", lost, f"{len(wanted)} tables beside the ledger's")]


class _Log:
    """One pass over the event log: its numbers, its envelopes, its seals, and the economy that it tells of."""

    def __init__(self, seals: Iterator[tuple[int, bytes]], retold: Retold) -> None:
        self._retold = retold
        self.count = 0
        self.missing: list[str] = []
        self.misfiled: list[str] = []
        self.unsealed: list[str] = []
        self._seals = seals
        self._next = next(seals, None)
        self._sealed = 0
        self._digest = hashlib.sha256()

    def take(self, row: _EventRow) -> None:
        """The next event."""
        sequence, body = row[0], row[-1]
        self.count += 1
        if sequence != self.count and not self.missing:
            self.missing.append(f"event {self.count} is not there")
        if self._next is not None and sequence > self._next[0]:
            self._close_group(self._next)
        self._digest.update(body + b"\n")
        if self._next is not None and sequence == self._next[0]:
            self._close_group(self._next)
        try:
            event = decode(body)
        except msgspec.DecodeError as error:
            self.misfiled.append(f"event {sequence} is none: {error}")
            return
        told = (event.sequence, event.time_ns, TYPE_OF[type(event)], event.principal_id, event.turn_id)
        if told != row[:-1]:
            self.misfiled.append(f"event {sequence} is filed under other facts than it tells")
        self._retold.take(event)

    def end(self) -> None:
        """Every event must lie under a seal, and every seal must have its events."""
        if self._next is not None:
            self.unsealed.append(f"events up to {self._next[0]} were sealed, {self.count} are there")
        elif self.count > self._sealed:
            self.unsealed.append(f"the events after {self._sealed} were never sealed")

    def _close_group(self, group: tuple[int, bytes]) -> None:
        last, sealed = group
        if self._digest.digest() != sealed:
            self.unsealed.append(f"events {self._sealed + 1} to {last} are not what was sealed")
        self._sealed = last
        self._digest = hashlib.sha256(sealed)
        self._next = next(self._seals, None)


def _events(connection: apsw.Connection, retold: Retold) -> list[Check]:
    log = _Log(cast("Iterator[tuple[int, bytes]]", connection.execute(SQL["seals"])), retold)
    for row in connection.execute(SQL["events"]):
        log.take(cast(_EventRow, row))
    log.end()
    return [
        verdict("events_without_gap", log.missing, f"{log.count} events"),
        verdict("events_filed", log.misfiled, "every event is filed under what it tells"),
        verdict("events_sealed", log.unsealed, "no event was changed after its commit"),
    ]


def _transfers(connection: apsw.Connection) -> list[Check]:
    """Nothing moved, and nothing was issued, but what the log announced."""
    wrong = _texts(connection, "misannounced")
    events, announced = cast("tuple[int, int]", connection.execute(SQL["count_announced"]).fetchone())
    moved = cast(int, connection.execute(SQL["count_moved"]).get)
    if not events == announced == moved:
        wrong.append(f"{events} events tell of {announced} transfers, the ledger has {moved}")
    return [verdict("transfers_announced", wrong, f"{moved} transfers, each told once in the log")]


def _disk(connection: apsw.Connection) -> list[Check]:
    return [
        verdict(
            "sizes_true",
            _texts(connection, "sizes_understated"),
            "no artifact holds more bytes than it says",
        ),
        verdict(
            "disk_adds_up",
            [*_texts(connection, "charges_differ"), *_texts(connection, "bearers_without_standing")],
            "every agent is charged the bytes it bears",
        ),
    ]


def _texts(connection: apsw.Connection, name: str) -> list[str]:
    return [str(row[0]) for row in connection.execute(SQL[name])]
