-- Locks rows of users. $1 tenants, $2 users
SELECT a.tenant_id, a.user_id, a.folded_id, a.exact_id, a.version, a.form, a.key_id, a.record, a.email_tag, a.methods,
    a.last_failure_at
FROM unnest($1::text[], $2::text[]) AS n (tenant_id, user_id)
    JOIN accounts a ON a.tenant_id = n.tenant_id AND a.user_id = n.user_id
ORDER BY a.tenant_id, a.user_id FOR NO KEY UPDATE OF a
