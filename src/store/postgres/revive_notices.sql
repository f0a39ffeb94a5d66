-- Brings dead notices back, as if they had been queued now. $1 now, $2 which one; all if there is none. Gives how many.
WITH revived AS (
    UPDATE outbox SET dead_at = NULL, death = NULL, attempts = 0, queued_at = $1
    WHERE dead_at IS NOT NULL AND ($2::bytea IS NULL OR notice_id = $2) RETURNING subject, channel, position
), queues AS (
    INSERT INTO outbox_queues (subject, channel, due_at, position)
    SELECT subject, channel, $1, min(position) FROM revived GROUP BY subject, channel ORDER BY subject, channel
    ON CONFLICT (subject, channel) DO UPDATE SET due_at =
        CASE WHEN outbox_queues.claimed_notice IS NULL THEN least(outbox_queues.due_at, excluded.due_at)
            ELSE outbox_queues.due_at END
)
SELECT count(*) FROM revived
