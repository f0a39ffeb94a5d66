-- The slow hash of an unused recovery code. $1 tenant, $2 user, $3 slot
SELECT json_build_object('set', encode(u.recovery_set, 'hex'), 'hash', r.hash)::text
FROM recovery_codes r JOIN users u USING (tenant_id, user_id)
WHERE r.tenant_id = $1 AND r.user_id = $2 AND r.slot = $3 AND r.used_at IS NULL
