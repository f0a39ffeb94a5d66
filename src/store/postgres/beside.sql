-- What lies beside the rows of users, one row for each that is asked for, in that order.
-- $1 tenants, $2 users, $3 challenges, $4 digests of idempotency keys
SELECT EXISTS (SELECT 1 FROM accounts a WHERE a.tenant_id = n.tenant_id AND a.user_id = n.user_id) AS has_account,
    (SELECT e.ending FROM ended_challenges e
        WHERE e.tenant_id = n.tenant_id AND e.user_id = n.user_id AND e.challenge_id = n.challenge_id) AS ending,
    EXISTS (SELECT 1 FROM idempotency_records i WHERE i.key_digest = n.key_digest) AS has_idempotency_record,
    (SELECT current_timeline()) AS timeline, (SELECT s.writes_form FROM database_state s) AS writes_form
FROM unnest($1::text[], $2::text[], $3::bytea[], $4::bytea[])
    WITH ORDINALITY AS n (tenant_id, user_id, challenge_id, key_digest, place)
ORDER BY n.place
