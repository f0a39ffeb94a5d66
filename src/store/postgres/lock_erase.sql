-- Locks rows of users that are to be erased. $1 tenants, $2 users, $3 whose profile is read, too
SELECT a.tenant_id, a.user_id, a.skeleton, a.exact_id, a.version, a.form, a.key_id, a.record, a.email_tag, a.methods,
    a.last_failure_at, CASE WHEN n.reads_profile THEN a.profile END AS profile
FROM unnest($1::text[], $2::text[], $3::boolean[]) AS n (tenant_id, user_id, reads_profile)
    JOIN accounts a ON a.tenant_id = n.tenant_id AND a.user_id = n.user_id
ORDER BY a.tenant_id, a.user_id FOR UPDATE OF a
