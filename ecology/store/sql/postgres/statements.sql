-- name: schema_exists
-- Not by to_regclass: inside a transaction it may not yet know of a table that another process has just committed.
SELECT count(*) > 0
FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relname = 'world_schema' AND c.relkind = 'r' AND n.nspname = ANY (current_schemas(FALSE));

-- name: schema_version
SELECT coalesce(max(version), 0) FROM world_schema;

-- name: add_schema_version
INSERT INTO world_schema (version) VALUES ($1);

-- name: lock_schema
-- Let go of at the end of the transaction, so that no session has to keep it.
SELECT pg_advisory_xact_lock(7310579110235);

-- name: lock_head
-- Settings are LOCAL: a pooler may give the next transaction another server. The server itself ends the transaction of a
-- node that was paused or cut off while it held the lock, so that the others go on before its lease has run out.
BEGIN ISOLATION LEVEL READ COMMITTED;
SET LOCAL idle_in_transaction_session_timeout = '4s';
SET LOCAL lock_timeout = '5s';
SELECT 1 FROM world_head FOR UPDATE;

-- name: end_stalled
-- Who was paused between two messages of one statement (prepared, not yet executed) is not idle to the server, which would
-- wait for it with the lock held. Whoever gives the server nothing to do in any other way is left to that, or is a person.
SELECT count(pg_terminate_backend(a.pid))
FROM pg_locks AS l
JOIN pg_stat_activity AS a ON a.pid = l.pid AND a.datname = current_database()
WHERE l.relation = 'world_head'::regclass AND l.mode = 'RowShareLock' AND l.granted
  AND a.state = 'active' AND a.wait_event = 'ClientRead' AND a.state_change < clock_timestamp() - interval '4 s';

-- name: head
SELECT number, sequence, time_ns, seal, origin_us, members, ended FROM world_head;

-- name: head_and_commits
-- One statement, so that both are of one moment: the head on every row, and on each a commit, or none at all.
SELECT h.number, h.sequence, h.time_ns, h.seal, h.origin_us, h.members, h.ended,
       c.number, c.node, c.generation, c.payload
FROM world_head AS h LEFT JOIN commits AS c ON c.number > $1
ORDER BY c.number;

-- name: get_meta
SELECT value FROM meta WHERE name = $1;

-- name: put_meta
INSERT INTO meta (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value;

-- name: add_incarnation
INSERT INTO incarnations (started_utc, note) VALUES ($1, $2);

-- name: clock_us
SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint;

-- name: content_of
SELECT content FROM artifacts WHERE id = $1;

-- name: prune
-- In order and past what another observer is just at, so that two do not wait for each other.
UPDATE commits SET payload = NULL
WHERE number IN (
    SELECT number FROM commits
    WHERE payload IS NOT NULL AND number < $1 AND committed_at < clock_timestamp() - $2 * interval '1 second'
    ORDER BY number LIMIT $3 FOR UPDATE SKIP LOCKED
);

-- name: all_artifacts
SELECT created_sequence, id, type, format, created_by, owner, bearer, contract, title, depends_on, metadata, interface,
       revision, size_bytes, created_ns, updated_ns, deleted, standing, contract_state
FROM artifacts ORDER BY created_sequence;

-- name: all_agents
SELECT a.ordinal, a.id, a.status, a.reason, a.turn, a.failures, a.config_revision, a.wake_ns, a.due_ns, a.waiting_on,
       a.sleep, a.llm_level_nano, a.llm_updated_ns, a.cpu_level_nano, a.cpu_updated_ns, a.disk_used, a.inbox, a.missed,
       a.mind, h.content
FROM agents AS a JOIN artifacts AS h ON h.id = a.id ORDER BY a.ordinal;

-- name: all_subscriptions
SELECT subscription_id, principal_id, filter FROM subscriptions ORDER BY place;

-- name: all_records
SELECT kind, body FROM registers ORDER BY kind COLLATE "C", id COLLATE "C";

-- name: event_bodies_of
SELECT sequence, body FROM events WHERE sequence = ANY ($1::bigint[]);

-- name: acquire
-- A lease that is free, has run out, or is the holder's own.
INSERT INTO leases AS old (name, holder, generation, expires, note)
VALUES ($1, $2, nextval('lease_generations'), clock_timestamp() + $3 * interval '1 second', $4)
ON CONFLICT (name) DO UPDATE SET
    holder = excluded.holder, generation = excluded.generation, expires = excluded.expires, note = excluded.note
WHERE old.expires <= clock_timestamp() OR old.holder = excluded.holder
RETURNING generation;

-- name: renew
-- What has run out stays so, even if nobody has taken it yet: somebody may have seen it and act on that.
UPDATE leases SET expires = clock_timestamp() + $4 * interval '1 second'
WHERE name = $1 AND holder = $2 AND generation = $3 AND expires > clock_timestamp()
RETURNING generation;

-- name: release
DELETE FROM leases WHERE name = $1 AND holder = $2 AND generation = $3 RETURNING generation;

-- name: leases
SELECT name, holder, generation, extract(epoch FROM expires - clock_timestamp())::double precision, note
FROM leases WHERE starts_with(name, $1) ORDER BY name COLLATE "C";

-- name: census
-- How the agents stand: all, those that wait for something, those asleep, turns begun so far; and the supply of scrip.
SELECT count(*), count(*) FILTER (WHERE waiting_on IS NOT NULL OR status = 'blocked'),
       count(*) FILTER (WHERE status = 'asleep'), coalesce(sum(turn), 0)::bigint,
       (SELECT coalesce(-sum(balance), 0)::bigint FROM ledger_accounts WHERE issuer AND asset = 'scrip')
FROM agents;
