-- A page of a tenant's users, by their ids in small letters. A user whom the columns rule out comes without a record.
-- $1 tenant, $2 behind which user, $3 how many, $4 since when failures count, $5 and $6 between which small letters,
-- $7 the small letters of $2, $8 what has to be seen of a user, a sum: 1 nothing, 2 no method, 4 methods and no TOTP,
-- 8 a failure, 16 a method that is disabled or suspended
SELECT u.tenant_id, u.user_id, u.skeleton, u.exact_id, u.version, u.form, u.key_id, u.email_tag, u.methods,
    u.last_failure_at, u.is_shown,
    CASE WHEN u.is_shown THEN u.record END AS record,
    CASE WHEN u.is_shown THEN u.profile END AS profile
FROM (
    SELECT a.*,
        ($8 & 1) <> 0
        OR (($8 & 2) <> 0 AND (a.methods & 7) = 0)
        OR (($8 & 4) <> 0 AND (a.methods & 7) <> 0 AND (a.methods & 1) = 0)
        OR (($8 & 8) <> 0 AND coalesce(a.last_failure_at > $4, false))
        OR (($8 & 16) <> 0 AND (a.methods & 8) <> 0) AS is_shown
    FROM accounts a
    WHERE a.tenant_id = $1 AND a.skeleton >= $5 AND a.skeleton < $6 AND (a.skeleton, a.user_id) > ($7, $2)
    ORDER BY a.skeleton, a.user_id LIMIT $3
) u
ORDER BY u.skeleton, u.user_id
