-- A user, with what lies beside and the server's timeline: one row, whether or not there is such a user.
-- $1 tenant, $2 user, $3 digest of an idempotency key, $4 challenge
SELECT a.tenant_id, a.user_id, a.folded_id, a.exact_id, a.version, a.form, a.key_id, a.record, a.profile, a.email_tag,
    a.methods, a.last_failure_at,
    (SELECT p.layer FROM policies p WHERE p.tenant_id = $1) AS layer,
    (SELECT i.record FROM idempotency_records i WHERE i.key_digest = $3) AS idempotency,
    (SELECT e.ending FROM ended_challenges e
        WHERE e.tenant_id = $1 AND e.user_id = $2 AND e.challenge_id = $4) AS challenge_ending,
    current_timeline() AS timeline
FROM (SELECT 1) one LEFT JOIN accounts a ON a.tenant_id = $1 AND a.user_id = $2
