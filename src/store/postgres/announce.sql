-- Replaces an alert by notices, if it and its user are still there. The lock keeps the user from being erased meanwhile.
-- $1 tenant, $2 user, $3 the alert, $4 to $9 the notices. Gives how many alerts it took away.
WITH account AS MATERIALIZED (
    SELECT 1 FROM accounts WHERE tenant_id = $1 AND user_id = $2 FOR KEY SHARE
), taken AS (
    DELETE FROM alerts WHERE position = $3 AND EXISTS (SELECT 1 FROM account) RETURNING 1
), queued AS (
    INSERT INTO outbox (notice_id, subject, turn, channel, sealed, queued_at, due_at)
    SELECT n.notice_id, n.subject, n.turn, n.channel, n.sealed, n.at, n.at
    FROM taken, unnest($4::bytea[], $5::bytea[], $6::bigint[], $7::text[], $8::bytea[], $9::bigint[])
        AS n (notice_id, subject, turn, channel, sealed, at)
)
SELECT count(*) FROM taken
