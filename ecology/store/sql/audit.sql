-- What the audit reads. Whatever looks for offenders returns one text for each.

-- name: events
SELECT sequence, time_ns, type, principal_id, turn_id, body FROM events ORDER BY sequence;

-- name: seals
SELECT last_sequence, sha256 FROM seals ORDER BY last_sequence;

-- name: misannounced
-- transfers in the log that the ledger does not have, or has otherwise; a post may leave to its hold what it moved
WITH told AS (
    SELECT sequence, json_extract(body, '$.transfer_id') AS id, json_extract(body, '$.asset') AS asset,
           json_extract(body, '$.from_id') AS from_id, json_extract(body, '$.to_id') AS to_id,
           json_extract(body, '$.amount') AS amount
    FROM events WHERE type = 'transfer.posted'
)
SELECT 'event ' || told.sequence || ' tells of another transfer than ' || told.id || ' in the ledger'
FROM told
LEFT JOIN ledger_transfers t ON t.id = told.id
LEFT JOIN ledger_transfers hold ON hold.id = t.pending_id AND hold.kind = 2
LEFT JOIN ledger_accounts debit ON debit.id = coalesce(hold.debit, t.debit)
LEFT JOIN ledger_accounts credit ON credit.id = coalesce(hold.credit, t.credit)
WHERE coalesce(nullif(t.amount, 0), hold.amount) IS NOT told.amount OR debit.owner IS NOT told.from_id OR credit.owner IS NOT told.to_id
   OR debit.asset IS NOT told.asset;

-- name: count_announced
SELECT count(*), count(DISTINCT json_extract(body, '$.transfer_id')) FROM events WHERE type = 'transfer.posted';

-- name: count_moved
-- kinds: 1 a transfer, 3 the posting of a hold
SELECT count(*) FROM ledger_transfers WHERE kind IN (1, 3);

-- name: sizes_understated
-- the size counts more than the content, never less
SELECT id || ' says ' || size_bytes || ' bytes and holds ' || length(content)
FROM artifacts WHERE length(content) > size_bytes;

-- name: charges_differ
SELECT agents.id || ' is charged ' || disk_used || ' bytes and bears ' || coalesce(borne.size, 0)
FROM agents
LEFT JOIN (SELECT bearer, sum(size_bytes) AS size FROM artifacts GROUP BY bearer) AS borne ON borne.bearer = agents.id
WHERE disk_used <> coalesce(borne.size, 0);

-- name: bearers_without_standing
SELECT DISTINCT bearer || ' bears bytes and has no standing' FROM artifacts
WHERE bearer NOT IN (SELECT id FROM agents) AND bearer NOT IN (SELECT id FROM artifacts WHERE standing);

-- name: disk_borne
-- bytes that each principal bears, those of its own configuration, and how much of the quota it has is not held
SELECT bearer, sum(size_bytes), sum(size_bytes * (type = 'agent')), balance - held
FROM artifacts LEFT JOIN ledger_accounts AS quota ON quota.owner = bearer AND quota.asset = 'disk'
GROUP BY bearer;

-- name: records
SELECT id, body FROM registers WHERE kind = ? ORDER BY id;

-- name: pending_holds
SELECT hold.id, debit.owner, debit.asset, credit.owner, hold.amount
FROM ledger_holds AS state
JOIN ledger_transfers AS hold ON hold.id = state.id AND hold.kind = 2
LEFT JOIN ledger_accounts AS debit ON debit.id = hold.debit
LEFT JOIN ledger_accounts AS credit ON credit.id = hold.credit
WHERE state.state = 'pending' ORDER BY hold.id;

-- name: contract_states
SELECT id, contract_state FROM artifacts WHERE contract_state <> '' ORDER BY created_sequence;

-- name: holdings
-- every account that is not empty, and whether its owner is a principal
SELECT asset, owner, balance, owner IN (SELECT id FROM agents) OR owner IN (SELECT id FROM artifacts WHERE standing)
FROM ledger_accounts WHERE balance <> 0 ORDER BY asset, owner;

-- name: system_transfers
SELECT count(*) FROM ledger_transfers WHERE id >= ? AND id < ?;
