-- name: schema_exists
-- Not by to_regclass: inside a transaction it may not yet know of a table that another process has just committed.
SELECT count(*) > 0
FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relname = 'ledger_schema' AND c.relkind = 'r' AND n.nspname = ANY (current_schemas(FALSE));

-- name: schema_version
SELECT coalesce(max(version), 0) FROM ledger_schema;

-- name: add_schema_version
INSERT INTO ledger_schema (version) VALUES ($1);

-- name: lock_schema
-- Let go of at the end of the transaction, so that no session has to keep it.
SELECT pg_advisory_xact_lock(7310579110234);

-- name: durability
SELECT current_setting('fsync'), current_setting('synchronous_commit'), current_setting('transaction_read_only');

-- name: add_accounts
-- In the order in which they were asked for. What somebody else opened meanwhile is left to `accounts_named`.
INSERT INTO ledger_accounts (owner, asset, issuer, balance, held)
SELECT owner, asset, issuer, 0, 0
FROM unnest($1::text[], $2::text[], $3::boolean[]) WITH ORDINALITY AS new (owner, asset, issuer, place)
ORDER BY place
ON CONFLICT (owner, asset) DO NOTHING;

-- name: insert_accounts
-- With the ids that a book of all accounts gave them.
INSERT INTO ledger_accounts (id, owner, asset, issuer, balance, held)
SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::boolean[], $5::bigint[], $6::bigint[]);

-- name: keep_sequence_ahead
-- So that an account that is opened by name later gets an id of its own. $1 is the largest id just inserted.
SELECT setval('ledger_accounts_id_seq', $1::bigint) WHERE $1::bigint >= (SELECT last_value FROM ledger_accounts_id_seq);

-- name: accounts_after
SELECT id, owner, asset, issuer, balance, held FROM ledger_accounts WHERE id > $1 ORDER BY id LIMIT $2;

-- name: pending_after
SELECT t.id, t.kind, t.debit, t.credit, t.amount, t.pending_id, t.expires_ns, t.time_ns, t.memo
FROM ledger_holds AS h JOIN ledger_transfers AS t ON t.id = h.id
WHERE h.state = 'pending' AND h.id > $1
ORDER BY h.id
LIMIT $2;

-- name: accounts_named
SELECT a.owner, a.asset, a.id, a.issuer
FROM unnest($1::text[], $2::text[]) AS wanted (owner, asset)
JOIN ledger_accounts AS a ON a.owner = wanted.owner AND a.asset = wanted.asset;

-- name: lock_accounts
-- The accounts $1, those of the holds $2, and those of the holds due at $3. A hold changes only under the lock of the
-- account that it debits, so holds need no lock of their own.
SELECT id, owner, asset, issuer, balance, held
FROM ledger_accounts
WHERE id = ANY (
    $1::bigint[]
    || ARRAY(SELECT debit FROM ledger_transfers WHERE id = ANY ($2::bigint[]) AND kind = 2)
    || ARRAY(SELECT credit FROM ledger_transfers WHERE id = ANY ($2::bigint[]) AND kind = 2)
    || ARRAY(
        SELECT t.debit
        FROM ledger_holds AS h JOIN ledger_transfers AS t ON t.id = h.id
        WHERE h.state = 'pending' AND t.expires_ns > 0 AND t.expires_ns <= $3
    )
)
ORDER BY id
FOR UPDATE;

-- name: known
-- The transfers $1 with the states of those that are holds.
SELECT t.id, t.kind, t.debit, t.credit, t.amount, t.pending_id, t.expires_ns, t.time_ns, t.memo, h.state
FROM ledger_transfers AS t LEFT JOIN ledger_holds AS h ON h.id = t.id
WHERE t.id = ANY ($1::bigint[]);

-- name: due
-- The pending holds of the accounts $1 that are due at $2.
SELECT t.id, t.kind, t.debit, t.credit, t.amount, t.pending_id, t.expires_ns, t.time_ns, t.memo, h.state
FROM ledger_holds AS h JOIN ledger_transfers AS t ON t.id = h.id
WHERE h.state = 'pending' AND t.expires_ns > 0 AND t.expires_ns <= $2 AND t.debit = ANY ($1::bigint[]);

-- name: write
-- All of a group in one statement: net balances, transfers in the order of their ids, holds. Returns how many transfers
-- were new, which tells whether somebody used one of the ids meanwhile, and the transaction, which marks the rows.
WITH moved AS (
    UPDATE ledger_accounts AS a SET balance = net.balance, held = net.held
    FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]) AS net (balance, held, id)
    WHERE a.id = net.id
),
made AS (
    INSERT INTO ledger_transfers (id, kind, debit, credit, amount, pending_id, expires_ns, time_ns, memo)
    SELECT *
    FROM unnest(
        $4::bigint[], $5::smallint[], $6::bigint[], $7::bigint[], $8::bigint[], $9::bigint[], $10::bigint[],
        $11::bigint[], $12::text[]
    ) AS new (id)
    ORDER BY new.id
    ON CONFLICT (id) DO NOTHING
    RETURNING 1
),
kept AS (
    INSERT INTO ledger_holds (id, state, resolved_by)
    SELECT * FROM unnest($13::bigint[], $14::text[], $15::bigint[])
    ON CONFLICT (id) DO UPDATE SET state = excluded.state, resolved_by = excluded.resolved_by
)
SELECT (SELECT count(*) FROM made), pg_current_xact_id()::xid::text;

-- name: in_progress
-- Whether the transaction $1 still runs: each holds a lock on its own id until all can see what it did.
SELECT count(*) > 0
FROM pg_catalog.pg_locks
WHERE locktype = 'transactionid' AND transactionid = $1::text::xid AND granted AND mode = 'ExclusiveLock';

-- name: left_behind
-- Whether the transfer $2 or the state of the hold $3 was written by the transaction $1. Not by pg_xact_status: a crash
-- may have forgotten the id and given it to somebody else since.
SELECT EXISTS (SELECT 1 FROM ledger_transfers WHERE id = $2 AND xmin = $1::text::xid)
    OR EXISTS (SELECT 1 FROM ledger_holds WHERE id = $3 AND xmin = $1::text::xid);

-- name: account
SELECT balance, held FROM ledger_accounts WHERE id = $1;

-- name: accounts_of
SELECT asset, id FROM ledger_accounts WHERE owner = $1 ORDER BY id;

-- name: hold_state
SELECT state FROM ledger_holds WHERE id = $1;
