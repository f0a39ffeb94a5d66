-- Users, with what lies beside and the server's timeline: a row for each of `loads`, in their order, whether or not there
-- is such a user. A key or a challenge that is not asked for is NULL, for which no index is searched.
SELECT a.tenant_id, a.user_id, a.skeleton, a.exact_id, a.version, a.form, a.key_id, a.record, a.profile, a.email_tag,
    a.methods, a.last_failure_at,
    (SELECT p.layer FROM policies p WHERE p.tenant_id = n.tenant_id) AS layer,
    (SELECT i.record FROM idempotency_records i WHERE i.key_digest = n.key_digest) AS idempotency,
    (SELECT e.ending FROM ended_challenges e
        WHERE e.tenant_id = n.tenant_id AND e.user_id = n.user_id AND e.challenge_id = n.challenge_id) AS challenge_ending,
    (SELECT current_timeline()) AS timeline
FROM loads n LEFT JOIN accounts a ON a.tenant_id = n.tenant_id AND a.user_id = n.user_id
ORDER BY n.place
