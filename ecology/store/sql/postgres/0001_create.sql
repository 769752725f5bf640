-- The tables of a world that many nodes share, beside the ledger's own in the same database. Version 1.
-- Columns are those of the SQLite file, so that either can be told in the other's terms.

-- One row for each migration that was applied; the largest is the version.
CREATE TABLE world_schema (
    version integer PRIMARY KEY
);

CREATE TABLE meta (
    name  text PRIMARY KEY,
    value text NOT NULL
);

-- The one row that orders all: whoever writes holds its lock. `seal` and `sequence` are those of the last event,
-- `origin_us` is the database's time, in microseconds since 1970, at which the world's time was 0.
CREATE TABLE world_head (
    one       boolean PRIMARY KEY CHECK (one),
    number    bigint  NOT NULL CHECK (number >= 0),
    sequence  bigint  NOT NULL CHECK (sequence >= 0),
    time_ns   bigint  NOT NULL CHECK (time_ns >= 0),
    seal      bytea   NOT NULL,
    origin_us bigint  NOT NULL,
    members   bytea   NOT NULL,
    ended     boolean NOT NULL
) WITH (fillfactor = 10);  -- rewritten with every commit, always within its page
INSERT INTO world_head VALUES (TRUE, 0, 0, 0, '', 0, '', FALSE);

-- The history: who wrote which events, with which fencing token. `payload` tells the other replicas what changed, and is
-- dropped when nobody can need it any more.
CREATE TABLE commits (
    number         bigint      PRIMARY KEY CHECK (number > 0),
    node           text        NOT NULL,
    generation     bigint      NOT NULL,
    first_sequence bigint      NOT NULL,
    last_sequence  bigint      NOT NULL CHECK (last_sequence >= first_sequence - 1),
    time_ns        bigint      NOT NULL,
    committed_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    payload        bytea
);
ALTER TABLE commits ALTER COLUMN payload SET STORAGE EXTERNAL;  -- compressed before it comes here
CREATE INDEX commits_with_payload ON commits (number) WHERE payload IS NOT NULL;

-- Who may act for a while, by this database's clock. Generations come from one sequence: none is ever given twice.
CREATE SEQUENCE lease_generations;
CREATE TABLE leases (
    name       text        PRIMARY KEY,
    holder     text        NOT NULL,
    generation bigint      NOT NULL,
    expires    timestamptz NOT NULL,
    note       bytea       NOT NULL
) WITH (fillfactor = 50);

-- The event log. `body` is the whole record as one line of JSON; the other columns repeat its envelope for SQL.
CREATE TABLE events (
    sequence     bigint PRIMARY KEY,
    time_ns      bigint NOT NULL,
    type         text   NOT NULL,
    principal_id text,
    turn_id      text,
    body         bytea  NOT NULL
);

-- One row per commit with events: SHA-256 over the seal before and the commit's event lines.
CREATE TABLE seals (
    last_sequence bigint PRIMARY KEY,
    sha256        bytea  NOT NULL
);

-- HEAD of every artifact. History is in the archive.
CREATE TABLE artifacts (
    created_sequence bigint  PRIMARY KEY,
    id               text    NOT NULL UNIQUE,
    type             text    NOT NULL,
    format           text    NOT NULL,
    created_by       text    NOT NULL,
    owner            text    NOT NULL,
    bearer           text    NOT NULL,
    contract         text    NOT NULL,
    title            text    NOT NULL,
    depends_on       bytea   NOT NULL,
    metadata         bytea   NOT NULL,
    interface        bytea,
    revision         bigint  NOT NULL,
    size_bytes       bigint  NOT NULL CHECK (size_bytes >= 0),
    created_ns       bigint  NOT NULL,
    updated_ns       bigint  NOT NULL,
    deleted          boolean NOT NULL,
    standing         boolean NOT NULL,
    contract_state   text    NOT NULL,
    content          bytea   NOT NULL
) WITH (fillfactor = 80);

-- Contents on their way to the archive: one row per revision, gone once the archive has it.
CREATE TABLE revisions (
    sequence    bigint PRIMARY KEY,
    artifact_id text   NOT NULL,
    revision    bigint NOT NULL,
    content     bytea  NOT NULL
);

CREATE TABLE agents (
    ordinal         bigint PRIMARY KEY,
    id              text   NOT NULL UNIQUE,
    status          text   NOT NULL,
    reason          text   NOT NULL,
    turn            bigint NOT NULL,
    failures        bigint NOT NULL,
    config_revision bigint NOT NULL,
    wake_ns         bigint NOT NULL,
    due_ns          bigint NOT NULL,
    waiting_on      text,
    sleep           bytea,
    llm_level_nano  bigint NOT NULL CHECK (llm_level_nano >= 0),
    llm_updated_ns  bigint NOT NULL,
    cpu_level_nano  bigint NOT NULL CHECK (cpu_level_nano >= 0),
    cpu_updated_ns  bigint NOT NULL,
    disk_used       bigint NOT NULL CHECK (disk_used >= 0),
    inbox           bytea  NOT NULL,
    missed          bigint NOT NULL,
    mind            bytea  NOT NULL
) WITH (fillfactor = 50);  -- a row per turn: room to be updated in place, without touching an index

-- What the kernel keeps by name besides artifacts and agents (listings, rentals, bids, delegations, ...), as JSON.
CREATE TABLE registers (
    kind text  NOT NULL,
    id   text  NOT NULL,
    body bytea NOT NULL,
    PRIMARY KEY (kind, id)
) WITH (fillfactor = 50);

CREATE TABLE subscriptions (
    place           bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    subscription_id text   NOT NULL UNIQUE,
    principal_id    text   NOT NULL,
    filter          bytea  NOT NULL
);

-- Each time a process took up the run: for the person who asks what happened; never part of the world.
CREATE TABLE incarnations (
    number      bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    started_utc text   NOT NULL,
    note        text   NOT NULL
);
