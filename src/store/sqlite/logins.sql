-- Users of a tenant with this id or this address. $1 tenant, $2 user, $3 digest of the address, $4 how many
SELECT user_id FROM users WHERE tenant_id = $1 AND (user_id = $2 OR email_tag = $3) ORDER BY user_id LIMIT $4
