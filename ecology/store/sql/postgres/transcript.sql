-- What a transcript into SQLite reads, each table in the order and with the columns in which SQLite's statements write it.

-- name: meta
SELECT name, value FROM meta ORDER BY name;

-- name: accounts
SELECT id, owner, asset, issuer, balance, held FROM ledger_accounts ORDER BY id;

-- name: transfers
SELECT id, kind, debit, credit, amount, pending_id, expires_ns, time_ns, memo FROM ledger_transfers ORDER BY id;

-- name: holds
SELECT id, state, resolved_by FROM ledger_holds ORDER BY id;

-- name: events
SELECT sequence, time_ns, type, principal_id, turn_id, body FROM events ORDER BY sequence;

-- name: seals
SELECT last_sequence, sha256 FROM seals ORDER BY last_sequence;

-- name: artifacts
SELECT created_sequence, id, type, format, created_by, owner, bearer, contract, title, depends_on, metadata, interface,
       revision, size_bytes, created_ns, updated_ns, deleted, standing, contract_state, content
FROM artifacts ORDER BY created_sequence;

-- name: revisions
SELECT sequence, artifact_id, revision, content FROM revisions ORDER BY sequence;

-- name: agents
SELECT ordinal, id, status, reason, turn, failures, config_revision, wake_ns, due_ns, waiting_on, sleep, llm_level_nano,
       llm_updated_ns, cpu_level_nano, cpu_updated_ns, disk_used, inbox, missed, mind
FROM agents ORDER BY ordinal;

-- name: registers
SELECT kind, id, body FROM registers ORDER BY kind, id;

-- name: subscriptions
SELECT subscription_id, principal_id, filter FROM subscriptions ORDER BY place;

-- name: incarnations
SELECT started_utc, note FROM incarnations ORDER BY number;
