-- Replaces an alert by notices, if it and its user are still there. The lock keeps the user from being erased meanwhile.
-- $1 tenant, $2 user, $3 the alert, $4 to $9 the notices. Gives how many alerts it took away.
WITH account AS MATERIALIZED (
    SELECT 1 FROM accounts WHERE tenant_id = $1 AND user_id = $2 FOR KEY SHARE
), taken AS (
    DELETE FROM alerts WHERE position = $3 AND EXISTS (SELECT 1 FROM account) RETURNING 1
), queued AS (
    INSERT INTO outbox (notice_id, subject, turn, channel, sealed, queued_at)
    SELECT n.* FROM taken, unnest($4::bytea[], $5::bytea[], $6::bigint[], $7::text[], $8::bytea[], $9::bigint[])
        AS n (notice_id, subject, turn, channel, sealed, at)
    RETURNING subject, channel, queued_at, position
), queues AS (
    INSERT INTO outbox_queues (subject, channel, due_at, position)
    SELECT subject, channel, min(queued_at), min(position) FROM queued GROUP BY subject, channel ORDER BY subject, channel
    ON CONFLICT (subject, channel) DO UPDATE SET held = false,
        due_at = CASE WHEN outbox_queues.held THEN excluded.due_at ELSE outbox_queues.due_at END
)
SELECT count(*) FROM taken
