-- Claims the oldest notice of each queue. The queues are locked, by a statement before this one: what was queued until then
-- is seen here. A queue without a notice goes; one whose oldest notice is younger than an alert of its user is held.
-- $1 the channel, $2 the queues, $3 the end of the lease, $4 until when queues are held
WITH heads AS MATERIALIZED (
    SELECT due.subject, head.position, head.notice_id,
        EXISTS (SELECT 1 FROM alerts a WHERE a.subject = due.subject AND a.turn < head.turn) AS held
    FROM unnest($2::bytea[]) AS due (subject) LEFT JOIN LATERAL (
        SELECT o.position, o.turn, o.notice_id FROM outbox o
        WHERE o.subject = due.subject AND o.channel = $1 AND o.dead_at IS NULL
        ORDER BY o.turn, o.position LIMIT 1) head ON true
), emptied AS (
    DELETE FROM outbox_queues q USING heads h
    WHERE q.subject = h.subject AND q.channel = $1 AND h.position IS NULL
), moved AS (
    UPDATE outbox_queues q SET held = h.held,
        due_at = CASE WHEN h.held THEN $4::bigint ELSE $3::bigint END,
        claimed_notice = CASE WHEN h.held THEN NULL ELSE h.notice_id END
    FROM heads h WHERE q.subject = h.subject AND q.channel = $1 AND h.position IS NOT NULL
)
UPDATE outbox o SET attempts = attempts + 1 FROM heads h WHERE o.position = h.position AND NOT h.held
RETURNING o.position, o.notice_id, o.subject, o.channel, o.sealed, o.attempts - 1 AS attempts, o.queued_at, o.dead_at, o.death
