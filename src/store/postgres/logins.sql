-- Users of a tenant with this id, or with this verified address, each by its index. $1 tenant, $2 user, $3 digest of the
-- address, $4 how many
SELECT user_id FROM accounts WHERE tenant_id = $1 AND user_id = $2
UNION SELECT user_id FROM accounts WHERE tenant_id = $1 AND email_tag = $3
ORDER BY user_id LIMIT $4
