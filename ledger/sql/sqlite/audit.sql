-- What the audit reads. Sums are made by the reader in unbounded integers: SQLite's sum() fails beyond 64 bits, which
-- the entries of a busy account may pass on the way to a balance that fits.

-- name: accounts
SELECT id, owner, asset, issuer, balance, held FROM ledger_accounts;

-- name: entries
SELECT debit, credit, amount FROM ledger_transfers WHERE kind = 1
UNION ALL
SELECT hold.debit, hold.credit, CASE post.amount WHEN 0 THEN hold.amount ELSE post.amount END
FROM ledger_transfers AS post JOIN ledger_transfers AS hold ON hold.id = post.pending_id AND hold.kind = 2
WHERE post.kind = 3;

-- name: pending_amounts
SELECT hold.debit, hold.amount
FROM ledger_holds AS state JOIN ledger_transfers AS hold ON hold.id = state.id AND hold.kind = 2
WHERE state.state = 'pending';

-- name: bad_accounts
-- transfers and holds between accounts that do not exist or keep different assets
SELECT t.id
FROM ledger_transfers AS t
LEFT JOIN ledger_accounts AS debit ON debit.id = t.debit
LEFT JOIN ledger_accounts AS credit ON credit.id = t.credit
WHERE t.kind IN (1, 2) AND (debit.asset IS NULL OR credit.asset IS NOT debit.asset OR t.debit = t.credit)
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
WHERE hold.kind IS NOT 2
LIMIT 6;

-- name: unresolved_holds
-- holds whose state does not agree with the transfer that resolved them
SELECT state.id
FROM ledger_holds AS state
LEFT JOIN ledger_transfers AS resolving ON resolving.id = state.resolved_by
LEFT JOIN ledger_transfers AS hold ON hold.id = state.id
WHERE CASE state.state
    WHEN 'posted' THEN resolving.kind IS NOT 3 OR resolving.pending_id <> state.id
    WHEN 'voided' THEN resolving.kind IS NOT 4 OR resolving.pending_id <> state.id
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
WHERE resolving.kind IN (3, 4) AND (state.resolved_by IS NOT resolving.id OR resolving.amount > hold.amount)
LIMIT 6;
