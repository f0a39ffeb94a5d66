-- Users of a tenant with this id, or with this address where it is verified, each by its index. $1 tenant, $2 user,
-- $3 digest of the address, $4 how many
SELECT user_id FROM users WHERE tenant_id = $1 AND user_id = $2
UNION SELECT user_id FROM users WHERE tenant_id = $1 AND email_tag = $3 AND email_verified = 1
ORDER BY user_id LIMIT $4
