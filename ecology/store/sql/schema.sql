-- The tables of a run beside the ledger's own. Version 3.
-- One writer (the run's process); observers read through connections of their own.

CREATE TABLE meta (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- The event log. `body` is the whole record as one line of JSON; the other columns repeat its envelope for SQL.
CREATE TABLE events (
    sequence     INTEGER PRIMARY KEY,
    time_ns      INTEGER NOT NULL,
    type         TEXT NOT NULL,
    principal_id TEXT,
    turn_id      TEXT,
    body         BLOB NOT NULL
) STRICT;

-- One row per committed group: SHA-256 over the seal before and the group's event lines. Shows any later change to one.
CREATE TABLE seals (
    last_sequence INTEGER PRIMARY KEY,
    sha256        BLOB NOT NULL
) STRICT;

-- HEAD of every artifact. History is in the archive.
CREATE TABLE artifacts (
    created_sequence INTEGER PRIMARY KEY,
    id               TEXT NOT NULL UNIQUE,
    type             TEXT NOT NULL,
    format           TEXT NOT NULL,
    created_by       TEXT NOT NULL,
    owner            TEXT NOT NULL,
    bearer           TEXT NOT NULL,
    contract         TEXT NOT NULL,
    title            TEXT NOT NULL,
    depends_on       BLOB NOT NULL,
    metadata         BLOB NOT NULL,
    interface        BLOB,
    revision         INTEGER NOT NULL,
    size_bytes       INTEGER NOT NULL CHECK (size_bytes >= 0),
    created_ns       INTEGER NOT NULL,
    updated_ns       INTEGER NOT NULL,
    deleted          INTEGER NOT NULL,
    standing         INTEGER NOT NULL,
    contract_state   TEXT NOT NULL,
    content          BLOB NOT NULL
) STRICT;

-- Contents on their way to the archive: one row per revision, gone once the archive has it.
CREATE TABLE revisions (
    sequence    INTEGER PRIMARY KEY,
    artifact_id TEXT NOT NULL,
    revision    INTEGER NOT NULL,
    content     BLOB NOT NULL
) STRICT;

CREATE TABLE agents (
    ordinal         INTEGER PRIMARY KEY,
    id              TEXT NOT NULL UNIQUE,
    status          TEXT NOT NULL,
    reason          TEXT NOT NULL,
    turn            INTEGER NOT NULL,
    failures        INTEGER NOT NULL,
    config_revision INTEGER NOT NULL,
    wake_ns         INTEGER NOT NULL,
    due_ns          INTEGER NOT NULL,
    waiting_on      TEXT,
    sleep           BLOB,
    llm_level_nano  INTEGER NOT NULL CHECK (llm_level_nano >= 0),
    llm_updated_ns  INTEGER NOT NULL,
    cpu_level_nano  INTEGER NOT NULL CHECK (cpu_level_nano >= 0),
    cpu_updated_ns  INTEGER NOT NULL,
    disk_used       INTEGER NOT NULL CHECK (disk_used >= 0),
    inbox           BLOB NOT NULL,
    missed          INTEGER NOT NULL,
    mind            BLOB NOT NULL
) STRICT;

-- What the kernel keeps by name besides artifacts and agents (listings, rentals, bids, delegations, ...), as JSON.
CREATE TABLE registers (
    kind TEXT NOT NULL,
    id   TEXT NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (kind, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE subscriptions (
    place           INTEGER PRIMARY KEY,
    subscription_id TEXT NOT NULL UNIQUE,
    principal_id    TEXT NOT NULL,
    filter          BLOB NOT NULL
) STRICT;

-- Each time a process took up the run: for the person who asks what happened; never part of the world.
CREATE TABLE incarnations (
    number      INTEGER PRIMARY KEY,
    started_utc TEXT NOT NULL,
    note        TEXT NOT NULL
) STRICT;
