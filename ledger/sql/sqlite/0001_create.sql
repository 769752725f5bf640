-- The ledger's tables, version 1. Amounts are whole units of the account's asset, times nanoseconds of the caller's clock.

-- One row for each migration that was applied; the largest is the version.
CREATE TABLE ledger_schema (
    version INTEGER PRIMARY KEY
) STRICT;

CREATE TABLE ledger_accounts (
    id      INTEGER PRIMARY KEY CHECK (id > 0),
    owner   TEXT    NOT NULL CHECK (owner <> ''),
    asset   TEXT    NOT NULL CHECK (asset <> ''),
    issuer  INTEGER NOT NULL CHECK (issuer IN (0, 1)),
    balance INTEGER NOT NULL,
    held    INTEGER NOT NULL CHECK (held >= 0),
    UNIQUE (owner, asset),
    CHECK (issuer OR balance >= held)
) STRICT;

-- Every accepted transfer as it was submitted; never changed. Kinds: 1 transfer, 2 hold, 3 post, 4 void.
-- A post's or void's debit and credit may be 0 (the hold's), and its amount 0 (all of the hold).
CREATE TABLE ledger_transfers (
    id         INTEGER PRIMARY KEY CHECK (id > 0),
    kind       INTEGER NOT NULL CHECK (kind BETWEEN 1 AND 4),
    debit      INTEGER NOT NULL,
    credit     INTEGER NOT NULL,
    amount     INTEGER NOT NULL CHECK (amount > 0 OR (amount = 0 AND kind > 2)),
    pending_id INTEGER NOT NULL CHECK ((pending_id > 0) = (kind > 2)),
    expires_ns INTEGER NOT NULL,
    time_ns    INTEGER NOT NULL,
    memo       TEXT    NOT NULL
) STRICT;

-- Where each hold stands in its life; its accounts and amount are in the transfer of the same id.
CREATE TABLE ledger_holds (
    id          INTEGER PRIMARY KEY CHECK (id > 0),
    state       TEXT    NOT NULL CHECK (state IN ('pending', 'posted', 'voided', 'expired')),
    resolved_by INTEGER NOT NULL CHECK ((resolved_by > 0) = (state IN ('posted', 'voided')))
) STRICT;

CREATE INDEX ledger_holds_pending ON ledger_holds (id) WHERE state = 'pending';
