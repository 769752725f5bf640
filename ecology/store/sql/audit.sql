-- What the audit reads. Whatever looks for offenders returns one text for each.

-- name: events
SELECT sequence, time_ns, type, principal_id, turn_id, body FROM events ORDER BY sequence;

-- name: seals
SELECT last_sequence, sha256 FROM seals ORDER BY last_sequence;

-- name: misannounced
-- transfers in the log that the ledger does not have, or has otherwise
WITH told AS (
    SELECT sequence, json_extract(body, '$.transfer_id') AS id, json_extract(body, '$.asset') AS asset,
           json_extract(body, '$.from_id') AS from_id, json_extract(body, '$.to_id') AS to_id,
           json_extract(body, '$.amount') AS amount
    FROM events WHERE type = 'transfer.posted'
)
SELECT 'event ' || told.sequence || ' tells of another transfer than ' || told.id || ' in the ledger'
FROM told
LEFT JOIN ledger_transfers t ON t.id = told.id
LEFT JOIN ledger_accounts debit ON debit.id = t.debit
LEFT JOIN ledger_accounts credit ON credit.id = t.credit
WHERE t.amount IS NOT told.amount OR debit.owner IS NOT told.from_id OR credit.owner IS NOT told.to_id
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

-- name: quotas_exceeded
SELECT agents.id || ' uses ' || disk_used || ' of ' || coalesce(balance - held, 0) || ' bytes'
FROM agents LEFT JOIN ledger_accounts ON owner = agents.id AND asset = 'disk'
WHERE disk_used > coalesce(balance - held, 0);
