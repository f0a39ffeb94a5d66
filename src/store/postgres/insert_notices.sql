-- Queues notices. A queue that exists keeps its time, and its row is locked until the commit: a transaction that empties the
-- queue sees these notices, or waits for them. $1 to $6 one array per column
WITH queued AS (
    INSERT INTO outbox (notice_id, subject, turn, channel, sealed, queued_at)
    SELECT * FROM unnest($1::bytea[], $2::bytea[], $3::bigint[], $4::text[], $5::bytea[], $6::bigint[])
    RETURNING subject, channel, queued_at, position
)
INSERT INTO outbox_queues (subject, channel, due_at, position)
SELECT subject, channel, min(queued_at), min(position) FROM queued GROUP BY subject, channel ORDER BY subject, channel
ON CONFLICT (subject, channel) DO UPDATE SET due_at = outbox_queues.due_at
