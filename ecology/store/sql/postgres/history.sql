-- What the check of a world's history reads, in this order; see ecology/nodes/history.py.

-- name: commits
SELECT number, node, generation, first_sequence, last_sequence, time_ns FROM commits ORDER BY number;

-- name: events
SELECT body FROM events ORDER BY sequence;

-- name: accounts
SELECT owner, asset, balance, held FROM ledger_accounts ORDER BY id;

-- name: agents
SELECT id, turn FROM agents ORDER BY ordinal;
