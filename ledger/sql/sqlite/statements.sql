-- name: schema_exists
SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'ledger_schema';

-- name: schema_version
SELECT max(version) FROM ledger_schema;

-- name: add_schema_version
INSERT INTO ledger_schema (version) VALUES (?);

-- name: add_account
INSERT INTO ledger_accounts (id, owner, asset, issuer, balance, held) VALUES (?, ?, ?, ?, ?, ?);

-- name: put_balance
UPDATE ledger_accounts SET balance = ?, held = ? WHERE id = ?;

-- name: add_transfer
INSERT INTO ledger_transfers (id, kind, debit, credit, amount, pending_id, expires_ns, time_ns, memo)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: put_hold
INSERT INTO ledger_holds (id, state, resolved_by) VALUES (?, ?, ?)
ON CONFLICT (id) DO UPDATE SET state = excluded.state, resolved_by = excluded.resolved_by;

-- name: all_accounts
SELECT id, owner, asset, issuer, balance, held FROM ledger_accounts ORDER BY id;

-- name: pending_holds
SELECT t.id, t.kind, t.debit, t.credit, t.amount, t.pending_id, t.expires_ns, t.time_ns, t.memo
FROM ledger_holds AS h JOIN ledger_transfers AS t ON t.id = h.id
WHERE h.state = 'pending'
ORDER BY h.id;

-- name: transfers_of
-- Parameter: a JSON array of ids.
SELECT t.id, t.kind, t.debit, t.credit, t.amount, t.pending_id, t.expires_ns, t.time_ns, t.memo
FROM json_each(?) AS wanted JOIN ledger_transfers AS t ON t.id = wanted.value;

-- name: hold_states_of
-- Parameter: a JSON array of ids.
SELECT h.id, h.state FROM json_each(?) AS wanted JOIN ledger_holds AS h ON h.id = wanted.value;

-- name: highest_transfer
SELECT coalesce(max(id), 0) FROM ledger_transfers;
