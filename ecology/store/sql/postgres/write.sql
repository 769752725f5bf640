-- The parts of the one statement that writes a commit: those that are needed are joined by WITH, their parameters
-- numbered anew. Parts see the state before the statement and touch different rows.

-- name: put_head
UPDATE world_head SET number = $1, sequence = $2, time_ns = $3, seal = $4, origin_us = $5, members = $6, ended = $7;

-- name: add_commit
INSERT INTO commits (number, node, generation, first_sequence, last_sequence, time_ns, payload)
VALUES ($1, $2, $3, $4, $5, $6, $7);

-- name: add_seal
INSERT INTO seals (last_sequence, sha256) VALUES ($1, $2);

-- name: add_events
INSERT INTO events (sequence, time_ns, type, principal_id, turn_id, body)
SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::bytea[]);

-- name: put_artifacts
INSERT INTO artifacts AS old (created_sequence, id, type, format, created_by, owner, bearer, contract, title, depends_on,
                              metadata, interface, revision, size_bytes, created_ns, updated_ns, deleted, standing,
                              contract_state, content)
SELECT created_sequence, id, type, format, created_by, owner, bearer, contract, title, depends_on, metadata, interface,
       revision, size_bytes, created_ns, updated_ns, deleted = 1, standing = 1, contract_state, content
FROM unnest(
    $1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[],
    $10::bytea[], $11::bytea[], $12::bytea[], $13::bigint[], $14::bigint[], $15::bigint[], $16::bigint[],
    $17::integer[], $18::integer[], $19::text[], $20::bytea[]
) AS new (created_sequence, id, type, format, created_by, owner, bearer, contract, title, depends_on, metadata, interface,
          revision, size_bytes, created_ns, updated_ns, deleted, standing, contract_state, content)
ON CONFLICT (created_sequence) DO UPDATE SET
    type = excluded.type, format = excluded.format, owner = excluded.owner, bearer = excluded.bearer,
    contract = excluded.contract, title = excluded.title, depends_on = excluded.depends_on,
    metadata = excluded.metadata, interface = excluded.interface, revision = excluded.revision,
    size_bytes = excluded.size_bytes, updated_ns = excluded.updated_ns, deleted = excluded.deleted,
    standing = excluded.standing, contract_state = excluded.contract_state, content = excluded.content;

-- name: move_artifacts
UPDATE artifacts AS old
SET owner = new.owner, bearer = new.bearer, revision = new.revision, updated_ns = new.updated_ns,
    size_bytes = new.size_bytes, contract_state = new.contract_state
FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[], $6::text[], $7::bigint[])
    AS new (owner, bearer, revision, updated_ns, size_bytes, contract_state, created_sequence)
WHERE old.created_sequence = new.created_sequence;

-- name: add_revisions
INSERT INTO revisions (sequence, artifact_id, revision, content)
SELECT * FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::bytea[]);

-- name: put_agents
INSERT INTO agents (ordinal, id, status, reason, turn, failures, config_revision, wake_ns, due_ns, waiting_on, sleep,
                    llm_level_nano, llm_updated_ns, cpu_level_nano, cpu_updated_ns, disk_used, inbox, missed, mind)
SELECT * FROM unnest(
    $1::bigint[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[],
    $9::bigint[], $10::text[], $11::bytea[], $12::bigint[], $13::bigint[], $14::bigint[], $15::bigint[],
    $16::bigint[], $17::bytea[], $18::bigint[], $19::bytea[]
)
ON CONFLICT (ordinal) DO UPDATE SET
    status = excluded.status, reason = excluded.reason, turn = excluded.turn, failures = excluded.failures,
    config_revision = excluded.config_revision, wake_ns = excluded.wake_ns, due_ns = excluded.due_ns,
    waiting_on = excluded.waiting_on, sleep = excluded.sleep, llm_level_nano = excluded.llm_level_nano,
    llm_updated_ns = excluded.llm_updated_ns, cpu_level_nano = excluded.cpu_level_nano,
    cpu_updated_ns = excluded.cpu_updated_ns, disk_used = excluded.disk_used, inbox = excluded.inbox,
    missed = excluded.missed, mind = excluded.mind;

-- name: drop_subscriptions
DELETE FROM subscriptions WHERE subscription_id = ANY ($1::text[]);

-- name: add_subscriptions
INSERT INTO subscriptions (subscription_id, principal_id, filter)
SELECT subscription_id, principal_id, filter
FROM unnest($1::text[], $2::text[], $3::bytea[]) WITH ORDINALITY AS new (subscription_id, principal_id, filter, place)
ORDER BY place;

-- name: put_records
INSERT INTO registers (kind, id, body)
SELECT * FROM unnest($1::text[], $2::text[], $3::bytea[])
ON CONFLICT (kind, id) DO UPDATE SET body = excluded.body;

-- name: drop_records
DELETE FROM registers AS old
USING unnest($1::text[], $2::text[]) AS gone (kind, id)
WHERE old.kind = gone.kind AND old.id = gone.id;
