"""The run's database: written by one process in groups, each group one transaction with the ledger's own rows.

`write` and `commit` are separate because they cost differently: rows are written on the caller's thread (a thread that
steps SQLite row by row fights over the interpreter lock), and the commit, which waits for the disk, may be given to
another thread while the world goes on.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import apsw
import msgspec

import ledger.sqlite
from ecology.core.errors import StoreFault, UsageError
from ecology.kernel.batch import Batch
from ecology.kernel.laws import Laws
from ecology.kernel.world import World
from ecology.store import rows
from ecology.store.connection import damaged, faults, open_reader, open_writer
from ecology.store.restored import Restored, empty_world
from ecology.store.scripts import schema, statements
from ecology.store.seal import seal

SCHEMA_VERSION = 3
SQL = statements("statements.sql")


@contextmanager
def new_file(path: Path) -> Iterator[apsw.Connection]:
    """A connection to a database with empty tables that is seen at `path` once this is left without an exception.

    What SQLite reports passes through as apsw's own exceptions.
    """
    partial = path.with_suffix(".partial")
    _remove(partial)  # of a process that was killed right here
    connection = open_writer(partial, create=True)
    try:
        with connection:
            ledger.sqlite.migrate(connection)
            connection.execute(schema())
            connection.execute(SQL["put_meta"], ("schema_version", str(SCHEMA_VERSION)))
        yield connection
        # Closing would do this too, but would not say if the disk had no room for it.
        connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
        connection.close()
        # Of a file that was there: SQLite would read its log into this one.
        _remove(path, "-journal", "-wal", "-shm")
        partial.replace(path)
    except BaseException:
        connection.close()
        _remove(partial)
        raise


def _remove(path: Path, *suffixes: str) -> None:
    for suffix in suffixes or ("", "-journal", "-wal", "-shm"):
        Path(f"{path}{suffix}").unlink(missing_ok=True)


class SqliteStore:
    """The writer's side of `ecology.sqlite`."""

    def __init__(self, path: Path, connection: apsw.Connection) -> None:
        self.path = path
        self._connection = connection
        self._reader: apsw.Connection | None = None
        self._archived = 0
        self._seal = b""
        self._unsealed: list[rows.Row] = []
        self.facts: Callable[[], dict[str, str]] = dict
        """What the host knows of the run and no event may state, such as how long it has been worked on; kept with each
        group for the person who asks."""

    @classmethod
    def create(cls, path: Path) -> "SqliteStore":
        """A new, empty database. The file appears with all its tables or not at all."""
        with faults(path):
            # In its final journal mode before it is seen: a reader cannot undo a change of mode that was cut short.
            with new_file(path):
                pass  # its empty tables are all that it begins with
            return cls(path, open_writer(path))

    @classmethod
    def open(cls, path: Path) -> "SqliteStore":
        """An existing database, checked to be one of ours and whole; raises StoreFault if it is not."""
        if not path.is_file():
            raise UsageError(f"{path} does not exist", remedy="give the directory of a run")
        with faults(path):
            connection = open_writer(path)
            store = cls(path, connection)
            try:
                store._check()
                ledger.sqlite.migrate(connection)
                store._seal = cast("bytes | None", connection.execute(SQL["last_seal"]).get) or b""
            except BaseException:
                connection.close()
                raise
        return store

    def _check(self) -> None:
        """Whether these are our tables, and no page of the file is broken (which costs one reading of it)."""
        known = self._connection.execute("SELECT count(*) FROM sqlite_schema WHERE name = 'meta'").get
        version = self.meta("schema_version") if known else None
        if version is None:
            raise StoreFault(
                f"{self.path} is not the database of a run", remedy="give the directory of a run"
            )
        if version != str(SCHEMA_VERSION):
            raise StoreFault(
                f"{self.path} has schema version {version}, this program knows {SCHEMA_VERSION}",
                remedy="use the version of the program that wrote it (run.yaml names it)",
            )
        found = self._connection.execute("PRAGMA quick_check(1)").get
        if found != "ok":
            raise damaged(self.path, found)

    def meta(self, name: str) -> str | None:
        """A fact about the run."""
        with faults(self.path):
            value = self._connection.execute(SQL["get_meta"], (name,)).get
            return cast("str | None", value)

    def put_meta(self, name: str, value: str) -> None:
        """Set a fact about the run, inside the open transaction if there is one."""
        with faults(self.path):
            self._connection.execute(SQL["put_meta"], (name, value))

    def is_empty(self) -> bool:
        """Whether the world has not begun: its process was killed before the first commit."""
        return self.last_sequence() == 0

    def has_ended(self) -> bool:
        """Whether the log says that the run is over."""
        with faults(self.path):
            return bool(self._connection.execute(SQL["last_type"]).get == "run.ended")

    def last_sequence(self) -> int:
        """The number of the last event; 0 for none."""
        with faults(self.path):
            return cast(int, self._connection.execute(SQL["last_sequence"]).get)

    def clear_outbox(self) -> None:
        """Drop what the archive has confirmed since the last group."""
        with faults(self.path):
            self._connection.execute(SQL["drop_revisions"], (self._archived,))

    def note(self, stamp: str, text: str) -> None:
        """Record that a process took up the run."""
        with faults(self.path):
            self._connection.execute(SQL["add_incarnation"], (stamp, text))

    def archived(self, sequence: int) -> None:
        """The archive has every revision up to `sequence`; the next group drops them from the outbox."""
        self._archived = sequence

    def write(self, batch: Batch, now_ns: int) -> None:
        """Begin a transaction and write a group's rows; `commit` or `roll_back` ends it."""
        connection = self._connection
        with faults(self.path):
            connection.execute("BEGIN IMMEDIATE")
            try:
                self._write_rows(connection, batch, now_ns)
            except BaseException:
                self.roll_back()
                raise

    def _write_rows(self, connection: apsw.Connection, batch: Batch, now_ns: int) -> None:
        ledger.sqlite.write(connection, batch.ledger)
        events = [rows.event_row(event) for event in batch.events]
        connection.executemany(SQL["add_event"], events)
        self._unsealed = events
        contents = batch.contents
        whole = [rows.artifact_row(it, contents[it.id]) for it in batch.artifacts if it.id in contents]
        if whole:
            connection.executemany(SQL["put_artifact"], whole)
        moved = [rows.moved_row(it) for it in batch.artifacts if it.id not in contents]
        if moved:
            connection.executemany(SQL["move_artifact"], moved)
        if batch.revisions:
            connection.executemany(
                SQL["add_revision"],
                [(it.sequence, it.artifact_id, it.revision, it.content) for it in batch.revisions],
            )
        agents = [rows.agent_row(agent) for agent in batch.agents]
        before = connection.total_changes()
        connection.executemany(SQL["put_agent"], agents)
        if connection.total_changes() - before < len(agents):  # somebody was born
            connection.executemany(SQL["add_agent"], agents)
        for subscription_id in batch.unsubscribed:
            connection.execute(SQL["drop_subscription"], (subscription_id,))
        for subscription in batch.subscribed:
            connection.execute(SQL["add_subscription"], rows.subscription_row(subscription))
        for kind, name, body in batch.records:
            if body is None:
                connection.execute(SQL["drop_record"], (kind, name))
            else:
                connection.execute(SQL["put_record"], (kind, name, body))
        connection.execute(SQL["put_meta"], ("time_ns", str(now_ns)))
        connection.executemany(SQL["put_meta"], self.facts().items())
        if self._archived:
            connection.execute(SQL["drop_revisions"], (self._archived,))
            self._archived = 0

    def commit(self) -> None:
        """Seal the written group and make it durable. May run on another thread than `write`."""
        with faults(self.path):
            try:
                sealed = self._add_seal()
                self._connection.execute("COMMIT")
            except BaseException:
                self.roll_back()
                raise
        self._seal = sealed

    def _add_seal(self) -> bytes:
        events, self._unsealed = self._unsealed, []
        if not events:
            return self._seal
        sealed = seal(self._seal, (cast(bytes, row[-1]) for row in events))
        self._connection.execute(SQL["add_seal"], (events[-1][0], sealed))
        return sealed

    def roll_back(self) -> None:
        """Undo the written group."""
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")

    def content(self, artifact_id: str) -> bytes:
        """A committed content, read beside the writer."""
        if self._reader is None:
            with faults(self.path):
                self._reader = open_reader(self.path)
        with faults(self.path):
            content = self._reader.execute(SQL["content_of"], (artifact_id,)).get
        assert isinstance(content, bytes), f"the shelf knows '{artifact_id}' and the store does not"
        return content

    def new_world(self, *, seed: int, default_contract: str, laws: Laws | None = None) -> World:
        """An empty world that will be committed here."""
        return empty_world(self.content, seed=seed, default_contract=default_contract, laws=laws)

    def load_world(self, *, seed: int, default_contract: str, laws: Laws | None = None) -> tuple[World, int]:
        """The world as of the last commit, and its time. Raises StoreFault for rows that make no world.

        What the scenario decides is not stored twice: the caller gives what it gave to `new_world`.
        """
        with faults(self.path):
            try:
                return self._load(seed, default_contract, laws)
            except (msgspec.DecodeError, LookupError, ValueError, AssertionError) as error:
                raise damaged(self.path, f"{type(error).__name__}: {error}") from error

    def _load(self, seed: int, default_contract: str, laws: Laws | None) -> tuple[World, int]:
        connection = self._connection
        restored = Restored(
            self.content,
            book=ledger.sqlite.load(connection),
            last_sequence=self.last_sequence(),
            seed=seed,
            default_contract=default_contract,
            laws=laws,
        )
        restored.artifacts(connection.execute(SQL["all_artifacts"]))
        for kind in restored.kinds:
            restored.records(
                kind, (cast(bytes, row[0]) for row in connection.execute(SQL["records_of"], (kind,)))
            )
        restored.subscriptions(connection.execute(SQL["all_subscriptions"]))
        agent_rows = list(connection.execute(SQL["all_agents"]))
        restored.agents(agent_rows, self._events(restored.wanted(agent_rows)))
        return restored.world, int(self.meta("time_ns") or 0)

    def _events(self, sequences: list[int]) -> Iterator[rows.Row]:
        return self._connection.execute(SQL["event_bodies_of"], (msgspec.json.encode(sequences).decode(),))

    def close(self) -> None:
        """Close the database; the last closer empties the write-ahead log into it."""
        with faults(self.path):
            if self._reader is not None:
                self._reader.close()
            self._connection.close()
