-- Ends challenges of a user, and adds the event if one of them was open. The lock keeps the user from being erased
-- meanwhile, and from nothing else. $1 tenant, $2 user, $3 to $5 endings, $6 to $13 the event, if any
WITH account AS MATERIALIZED (
    SELECT tenant_id, user_id FROM accounts WHERE tenant_id = $1 AND user_id = $2 FOR KEY SHARE
), ended AS (
    INSERT INTO ended_challenges (tenant_id, user_id, challenge_id, ended_at, ending)
    SELECT account.tenant_id, account.user_id, n.challenge_id, n.ended_at, n.ending
    FROM account, unnest($3::bytea[], $4::bigint[], $5::bytea[]) AS n (challenge_id, ended_at, ending)
    ORDER BY n.challenge_id
    ON CONFLICT (tenant_id, user_id, challenge_id) DO NOTHING
    RETURNING 1
)
INSERT INTO events (event_id, tenant_id, subject, kind, caller, at, details, personal)
SELECT n.* FROM account, unnest($6::bytea[], $7::text[], $8::bytea[], $9::text[], $10::text[], $11::bigint[], $12::text[],
    $13::bytea[]) AS n
WHERE EXISTS (SELECT 1 FROM ended)
