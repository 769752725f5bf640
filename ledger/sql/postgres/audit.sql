-- What the audit reads. PostgreSQL's sum() of bigints is a numeric, which does not overflow.

-- name: accounts
SELECT id, owner, asset, issuer, balance, held FROM ledger_accounts ORDER BY id;

-- name: entries
-- The sum of each account's entries.
WITH moves AS (
    SELECT debit, credit, amount FROM ledger_transfers WHERE kind = 1
    UNION ALL
    SELECT hold.debit, hold.credit, CASE post.amount WHEN 0 THEN hold.amount ELSE post.amount END
    FROM ledger_transfers AS post JOIN ledger_transfers AS hold ON hold.id = post.pending_id AND hold.kind = 2
    WHERE post.kind = 3
)
SELECT account, sum(amount)
FROM (
    SELECT debit AS account, -amount::numeric AS amount FROM moves
    UNION ALL
    SELECT credit, amount FROM moves
) AS sides
GROUP BY account;

-- name: pending_amounts
SELECT hold.debit, sum(hold.amount)
FROM ledger_holds AS state JOIN ledger_transfers AS hold ON hold.id = state.id AND hold.kind = 2
WHERE state.state = 'pending'
GROUP BY hold.debit;

-- name: bad_accounts
-- transfers and holds between accounts that do not exist or keep different assets
SELECT t.id
FROM ledger_transfers AS t
LEFT JOIN ledger_accounts AS debit ON debit.id = t.debit
LEFT JOIN ledger_accounts AS credit ON credit.id = t.credit
WHERE t.kind IN (1, 2)
AND (debit.asset IS NULL OR credit.asset IS DISTINCT FROM debit.asset OR t.debit = t.credit)
LIMIT 6;

-- name: stateless_holds
-- holds without a state
SELECT hold.id
FROM ledger_transfers AS hold LEFT JOIN ledger_holds AS state ON state.id = hold.id
WHERE hold.kind = 2 AND state.id IS NULL
LIMIT 6;

-- name: holdless_states
-- states of holds that were never made
SELECT state.id
FROM ledger_holds AS state LEFT JOIN ledger_transfers AS hold ON hold.id = state.id
WHERE hold.kind IS DISTINCT FROM 2
LIMIT 6;

-- name: unresolved_holds
-- holds whose state does not agree with the transfer that resolved them
SELECT state.id
FROM ledger_holds AS state
LEFT JOIN ledger_transfers AS resolving ON resolving.id = state.resolved_by
LEFT JOIN ledger_transfers AS hold ON hold.id = state.id
WHERE CASE state.state
    WHEN 'posted' THEN resolving.kind IS DISTINCT FROM 3 OR resolving.pending_id <> state.id
    WHEN 'voided' THEN resolving.kind IS DISTINCT FROM 4 OR resolving.pending_id <> state.id
    WHEN 'expired' THEN state.resolved_by <> 0 OR hold.expires_ns = 0
    WHEN 'pending' THEN state.resolved_by <> 0
    ELSE TRUE
END
LIMIT 6;

-- name: stray_resolutions
-- posts and voids that resolved no hold, or more than was held
SELECT resolving.id
FROM ledger_transfers AS resolving
LEFT JOIN ledger_holds AS state ON state.id = resolving.pending_id
LEFT JOIN ledger_transfers AS hold ON hold.id = resolving.pending_id
WHERE resolving.kind IN (3, 4)
AND (state.resolved_by IS DISTINCT FROM resolving.id OR resolving.amount > hold.amount)
LIMIT 6;
