-- Takes a notice that is due by a channel, the oldest there of its user, until a lease runs out. Another process takes
-- another. $1 the channel, $2 now, $3 the lease's end
UPDATE outbox SET attempts = attempts + 1, due_at = $3
WHERE position = (
    SELECT o.position FROM outbox o
    WHERE o.channel = $1 AND o.due_at <= $2 AND o.dead_at IS NULL
        AND NOT EXISTS (SELECT 1 FROM outbox e WHERE e.subject = o.subject AND e.channel = o.channel
            AND e.dead_at IS NULL AND (e.turn, e.position) < (o.turn, o.position))
        AND NOT EXISTS (SELECT 1 FROM alerts a WHERE a.subject = o.subject AND a.turn < o.turn)
    ORDER BY o.due_at, o.position LIMIT 1 FOR UPDATE OF o SKIP LOCKED)
RETURNING position, notice_id, subject, channel, sealed, attempts - 1 AS attempts, queued_at, dead_at, death
