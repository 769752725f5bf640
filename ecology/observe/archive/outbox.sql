-- The archive's reading of a run's database. `?` in IN (...) lists arrive as a JSON array.

-- name: last_sequence
SELECT coalesce(max(sequence), 0) FROM events;

-- name: changes
SELECT e.sequence, e.body, r.content
FROM events e LEFT JOIN revisions r ON r.sequence = e.sequence
WHERE e.sequence > ?1 AND e.sequence <= ?2 AND e.type IN (SELECT value FROM json_each(?3))
ORDER BY e.sequence;

-- name: count_changes
SELECT count(*), coalesce(max(sequence), 0)
FROM events WHERE sequence <= ?1 AND type IN (SELECT value FROM json_each(?2));

-- name: heads
SELECT id, content FROM artifacts WHERE NOT deleted ORDER BY id;
