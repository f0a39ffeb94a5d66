-- A page of a tenant's users, by their ids in small letters, as one JSON document. What `load.sql` says of an account
-- takes the place that is marked.
-- $1 tenant, $2 behind which user, $3 how many, $4 since when failures count, $5 since when those at recovery codes
-- count, $6 and $7 between which small letters, $8 the small letters of $2, $9 what has to be seen of a user, a sum:
-- 1 nothing, 2 no method, 4 methods and no strong one, 8 a failure, 16 a method that is disabled or suspended
SELECT json_object(
    'tenant_layer', (SELECT layer FROM policies WHERE tenant_id = $1),
    'users', json((SELECT json_group_array(json_object('user_id', u.user_id, 'account', json(CASE WHEN
        ($9 & 1) <> 0
        OR (($9 & 2) <> 0 AND NOT EXISTS (SELECT 1 FROM methods m
            WHERE m.tenant_id = u.tenant_id AND m.user_id = u.user_id))
        OR (($9 & 4) <> 0 AND EXISTS (SELECT 1 FROM methods m
                WHERE m.tenant_id = u.tenant_id AND m.user_id = u.user_id)
            AND NOT EXISTS (SELECT 1 FROM methods m WHERE m.tenant_id = u.tenant_id AND m.user_id = u.user_id
                AND m.kind NOT IN ('SMS', 'EMAIL')))
        OR (($9 & 8) <> 0 AND EXISTS (SELECT 1 FROM failures f
            WHERE f.tenant_id = u.tenant_id AND f.user_id = u.user_id AND f.at > $4))
        OR (($9 & 16) <> 0 AND EXISTS (SELECT 1 FROM methods m
            WHERE m.tenant_id = u.tenant_id AND m.user_id = u.user_id AND (m.disabled <> 0 OR m.suspended <> 0)))
        THEN {account}
        ELSE 'null' END)))
    FROM (SELECT * FROM users
        WHERE tenant_id = $1 AND folded_id >= $6 AND folded_id < $7 AND (folded_id, user_id) > ($8, $2)
        ORDER BY folded_id, user_id LIMIT $3) u)))
