-- What an observer reads of a shared world, and the little that it takes out of it. It waits for no writer.

-- name: vitals
-- One statement, so that all of it is of one moment. The last two are of the oldest revision that waits for the archive.
SELECT h.number, h.sequence, h.time_ns, h.members, h.ended,
       (SELECT extract(epoch FROM clock_timestamp() - c.committed_at)::double precision
        FROM commits AS c WHERE c.number = h.number),
       w.sequence, w.time_ns
FROM world_head AS h
LEFT JOIN events AS w ON w.sequence = (SELECT min(r.sequence) FROM revisions AS r);

-- name: last_sequence
SELECT sequence FROM world_head;

-- name: bodies_after
SELECT sequence, body FROM events WHERE sequence > $1 ORDER BY sequence LIMIT $2;

-- name: changes
-- Events of the given types with the contents that wait for the archive: all up to $2, or as many as reach $4 bytes.
SELECT sequence, body, content
FROM (
    SELECT e.sequence, e.body, r.content,
           sum(octet_length(r.content)) OVER (ORDER BY e.sequence ROWS UNBOUNDED PRECEDING EXCLUDE CURRENT ROW) AS before
    FROM events AS e LEFT JOIN revisions AS r ON r.sequence = e.sequence
    WHERE e.sequence > $1 AND e.sequence <= $2 AND e.type = ANY ($3::text[])
) AS found
WHERE coalesce(before, 0) < $4
ORDER BY sequence;

-- name: give_up_revisions
-- Only by who holds the lease, which nobody can take meanwhile: 1, or 0 if it was lost. What was given up before is left
-- out of the range, for the dead rows there would have to be passed over each time.
WITH mine AS (
    SELECT generation FROM leases
    WHERE name = $1 AND holder = $2 AND generation = $3 AND expires > clock_timestamp()
    FOR SHARE
),
gone AS (
    DELETE FROM revisions WHERE sequence > $4 AND sequence <= $5 AND EXISTS (SELECT FROM mine)
)
SELECT count(*) FROM mine;
