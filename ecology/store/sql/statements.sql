-- Upserts say `?3` where they could say `excluded.type`: apsw goes through a statement's text for every row.

-- name: add_event
INSERT INTO events (sequence, time_ns, type, principal_id, turn_id, body) VALUES (?, ?, ?, ?, ?, ?);

-- name: add_seal
INSERT INTO seals (last_sequence, sha256) VALUES (?, ?);

-- name: last_seal
SELECT sha256 FROM seals ORDER BY last_sequence DESC LIMIT 1;

-- name: put_artifact
INSERT INTO artifacts (created_sequence, id, type, format, created_by, owner, bearer, contract, title, depends_on,
                       metadata, interface, revision, size_bytes, created_ns, updated_ns, deleted, standing,
                       contract_state, content)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (created_sequence) DO UPDATE SET
    (type, format, owner, bearer, contract, title, depends_on, metadata, interface, revision, size_bytes, updated_ns,
     deleted, standing, contract_state, content)
    = (?3, ?4, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?16, ?17, ?18, ?19, ?20);

-- name: move_artifact
UPDATE artifacts SET owner = ?, bearer = ?, revision = ?, updated_ns = ?, size_bytes = ?, contract_state = ?
WHERE created_sequence = ?;

-- name: add_revision
INSERT INTO revisions (sequence, artifact_id, revision, content) VALUES (?, ?, ?, ?);

-- name: drop_revisions
DELETE FROM revisions WHERE sequence <= ?;

-- name: put_agent
UPDATE agents SET
    (status, reason, turn, failures, config_revision, wake_ns, due_ns, waiting_on, sleep, llm_level_nano,
     llm_updated_ns, cpu_level_nano, cpu_updated_ns, disk_used, inbox, missed, mind)
    = (?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19)
WHERE ordinal = ?1;

-- name: add_agent
INSERT INTO agents (ordinal, id, status, reason, turn, failures, config_revision, wake_ns, due_ns, waiting_on, sleep,
                    llm_level_nano, llm_updated_ns, cpu_level_nano, cpu_updated_ns, disk_used, inbox, missed, mind)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (ordinal) DO NOTHING;

-- name: add_subscription
INSERT INTO subscriptions (subscription_id, principal_id, filter) VALUES (?, ?, ?);

-- name: drop_subscription
DELETE FROM subscriptions WHERE subscription_id = ?;

-- name: put_record
INSERT INTO registers (kind, id, body) VALUES (?, ?, ?) ON CONFLICT (kind, id) DO UPDATE SET body = excluded.body;

-- name: drop_record
DELETE FROM registers WHERE kind = ? AND id = ?;

-- name: records_of
SELECT body FROM registers WHERE kind = ? ORDER BY id;

-- name: get_meta
SELECT value FROM meta WHERE name = ?;

-- name: put_meta
INSERT INTO meta (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value;

-- name: add_incarnation
INSERT INTO incarnations (started_utc, note) VALUES (?, ?);

-- name: all_artifacts
SELECT created_sequence, id, type, format, created_by, owner, bearer, contract, title, depends_on, metadata, interface,
       revision, size_bytes, created_ns, updated_ns, deleted, standing, contract_state
FROM artifacts ORDER BY created_sequence;

-- name: all_agents
SELECT a.ordinal, a.id, a.status, a.reason, a.turn, a.failures, a.config_revision, a.wake_ns, a.due_ns, a.waiting_on,
       a.sleep, a.llm_level_nano, a.llm_updated_ns, a.cpu_level_nano, a.cpu_updated_ns, a.disk_used, a.inbox, a.missed,
       a.mind, h.content
FROM agents a JOIN artifacts h ON h.id = a.id ORDER BY a.ordinal;

-- name: all_subscriptions
SELECT subscription_id, principal_id, filter FROM subscriptions ORDER BY place;

-- name: event_bodies_of
SELECT sequence, body FROM events WHERE sequence IN (SELECT value FROM json_each(?));

-- name: content_of
SELECT content FROM artifacts WHERE id = ?;

-- name: last_sequence
SELECT coalesce(max(sequence), 0) FROM events;

-- name: last_type
SELECT type FROM events ORDER BY sequence DESC LIMIT 1;

-- name: bodies_after
SELECT sequence, body FROM events WHERE sequence > ? ORDER BY sequence;
